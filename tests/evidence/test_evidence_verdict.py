"""Nine items, three words, and sentences that say no more than the interval allows."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from triage_lab.domain.enums import Better, Change, Flag, GateState, Grade, ItemState, Severity, VerdictWord
from triage_lab.domain.gate import GateResult
from triage_lab.domain.measure import Comparison, Measure
from triage_lab.domain.result import KpiResult
from triage_lab.domain.verdict import ITEMS, ReadinessItem, Verdict
from triage_lab.evidence import (
    Kpi,
    LaunchPlan,
    ReadinessFacts,
    Subject,
    harms,
    readiness_items,
    segment_label,
    verdict,
)

GREEN = tuple(ReadinessItem(name, ItemState.GREEN, "fine") for name in ITEMS)
SUBJECT = Subject("billing-protection", "abc123", "T-1", "first_action", "EUR")
PLAN = LaunchPlan(
    (Kpi("met", "Targets met", "sla_compliance", "at_least", 0.9, "ops", Severity.CRITICAL, primary=True),), ()
)


def gate(
    state: GateState, severity: Severity = Severity.CRITICAL, table: str = "tickets", name: str = "unique-id"
) -> GateResult:
    return GateResult(name, table, "Ids are unique", severity, "platform", state, 100, 3, 0.03, "0", "sql")


def number(value: float, low: float, high: float, arm: str = "candidate", **changes: object) -> Measure:
    plain = Measure(
        "sla_compliance", arm, value, low, high, 5000, 300, "fraction", Grade.SIMULATED, effective_accounts=100.0
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def sla(change: Change = Change.BETTER) -> Comparison:
    gap = number(0.049, 0.031, 0.066, "difference")
    return Comparison(
        "sla_compliance",
        {},
        number(0.869, 0.86, 0.88, "baseline"),
        number(0.918, 0.90, 0.93),
        gap,
        Better.HIGHER,
        change,
    )


def kpi(state: str = "pass", severity: str = "critical", value: Measure | None = None, reason: str = "") -> KpiResult:
    chosen = value or number(0.918, 0.90, 0.93)
    return KpiResult(
        "met", "Targets met", "sla_compliance", "candidate", 0.9, "≥ 90 %", state, severity, "ops", chosen, reason
    )


def reach(
    items: tuple[ReadinessItem, ...] = GREEN,
    gates: tuple[GateResult, ...] = (gate(GateState.PASS),),
    kpis: tuple[KpiResult, ...] | None = None,
    comparisons: tuple[Comparison, ...] | None = None,
) -> Verdict:
    return verdict(items, gates, kpis or (kpi(),), (sla(),) if comparisons is None else comparisons, PLAN, SUBJECT)


def with_item(state: ItemState, name: str = "routing") -> tuple[ReadinessItem, ...]:
    return tuple(ReadinessItem(name, state, "why") if one.item == name else one for one in GREEN)


def test_the_word_follows_the_rule_in_every_combination() -> None:
    calibrated = number(0.918, 0.90, 0.93)
    uncalibrated = replace(calibrated, flags=(Flag.NOT_CALIBRATED,))
    for item, state, severity, limit, value in product(
        ItemState, GateState, Severity, ("pass", "warn", "fail", "not_assessable"), (calibrated, uncalibrated)
    ):
        found = reach(with_item(item), (gate(state, severity),), (kpi(limit, value=value),))
        critical = severity is Severity.CRITICAL
        if item is ItemState.RED or (critical and state is GateState.FAIL) or limit == "fail":
            expected = VerdictWord.NO_GO
        elif (
            item is ItemState.MISSING
            or (critical and state in (GateState.SKIPPED, GateState.ERROR))
            or limit in ("warn", "not_assessable")
            or value is uncalibrated
        ):
            expected = VerdictWord.NOT_ENOUGH_EVIDENCE
        else:
            expected = VerdictWord.GO
        assert found.word is expected
        assert (not found.blocking) == (expected is VerdictWord.GO)
        assert len(found.next_commands) == 3
        assert len(found.sentence) <= 260
        assert found.items == with_item(item)


def test_a_warning_limit_never_stops_a_go() -> None:
    for state in ("fail", "warn", "not_assessable"):
        assert reach(kpis=(kpi(state, "warning"),)).word is VerdictWord.GO


def test_the_sentence_says_what_improves_and_what_stops_it() -> None:
    low = number(0.928, 0.91, 0.943, metric="enrichment_accuracy")
    facts = KpiResult(
        "facts",
        "Looked-up facts right",
        "enrichment_accuracy",
        "candidate",
        0.95,
        "> 95 %",
        "fail",
        "critical",
        "data",
        low,
    )
    plan = LaunchPlan(
        (*PLAN.kpis, Kpi("facts", "x", "enrichment_accuracy", "above", 0.95, "data", Severity.CRITICAL)), ()
    )
    found = verdict(GREEN, (), (kpi(), facts), (sla(),), plan, SUBJECT)
    assert found.sentence == (
        "It would meet 91.8\u202f% of first-action targets instead of 86.9\u202f%, but looked-up facts right: "
        "92.8\u202f%, more than 95\u202f% is required."
    )
    assert found.blocking == ("facts",)


def test_the_main_limit_is_not_said_twice() -> None:
    found = reach(kpis=(kpi("fail"),))
    assert found.sentence.endswith("but at least 90\u202f% is required.")


def test_a_change_that_is_not_shown_is_not_claimed() -> None:
    assert "(baseline 86.9\u202f%, no certain change)" in reach(comparisons=(sla(Change.NOT_SHOWN),)).sentence
    flat = replace(sla(Change.NOT_SHOWN), difference=number(0.0, 0.0, 0.0, "difference"))
    found = reach(comparisons=(flat,))
    assert "as before" in found.sentence
    assert found.comparison.startswith("Not shown: both policies give the same")
    assert reach(comparisons=()).sentence.startswith("Nothing could be compared")


@pytest.mark.parametrize(
    ("change", "word"), [(Change.BETTER, "Better"), (Change.WORSE, "Worse"), (Change.NOT_SHOWN, "Not shown")]
)
def test_the_comparison_has_interval_and_grade(change: Change, word: str) -> None:
    assert reach(comparisons=(sla(change),)).comparison == (
        f"{word}: first-action targets met +4.9 points (95\u202f% interval +3.1 to +6.6; simulated, 300 accounts)."
    )


def test_a_certain_change_of_misroute_comes_before_an_uncertain_one_of_sla() -> None:
    gap = number(-0.12, -0.17, -0.07, "difference", metric="misroute_labelled", grade=Grade.REPLAYED)
    arms = [number(value, 0.0, 0.3, metric="misroute_labelled") for value in (0.177, 0.055)]
    misroute = Comparison("misroute_labelled", {}, arms[0], arms[1], gap, Better.LOWER, Change.BETTER)
    found = reach(comparisons=(sla(Change.NOT_SHOWN), misroute))
    assert found.sentence.startswith(
        "It would send 5.5\u202f% of tickets to a wrong first owner instead of 17.7\u202f%"
    )
    assert found.comparison.startswith("Better: tickets with a wrong first owner −12.0 points")
    assert "Not shown: first-action targets met +4.9 points" in found.comparison


def test_many_missing_items_are_counted() -> None:
    found = reach(tuple(replace(one, state=ItemState.MISSING) for one in GREEN))
    assert found.sentence.endswith("but 9 of 9 launch items have no evidence yet.")


def test_missing_evidence_is_named() -> None:
    found = reach(
        tuple(replace(one, state=ItemState.MISSING) if one.item in ("audit", "pilot") else one for one in GREEN)
    )
    assert found.sentence.endswith("but audit and pilot have no evidence yet.")
    assert found.blocking == ("audit", "pilot")


def test_next_commands_fit_what_stops_it() -> None:
    assert reach().next_commands[:2] == ("triage-lab explain T-1 --run abc123", "triage-lab scorecard abc123")
    failing = reach(with_item(ItemState.RED), (gate(GateState.FAIL),))
    assert failing.next_commands[:2] == ("triage-lab check", "triage-lab policy test billing-protection")
    hostile = verdict(GREEN, (), (), (), PLAN, replace(SUBJECT, example_ticket="a b;rm"))
    assert hostile.next_commands[0] == "triage-lab explain 'a b;rm' --run abc123"


FACTS = ReadinessFacts(
    policy="p", gates=(gate(GateState.PASS), gate(GateState.PASS, table="signals")),
    kpis=(replace(kpi(), metric="enrichment_accuracy"),), findings=(), tests_passed=4,
    tests_failed=0, approved_by="kim",
    has_operations=True, tickets=500, without_owner=0, off_desk=(), tiers_seen=("high", "low"),
    tiers_with_window=("high", "low"),
    authorities=2, templates_used=("hello",), templates_approved=("hello",),
)  # fmt: skip


def state(item: str, **changes: object) -> ItemState:
    items = {one.item: one for one in readiness_items(replace(FACTS, **changes))}  # type: ignore[arg-type]
    assert items[item].state is ItemState.GREEN or items[item].action
    return items[item].state


def test_items_in_order_and_what_this_version_can_show() -> None:
    items = readiness_items(FACTS)
    assert tuple(one.item for one in items) == ITEMS
    assert [one.item for one in items if one.state is ItemState.MISSING] == ["audit", "pilot", "training"]
    assert all(one.finding for one in items)


@pytest.mark.parametrize(
    ("item", "changes", "expected"),
    [
        ("signals", {"gates": (gate(GateState.FAIL),)}, ItemState.RED),
        ("signals", {"gates": (gate(GateState.FAIL, Severity.WARNING), gate(GateState.PASS))}, ItemState.GREEN),
        ("signals", {"gates": (gate(GateState.SKIPPED),)}, ItemState.MISSING),
        ("signals", {"gates": ()}, ItemState.MISSING),
        ("enrichment", {"kpis": (replace(kpi("fail"), metric="enrichment_accuracy"),)}, ItemState.RED),
        ("enrichment", {"kpis": (replace(kpi("warn"), metric="enrichment_accuracy"),)}, ItemState.MISSING),
        ("enrichment", {"kpis": (replace(kpi("not_assessable"), metric="enrichment_accuracy"),)}, ItemState.MISSING),
        ("enrichment", {"kpis": (kpi("fail"),)}, ItemState.MISSING),
        ("enrichment", {"gates": (gate(GateState.FAIL, table="enrichment_log"),)}, ItemState.RED),
        ("enrichment", {"gates": (gate(GateState.ERROR, table="labels"),)}, ItemState.MISSING),
        ("routing", {"findings": ("a rule is never reached",)}, ItemState.RED),
        ("routing", {"tests_failed": 1}, ItemState.RED),
        ("routing", {"tests_passed": 0}, ItemState.MISSING),
        ("routing", {"approved_by": None}, ItemState.MISSING),
        ("ownership", {"without_owner": 1}, ItemState.RED),
        ("ownership", {"off_desk": ("ghosts",)}, ItemState.RED),
        ("ownership", {"has_operations": False}, ItemState.MISSING),
        ("ownership", {"tickets": 0}, ItemState.MISSING),
        ("escalations", {"has_operations": False}, ItemState.MISSING),
        ("escalations", {"tiers_with_window": ("high",)}, ItemState.RED),
        ("escalations", {"authorities": 0}, ItemState.MISSING),
        ("escalations", {"tiers_seen": ()}, ItemState.MISSING),
        ("templates", {"templates_approved": ()}, ItemState.MISSING),
        ("templates", {"templates_used": ()}, ItemState.GREEN),
    ],
)
def test_each_item_by_its_rule(item: str, changes: dict[str, object], expected: ItemState) -> None:
    assert state(item) in (ItemState.GREEN, ItemState.MISSING)
    assert state(item, **changes) is expected


def harm(
    segment: dict[str, str], value: float, n: int, metric: str = "sla_compliance", unit: str = "fraction"
) -> Comparison:
    gap = replace(number(value, value * 1.5, value * 0.5, "difference"), segment=segment, n=n, unit=unit, metric=metric)
    base = replace(gap, arm="baseline", value=0.9 if unit == "fraction" else 60.0)
    return Comparison(metric, segment, base, base, gap, Better.HIGHER, Change.WORSE)


def test_harms_are_ranked_by_tickets_hurt() -> None:
    small, large = harm({"mrr_tier": "low"}, -0.02, 5000), harm({"rule_id": "a"}, -0.2, 900)
    times = harm({"rule_id": "b"}, 30.0, 90000, "time_to_person", "minutes")
    better = replace(harm({"rule_id": "c"}, -0.9, 9999), change=Change.BETTER)
    found = harms([times, small, better, large, harm({}, -0.5, 99999)])
    assert [one.comparison for one in found] == [large, small, times]
    assert harms([small, large], top=1)[0].label == "rule a"


def test_the_same_tickets_are_not_shown_twice() -> None:
    inner = harm({"rule_id": "a", "mrr_tier": "mid"}, -0.3, 900)
    outer = harm({"rule_id": "a"}, -0.2, 1000)
    other = harm({"rule_id": "a", "sla_metric": "resolve"}, -0.19, 1000)
    assert [one.label for one in harms([outer, inner, other])] == ["Mid MRR · rule a"]
    assert harms([harm({"sla_metric": "resolve"}, -0.2, 900), harm({"field": "mrr", "source": "*"}, -0.2, 900)]) == ()


@pytest.mark.parametrize(
    ("segment", "label"),
    [
        ({"rule_id": "renewal-dispute", "mrr_tier": "mid"}, "Mid MRR · rule renewal-dispute"),
        ({"mrr_tier": "(none)"}, "MRR unknown"),
        ({"rule_id": "default", "region": "(none)"}, "rule default · no region"),
        ({"product_module": "billing"}, "product module billing"),
        ({"mrr_tier": "high", "sla_metric": "resolve"}, "High MRR · Resolution target"),
    ],
)
def test_segment_labels(segment: dict[str, str], label: str) -> None:
    assert segment_label(segment) == label
