"""Load versions: what came in when, and reading the store as of a load."""

# ruff: noqa: S608 - table names come from the typed canonical tables, staged names are quoted identifiers.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl

from triage_lab.domain.canonical import digest
from triage_lab.domain.errors import InternalError
from triage_lab.domain.tables import Table
from triage_lab.store.frames import first_row, query_frame
from triage_lab.store.schema import (
    collapse,
    insert_rows,
    insert_superseded,
    quoted,
    repeated_keys,
    typed_staging,
)
from triage_lab.store.statements import statement
from triage_lab.store.transactions import cleanup

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Appended:
    """What one append did.

    ``inserted`` = rows stored; ``collapsed`` = rows that repeated an identical row of their key; ``differing`` = stored
    rows beyond the first of their key (``dup_no`` ≥ 1). Staged rows = inserted + collapsed.
    """

    inserted: int
    collapsed: int
    differing: int


def _timestamp(seconds: int | None) -> datetime | None:
    """Return epoch seconds as a naive UTC datetime."""
    return None if seconds is None else _EPOCH + timedelta(seconds=seconds)


def _number(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> int | None:
    """Return the only value of a query, a whole number or NULL."""
    row = first_row(con, sql, parameters)
    return None if row is None or row[0] is None else int(row[0])


def begin_load(
    con: duckdb.DuckDBPyConnection,
    *,
    content_hash: str,
    file: str,
    source: str | None,
    target: str,
    layout: str | None = None,
    mapping_version: str | None = None,
    timezone: str | None = None,
    snapshot_at: int | None = None,
) -> int | None:
    """Open a new load inside the caller's `transaction`, unless the same content is here already.

    Parameters
    ----------
    content_hash : str
        SHA-256 of the file's bytes.
    file : str
        File (or list of files) as the user named it; it does not count for "the same content".
    source, target : str or None, str
        System it comes from; canonical table or mapping it goes to.
    layout, mapping_version, timezone : str or None
        How the file was read.
    snapshot_at : int or None
        When the export was taken, UTC epoch seconds.

    Returns
    -------
    int or None
        The load id, counting from 1; None if the same content was loaded before in the same way.
    """
    known = first_row(
        con,
        statement("same_load"),
        [content_hash, source, target, layout, mapping_version, timezone, _timestamp(snapshot_at)],
    )
    if known is not None:
        return None
    load_id = latest_load(con) + 1
    con.execute(
        statement("insert_load"),
        [load_id, content_hash, file, source, target, layout, mapping_version, timezone, _timestamp(snapshot_at)],
    )
    return load_id


def append(con: duckdb.DuckDBPyConnection, table: Table, staged: str, load_id: int) -> Appended:
    """Append staged rows to a canonical table as part of a load, inside the caller's `transaction`.

    Parameters
    ----------
    table : Table
        The canonical table.
    staged : str
        Temporary table or view with any of the table's columns (missing ones become NULL) and ``row_no``, the 1-based
        data row of the file, unique within it.
    load_id : int
        From `begin_load`; a load appends to a table at most once.

    Returns
    -------
    Appended
        Rows stored, collapsed and differing.

    Notes
    -----
    Identical rows of one key collapse into the last of them; differing rows are all stored with ``dup_no`` 0, 1, 2 …
    in file order, and the view shows the last.
    """
    stored_before = first_row(con, f"SELECT 1 FROM {table.name}_rows WHERE load_id = ? LIMIT 1", [load_id])
    if stored_before is not None:
        raise InternalError(f"load {load_id} was appended to {table.name} twice", "one append a table and load")
    present = frozenset(row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {quoted(staged)}").fetchall())
    typed = typed_staging(table, staged, present)
    temporary = ("triage_repeated", "triage_collapsed", "triage_incoming")
    con.execute(f"CREATE OR REPLACE TEMP TABLE triage_incoming AS {typed}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE triage_repeated AS {repeated_keys(table, 'triage_incoming')}")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE triage_collapsed AS {collapse(table, 'triage_incoming', 'triage_repeated')}"
    )
    con.execute(insert_superseded(table, "triage_incoming", "triage_collapsed"), [load_id])
    con.execute(insert_rows(table, "triage_incoming", "triage_repeated", "triage_collapsed"), [load_id])
    if table.name == "tickets":
        con.execute(statement("remember_ticket_ids"), [load_id])
    counts = first_row(
        con,
        f"SELECT count(*), count(*) FILTER (dup_no > 0), (SELECT count(*) FROM triage_incoming) "
        f"FROM {table.name}_rows WHERE load_id = ?",
        [load_id],
    )
    for name in temporary:
        con.execute(f"DROP TABLE {name}")
    inserted, differing, incoming = counts or (0, 0, 0)
    return Appended(inserted, incoming - inserted, differing)


def append_rejects(con: duckdb.DuckDBPyConnection, staged_rejects: str, load_id: int, file: str | None) -> int:
    """Store what was refused of a file and return how many rejects there are.

    Parameters
    ----------
    staged_rejects : str
        Temporary table or view with columns row, column, value, reason, and file if the load has several.
    file : str or None
        File as the user named it; stored with every reject. None: the file that each reject names itself.
    """
    of_file, parameters = ("file", [load_id]) if file is None else ("?::VARCHAR", [load_id, file])
    con.execute(
        f'INSERT INTO rejects SELECT ?::INTEGER, {of_file} AS file, "row", "column", value, reason '
        f'FROM {quoted(staged_rejects)} ORDER BY file, "row", "column"',
        parameters,
    )
    return _number(con, "SELECT count(*) FROM rejects WHERE load_id = ?", [load_id]) or 0


def finish_load(
    con: duckdb.DuckDBPyConnection,
    load_id: int,
    *,
    rows: int,
    rejected: int,
    collapsed: int = 0,
    differing: int = 0,
    loaded_at: int | None = None,
) -> None:
    """Write the counts of a load: rows stored, rows rejected, collapsed, differing, and when (epoch seconds)."""
    con.execute(
        "UPDATE loads SET rows = ?, rejected = ?, collapsed = ?, differing = ?, loaded_at = ? WHERE load_id = ?",
        [rows, rejected, collapsed, differing, _timestamp(loaded_at), load_id],
    )


def latest_load(con: duckdb.DuckDBPyConnection) -> int:
    """Return the id of the newest load, 0 in an empty store."""
    return _number(con, "SELECT max(load_id) FROM loads") or 0


def set_as_of(con: duckdb.DuckDBPyConnection, load_id: int | None) -> None:
    """Make the views of this connection show the store as of a load; None shows every load again.

    Notes
    -----
    It is a session variable: a cursor of the connection is another session and has to be set by itself.
    """
    if load_id is None:
        con.execute("RESET VARIABLE as_of_load")
    else:
        con.execute(f"SET VARIABLE as_of_load = {int(load_id)}")


@contextmanager
def _as_of(con: duckdb.DuckDBPyConnection, load_id: int) -> Iterator[None]:
    """See the store as of a load within the block, then as before."""
    before = _number(con, "SELECT getvariable('as_of_load')")
    set_as_of(con, load_id)
    try:
        yield
    finally:
        with cleanup():
            set_as_of(con, before)


def list_loads(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the table ``loads``, oldest first."""
    return query_frame(con, "SELECT * FROM loads ORDER BY load_id")


def data_digest(con: duckdb.DuckDBPyConnection, as_of_load: int) -> str:
    """Return the SHA-256 that names the data of all loads up to ``as_of_load``.

    Notes
    -----
    It covers content hash, source, target, layout, mapping version, zone and snapshot of every load, by target and in
    load order within it (a correction must come after what it corrects); file names and load times do not count.
    """
    rows = con.execute(statement("load_identities"), [as_of_load]).fetchall()
    return digest([[None if value is None else str(value) for value in row] for row in rows])


def cutoff(con: duckdb.DuckDBPyConnection, as_of_load: int) -> int | None:
    """Return the instant up to which the data speak, UTC epoch seconds; None without tickets.

    Notes
    -----
    The snapshot of the newest load that has one (its own, or the newest ``snapshot_at`` of its tickets); else the
    newest time in tickets.created_at or ticket_events.at, capped at the newest created_at + 30 days, so that one
    event with a mistyped year does not stretch the window. Outcome columns are no stored times.
    """
    snapshot = first_row(con, statement("cutoff_snapshot"), [as_of_load])
    if snapshot is not None:
        return int(snapshot[0])
    with _as_of(con, as_of_load):
        return _number(con, statement("cutoff_newest"))
