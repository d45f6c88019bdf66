"""Canonical tables as frames, for people who explore them."""

from __future__ import annotations

import duckdb
import polars as pl

from triage_lab.domain.tables import CANONICAL
from triage_lab.store.frames import query_frame
from triage_lab.store.schema import FACTS, quoted


def read_table(con: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """Return a canonical table as of the load that the connection shows, sorted by its key, then by all columns.

    One row per key; of facts about accounts (contracts, subscriptions …) one per key and system that tells it.

    Parameters
    ----------
    name : str
        A name in `triage_lab.domain.tables.CANONICAL` (anything else is a KeyError: names never come from text).
    """
    table = CANONICAL[name]
    columns = ", ".join(quoted(column.name) for column in table.columns)
    # Systems may tell of one key, and links may bring several accounts under one id: the key alone is no order then.
    rest = [column.name for column in table.columns if column.name not in table.key] if name in FACTS else []
    order = ", ".join(quoted(key) for key in (*table.key, *rest))
    return query_frame(con, f"SELECT {columns} FROM {table.name} ORDER BY {order}")  # noqa: S608 - our own names
