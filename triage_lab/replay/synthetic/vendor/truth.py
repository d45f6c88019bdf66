"""The desk's truth under the help desk's ticket numbers."""

from __future__ import annotations

import polars as pl

from triage_lab.replay.synthetic.desk import Desk
from triage_lab.replay.synthetic.vendor.people import staff_of
from triage_lab.replay.synthetic.vendor.zendesk import ticket_ids

_EXPORTED = ("tickets", "ticket_events")  # the only tables whose planted faults a vendor export can hold


def vendor_truth(desk: Desk) -> dict[str, pl.DataFrame]:
    """Return tickets, waits, enrichment, duplicates, faults and agents.

    Parameters
    ----------
    desk : Desk

    Returns
    -------
    dict of str to polars.DataFrame
        As in ``desk.truth``, with the numbers that the help desk gives to tickets; ``faults`` names only what the
        exports hold. ``agents`` has user_id (the help desk's), agent_id and team_id.
    """
    frames = {
        name: frame.with_columns(
            ticket_ids(frame[column]) for column in ("ticket_id", "duplicate_of") if column in frame.columns
        )
        for name, frame in desk.truth.items()
    }
    faults = frames["faults"].filter(pl.col("table").is_in(list(_EXPORTED)))
    frames["faults"] = faults.with_columns(ticket_ids(faults["key"]))
    frames["agents"] = staff_of(desk.tables["ticket_events"]).agents
    return frames
