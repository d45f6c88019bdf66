"""How Great Expectations reaches the store: its own connection, through a SQLAlchemy dialect that reads at once.

Great Expectations fetches rows after the connection has gone back to the pool. DuckDB's cursor is the connection, so by
then the rows are gone; this dialect keeps the first of them, which is all that is ever read. Importing this module
imports SQLAlchemy and duckdb_engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import duckdb_engine
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

URL = "duckdb+triagelab://"
READ_AT_MOST = 1_000
"""Rows kept of a result. Great Expectations reads 200 at most, and selects a whole table to learn its column names."""


class BufferedExecution(duckdb_engine.Dialect.execution_ctx_cls):
    """An execution that takes its rows from the cursor at once."""

    def post_exec(self) -> None:
        """Read the rows before anything else can use the connection."""
        super().post_exec()
        if self.cursor is not None and self.cursor.description:
            rows = self.cursor.fetchmany(READ_AT_MOST)
            if len(rows) == READ_AT_MOST:
                self.cursor.abort()
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(self.cursor, initial_buffer=deque(rows))


class BufferedDuckDB(duckdb_engine.Dialect):
    """duckdb_engine's dialect with buffered reads."""

    driver = "triagelab"
    execution_ctx_cls = BufferedExecution
    supports_statement_cache = True


registry.register("duckdb.triagelab", __name__, "BufferedDuckDB")


def creator(open_session: Callable[[], Any]) -> Callable[[], Any]:
    """Return SQLAlchemy's ``creator``: each pooled connection is a session on the store's own connection."""
    return lambda: duckdb_engine.ConnectionWrapper(open_session())
