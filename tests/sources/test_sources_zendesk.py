"""Zendesk's API lists: a whole desk with tables worked out by hand, and every trap of tickets, audits and comments."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from zendesk_export import (
    GROUPS,
    TRIGGER,
    USERS,
    at,
    audit,
    change,
    comment,
    create,
    iso,
    load,
    select,
    ticket,
    write_csv,
    write_jsonl,
)

from triage_lab.domain.errors import ExportError
from triage_lab.domain.tables import CANONICAL
from triage_lab.sources import Staged, read_mapping

FIELDS = [
    {"id": 3001, "title": "Contact reason", "type": "tagger"},
    {"id": 3002, "title": "Plan", "type": "tagger"},
    {"id": 3003, "title": "Total time spent (sec)", "type": "integer"},
    {"id": 3004, "title": "Product area", "type": "tagger"},
]
OPENED = audit(
    1, 1, 0, 501,
    comment(9001, "help"), create("status", "new"), create("priority", None), create("type", "question"), create("group_id", None),
    create("3001", "billing"), create("3002", "pro"), create("tags", ["vip", "EU"]), create("organization_id", "900"),
    change("priority", None, "high", via=TRIGGER), change("group_id", None, "11", via=TRIGGER),
    via={"channel": "email", "source": {"rel": None}}, metadata={"system": {"message_id": "<m1@mail>"}},
)  # fmt: skip
ANSWERED = audit(
    2, 1, 10, 71, comment(9002, "looking"), change("status", "new", "open"), change("assignee_id", None, "71")
)
MOVED = audit(
    3,
    1,
    20,
    71,
    comment(9003, "for billing", public=False),
    change("group_id", "11", "12"),
    change("assignee_id", "71", None),
)
ASKED = audit(
    4, 1, 30, 501, comment(9004, "news?"), via={"channel": "email"}, metadata={"system": {"message_id": "<m2@mail>"}}
)
SOLVED = audit(
    5, 1, 60, 72, comment(9005, "done"), change("status", "open", "solved"), change("priority", "high", "low"),
    change("3001", "billing", "refund"), change("3003", None, "540"), {"type": "AgentMacroReference", "macro_id": "88"},
)  # fmt: skip
REOPENED = audit(6, 1, 90, 501, comment(9006, "no"), change("status", "solved", "open"), via={"channel": "email"})
AGAIN = audit(7, 1, 120, 72, comment(9007, "yes"), change("status", "open", "solved"))
CLOSED = audit(
    8,
    1,
    300,
    -1,
    change("status", "solved", "closed"),
    via={"channel": "rule", "source": {"rel": "automation", "from": {"id": 66}}},
)
AUDITS = [OPENED, ANSWERED, MOVED, ASKED, SOLVED, REOPENED, AGAIN, CLOSED]
TICKET = ticket(
    1, status="closed", priority="low", type="question", group_id=12, assignee_id=72,
    custom_fields=[{"id": 3001, "value": "refund"}, {"id": 3002, "value": "pro"}, {"id": 3003, "value": 540}], tags=["vip", "later"],
)  # fmt: skip
DESK = {"tickets": [TICKET], "ticket_audits": AUDITS, "users": USERS, "groups": GROUPS, "ticket_fields": FIELDS}


def kinds(con: Any, staged: Any, number: int | str = 1) -> list[str]:
    """Kinds of a ticket's events in their order."""
    return [kind for (kind,) in select(con, staged, "ticket_events", "kind", f"ticket_id = '{number}'")]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Staged]]:
    """The whole desk, staged once."""
    import duckdb

    with duckdb.connect() as connection:
        yield connection, load(connection, write_jsonl(tmp_path_factory.mktemp("desk"), **DESK))


def test_a_ticket_as_it_was_told_and_as_it_ended(desk: tuple[Any, Staged]) -> None:
    con, staged = desk
    columns = (
        "ticket_id, created_at, account_id, category, channel, inbox, type, priority_at_creation, first_team_id, resolver_team_id, "
        "agent_id, first_action_at, resolved_at, closed_at, sla_met, reassignment_count, handle_minutes, status, status_class, source"
    )
    assert select(con, staged, "tickets", columns) == [
        ("1", at(), "900", "billing", "email", "help@acme.example", "question", "high", "Support", "Billing",
         "72", at(10), at(120), at(300), None, 1, 9.0, "closed", "closed", "zendesk")
    ]  # fmt: skip
    assert (staged.counts.read, staged.counts.rejected) == (19, 0)


def test_events_of_a_ticket(desk: tuple[Any, Staged]) -> None:
    con, staged = desk
    columns = '"at", kind, actor_type, actor_id, team_id, field, old_value, new_value, is_public, via, rule_id'
    found = select(con, staged, "ticket_events", columns, "kind <> 'field'")
    assert found == [
        (at(), "created", "customer", "501", None, "status", None, "new", None, "email", None),
        (at(), "priority", "automation", None, "Support", "priority", None, "high", None, "trigger", "4711"),
        (at(), "assigned", "automation", None, "Support", "group_id", None, "Support", None, "trigger", "4711"),
        (at(10), "reply", "agent", "71", "Support", None, None, None, True, "web", None),
        (at(10), "status", "agent", "71", "Support", "status", "new", "open", None, "web", None),
        (at(20), "note", "agent", "71", "Support", None, None, None, False, "web", None),
        (at(20), "assigned", "agent", "71", "Billing", "group_id", "Support", "Billing", None, "web", None),
        (at(30), "reply", "customer", "501", None, None, None, None, True, "email", None),
        (at(60), "reply", "agent", "72", "Billing", None, None, None, True, "macro", "88"),
        (at(60), "status", "agent", "72", "Billing", "status", "open", "solved", None, "macro", "88"),
        (at(60), "resolved", "agent", "72", "Billing", "status", "open", "solved", None, "macro", "88"),
        (at(60), "priority", "agent", "72", "Billing", "priority", "high", "low", None, "macro", "88"),
        (at(90), "reply", "customer", "501", None, None, None, None, True, "email", None),
        (at(90), "status", "customer", "501", "Billing", "status", "solved", "open", None, "email", None),
        (at(90), "reopened", "customer", "501", "Billing", "status", "solved", "open", None, "email", None),
        (at(120), "reply", "agent", "72", "Billing", None, None, None, True, "web", None),
        (at(120), "status", "agent", "72", "Billing", "status", "open", "solved", None, "web", None),
        (at(120), "resolved", "agent", "72", "Billing", "status", "open", "solved", None, "web", None),
        (at(300), "status", "automation", None, "Billing", "status", "solved", "closed", None, "automation", "66"),
        (at(300), "closed", "automation", None, "Billing", "status", "solved", "closed", None, "automation", "66"),
    ]
    people = select(
        con,
        staged,
        "ticket_events",
        '"at", field, old_value, new_value, team_id',
        "field IN ('assignee', 'contact_reason')",
    )
    assert people == [
        (at(10), "assignee", None, "71", "Support"),
        (at(20), "assignee", "71", None, "Billing"),
        (at(60), "contact_reason", "billing", "refund", "Billing"),
    ]


def test_custom_holds_what_was_known_at_creation_and_marks_the_rest(con: Any, tmp_path: Path) -> None:
    later = [*FIELDS, {"id": 3005, "title": "Root cause", "type": "text"}]
    held = {
        **TICKET,
        "custom_fields": [*TICKET["custom_fields"], {"id": 3005, "value": "bug"}],
        "brand_id": 5,
        "external_id": "x-1",
    }
    staged = load(con, write_jsonl(tmp_path / "export", **{**DESK, "tickets": [held], "ticket_fields": later}))
    assert json.loads(select(con, staged, "tickets", "custom")[0][0]) == {
        "plan": "pro",
        "tags": ["eu", "vip"],
        "submitter_id": "501",
        "requester_id__current": "501",
        "brand__current": "5",
        "external_id__current": "x-1",
        "root_cause__current": "bug",
    }


def test_signals_are_the_ticket_and_each_later_message_of_the_customer(desk: tuple[Any, Staged]) -> None:
    con, staged = desk
    assert select(
        con, staged, "signals", "signal_id, source, channel, inbox, kind, received_at, dedup_key, ticket_id"
    ) == [
        ("zendesk:ticket:1", "zendesk", "email", "help@acme.example", "message", at(), "<m1@mail>", "1"),
        ("zendesk:comment:9004", "zendesk", "email", "help@acme.example", "message", at(30), "<m2@mail>", "1"),
        ("zendesk:comment:9006", "zendesk", "email", "help@acme.example", "message", at(90), None, "1"),
    ]


def test_event_ids_stay_in_a_longer_export_and_a_reopened_ticket_is_unsolved(con: Any, tmp_path: Path) -> None:
    early = {**TICKET, "status": "open"}
    short = load(con, write_jsonl(tmp_path / "short", **{**DESK, "tickets": [early], "ticket_audits": AUDITS[:6]}))
    told = select(con, short, "ticket_events", "event_id, kind")
    assert ("audit:6:602:reopened", "reopened") in told
    assert select(con, short, "tickets", "resolved_at, resolver_team_id, closed_at, status_class") == [
        (None, None, None, "open")
    ]
    whole = select(con, load(con, write_jsonl(tmp_path / "whole", **DESK)), "ticket_events", "event_id, kind")
    assert set(told) < set(whole)
    assert len({event_id for event_id, _ in whole}) == len(whole)


def test_order_and_repeats_of_rows_change_nothing(con: Any, tmp_path: Path) -> None:
    comments = [
        {"id": 9002, "ticket_id": 1, "created_at": iso(10), "author_id": 71, "public": True, "body": "looking"},
        {"id": 9003, "ticket_id": 1, "created_at": iso(20), "author_id": 71, "public": False, "body": "for billing"},
    ]
    history = [
        {"ticket_id": 1, "field_name": "group_id", "updated": iso(20), "value": "12", "user_id": 71},
        {"ticket_id": 1, "field_name": "status", "updated": iso(60), "value": "solved", "user_id": 72},
    ]
    doubled = {
        **DESK,
        "tickets": [{**TICKET, "updated_at": iso(1), "status": "new"}, TICKET],
        "ticket_audits": [*AUDITS[::-1], *AUDITS],
        "ticket_comments": comments,
        "ticket_field_history": history,
    }
    one = load(con, write_jsonl(tmp_path / "one", **DESK))
    two = load(con, write_jsonl(tmp_path / "two", **doubled))
    for table in ("tickets", "ticket_events", "signals"):
        columns = ", ".join(column.name if column.name != "at" else '"at"' for column in CANONICAL[table].columns)
        assert select(con, one, table, columns) == select(con, two, table, columns), table
    assert "8 rows of audits were loaded more than once; the last one counts" in two.notices
    assert "1 rows of tickets were loaded more than once; the last one counts" in two.notices


def test_private_notes_and_end_users_never_act_first(con: Any, tmp_path: Path) -> None:
    audits = [
        audit(1, 1, 0, 501, comment(1, "help"), create("status", "new"), create("group_id", "11")),
        audit(2, 1, 5, 71, comment(2, "psst", public=False)),
        audit(3, 1, 6, 502, comment(3, "me too")),
        audit(4, 1, 7, -1, comment(4, "we got it")),
        audit(5, 1, 8, 999, comment(5, "who am I")),
        audit(6, 1, 9, 71, comment(6, "hello")),
    ]
    staged = load(
        con, write_jsonl(tmp_path / "export", tickets=[ticket(1)], ticket_audits=audits, users=USERS, groups=GROUPS)
    )
    assert select(con, staged, "tickets", "first_action_at") == [(at(9),)]
    said = select(con, staged, "ticket_events", "kind, actor_type, actor_id, team_id", "kind IN ('reply', 'note')")
    assert said == [
        ("note", "agent", "71", "Support"),
        ("reply", "customer", "502", None),
        ("reply", "system", "-1", None),
        ("reply", None, "999", None),
        ("reply", "agent", "71", "Support"),
    ]
    assert [kind for kind, *_ in select(con, staged, "signals", "kind")] == ["message", "message"]
    assert any(notice.startswith("1 comments are by people whom users do not tell") for notice in staged.notices)


def test_a_ticket_that_an_agent_opened_for_a_customer(con: Any, tmp_path: Path) -> None:
    audits = [
        audit(1, 1, 0, 71, comment(1, "called in: printer"), create("status", "open"), create("group_id", "11")),
        audit(2, 1, 15, 71, comment(2, "a colleague comes")),
    ]
    held = ticket(1, submitter_id=71, description="called in: printer", via={"channel": "voice", "source": {}})
    staged = load(
        con, write_jsonl(tmp_path / "export", tickets=[held], ticket_audits=audits, users=USERS, groups=GROUPS)
    )
    assert select(con, staged, "tickets", "first_action_at, channel") == [(at(15), "phone")]
    assert select(con, staged, "ticket_events", "kind, actor_type, actor_id") == [
        ("created", "agent", "71"),
        ("assigned", "agent", "71"),
        ("reply", "agent", "71"),
    ]
    assert select(con, staged, "signals", "signal_id, kind") == [("zendesk:ticket:1", "call")]


def test_the_role_at_the_time_decides(con: Any, tmp_path: Path) -> None:
    # 71 became an agent at minute 100, 502 stopped being one at minute 100
    log = [
        {"id": 1, "created_at": iso(100), "source_type": "user", "source_id": 71, "change_description": "Support role changed from not set to Agent"},
        {"id": 2, "created_at": iso(100), "source_type": "user", "source_id": 502,
         "change_description": "Guide role changed from Agent to not set\\nSupport role changed from Staff to not set"},
        {"id": 3, "created_at": iso(100), "source_type": "rule", "source_id": 72, "change_description": "Support role changed from Admin to not set"},
    ]  # fmt: skip
    comments = [
        {"id": number, "ticket_id": 1, "created_at": iso(minutes), "author_id": author, "public": True, "body": "b"}
        for number, minutes, author in [
            (1, 0, 501),
            (2, 10, 71),
            (3, 20, 502),
            (4, 99, 502),
            (5, 100, 502),
            (6, 110, 71),
            (7, 111, 72),
        ]
    ]
    export = {"tickets": [ticket(1)], "users": USERS, "ticket_comments": comments}
    with_log = load(con, write_jsonl(tmp_path / "log", **export, audit_logs=log))
    assert [kind for (kind,) in select(con, with_log, "ticket_events", "actor_type", "kind = 'reply'")] == [
        "customer", "agent", "agent", "customer", "agent", "agent",
    ]  # fmt: skip
    assert select(con, with_log, "tickets", "first_action_at") == [(at(20),)]
    assert "2 people changed their role; it counts as it was at the time" in with_log.notices
    without = load(con, write_jsonl(tmp_path / "none", **export))
    assert select(con, without, "tickets", "first_action_at") == [(at(10),)]
    assert any(notice.startswith("no audit log of roles") for notice in without.notices)


def test_who_asked_is_a_customer_of_the_own_ticket_even_as_an_agent(con: Any, tmp_path: Path) -> None:
    comments = [
        {"id": number, "ticket_id": 1, "created_at": iso(minutes), "author_id": author, "public": True, "body": "b"}
        for number, minutes, author in [(1, 0, 71), (2, 10, 71), (3, 20, 72)]
    ]
    held = ticket(1, requester_id=71, submitter_id=71)
    staged = load(con, write_jsonl(tmp_path / "export", tickets=[held], users=USERS, ticket_comments=comments))
    assert select(con, staged, "tickets", "first_action_at") == [(at(20),)]


def test_without_users_an_assignee_is_an_agent(con: Any, tmp_path: Path) -> None:
    comments = [
        {"id": number, "ticket_id": 1, "created_at": iso(minutes), "author_id": author, "public": True, "body": "b"}
        for number, minutes, author in [(1, 0, 501), (2, 10, 502), (3, 20, 71)]
    ]
    staged = load(con, write_jsonl(tmp_path / "export", tickets=[ticket(1, assignee_id=71)], ticket_comments=comments))
    assert select(con, staged, "tickets", "first_action_at, first_team_id") == [(at(20), "11")]
    assert "no users: who is an agent follows from whom tickets were assigned to" in staged.notices
    assert "1 groups have no name in the export; their teams are called by id" in staged.notices


MERGED = [
    audit(1, 1, 0, 501, comment(1, "help"), create("status", "new"), create("group_id", "11")),
    audit(2, 2, 5, 501, comment(2, "help!"), create("status", "new"), create("group_id", "11"), created_at=iso(5)),
    audit(3, 2, 9, 71, comment(3, "This request was closed and merged into request #1 \"help\"."), change("status", "new", "closed"),
          change("tags", [], ["closed_by_merge"])),
    audit(4, 1, 9, 71, comment(4, "Request #2 was closed and merged into this request. Last comment in request #2:\n\nhelp!")),
    audit(5, 1, 30, 71, comment(5, "hello")),
]  # fmt: skip


def test_a_merged_ticket_answers_nobody(con: Any, tmp_path: Path) -> None:
    held = [ticket(1), ticket(2, created_at=iso(5), status="closed", tags=["closed_by_merge"])]
    staged = load(con, write_jsonl(tmp_path / "export", tickets=held, ticket_audits=MERGED, users=USERS, groups=GROUPS))
    assert select(con, staged, "tickets", "ticket_id, status_class, merged_into_id, first_action_at, closed_at") == [
        ("1", "open", None, at(30), None),
        ("2", "merged", "1", None, at(9)),
    ]
    assert [
        row
        for row in select(con, staged, "ticket_events", "ticket_id, kind, actor_type, field, new_value")
        if row[1] in {"note", "merged", "reply"}
    ] == [
        ("1", "note", "system", "merge", None),
        ("1", "reply", "agent", None, None),
        ("2", "note", "system", "merge", None),
        ("2", "merged", None, "merged_into", "1"),
    ]
    assert len(select(con, staged, "signals", "signal_id")) == 2


def test_merges_told_by_source_and_by_the_other_ticket(con: Any, tmp_path: Path) -> None:
    merge = {"channel": "system", "source": {"rel": "merge", "from": {"ticket_id": 2}}}
    audits = [
        audit(1, 1, 0, 501, comment(1, "help"), create("status", "new")),
        audit(2, 1, 9, 501, comment(2, "verschmolzen", via=merge)),
        audit(3, 3, 12, 71, change("status", "open", "closed")),
    ]
    held = [
        ticket(1, merged_ticket_ids=[3]),
        ticket(2, status="closed"),
        ticket(3, status="closed"),
        ticket(4, status="closed", tags="closed_by_merge x"),
    ]
    staged = load(con, write_jsonl(tmp_path / "export", tickets=held, ticket_audits=audits, users=USERS))
    assert select(con, staged, "tickets", "ticket_id, status_class, merged_into_id") == [
        ("1", "open", None), ("2", "merged", "1"), ("3", "merged", "1"), ("4", "merged", None),
    ]  # fmt: skip
    assert select(con, staged, "ticket_events", 'ticket_id, "at"', "kind = 'merged'") == [("2", at(9)), ("3", at(12))]


def test_deleted_restored_and_suspended_tickets(con: Any, tmp_path: Path) -> None:
    audits = [
        audit(1, 1, 0, 501, comment(1), create("status", "new")),
        audit(2, 1, 5, 71, change("status", "new", "solved")),
        audit(3, 1, 6, 71, change("status", "solved", "deleted")),
        audit(4, 2, 0, 501, comment(4), create("status", "new")),
        audit(5, 2, 5, 71, change("status", "new", "deleted")),
        audit(6, 2, 6, 71, change("status", "deleted", "new")),
    ]
    held = [
        ticket(1, status="deleted", tags=["closed_by_merge"]),
        ticket(2, status="new"),
        ticket(3, status="suspended"),
    ]
    staged = load(con, write_jsonl(tmp_path / "export", tickets=held, ticket_audits=audits, users=USERS))
    assert select(con, staged, "tickets", "status_class, resolved_at") == [
        ("deleted", None),
        ("new", None),
        ("spam", None),
    ]
    assert kinds(con, staged, 1) == ["created", "status", "resolved", "status", "deleted"]
    assert kinds(con, staged, 2) == ["created", "status", "deleted", "status", "restored"]


def test_what_is_recorded_later_was_not_known_at_creation(con: Any, tmp_path: Path) -> None:
    audits = [
        audit(1, 1, 0, 501, comment(1), create("status", "new"), create("priority", None)),
        audit(2, 1, 5, 71, change("priority", None, "urgent"), change("3001", None, "billing"), change("3002", None, "pro"), change("group_id", None, 11)),
        # the export begins in the middle of this ticket: its first change tells what stood there before
        audit(3, 2, 50, 71, change("priority", "low", "high"), change("3001", "sales", "billing"), change("group_id", 12, 11)),
    ]  # fmt: skip
    held = [
        ticket(
            number, priority="urgent", custom_fields=[{"id": 3001, "value": "billing"}, {"id": 3002, "value": "pro"}]
        )
        for number in (1, 2)
    ]
    staged = load(
        con,
        write_jsonl(
            tmp_path / "export", tickets=held, ticket_audits=audits, users=USERS, groups=GROUPS, ticket_fields=FIELDS
        ),
    )
    assert select(
        con,
        staged,
        "tickets",
        "category, priority_at_creation, first_team_id, custom ->> 'plan', custom ->> 'plan__current'",
    ) == [
        (None, None, "Support", None, None),
        ("sales", "low", "Billing", None, "pro"),
    ]
    assert "priority of 1 tickets was first recorded after their arrival, and is unknown at creation" in staged.notices
    assert "category of 1 tickets was first recorded after their arrival, and is unknown at creation" in staged.notices


def test_without_history_the_current_values_stand_and_a_notice_says_so(con: Any, tmp_path: Path) -> None:
    held = ticket(
        1,
        status="solved",
        priority="Urgent",
        type="Incident",
        custom_fields=[{"id": 3001, "value": "billing"}, {"id": 3002, "value": "pro"}],
    )
    metrics = [
        {
            "ticket_id": 1,
            "solved_at": iso(77),
            "group_stations": 3,
            "reply_time_in_minutes": {"calendar": 12, "business": 5},
        }
    ]
    staged = load(
        con,
        write_jsonl(tmp_path / "export", tickets=[held], ticket_metrics=metrics, ticket_fields=FIELDS, groups=GROUPS),
    )
    columns = "category, priority_at_creation, type, first_team_id, resolver_team_id, first_action_at, resolved_at, reassignment_count, custom ->> 'plan__current'"
    assert select(con, staged, "tickets", columns) == [
        ("billing", "urgent", "incident", "Support", "Support", at(12), at(77), 2, "pro")
    ]  # fmt: skip
    assert any(notice.startswith("approximate: no history of fields") for notice in staged.notices)
    assert any(notice.startswith("1 custom fields have no history") for notice in staged.notices)
    assert (
        "no comments: first_action_at is created_at and the reply time that the vendor counts, to the minute"
        in staged.notices
    )


def test_tickets_alone_are_enough(con: Any, tmp_path: Path) -> None:
    staged = load(con, write_jsonl(tmp_path / "export", tickets=[ticket(1, status="solved", group_id=None)]))
    assert select(con, staged, "tickets", "first_action_at, resolved_at, reassignment_count, first_team_id, resolver_team_id, category") == [
        (None, None, None, None, None, None)
    ]  # fmt: skip
    assert kinds(con, staged) == ["created"]
    assert staged.rows["sla_instances"] == 0
    assert "accounts" not in staged.tables
    assert "1 tickets are solved or closed and nothing tells since when: resolved_at is unknown" in staged.notices


def test_category_falls_back_on_the_form(con: Any, tmp_path: Path) -> None:
    forms = [
        {"id": 7, "name": "Old name", "updated_at": iso(-9)},
        {"id": 7, "name": "Returns", "updated_at": iso()},
        {"id": 8, "name": "Other", "updated_at": iso()},
    ]
    audits = [
        audit(1, 1, 0, 501, comment(1), create("ticket_form_id", "7")),
        audit(2, 1, 9, 71, change("ticket_form_id", "7", "8")),
    ]
    staged = load(
        con,
        write_jsonl(
            tmp_path / "export", tickets=[ticket(1, ticket_form_id=8)], ticket_audits=audits, ticket_forms=forms
        ),
    )
    assert select(con, staged, "tickets", "category, custom ->> 'ticket_form'") == [("Returns", "Returns")]
    assert any("category is the name of the ticket form" in notice for notice in staged.notices)


def test_a_custom_field_called_like_one_of_zendesks_own(con: Any, tmp_path: Path) -> None:
    fields = [{"id": 31, "title": "Priority", "type": "tagger"}, {"id": 32, "title": "Status", "type": "text"}]
    audits = [
        audit(
            1,
            1,
            0,
            501,
            comment(1),
            create("status", "new"),
            create("priority", "low"),
            create("31", "P1"),
            create("32", "red"),
        ),
        audit(2, 1, 5, 71, change("31", "P1", "P2"), change("32", "red", "solved")),
    ]
    staged = load(
        con, write_jsonl(tmp_path / "export", tickets=[ticket(1)], ticket_audits=audits, ticket_fields=fields)
    )
    columns = "priority_at_creation, custom ->> 'custom_priority', custom ->> 'custom_status', resolved_at"
    assert select(con, staged, "tickets", columns) == [("low", "P1", "red", None)]
    assert select(con, staged, "ticket_events", "kind, field, new_value", "seq > 1") == [
        ("field", "custom_priority", "P2"),
        ("field", "custom_status", "solved"),
    ]


def test_parquet_with_nested_columns_and_one_thread_give_the_same(con: Any, tmp_path: Path) -> None:
    opened = {
        **OPENED,
        "events": [
            {**event, "value": "vip eu"} if event.get("field_name") == "tags" else event for event in OPENED["events"]
        ],
    }
    folder = tmp_path / "parquet"
    folder.mkdir()
    export = {**DESK, "ticket_audits": [opened, *AUDITS[1:]]}
    export["tickets"] = [
        {**TICKET, "custom_fields": [{**field, "value": str(field["value"])} for field in TICKET["custom_fields"]]}
    ]
    for name, rows in export.items():
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(folder / f"{name}.parquet")
    lines = load(con, write_jsonl(tmp_path / "lines", **export))
    con.execute("SET threads = 1")
    nested = load(con, folder)
    for table in ("tickets", "ticket_events", "signals"):
        columns = ", ".join(f'"{column.name}"' for column in CANONICAL[table].columns)
        assert select(con, lines, table, columns) == select(con, nested, table, columns), table


@pytest.mark.parametrize(
    ("titles", "served"),
    [
        (["Topic", "Category", "Reason"], "Category"),
        (["Contact reason", "Topic"], "Topic"),
        (["Resolution reason", "Cancellation category", "Root cause topic"], None),
    ],
)
def test_which_field_is_the_category(con: Any, tmp_path: Path, titles: list[str], served: str | None) -> None:
    fields = [{"id": 10 + place, "title": title, "type": "tagger"} for place, title in enumerate(titles)]
    opened = audit(1, 1, 0, 501, comment(1), *(create(str(field["id"]), f"v {field['title']}") for field in fields))
    staged = load(
        con, write_jsonl(tmp_path / "export", tickets=[ticket(1)], ticket_audits=[opened], ticket_fields=fields)
    )
    assert select(con, staged, "tickets", "category") == [(f"v {served}" if served else None,)]


def test_channels(con: Any, tmp_path: Path) -> None:
    words = {
        "web": ("portal", "message"), "api": ("webhook", "webhook"), "email": ("email", "message"), "chat": ("chat", "message"),
        "native_messaging": ("chat", "message"), "voice": ("phone", "call"), "phone_call_inbound": ("phone", "call"), "whatsapp": ("whatsapp", "message"),
    }  # fmt: skip
    held = [
        ticket(number, via={"channel": via}, external_id=f"order-{number}") for number, via in enumerate(words, start=1)
    ]
    staged = load(con, write_jsonl(tmp_path / "export", tickets=held))
    assert select(con, staged, "tickets", "channel") == [(channel,) for channel, _ in words.values()]
    found = select(con, staged, "signals", "channel, kind, dedup_key")
    # an order may be the subject of two mails, but a program names its own record once
    assert found == [(*pair, "order-2" if pair[0] == "webhook" else None) for pair in words.values()]


def test_ties_to_the_second_keep_one_order(con: Any, tmp_path: Path) -> None:
    # three audits in one second: the number of the audit decides; the team that answers is the one before the second
    audits = [
        audit(10, 1, 0, 501, comment(1, "help"), create("status", "new"), create("group_id", "11")),
        audit(13, 1, 5, 71, change("group_id", "12", "11"), change("status", "open", "solved")),
        audit(12, 1, 5, 71, comment(3, "here"), change("group_id", "11", "12")),
        audit(11, 1, 5, 71, comment(2, "first"), change("status", "new", "open")),
    ]
    staged = load(
        con,
        write_jsonl(
            tmp_path / "export", tickets=[ticket(1, status="solved")], ticket_audits=audits, users=USERS, groups=GROUPS
        ),
    )
    found = select(con, staged, "ticket_events", "seq, kind, team_id, new_value", "seq > 2")
    assert found == [
        (3, "reply", "Support", None),
        (4, "reply", "Support", None),
        (5, "status", "Support", "open"),
        (6, "assigned", "Billing", "Billing"),
        (7, "assigned", "Support", "Support"),
        (8, "status", "Support", "solved"),
        (9, "resolved", "Support", "solved"),
    ]
    assert select(con, staged, "tickets", "first_team_id, resolver_team_id, reassignment_count") == [
        ("Support", "Support", 2)
    ]


def test_two_groups_of_one_name_stay_two_teams(con: Any, tmp_path: Path) -> None:
    groups = [{"id": 11, "name": "Support"}, {"id": 12, "name": " Support "}, {"id": 13, "name": "Legal"}]
    held = [ticket(1), ticket(2, group_id=12), ticket(3, group_id=13)]
    staged = load(con, write_jsonl(tmp_path / "export", tickets=held, groups=groups))
    assert select(con, staged, "tickets", "first_team_id") == [("Support (11)",), ("Support (12)",), ("Legal",)]


def test_accounts(con: Any, tmp_path: Path) -> None:
    organizations = [
        {"id": 900, "name": "Old", "created_at": iso(), "updated_at": iso(1), "domain_names": []},
        {"id": 900, "name": "Acme", "created_at": iso(), "updated_at": iso(2), "domain_names": ["acme.example", "Acme.EXAMPLE", "a.example"], "external_id": "001A"},
        {"id": 901, "name": "Nobody", "created_at": iso(3), "domain_names": []},
    ]  # fmt: skip
    domains = [{"organization_id": 901, "domain_name": "n.example"}]
    staged = load(
        con,
        write_jsonl(
            tmp_path / "export",
            tickets=[ticket(1), ticket(2, organization_id=None)],
            organizations=organizations,
            domain_names=domains,
        ),
    )
    assert select(con, staged, "accounts", "account_id, name, domain, external_id, valid_from") == [
        ("900", "Acme", "a.example|acme.example", "001A", at()),
        ("901", "Nobody", "n.example", None, at(3)),
    ]
    assert select(con, staged, "tickets", "account_id") == [("900",), (None,)]
    assert "1 tickets have no organisation" in staged.notices


def test_ratings_count_once(con: Any, tmp_path: Path) -> None:
    audits = [
        audit(1, 1, 0, 501, comment(1), create("status", "new")),
        audit(2, 1, 60, -1, change("satisfaction_score", "unoffered", "offered")),
        audit(3, 1, 70, 501, change("satisfaction_score", "offered", "good")),
    ]
    ratings = [
        {"id": 1, "ticket_id": 1, "score": "good", "created_at": iso(60), "updated_at": iso(70), "requester_id": 501},
        {
            "id": 2,
            "ticket_id": 2,
            "score": "offered",
            "created_at": iso(60),
            "updated_at": iso(60),
            "requester_id": 501,
        },
        {"id": 2, "ticket_id": 2, "score": "bad", "created_at": iso(60), "updated_at": iso(80), "requester_id": 501},
        {
            "id": 3,
            "ticket_id": 1,
            "score": "offered",
            "created_at": iso(60),
            "updated_at": iso(60),
            "requester_id": 501,
        },
    ]
    staged = load(
        con,
        write_jsonl(
            tmp_path / "export", tickets=[ticket(1), ticket(2)], ticket_audits=audits, satisfaction_ratings=ratings
        ),
    )
    assert select(con, staged, "ticket_events", 'ticket_id, "at", new_value', "kind = 'csat'") == [
        ("1", at(70), "good"),
        ("2", at(80), "bad"),
    ]


def test_numbers_that_tables_turned_into_decimals_are_the_same_ids(con: Any, tmp_path: Path) -> None:
    rows = [
        {
            "id": "1.0",
            "created_at": iso(),
            "status": "Open",
            "group_id": "11.0",
            "organization_id": "900.0",
            "requester_id": "501.0",
            "Category [list]": "billing",
        }
    ]
    groups = [{"id": "11", "name": "Support"}]
    history = [{"ticket_id": "1.0", "field_name": "group_id", "updated": iso(), "value": "11.0", "user_id": ""}]
    staged = load(con, write_csv(tmp_path / "export", tickets=rows, groups=groups, ticket_field_history=history))
    assert select(con, staged, "tickets", "ticket_id, first_team_id, account_id, category, status_class") == [
        ("1", "Support", "900", "billing", "open")
    ]


def test_a_broken_audit_and_a_file_without_events(con: Any, tmp_path: Path) -> None:
    broken = {**OPENED, "events": "[{'type': 'Create'}]"}
    staged = load(con, write_jsonl(tmp_path / "export", tickets=[ticket(1)], ticket_audits=[broken]))
    assert "1 audits have events that are not JSON and are not read" in staged.notices
    folder = write_jsonl(
        tmp_path / "other", tickets=[ticket(1)], ticket_audits=[{"id": 1, "ticket_id": 1, "created_at": iso()}]
    )
    with pytest.raises(ExportError, match="events"):
        load(con, folder)


def test_the_mapping_accounts_for_every_column_and_only_reads_what_it_names() -> None:
    mapping = read_mapping("zendesk")
    assert [table.table for table in mapping.tables] == [
        "tickets",
        "ticket_events",
        "sla_instances",
        "signals",
        "accounts",
    ]
    for name, sql in (
        *mapping.steps,
        *((table.table, table.sql) for table in mapping.tables),
        ("notices", mapping.notices_sql),
    ):
        assert sql.startswith("-- Grain: "), name
        assert "ORDER BY" in sql.rsplit(")", 1)[-1] or "ORDER BY" in sql, name
    read = " ".join([mapping.notices_sql, *(sql for _, sql in mapping.steps), *(table.sql for table in mapping.tables)])
    unread = [item.name for item in mapping.objects if f"src_{item.name}" not in read]
    assert unread == []
