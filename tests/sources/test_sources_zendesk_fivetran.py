"""Zendesk as a pipeline lands it: field history, comments and applied policies; and the vendor-shaped public tables."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from zendesk_export import at, iso, load, seconds, select, write_csv

from triage_lab.sources import Staged

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "fivetran_zendesk_seeds"
CLOCK = "metric, cycle, policy, target_seconds, started_at, due_at, fulfilled_at, breached_at, paused_seconds, elapsed_seconds, state"
USERS = [
    {"id": 501, "role": "end-user", "email": "c@x.example", "updated_at": ""},
    {"id": 71, "role": "agent", "email": "a@x.example", "updated_at": ""},
]
GROUPS = [{"id": 11, "name": "Support", "updated_at": ""}, {"id": 12, "name": "Billing", "updated_at": ""}]


def ticket(number: int, **cells: Any) -> dict[str, Any]:
    """A row of the table ticket."""
    return {
        "id": number, "created_at": iso(), "updated_at": iso(200), "status": "solved", "priority": "urgent", "requester_id": 501,
        "submitter_id": 501, "group_id": 12, "assignee_id": 71, "organization_id": "", "description": "help", "via_channel": "email",
        "custom_category": "refund", "custom_plan": "pro", "custom_total_time_spent_sec": 90, "merged_ticket_ids": "[]",
        "_fivetran_synced": iso(999), **cells,
    }  # fmt: skip


def history(number: int, *changes: tuple[float, str, str], user: int = 71) -> list[dict[str, Any]]:
    """Rows of ticket_field_history."""
    return [
        {"field_name": field, "ticket_id": number, "updated": iso(minutes), "_fivetran_synced": iso(999), "user_id": user, "value": value}
        for minutes, field, value in changes
    ]  # fmt: skip


def said(number: int, *comments: tuple[float, int, bool]) -> list[dict[str, Any]]:
    """Rows of ticket_comment."""
    return [
        {"id": number * 100 + place, "body": "help" if place == 0 else "text", "created": iso(minutes), "public": public,
         "ticket_id": number, "user_id": user}
        for place, (minutes, user, public) in enumerate(comments)
    ]  # fmt: skip


def targets(policy: int, updated: float, business: bool = False, **minutes: int) -> list[dict[str, Any]]:
    """Rows of sla_policy_metric_history for the priority normal."""
    return [
        {"sla_policy_id": policy, "index": 0, "sla_policy_updated_at": iso(updated), "business_hours": business, "metric": metric,
         "priority": "normal", "target": target}
        for metric, target in minutes.items()
    ]  # fmt: skip


STORY = history(
    1, (0, "status", "new"), (0, "priority", "normal"), (0, "group_id", "11"), (0, "custom_category", "billing"), (10, "status", "open"),
    (30, "status", "pending"), (60, "status", "open"), (60, "group_id", "12"), (60, "priority", "urgent"), (60, "custom_category", "refund"),
    (100, "status", "solved"),
)  # fmt: skip
TALK = said(1, (0, 501, True), (5, 71, False), (20, 71, True), (40, 501, True), (45, 501, True), (70, 71, True))
POLICY = [
    *targets(1, -1000, first_reply_time=15, next_reply_time=60, requester_wait_time=120, agent_work_time=50),
    *targets(1, 500, first_reply_time=1),
]
DESK = {
    "ticket": [ticket(1)],
    "ticket_field_history": STORY[::-1] + STORY[:3],
    "ticket_comment": TALK[::-1] + TALK[:2],
    "user": USERS,
    "group": GROUPS,
}


def test_a_ticket_from_its_field_history(con: Any, tmp_path: Path) -> None:
    staged = load(con, write_csv(tmp_path / "export", **DESK))
    columns = (
        "category, priority_at_creation, first_team_id, resolver_team_id, first_action_at, resolved_at, closed_at, reassignment_count, "
        "handle_minutes, status_class, custom ->> 'plan__current'"
    )
    assert select(con, staged, "tickets", columns) == [
        ("billing", "normal", "Support", "Billing", at(20), at(100), None, 1, 1.5, "solved", "pro")
    ]
    found = select(con, staged, "ticket_events", '"at", kind, actor_type, team_id, old_value, new_value, is_public')
    assert found == [
        (at(), "created", "customer", None, None, "new", None),
        (at(), "assigned", "agent", "Support", None, "Support", None),
        (at(5), "note", "agent", "Support", None, None, False),
        (at(10), "status", "agent", "Support", "new", "open", None),
        (at(20), "reply", "agent", "Support", None, None, True),
        (at(30), "status", "agent", "Support", "open", "pending", None),
        (at(40), "reply", "customer", None, None, None, True),
        (at(45), "reply", "customer", None, None, None, True),
        (at(60), "field", "agent", "Billing", "billing", "refund", None),
        (at(60), "priority", "agent", "Billing", "normal", "urgent", None),
        (at(60), "assigned", "agent", "Billing", "Support", "Billing", None),
        (at(60), "status", "agent", "Billing", "pending", "open", None),
        (at(70), "reply", "agent", "Billing", None, None, True),
        (at(100), "status", "agent", "Billing", "open", "solved", None),
        (at(100), "resolved", "agent", "Billing", "open", "solved", None),
    ]


def test_targets_by_the_priority_when_the_policy_was_applied(con: Any, tmp_path: Path) -> None:
    applied = [{"ticket_id": 1, "sla_policy_id": 1, "policy_applied_at": iso()}]
    export = {**DESK, "ticket_sla_policy": applied, "sla_policy_metric_history": POLICY}
    staged = load(con, write_csv(tmp_path / "export", **export), snapshot_at=seconds(at(1000)))
    assert select(con, staged, "sla_instances", CLOCK) == [
        ("agent_work", 1, "1", 3000, at(), at(80), at(100), at(80), 1800, 4200, "breached"),
        ("first_action", 1, "1", 900, at(), at(15), at(20), at(15), 0, 1200, "breached"),
        ("next_reply", 1, "1", 3600, at(40), at(100), at(70), None, 0, 1800, "met"),
        ("requester_wait", 1, "1", 7200, at(), None, at(100), None, 1800, 4200, "met"),
    ]
    # they are ours, not the vendor's word
    assert select(con, staged, "tickets", "sla_met") == [(None,)]
    assert any(notice.startswith("approximate: 4 clocks have no metric events") for notice in staged.notices)


def test_targets_that_the_history_tells(con: Any, tmp_path: Path) -> None:
    told = history(
        1, (0, "sla_policy", "Gold"), (0, "first_reply_time", json.dumps({"minutes": 15, "in_business_hours": False})),
        (50, "sla_policy", "Silver"), (50, "first_reply_time", json.dumps({"minutes": 600, "in_business_hours": False})),
        (40, "next_reply_time", json.dumps({"minutes": 20, "in_business_hours": False})),
    )  # fmt: skip
    applied = [{"ticket_id": 1, "sla_policy_id": 1, "policy_applied_at": iso()}]
    export = {
        **DESK,
        "ticket_field_history": STORY + told,
        "ticket_sla_policy": applied,
        "sla_policy_metric_history": POLICY,
    }
    staged = load(con, write_csv(tmp_path / "export", **export))
    columns = "metric, policy, target_seconds, due_at, state"
    assert select(con, staged, "sla_instances", columns) == [
        ("first_action", "Gold", 900, at(15), "breached"),
        ("next_reply", "Gold", 1200, at(60), "breached"),
    ]


def test_no_priority_then_no_target(con: Any, tmp_path: Path) -> None:
    # 1 had none when the policy came, 2 never had one, 3 has today's only
    later = history(1, (0, "status", "new"), (60, "priority", "normal"))
    applied = [{"ticket_id": number, "sla_policy_id": 1, "policy_applied_at": iso()} for number in (1, 2, 3)]
    staged = load(
        con,
        write_csv(
            tmp_path / "export",
            ticket=[ticket(1), ticket(2, priority=""), ticket(3, priority="Normal", status="open")],
            ticket_field_history=later,
            ticket_comment=said(3, (0, 501, True)),
            ticket_sla_policy=applied,
            sla_policy_metric_history=targets(1, -10, first_reply_time=15),
            user=USERS,
        ),
        snapshot_at=seconds(at(14)),
    )
    assert select(con, staged, "sla_instances", "ticket_id, metric, due_at, state") == [
        ("3", "first_action", at(15), "open")
    ]


def test_done_in_the_second_that_is_due_is_in_time(con: Any, tmp_path: Path) -> None:
    answered = {1: 15, 2: 15.02, 3: None}
    export = {
        "ticket": [ticket(number, status="open", priority="normal") for number in answered],
        "ticket_comment": [
            row
            for number, minutes in answered.items()
            for row in said(number, (0, 501, True), *([(minutes, 71, True)] if minutes else []))
        ],
        "ticket_sla_policy": [
            {"ticket_id": number, "sla_policy_id": 1, "policy_applied_at": iso()} for number in answered
        ],
        "sla_policy_metric_history": targets(1, -10, first_reply_time=15),
        "user": USERS,
    }
    folder, columns = write_csv(tmp_path / "export", **export), "ticket_id, state, breached_at"
    assert select(con, load(con, folder, snapshot_at=seconds(at(15))), "sla_instances", columns) == [
        ("1", "met", None),
        ("2", "breached", at(15)),
        ("3", "breached", at(15)),
    ]
    early = load(con, folder, snapshot_at=seconds(at(14)))
    assert select(con, early, "sla_instances", columns)[2] == ("3", "open", None)


def test_business_hours_get_a_state_only_where_it_is_certain(con: Any, tmp_path: Path) -> None:
    staged = load(
        con,
        write_csv(
            tmp_path / "export",
            ticket=[ticket(1, priority="normal"), ticket(2, priority="normal")],
            ticket_comment=[*said(1, (0, 501, True), (10, 71, True)), *said(2, (0, 501, True), (20, 71, True))],
            ticket_sla_policy=[
                {"ticket_id": number, "sla_policy_id": 1, "policy_applied_at": iso()} for number in (1, 2)
            ],
            sla_policy_metric_history=targets(1, -10, business=True, first_reply_time=15),
            sla_policy_history=[{"id": 1, "title": "Gold", "updated_at": iso(-10)}],
            user=USERS,
        ),
    )
    assert select(con, staged, "sla_instances", "policy, business_hours, due_at, state") == [
        ("Gold", True, None, "met"),
        ("Gold", True, None, None),
    ]
    assert any(notice.startswith("1 of them have no state") for notice in staged.notices)


def test_a_ticket_opened_by_an_agent_waits_from_the_customers_first_words(con: Any, tmp_path: Path) -> None:
    export = {
        "ticket": [
            ticket(1, submitter_id=71, priority="normal"),
            ticket(2, submitter_id=71, priority="normal", description="called"),
        ],
        "ticket_comment": [
            *said(1, (0, 71, True), (30, 501, True), (40, 71, True)),
            *said(2, (0, 71, False), (9, 71, False)),
        ],
        "ticket_sla_policy": [
            {"ticket_id": number, "sla_policy_id": 1, "policy_applied_at": iso()} for number in (1, 2)
        ],
        "sla_policy_metric_history": targets(1, -10, first_reply_time=15),
        "user": USERS,
    }
    staged = load(con, write_csv(tmp_path / "export", **export))
    assert select(con, staged, "sla_instances", "ticket_id, started_at, fulfilled_at, state") == [
        ("1", at(30), at(40), "met")
    ]


def test_schedules_and_orphans_are_said(con: Any, tmp_path: Path) -> None:
    export = {
        **DESK,
        "ticket_comment": [*TALK, *said(7, (0, 501, True))],
        "ticket_schedule": [{"ticket_id": 1, "schedule_id": 3600, "created_at": iso(1)}],
        "schedule": [
            {"id": 3600, "name": "Office", "time_zone": "Berlin", "start_time": start} for start in (540, 1980)
        ],
    }
    staged = load(con, write_csv(tmp_path / "export", **export))
    assert select(con, staged, "ticket_events", '"at", kind, actor_type, new_value', "field = 'schedule'") == [
        (at(1), "field", "system", "Office")
    ]
    assert "schedules in the export: Office (Berlin); declare them as calendars in operations.yaml" in staged.notices
    assert "1 comments belong to tickets that are not in the export" in staged.notices


def test_chats_are_replies_of_those_who_wrote(con: Any, tmp_path: Path) -> None:
    chat = [
        {"chat_id": "c1", "created_at": iso(minutes), "actor_id": actor, "type": kind, "message": text, "message_id": name}
        for minutes, actor, kind, text, name in [
            (1, "501", "ChatMessage", "hello?", "m1"), (2, "agent:71", "ChatMessage", "hi", "m2"), (2, "agent:71", "ChatMessage", "hi", "m2"),
            (3, "agent:99", "ChatMessage", "me too", ""), (4, "agent:71", "ChatJoin", "", ""), (5, "agent:-1", "ChatMessage", "bot", "m5"),
        ]
    ]  # fmt: skip
    staged = load(
        con,
        write_csv(
            tmp_path / "export",
            ticket=[ticket(1, via_channel="native_messaging")],
            ticket_chat=[{"chat_id": "c1", "ticket_id": 1}],
            ticket_chat_event=chat,
            user=USERS,
        ),
    )
    assert select(con, staged, "ticket_events", '"at", actor_type, via', "kind = 'reply'") == [
        (at(1), "customer", "chat"),
        (at(2), "agent", "chat"),
        (at(3), "agent", "chat"),
        (at(5), "system", "chat"),
    ]
    assert select(con, staged, "tickets", "first_action_at") == [(at(2),)]
    assert select(con, staged, "signals", "channel, received_at") == [("chat", at()), ("chat", at(1))]


@pytest.fixture(scope="module")
def seeds() -> Iterator[tuple[Any, Staged]]:
    """The public tables, staged once."""
    if not SEEDS.is_dir():
        pytest.skip("the public tables are not beside the project")
    import duckdb

    with duckdb.connect() as connection:
        yield connection, load(connection, SEEDS)


def test_the_public_tables_load(seeds: tuple[Any, Staged]) -> None:
    con, staged = seeds
    assert (staged.counts.rejected, staged.rows["tickets"], staged.rows["accounts"]) == (0, 10, 10)
    classes = dict(select(con, staged, "tickets", "ticket_id, status_class"))
    assert {classes[number] for number in ("1595", "11013")} == {"deleted"}
    assert classes["16988"] == "solved"
    assert any("left alone" in notice and "schedule_holiday_data.csv" in notice for notice in staged.notices)
    # ticket 1966 took in 1967, which is not in the export
    assert select(con, staged, "tickets", "ticket_id", "merged_into_id IS NOT NULL") == []


def test_the_public_ticket_with_a_history(seeds: tuple[Any, Staged]) -> None:
    con, staged = seeds

    def day(month: int, number: int) -> datetime:
        return datetime(2020, month, number, 11, 1, 27)  # noqa: DTZ001 - stored times carry no zone

    one = "ticket_id = '11071'"
    found = select(con, staged, "ticket_events", '"at", old_value, new_value', f"{one} AND kind = 'status'")
    assert found == [
        (day(8, 29), "open", "pending"),
        (day(9, 2), "pending", "on-hold"),
        (day(9, 5), "on-hold", "pending"),
        (day(9, 15), "pending", "open"),
        (day(9, 30), "open", "pending"),
        (day(10, 1), "pending", "on-hold"),
        (day(10, 15), "on-hold", "open"),
        (day(10, 17), "open", "on-hold"),
        (day(10, 20), "on-hold", "pending"),
        (day(11, 2), "pending", "open"),
        (day(11, 14), "open", "solved"),
        (day(11, 15), "solved", "closed"),
    ]
    assert select(con, staged, "ticket_events", '"at", new_value', f"{one} AND kind = 'priority'") == [
        (day(9, 30), "medium"),
        (day(10, 15), "high"),
        (day(11, 2), "urgent"),
    ]
    assert select(
        con, staged, "tickets", "priority_at_creation, resolved_at, closed_at, agent_id, status_class", one
    ) == [("normal", day(11, 14), day(11, 15), "1111", "closed")]
    # policy 1002 by the priority normal: 960 minutes to reply, 1,920 of waiting; pending does not count, on-hold does
    columns = "metric, target_seconds, due_at, breached_at, paused_seconds, state"
    first = datetime(2020, 8, 29, 10, 6, 36)  # noqa: DTZ001 - stored times carry no zone
    wait = datetime(2020, 9, 3, 2, 6, 36)  # noqa: DTZ001 - stored times carry no zone
    assert select(con, staged, "sla_instances", columns) == [
        ("first_action", 57600, first, first, 0, "breached"),
        ("requester_wait", 115200, wait, wait, 28 * 86400, "breached"),
    ]


@pytest.mark.parametrize(
    "row",
    [
        # the list of a view, and one of Explore
        {"Id": "7", "Subject": "help", "Requester": "Ann", "Requested": iso(), "Group": "Billing", "Assignee": "Bo", "Status": "Solved",
         "Priority": "High", "Solved at": iso(90), "First reply time in minutes": "30", "Group stations": "2"},
        {"Ticket ID": "7", "Ticket created - Timestamp": iso(), "Ticket solved - Timestamp": iso(90), "Ticket group": "Billing",
         "Assignee name": "Bo", "Ticket status": "Solved", "Ticket priority": "High", "First reply time (min)": "30", "Group stations": "2"},
    ],
)  # fmt: skip
def test_a_list_of_a_view_tells_the_end_itself(con: Any, tmp_path: Path, row: dict[str, Any]) -> None:
    staged = load(con, write_csv(tmp_path, export=[row]))
    names = "ticket_id, created_at, first_team_id, resolver_team_id, agent_id, priority_at_creation, resolved_at, first_action_at, reassignment_count"
    assert select(con, staged, "tickets", names) == [("7", at(), "Billing", "Billing", "Bo", "high", at(90), at(30), 1)]
    assert any("first_action_at is created_at and the reply time" in notice for notice in staged.notices)
