"""What really happened to each ticket, as far as the cutoff lets it be seen."""

from __future__ import annotations

import duckdb
import polars as pl

from triage_lab.domain.errors import StoreError
from triage_lab.store.context import arrivals
from triage_lab.store.frames import query_frame
from triage_lab.store.statements import statement


def read_history(con: duckdb.DuckDBPyConnection, cutoff: int) -> pl.DataFrame:
    """Return what happened to each ticket by the cutoff, one row per ticket.

    Parameters
    ----------
    con : duckdb connection
        The store; the load version is that of `set_as_of`.
    cutoff : int
        UTC epoch seconds; what happened later is NULL.

    Returns
    -------
    polars.DataFrame
        Row-aligned with `triage_lab.store.read_context`. ticket_id, ticket_key, arrived_at, account_id, category,
        first_team_id, resolver_team_id, truth_teams List[String], handle_minutes Float64 (minutes),
        priority_at_creation, due_at, owned_at, first_action_at, first_human_action_at, acknowledged_at, resolved_at
        (Int64 UTC epoch seconds), handoffs, escalations (Int64; NULL where the log cannot tell), sla_met Boolean.

    Notes
    -----
    Events tell, and a ticket's own columns where it has no events of the kind: the first public reply or ack of an
    agent or automation is the first action, the first reply, note, ack or hand-off note of an agent the first human
    one; a ``first_action_at`` without events counts as human. Owned from the first assignment, else from arrival if
    the first team is known. Hand-offs are changes of team after the first owner. A ticket resolved after the
    cutoff has no resolver, handle time or SLA flag yet.
    """
    with arrivals(con):
        frame = query_frame(con, statement("history"), [cutoff])
        named = query_frame(con, statement("truth_teams"))
    truth = (
        named.unique(["row", "team"], keep="first", maintain_order=True)
        .group_by("row", maintain_order=True)
        .agg(pl.col("team").alias("truth_teams"))
    )
    joined = frame.with_row_index("row").join(truth, on="row", how="left", maintain_order="left").drop("row")
    names = [name for name in joined.columns if name != "truth_teams"]
    after = names.index("resolver_team_id") + 1
    return joined.select(*names[:after], "truth_teams", *names[after:])


def read_enrichment(con: duckdb.DuckDBPyConnection, cutoff: int) -> pl.DataFrame:
    """Return the lookups made by the cutoff.

    Returns
    -------
    polars.DataFrame
        row UInt32 (index into the run's ticket order), field, source, value, status (String), looked_up_at,
        value_as_of (Int64 UTC epoch seconds).
    """
    with arrivals(con):
        return query_frame(con, statement("enrichment"), [cutoff])


def read_labels(con: duckdb.DuckDBPyConnection, cutoff: int) -> pl.DataFrame:
    """Return the labels of tickets that arrived by the cutoff (labels themselves are made later).

    Returns
    -------
    polars.DataFrame
        row UInt32 (index into the run's ticket order), field, value (String); one row per label.
    """
    with arrivals(con):
        return query_frame(con, statement("labels"), [cutoff])


def read_events(con: duckdb.DuckDBPyConnection, ticket_id: str) -> pl.DataFrame:
    """Return the events of one ticket in order; ``at`` is Int64 UTC epoch seconds, then the table's other columns."""
    return query_frame(con, statement("events"), [ticket_id])


def read_ticket(con: duckdb.DuckDBPyConnection, ticket_id: str) -> dict[str, object]:
    """Return the columns of one ticket; times are naive UTC datetimes.

    Raises
    ------
    StoreError
        There is no such ticket; the message names the nearest ids.
    """
    rows = query_frame(con, "SELECT * FROM tickets WHERE ticket_id = $1", [ticket_id]).to_dicts()
    if rows:
        return rows[0]
    nearest = [row[0] for row in con.execute(statement("nearest_tickets"), [ticket_id]).fetchall()]
    raise StoreError(
        f"no ticket {ticket_id!r} in the store",
        f"a stored ticket id, such as {', '.join(nearest)}" if nearest else "a store with tickets",
        "check the id, or ingest the export that holds it",
        nearest=nearest,
    )
