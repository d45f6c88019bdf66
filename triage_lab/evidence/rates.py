"""Values and intervals of shares, means and totals, for all metrics and segments at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from triage_lab.evidence.intervals import Floats, effective_size, t_quantile, wilson_bounds
from triage_lab.evidence.panel import Panel

CENSUS = 1000


@dataclass(frozen=True, slots=True)
class Estimates:
    """One value per group with its bounds (NaN where there is none), sizes and simulation error (NaN for one run)."""

    value: Floats
    low: Floats
    high: Floats
    n: Floats
    accounts: npt.NDArray[np.intp]
    effective: Floats
    simulation_error: Floats


@dataclass(frozen=True, slots=True)
class Kinds:
    """What each group is: a share, a total, money, a count per ticket (else a mean)."""

    share: npt.NDArray[np.bool_]
    total: npt.NDArray[np.bool_]
    money: npt.NDArray[np.bool_]
    count: npt.NDArray[np.bool_]


def _ratio(panel: Panel, arm: int, kinds: Kinds) -> tuple[Floats, Floats, Floats]:
    """Pooled value, and each replication's value (replications, groups), of one arm."""
    sums, sizes = panel.totals[arm, :, :, 0], panel.totals[arm, :, :, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(sizes > 0, np.where(kinds.total, sums, sums / sizes), np.nan)
    total_y, total_m = panel.sum(panel.y[arm]), panel.sum(panel.m[arm])
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = total_y / total_m
    return pooled, each, total_m


def _mean_and_error(each: Floats) -> tuple[Floats, Floats]:
    """Mean over replications and the standard error of that mean (NaN for a single one)."""
    usable = np.isfinite(each)
    count = usable.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(usable, each, 0.0).sum(axis=0) / count
        squares = np.where(usable, (each - mean) ** 2, 0.0).sum(axis=0)
        error = np.sqrt(squares / (count - 1) / count)
    first = each[np.argmax(usable, axis=0), np.arange(each.shape[1])]
    same = np.all(~usable | (each == first), axis=0)  # equal replications: the value itself, not a rounded mean of it
    return np.where(same, first, mean), np.where(count > 1, np.where(same, 0.0, error), np.nan)


def _pulls(panel: Panel, arm: int, pooled: Floats, kinds: Kinds) -> Floats:
    """Account pulls u with Σu²·(J − 1)/J = jackknife variance; totals are scaled to fit the same formula."""
    y, m = panel.y[arm], panel.m[arm]
    left = panel.spread(panel.sum(m)) - m
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(left > 0, (y - panel.spread(pooled) * m) / np.where(left > 0, left, 1), np.nan)
        count = panel.accounts.astype(np.float64)
        mean = panel.sum(y) / count
        factor = np.where(count > 1, count / (count - 1), np.nan)
    total = (y - panel.spread(mean)) * panel.spread(factor)
    return np.where(panel.spread(kinds.total.astype(np.float64)) > 0, total, share)


def _variance(panel: Panel, pulls: Floats) -> Floats:
    """Jackknife variance by group; NaN with a single account."""
    count = panel.accounts.astype(np.float64)
    return np.where(count > 1, (count - 1) / count * panel.sum(pulls * pulls), np.nan)


def _stars(panel: Panel, sizes: Floats) -> Floats:
    """G* by group."""
    total, squares = panel.sum(sizes), panel.sum(sizes * sizes)
    return np.where(squares > 0, total * total / np.where(squares > 0, squares, 1), 0.0)


def estimate_rates(panel: Panel, kinds: Kinds, arm: int = 0) -> Estimates:
    """Estimate one arm of a panel.

    Notes
    -----
    Shares: clustered Wilson on the sum of account and simulation variance. Means and totals: t interval on that sum,
    cut at 0. A count that is 0 everywhere gets the Poisson upper bound −ln(0.025)/G*. Money has no interval below 1,000
    accounts (docs/method/evidence.md).
    """
    pooled, each, total_m = _ratio(panel, arm, kinds)
    value, error = _mean_and_error(each)
    value = np.where(kinds.money, np.round(value, 2), value)
    added = np.nan_to_num(error) ** 2
    variance = _variance(panel, _pulls(panel, arm, pooled, kinds)) + added
    stars = _stars(panel, panel.m[arm])
    critical = t_quantile(np.maximum(stars - 1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        share_low, share_high = wilson_bounds(value, effective_size(value, variance, total_m, stars), critical)
        half = critical * np.sqrt(variance)
        low, high = np.maximum(value - half, 0), value + half
        low, high = np.where(variance > 0, low, np.nan), np.where(variance > 0, high, np.nan)
        none = kinds.count & (value == 0)
        low, high = np.where(none, 0.0, low), np.where(none, -math.log(0.025) / stars, high)
    low, high = np.where(kinds.share, share_low, low), np.where(kinds.share, share_high, high)
    census = kinds.money & (panel.accounts < CENSUS)
    low, high = np.where(census, np.nan, low), np.where(census, np.nan, high)
    return Estimates(value, low, high, total_m, panel.accounts, stars, error)


def difference_rates(panel: Panel, kinds: Kinds) -> Estimates:
    """Estimate arm 1 − arm 0 of a panel, paired by account and by replication.

    Notes
    -----
    Account jackknife with t (`jackknife_difference`) plus simulation variance. Equal sums in every account and
    replication give exactly 0 with a zero-width interval. Where the jackknife has no spread though the arms differ, the
    bounds of a share come from both Wilson intervals at G* (Newcombe's square-and-add without correlation).
    """
    first, each0, m0 = _ratio(panel, 0, kinds)
    if panel.same:
        return _no_difference(panel, each0, m0)
    second, each1, m1 = _ratio(panel, 1, kinds)
    value, error = _mean_and_error(each1 - each0)
    value = np.where(kinds.money, np.round(value, 2), value)
    pulls = _pulls(panel, 1, second, kinds) - _pulls(panel, 0, first, kinds)
    own = _variance(panel, pulls)
    variance = own + np.nan_to_num(error) ** 2
    stars = _stars(panel, (panel.m[0] + panel.m[1]) / 2)
    critical = t_quantile(np.maximum(stars - 1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = critical * np.sqrt(variance)
        low, high = value - half, value + half
        flat = ~(own > 0)
        low, high = np.where(flat, np.nan, low), np.where(flat, np.nan, high)
        low, high = _square_and_add(
            first, second, value, stars, critical, flat & kinds.share & (stars > 0), (low, high)
        )
        low, high = (np.where(kinds.share, np.clip(bound, -1, 1), bound) for bound in (low, high))
    census = kinds.money & (panel.accounts < CENSUS)
    low, high = np.where(census, np.nan, low), np.where(census, np.nan, high)
    same = _identical(panel) & np.isfinite(value)
    value, low, high = (np.where(same, 0.0, item) for item in (value, low, high))
    with_data = (m0 > 0) & (m1 > 0)
    value = np.where(with_data, value, np.nan)
    return Estimates(value, low, high, m1, panel.accounts, stars, np.where(same & np.isfinite(error), 0.0, error))


def _no_difference(panel: Panel, each: Floats, sizes: Floats) -> Estimates:
    """Exactly nothing, for arms that are equal in every account and replication."""
    _, error = _mean_and_error(each - each)
    value = np.where((sizes > 0) & np.isfinite(each).any(axis=0), 0.0, np.nan)
    return Estimates(value, value, value, sizes, panel.accounts, _stars(panel, panel.m[0]), error)


def _square_and_add(
    first: Floats,
    second: Floats,
    value: Floats,
    stars: Floats,
    critical: Floats,
    where: Any,
    bounds: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """Bounds of a difference of shares from both Wilson intervals, for the groups in ``where``."""
    size = np.maximum(stars, 1)
    low0, high0 = wilson_bounds(first, size, critical)
    low1, high1 = wilson_bounds(second, size, critical)
    low = value - np.sqrt((second - low1) ** 2 + (high0 - first) ** 2)
    high = value + np.sqrt((high1 - second) ** 2 + (first - low0) ** 2)
    return np.where(where, low, bounds[0]), np.where(where, high, bounds[1])


def _identical(panel: Panel) -> npt.NDArray[np.bool_]:
    """Groups whose sums agree in every account and replication."""
    rows = (panel.y[0] == panel.y[1]) & (panel.m[0] == panel.m[1])
    totals = np.all(panel.totals[0] == panel.totals[1], axis=(0, 2))
    return np.asarray(np.logical_and.reduceat(rows, panel.starts) & totals)
