"""A small desk in a real store, with helpers to spoil it; every test starts from clean data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from triage_lab import store
from triage_lab.domain.documents import Document
from triage_lab.domain.gate import Gate, GateResult
from triage_lab.domain.tables import CANONICAL, Kind
from triage_lab.lab.documents import parse_document
from triage_lab.quality import read_gates, run_sql

START = datetime(2026, 9, 1)  # noqa: DTZ001 - the store keeps UTC without a zone
DAYS = 30
CUTOFF = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp())
_POLARS = {
    Kind.TEXT: pl.String, Kind.JSON: pl.String, Kind.TIMESTAMP: pl.Datetime("us"), Kind.DATE: pl.Date,
    Kind.INTEGER: pl.Int64, Kind.DOUBLE: pl.Float64, Kind.BOOLEAN: pl.Boolean,
}  # fmt: skip
Row = dict[str, Any]
Tables = dict[str, list[Row]]


def at(days: float = 0, **more: float) -> datetime:
    """A time after the start of the desk."""
    return START + timedelta(days=days, **more)


def clean_desk() -> Tables:
    """Ten tickets a day for thirty days, five accounts, the events of an ordinary life, two look-ups a ticket."""
    tickets, events, lookups, signals = [], [], [], []
    for i in range(10 * DAYS):
        ticket, created = f"T{i:04d}", at(i // 10, hours=8, minutes=i % 10)
        tickets.append({
            "ticket_id": ticket, "created_at": created, "account_id": f"A{i % 5}" if i % 7 else None,
            "category": ("billing", "technical")[i % 2], "channel": ("email", "chat")[i % 2],
            "priority_at_creation": "normal", "first_team_id": "support", "resolver_team_id": "billing",
            "resolved_at": created + timedelta(hours=3) if i % 4 else None, "handle_minutes": 12.5,
            "subject": "invoice", "reassignment_count": 1,
        })  # fmt: skip
        course = [("created", 0, None, None), ("assigned", 1, "support", None), ("assigned", 60, "billing", "support")]
        for seq, (kind, minutes, team, old) in enumerate(course):
            events.append({
                "event_id": f"{ticket}-{seq}", "ticket_id": ticket, "at": created + timedelta(minutes=minutes),
                "seq": seq, "kind": kind, "team_id": team, "new_value": team, "old_value": old,
            })  # fmt: skip
        for field in ("mrr", "legal_flag"):
            lookups.append({
                "ticket_id": ticket, "field": field, "source": "crm", "value": "1", "status": "hit",
                "looked_up_at": created, "value_as_of": created - timedelta(days=1),
            })  # fmt: skip
        signals.append({"signal_id": f"S{i:04d}", "received_at": created, "dedup_key": f"K{i}", "ticket_id": ticket})
    accounts = [{"account_id": f"A{i}", "valid_from": at(-100), "valid_to": at(5)} for i in range(5)]
    accounts += [{"account_id": f"A{i}", "valid_from": at(5), "churn_risk": 0.5} for i in range(5)]
    return {
        "tickets": tickets, "ticket_events": events, "enrichment_log": lookups, "signals": signals,
        "accounts": accounts,
    }  # fmt: skip


def load(con: Any, tables: Mapping[str, Sequence[Row]]) -> None:
    """Append rows as one load a table."""
    for name, rows in tables.items():
        table = CANONICAL[name]
        schema = {column.name: _POLARS[column.kind] for column in table.columns}
        # TIMESTAMP columns take naive UTC times.
        frame = pl.DataFrame(rows, schema=schema).with_row_index("row_no", offset=1)
        con.register("staged", frame)
        with store.transaction(con):
            number = store.latest_load(con) + 1
            load_id = store.begin_load(con, content_hash=f"h{number}", file=f"{name}.csv", source=None, target=name)
            assert load_id is not None
            done = store.append(con, table, "staged", load_id)
            store.finish_load(con, load_id, rows=done.inserted, rejected=0, collapsed=0, differing=done.differing)
        con.unregister("staged")


@contextmanager
def opened(path: Path, tables: Mapping[str, Sequence[Row]]) -> Iterator[Any]:
    """A store with these rows, open for writing."""
    with store.open_store(path / "lab.duckdb", write=True) as con:
        load(con, tables)
        yield con


def gate(check: str, table: str = "tickets", **more: object) -> Gate:
    """A gate through the real reader; unknown keywords are parameters of the check."""
    own = {"keys", "low", "high", "tolerance", "min_n", "when", "sql", "kind", "severity"}
    entry: dict[str, object] = {
        "id": "g", "title": "A gate", "table": table, "check": check, "severity": "critical", "owner": "ops",
    }  # fmt: skip
    entry |= {key: value for key, value in more.items() if key in own}
    params = {key: value for key, value in more.items() if key not in own}
    if params:
        entry["params"] = params
    from triage_lab.domain.documents import SourceMap

    return read_gates([Document({"version": "1", "gates": [entry]}, SourceMap("g.yaml"))])[0]


def run(con: Any, *gates: Gate) -> GateResult:
    """Run one gate and keep its failures under run id ``r``."""
    (result,) = run_sql(con, gates, cutoff=CUTOFF, run_id="r")
    return result


def listed(con: Any) -> list[tuple[str, str, str]]:
    """The failing rows of run ``r``: key, column, value."""
    rows: list[tuple[str, str, str]] = con.execute(
        "SELECT key, \"column\", value FROM gate_failures WHERE run_id = 'r' ORDER BY ALL"
    ).fetchall()
    return rows


def keys(con: Any) -> list[str]:
    """The failing keys of run ``r``."""
    return [row[0] for row in listed(con)]


def parsed(text: str, file: str = "gates/a.yaml") -> tuple[Gate, ...]:
    """Gates from YAML text."""
    return read_gates([parse_document(text, file)])
