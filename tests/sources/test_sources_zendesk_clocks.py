"""Zendesk's metric events: every trap of the vendor's clocks, and a slow twin on random logs."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_zendesk import naive_clocks, naive_events
from zendesk_export import (
    USERS,
    at,
    audit,
    change,
    comment,
    create,
    iso,
    load,
    seconds,
    select,
    ticket,
    write_csv,
    write_jsonl,
)

Event = dict[str, Any]
COLUMNS = "metric, cycle, target_seconds, started_at, due_at, fulfilled_at, breached_at, paused_seconds, elapsed_seconds, state"


def event(number: int, kind: str, minutes: float, target: int | None = None, **cells: Any) -> Event:
    """A metric event of ticket 1's first reply clock."""
    row: Event = {
        "id": number,
        "ticket_id": 1,
        "metric": "reply_time",
        "instance_id": 1,
        "type": kind,
        "time": iso(minutes),
    }
    if kind == "apply_sla":
        row["sla"] = None if target is None else {
            "target": target, "business_hours": False, "policy": {"id": 5, "title": "Gold"},
        }  # fmt: skip
    return {**row, **cells}


def clocks(
    con: Any, folder: Path, logs: dict[str, list[Event]], columns: str = COLUMNS, **options: Any
) -> dict[str, Any]:
    """The first clock of each log, each the log of a ticket of its own, in one load."""
    rows = [
        {**row, "ticket_id": number, **({"id": 100 * number + row["id"]} if "id" in row else {})}
        for number, log in enumerate(logs.values(), start=1)
        for row in log
    ]
    held = [ticket(number) for number in range(1, len(logs) + 1)]
    staged = load(con, write_jsonl(folder, tickets=held, ticket_metric_events=rows), **options)
    found = {
        int(number): tuple(rest) for number, *rest in select(con, staged, "sla_instances", f"ticket_id, {columns}")
    }
    return {name: found.get(number) for number, name in enumerate(logs, start=1)}


def test_a_first_reply_in_time_and_a_next_reply_too_late(con: Any, tmp_path: Path) -> None:
    staged = load(
        con,
        write_jsonl(
            tmp_path / "export",
            tickets=[ticket(1)],
            ticket_metric_events=[
                event(1, "activate", 0),
                event(2, "apply_sla", 0, 60),
                event(3, "fulfill", 20),
                event(4, "update_status", 20, status={"calendar": 20, "business": 15}),
                event(5, "activate", 40, instance_id=2),
                event(6, "apply_sla", 40, 30, instance_id=2),
                event(7, "breach", 70, instance_id=2, deleted=False),
                event(8, "fulfill", 75, instance_id=2),
                event(9, "activate", 90, instance_id=3),
                event(10, "apply_sla", 90, 30, instance_id=3),
            ],
        ),
    )
    assert select(con, staged, "sla_instances", f"policy, business_hours, {COLUMNS}") == [
        ("Gold", False, "first_action", 1, 3600, at(), at(60), at(20), None, 0, 1200, "met"),
        ("Gold", False, "next_reply", 1, 1800, at(40), at(70), at(75), at(70), 0, None, "breached"),
        ("Gold", False, "next_reply", 2, 1800, at(90), at(120), None, None, 0, None, "open"),
    ]
    assert select(con, staged, "tickets", "sla_met") == [(False,)]


def test_events_loaded_twice_are_one_and_the_last_row_counts(con: Any, tmp_path: Path) -> None:
    # the breach was written first and withdrawn in a later load, after the target had been changed
    events = [
        event(1, "activate", 0), event(2, "apply_sla", 0, 30), event(3, "breach", 30, deleted=False),
        event(1, "activate", 0), event(2, "apply_sla", 0, 30), event(3, "breach", 30, deleted=True),
        event(4, "apply_sla", 31, 120), event(5, "fulfill", 50), event(5, "fulfill", 50),
    ]  # fmt: skip
    # the same rows without ids are told apart by what they say
    bare = [{key: value for key, value in row.items() if key != "id"} for row in events if row["type"] != "breach"]
    met = ("first_action", 1, 7200, at(), at(120), at(50), None, 0, None, "met")
    assert clocks(con, tmp_path / "export", {"with ids": events, "without": bare}) == {"with ids": met, "without": met}


def test_a_withdrawn_breach_cancels_its_clock(con: Any, tmp_path: Path) -> None:
    logs = {
        "left alone": [],
        "answered late": [event(4, "fulfill", 40)],
        # announced ahead, then answered before: nothing was withdrawn that had happened
        "answered before": [event(4, "fulfill", 20)],
        "answered in that second": [event(4, "fulfill", 30)],
        # it belonged to a target that another replaced
        "longer target": [event(4, "apply_sla", 29, 90), event(5, "fulfill", 80)],
        "longer, withdrawn too": [
            event(4, "apply_sla", 29, 60),
            event(5, "breach", 60, deleted=True),
            event(6, "fulfill", 80),
        ],
    }
    begun = [event(1, "activate", 0), event(2, "apply_sla", 0, 30), event(3, "breach", 30, deleted=True)]
    logs = {name: [*begun, *log] for name, log in logs.items()}
    found = clocks(con, tmp_path / "export", logs, "breached_at, state", snapshot_at=seconds(at(100)))
    assert found == {
        "left alone": (None, "cancelled"),
        "answered late": (None, "cancelled"),
        "answered before": (None, "met"),
        "answered in that second": (None, "met"),
        "longer target": (None, "met"),
        "longer, withdrawn too": (None, "cancelled"),
    }


def test_a_second_breach_and_a_breach_ahead_of_the_export(con: Any, tmp_path: Path) -> None:
    begun = [event(1, "activate", 0), event(2, "apply_sla", 0, 30), event(3, "breach", 30)]
    logs = {
        "twice": [*begun, event(4, "apply_sla", 35, 40), event(5, "breach", 40), event(6, "fulfill", 50)],
        "ahead": begun,
        "answered before": [*begun, event(4, "fulfill", 29)],
    }
    columns = "target_seconds, due_at, breached_at, state"
    assert clocks(con, tmp_path / "early", logs, columns, snapshot_at=seconds(at(29))) == {
        "twice": (2400, at(30), at(30), "breached"),
        "ahead": (1800, at(30), None, "open"),
        "answered before": (1800, at(30), None, "met"),
    }
    assert clocks(con, tmp_path / "late", logs, columns, snapshot_at=seconds(at(30)))["ahead"] == (
        1800,
        at(30),
        at(30),
        "breached",
    )


def test_which_target_counts(con: Any, tmp_path: Path) -> None:
    begun = event(1, "activate", 0)
    logs = {
        "met before": [begun, event(2, "apply_sla", 0, 30), event(3, "fulfill", 10), event(4, "apply_sla", 20, 5)],
        "applied after": [begun, event(2, "fulfill", 10), event(3, "apply_sla", 20, 60)],
        "changed": [begun, event(2, "apply_sla", 0, 30), event(3, "apply_sla", 5, 50), event(4, "fulfill", 10)],
        "taken away": [begun, event(2, "apply_sla", 0, 30), event(3, "apply_sla", 10)],
        "never any": [begun, event(2, "fulfill", 10)],
        "empty": [begun, event(2, "apply_sla", 0)],
    }
    assert clocks(con, tmp_path / "export", logs, "target_seconds, state") == {
        "met before": (1800, "met"),
        "applied after": (3600, "met"),
        "changed": (3000, "met"),
        "taken away": (None, "cancelled"),
        "never any": None,
        "empty": None,
    }


def test_no_target_no_promise(con: Any, tmp_path: Path) -> None:
    bare = [event(1, "activate", 0), event(2, "fulfill", 10), event(3, "activate", 0, metric="agent_work_time")]
    staged = load(con, write_jsonl(tmp_path / "export", tickets=[ticket(1)], ticket_metric_events=bare))
    assert select(con, staged, "sla_instances", "metric") == []
    assert select(con, staged, "tickets", "sla_met") == [(None,)]
    assert "2 of 2 clocks of the vendor have no target and are left out" in staged.notices


def test_pauses_and_reopening(con: Any, tmp_path: Path) -> None:
    events = [
        event(1, "activate", 0), event(2, "apply_sla", 0, 100), event(3, "pause", 10), event(4, "activate", 30),
        event(5, "fulfill", 60), event(6, "update_status", 60, status={"calendar": 40}),
    ]  # fmt: skip
    # opened again: the clock goes on, and stands while the customer is asked
    again = [*events, event(7, "activate", 80), event(8, "pause", 90)]
    logs = {"once": events, "again": again, "paused twice": [*events[:3], event(7, "pause", 20), *events[3:]]}
    logs = {name: [{**row, "metric": "requester_wait_time"} for row in log] for name, log in logs.items()}
    assert clocks(con, tmp_path / "export", logs) == {
        "once": ("requester_wait", 1, 6000, at(), at(120), at(60), None, 1200, 2400, "met"),
        "again": ("requester_wait", 1, 6000, at(), None, None, None, 1200, 2400, "paused"),
        "paused twice": ("requester_wait", 1, 6000, at(), at(120), at(60), None, 1200, 2400, "met"),
    }


def test_names_of_metrics_and_seconds(con: Any, tmp_path: Path) -> None:
    names = {
        "agent_work_time": "agent_work", "periodic_update_time": "periodic_update", "pausable_update_time": "pausable_update_time",
        "resolution_time": "resolve", "group_ownership_time": "group_ownership_time",
    }  # fmt: skip
    sla = {"target": 1, "target_in_seconds": 90, "business_hours": True}
    logs = {
        name: [event(1, "activate", 0, metric=name), event(2, "apply_sla", 0, metric=name, sla=sla)] for name in names
    }
    found = clocks(con, tmp_path / "export", logs, "metric, target_seconds, business_hours, due_at")
    assert found == {name: (ours, 90, True, None) for name, ours in names.items()}


def test_flat_columns_and_nested_ones_give_the_same(con: Any, tmp_path: Path) -> None:
    events = [event(1, "activate", 0), event(2, "apply_sla", 0, 60), event(3, "fulfill", 20)]
    flat = [
        {**{key: value for key, value in row.items() if key != "sla"}, "sla__target": row.get("sla", {}).get("target"),
         "sla__policy__title": row.get("sla", {}).get("policy", {}).get("title")}
        for row in events
    ]  # fmt: skip
    cells = [{**row, "sla": json.dumps(row["sla"]) if "sla" in row else None} for row in events]
    for name, rows in (("flat", flat), ("cells", cells)):
        staged = load(
            con, write_csv(tmp_path / name, ticket=[{"id": 1, "created_at": iso()}], ticket_metric_events=rows)
        )
        assert select(con, staged, "sla_instances", f"policy, {COLUMNS}") == [
            ("Gold", "first_action", 1, 3600, at(), at(60), at(20), None, 0, None, "met")
        ]


KINDS = ("activate", "apply_sla", "pause", "fulfill", "breach")
EVENT = st.tuples(
    st.sampled_from(KINDS),
    st.integers(0, 8),
    st.sampled_from([None, 3, 3, 5]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 2),
)


@settings(deadline=None, max_examples=3, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(EVENT, max_size=8), min_size=60, max_size=80), st.randoms(use_true_random=False))
def test_clocks_equal_a_slow_twin(con: Any, tmp_path_factory: Any, logs: list[list[Any]], random: Any) -> None:
    rows = []
    for ticket_id, log in enumerate(logs, start=1):
        for kind, minute, target, business, deleted, instance in log:
            number = len(rows) + 1
            rows.append({
                "id": number, "ticket_id": ticket_id, "metric": "agent_work_time", "instance_id": instance, "type": kind, "time": at(minute),
                "target": target if kind == "apply_sla" else None, "business": business, "deleted": deleted and kind == "breach",
            })  # fmt: skip
    rows += [row for row in rows if row["id"] % 5 == 0]
    random.shuffle(rows)
    events = [
        {**{key: row[key] for key in ("id", "ticket_id", "metric", "instance_id", "type", "deleted")}, "time": row["time"].isoformat() + "Z",
         "sla": {"target": row["target"], "business_hours": row["business"]} if row["type"] == "apply_sla" else None}
        for row in rows
    ]  # fmt: skip
    folder = write_jsonl(tmp_path_factory.mktemp("log"), tickets=[ticket(number) for number in range(1, len(logs) + 1)])
    if events:
        write_jsonl(folder, ticket_metric_events=events)
    staged = load(con, folder, snapshot_at=seconds(at(6)))
    columns = "ticket_id, metric, cycle, target_seconds, started_at, fulfilled_at, breached_at, paused_seconds, state"
    found = {
        (number, metric + "_time", cycle): dict(zip(columns.split(", ")[3:], rest, strict=True))
        for number, metric, cycle, *rest in select(con, staged, "sla_instances", columns)
    }
    assert found == naive_clocks(rows, at(6))


CHANGE = st.one_of(
    st.tuples(st.just("Change"), st.just("group_id"), st.sampled_from(["11", "12", None])),
    st.tuples(st.just("Change"), st.just("status"), st.sampled_from(["open", "pending", "solved", "closed"])),
    st.tuples(st.just("Change"), st.just("priority"), st.sampled_from(["low", "high"])),
    st.tuples(st.just("Comment"), st.booleans()),
)
AUDIT = st.tuples(st.integers(0, 6), st.sampled_from([501, 502, 71, 72]), st.lists(CHANGE, min_size=1, max_size=4))


@settings(deadline=None, max_examples=3, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(AUDIT, max_size=6), min_size=20, max_size=30), st.randoms(use_true_random=False))
def test_events_equal_a_slow_twin(con: Any, tmp_path_factory: Any, logs: list[list[Any]], random: Any) -> None:
    opening = [("Create", "status", "new"), ("Create", "group_id", "11"), ("Comment", True)]
    audits: dict[int, list[dict[str, Any]]] = {}
    for ticket_id, log in enumerate(logs, start=1):
        told = [(0, 501, opening), *log]
        audits[ticket_id] = [
            {"id": ticket_id * 100 + place, "at": at(minute), "author": author, "events": events}
            for place, (minute, author, events) in enumerate(told)
        ]
    rows = [_as_audit(ticket_id, one) for ticket_id, own in audits.items() for one in own]
    rows += [row for row in rows if row["id"] % 3 == 0]
    random.shuffle(rows)
    tickets = [ticket(number) for number in audits]
    staged = load(con, write_jsonl(tmp_path_factory.mktemp("log"), tickets=tickets, ticket_audits=rows, users=USERS))
    columns = '"at", kind, actor_type, team_id, old_value, new_value'
    found: dict[str, list[tuple[Any, ...]]] = {str(ticket_id): [] for ticket_id in audits}
    for ticket_id, *rest in select(con, staged, "ticket_events", f"ticket_id, {columns}", "kind <> 'created'"):
        found[ticket_id].append(tuple(rest))
    assert found == {str(ticket_id): naive_events(own, {71, 72}, 501) for ticket_id, own in audits.items()}


def _as_audit(ticket_id: int, one: dict[str, Any]) -> dict[str, Any]:
    """An audit of the twin as the API writes it."""
    events = []
    for place, told in enumerate(one["events"], start=1):
        if told[0] == "Comment":
            events.append(comment(one["id"] * 100 + place, f"c {one['id']} {place}", public=told[1]))
        else:
            events.append(create(told[1], told[2]) if told[0] == "Create" else change(told[1], None, told[2]))
            if told[0] == "Change":
                del events[-1]["previous_value"]
    when: datetime = one["at"]
    return audit(one["id"], ticket_id, 0, one["author"], *events, created_at=when.isoformat() + "Z")
