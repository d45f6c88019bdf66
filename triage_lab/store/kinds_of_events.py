"""Which kinds of events the log holds."""

from __future__ import annotations

import duckdb


def event_kinds(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return how many events of each kind there are, as of the load in view; kinds sorted."""
    rows = con.execute("SELECT kind, count(*) FROM ticket_events GROUP BY kind ORDER BY kind").fetchall()
    return {str(kind): int(n) for kind, n in rows}
