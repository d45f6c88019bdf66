"""How long tickets wait while some still wait: Kaplan–Meier, its quantiles and their account-clustered intervals.

One definition of a quantile everywhere: the smallest time by which at least the share q has happened (the inverse of
the Kaplan–Meier curve; without open tickets that of the empirical distribution).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from triage_lab.domain.errors import UsageError
from triage_lab.evidence.intervals import LEVEL, Floats, effective_accounts, t_quantile, z_quantile

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Survival:
    """A Kaplan–Meier curve at its event times.

    Parameters
    ----------
    time : array, shape (k,)
        Distinct event times, ascending.
    survival : array, shape (k,)
        Share still waiting after each time.
    at_risk, events : arrays, shape (k,)
        Tickets waiting just before, and events at, each time.
    greenwood : array, shape (k,)
        Σ d/(Y(Y − d)) up to each time; infinite once the curve is 0.
    last : float
        Largest time seen, event or not.
    """

    time: Floats
    survival: Floats
    at_risk: Floats
    events: Floats
    greenwood: Floats
    last: float

    def at(self, time: float) -> float:
        """Share still waiting after ``time``."""
        place = int(np.searchsorted(self.time, time, side="right"))
        return 1.0 if place == 0 else float(self.survival[place - 1])

    def quantile(self, q: float = 0.5) -> float | None:
        """Smallest time by which the share q is reached; None if the curve never gets there."""
        place = int(np.searchsorted(-self.survival, q - 1 - _TINY, side="left"))
        return float(self.time[place]) if place < self.time.size else None

    def interval(self, time: float, level: float = LEVEL) -> tuple[float, float]:
        """Log-log interval for the share still waiting, as if tickets were independent (Kalbfleisch and Prentice)."""
        place = int(np.searchsorted(self.time, time, side="right"))
        share = self.at(time)
        if place == 0 or not 0 < share < 1:
            return share, share
        return log_log_bounds(share, math.sqrt(float(self.greenwood[place - 1])) * share, z_quantile(level))


def log_log_bounds(share: float, error: float, critical: float) -> tuple[float, float]:
    """Bounds share^exp(±c·se/(share·|ln share|)), which stay inside 0..1."""
    if not 0 < share < 1:
        return share, share
    width = critical * error / (share * abs(math.log(share)))
    return share ** math.exp(min(width, 700.0)), share ** math.exp(-width)


def _times(t: npt.ArrayLike, event: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Checked arrays of times and events."""
    times, events = np.asarray(t, dtype=np.float64), np.asarray(event).astype(np.bool_)
    if times.ndim != 1 or times.shape != events.shape or times.size == 0:
        raise UsageError(
            f"arrays of shape {times.shape} and {events.shape}", "equal lengths, at least one", "align them"
        )
    if not np.all(np.isfinite(times)) or np.any(times < 0):
        raise UsageError("times that are negative or not numbers", "finite times of at least 0", "filter them first")
    return times, events


def kaplan_meier(t: npt.ArrayLike, event: npt.ArrayLike) -> Survival:
    """Kaplan–Meier curve of waiting times.

    Parameters
    ----------
    t : array_like, shape (tickets,)
        Time until the event, or until the ticket was last seen without it; any unit.
    event : array_like of bool, shape (tickets,)
        False where the ticket was still waiting (censored). A ticket censored at an event time was still waiting then.

    Returns
    -------
    Survival

    Raises
    ------
    UsageError
        Lengths differ, nothing given, or times negative or not finite.

    Notes
    -----
    S(t) = Π (1 − d/Y) over event times up to t. Source: Kaplan and Meier (1958); Greenwood (1926).

    Examples
    --------
    >>> curve = kaplan_meier([3, 5, 8, 1, 2, 4], [True, True, False, True, False, True])
    >>> [round(float(s), 4) for s in curve.survival], curve.quantile()
    ([0.8333, 0.625, 0.4167, 0.2083], 4.0)
    """
    times, events = _times(t, event)
    return _curve_of(times, events)


def _curve_of(times: Floats, events: npt.NDArray[np.bool_]) -> Survival:
    """The curve of checked arrays."""
    ordered = np.sort(times)
    return _curve(ordered, None if bool(events.all()) else np.sort(times[events]))


def _curve(ordered: Floats, events: Floats | None) -> Survival:
    """The curve from all times and event times (None: all of them), both sorted."""
    happened = ordered if events is None else events
    first = np.flatnonzero(np.diff(happened, prepend=-1.0) > 0)
    distinct = happened[first]
    deaths = np.diff(first, append=happened.size).astype(np.float64)
    before = first if events is None else np.searchsorted(ordered, distinct, side="left")
    risk = (ordered.size - before).astype(np.float64)
    left = risk - deaths
    with np.errstate(divide="ignore"):
        steps = np.where(left > 0, deaths / (risk * np.where(left > 0, left, 1)), np.inf)
    shares = np.asarray(np.cumprod(left / risk), dtype=np.float64)
    return Survival(distinct, shares, risk, deaths, np.cumsum(steps), float(ordered[-1]))


def point_quantiles(t: npt.NDArray[Any], event: npt.NDArray[np.bool_], qs: Sequence[float]) -> list[float | None]:
    """The quantiles of `kaplan_meier`, without its curve; in the type of ``t``.

    Before the first censored time the curve is 1 − k/n after k tickets, so that a quantile is the k-th smallest time.
    After it the events are taken one by one, each leaving (Y − 1)/Y: tied events leave (Y − d)/Y together.
    """
    places = [_place(t.size, q) for q in qs]
    waiting = t[~event]
    if not waiting.size or int(np.count_nonzero(t < waiting.min())) > max(places):
        ordered = np.partition(t, places)
        return [ordered[place].item() for place in places]
    happened, left = np.sort(t[event]), np.sort(waiting)
    gone = np.cumsum(np.bincount(np.searchsorted(happened, left, side="right"), minlength=happened.size + 1))
    risk = (t.size - np.arange(happened.size) - gone[:-1]).astype(np.float64)
    survival = np.cumprod((risk - 1) / risk)
    found = [int(np.searchsorted(-survival, q - 1 - _TINY, side="left")) for q in qs]
    return [happened[place].item() if place < happened.size else None for place in found]


def _place(count: int, q: float) -> int:
    """Smallest place k − 1 with 1 − k/n <= 1 − q, to rounding."""
    return min(max(math.ceil(count * (q - _TINY)), 1), count) - 1


def rmst(t: npt.ArrayLike, event: npt.ArrayLike, tau: float) -> float:
    """Mean waiting time up to ``tau``, open tickets included: the area under the curve.

    Parameters
    ----------
    t, event : array_like, shape (tickets,)
        See `kaplan_meier`.
    tau : float
        Horizon, fixed in advance, at most the largest time seen.

    Raises
    ------
    UsageError
        ``tau`` is not above 0 or beyond what was seen.

    Notes
    -----
    ∫₀^τ S(u) du. Source: Royston and Parmar (2013).

    Examples
    --------
    >>> rmst([1, 3], [True, True], 2)
    1.5
    """
    curve = kaplan_meier(t, event)
    if not 0 < tau <= curve.last:
        raise UsageError(
            f"tau = {tau}", f"above 0 and at most {curve.last}, the largest time seen", "choose a smaller horizon"
        )
    inside = curve.time < tau
    edges = np.concatenate(([0.0], curve.time[inside], [float(tau)]))
    return float(np.sum(np.concatenate(([1.0], curve.survival[inside])) * np.diff(edges)))


def influence(t: Floats, event: npt.NDArray[np.bool_], curve: Survival, time: float) -> Floats:
    """How much each ticket moves the curve at ``time``: derivative of S(time) by the ticket's weight.

    Returns
    -------
    array, shape (tickets,)
        Sums to 0. Without censoring it is (1[t > time] − S)/n.

    Notes
    -----
    ψ = S·(Σ_{u ≤ min(t, time)} d/(Y(Y − d)) − 1[event, t ≤ time]/(Y(t) − d(t))), the exact derivative of the product.
    Source: Reid (1981).
    """
    return Influence(t, event, curve).at(time)


class Influence:
    """`influence` at several times: where each ticket stands on the curve is looked up once."""

    def __init__(self, t: Floats, event: npt.NDArray[np.bool_], curve: Survival) -> None:
        self._t, self._event, self._curve = t, event, curve
        self._complete = bool(event.all())
        self._passed = None if self._complete else np.searchsorted(curve.time, t, side="right")
        self._sums = np.concatenate(([0.0], curve.greenwood))

    def at(self, time: float) -> Floats:
        """The influences on the curve at one time."""
        t, curve, share = self._t, self._curve, self._curve.at(time)
        upto = int(np.searchsorted(curve.time, time, side="right"))
        if share <= 0 or upto == 0:
            return np.zeros(t.size)
        if self._passed is None:
            return ((t > time) - share) / t.size
        out: Floats = (share * self._sums[: upto + 1])[np.minimum(self._passed, upto)]
        hit = np.flatnonzero(self._event & (t <= time))
        place = self._passed[hit] - 1  # an event's own time is on the curve
        out[hit] -= (share / (curve.at_risk[:upto] - curve.events[:upto]))[place]
        return out


@dataclass(frozen=True, slots=True)
class QuantileInterval:
    """A quantile of waiting times; None where the curve does not reach that far (``not_reached``).

    ``density`` is the share of tickets per unit of time around the quantile as the interval implies it (infinite where
    many tickets share one time, None where the interval has no width to tell); ``pulls`` are the accounts' jackknife
    influences on the share that has happened by the quantile, in the clusters' order.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    accounts: int
    effective: float
    density: float | None
    pulls: Floats

    @property
    def not_reached(self) -> bool:
        """Whether the quantile or its upper bound lies beyond what was seen."""
        return self.value is None or self.high is None


def clustered_quantile(
    t: npt.ArrayLike, event: npt.ArrayLike, cluster: npt.ArrayLike, q: float = 0.5, level: float = LEVEL
) -> QuantileInterval:
    """Quantile of waiting times with an interval clustered by account (Woodruff's, on the Kaplan–Meier curve).

    Parameters
    ----------
    t, event : array_like, shape (tickets,)
        See `kaplan_meier`.
    cluster : array_like, shape (tickets,)
        Account of each ticket.
    q : float
        Share, 0.5 for the median.

    Returns
    -------
    QuantileInterval
        Never infinite or NaN: a bound that is not reached is None.

    Notes
    -----
    The variance of the share that has happened by the quantile is the account jackknife's (exact without censoring,
    one-step with it); its t interval is carried back through the curve (coverage 92.6 to
    97.4 %). Source: Woodruff (1952); docs/method/evidence.md.

    Examples
    --------
    >>> clustered_quantile([1.0, 2.0, 3.0, 4.0], [True] * 4, ["a", "a", "b", "c"]).value
    2.0
    """
    times, events = _times(t, event)
    groups = np.asarray(cluster)
    if groups.shape != times.shape:
        raise UsageError(f"{groups.size} clusters for {times.size} times", "one cluster a time", "align the arrays")
    _, codes = np.unique(groups, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return quantiles_of(times[order], events[order], starts, (q,), level)[0]


def quantiles_of(
    t: Floats, event: npt.NDArray[np.bool_], starts: npt.NDArray[np.intp], qs: tuple[float, ...], level: float = LEVEL
) -> list[QuantileInterval]:
    """Clustered quantiles of tickets that are sorted by account; ``starts`` is the first row of each account."""
    curve = _curve_of(t, event)
    sizes = np.diff(starts, append=t.size).astype(np.float64)
    stars = effective_accounts(sizes)
    critical = float(t_quantile(max(stars - 1, 2), level))
    complete = bool(event.all())
    moved = Influence(t, event, curve)
    out = []
    for q in qs:
        value = curve.quantile(q)
        if value is None:
            out.append(QuantileInterval(None, None, None, t.size, sizes.size, stars, None, np.zeros(sizes.size)))
            continue
        reached = 1 - curve.at(value)
        pulls = -np.add.reduceat(moved.at(value), starts)
        error = _share_error(pulls, sizes, reached, q, stars)
        low, high, density = _carry_back(curve, value, reached, critical * error, complete=complete)
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.where(sizes < t.size, pulls / (1 - sizes / t.size), 0.0)
        out.append(QuantileInterval(value, low, high, t.size, sizes.size, stars, density, scaled))
    return out


def _share_error(pulls: Floats, sizes: Floats, reached: float, q: float, stars: float) -> float:
    """Standard error of the share that has happened; binomial on G* where the accounts cannot tell."""
    count, total = sizes.size, float(sizes.sum())
    binomial = max(reached * (1 - reached), _TINY) if 0 < reached < 1 else q * (1 - q)
    if count < 2 or not 0 < reached < 1:
        return math.sqrt(binomial / max(stars, 1.0))
    scaled = pulls / (1 - sizes / total)
    variance = (count - 1) / count * float(np.sum(scaled * scaled))
    return math.sqrt(max(variance, binomial / total))


def _carry_back(
    curve: Survival, value: float, reached: float, half: float, *, complete: bool
) -> tuple[float | None, float | None, float | None]:
    """Bounds in time for the bounds of the share, and the density that their distance implies."""
    below, above = max(reached - half, 0.0), reached + half
    low = curve.quantile(below) if below > 0 else float(curve.time[0])
    high = curve.quantile(min(above, 1.0)) if above < 1 or complete else None
    shares, width = 0.0, 0.0
    if low is not None:
        shares, width = shares + reached - below, width + value - low
    if high is not None:
        shares, width = shares + min(above, 1.0) - reached, width + high - value
    density = None if shares <= 0 else (math.inf if width <= 0 else shares / width)
    return low, high, density


def clustered_share_errors(
    t: Floats, event: npt.NDArray[np.bool_], starts: npt.NDArray[np.intp], grid: Floats
) -> tuple[Survival, Floats]:
    """The curve and the account-clustered standard error of the share still waiting at each time of ``grid``.

    Tickets are sorted by account; ``starts`` is the first row of each account.
    """
    curve = _curve_of(t, event)
    sizes = np.diff(starts, append=t.size).astype(np.float64)
    errors = np.zeros(grid.size)
    if sizes.size < 2:
        return curve, errors
    moved, others = Influence(t, event, curve), 1 - sizes / t.size
    for place, time in enumerate(grid.tolist()):
        scaled = np.add.reduceat(moved.at(time), starts) / others
        errors[place] = math.sqrt((sizes.size - 1) / sizes.size * float(np.sum(scaled * scaled)))
    return curve, errors
