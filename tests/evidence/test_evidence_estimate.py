"""Measures and comparisons: against the one-at-a-time formulas, and what must hold whatever the numbers."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from evidence_tallies import CATALOGUE, Tally, segment, tally
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.enums import Better, Change, Flag, Grade
from triage_lab.domain.errors import UsageError
from triage_lab.domain.measure import Comparison, Measure
from triage_lab.evidence import (
    change_of,
    clustered_quantile,
    compare,
    difference,
    effective_accounts,
    estimate,
    jackknife_difference,
    jackknife_ratio,
    wilson_from_sums,
)

SLA = ("sla_compliance", "{}")


def one(measures: tuple[Measure, ...], metric: str, **columns: str) -> Measure:
    return next(item for item in measures if item.metric == metric and dict(item.segment) == columns)


def accounts(seed: int, count: int = 30, rate: float = 0.8) -> dict[str, tuple[float, float]]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 20, count)
    return {f"a{at}": (float(rng.binomial(size, rate)), float(size)) for at, size in enumerate(sizes)}


def test_a_share_is_the_clustered_wilson_interval() -> None:
    sums = accounts(1)
    measure = one(estimate([tally({SLA: sums})], arm="candidate", catalogue=CATALOGUE), "sla_compliance")
    y, m = zip(*sums.values(), strict=True)
    expected = wilson_from_sums(y, m)
    assert (measure.low, measure.value, measure.high) == pytest.approx((expected.low, expected.value, expected.high))
    assert (measure.n, measure.accounts) == (int(expected.n), 30)
    assert measure.effective_accounts == pytest.approx(expected.effective)
    assert measure.simulation_error is None


def test_segments_do_not_touch_each_other() -> None:
    high, low = accounts(1), accounts(2, 12, 0.4)
    keys = {
        SLA: {**high},
        ("sla_compliance", segment(mrr_tier="high")): high,
        ("sla_compliance", segment(mrr_tier="low")): low,
    }
    found = estimate([tally(keys)], arm="candidate", catalogue=CATALOGUE)
    alone = estimate([tally({SLA: low})], arm="candidate", catalogue=CATALOGUE)
    assert replace(one(found, "sla_compliance", mrr_tier="low"), segment={}) == alone[0]
    assert [dict(item.segment) for item in found] == [{}, {"mrr_tier": "high"}, {"mrr_tier": "low"}]


def test_means_and_totals() -> None:
    sums = accounts(3, 40, 0.5)
    keys = {("handoffs_per_ticket", "{}"): sums, ("backlog", "{}"): sums, ("mrr_late", "{}"): sums}
    found = estimate([tally(keys)], arm="candidate", catalogue=CATALOGUE)
    y, m = (np.array(column) for column in zip(*sums.values(), strict=True))
    mean, variance = jackknife_ratio(y, m)
    measure = one(found, "handoffs_per_ticket")
    critical = _critical(m)
    assert (measure.value, measure.high) == pytest.approx((mean, mean + critical * variance**0.5))
    total = one(found, "backlog")
    spread = critical * math.sqrt(40 * float(np.var(y, ddof=1)))
    assert (total.value, total.low, total.high) == pytest.approx((y.sum(), max(y.sum() - spread, 0), y.sum() + spread))
    money = one(found, "mrr_late")
    assert (money.value, money.low, money.high) == (y.sum(), None, None)  # a census under 1,000 accounts


def _critical(m: np.ndarray) -> float:
    from scipy import stats

    return float(stats.t.ppf(0.975, max(effective_accounts(m) - 1, 2)))


def test_money_of_a_thousand_accounts_has_an_interval() -> None:
    found = estimate([tally({("mrr_late", "{}"): accounts(4, 1000)})], arm="candidate", catalogue=CATALOGUE)
    assert found[0].low is not None
    assert found[0].low < (found[0].value or 0)


def test_a_count_that_is_zero_everywhere_still_has_an_upper_bound() -> None:
    sums = {f"a{at}": (0.0, 5.0) for at in range(20)}
    measure = estimate([tally({("handoffs_per_ticket", "{}"): sums})], arm="candidate", catalogue=CATALOGUE)[0]
    assert (measure.value, measure.low) == (0, 0)
    assert measure.high == pytest.approx(-math.log(0.025) / 20)
    wait = estimate([tally({("wait_minutes", "{}"): sums})], arm="candidate", catalogue=CATALOGUE)[0]
    assert (wait.low, wait.high) == (None, None)


def test_few_accounts_and_unknown_accounts_are_flagged() -> None:
    few = estimate([tally({SLA: accounts(1, 5)})], arm="candidate", catalogue=CATALOGUE)[0]
    assert Flag.FEW_ACCOUNTS in few.flags
    unknown = {f"ticket:{at}": (float(at % 2), 1.0) for at in range(50)}
    naive = estimate([tally({SLA: unknown})], arm="candidate", catalogue=CATALOGUE)[0]
    assert naive.flags == (Flag.NAIVE_INTERVAL,)
    mixed = estimate([tally({SLA: {**unknown, "a": (1.0, 1.0)}})], arm="candidate", catalogue=CATALOGUE)[0]
    assert mixed.flags == ()


def test_grades_take_the_weakest_and_flags_lower_them() -> None:
    both = tally({SLA: accounts(1), ("misroute_resolver", "{}"): accounts(2)})
    strong = dict.fromkeys(CATALOGUE, Grade.OBSERVED)
    found = estimate([both], arm="candidate", catalogue=CATALOGUE, grade_of=strong, flags={Flag.NOT_CALIBRATED})
    assert [item.grade for item in found] == [Grade.SIMULATED, Grade.REPLAYED]
    assert [Flag.NOT_CALIBRATED in item.flags for item in found] == [True, False]
    assert estimate([both], arm="observed", catalogue=CATALOGUE)[0].grade is Grade.OBSERVED
    weak = estimate([both], arm="candidate", catalogue=CATALOGUE, grade_of={"sla_compliance": Grade.EXTRAPOLATED})
    assert weak[0].grade is Grade.EXTRAPOLATED
    leaked = estimate([both], arm="candidate", catalogue=CATALOGUE, flags={Flag.LOOKAHEAD})
    assert {item.grade for item in leaked} == {Grade.EXTRAPOLATED}


def test_an_immature_cohort_is_flagged() -> None:
    still = {name: (m * 0.5, m) for name, (_, m) in accounts(1).items()}
    found = estimate([tally({SLA: accounts(1), ("sla_open_share", "{}"): still})], arm="candidate", catalogue=CATALOGUE)
    assert Flag.IMMATURE in one(found, "sla_compliance").flags
    none = {name: (0.0, m) for name, m in still.items() for m in [4.0]}
    calm = estimate([tally({SLA: accounts(1), ("sla_open_share", "{}"): none})], arm="candidate", catalogue=CATALOGUE)
    assert Flag.IMMATURE not in one(calm, "sla_compliance").flags


def test_replications_add_their_variance() -> None:
    first, second = accounts(1), accounts(1, rate=0.6)
    measure = estimate([tally({SLA: first}), tally({SLA: second})], arm="candidate", catalogue=CATALOGUE)[0]
    values = [sum(y for y, _ in sums.values()) / sum(m for _, m in sums.values()) for sums in (first, second)]
    assert measure.value == pytest.approx(np.mean(values))
    assert measure.simulation_error == pytest.approx(np.std(values, ddof=1) / math.sqrt(2))
    y = [(first[name][0] + second[name][0]) / 2 for name in first]
    m = [first[name][1] for name in first]
    expected = wilson_from_sums(y, m, extra=measure.simulation_error**2)
    assert (measure.low, measure.high) == pytest.approx((expected.low, expected.high))


def test_equal_replications_change_nothing_but_the_error() -> None:
    single = estimate([tally({SLA: accounts(1)})], arm="candidate", catalogue=CATALOGUE)[0]
    triple = estimate([tally({SLA: accounts(1)})] * 3, arm="candidate", catalogue=CATALOGUE)[0]
    assert (triple.simulation_error, triple.value) == (0.0, single.value)
    assert (triple.low, triple.high) == pytest.approx((single.low, single.high))


def test_money_is_whole_cents() -> None:
    sums = {f"a{at}": (0.1 * at, 1.0) for at in range(1, 20)}
    measure = estimate([tally({("mrr_late", "{}"): sums})], arm="candidate", catalogue=CATALOGUE)[0]
    assert measure.value == 19.0


def test_a_paired_difference_is_the_account_jackknife() -> None:
    before, after = accounts(1), {name: (min(y + 1, m), m) for name, (y, m) in accounts(1).items()}
    gap = difference([tally({SLA: before})], [tally({SLA: after})], catalogue=CATALOGUE)[0]
    y0, m0 = zip(*before.values(), strict=True)
    y1, m1 = zip(*after.values(), strict=True)
    expected = jackknife_difference(y0, m0, y1, m1)
    assert (gap.low, gap.value, gap.high) == pytest.approx((expected.low, expected.value, expected.high))
    assert gap.arm == "difference"


DESK = st.dictionaries(
    st.sampled_from([f"a{at}" for at in range(9)]),
    st.tuples(st.integers(0, 6), st.integers(6, 9)),
    min_size=1,
    max_size=9,
)


@settings(deadline=None, max_examples=50)
@given(
    DESK,
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 9), st.booleans()), min_size=1),
)
def test_the_same_policy_twice_differs_by_exactly_nothing(
    sums: dict[str, tuple[int, int]], replications: int, waits: list[tuple[str, int, bool]]
) -> None:
    keys = {(name, "{}"): sums for name in ("sla_compliance", "handoffs_per_ticket", "mrr_late", "backlog")}
    spans = {("time_to_first_action", "{}"): waits}
    arm = [tally(keys, spans)] * replications
    for item in compare(arm, arm, catalogue=CATALOGUE):
        gap = item.difference
        assert gap is not None
        assert item.change is Change.NOT_SHOWN
        if gap.value is not None:
            assert (gap.low, gap.value, gap.high) == (0, 0, 0)
            assert item.baseline is not None
            assert item.candidate is not None
            assert item.baseline.grade == item.candidate.grade == gap.grade


@settings(deadline=None, max_examples=40)
@given(DESK, DESK, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]], chance: random.Random
) -> None:
    def arm(sums: dict[str, tuple[int, int]], shuffled: bool) -> list[Tally]:
        names = list(sums)
        if shuffled:
            chance.shuffle(names)
        keys = [("sla_compliance", "{}"), ("handoffs_per_ticket", "{}"), ("sla_compliance", segment(mrr_tier="low"))]
        return [tally({key: {name: sums[name] for name in names} for key in (keys[::-1] if shuffled else keys)})]

    plain = compare(arm(before, False), arm(after, False), catalogue=CATALOGUE)
    assert compare(arm(before, True), arm(after, True), catalogue=CATALOGUE) == plain
    for item in plain:
        for measure in (item.baseline, item.candidate, item.difference):
            assert measure is not None
            numbers = [measure.value, measure.low, measure.high, measure.effective_accounts]
            assert all(number is None or math.isfinite(number) for number in numbers)
            if measure.value is not None and measure.low is not None and measure.high is not None:
                assert measure.low <= measure.value + 1e-12
                assert measure.value <= measure.high + 1e-12


def test_every_ticket_changed_has_an_interval_with_a_width() -> None:
    before = {f"a{at}": (0.0, 3.0) for at in range(12)}
    after = dict.fromkeys(before, (3.0, 3.0))
    gap = difference([tally({SLA: before})], [tally({SLA: after})], catalogue=CATALOGUE)[0]
    assert gap.value == 1
    assert gap.low is not None
    assert 0.4 < gap.low < 0.95


def test_change_needs_an_interval_without_zero_and_enough_accounts() -> None:
    gap = Measure("m", "difference", 0.1, 0.05, 0.15, 100, 50, "fraction", Grade.SIMULATED, effective_accounts=40.0)
    assert change_of(gap, Better.HIGHER) is Change.BETTER
    assert change_of(gap, Better.LOWER) is Change.WORSE
    assert change_of(gap, Better.NEITHER) is Change.NOT_SHOWN
    assert change_of(replace(gap, low=-0.01), Better.HIGHER) is Change.NOT_SHOWN
    assert change_of(replace(gap, low=0.0), Better.HIGHER) is Change.NOT_SHOWN
    assert change_of(replace(gap, low=None, high=None), Better.HIGHER) is Change.NOT_SHOWN
    assert change_of(replace(gap, flags=(Flag.FEW_ACCOUNTS,)), Better.HIGHER) is Change.NOT_SHOWN
    assert change_of(replace(gap, value=-0.1, low=-0.15, high=-0.05), Better.HIGHER) is Change.WORSE


def test_a_segment_that_only_one_arm_has_gets_no_difference() -> None:
    extra = ("sla_compliance", segment(mrr_tier="low"))
    found = compare([tally({SLA: accounts(1)})], [tally({SLA: accounts(2), extra: accounts(3)})], catalogue=CATALOGUE)
    assert [(item.baseline is None, item.difference is None) for item in found] == [(False, False), (True, True)]


def spans(seed: int, scale: float, count: int = 400, cutoff: float = 1e9) -> list[tuple[str, float, bool]]:
    rng = np.random.default_rng(seed)
    minutes = rng.lognormal(3, 1, count) * scale
    cluster = rng.integers(0, 40, count)
    return [(f"a{who}", float(min(t, cutoff)), bool(t <= cutoff)) for who, t in zip(cluster, minutes, strict=True)]


def test_quantiles_are_the_clustered_woodruff_interval() -> None:
    rows = spans(1, 1.0, cutoff=60)
    found = estimate([tally(None, {("time_to_first_action", "{}"): rows})], arm="candidate", catalogue=CATALOGUE)
    cluster, minutes, event = zip(*rows, strict=True)
    for name, q in (("time_to_first_action", 0.5), ("time_to_first_action_p90", 0.9)):
        expected = clustered_quantile(minutes, event, cluster, q)
        measure = one(found, name)
        assert (measure.low, measure.value, measure.high) == (expected.low, expected.value, expected.high)
        assert (measure.n, measure.accounts) == (400, 40)


def test_a_quantile_beyond_the_data_is_not_reached_and_never_infinite() -> None:
    rows = spans(1, 1.0, cutoff=10)
    found = compare(*[[tally(None, {("time_to_first_action", "{}"): rows})]] * 2, catalogue=CATALOGUE)
    for item in found:
        for measure in (item.baseline, item.candidate, item.difference):
            assert measure is not None
            assert (measure.value, measure.low, measure.high) == (None, None, None)
            assert Flag.NOT_REACHED in measure.flags


def test_quantile_replications_average_and_widen() -> None:
    parts = [tally(None, {("time_to_first_action", "{}"): spans(1, scale)}) for scale in (1.0, 1.2)]
    single = estimate(parts[:1], arm="candidate", catalogue=CATALOGUE)[0]
    both = estimate(parts, arm="candidate", catalogue=CATALOGUE)[0]
    assert both.value == pytest.approx(1.1 * (single.value or 0))
    assert both.simulation_error == pytest.approx(0.1 * (single.value or 0))
    assert (both.high or 0) - (both.low or 0) > (single.high or 0) - (single.low or 0)


def test_the_paired_interval_of_medians_agrees_with_an_account_bootstrap() -> None:
    before, after = spans(1, 1.0, 1500), [(who, t * 0.7 + 1, event) for who, t, event in spans(1, 1.0, 1500)]
    key = ("time_to_first_action", "{}")
    gap = difference([tally(None, {key: before})], [tally(None, {key: after})], catalogue=CATALOGUE)[0]
    rng = np.random.default_rng(9)
    names = sorted({row[0] for row in before})
    minutes = {
        arm: {name: [row[1] for row in rows if row[0] == name] for name in names}
        for arm, rows in ((0, before), (1, after))
    }
    gaps = []
    for _ in range(400):
        drawn = rng.choice(names, len(names))
        low, high = (np.median(np.concatenate([minutes[arm][name] for name in drawn])) for arm in (0, 1))
        gaps.append(high - low)
    assert gap.value == pytest.approx(np.median(gaps), rel=0.1)
    assert (gap.high or 0) - (gap.low or 0) == pytest.approx(2 * 2.02 * np.std(gaps), rel=0.35)


def test_comparisons_come_in_the_order_of_the_catalogue() -> None:
    keys = {("mrr_late", "{}"): accounts(1), SLA: accounts(1), ("sla_compliance", segment(a="1", b="2")): accounts(1)}
    found: tuple[Comparison, ...] = compare([tally(keys)], [tally(keys)], catalogue=CATALOGUE)
    assert [(item.metric, len(item.segment)) for item in found] == [
        ("sla_compliance", 0),
        ("sla_compliance", 2),
        ("mrr_late", 0),
    ]


def test_refusals() -> None:
    with pytest.raises(UsageError):
        estimate([tally({("unheard_of", "{}"): accounts(1)})], arm="candidate", catalogue=CATALOGUE)
    with pytest.raises(UsageError):
        difference([tally({SLA: accounts(1)})], [tally({SLA: accounts(1)})] * 2, catalogue=CATALOGUE)
    with pytest.raises(UsageError):
        estimate([], arm="candidate", catalogue=CATALOGUE)


def test_empty_tallies_give_nothing() -> None:
    assert estimate([tally()], arm="candidate", catalogue=CATALOGUE) == ()
    assert compare([tally()], [tally()], catalogue=CATALOGUE) == ()
