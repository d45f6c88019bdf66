"""One account over several systems: who knows it by which id, and which ids are the same account."""

from __future__ import annotations

import duckdb
import polars as pl

from triage_lab.domain.errors import StoreError
from triage_lab.domain.tables import ACCOUNT_LINKS
from triage_lab.store.fingerprint import frames_digest
from triage_lab.store.frames import query_frame
from triage_lab.store.loads import append, begin_load, finish_load
from triage_lab.store.statements import statement
from triage_lab.store.tables import read_table
from triage_lab.store.transactions import cleanup, transaction

LINKS = "links"
"""The source of loads that hold links."""

_KEY = ["source", "source_id"]
_SCHEMA: dict[str, type[pl.DataType]] = {
    "source": pl.String, "source_id": pl.String, "account_id": pl.String, "method": pl.String, "confidence": pl.Float64,
}  # fmt: skip


def read_account_identities(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return every id by which a system knows an account, as the system itself has it (not linked).

    Returns
    -------
    polars.DataFrame
        source (the system that the rows were loaded from), source_id, name, domain, external_id (String; the newest
        that the system tells, NULL if it tells none), tickets Int64 (that it has of the account). By source and
        id, as of the load that the connection shows.
    """
    return query_frame(con, statement("account_identities"))


def read_given_links(con: duckdb.DuckDBPyConnection) -> tuple[tuple[str, str, str], ...]:
    """Return the links that people loaded: (system, its id, account); those that the lab found are not among them."""
    return tuple((str(a), str(b), str(c)) for a, b, c in con.execute(statement("given_links")).fetchall())


def write_account_links(
    con: duckdb.DuckDBPyConnection, links: pl.DataFrame, *, file: str, loaded_at: int | None = None
) -> int | None:
    """Store links as a load of their own; the views show the linked accounts from it on.

    Parameters
    ----------
    con : duckdb connection
        Open for writing.
    links : polars.DataFrame
        source, source_id, account_id, method, confidence (0..1): what id ``source_id`` of system ``source`` is, each
        once. Others stay as they are; to take a link back, link the id to itself.
    file : str
        Where the links come from, for people: a file, or the command that made them.
    loaded_at : int or None
        UTC epoch seconds.

    Returns
    -------
    int or None
        The load id; None if all of these links hold already.

    Raises
    ------
    StoreError
        An id is linked twice, or a system, id or account is missing.

    Notes
    -----
    Only links that are new or differ are stored, as new versions. What the load is called by (its content hash)
    covers them and the links before, so that linking back and forth is not taken for the same content twice.
    """
    given = links.select(pl.col(name).cast(dtype) for name, dtype in _SCHEMA.items()).sort(_KEY)
    _refuse_nonsense(given)
    before = read_table(con, "account_links")
    changed = given.join(before, on=list(_SCHEMA), how="anti", nulls_equal=True, maintain_order="left")
    if changed.is_empty():
        return None
    staged = changed.with_columns(row_no=pl.int_range(1, changed.height + 1, dtype=pl.Int64))
    con.register("triage_links", staged)
    try:
        with transaction(con):
            content = frames_digest(LINKS, {"before": before, "changed": changed})
            load_id = begin_load(con, content_hash=content, file=file, source=LINKS, target=ACCOUNT_LINKS.name)
            if load_id is None:
                return None
            done = append(con, ACCOUNT_LINKS, "triage_links", load_id)
            finish_load(con, load_id, rows=done.inserted, rejected=0, loaded_at=loaded_at)
            return load_id
    finally:
        with cleanup():
            con.unregister("triage_links")


def _refuse_nonsense(links: pl.DataFrame) -> None:
    """Refuse links that do not say one account of each id."""
    blank = links.filter(pl.any_horizontal(pl.col("source", "source_id", "account_id").is_null()))
    twice = links.filter(pl.struct(_KEY).is_duplicated())
    if blank.height:
        raise StoreError(
            f"{blank.height} links without a system, an id or an account", "source, source_id and account_id in each",
            "complete the rows, or leave them out",
        )  # fmt: skip
    if twice.height:
        first = twice.row(0, named=True)
        raise StoreError(
            f"id {first['source_id']!r} of {first['source']} is linked twice", "one account for each id",
            "keep one of the rows", source=first["source"], source_id=first["source_id"],
        )  # fmt: skip
