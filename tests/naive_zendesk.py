"""Slow twins of Zendesk's mapping: a log replayed event by event in plain Python, without a query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
PLACE = {"activate": 1, "apply_sla": 2, "pause": 3, "fulfill": 4, "breach": 5, "update_status": 6}


def naive_clocks(rows: Iterable[Row], known_to: datetime) -> dict[tuple[str, str, int], dict[str, Any]]:
    """Return the clocks of metric events: by ticket, metric and instance their times and state.

    Parameters
    ----------
    rows : iterable of mapping
        id, ticket_id, metric, instance_id, type, time (datetime), target (minutes), business, deleted; in file order.
    known_to : datetime
        When the export was taken.
    """
    by_id = {row["id"]: row for row in rows}
    clocks: dict[tuple[str, str, int], list[Row]] = {}
    for row in by_id.values():
        clocks.setdefault((str(row["ticket_id"]), row["metric"], row["instance_id"]), []).append(row)
    found = {}
    for key, events in clocks.items():
        clock = _clock(events, known_to)
        if clock is not None:
            found[key] = clock
    return found


def _clock(events: list[Row], known_to: datetime) -> dict[str, Any] | None:
    """One clock, or None if no target was ever promised."""
    ordered = sorted(events, key=lambda row: (row["time"], PLACE[row["type"]], row["id"]))
    runs = sorted(
        (e for e in events if e["type"] in {"activate", "pause", "fulfill"}), key=lambda row: (row["time"], row["id"])
    )
    started = min((e["time"] for e in runs if e["type"] == "activate"), default=None)
    paused, standing_since, fulfilled = 0, None, None
    for event in runs:
        if standing_since is not None:
            paused += int((event["time"] - standing_since).total_seconds())
        standing_since = event["time"] if event["type"] == "pause" else None
        fulfilled = event["time"] if event["type"] == "fulfill" else None
    applied = [e for e in ordered if e["type"] == "apply_sla"]
    if not applied:
        return None
    in_time = [e for e in applied if fulfilled is None or e["time"] <= fulfilled]
    target = in_time[-1] if in_time else applied[0]
    targets = len({e["target"] for e in applied})
    if target["target"] is None and targets == 1:
        return None
    end = fulfilled if fulfilled is not None else known_to
    breaches = [e for e in ordered if e["type"] == "breach"]
    breached = min((e["time"] for e in breaches if not e["deleted"] and e["time"] <= end), default=None)
    withdrawn = {
        e["time"]
        for e in breaches
        if e["deleted"] and e["time"] <= known_to and (fulfilled is None or e["time"] < fulfilled)
    }
    reach = None
    if started is not None and target["target"] is not None and not target["business"]:
        reach = started + timedelta(minutes=target["target"], seconds=paused)
    if breached is not None:
        state = "breached"
    elif len(withdrawn) >= targets or reach in withdrawn:
        state = "cancelled"
    elif fulfilled is not None:
        state = "met"
    elif target["target"] is None:
        state = "cancelled"
    else:
        state = "paused" if standing_since is not None else "open"
    return {
        "target_seconds": None if target["target"] is None else target["target"] * 60,
        "started_at": started, "fulfilled_at": fulfilled, "breached_at": breached, "paused_seconds": paused, "state": state,
    }  # fmt: skip


def naive_events(audits: Iterable[Row], agents: set[int], requester: int) -> list[tuple[Any, ...]]:
    """Return (at, kind, actor_type, team, old, new) of one ticket's audits, each audit once, in the order of time.

    Parameters
    ----------
    audits : iterable of mapping
        id, at (datetime), author (number), events: ("Create", field, value), ("Change", field, value) or
        ("Comment", public). The first audit creates the ticket.
    agents : set of int
        People with an agent's role.
    requester : int
        Who asked.
    """
    once = sorted({audit["id"]: audit for audit in audits}.values(), key=lambda audit: (audit["at"], audit["id"]))
    values: dict[str, Any] = {}
    by_second: dict[datetime, Any] = {}
    comments, changes = [], []
    first_id = next(audit["id"] for audit in once if any(event[0] == "Create" for event in audit["events"]))
    for audit in once:
        who = "customer" if audit["author"] not in agents else "agent"
        for event in audit["events"]:
            if event[0] == "Comment":
                said = "customer" if audit["author"] == requester else who
                if audit["id"] != first_id:
                    comments.append((audit["at"], "reply" if event[1] else "note", said))
                continue
            field, value = event[1], event[2]
            old = values.get(field)
            if field in values and old == value:
                continue
            values[field] = value
            if field == "group_id":
                by_second[audit["at"]] = value
            if (event[0] == "Create" and field != "group_id") or (old is None and value is None):
                continue
            changes.append((audit["at"], field, who, old, value))
    return _told(comments, changes, by_second)


def _told(comments: list[Any], changes: list[Any], by_second: dict[datetime, Any]) -> list[tuple[Any, ...]]:
    """Comments before changes within a second, with the team of the moment."""
    found: list[tuple[Any, ...]] = []
    for when in sorted({row[0] for row in (*comments, *changes)}):
        before = [group for second, group in sorted(by_second.items()) if second < when]
        now = [group for second, group in sorted(by_second.items()) if second <= when]
        for _, kind, said in (row for row in comments if row[0] == when):
            team = before[-1] if before else (now[-1] if now else None)
            found.append((when, kind, said, team if said == "agent" else None, None, None))
        for _, field, who, old, new in (row for row in changes if row[0] == when):
            team = new if field == "group_id" else (now[-1] if now else None)
            kind = {"group_id": "assigned", "status": "status", "priority": "priority"}[field]
            found.append((when, kind, who, team, old, new))
            if field != "status":
                continue
            done = {"solved", "closed"}
            if new in done and old not in done:
                found.append((when, "resolved", who, team, old, new))
            if old in done and new not in done:
                found.append((when, "reopened", who, team, old, new))
            if new == "closed":
                found.append((when, "closed", who, team, old, new))
    return found
