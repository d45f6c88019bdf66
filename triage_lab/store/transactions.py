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
    try:
        con.execute("BEGIN")
    except duckdb.TransactionException as error:
        if "within a transaction" not in str(error):
            raise
        yield
        return
    try:
        yield
        con.execute("COMMIT")
    except BaseException:
        # A failed COMMIT, or a statement that ended the transaction itself, leaves none to roll back.
        with suppress(duckdb.TransactionException):
            con.execute("ROLLBACK")
        raise
