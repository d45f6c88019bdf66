"""Query results as Polars frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import polars as pl


def query_frame(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
    """Run a query and return its rows as a frame; text columns are String, times Datetime in microseconds."""
    relation = con.sql(sql, params=list(parameters)) if parameters else con.sql(sql)
    frame = pl.from_arrow(relation.to_arrow_table())
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"a query gave a {type(frame).__name__}, not a table")
    return frame


def first_row(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
    """Run a query of few rows and return the first, or None; nothing is left unread on the connection."""
    rows = con.execute(sql, list(parameters)).fetchall()
    return rows[0] if rows else None
