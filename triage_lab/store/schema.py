"""SQL text made from the typed canonical tables: their rows, what supersedes them, the view, the append."""

# ruff: noqa: S608 - every name in these texts comes from a typed Table or is a quoted identifier.

from __future__ import annotations

from collections.abc import Mapping

from triage_lab.domain.tables import Table

EVERYTHING = 2_147_483_647
"""The as-of load that sees every load."""

BOOKKEEPING = ("load_id", "row_no", "dup_no")


def quoted(name: str) -> str:
    """Return an identifier in SQL quotes; a hostile name stays a name."""
    return '"' + name.replace('"', '""') + '"'


def create_rows(table: Table) -> str:
    """Return CREATE TABLE for ``T_rows``: every version of every row, never updated or deleted."""
    columns = [f"{quoted(c.name)} {c.kind.value}{' NOT NULL' if c.required else ''}" for c in table.columns]
    columns += ["load_id INTEGER NOT NULL", "row_no BIGINT NOT NULL", "dup_no INTEGER NOT NULL"]
    if table.name == "tickets":
        columns.append("ticket_key UBIGINT NOT NULL")
    return f"CREATE TABLE {table.name}_rows ({', '.join(columns)})"


def create_superseded(table: Table) -> str:
    """Return CREATE TABLE for ``T_superseded``: which stored rows a load (or a later row of it) replaced.

    The newest row of a key could be found by grouping the whole table at every read; writing down once, at
    ingest, which rows are no longer the newest makes a read a plain scan.
    """
    return (
        f"CREATE TABLE {table.name}_superseded "
        "(load_id INTEGER NOT NULL, row_no BIGINT NOT NULL, superseded_by INTEGER NOT NULL)"
    )


def create_view(table: Table) -> str:
    """Return the view ``T``: the newest row per key as of the session variable ``as_of_load``."""
    columns = ", ".join(f"r.{quoted(c.name)}" for c in table.columns)
    if table.name == "tickets":
        columns += ", r.ticket_key"
    as_of = f"coalesce(getvariable('as_of_load'), {EVERYTHING})"
    return (
        f"CREATE OR REPLACE VIEW {table.name} AS SELECT {columns} FROM {table.name}_rows AS r "
        f"ANTI JOIN (SELECT load_id, row_no FROM {table.name}_superseded WHERE superseded_by <= {as_of}) AS s "
        f"ON r.load_id = s.load_id AND r.row_no = s.row_no WHERE r.load_id <= {as_of}"
    )


def _same_key(table: Table, left: str, right: str) -> str:
    """Return the join condition on the key; NULL is a value of a key like any other."""
    return " AND ".join(f"{left}.{quoted(k)} IS NOT DISTINCT FROM {right}.{quoted(k)}" for k in table.key)


def typed_staging(table: Table, staged: str, present: frozenset[str]) -> str:
    """Return the query that brings staged rows into the table's columns and types, missing columns as NULL."""
    columns = []
    for column in table.columns:
        source = quoted(column.name) if column.name in present else "NULL"
        columns.append(f"CAST({source} AS {column.kind.value}) AS {quoted(column.name)}")
    return f"SELECT {', '.join(columns)}, CAST(row_no AS BIGINT) AS row_no FROM {quoted(staged)}"


def repeated_keys(table: Table, incoming: str) -> str:
    """Return the query for the keys that occur more than once among the incoming rows."""
    keys = ", ".join(quoted(k) for k in table.key)
    return f"SELECT {keys} FROM {incoming} GROUP BY {keys} HAVING count(*) > 1"


def collapse(table: Table, incoming: str, repeated: str) -> str:
    """Return the query for rows of repeated keys: identical ones once (at their last row), numbered by ``dup_no``."""
    names = [quoted(c.name) for c in table.columns]
    keys = ", ".join(quoted(k) for k in table.key)
    grouped = (
        f"SELECT {', '.join('i.' + n for n in names)}, max(i.row_no) AS row_no FROM {incoming} AS i "
        f"SEMI JOIN {repeated} AS d ON {_same_key(table, 'i', 'd')} GROUP BY ALL"
    )
    return (
        f"SELECT {', '.join(names)}, row_no, "
        f"CAST(row_number() OVER (PARTITION BY {keys} ORDER BY row_no) - 1 AS INTEGER) AS dup_no FROM ({grouped})"
    )


def insert_rows(table: Table, incoming: str, repeated: str, collapsed: str) -> str:
    """Return the INSERT of one load: single rows as they are, repeated keys collapsed, in file order ($1 load)."""
    names = ", ".join(quoted(c.name) for c in table.columns)
    stored, key = list(BOOKKEEPING), ""
    if table.name == "tickets":
        stored.append("ticket_key")
        key = ", CAST('0x' || substr(sha256(ticket_id), 1, 16) AS UBIGINT)"
    single = (
        f"SELECT {', '.join('i.' + quoted(c.name) for c in table.columns)}, i.row_no, 0 AS dup_no FROM {incoming} AS i "
        f"ANTI JOIN {repeated} AS d ON {_same_key(table, 'i', 'd')}"
    )
    return (
        f"INSERT INTO {table.name}_rows ({names}, {', '.join(stored)}) "
        f"SELECT {names}, $1::INTEGER, row_no, dup_no{key} "
        f"FROM ({single} UNION ALL SELECT {names}, row_no, dup_no FROM {collapsed}) ORDER BY row_no"
    )


def insert_superseded(table: Table, incoming: str, collapsed: str) -> str:
    """Return the INSERT that notes which rows load $1 replaces: older versions, and all but the last of a repeated key.

    It runs before the rows are inserted, so the newest version so far is what no load has superseded yet.
    """
    keys = ", ".join(quoted(k) for k in table.key)
    older = (
        f"SELECT r.load_id, r.row_no, $1::INTEGER FROM {table.name}_rows AS r "
        f"ANTI JOIN {table.name}_superseded AS s ON r.load_id = s.load_id AND r.row_no = s.row_no "
        f"WHERE EXISTS (SELECT 1 FROM {incoming} AS i WHERE {_same_key(table, 'r', 'i')})"
    )
    repeats = (
        f"SELECT $1::INTEGER, row_no, $1::INTEGER FROM {collapsed} "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY row_no DESC) > 1"
    )
    return f"INSERT INTO {table.name}_superseded {older} UNION ALL {repeats}"


def inventory_scan(table: Table, dating: Mapping[str, str | None]) -> str:
    """Return one scan of the view: rows, then per column its non-null rows and the first and last time of these."""
    parts = ["count(*)"]
    for column in table.columns:
        name, dated = quoted(column.name), dating[column.name]
        parts.append(f"count({name})")
        for end in ("min", "max"):
            parts.append(
                "NULL::TIMESTAMP"
                if dated is None
                else f"{end}(CAST({quoted(dated)} AS TIMESTAMP)) FILTER ({name} IS NOT NULL)"
            )
    named = ", ".join(f"{part} AS c{number}" for number, part in enumerate(parts))
    return f"SELECT {named} FROM {table.name}"
