"""From the typed rows of an export to canonical tables, by the mapping's queries."""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from triage_lab.domain.errors import ExportError, InternalError, Place
from triage_lab.domain.tables import CANONICAL, Table
from triage_lab.sources.casts import identifier
from triage_lab.sources.mapping import Mapping, TableMapping
from triage_lab.sources.relation import count
from triage_lab.sources.typed import kept_order

Objects = tuple[tuple[str, str], ...]
_MAPPING_ERRORS = frozenset(
    {
        "BinderException", "CatalogException", "ConversionException", "InvalidInputException", "InvalidTypeException",
        "NotImplementedException", "OutOfRangeException", "ParserException", "SyntaxException",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Derived:
    """What came out of an export.

    Parameters
    ----------
    tables : mapping of str to str
        Canonical table to the view with all its columns and ``row_no``.
    objects : tuple of (str, str)
        What was made, in the order in which it may be dropped.
    notices : tuple of str
        What the mapping has to say about this export.
    """

    tables: MappingType[str, str]
    objects: Objects
    notices: tuple[str, ...]


def derive_tables(
    con: Any, source: Mapping, views: MappingType[str, str], base: str, fill: MappingType[str, str],
    tables: Sequence[TableMapping] | None = None,
) -> Derived:  # fmt: skip
    """Run the queries of a mapping over the typed rows of an export.

    Parameters
    ----------
    con : DuckDB connection
        Open; only temp objects are made.
    source : Mapping
        The mapping.
    views : mapping of str to str
        Name that the queries read to the relation behind it (a view's name, or a query).
    base : str
        Start of the names of temp objects.
    fill : mapping of str to str
        SQL for canonical columns that no query gives, such as ``snapshot_at``.
    tables : sequence of TableMapping, optional
        The tables to derive; default all.

    Raises
    ------
    InternalError
        A query of the mapping fails; file and reason are named.
    """
    made: list[tuple[str, str]] = []
    lent: list[tuple[str, str]] = []
    notices: list[str] = []
    found: dict[str, str] = {}
    try:
        for name, behind in views.items():
            con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {_select(behind)}")
            lent.insert(0, ("VIEW", name))
        for name, body in source.macros:
            _run(con, f"CREATE OR REPLACE TEMP MACRO {identifier(name)}{body}", f"{source.name}/{name}.sql")
            lent.append(("MACRO", identifier(name)))
        for name, sql in source.steps:
            lent.insert(0, ("TABLE", identifier(name)))
            _run(con, f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS {sql}", f"{source.name}/{name}.sql")
        for mapped in tables if tables is not None else source.tables:
            view, rows = f"{base}_{mapped.table}", f"{base}_{mapped.table}_found"
            made += [("VIEW", view), ("TABLE", rows)]
            _derive(con, source, mapped, view, rows, fill)
            notices += _incomplete(con, mapped.table, rows)
            found[mapped.table] = view
        said = _run(con, source.notices_sql, f"{source.name}/notices.sql").fetchall() if source.notices_sql else []
    except BaseException:
        drop_objects(con, tuple(made))
        raise
    finally:
        drop_objects(con, tuple(lent))
    return Derived(found, tuple(made), (*(str(text) for _, text in said), *notices))


def _select(behind: str) -> str:
    """A relation as a query."""
    return behind if behind.startswith("SELECT ") else f"SELECT * FROM {behind}"


def _derive(
    con: Any, source: Mapping, mapped: TableMapping, view: str, found: str, fill: MappingType[str, str]
) -> None:
    """Run one query into the canonical columns, typed, and make the view of the rows that have what is required."""
    file, sql = f"{source.name}/{mapped.table}.sql", mapped.sql.rstrip().removesuffix(";")
    given = {name for name, *_ in _run(con, f"DESCRIBE {sql}", file).fetchall()}
    table = CANONICAL[mapped.table]
    unknown = sorted(given - {column.name for column in table.columns} - {"row_no"})
    absent = sorted(mapped.paths.keys() - given - {"snapshot_at", "source"})
    if unknown or absent:
        wrong = f"gives {unknown}" if unknown else f"does not give {absent}"
        raise InternalError(f"the mapping's query {file} {wrong}", "the columns that mapping.yaml derives")
    shown = ", ".join(
        f"CAST({identifier(column.name) if column.name in given else fill.get(column.name, 'NULL')} "
        f"AS {column.kind.value}) AS {identifier(column.name)}"
        for column in table.columns
    )
    numbered = ", row_no" if "row_no" in given else ""
    with kept_order(con):
        _run(con, f"CREATE OR REPLACE TEMP TABLE {found} AS SELECT {shown}{numbered} FROM ({sql}\n)", file)
    # a query that does not number its rows gives them in the order of the table that was made of it
    names = ", ".join(identifier(column.name) for column in table.columns)
    number = "row_no" if numbered else f"rowid - (SELECT min(rowid) FROM {found}) + 1 AS row_no"
    con.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {names}, {number} FROM {found} WHERE {_complete(table)}")


def _complete(table: Table) -> str:
    """SQL: a row has every value that the table requires."""
    return " AND ".join(f"{identifier(column.name)} IS NOT NULL" for column in table.columns if column.required)


def _incomplete(con: Any, name: str, found: str) -> list[str]:
    """Say how many rows lack a required value."""
    table = CANONICAL[name]
    lost = count(con, f"{found} WHERE NOT ({_complete(table)})")
    if not lost:
        return []
    required = ", ".join(column.name for column in table.columns if column.required)
    return [f"{lost:,} rows of {name} are left out: one of {required} is not known"]


def _run(con: Any, sql: str, file: str) -> Any:
    """Execute SQL of a mapping; what the engine refuses in it is the mapping's fault, and named."""
    try:
        return con.execute(sql)
    except Exception as error:
        if type(error).__name__ not in _MAPPING_ERRORS:
            raise
        first = " ".join(str(error).split())[:400]
        raise InternalError(
            f"the mapping's query {file} fails ({first})", "a query that runs on every export"
        ) from error


def drop_objects(con: Any, objects: Objects) -> None:
    """Drop temp objects, views before the tables under them; an aborted transaction takes them along itself."""
    for kind, name in objects:
        try:
            con.execute(f"DROP {kind} IF EXISTS temp.{name}")
        except Exception as error:
            # inside a transaction that a query aborted nothing more runs, and the query's own error is the one to tell
            if type(error).__name__ != "TransactionException":
                raise


def refuse_empty(con: Any, rejects: str, rejected: int, place: Place) -> None:
    """Raise the error for a file of which no row can be used.

    Raises
    ------
    ExportError
        Always; with the first reasons.
    """
    first = con.execute(
        f'SELECT "row", "column", value, reason FROM {rejects} ORDER BY "row", "column" NULLS FIRST LIMIT 3'
    ).fetchall()
    if not first:
        raise ExportError("the file has no data row", "at least one row", "export it again", place=place)
    said = "; ".join(
        f"row {row}" + (f", {column}" if column else "") + (f" {value[:40]!r}" if value else "") + f": {reason}"
        for row, column, value, reason in first
    )
    raise ExportError(
        f"all {rejected:,} rows are rejected ({said})", "at least one row that can be typed",
        "correct the columns named, or map others with --propose", place=place, rejected=rejected,
    )  # fmt: skip
