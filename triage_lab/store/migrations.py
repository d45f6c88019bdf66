"""Forward migrations: a store of any earlier version becomes one of this version, a later one is refused."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from triage_lab.domain.canonical import digest
from triage_lab.domain.enums import Outcome, Priority, SlaMetric, SlaState
from triage_lab.domain.errors import Place, StoreError
from triage_lab.domain.tables import ACCOUNT_LINKS, CANONICAL
from triage_lab.store.lookups import STATUSES
from triage_lab.store.schema import LINKED, create_rows, create_superseded, create_system_view, create_view, quoted
from triage_lab.store.statements import statement
from triage_lab.store.transactions import transaction


def _canonical(con: duckdb.DuckDBPyConnection) -> None:
    """Version 1: loads, rejects, ticket ids and the canonical tables."""
    con.execute(statement("schema_loads"))
    for table in CANONICAL.values():
        con.execute(create_rows(table))
        con.execute(create_superseded(table))


def _runs(con: duckdb.DuckDBPyConnection) -> None:
    """Version 2: the run ledger, narrow, with its decoding views."""
    for name, words in (
        ("outcome_code", Outcome), ("priority_code", Priority), ("sla_metric_code", SlaMetric),
        ("sla_state_code", SlaState),
    ):  # fmt: skip
        values = ", ".join(f"'{word.value}'" for word in words)
        con.execute(f"CREATE TYPE {name} AS ENUM ({values})")
    con.execute(statement("schema_runs"))
    for view in ("view_decisions", "view_records", "view_sla_states"):
        con.execute(statement(view))


def _governance(con: duckdb.DuckDBPyConnection) -> None:
    """Version 3: approvals, attestations, reviews, trials and the logs."""
    con.execute(statement("schema_governance"))


def _lookups(con: duckdb.DuckDBPyConnection) -> None:
    """Version 4: what a run looked up, and from here on views of linked accounts."""
    words = ", ".join(f"'{word}'" for word in STATUSES)
    con.execute(f"CREATE TYPE lookup_status_code AS ENUM ({words})")
    con.execute(statement("schema_lookups"))


MIGRATIONS: tuple[Callable[[duckdb.DuckDBPyConnection], None], ...] = (_canonical, _runs, _governance, _lookups)
"""Migration i (from 1) brings a store from version i - 1 to version i."""

VERSION = len(MIGRATIONS)


def canonical_digest() -> str:
    """Return the digest of the canonical tables as this version declares them."""
    return digest({
        name: [[c.name, c.kind.value, c.required] for c in table.columns] for name, table in CANONICAL.items()
    })  # fmt: skip


def read_version(con: duckdb.DuckDBPyConnection, path: str) -> tuple[int, str]:
    """Return (schema version, digest of its canonical tables); (0, '') for an empty database.

    Raises
    ------
    StoreError
        If the database belongs to something else, or was written by a newer version.
    """
    names = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()}
    if "schema_version" not in names:
        if names:
            raise StoreError(
                f"a DuckDB database that is not a triage_lab store (tables: {', '.join(sorted(names)[:5])})",
                "a store that triage-lab made, or a path where none exists yet",
                "set `database` in triage_lab.toml to another path",
                place=Place(path),
            )
        return 0, ""
    version, tables = con.execute("SELECT version, canonical_digest FROM schema_version").fetchall()[0]
    if version > VERSION:
        raise StoreError(
            f"a store of schema version {version}, written by a newer triage_lab",
            f"schema version {VERSION} or older",
            "upgrade triage_lab (`pip install --upgrade triage-lab`), or use another database",
            place=Place(path), version=version, known=VERSION,
        )  # fmt: skip
    return int(version), str(tables)


def is_current(version: int, tables: str) -> bool:
    """Tell whether a store needs no migration."""
    return version == VERSION and tables == canonical_digest()


def _add_missing_columns(con: duckdb.DuckDBPyConnection) -> None:
    """Give older canonical tables the columns, and the store the tables, that were declared since."""
    stored: dict[str, set[str]] = {}
    for name, column in con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
    ).fetchall():
        stored.setdefault(name, set()).add(column)
    for table in CANONICAL.values():
        known = stored.get(f"{table.name}_rows")
        if known is None:
            con.execute(create_rows(table))
            con.execute(create_superseded(table))
            continue
        for column in table.columns:
            if column.name not in known:
                con.execute(f"ALTER TABLE {table.name}_rows ADD COLUMN {quoted(column.name)} {column.kind.value}")


def _create_views(con: duckdb.DuckDBPyConnection) -> None:
    """Make every view anew; the links first, because the others read them."""
    for table in (ACCOUNT_LINKS, *CANONICAL.values()):
        con.execute(create_view(table))
    for name in LINKED:
        con.execute(create_system_view(CANONICAL[name]))
    for view in ("view_lookups", "view_enrichment_all"):
        con.execute(statement(view))


def migrate(con: duckdb.DuckDBPyConnection, path: str) -> None:
    """Bring the store on an open, writable connection to this version, in one transaction.

    Raises
    ------
    StoreError
        See `read_version`.
    """
    version, tables = read_version(con, path)
    if is_current(version, tables):
        return
    with transaction(con):
        if version == 0:
            con.execute("CREATE TABLE schema_version (version INTEGER NOT NULL, canonical_digest VARCHAR NOT NULL)")
            con.execute("INSERT INTO schema_version VALUES (0, '')")
        for step in MIGRATIONS[version:]:
            step(con)
        _add_missing_columns(con)
        _create_views(con)
        con.execute("UPDATE schema_version SET version = ?, canonical_digest = ?", [VERSION, canonical_digest()])
