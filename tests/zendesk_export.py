"""Small Zendesk exports for the tests of the mapping: objects as JSON Lines or CSV in one folder, and what comes out."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from triage_lab.sources import Staged, read_mapping, stage_source

Rows = Sequence[Mapping[str, Any]]
START = datetime(2026, 3, 2, 9, 0, 0)  # noqa: DTZ001 - stored times carry no zone


def at(minutes: float = 0) -> datetime:
    """The time so many minutes after the start, as it is stored."""
    return START + timedelta(minutes=minutes)


def iso(minutes: float = 0) -> str:
    """The same time, as the API writes it."""
    return at(minutes).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(when: datetime) -> int:
    """Epoch seconds of a stored time."""
    return int(when.replace(tzinfo=UTC).timestamp())


def write_jsonl(folder: Path, **objects: Rows) -> Path:
    """Write each object as JSON Lines."""
    folder.mkdir(exist_ok=True)
    for name, rows in objects.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def write_csv(folder: Path, **objects: Rows) -> Path:
    """Write each object as CSV; columns are all keys, in the order in which they occur."""
    folder.mkdir(exist_ok=True)
    for name, rows in objects.items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def load(con: Any, folder: Path, **options: Any) -> Staged:
    """Stage a folder as Zendesk's."""
    return stage_source(
        con, files=[folder], source=read_mapping("zendesk"), **{"timezone": None, "snapshot_at": None, **options}
    )


def select(con: Any, staged: Staged, table: str, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
    """Rows of a canonical table, in its own order."""
    sql = f"SELECT {columns} FROM {staged.tables[table]} WHERE {where} ORDER BY row_no"
    return [tuple(row) for row in con.execute(sql).fetchall()]


def ticket(number: int, **cells: Any) -> dict[str, Any]:
    """A ticket of the API; customer 501 asks by mail at the start."""
    row: dict[str, Any] = {
        "id": number, "created_at": iso(), "updated_at": iso(600), "status": "open", "subject": "s", "description": "help",
        "requester_id": 501, "submitter_id": 501, "via": {"channel": "email", "source": {"rel": None}},
        "recipient": "help@acme.example", "organization_id": 900, "group_id": 11, "tags": [], "custom_fields": [],
    }  # fmt: skip
    return {**row, **cells}


def create(field: str, value: Any, **cells: Any) -> dict[str, Any]:
    """The event with which a field began."""
    return {"type": "Create", "field_name": field, "value": value, **cells}


def change(field: str, old: Any, new: Any, **cells: Any) -> dict[str, Any]:
    """The event with which a field changed."""
    return {"type": "Change", "field_name": field, "previous_value": old, "value": new, **cells}


def comment(number: int, body: str = "text", *, public: bool = True, **cells: Any) -> dict[str, Any]:
    """A comment's event."""
    return {"type": "Comment", "id": number, "body": body, "public": public, **cells}


def audit(
    number: int, ticket_id: int, minutes: float, author: int, *events: dict[str, Any], **cells: Any
) -> dict[str, Any]:
    """An audit; its events are numbered after it where they have no id of their own."""
    numbered = [{"id": number * 100 + place, **event} for place, event in enumerate(events, start=1)]
    via = {"channel": "web", "source": {"rel": None}}
    return {
        "id": number, "ticket_id": ticket_id, "created_at": iso(minutes), "author_id": author, "via": via,
        "events": numbered, **cells,
    }  # fmt: skip


USERS = [
    {"id": 501, "role": "end-user", "email": "c@customer.example", "updated_at": iso()},
    {"id": 502, "role": "end-user", "email": "d@customer.example", "updated_at": iso()},
    {"id": 71, "role": "agent", "email": "a@acme.example", "updated_at": iso()},
    {"id": 72, "role": "admin", "email": "b@acme.example", "updated_at": iso()},
]
GROUPS = [
    {"id": 11, "name": "Support", "updated_at": iso()},
    {"id": 12, "name": "Billing", "updated_at": iso()},
]
TRIGGER = {"channel": "rule", "source": {"rel": "trigger", "from": {"id": 4711, "title": "Route"}}}
