"""Arrivals: what came in by which door and when, and what was only delivered again."""

from __future__ import annotations

import duckdb
import polars as pl

from triage_lab.store.frames import query_frame
from triage_lab.store.statements import statement
from triage_lab.store.zones import lab_zone


def read_repeated_tickets(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the tickets that exist only because something was delivered twice.

    Returns
    -------
    polars.DataFrame
        ticket_id, repeats (String): every signal of the ticket repeats an earlier signal of the one other ticket
        ``repeats``. By ticket id.

    Notes
    -----
    Repeats are those of the view ``signals``: an earlier delivery with the same system and dedup key, or what the
    signal itself names in ``duplicate_of``. A repeat is never earlier than what it repeats, so no two tickets repeat
    each other.
    """
    return query_frame(con, statement("repeated_tickets"))


def read_arrival_stream(
    con: duckdb.DuckDBPyConnection, *, timezone: str, start: int | None = None, end: int | None = None
) -> pl.DataFrame:
    """Return how much arrived by channel, inbox, weekday and hour.

    Parameters
    ----------
    con : duckdb connection
        The store; the load version is that of `triage_lab.store.set_as_of`.
    timezone : str
        IANA zone of weekdays and hours.
    start, end : int or None
        Half-open window, UTC epoch seconds; None = unbounded.

    Returns
    -------
    polars.DataFrame
        channel, inbox (String; NULL if unknown), weekday (Int64, 0 = Monday), hour (Int64, 0–23), arrivals (signals
        less repeated deliveries, and tickets without any signal), repeats (further deliveries), from_tickets (arrivals
        that only the ticket tells of). Sorted by the first four.

    Raises
    ------
    ContextError
        An unknown zone.
    """
    lab_zone(timezone)
    return query_frame(con, statement("arrival_stream"), [timezone, start, end])
