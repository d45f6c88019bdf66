"""SQL text made from the typed canonical tables: their rows, what supersedes them, the view, the append."""

# ruff: noqa: S608 - every name in these texts comes from a typed Table or is a quoted identifier.

from __future__ import annotations

from collections.abc import Mapping, Sequence

from triage_lab.domain.tables import CANONICAL, Table

EVERYTHING = 2_147_483_647
"""The as-of load that sees every load."""

BOOKKEEPING = ("load_id", "row_no", "dup_no")

OWN_SYSTEM = "canonical"
"""The system of rows that were loaded as a canonical table: the lab's own word."""

LINKED = tuple(n for n, table in CANONICAL.items() if table.column("account_id") is not None and n != "account_links")
"""Tables whose views show the linked account; each has a view ``T_by_system`` that also tells where a row came from."""

FACTS = ("accounts", "contracts", "contract_clauses", "subscriptions", "invoices", "opportunities")
"""Tables that several systems may fill about the same thing: a system replaces its own rows only."""


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
    """Return the view ``T``: the newest row per key as of the session variable ``as_of_load``.

    Accounts are the linked ones: an id X of system S is the account that ``account_links`` names for (S, X), else X.
    A signal whose key a system delivered before is a repeat of the first delivery, unless it says itself what it
    repeats; a signal that names no system is of the system that its load came from.
    """
    return f"CREATE OR REPLACE VIEW {table.name} AS {_newest(table)}"


def create_system_view(table: Table) -> str:
    """Return the view ``T_by_system``: the view ``T`` with ``source_system`` and its own id, ``source_account_id``."""
    own = f"{system_of('l')} AS source_system", "r.account_id AS source_account_id"
    return f"CREATE OR REPLACE VIEW {table.name}_by_system AS {_newest(table, own)}"


def system_of(loads: str) -> str:
    """Return the expression for the system that a load came from."""
    return f"coalesce({loads}.source, '{OWN_SYSTEM}')"


def visible(table: Table, joins: str = "") -> str:
    """Return FROM and WHERE of the newest rows ``r`` of a table as of ``as_of_load``."""
    as_of = f"coalesce(getvariable('as_of_load'), {EVERYTHING})"
    return (
        f"FROM {table.name}_rows AS r "
        f"ANTI JOIN (SELECT load_id, row_no FROM {table.name}_superseded WHERE superseded_by <= {as_of}) AS s "
        f"ON r.load_id = s.load_id AND r.row_no = s.row_no {joins}WHERE r.load_id <= {as_of}"
    )


def _newest(table: Table, own: Sequence[str] = ()) -> str:
    """Return the query of a view."""
    shown = {c.name: f"r.{quoted(c.name)}" for c in table.columns}
    joins = ""
    if table.name in LINKED:
        joins = "LEFT JOIN loads AS l ON r.load_id = l.load_id "
        for column, links in (("account_id", "k"), ("parent_id", "p")):
            if column in shown:
                joins += (
                    f"LEFT JOIN account_links AS {links} "
                    f"ON {links}.source = {system_of('l')} AND {links}.source_id = r.{column} "
                )
                shown[column] = f"coalesce({links}.account_id, r.{column}) AS {column}"
    elif table.name == "signals":
        joins = (
            "LEFT JOIN loads AS l ON r.load_id = l.load_id "
            f"LEFT JOIN ({_first_deliveries(table)}) AS f "
            f"ON coalesce(r.source, {system_of('l')}) = f.source AND r.dedup_key = f.dedup_key "
        )
        shown["duplicate_of"] = "coalesce(r.duplicate_of, nullif(f.signal_id, r.signal_id)) AS duplicate_of"
    columns = list(shown.values())
    if table.name == "tickets":
        columns.append("r.ticket_key")
    return f"SELECT {', '.join([*columns, *own])} {visible(table, joins)}"


def _first_deliveries(table: Table) -> str:
    """Return the query for the first signal of every key that a system delivered more than once."""
    return (
        f"SELECT coalesce(r.source, {system_of('l')}) AS source, r.dedup_key, "
        "arg_min(r.signal_id, (r.received_at, r.signal_id)) AS signal_id "
        f"{visible(table, 'LEFT JOIN loads AS l ON r.load_id = l.load_id ')} AND r.dedup_key IS NOT NULL "
        "GROUP BY ALL HAVING count(*) > 1"
    )


def loaded_systems(table: Table) -> str:
    """Return the query for the systems that the rows of a table came from, by name."""
    return (
        f"SELECT DISTINCT {system_of('l')} AS system FROM (SELECT DISTINCT r.load_id {visible(table)}) AS r "
        "JOIN loads AS l ON r.load_id = l.load_id ORDER BY system"
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

    It runs before the rows are inserted, so the newest version so far is what no load has superseded yet. What one
    system says of an account does not replace what another says under the same key; the lab's own rows replace all.
    """
    same_system = (
        f" AND r.load_id IN (SELECT o.load_id FROM loads AS o, loads AS n WHERE n.load_id = $1::INTEGER "
        f"AND {system_of('n')} IN ('{OWN_SYSTEM}', {system_of('o')}))"
    )
    keys = ", ".join(quoted(k) for k in table.key)
    older = (
        f"SELECT r.load_id, r.row_no, $1::INTEGER FROM {table.name}_rows AS r "
        f"ANTI JOIN {table.name}_superseded AS s ON r.load_id = s.load_id AND r.row_no = s.row_no "
        f"WHERE EXISTS (SELECT 1 FROM {incoming} AS i WHERE {_same_key(table, 'r', 'i')})"
        f"{same_system if table.name in FACTS else ''}"
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


def system_scan(table: Table, dating: str | None) -> str:
    """Return one scan of the newest rows by system: rows, newest snapshot, then per column its values and how fresh."""
    parts = ["count(*)", "max(l.snapshot_at)"]
    for column in table.columns:
        filled = f"r.{quoted(column.name)} IS NOT NULL"
        newest = "NULL::TIMESTAMP" if dating is None else f"max(r.{quoted(dating)}) FILTER ({filled})"
        parts += [f"count(*) FILTER ({filled})", newest]
    named = ", ".join(f"{part} AS c{number}" for number, part in enumerate(parts))
    # A logged lookup tells itself which system was asked.
    system = "r.source" if table.name == "enrichment_log" else system_of("l")
    joins = "LEFT JOIN loads AS l ON r.load_id = l.load_id "
    return f"SELECT {system} AS system, {named} {visible(table, joins)} GROUP BY system ORDER BY system"
