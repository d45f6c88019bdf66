"""The observed arm: records and SLA states of what really happened, in the shape of a replay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import Operations
from triage_lab.replay.arrays import NEVER
from triage_lab.replay.frames import minutes, nullable, read_history, stamps_of
from triage_lab.replay.promises import Stops, make_clocks, make_promises, sla_states
from triage_lab.replay.records import misroute_columns
from triage_lab.replay.service import handle_seconds


def observe(
    history: pl.DataFrame,
    *,
    cutoff: int,
    operations: Operations | None,
    sla_masks: Mapping[str, npt.NDArray[np.bool_]],
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Write history as records, judged by the same promises as a replayed arm.

    Parameters
    ----------
    history : polars.DataFrame
        In ticket order.
    cutoff : int, UTC seconds
        What was recorded later counts as not yet known.
    operations : Operations or None
        None: only the tickets' own ``due_at`` is judged.
    sla_masks : mapping of SLA target id to bool array, shape (n,)

    Returns
    -------
    records : polars.DataFrame
        The columns of a played arm. ``started_at`` is the first human action. ``wait_minutes`` is the time from
        owner to start, and NULL where the ticket was handed off: a log does not tell the visits to single queues.
    sla_states : polars.DataFrame or None
        None if nothing is promised. The acknowledge clock stops at ``acknowledged_at``, or at the first human
        action if that came first.

    Raises
    ------
    ReplayError
        A frame or mask that is not as promised, or a calendar that never opens.
    """
    frame = read_history(history, cutoff)
    stamps = {
        name: _by_cutoff(frame[name], cutoff)
        for name in ("owned_at", "first_action_at", "first_human_action_at", "acknowledged_at", "resolved_at")
    }
    acknowledged, human = stamps["acknowledged_at"], stamps["first_human_action_at"]
    earliest = np.where(
        (acknowledged == NEVER) | (human == NEVER), np.maximum(acknowledged, human), np.minimum(acknowledged, human)
    )
    arrived = frame["arrived_at"].to_numpy().astype(np.int64)
    promises = make_promises(operations, arrived, stamps_of(frame["due_at"]), sla_masks)
    stops = Stops(stamps["first_action_at"], human, earliest, stamps["resolved_at"])
    states = sla_states(make_clocks(promises, arrived), stops, cutoff) if promises else None
    return _records(frame, {**stamps, "acknowledged_at": earliest}, cutoff), states


def _by_cutoff(series: pl.Series, cutoff: int) -> npt.NDArray[np.int64]:
    """Return stamps, NEVER where unknown or later than the cutoff."""
    stamps = stamps_of(series)
    return np.where(stamps > cutoff, NEVER, stamps)


def _records(frame: pl.DataFrame, stamps: Mapping[str, npt.NDArray[np.int64]], cutoff: int) -> pl.DataFrame:
    """Write the records frame of the observed arm."""
    known = frame.drop(stamps.keys()).with_columns(
        pl.col("first_team_id").alias("owner_team"), *(nullable(name, values) for name, values in stamps.items())
    )
    resolved = pl.col("resolved_at").is_not_null()
    handled = handle_seconds(frame["handle_minutes"].fill_null(float("nan")).to_numpy().astype(np.float64))
    started, owned = stamps["first_human_action_at"], stamps["owned_at"]
    visits_known = (started != NEVER) & (owned != NEVER) & (frame["handoffs"].fill_null(0) == 0).to_numpy()
    return known.select(
        "owner_team",
        pl.col("resolver_team_id").alias("resolver_team"),
        "arrived_at",
        "owned_at",
        pl.col("first_human_action_at").alias("started_at"),
        "first_action_at",
        "first_human_action_at",
        "acknowledged_at",
        "resolved_at",
        minutes("wait_minutes", started - owned, visits_known),
        minutes("handle_minutes", handled, (stamps["resolved_at"] != NEVER) & (handled > 0)),
        pl.col("handoffs").cast(pl.Int32()),
        pl.col("escalations").cast(pl.Int32()),
        *misroute_columns(),
        pl.when(~resolved).then(pl.lit(cutoff, dtype=pl.Int64())).alias("censored_at"),
    )
