"""Intervals: published values, hand-checked fixtures, and what must not move them."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import UsageError
from triage_lab.evidence import (
    clopper_pearson,
    clustered_wilson,
    effective_accounts,
    jackknife_difference,
    jackknife_log_ratio,
    jackknife_ratio,
    wilson,
    wilson_from_sums,
)


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [(0, 10, 0, 0.277533), (7, 50, 0.069508, 0.261862), (81, 263, 0.255289, 0.366210), (29, 29, 0.883030, 1)],
)
def test_wilson_reference_values(x: int, n: int, low: float, high: float) -> None:
    assert wilson(x, n) == pytest.approx((low, high), abs=1e-6)


def test_clopper_pearson_reference_values() -> None:
    assert clopper_pearson(7, 50) == pytest.approx((0.058192, 0.267396), abs=1e-6)
    assert clopper_pearson(0, 200, 0.9)[1] == pytest.approx(0.0149, abs=1e-4)  # one-sided: 0 of 200 still allows 1.49 %
    assert clopper_pearson(0, 300, 0.9)[1] * 19700 == pytest.approx(196, abs=0.5)
    assert clopper_pearson(5, 5)[1] == 1.0
    assert clopper_pearson(0, 5)[0] == 0.0


def test_hand_checked_clusters() -> None:
    sizes, hits = [1, 2, 3, 14], [1, 1, 2, 7]
    ratio, variance = jackknife_ratio(hits, sizes)
    assert ratio == pytest.approx(0.55)
    assert variance**0.5 == pytest.approx(0.1047382, abs=1e-7)
    assert effective_accounts(sizes) == pytest.approx(1.90476, abs=1e-5)
    assert wilson_from_sums(hits, sizes).few_accounts


def test_an_interval_unpacks_and_knows_its_size() -> None:
    interval = clustered_wilson([True, False, True, True], ["a", "a", "b", "c"])
    low, high = interval
    assert 0 < low < interval.value < high < 1
    assert (interval.n, interval.accounts) == (4, 3)


def test_no_spread_falls_back_on_the_effective_accounts() -> None:
    alone = clustered_wilson([1] * 40, ["a"] * 40)
    assert alone.low < 0.2  # forty tickets of one account are one piece of evidence
    assert alone.high == 1.0
    spread = clustered_wilson([1] * 40, list(range(40)))
    assert spread.low > 0.9
    assert clustered_wilson([0] * 40, list(range(40))).low == 0.0


def test_single_tickets_come_close_to_the_plain_interval() -> None:
    success = [1] * 81 + [0] * 182
    clustered = clustered_wilson(success, range(263))
    assert tuple(clustered) == pytest.approx(wilson(81, 263), abs=2e-3)


def test_doubling_every_ticket_inside_its_account_changes_next_to_nothing() -> None:
    numbers = random.Random(3)
    cluster = [numbers.randrange(25) for _ in range(300)]
    success = [numbers.random() < 0.3 + 0.02 * account for account in cluster]
    one, two = clustered_wilson(success, cluster), clustered_wilson(success * 2, cluster * 2)
    assert tuple(one) == pytest.approx(tuple(two), abs=1e-9)
    plain = [wilson(sum(success) * times, 300 * times) for times in (1, 2)]
    assert plain[1][1] - plain[1][0] < 0.75 * (plain[0][1] - plain[0][0])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=40), st.randoms(use_true_random=False)
)
def test_the_order_of_rows_and_the_names_of_accounts_do_not_matter(
    rows: list[tuple[bool, int]], chance: random.Random
) -> None:
    one = clustered_wilson([row[0] for row in rows], [row[1] for row in rows])
    names = {account: f"account {100 - account}" for account in range(7)}
    shuffled = list(rows)
    chance.shuffle(shuffled)
    other = clustered_wilson([row[0] for row in shuffled], [names[row[1]] for row in shuffled])
    assert tuple(other) == pytest.approx(tuple(one), abs=1e-12)
    assert 0 <= one.low <= one.value <= one.high <= 1


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=12
    )
)
def test_paired_jackknife_equals_leaving_each_account_out(rows: list[tuple[int, int, int, int]]) -> None:
    y0, y1, m0, m1 = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    interval = jackknife_difference(y0, m0, y1, m1)
    whole = y1.sum() / m1.sum() - y0.sum() / m0.sum()
    squares = 0.0
    for at in range(len(rows)):
        keep = np.arange(len(rows)) != at
        squares += (y1[keep].sum() / m1[keep].sum() - y0[keep].sum() / m0[keep].sum() - whole) ** 2
    variance = (len(rows) - 1) / len(rows) * squares
    assert interval.value == pytest.approx(whole)
    assert interval.high - interval.low == pytest.approx(
        interval.low * 0 + 2 * _critical(interval.effective) * variance**0.5
    )


def _critical(effective: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(0.975, max(effective - 1, 2)))


def test_the_same_arm_twice_differs_by_exactly_nothing() -> None:
    y, m = [3, 4, 0, 9], [5, 6, 7, 10]
    interval = jackknife_difference(y, m, y, m)
    assert (interval.low, interval.value, interval.high) == (0.0, 0.0, 0.0)
    ratio = jackknife_log_ratio(y, m, y, m)
    assert (ratio.low, ratio.value, ratio.high) == (1.0, 1.0, 1.0)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(9, 12)), min_size=3, max_size=12))
def test_the_log_ratio_turns_over_with_the_arms(rows: list[tuple[int, int, int]]) -> None:
    y0, y1, m = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    one, other = jackknife_log_ratio(y0, m, y1, m), jackknife_log_ratio(y1, m, y0, m)
    assume(one.high < 1e6)
    assert other.value == pytest.approx(1 / one.value)
    assert other.low == pytest.approx(1 / one.high)


def test_refusals() -> None:
    with pytest.raises(UsageError):
        clustered_wilson([1, 0], ["a"])
    with pytest.raises(UsageError):
        clustered_wilson([], [])
    with pytest.raises(UsageError):
        clustered_wilson([1.0, float("nan")], ["a", "b"])
    with pytest.raises(UsageError):
        clopper_pearson(3, 2)
    with pytest.raises(UsageError):
        jackknife_difference([1], [1], [1], [1])
    with pytest.raises(UsageError):
        jackknife_log_ratio([0, 0], [1, 1], [1, 1], [1, 1])
