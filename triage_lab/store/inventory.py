"""What is stored, how complete and how fresh: one scan a table."""

from __future__ import annotations

import duckdb
import polars as pl

from triage_lab.domain.tables import CANONICAL, Kind, Table
from triage_lab.store.frames import query_frame
from triage_lab.store.schema import inventory_scan, system_scan

_DATED_BY = {
    "signals": "received_at", "tickets": "created_at", "ticket_events": "at", "sla_instances": "started_at",
    "invoices": "issued_at", "refunds": "issued_at", "credits": "issued_at", "enrichment_log": "looked_up_at",
    "labels": "labelled_at",
}  # fmt: skip
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "table": pl.String, "column": pl.String, "rows": pl.Int64, "non_null": pl.Int64, "first_at": pl.Datetime("us"),
    "last_at": pl.Datetime("us"),
}  # fmt: skip
_BY_SYSTEM: dict[str, pl.DataType | type[pl.DataType]] = {
    "table": pl.String, "system": pl.String, "column": pl.String, "rows": pl.Int64, "non_null": pl.Int64,
    "newest_at": pl.Datetime("us"), "snapshot_at": pl.Datetime("us"),
}  # fmt: skip


def _dating_column(table: Table, name: str) -> str | None:
    """Return the column whose times say how old the values of a column are: itself if it is one."""
    column = table.column(name)
    if column is not None and column.kind in (Kind.TIMESTAMP, Kind.DATE):
        return name
    return _DATED_BY.get(table.name, "valid_from" if table.column("valid_from") is not None else None)


def inventory(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return for each column of each canonical table how complete and how fresh it is.

    Returns
    -------
    polars.DataFrame
        table, column String; rows, non_null Int64; first_at, last_at Datetime: earliest and latest time (the column's
        own if it is a time, else that of the table's rows in which the column has a value). Newest rows only, as of
        the load of `triage_lab.store.set_as_of`; in the order of the canonical tables.
    """
    lines: list[tuple[object, ...]] = []
    for table in CANONICAL.values():
        dating = {column.name: _dating_column(table, column.name) for column in table.columns}
        counts = query_frame(con, inventory_scan(table, dating)).row(0)
        for number, column in enumerate(table.columns):
            non_null, first_at, last_at = counts[1 + 3 * number : 4 + 3 * number]
            lines.append((table.name, column.name, counts[0], non_null, first_at, last_at))
    return pl.DataFrame(lines, schema=_SCHEMA, orient="row")


def inventory_by_system(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return for each system what it tells: columns, how complete and how fresh they are.

    Returns
    -------
    polars.DataFrame
        table, system, column String; rows (of the system in the table), non_null Int64; newest_at Datetime: newest time
        (arrival, lookup, start of validity …) of the system's rows in which the column has a value, NULL if rows of the
        table are not dated; snapshot_at Datetime: newest snapshot of the system's loads with rows in the table, NULL if
        none says when it was taken. Newest rows only, as of the load of `triage_lab.store.set_as_of`; tables without
        rows are left out. In the order of the canonical tables, systems by name.

    Notes
    -----
    The system is the source of the load, ``canonical`` for a table of the lab's own; a row of enrichment_log names
    itself the system that was asked.
    """
    lines: list[tuple[object, ...]] = []
    for table in CANONICAL.values():
        dating = _DATED_BY.get(table.name, "valid_from" if table.column("valid_from") is not None else None)
        for system, rows, snapshot_at, *told in query_frame(con, system_scan(table, dating)).iter_rows():
            for number, column in enumerate(table.columns):
                non_null, newest_at = told[2 * number : 2 * number + 2]
                lines.append((table.name, system, column.name, rows, non_null, newest_at, snapshot_at))
    return pl.DataFrame(lines, schema=_BY_SYSTEM, orient="row")
