"""Small worlds for the store's tests: rows as dicts, loaded through the public API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import polars as pl

from triage_lab import store
from triage_lab.domain.desk import ColumnKind, ContextColumn
from triage_lab.domain.tables import CANONICAL, Kind

Row = Mapping[str, object]
TYPES = {
    Kind.TEXT: pl.String, Kind.TIMESTAMP: pl.Datetime("us"), Kind.DATE: pl.Date, Kind.INTEGER: pl.Int64,
    Kind.DOUBLE: pl.Float64, Kind.BOOLEAN: pl.Boolean, Kind.JSON: pl.String,
}  # fmt: skip
K = ColumnKind
BUILT_IN = tuple(
    ContextColumn(name, kind, "", True, "", "")
    for name, kind in (
        ("account_id", K.TEXT), ("category", K.TEXT), ("is_repeat_7d", K.BOOLEAN), ("account_tier", K.TEXT),
        ("region", K.TEXT), ("churn_risk", K.NUMBER), ("contract_tier", K.TEXT), ("contract_end", K.DATE),
        ("auto_renew", K.BOOLEAN), ("days_to_renewal", K.INTEGER), ("mrr", K.DECIMAL), ("mrr_tier", K.TEXT),
        ("balance_due", K.DECIMAL), ("overdue_days", K.INTEGER), ("open_dispute", K.BOOLEAN),
        ("open_opportunity_amount", K.DECIMAL), ("open_opportunity_count", K.INTEGER), ("legal_flag", K.BOOLEAN),
        ("clause_support_hours", K.TEXT), ("clause_service_credit_pct", K.NUMBER),
    )
)  # fmt: skip


def at(text: str) -> datetime:
    """A naive UTC time from ISO text."""
    return datetime.fromisoformat(text)


def frame(table: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of a canonical table as a staged frame; only the columns that some row has."""
    names = {name for row in rows for name in row if name != "row_no"}
    columns = [c for c in CANONICAL[table].columns if c.name in names or c.required]
    staged = pl.DataFrame(
        [[row.get(c.name) for c in columns] for row in rows],
        schema={c.name: TYPES[c.kind] for c in columns},
        orient="row",
    )
    return staged.with_columns(
        row_no=pl.Series([row.get("row_no", i + 1) for i, row in enumerate(rows)], dtype=pl.Int64)
    )


def load(
    con,
    table: str,
    rows: Sequence[Row],
    *,
    content: str | None = None,
    snapshot_at: int | None = None,
    source: str | None = None,
):
    """Load rows as one file of a system; returns (load id, Appended), or None if the content is known."""
    con.register("staged", frame(table, rows))
    try:
        with store.transaction(con):
            load_id = store.begin_load(
                con, content_hash=content or f"{table}:{rows!r}", file=f"{table}.csv", source=source, target=table,
                timezone="UTC", snapshot_at=snapshot_at,
            )  # fmt: skip
            if load_id is None:
                return None
            done = store.append(con, CANONICAL[table], "staged", load_id)
            store.finish_load(con, load_id, rows=done.inserted, rejected=0, collapsed=done.collapsed, loaded_at=0)
            return load_id, done
    finally:
        con.unregister("staged")


@contextmanager
def lab(folder: Path, **tables: Sequence[Row]) -> Iterator[object]:
    """A new store with the given tables loaded, open for writing."""
    with store.open_store(folder / "lab.duckdb", write=True) as con:
        for table, rows in tables.items():
            load(con, table, rows)
        yield con


def ticket(ticket_id: str, created_at: str, **columns: object) -> dict[str, object]:
    """A ticket row."""
    return {"ticket_id": ticket_id, "created_at": at(created_at), **columns}
