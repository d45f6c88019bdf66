"""Sessions beside the store's connection: a gate that fails in the engine must not abort the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from triage_lab.quality.sqltext import timestamp

# the store may show the lookups of a replay beside the logged ones; a session of its own has to take the view over
_REPLAYED = "SELECT 1 FROM duckdb_views() WHERE database_name = 'triage_replayed' AND view_name = 'enrichment_log'"


def open_session(con: Any, cutoff: int) -> Any:
    """Return a second session on the same database, with the same ``as_of_load`` and with ``cutoff``.

    Notes
    -----
    It sees what is committed. Queries of one's own read the cutoff as ``getvariable('cutoff')``.
    """
    # All rows are fetched: an unfinished result would keep the caller's connection busy.
    ((as_of,),) = con.execute("SELECT getvariable('as_of_load')").fetchall()
    session = con.cursor()
    session.execute("SET TimeZone = 'UTC'")
    if as_of is not None:
        session.execute(f"SET VARIABLE as_of_load = {int(as_of)}")
    session.execute(f"SET VARIABLE cutoff = {timestamp(cutoff)}")
    if session.execute(_REPLAYED).fetchall():
        session.execute("CREATE TEMP VIEW enrichment_log AS SELECT * FROM triage_replayed.enrichment_log")
    return session


@contextmanager
def reading(con: Any, cutoff: int) -> Iterator[Any]:
    """Lend a session for reading and close it after."""
    session = open_session(con, cutoff)
    try:
        yield session
    finally:
        session.close()


@contextmanager
def writing(con: Any) -> Iterator[None]:
    """Run the block in one transaction on the store's connection, or join the one that is open."""
    # Outside a transaction every statement has its own; a BEGIN inside one would abort it.
    first, second = (con.execute("SELECT current_transaction_id()").fetchall() for _ in range(2))
    if first == second:
        yield
        return
    con.execute("BEGIN")
    try:
        yield
        con.execute("COMMIT")
    except BaseException:
        con.execute("ROLLBACK")
        raise
