"""Salesforce: what happened to a case, in order: double rows, ties to the second, queues and users, messages."""

from pathlib import Path
from typing import Any

import pytest
from salesforce_export import ANN, BEN, BILLING, BOT, CEM, DEE, DESK, LEGAL, History, at, case, life, load, select, sid


def test_events_of_a_life(con: Any, tmp_path: Path) -> None:
    staged = load(con, tmp_path, life())
    found = select(con, staged, "ticket_events", '"at", kind, actor_type, team_id, field, old_value, new_value')
    assert found == [
        ("05 08:00:00", "created", "automation", None, None, None, None),
        ("05 08:00:00", "assigned", None, "Billing Queue", "owner", None, "Billing Queue"),
        ("05 08:10:00", "field", "agent", "Billing Queue", "assignee", None, ANN),
        ("05 08:10:00", "ack", "agent", "Billing Queue", None, None, None),
        ("05 08:10:00", "status", "agent", "Billing Queue", "status", "New", "Working"),
        ("05 08:15:00", "note", "agent", "Billing Queue", None, None, None),
        ("05 08:20:00", "priority", "agent", "Billing Queue", "priority", "normal", "high"),
        ("05 08:30:00", "reply", "agent", "Billing Queue", None, None, None),
        ("05 09:00:00", "assigned", "agent", "Legal Queue", "owner", "Billing Queue", "Legal Queue"),
        ("05 09:00:00", "field", "agent", "Legal Queue", "assignee", ANN, None),
        ("05 09:00:00", "field", "agent", "Legal Queue", "reason", "Billing", "Legal"),
        ("05 09:30:00", "field", "agent", "Legal Queue", "assignee", None, BEN),
        ("05 09:30:00", "ack", "agent", "Legal Queue", None, None, None),
        ("05 10:00:00", "status", "agent", "Legal Queue", "status", "Working", "Closed"),
        ("05 10:00:00", "resolved", "agent", "Legal Queue", None, None, None),
        ("05 10:00:00", "closed", "agent", "Legal Queue", None, None, None),
        ("05 10:59:00", "reply", "customer", None, None, None, None),
        ("05 11:00:00", "status", "automation", "Legal Queue", "status", "Closed", "Reopened"),
        ("05 11:00:00", "reopened", "automation", "Legal Queue", None, None, None),
        ("05 12:00:00", "status", "agent", "Legal Queue", "status", "Reopened", "Closed"),
        ("05 12:00:00", "resolved", "agent", "Legal Queue", None, None, None),
        ("05 12:00:00", "closed", "agent", "Legal Queue", None, None, None),
    ]
    count, ids, order = con.execute(
        f"SELECT count(*), count(DISTINCT event_id), list(seq ORDER BY row_no) FROM {staged.tables['ticket_events']}"
    ).fetchone()
    assert count == ids == 22
    assert order == list(range(1, 23))


def test_event_ids_outlive_a_longer_export(con: Any, tmp_path: Path) -> None:
    whole = life()
    early = {**whole, "CaseHistory": [row for row in whole["CaseHistory"] if row["CreatedDate"] < at("09:00:00")]}
    early["Case"] = [{**whole["Case"][0], "Status": "Working", "IsClosed": "false", "ClosedDate": "", "OwnerId": ANN}]
    early["EmailMessage"] = whole["EmailMessage"][:2]
    before = select(con, load(con, tmp_path / "early", early), "ticket_events", "event_id, kind, new_value")
    after = select(con, load(con, tmp_path / "late", whole), "ticket_events", "event_id, kind, new_value")
    assert set(before) <= set(after)
    assert len(before) == 8


def test_signals_of_a_life(con: Any, tmp_path: Path) -> None:
    staged = load(con, tmp_path, life())
    found = select(con, staged, "signals", "signal_id, channel, inbox, kind, received_at, dedup_key, source")
    one, two = f"salesforce:case:{sid('500', 1)}", f"salesforce:email_message:{sid('02s', 3)}"
    assert found == [
        (one, "email", "help@acme.com", "message", "05 08:00:00", "<m1@x.com>", "salesforce"),
        (two, "email", "help@acme.com", "message", "05 10:59:00", "<m3@x.com>", "salesforce"),
    ]


def test_both_rows_of_a_lookup_are_one_change(con: Any, tmp_path: Path) -> None:
    history = History()
    history.owner(1, "09:00:00", BILLING, LEGAL)
    history.add(1, "09:10:00", "Account", "Acme", "Beta")
    history.add(1, "09:10:00", "Account", sid("001", 1), sid("001", 2))
    staged = load(con, tmp_path, {**DESK, "Case": [case(1, OwnerId=LEGAL)], "CaseHistory": history.rows})
    found = select(con, staged, "ticket_events", '"at", kind, field, new_value', "kind <> 'created'")
    assert found == [
        ("05 08:00:00", "assigned", "owner", "Billing Queue"),
        ("05 09:00:00", "assigned", "owner", "Legal Queue"),
        ("05 09:10:00", "field", "account", sid("001", 2)),
    ]
    assert select(con, staged, "tickets", "reassignment_count") == [(1,)]


def test_names_alone_and_ids_alone_tell_the_same(con: Any, tmp_path: Path) -> None:
    told = []
    for nth, keep in enumerate((0, 1)):
        history = History()
        history.owner(1, "08:30:00", BILLING, ANN)
        history.owner(1, "09:00:00", ANN, LEGAL)
        rows = [row for place, row in enumerate(history.rows) if place % 2 == keep]
        staged = load(con, tmp_path / str(nth), {**DESK, "Case": [case(1, OwnerId=LEGAL)], "CaseHistory": rows})
        told.append(select(con, staged, "ticket_events", '"at", kind, team_id, field, old_value, new_value'))
    assert told[0] == told[1]
    assert ("05 08:30:00", "field", "Billing Queue", "assignee", None, ANN) in told[0]


@pytest.mark.parametrize("turned", [False, True])
def test_ties_to_the_second_follow_the_values(con: Any, tmp_path: Path, turned: bool) -> None:
    history = History()
    changes = [(BILLING, LEGAL), (LEGAL, BEN)]
    for old, new in reversed(changes) if turned else changes:
        history.owner(1, "09:00:00", old, new)
    steps = [("New", "Working"), ("Working", "On Hold"), ("On Hold", "Pending Customer")]
    for old, new in steps:
        history.add(1, "09:00:00", "Status", old, new)
    staged = load(
        con, tmp_path, {**DESK, "Case": [case(1, OwnerId=BEN, Status="Pending Customer")], "CaseHistory": history.rows}
    )
    owners = select(con, staged, "ticket_events", "kind, field, old_value, new_value", "field IN ('owner', 'assignee')")
    assert owners == [
        ("assigned", "owner", None, "Billing Queue"),
        ("assigned", "owner", "Billing Queue", "Legal Queue"),
        ("field", "assignee", None, BEN),
    ]
    statuses = select(con, staged, "ticket_events", "old_value, new_value", "kind = 'status'")
    assert statuses == steps
    assert select(con, staged, "tickets", "status_class, agent_id") == [("pending", BEN)]


def test_owner_flags_give_ack_and_escalation(con: Any, tmp_path: Path) -> None:
    history = History()
    history.owner(1, "08:10:00", BILLING, ANN)
    history.owner(1, "08:10:00", BILLING, ANN, "ownerAccepted")
    history.owner(1, "08:40:00", ANN, LEGAL, "ownerEscalated", BOT)
    history.add(1, "08:50:00", "ownerAccepted", "", "", BEN)
    history.add(1, "08:55:00", "locked", "", "")
    staged = load(con, tmp_path, {**DESK, "Case": [case(1, OwnerId=LEGAL)], "CaseHistory": history.rows})
    found = select(con, staged, "ticket_events", '"at", kind, actor_type, via, team_id, field, new_value')[2:]
    assert found == [
        ("05 08:10:00", "field", "agent", None, "Billing Queue", "assignee", ANN),
        ("05 08:10:00", "ack", "agent", None, "Billing Queue", None, None),
        ("05 08:40:00", "assigned", "automation", "automation", "Legal Queue", "owner", "Legal Queue"),
        ("05 08:40:00", "field", "automation", "automation", "Legal Queue", "assignee", None),
        ("05 08:40:00", "escalated", "automation", "automation", "Legal Queue", None, None),
        ("05 08:50:00", "ack", "agent", None, "Legal Queue", None, None),
        ("05 08:55:00", "field", "agent", None, "Legal Queue", "locked", None),
    ]


def test_teams_of_users(con: Any, tmp_path: Path) -> None:
    history = History()
    history.owner(5, "09:00:00", ANN, CEM)  # Cem works in both queues: the case stays with billing
    history.owner(6, "09:00:00", ANN, BEN)  # Ben works in legal only
    history.owner(7, "09:00:00", BILLING, DEE)  # Dee is in no queue, so she took it as one of billing
    history.owner(8, "09:00:00", BILLING, BEN)  # Ben is not in billing
    cases = [
        case(1), case(2, OwnerId=ANN), case(3, OwnerId=CEM), case(4, OwnerId=BOT), case(5, OwnerId=CEM), case(6, OwnerId=BEN),
        case(7, OwnerId=DEE), case(8, OwnerId=BEN), case(9, OwnerId=sid("00G", 9)), case(10, OwnerId=sid("005", 99)),
    ]  # fmt: skip
    closed = {"IsClosed": "true", "Status": "Closed", "ClosedDate": at("10:00:00")}
    staged = load(con, tmp_path, {**DESK, "Case": [{**row, **closed} for row in cases], "CaseHistory": history.rows})
    found = select(con, staged, "tickets", "first_team_id, resolver_team_id, reassignment_count")
    assert found == [
        ("Billing Queue", "Billing Queue", 0),
        ("Billing Queue", "Billing Queue", 0),
        ("Tier 2", "Tier 2", 0),
        ("unassigned users", "unassigned users", 0),
        ("Billing Queue", "Billing Queue", 0),
        ("Billing Queue", "Legal Queue", 1),
        ("Billing Queue", "Billing Queue", 0),
        ("Billing Queue", "Legal Queue", 1),
        (sid("00G", 9), sid("00G", 9), 0),
        ("unassigned users", "unassigned users", 0),
    ]


def test_a_case_reopened_and_still_open_is_not_resolved(con: Any, tmp_path: Path) -> None:
    history = History()
    history.add(1, "09:00:00", "Status", "New", "Resolved")
    history.add(1, "10:00:00", "Status", "Resolved", "Closed")
    history.add(1, "11:00:00", "Status", "Closed", "Working")
    staged = load(con, tmp_path, {**DESK, "Case": [case(1, Status="Working")], "CaseHistory": history.rows})
    assert select(con, staged, "tickets", "resolved_at, resolver_team_id, status_class") == [(None, None, "open")]
    assert select(con, staged, "ticket_events", '"at", kind', "kind IN ('resolved', 'closed', 'reopened')") == [
        ("05 09:00:00", "resolved"),
        ("05 10:00:00", "closed"),
        ("05 11:00:00", "reopened"),
    ]


def test_a_status_closes_if_the_export_has_it_closed(con: Any, tmp_path: Path) -> None:
    history = History()
    history.add(1, "09:00:00", "Status", "New", "Finito")
    history.add(2, "09:00:00", "Status", "New", "Done here")
    closed = case(1, Status="Finito", IsClosed="true", ClosedDate=at("09:00:00"))
    staged = load(con, tmp_path, {"Case": [closed, case(2, Status="Done here")], "CaseHistory": history.rows})
    found = select(con, staged, "ticket_events", "ticket_id, kind", "kind IN ('resolved', 'closed')")
    assert found == [(sid("500", 1), "resolved"), (sid("500", 1), "closed")]


def test_a_closing_that_the_history_lacks_is_told_by_closed_date(con: Any, tmp_path: Path) -> None:
    history = History()
    history.add(1, "09:00:00", "Status", "New", "Resolved")
    closed = case(1, Status="Closed", IsClosed="true", ClosedDate=at("12:00:00"))
    staged = load(con, tmp_path, {"Case": [closed, case(2, Status="Resolved")], "CaseHistory": history.rows})
    found = select(con, staged, "ticket_events", '"at", kind', "kind IN ('resolved', 'closed')")
    assert found == [("05 09:00:00", "resolved"), ("05 12:00:00", "closed")]
    assert any("1 cases are closed of which the history does not tell" in notice for notice in staged.notices)
