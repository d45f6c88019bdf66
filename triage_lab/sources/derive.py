"""From the typed rows of an export to canonical tables, by the mapping's queries."""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any

from triage_lab.domain.errors import ExportError, Place
from triage_lab.domain.tables import CANONICAL
from triage_lab.sources.casts import identifier
from triage_lab.sources.mapping import Mapping

Objects = tuple[tuple[str, str], ...]


def derive_tables(
    con: Any, source: Mapping, rows: str, base: str, fill: MappingType[str, str]
) -> tuple[dict[str, str], Objects, tuple[str, ...]]:
    """Run the queries of a mapping over the typed rows of an export.

    Parameters
    ----------
    con : DuckDB connection
        Open; only temp objects are made.
    source : Mapping
        The mapping.
    rows : str
        View of the typed rows, under the mapping's column names.
    base : str
        Start of the names of temp objects.
    fill : mapping of str to str
        SQL for canonical columns that no query gives, such as ``snapshot_at``.

    Returns
    -------
    tables : dict of str to str
        Canonical table to the view with all its columns and ``row_no``.
    objects : tuple of (str, str)
        What was made, in the order in which it may be dropped.
    notices : tuple of str
        What the mapping has to say about this file.
    """
    con.execute(f"CREATE OR REPLACE TEMP VIEW source_rows AS SELECT * FROM {rows}")
    try:
        tables: dict[str, str] = {}
        objects: list[tuple[str, str]] = []
        for mapped in source.tables:
            found, view = f"{base}_{mapped.table}_found", f"{base}_{mapped.table}"
            con.execute(f"CREATE OR REPLACE TEMP TABLE {found} AS {mapped.sql}")
            given = {name for name, *_ in con.execute(f"DESCRIBE {found}").fetchall()}
            shown = ", ".join(
                f"CAST({identifier(column.name) if column.name in given else fill.get(column.name, 'NULL')} "
                f"AS {column.kind.value}) AS {identifier(column.name)}"
                for column in CANONICAL[mapped.table].columns
            )
            con.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {shown}, row_no FROM {found}")
            tables[mapped.table] = view
            objects += [("VIEW", view), ("TABLE", found)]
        notices = tuple(str(text) for _, text in con.execute(source.notices_sql).fetchall())
    finally:
        con.execute("DROP VIEW IF EXISTS temp.source_rows")
    return tables, tuple(objects), notices


def drop_objects(con: Any, objects: Objects) -> None:
    """Drop temp objects, views before the tables under them."""
    for kind, name in objects:
        con.execute(f"DROP {kind} IF EXISTS temp.{name}")


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
