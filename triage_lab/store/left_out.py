"""Which stored tickets are no tickets of their own: merged, duplicate, deleted, spam, or delivered twice."""

from __future__ import annotations

import duckdb
import polars as pl

from triage_lab.store.context import arrivals
from triage_lab.store.frames import query_frame
from triage_lab.store.signals import read_repeated_tickets
from triage_lab.store.statements import statement

REPEATED = "repeated"


def read_left_out(con: duckdb.DuckDBPyConnection) -> pl.Series:
    """Return why a ticket is not counted: merged, duplicate, deleted, spam or repeated; NULL for all others.

    Returns
    -------
    polars.Series of String
        Row-aligned with `triage_lab.store.read_context`. ``repeated``: all of the ticket's signals repeat those of
        another ticket, so it exists only because something was delivered twice.

    Notes
    -----
    These tickets loaded the desk, so they are replayed like all others; they are only not scored.
    """
    with arrivals(con):
        ids = query_frame(con, "SELECT ticket_id FROM triage_arrivals ORDER BY row")["ticket_id"]
        by_state = query_frame(con, statement("left_out"))
        repeated = read_repeated_tickets(con)["ticket_id"]
    reasons = pl.Series("left_out", [None], dtype=pl.String).new_from_index(0, ids.len())
    if repeated.len():
        reasons = pl.select(pl.when(ids.is_in(repeated.implode())).then(pl.lit(REPEATED)).alias("left_out")).to_series()
    if by_state.height:
        reasons = reasons.scatter(by_state["row"], by_state["reason"])
    return reasons
