"""One transaction a write: all of it is stored, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run the block in one transaction: commit at its end, on any error roll back and raise it again.

    Parameters
    ----------
    con : duckdb connection
        Open for writing.

    Notes
    -----
    Inside another `transaction` of the same connection the block joins the outer one, which alone commits.
    """
    # A second BEGIN would abort the transaction it finds, so the session remembers that one is open.
    if con.execute("SELECT getvariable('triage_transaction')").fetchall() == [(True,)]:
        yield
        return
    con.execute("BEGIN")
    con.execute("SET VARIABLE triage_transaction = TRUE")
    try:
        yield
        con.execute("COMMIT")
    except BaseException:
        # A COMMIT that failed leaves nothing to roll back.
        with suppress(duckdb.TransactionException):
            con.execute("ROLLBACK")
        raise
    finally:
        with suppress(duckdb.ConnectionException):
            con.execute("RESET VARIABLE triage_transaction")


@contextmanager
def cleanup() -> Iterator[None]:
    """Tidy up in the block, but let an aborted transaction stand: its rollback tidies, and its error must be seen."""
    with suppress(duckdb.TransactionException):
        yield
