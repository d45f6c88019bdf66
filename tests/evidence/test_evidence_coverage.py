"""Do the 95 % intervals cover? Accounts of very unequal size, whose tickets resemble each other (seeded)."""

from __future__ import annotations

import numpy as np
import pytest
from evidence_tallies import CATALOGUE, tally

from triage_lab.evidence import clustered_quantile, difference, jackknife_difference, wilson, wilson_from_sums


def sizes(rng: np.random.Generator, accounts: int) -> np.ndarray:
    return np.minimum(np.ceil(4 * (rng.pareto(1.3, accounts) + 1)), 400).astype(int)


def shares(rng: np.random.Generator, p: float, rho: float, count: int) -> np.ndarray:
    """Account rates with intra-account correlation rho."""
    strength = 1 / rho - 1
    return rng.beta(p * strength, (1 - p) * strength, count)


def wilson_coverage(seeds: int, accounts: int, p: float = 0.9, rho: float = 0.1) -> tuple[float, float]:
    clustered = naive = 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        m = sizes(rng, accounts)
        y = rng.binomial(m, shares(rng, p, rho, accounts))
        low, high = wilson_from_sums(y, m)
        clustered += low <= p <= high
        plain = wilson(int(y.sum()), int(m.sum()))
        naive += plain[0] <= p <= plain[1]
    return clustered / seeds, naive / seeds


def paired_coverage(seeds: int, accounts: int, rho: float = 0.3) -> float:
    """Both arms share the account's rate; the candidate truly loses nothing and wins 5 points where it can."""
    covered = 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        m = sizes(rng, accounts)
        rate = shares(rng, 0.7, rho, accounts)
        y0, y1 = rng.binomial(m, rate), rng.binomial(m, np.minimum(rate * 0.9 + 0.1, 1))
        low, high = jackknife_difference(y0, m, y1, m)
        covered += low <= 0.1 * 0.3 <= high
    return covered / seeds


def quantile_coverage(seeds: int, accounts: int, q: float, cutoff: float) -> tuple[float, float]:
    """Account means are lognormal around a common one; the truth is the quantile of the mixture."""
    from scipy import stats

    truth = float(stats.lognorm.ppf(q, np.sqrt(1 + 0.25), scale=np.exp(3)))
    covered = reached = 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        m = sizes(rng, accounts)
        cluster = np.repeat(np.arange(accounts), m)
        minutes = rng.lognormal(3 + rng.normal(0, 0.5, accounts)[cluster], 1)
        found = clustered_quantile(np.minimum(minutes, cutoff), minutes <= cutoff, cluster, q)
        if found.low is not None:
            reached += 1
            covered += found.low <= truth and (found.high is None or truth <= found.high)
    return covered / max(reached, 1), reached / seeds


def median_difference_coverage(seeds: int, accounts: int) -> float:
    """The candidate is 20 % faster on every ticket."""
    covered = 0
    truth = -0.2 * np.exp(3)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        m = sizes(rng, accounts)
        cluster = np.repeat(np.arange(accounts), m)
        base = 3 + rng.normal(0, 0.5, accounts)[cluster]
        common = rng.normal(0, 0.8, cluster.size)
        arms = []
        for scale in (1.0, 0.8):
            minutes = scale * np.exp(base + common + rng.normal(0, 0.6, cluster.size))
            rows = [(f"a{who}", float(time), True) for who, time in zip(cluster, minutes, strict=True)]
            arms.append([tally(None, {("time_to_first_action", "{}"): rows})])
        gap = difference(arms[0], arms[1], catalogue=CATALOGUE)[0]
        assert gap.low is not None
        assert gap.high is not None
        covered += gap.low <= truth <= gap.high
    return covered / seeds


def test_clustered_intervals_cover_where_plain_ones_do_not() -> None:
    clustered, naive = wilson_coverage(250, 120)
    assert clustered >= 0.89
    assert naive < 0.70


def test_paired_and_censored_intervals_cover() -> None:
    assert paired_coverage(200, 60) >= 0.89
    covered, reached = quantile_coverage(120, 60, 0.5, 60.0)
    assert reached == 1
    assert covered >= 0.88


@pytest.mark.slow
@pytest.mark.parametrize(("accounts", "floor"), [(30, 0.91), (120, 0.91), (400, 0.925)])
def test_wilson_coverage(accounts: int, floor: float) -> None:
    clustered, naive = wilson_coverage(1000, accounts)
    assert clustered >= floor
    assert naive < 0.70


@pytest.mark.slow
@pytest.mark.parametrize("accounts", [30, 120])
def test_paired_coverage(accounts: int) -> None:
    assert paired_coverage(1000, accounts) >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize(("q", "cutoff"), [(0.5, 1e9), (0.9, 1e9), (0.5, 40.0)])
def test_quantile_coverage(q: float, cutoff: float) -> None:
    covered, _ = quantile_coverage(500, 120, q, cutoff)
    assert covered >= 0.90


@pytest.mark.slow
def test_median_difference_coverage() -> None:
    assert median_difference_coverage(300, 60) >= 0.90
