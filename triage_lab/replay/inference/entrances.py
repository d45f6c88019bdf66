"""Inboxes: where tickets come in, by which channel, and who owns them first."""

from __future__ import annotations

import re

import polars as pl

from triage_lab.domain.desk import Inbox
from triage_lab.domain.errors import ReplayError
from triage_lab.replay.inference.activity import Log
from triage_lab.replay.inference.findings import InferredInbox
from triage_lab.replay.inference.wording import count, percent

_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,99}$")
_LONGEST = 100
UNKNOWN = "unknown"


def infer_inboxes(log: Log, signals: pl.DataFrame, manual_triage: int) -> tuple[tuple[InferredInbox, ...], str]:
    """Find the inboxes of a log.

    Parameters
    ----------
    log : Log
    signals : polars.DataFrame
        Canonical signals.
    manual_triage : int
        Team that owns what comes in where no ticket of an inbox has a first team.

    Returns
    -------
    inboxes : tuple of InferredInbox
        Busiest first.
    note : str
        What could not be declared.
    """
    arrivals = pl.concat([log.tickets.select("inbox", "channel", "source", "first"), _from_signals(log, signals)])
    known = arrivals.filter(pl.col("inbox").is_not_null())
    totals = known.group_by("inbox").len().sort("len", "inbox", descending=[True, False])
    modes = {column: _modes(known, column) for column in ("channel", "source", "first")}
    found, odd = [], []
    for name, total in totals.iter_rows():
        if not _ID.match(name):
            odd.append(name)
            continue
        channel, source, first = (modes[column].get(name) for column in ("channel", "source", "first"))
        owner = manual_triage if first is None else int(str(first[0]))
        inbox = Inbox(name, _text(channel) or UNKNOWN, _text(source), log.teams[owner])
        told = (
            f"{percent(first[1] / total)} go to {log.teams[owner]} first"
            if first is not None
            else "none has a first team, so manual triage owns them"
        )
        found.append(InferredInbox(inbox, f"{count(total, 'arrival')}: {told}"))
    note = ""
    if odd:
        names = ", ".join(repr(name[:40]) for name in odd[:5])
        note = f"{count(len(odd), 'inbox', 'inboxes')} not declared, whose names are no ids: {names}"
    elif not found:
        note = "no inbox is named in this log"
    return tuple(found), note


def _from_signals(log: Log, signals: pl.DataFrame) -> pl.DataFrame:
    """Signals of inboxes that no ticket names, with the first team of their tickets."""
    columns = ("inbox", "channel", "source", "ticket_id", "duplicate_of")
    try:
        typed = signals.select(
            pl.col(name).cast(pl.String()) if name in signals.columns else pl.lit(None, pl.String()).alias(name)
            for name in columns
        )
    except pl.exceptions.PolarsError as error:
        raise ReplayError(f"a column of signals has the wrong type: {error}", "the types of the table") from error
    named = log.tickets["inbox"].unique().drop_nulls()
    return (
        typed.filter(pl.col("inbox").is_not_null() & ~pl.col("inbox").is_in(named.implode()))
        .filter(pl.col("duplicate_of").is_null())
        .join(log.tickets.select("ticket_id", "first"), on="ticket_id", how="left")
        .select("inbox", "channel", "source", "first")
    )


def _modes(arrivals: pl.DataFrame, column: str) -> dict[str, tuple[object, int]]:
    """Return each inbox's commonest value and how often it occurs; ties by value."""
    counts = (
        arrivals.select("inbox", value=pl.col(column))
        .drop_nulls()
        .group_by("inbox", "value")
        .len()
        .sort("inbox", "len", "value", descending=[False, True, False])
        .group_by("inbox", maintain_order=True)
        .first()
    )
    return {inbox: (value, number) for inbox, value, number in counts.iter_rows()}


def _text(found: tuple[object, int] | None) -> str | None:
    """A value that a file can hold on one line."""
    text = None if found is None else str(found[0])
    return text if text and text.isprintable() and len(text) <= _LONGEST else None
