"""Slow twins of the sources room: one character, one cell, one incident at a time."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo


def naive_clean(text: str, delimiter: str) -> str:
    """One kind of line end and no blank lines outside quotes, walked character by character."""
    text = text.removeprefix("\ufeff")
    out: list[str] = []
    quoted, fresh, blank, at = False, True, True, 0
    while at < len(text):
        char = text[at]
        if quoted:
            out.append(char)
            if char == '"':
                if text[at + 1 : at + 2] == '"':
                    out.append('"')
                    at += 1
                else:
                    quoted = False
            at += 1
            continue
        if char in "\r\n":
            if text[at : at + 2] == "\r\n":
                at += 1
            if not blank:
                out.append("\n")
            fresh = blank = True
        else:
            quoted = char == '"' and fresh
            fresh, blank = char == delimiter, False
            out.append(char)
        at += 1
    return "".join(out)


def naive_time(text: str, zone: str) -> datetime | None:
    """UTC time of an ISO 8601 text, or of one that names no zone, by the standard library."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    local = value if value.tzinfo else value.replace(tzinfo=ZoneInfo(zone), fold=0)
    return local.astimezone(UTC).replace(tzinfo=None)


def _day_first(text: str) -> datetime | None:
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2})", text)
    if found is None:
        return None
    day, month, year, hour, minute = map(int, found.groups())
    return datetime(year, month, day) + timedelta(hours=hour, minutes=minute)  # noqa: DTZ001


def naive_incidents(path: Path) -> dict[str, dict[str, object]]:
    """ServiceNow tickets from a plain, unprefixed d/m/yyyy log, one row at a time."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [
            (n, {k: None if v in {"?", ""} else v for k, v in row.items()})
            for n, row in enumerate(csv.DictReader(handle), 1)
        ]
    cases: dict[str, list[tuple[int, dict[str, str | None]]]] = {}
    for number, row in rows:
        cases.setdefault(str(row["number"]), []).append((number, row))
    words = {"1": "urgent", "2": "high", "3": "normal", "4": "low"}
    out: dict[str, dict[str, object]] = {}
    for case, lines in cases.items():
        lines.sort(
            key=lambda line: (int(line[1]["sys_mod_count"] or 0), _day_first(str(line[1]["sys_updated_at"])), line[0])
        )
        first, last = lines[0][1], lines[-1][1]
        known = [row["incident_state"] for _, row in lines]
        worked = [row for (_, row), state in zip(lines, known, strict=True) if state not in {None, "-100", "New"}]
        groups = [row["assignment_group"] for _, row in lines if row["assignment_group"]]
        out[case] = {
            "created_at": _day_first(str(first["opened_at"])),
            "category": first["category"],
            "priority_at_creation": words[str(first["priority"])],
            "first_team_id": groups[0] if groups else None,
            "resolver_team_id": last["assignment_group"],
            "first_action_at": _day_first(str(worked[0]["sys_updated_at"])) if worked else None,
            "resolved_at": _day_first(str(last["resolved_at"])) if last["resolved_at"] else None,
            "sla_met": last["made_sla"] == "true",
            "reassignment_count": int(str(last["reassignment_count"])),
        }
    return out
