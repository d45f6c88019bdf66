"""What happened by the cutoff: events before columns, nothing after the cutoff, labels and lookups row-aligned."""

from __future__ import annotations

import pytest
from store_worlds import at, lab, load, ticket

from triage_lab import store
from triage_lab.domain.errors import StoreError

LATE = 2**40


def seconds(text):
    return int((at(text) - at("1970-01-01")).total_seconds())


def event(number, ticket_id, when, kind, **columns):
    return {"event_id": f"e{number:03}", "ticket_id": ticket_id, "at": at(when), "kind": kind, **columns}


def one(con, cutoff=LATE):
    return store.read_history(con, cutoff).row(0, named=True)


def test_a_log_without_events_speaks_by_its_columns(tmp_path):
    row = ticket(
        "a", "2026-01-01 10:00:00.900", account_id="x", category="c", first_team_id="t1", resolver_team_id="t2",
        first_action_at=at("2026-01-01 11:00"), resolved_at=at("2026-01-02"), due_at=at("2026-01-03"), sla_met=True,
        reassignment_count=2, handle_minutes=12.5, priority_at_creation="high",
    )  # fmt: skip
    with lab(tmp_path, tickets=[row]) as con:
        found = one(con)
    assert found.pop("ticket_key") > 0
    assert found == {
        "ticket_id": "a", "arrived_at": seconds("2026-01-01 10:00:00"), "account_id": "x", "category": "c",
        "first_team_id": "t1", "resolver_team_id": "t2", "truth_teams": None, "handle_minutes": 12.5,
        "priority_at_creation": "high", "due_at": seconds("2026-01-03"), "owned_at": seconds("2026-01-01 10:00:00"),
        "first_action_at": seconds("2026-01-01 11:00"), "first_human_action_at": seconds("2026-01-01 11:00"),
        "acknowledged_at": seconds("2026-01-01 11:00"), "resolved_at": seconds("2026-01-02"), "handoffs": 2,
        "escalations": None, "sla_met": True,
    }  # fmt: skip


def test_outcomes_after_the_cutoff_are_not_seen(tmp_path):
    row = ticket(
        "a", "2026-01-01", first_team_id="t1", resolver_team_id="t2", first_action_at=at("2026-01-01 11:00"),
        resolved_at=at("2026-01-02"), due_at=at("2026-01-03"), sla_met=True, handle_minutes=12.5,
    )  # fmt: skip
    with lab(tmp_path, tickets=[row]) as con:
        at_end = one(con, seconds("2026-01-02"))
        assert (at_end["resolver_team_id"], at_end["resolved_at"]) == ("t2", seconds("2026-01-02"))
        before = one(con, seconds("2026-01-02") - 1)
        for name in ("resolved_at", "resolver_team_id", "handle_minutes", "sla_met"):
            assert before[name] is None
        assert before["first_action_at"] == seconds("2026-01-01 11:00")
        assert before["due_at"] == seconds("2026-01-03")
        assert one(con, seconds("2026-01-01 10:59"))["first_action_at"] is None


def test_events_tell_owner_actions_handoffs_and_escalations(tmp_path):
    events = [
        event(1, "a", "2026-01-01 10:00", "created", actor_type="customer"),
        event(2, "a", "2026-01-01 10:01", "assigned", team_id="t1"),
        event(3, "a", "2026-01-01 10:02", "reply", actor_type="automation"),
        event(4, "a", "2026-01-01 10:03", "reply", actor_type="customer"),
        event(5, "a", "2026-01-01 10:04", "note", actor_type="agent", is_public=False),
        event(6, "a", "2026-01-01 10:05", "escalated", actor_type="system"),
        event(8, "a", "2026-01-01 10:06", "assigned", team_id="t2", seq=2),
        event(7, "a", "2026-01-01 10:06", "assigned", team_id="t1", seq=1),
        event(9, "a", "2026-01-01 10:07", "assigned", team_id="t2"),
        event(10, "a", "2026-01-01 10:08", "assigned", team_id="t1"),
        event(11, "a", "2026-01-01 12:00", "resolved", actor_type="agent", team_id="t1"),
    ]
    row = ticket("a", "2026-01-01 10:00", first_action_at=at("2026-01-01 11:30"), reassignment_count=9)
    with lab(tmp_path, tickets=[row, ticket("b", "2026-01-01 10:30")], ticket_events=events) as con:
        found = one(con)
        assert found["first_team_id"] == "t1"
        assert found["owned_at"] == seconds("2026-01-01 10:01")
        assert found["first_action_at"] == seconds("2026-01-01 10:02")
        assert found["first_human_action_at"] == seconds("2026-01-01 10:04")
        assert found["acknowledged_at"] == seconds("2026-01-01 10:04")
        assert (found["handoffs"], found["escalations"]) == (2, 1)
        assert (found["resolved_at"], found["resolver_team_id"]) == (seconds("2026-01-01 12:00"), "t1")
        early = one(con, seconds("2026-01-01 10:06"))
        assert (early["handoffs"], early["resolved_at"], early["resolver_team_id"]) == (1, None, None)
        quiet = store.read_history(con, LATE).row(1, named=True)
        assert (quiet["escalations"], quiet["handoffs"], quiet["owned_at"]) == (0, None, None)


def test_an_automatic_first_action_is_not_a_human_one(tmp_path):
    events = [event(1, "a", "2026-01-01 10:02", "reply", actor_type="automation")]
    row = ticket("a", "2026-01-01 10:00", first_action_at=at("2026-01-01 10:02"))
    with lab(tmp_path, tickets=[row], ticket_events=events) as con:
        found = one(con)
        assert found["first_action_at"] == seconds("2026-01-01 10:02")
        assert found["first_human_action_at"] is None


def test_a_reopened_ticket_without_a_new_resolution_is_open(tmp_path):
    events = [event(1, "a", "2026-01-02", "resolved"), event(2, "a", "2026-01-03", "reopened")]
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01")], ticket_events=events) as con:
        assert one(con)["resolved_at"] is None
        assert one(con, seconds("2026-01-02"))["resolved_at"] == seconds("2026-01-02")
        load(con, "ticket_events", [event(3, "a", "2026-01-04", "resolved")])
        assert one(con)["resolved_at"] == seconds("2026-01-04")


def test_rows_are_ordered_by_second_then_ticket_id_bytewise(tmp_path):
    rows = [
        ticket("b", "2026-01-01 10:00:00.100"), ticket("a", "2026-01-01 10:00:00.900"),
        ticket("ä", "2026-01-01 10:00:00.000"), ticket("B", "2026-01-01 10:00:00.500"),
        ticket("a10", "1969-12-31 23:59:59.500"),
    ]  # fmt: skip
    with lab(tmp_path, tickets=rows) as con:
        found = store.read_history(con, LATE)
        assert found["ticket_id"].to_list() == ["a10", "B", "a", "b", "ä"]
        assert found["arrived_at"].to_list()[:2] == [-1, seconds("2026-01-01 10:00")]
        context = store.read_context(
            con, (), timezone="UTC", currency="EUR", mrr_tiers=(), fx=(), decision_latency_seconds=60
        )
        assert context.equals(found.select("ticket_id", "ticket_key", "arrived_at"))


def test_truth_teams_are_united_in_the_order_of_labelling(tmp_path):
    labels = [
        {
            "ticket_id": "b",
            "field": "truth_team",
            "value": "t2 | t1",
            "labelled_by": "zoe",
            "labelled_at": at("2026-01-02"),
        },
        {
            "ticket_id": "b",
            "field": "truth_team",
            "value": "t3|t2|",
            "labelled_by": "amy",
            "labelled_at": at("2026-01-03"),
        },
        {"ticket_id": "b", "field": "mrr", "value": "500", "labelled_by": "amy"},
        {"ticket_id": "gone", "field": "truth_team", "value": "t9", "labelled_by": "amy"},
    ]
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01"), ticket("b", "2026-01-05")], labels=labels) as con:
        assert store.read_history(con, LATE)["truth_teams"].to_list() == [None, ["t2", "t1", "t3"]]
        found = store.read_labels(con, LATE)
        assert found.rows() == [(1, "mrr", "500"), (1, "truth_team", "t2 | t1"), (1, "truth_team", "t3|t2|")]
        assert store.read_labels(con, seconds("2026-01-04")).is_empty()


def test_enrichment_is_row_aligned_and_ends_at_the_cutoff(tmp_path):
    def lookup(ticket_id, when, **columns):
        return {"ticket_id": ticket_id, "field": "mrr", "source": "crm", "looked_up_at": at(when), **columns}

    log = [
        lookup("b", "2026-01-02 00:00:00.800", value="7", status="hit", value_as_of=at("2025-12-31")),
        lookup("a", "2026-01-03", status="miss"),
        lookup("gone", "2026-01-01", status="miss"),
    ]
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01"), ticket("b", "2026-01-02")], enrichment_log=log) as con:
        found = store.read_enrichment(con, LATE)
        assert found.columns == ["row", "field", "source", "value", "status", "looked_up_at", "value_as_of"]
        assert found.rows() == [
            (0, "mrr", "crm", None, "miss", seconds("2026-01-03"), None),
            (1, "mrr", "crm", "7", "hit", seconds("2026-01-02"), seconds("2025-12-31")),
        ]
        assert store.read_enrichment(con, seconds("2026-01-02"))["row"].to_list() == [1]


def test_events_and_the_row_of_one_ticket(tmp_path):
    events = [
        event(2, "a", "2026-01-01 10:00", "note", seq=2), event(1, "a", "2026-01-01 10:00", "created", seq=1),
        event(3, "b", "2026-01-01", "created"),
    ]  # fmt: skip
    with lab(tmp_path, tickets=[ticket("INC0000045", "2026-01-01", category="c")], ticket_events=events) as con:
        assert store.read_events(con, "a")["kind"].to_list() == ["created", "note"]
        assert store.read_events(con, "a")["at"].to_list() == [seconds("2026-01-01 10:00")] * 2
        assert store.read_events(con, "none").is_empty()
        assert store.read_ticket(con, "INC0000045")["category"] == "c"
        with pytest.raises(StoreError) as caught:
            store.read_ticket(con, "INC000045")
        assert caught.value.values["nearest"] == ["INC0000045"]
        assert caught.value.exit_code == 3


def test_inventory_counts_values_and_dates_them(tmp_path):
    rows = [
        ticket("a", "2026-01-01", category="x"), ticket("b", "2026-02-01", category="x", resolved_at=at("2026-02-02")),
        ticket("c", "2026-03-01"),
    ]  # fmt: skip
    with lab(tmp_path, tickets=rows) as con:
        load(con, "tickets", [ticket("c", "2026-03-02")])
        found = {(row["table"], row["column"]): row for row in store.inventory(con).iter_rows(named=True)}
    category = found["tickets", "category"]
    assert (category["rows"], category["non_null"]) == (3, 2)
    assert (category["first_at"], category["last_at"]) == (at("2026-01-01"), at("2026-02-01"))
    assert found["tickets", "created_at"]["last_at"] == at("2026-03-02")
    assert found["tickets", "resolved_at"]["first_at"] == at("2026-02-02")
    assert found["labels", "value"]["rows"] == 0
    assert found["labels", "value"]["first_at"] is None
