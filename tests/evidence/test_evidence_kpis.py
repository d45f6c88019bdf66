"""Limits judged, and the five tiles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from triage_lab.domain.enums import Better, Change, Flag, Grade, Severity
from triage_lab.domain.measure import Comparison, Measure
from triage_lab.domain.result import KpiResult, NotPossible
from triage_lab.evidence import Kpi, LaunchItem, LaunchPlan, judge_kpis, tiles, wilson_from_sums
from triage_lab.evidence.kpis import bounds
from triage_lab.metrics import CATALOGUE

LIMIT = Kpi("k", "Targets met", "sla_compliance", "at_least", 0.90, "ops", Severity.CRITICAL)


def measure(value: float | None, low: float | None, high: float | None, **changes: object) -> Measure:
    plain = Measure(
        "sla_compliance", "candidate", value, low, high, 5000, 300, "fraction", Grade.REPLAYED, effective_accounts=120.0
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def compared(candidate: Measure, gap: Measure | None = None) -> Comparison:
    return Comparison(candidate.metric, {}, candidate, candidate, gap, Better.HIGHER, Change.NOT_SHOWN)


def judged(kpi: Kpi, *comparisons: Comparison, **more: object) -> KpiResult:
    plan = LaunchPlan((kpi,), (LaunchItem("signals", "a", "b"),))
    return judge_kpis(plan, comparisons, catalogue=CATALOGUE, **more)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("numbers", "state", "reason"),
    [
        ((0.93, 0.91, 0.95), "pass", ""),
        ((0.93, 0.90, 0.95), "pass", ""),
        ((0.93, 0.89, 0.95), "warn", "the interval contains the limit"),
        ((0.89, 0.85, 0.93), "fail", "wrong side"),
        ((0.93, None, None), "warn", "no interval"),
        ((None, None, None), "not_assessable", "not reached"),
    ],
)
def test_the_estimate_and_its_bound(
    numbers: tuple[float | None, float | None, float | None], state: str, reason: str
) -> None:
    found = judged(LIMIT, compared(measure(*numbers)))
    assert found.state == state
    assert reason in found.reason
    assert found.limit_text == "≥ 90\u202f%"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"grade": Grade.EXTRAPOLATED}, "extrapolated"),
        ({"grade": Grade.SIMULATED, "flags": (Flag.NOT_CALIBRATED,)}, "not calibrated"),
        ({"n": 12}, "12 of at least 30"),
        ({"effective_accounts": 4.5, "flags": (Flag.FEW_ACCOUNTS,)}, "as if 4.5"),
    ],
)
def test_weak_evidence_never_passes(changes: dict[str, object], reason: str) -> None:
    found = judged(LIMIT, compared(measure(0.97, 0.95, 0.99, **changes)))
    assert found.state == "not_assessable"
    assert reason in found.reason


def test_a_clear_violation_fails_on_any_evidence() -> None:
    bad = measure(0.5, 0.4, 0.6, grade=Grade.EXTRAPOLATED, flags=(Flag.NOT_CALIBRATED,))
    assert judged(LIMIT, compared(bad)).state == "fail"


@pytest.mark.parametrize(
    ("relation", "numbers", "state"),
    [
        ("at_most", (0.88, 0.86, 0.90), "pass"),
        ("at_most", (0.88, 0.86, 0.91), "warn"),
        ("below", (0.88, 0.86, 0.90), "warn"),
        ("above", (0.92, 0.90, 0.94), "warn"),
        ("above", (0.90, 0.88, 0.94), "fail"),
        ("above", (0.92, 0.901, 0.94), "pass"),
    ],
)
def test_relations(relation: str, numbers: tuple[float, float, float], state: str) -> None:
    assert judged(replace(LIMIT, relation=relation), compared(measure(*numbers))).state == state


def test_a_limit_on_the_difference() -> None:
    kpi = replace(LIMIT, metric="mrr_late", relation="at_most", limit=0.0, on="difference")
    base = measure(5000.0, None, None, metric="mrr_late", unit="money")
    gap = replace(base, arm="difference", value=-100.0, low=-150.0, high=-20.0)
    good = judged(kpi, compared(base, gap))
    assert (good.state, good.limit_text, good.value) == ("pass", "no rise", gap)
    census = judged(kpi, compared(base, replace(gap, low=None, high=None)))
    assert census.state == "warn"
    assert "a census of 300 accounts" in census.reason
    same = judged(kpi, compared(base, replace(gap, value=0.0, low=0.0, high=0.0)))
    assert same.state == "pass"
    assert judged(kpi, compared(base, replace(gap, value=3.0))).state == "fail"
    assert judged(kpi, compared(base, None)).state == "not_assessable"


def test_nothing_measured_says_why() -> None:
    found = judged(LIMIT, not_possible=[NotPossible("sla_compliance", "no operations.yaml")])
    assert (found.state, found.reason, found.value) == ("not_assessable", "no operations.yaml", None)
    by_label = judged(LIMIT, not_possible=[NotPossible(CATALOGUE["sla_compliance"].label, "no targets")])
    assert by_label.reason == "no targets"


def test_what_was_observed_never_stands_in_for_the_candidate() -> None:
    seen = measure(0.97, 0.95, 0.99, arm="observed", grade=Grade.OBSERVED)
    assert judged(LIMIT, measures=[seen]).state == "not_assessable"
    vendor = replace(LIMIT, metric="vendor_sla_met")
    assert judged(vendor, measures=[replace(seen, metric="vendor_sla_met")]).state == "pass"


ACCURACY = Kpi(
    "facts", "Facts right", "enrichment_accuracy", "above", 0.95, "data", Severity.CRITICAL, bound="one_sided",
    min_n=200, min_accounts=30,
)  # fmt: skip


def accuracy(right: int, accounts: int = 100, size: int = 10) -> Measure:
    hits = [float(size)] * accounts
    for place in range(accounts * size - right):
        hits[place % accounts] -= 1
    found = wilson_from_sums(hits, [float(size)] * accounts)
    return measure(
        found.value, found.low, found.high, metric="enrichment_accuracy", n=accounts * size, accounts=accounts,
        effective_accounts=found.effective,
    )  # fmt: skip


def test_accuracy_uses_the_one_sided_bound() -> None:
    found = accuracy(963)
    one_low, _ = bounds(found, one_sided=True)
    exact = wilson_from_sums(*_sums(963), level=0.90)
    assert one_low == pytest.approx(exact.low, abs=1e-9)
    assert found.low is not None
    assert one_low is not None
    assert found.low < 0.95 < one_low
    assert judged(ACCURACY, compared(found)).state == "pass"
    assert judged(replace(ACCURACY, bound="two_sided"), compared(found)).state == "warn"


def _sums(right: int) -> tuple[list[float], list[float]]:
    hits = [10.0] * 100
    for place in range(1000 - right):
        hits[place % 100] -= 1
    return hits, [10.0] * 100


def test_accuracy_in_between_says_how_many_labels_are_missing() -> None:
    found = judged(ACCURACY, compared(accuracy(955)))
    assert found.state == "warn"
    assert "more labels needed" in found.reason
    assert judged(ACCURACY, compared(accuracy(950))).state == "fail"  # exactly 95 % is not above it


def test_accuracy_needs_labels_and_accounts() -> None:
    few = judged(ACCURACY, compared(accuracy(199, accounts=199, size=1)))
    assert (few.state, "199 of at least 200" in few.reason) == ("not_assessable", True)
    narrow = judged(ACCURACY, compared(accuracy(290, accounts=29, size=10)))
    assert "29 accounts of at least 30" in narrow.reason


def test_all_right_passes_on_enough_accounts() -> None:
    assert judged(ACCURACY, compared(accuracy(1000))).state == "pass"


def test_five_tiles_with_reasons() -> None:
    sla = compared(measure(0.93, 0.91, 0.95))
    absent = [
        NotPossible("mrr_late", "no account has a known MRR"),
        NotPossible("handoffs_per_ticket", "no operations.yaml"),
    ]
    kpi = judged(LIMIT, sla)
    found = tiles([sla], [kpi], catalogue=CATALOGUE, not_possible=absent)
    assert [tile.metric for tile in found] == [
        "sla_compliance", "misroute_resolver", "enrichment_accuracy", "mrr_late", "handoffs_per_ticket",
    ]  # fmt: skip
    assert (found[0].comparison, found[0].kpi, found[0].reason) == (sla, kpi, "")
    assert found[3].reason == "not possible: no account has a known MRR"
    assert found[4].reason == "not possible: no operations.yaml"
    assert found[4].comparison is None


@pytest.mark.parametrize(("labelled", "metric"), [(29, "misroute_resolver"), (30, "misroute_labelled")])
def test_misroute_is_by_labels_if_there_are_enough(labelled: int, metric: str) -> None:
    by_label = compared(measure(0.1, 0.05, 0.2, metric="misroute_labelled", n=labelled))
    by_resolver = compared(measure(0.1, 0.05, 0.2, metric="misroute_resolver"))
    assert tiles([by_label, by_resolver], [], catalogue=CATALOGUE)[1].metric == metric
