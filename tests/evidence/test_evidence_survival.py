"""Waiting times with open tickets: published curves, quantiles, and intervals by account."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import UsageError
from triage_lab.evidence import clustered_quantile, curve, kaplan_meier, rmst
from triage_lab.evidence.survival import influence

REMISSION = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
TIMES = st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(0, 5)), min_size=1, max_size=30)


def test_published_remission_times() -> None:
    found = kaplan_meier(REMISSION, RELAPSED)
    assert [found.at(time) for time in (6, 10, 22, 23)] == pytest.approx([0.8571, 0.7529, 0.5378, 0.4482], abs=5e-5)
    assert found.interval(10) == pytest.approx((0.5032, 0.8894), abs=5e-5)
    assert found.quantile() == 23
    assert found.quantile(0.9) is None
    assert rmst(REMISSION, RELAPSED, 20) == pytest.approx(16.1165, abs=5e-5)


def test_published_median_has_no_upper_bound() -> None:
    found = clustered_quantile(REMISSION, RELAPSED, range(21))
    assert found.value == 23
    assert found.low == pytest.approx(13, abs=3)
    assert found.high is None
    assert found.not_reached


def test_hand_checked_fixture() -> None:
    found = kaplan_meier([3, 5, 8, 1, 2, 4], [1, 1, 0, 1, 0, 1])
    assert [found.at(hour) for hour in range(1, 6)] == pytest.approx([0.8333, 0.8333, 0.6250, 0.4167, 0.2083], abs=5e-5)
    assert found.quantile() == 4
    assert kaplan_meier([3, 5, 1, 4], [1] * 4).quantile() == 3  # completed tickets only would flatter


def test_a_censored_ticket_at_an_event_time_was_still_waiting() -> None:
    assert kaplan_meier([2, 2], [True, False]).at(2) == 0.5


@settings(deadline=None, max_examples=80)
@given(TIMES)
def test_curve_equals_the_product_by_hand(rows: list[tuple[int, bool, int]]) -> None:
    found = kaplan_meier([row[0] for row in rows], [row[1] for row in rows])
    share = 1.0
    for time in sorted({row[0] for row in rows}):
        risk = sum(row[0] >= time for row in rows)
        share *= 1 - sum(row[0] == time and row[1] for row in rows) / risk
        assert found.at(time) == pytest.approx(share, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(TIMES, st.integers(0, 12))
def test_influence_is_the_derivative_by_weight(rows: list[tuple[int, bool, int]], time: int) -> None:
    times, events = np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows])
    found = kaplan_meier(times, events)
    pulls = influence(times, events, found, time)
    assert pulls.sum() == pytest.approx(0, abs=1e-9)
    if found.at(time) == 0:
        return
    step = 1e-7
    for at in range(min(len(rows), 4)):
        weights = np.ones(len(rows))
        weights[at] += step
        share = 1.0
        for moment in np.unique(times[events & (times <= time)]):
            share *= 1 - weights[(times == moment) & events].sum() / weights[times >= moment].sum()
        assert (share - found.at(time)) / step == pytest.approx(pulls[at], abs=1e-5)


@settings(deadline=None, max_examples=60)
@given(TIMES)
def test_sum_of_squared_influences_is_greenwood(rows: list[tuple[int, bool, int]]) -> None:
    times, events = np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows])
    found = kaplan_meier(times, events)
    for place, time in enumerate(found.time):
        if found.survival[place] > 0:
            pulls = influence(times, events, found, float(time))
            assert np.sum(pulls**2) == pytest.approx(found.greenwood[place] * found.survival[place] ** 2)


@settings(deadline=None, max_examples=80)
@given(TIMES, st.sampled_from([0.5, 0.9]))
def test_quantiles_are_ordered_finite_and_independent_of_row_order(rows: list[tuple[int, bool, int]], q: float) -> None:
    def of(some: list[tuple[int, bool, int]]) -> tuple[float | None, float | None, float | None]:
        found = clustered_quantile([row[0] for row in some], [row[1] for row in some], [row[2] for row in some], q)
        return found.low, found.value, found.high

    low, value, high = of(rows)
    seen = [bound for bound in (low, value, high) if bound is not None]
    assert all(np.isfinite(seen))
    assert seen == sorted(seen)
    assert value is not None or high is None
    other = of(rows[::-1])
    assert [bound is None for bound in other] == [bound is None for bound in (low, value, high)]
    assert [bound for bound in other if bound is not None] == pytest.approx(seen)


def test_duplicates_inside_an_account_leave_the_interval_where_it_was() -> None:
    rng = np.random.default_rng(5)
    cluster = rng.integers(0, 40, 400)
    minutes = rng.lognormal(3, 1, 400) * (1 + cluster / 40)
    one = clustered_quantile(minutes, np.ones(400), cluster)
    two = clustered_quantile(np.tile(minutes, 2), np.ones(800), np.tile(cluster, 2))
    assert (two.low, two.value, two.high) == (one.low, one.value, one.high)


def test_everything_at_one_time() -> None:
    found = clustered_quantile([5, 5, 5], [1, 1, 1], [1, 2, 3])
    assert (found.low, found.value, found.high) == (5, 5, 5)


def test_refusals() -> None:
    for call in (
        lambda: kaplan_meier([], []),
        lambda: kaplan_meier([1, 2], [True]),
        lambda: kaplan_meier([-1], [True]),
        lambda: kaplan_meier([float("inf")], [True]),
        lambda: rmst([1, 2], [1, 1], 3),
        lambda: rmst([1, 2], [1, 1], 0),
        lambda: clustered_quantile([1, 2], [1, 1], ["a"]),
    ):
        with pytest.raises(UsageError):
            call()


def durations(minutes: list[float], event: list[bool], cluster: list[str]) -> pl.DataFrame:
    return pl.DataFrame({
        "metric": ["time_to_first_action"] * len(minutes), "segment": ["{}"] * len(minutes), "cluster": cluster,
        "minutes": minutes, "event": event,
    })  # fmt: skip


def test_curve_for_a_chart() -> None:
    rng = np.random.default_rng(2)
    minutes = np.minimum(np.round(rng.lognormal(4, 1.2, 900) * 60) / 60, 600)
    event = minutes < 600
    frame = durations(minutes.tolist(), event.tolist(), [f"a{at}" for at in rng.integers(0, 60, 900)])
    found = curve(frame, metric="time_to_first_action", arm="candidate")
    assert found is not None
    assert len(found.minutes) <= 60
    assert list(found.minutes) == sorted(set(found.minutes))
    assert list(found.waiting) == sorted(found.waiting, reverse=True)
    assert all(low <= share <= high for low, share, high in zip(found.low, found.waiting, found.high, strict=True))
    exact = kaplan_meier(minutes, event)
    assert found.waiting == pytest.approx([exact.at(time) for time in found.minutes])
    assert found.at_risk == tuple(int((minutes >= time).sum()) for time in found.minutes)
    assert found.median == exact.quantile()


def test_curve_of_replications_averages_and_widens() -> None:
    frames = [durations([1.0, 5, 9, 20 + extra], [True] * 4, list("abcd")) for extra in (0.0, 10.0)]
    one = curve(frames[0], metric="time_to_first_action", arm="x")
    both = curve(frames, metric="time_to_first_action", arm="x")
    assert one is not None
    assert both is not None
    assert both.waiting[-1] == pytest.approx(0.125)  # at 20 minutes: nobody, and one of four
    assert both.median == one.median


def test_curve_without_tickets_is_none() -> None:
    assert curve(durations([], [], []).cast({"minutes": pl.Float64}), metric="time_to_first_action", arm="x") is None
    alone = curve(durations([3.0], [False], ["a"]), metric="time_to_first_action", arm="x")
    assert alone is not None
    assert (alone.waiting, alone.median) == ((1.0,) * len(alone.minutes), None)
