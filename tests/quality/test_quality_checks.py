"""Each built-in check: clean data pass, planted faults are listed row by row, and nothing to look at is no pass."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest
from quality_desk import CUTOFF, at, gate, keys, listed, load, run

from triage_lab.domain.enums import GateState
from triage_lab.domain.gate import Gate

CHECKS = {
    "not_null": gate("not_null", column="created_at"),
    "unique": gate("unique"),
    "foreign_key": gate("foreign_key", column="account_id", references="accounts.account_id"),
    "order": gate("order", earlier="created_at", later="resolved_at"),
    "allowed_values": gate("allowed_values", column="channel", values=["email", "chat"]),
    "range": gate("range", column="handle_minutes", low=0, high=600),
    "no_nan": gate("no_nan", column="handle_minutes"),
    "not_after_cutoff": gate("not_after_cutoff", column="created_at"),
    "pattern": gate("pattern", column="ticket_id", regex="^T[0-9]{4}$"),
    "repeats": gate("repeats", "signals", column="dedup_key", unless="duplicate_of"),
    "no_overlap": gate("no_overlap", "accounts"),
    "event_order": gate("event_order", "ticket_events"),
    "one_owner": gate("one_owner"),
    "lookahead log": gate("lookahead", "enrichment_log"),
    "lookahead accounts": gate("lookahead"),
    "enrichment_coverage": gate("enrichment_coverage", "enrichment_log", field="mrr", low=0.95),
    "volume": gate("volume", column="created_at", low=-4, high=4),
    "freshness": gate("freshness", column="created_at", high=48),
    "sql rows": gate("sql", kind="rows", sql="SELECT ticket_id FROM tickets WHERE subject = ''"),
    "sql scalar": gate("sql", kind="scalar", sql="SELECT count(*) / 10.0 AS value FROM tickets", high=100),
}


@pytest.mark.parametrize("name", CHECKS)
def test_clean_data_pass(con: Any, name: str) -> None:
    result = run(con, CHECKS[name])
    assert (result.state, result.failed, result.sample, result.reason) == (GateState.PASS, 0, (), "")
    assert result.n > 0
    assert result.value is not None
    assert listed(con) == []


@pytest.mark.parametrize("name", CHECKS)
def test_empty_tables_are_skipped_never_passed(empty: Any, name: str) -> None:
    result = run(empty, CHECKS[name])
    assert (result.state, result.n, result.value) == (GateState.SKIPPED, 0, None)
    assert result.reason


def test_row_count_judges_an_empty_table(empty: Any, con: Any) -> None:
    some = gate("row_count", low=1)
    assert (run(empty, some).state, run(con, some).state, run(con, some).value) == ("fail", "pass", 300.0)
    assert run(con, gate("row_count", low=10, high=299)).state == "fail"


def ticket(ticket_id: str = "T0001", **more: object) -> dict[str, Any]:
    """A later row of a ticket, or a new one."""
    return {
        "ticket_id": ticket_id, "created_at": at(2), "account_id": "A1", "channel": "email", "handle_minutes": 9.0,
        "resolved_at": at(3),
    } | more  # fmt: skip


def test_not_null_lists_rows_without_a_value(con: Any) -> None:
    load(con, {"tickets": [ticket("T0001", channel=None), ticket("T0002")]})
    result = run(con, gate("not_null", column="channel"))
    assert (result.state, result.n, result.failed, result.sample) == ("fail", 300, 1, ("T0001",))
    assert listed(con) == [("T0001", "channel", None)]


def test_a_column_without_any_value_is_skipped_with_its_name(con: Any) -> None:
    for silent in (gate("not_null", column="body"), gate("pattern", column="body", regex="x")):
        result = run(con, silent)
        assert (result.state, result.reason) == ("skipped", "no body in this log")
    assert run(con, gate("order", earlier="created_at", later="closed_at")).reason == "no closed_at in this log"


def test_unique_lists_every_copy_of_a_repeated_key(con: Any) -> None:
    copies = [ticket("T0009", subject="a"), ticket("T0010"), ticket("T0009", subject="b"), ticket("T0009", subject="c")]
    load(con, {"tickets": copies})
    result = run(con, CHECKS["unique"])
    load_id = con.execute("SELECT max(load_id) FROM loads").fetchall()[0][0]
    assert (result.state, result.n, result.failed, result.sample) == ("fail", 302, 3, ("T0009",))
    assert listed(con) == [("T0009", "ticket_id", f"load {load_id} row {row}") for row in (1, 3, 4)]


def test_unique_forgets_copies_that_a_newer_load_settles(con: Any) -> None:
    load(con, {"tickets": [ticket("T0009", subject=subject) for subject in "abc"]})
    as_of = con.execute("SELECT max(load_id) FROM loads").fetchall()[0][0]
    load(con, {"tickets": [ticket("T0009", subject="settled")]})
    assert run(con, CHECKS["unique"]).state == "pass"
    con.execute(f"SET VARIABLE as_of_load = {as_of}")
    assert run(con, CHECKS["unique"]).failed == 3


def test_unique_takes_a_missing_part_of_a_key_for_a_value_but_no_value_at_all_for_nothing(con: Any) -> None:
    load(con, {"accounts": [{"account_id": "A9", "name": name} for name in "ab"]})
    result = run(con, gate("unique", "accounts"))
    assert (result.failed, keys(con)) == (2, [r"A9|\N", r"A9|\N"])
    assert run(con, gate("unique", "accounts", columns=["domain"])).reason == "nothing to check"


def test_unique_of_other_columns_is_judged_over_all_loads(con: Any) -> None:
    load(con, {"signals": [{"signal_id": "S0000", "received_at": at(), "dedup_key": "K0"}]})
    assert run(con, gate("unique", "signals", columns=["dedup_key"])).state == "pass"
    load(con, {"signals": [{"signal_id": "S9999", "received_at": at(), "dedup_key": "K0"}]})
    result = run(con, gate("unique", "signals", columns=["dedup_key"]))
    assert (result.n, result.failed) == (301, 2)
    assert listed(con) == [("S0000", "dedup_key", "K0"), ("S9999", "dedup_key", "K0")]


def test_foreign_key_lists_orphans_and_leaves_out_unknown_accounts(con: Any) -> None:
    load(con, {"tickets": [ticket("T0001", account_id="A99"), ticket("T0002", account_id=None)]})
    result = run(con, CHECKS["foreign_key"])
    assert (result.state, result.failed) == ("fail", 1)
    assert result.n == con.execute("SELECT count(account_id) FROM tickets").fetchall()[0][0]
    assert listed(con) == [("T0001", "account_id", "A99")]


def test_foreign_key_without_the_other_table_is_skipped(empty: Any) -> None:
    load(empty, {"tickets": [ticket()]})
    result = run(empty, CHECKS["foreign_key"])
    assert (result.state, result.reason) == ("skipped", "no rows in accounts")


def test_order_lists_tickets_resolved_before_they_were_created(con: Any) -> None:
    rows = [ticket("T0001", resolved_at=at(2, seconds=-1)), ticket("T0002", resolved_at=at(2)), ticket("T0003")]
    load(con, {"tickets": [*rows, ticket("T0005", resolved_at=at(-30))]})
    result = run(con, CHECKS["order"])
    assert (result.state, result.failed, result.sample) == ("fail", 2, ("T0001", "T0005"))
    assert listed(con) == [
        ("T0001", "resolved_at", "2026-09-02 23:59:59"),
        ("T0005", "resolved_at", "2026-08-02 00:00:00"),
    ]


def test_allowed_values_take_hostile_text_as_text(con: Any) -> None:
    hostile = ["'; DROP TABLE tickets; --", "E\\'x", "", "Email", 'a"b', "☃\u202e", "{batch}", "%s :x"]
    load(con, {"tickets": [ticket(f"T000{i}", channel=value) for i, value in enumerate(hostile)]})
    assert run(con, CHECKS["allowed_values"]).failed == len(hostile)
    assert [value for _, _, value in listed(con)] == hostile
    every = gate("allowed_values", column="channel", values=["email", "chat", *hostile])
    assert run(con, every).state == "pass"


def test_range_lists_both_sides_and_what_is_no_number(con: Any) -> None:
    values = {"T0001": -0.5, "T0002": 600.0, "T0003": 600.5, "T0004": float("nan"), "T0005": None, "T0006": 0.0}
    load(con, {"tickets": [ticket(key, handle_minutes=value) for key, value in values.items()]})
    assert run(con, CHECKS["range"]).failed == 3
    assert listed(con) == [
        ("T0001", "handle_minutes", "-0.5"), ("T0003", "handle_minutes", "600.5"), ("T0004", "handle_minutes", "nan"),
    ]  # fmt: skip
    assert run(con, gate("range", column="handle_minutes", high=600)).failed == 2
    assert run(con, CHECKS["no_nan"]).failed == 1


def test_no_nan_lists_infinities(con: Any) -> None:
    load(con, {"tickets": [ticket("T0001", handle_minutes=float("inf")), ticket("T0002", handle_minutes=1e300)]})
    assert run(con, CHECKS["no_nan"]).failed == 1
    assert listed(con) == [("T0001", "handle_minutes", "inf")]


def test_not_after_cutoff_keeps_the_cutoffs_own_second(con: Any) -> None:
    rows = [ticket("T0001", created_at=at(30)), ticket("T0002", created_at=at(30, milliseconds=900))]
    load(con, {"tickets": [*rows, ticket("T0003", created_at=at(30, seconds=1))]})
    assert at(30).replace(tzinfo=UTC).timestamp() == CUTOFF
    assert run(con, CHECKS["not_after_cutoff"]).failed == 1
    assert keys(con) == ["T0003"]


def test_pattern_and_its_absence(con: Any) -> None:
    load(con, {"tickets": [ticket("T0001", subject="call me: +49 170 1234567"), ticket("T0002", subject="card")]})
    assert run(con, gate("pattern", column="subject", regex=r"\+?\d[\d ]{7,}", absent=True)).failed == 1
    assert keys(con) == ["T0001"]
    assert run(con, gate("pattern", column="subject", regex="^(invoice|card)$")).failed == 1
    assert run(con, gate("pattern", column="subject", regex="(")).state == "error"


def test_repeats_lists_all_but_the_first_and_spares_declared_duplicates(con: Any) -> None:
    again = {"received_at": at(1), "dedup_key": "K3"}
    # from other systems, so that the store does not take them for further deliveries
    load(con, {"signals": [{"signal_id": name, "source": f"of {name}"} | again for name in ("S8001", "S8002")]})
    load(con, {"signals": [{"signal_id": "S8003", "duplicate_of": "S0003"} | again]})
    result = run(con, CHECKS["repeats"])
    assert (result.n, result.failed) == (303, 2)
    assert listed(con) == [("S8001", "dedup_key", "K3"), ("S8002", "dedup_key", "K3")]


def test_no_overlap_lists_the_span_that_begins_too_early(con: Any) -> None:
    spans = [
        {"account_id": "A7", "valid_from": None, "valid_to": at(1)},
        {"account_id": "A7", "valid_from": at(1), "valid_to": at(9)},
        {"account_id": "A7", "valid_from": at(2), "valid_to": at(3)},
        {"account_id": "A7", "valid_from": at(8)},
    ]
    load(con, {"accounts": spans})
    assert run(con, CHECKS["no_overlap"]).failed == 2
    assert [value for _, _, value in listed(con)] == ["2026-09-03 00:00:00", "2026-09-09 00:00:00"]


def event(event_id: str, minutes: float, ticket_id: str = "T0001", **more: object) -> dict[str, Any]:
    """An event some minutes after ticket T0001 arrived (08:01 on the first day)."""
    when = at(hours=8, minutes=1) + timedelta(minutes=minutes)
    return {"event_id": event_id, "ticket_id": ticket_id, "at": when, "kind": "note"} | more


def test_event_order_lists_events_before_their_ticket_and_clocks_that_run_backwards(con: Any) -> None:
    load(con, {"ticket_events": [event("E1", -1), event("E2", 0), event("T0011-2", 1440 + 0.5, "T0011", seq=2)]})
    assert run(con, CHECKS["event_order"]).failed == 2
    assert listed(con) == [("E1", "at", "2026-09-01 08:00:00"), ("T0011-2", "at", "2026-09-02 08:01:30")]


def test_event_order_ignores_seq_that_only_orders_one_instant(con: Any) -> None:
    later = [event("E1", 90, seq=0), event("E2", 95, seq=2), event("E3", 95, seq=0)]
    load(con, {"ticket_events": later})
    assert run(con, CHECKS["event_order"]).state == "pass"


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([event("E1", 90, kind="assigned", team_id=None)], "no owner"),
        ([event("E1", 90, kind="assigned", team_id=""), event("E2", 90, kind="assigned", team_id="x")], None),
        ([event(f"E{t}", 90, kind="assigned", team_id=t) for t in ("x", "y")], "two owners: x, y"),
        ([event(f"E{t}", 90, kind="assigned", team_id=t, seq=i) for i, t in enumerate("xy")], None),
        ([event(f"E{t}", 90, kind="assigned", team_id="x") for t in ("1", "2")], None),
        (
            [event("E1", 90, kind="assigned", team_id="x", new_value="x", old_value="legal")],
            "taken from legal, owned by billing",
        ),
        ([event("E1", 90, kind="assigned", team_id="x", new_value="x", old_value="billing")], None),
        ([event("E1", -30, kind="assigned", team_id=None)], None),
    ],
)  # fmt: skip
def test_one_owner_finds_moments_of_none_and_of_two(
    con: Any, events: list[dict[str, Any]], problem: str | None
) -> None:
    load(con, {"ticket_events": events})
    result = run(con, CHECKS["one_owner"])
    assert result.n == 300
    if problem is None:
        assert result.state == "pass"
    else:
        assert listed(con) == [("T0001", "owner", f"2026-09-01 09:31:00 {problem}")]


def test_one_owner_looks_at_assigned_tickets_only(con: Any) -> None:
    load(con, {"tickets": [ticket("T7777")]})
    assert run(con, CHECKS["one_owner"]).n == 300


def test_lookahead_lists_values_newer_than_their_look_up(con: Any) -> None:
    row = {"ticket_id": "T0001", "field": "mrr", "source": "crm", "status": "hit", "looked_up_at": at(2)}
    load(
        con, {"enrichment_log": [row | {"value_as_of": at(2, seconds=1)}, row | {"source": "x", "value_as_of": at(2)}]}
    )
    late = row | {"source": "late", "looked_up_at": at(9), "value_as_of": at(8)}
    load(con, {"enrichment_log": [late]})
    assert run(con, CHECKS["lookahead log"]).failed == 1
    assert listed(con) == [("T0001|mrr|crm|2026-09-03 00:00:00", "value_as_of", "2026-09-03 00:00:01")]


def test_lookahead_lists_tickets_older_than_all_facts_on_their_account(con: Any) -> None:
    load(con, {"accounts": [{"account_id": "A8", "valid_from": at(4)}, {"account_id": "A9", "valid_from": at(4)}]})
    load(con, {"accounts": [{"account_id": "A9"}]})
    tickets = [ticket("T8001", account_id="A8"), ticket("T8002", account_id="A9")]
    load(con, {"tickets": [*tickets, ticket("T8003", account_id="A8", created_at=at(4))]})
    assert run(con, CHECKS["lookahead accounts"]).failed == 1
    assert listed(con) == [("T8001", "account_id", "2026-09-05 00:00:00")]


def lookup(i: int, status: str, source: str = "crm") -> dict[str, Any]:
    """A look-up of churn_risk for ticket i."""
    return {"ticket_id": f"T{i:04d}", "field": "churn_risk", "source": source, "status": status, "looked_up_at": at(1)}


def test_coverage_counts_tickets_and_any_source(con: Any) -> None:
    rows = [lookup(i, "hit" if i < 6 else "stale" if i < 8 else "error") for i in range(10)]
    load(con, {"enrichment_log": [*rows, lookup(9, "hit", "billing"), lookup(9, "miss", "clm")]})

    def coverage(**more: object) -> Gate:
        return gate("enrichment_coverage", "enrichment_log", field="churn_risk", low=0.85, **more)

    assert (run(con, coverage()).value, run(con, coverage()).n, run(con, coverage()).state) == (0.9, 10, "pass")
    assert (run(con, coverage(source="crm")).value, run(con, coverage(source="crm")).state) == (0.8, "fail")
    few = run(con, coverage(min_n=11))
    assert (few.state, few.n, few.reason) == ("skipped", 10, "10 rows, at least 11 needed")
    never = run(con, gate("enrichment_coverage", "enrichment_log", field="seats", low=0.5))
    assert (never.state, never.reason) == ("skipped", "no look-up of seats in this log")


def test_volume_finds_a_planted_day_and_leaves_it_out_of_its_baseline(con: Any) -> None:
    load(con, {"tickets": [ticket(f"X{i}", created_at=at(27, minutes=i)) for i in range(60)]})
    spike = run(con, CHECKS["volume"])
    # Ten a day without spread: the deviation is the Poisson one of the median.
    assert (spike.state, spike.n) == ("fail", 22)
    assert spike.value == pytest.approx(60 / 10**0.5)


def test_volume_finds_a_silent_day(con: Any) -> None:
    silent = run(con, gate("volume", "ticket_events", column="at", low=-4, high=4, days=1))
    assert silent.state == "pass"
    con.execute(
        "CREATE OR REPLACE VIEW tickets AS SELECT * FROM tickets_rows WHERE CAST(created_at AS DATE) <> '2026-09-29'"
    )
    result = run(con, gate("volume", column="created_at", low=-3, high=3))
    assert (result.state, result.value) == ("fail", pytest.approx(-(10**0.5)))


def test_volume_needs_two_weeks(con: Any) -> None:
    result = run(con, gate("volume", column="created_at", low=-4, high=4, days=16))
    assert (result.state, result.n, result.reason) == ("skipped", 13, "13 days, at least 14 needed")


def test_freshness_counts_hours_to_the_cutoff(con: Any) -> None:
    assert run(con, CHECKS["freshness"]).value == pytest.approx(24 - 8 - 9 / 60)
    load(con, {"tickets": [ticket("T9998", created_at=at(40))]})
    assert run(con, CHECKS["freshness"]).value == pytest.approx(24 - 8 - 9 / 60)
    stale = run(con, gate("freshness", "enrichment_log", column="looked_up_at", high=12))
    assert (stale.state, stale.limit) == ("fail", "≤ 12")
