"""Replayed lookups shown beside the logged ones, for as long as the gates look at them."""

# ruff: noqa: S608 - the names are our own and the database's, quoted.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl

from triage_lab.store.schema import quoted
from triage_lab.store.transactions import cleanup

SHOWN = "triage_replayed"
"""Database in memory that every session of the store's connection can see; nothing is written to the store."""

_COLUMNS = "ticket_id, field, source, value, status, looked_up_at, value_as_of"


@contextmanager
def lookups_shown(con: duckdb.DuckDBPyConnection, lookups: pl.DataFrame, ticket_ids: pl.Series) -> Iterator[None]:
    """Let ``enrichment_log`` hold the replayed lookups, too, within the block.

    Parameters
    ----------
    con : duckdb connection
        The store; read-only is enough. Sessions opened beside it show them if they ask for the view
        ``triage_replayed.enrichment_log``.
    lookups : polars.DataFrame
        From `Lookups.frame`: row, field, source, value, status, looked_up_at, value_as_of (epoch seconds).
    ticket_ids : polars.Series
        Row-aligned ids.
    """
    if lookups.is_empty():
        yield
        return
    ((catalog,),) = con.execute("SELECT current_database()").fetchall()
    frame = lookups.select(
        ticket_ids.gather(lookups["row"]).alias("ticket_id"),
        pl.col("field", "source", "value", "status").cast(pl.String),
        pl.from_epoch(pl.col("looked_up_at", "value_as_of").cast(pl.Int64), time_unit="s").cast(pl.Datetime("us")),
    )
    con.execute(f"ATTACH ':memory:' AS {SHOWN} (READ_WRITE)")
    try:
        con.register("triage_lookups_frame", frame)
        con.execute(f"CREATE TABLE {SHOWN}.lookups AS SELECT {_COLUMNS} FROM triage_lookups_frame")
        con.unregister("triage_lookups_frame")
        con.execute(
            f"CREATE VIEW {SHOWN}.enrichment_log AS SELECT {_COLUMNS} FROM {quoted(catalog)}.main.enrichment_log "
            f"UNION ALL SELECT {_COLUMNS} FROM {SHOWN}.lookups"
        )
        con.execute(f"CREATE TEMP VIEW enrichment_log AS SELECT {_COLUMNS} FROM {SHOWN}.enrichment_log")
        yield
    finally:
        with cleanup():
            con.execute("DROP VIEW IF EXISTS temp.enrichment_log")
            con.execute(f"DETACH {SHOWN}")
