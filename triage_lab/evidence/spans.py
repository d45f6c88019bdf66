"""Quantiles of waiting times per segment and arm, and their paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.canonical import canonical_json
from triage_lab.evidence.cells import Clock, LaidOut, share_layout
from triage_lab.evidence.cells import Layout as LaidOutLayout
from triage_lab.evidence.intervals import Floats, effective_accounts, t_quantile
from triage_lab.evidence.panel import Codes, Key, Tallied, layout
from triage_lab.evidence.survival import QuantileInterval, point_quantiles, quantiles_of

QUANTILES = (0.5, 0.9)
_Slice = tuple[Floats, npt.NDArray[np.bool_], Codes]


@dataclass(frozen=True, slots=True)
class Spans:
    """One segment of one arm: replication 0 in full, and the quantile values of every replication (NaN: not reached).

    ``minutes`` and ``event`` are replication 0's tickets sorted by account; ``values`` has shape (replications, 2).
    """

    minutes: Floats
    event: npt.NDArray[np.bool_]
    clusters: Codes
    sizes: Floats
    quantiles: tuple[QuantileInterval, ...]
    values: Floats
    naive: bool


@dataclass(frozen=True, slots=True)
class SpanEstimate:
    """A quantile or a difference of quantiles; None where it is not reached or no bound can be given."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    accounts: int
    effective: float
    simulation_error: float | None
    naive: bool
    not_reached: bool


def spans_of(arms: Sequence[Sequence[Tallied]]) -> list[dict[Key, Spans]]:
    """Group the durations of each arm (its replications in order) by metric and segment.

    Clusters are coded alike in all arms, so that arms can be paired.
    """
    return clock_spans(arms) if share_layout(arms) else _frame_spans([[one.durations for one in arm] for arm in arms])


def _frame_spans(arms: Sequence[Sequence[pl.DataFrame]]) -> list[dict[Key, Spans]]:
    """The spans of tallies that are frames."""
    frames = [frame for arm in arms for frame in arm]
    plan = layout(frames)
    out: list[dict[Key, Spans]] = []
    at = 0
    for arm in arms:
        keys = plan.keys[at : at + len(arm)]
        at += len(arm)
        pieces = [_by_group(frame, key, plan.clusters) for frame, key in zip(arm, keys, strict=True)]
        found: dict[Key, Spans] = {}
        for group, first in pieces[0].items():
            rest = [piece[group] for piece in pieces[1:] if group in piece]
            naive = bool(plan.unknown[first[2]].all())
            values = [point_quantiles(other[0], other[1], QUANTILES) for other in rest]
            found[plan.name(group)] = _spans(first, values, naive=naive)
        out.append(found)
    return out


def clock_spans(arms: Sequence[Sequence[LaidOut]]) -> list[dict[Key, Spans]]:
    """The spans of tallies on one layout; equal clocks are worked out once."""
    shared = _Shared(arms[0][0].layout)
    return [shared.spans_of(arm) for arm in arms]


class _Shared:
    """Spans known so far, by segment and the clocks' arrays."""

    def __init__(self, layout: LaidOutLayout) -> None:
        self._layout = layout
        self._known: dict[tuple[int, tuple[int, ...]], Spans | None] = {}
        counts = [cut.starts.size for cut in layout.cuts]
        self._cut_of = [(place, at) for place, count in enumerate(counts) for at in range(count)]
        self._texts = [(group, canonical_json(dict(one))) for group, one in layout.segments if len(one) <= 1]

    def spans_of(self, arm: Sequence[LaidOut]) -> dict[Key, Spans]:
        """All clocks of one arm."""
        out: dict[Key, Spans] = {}
        for name in arm[0].clocks:
            clocks = [one.clocks[name] for one in arm if name in one.clocks]
            key = tuple(id(clock) for clock in clocks)
            for group, text in self._texts:
                if (group, key) not in self._known:
                    self._known[group, key] = self._spans(group, clocks)
                found = self._known[group, key]
                if found is not None:
                    out[name, text] = found
        return out

    def _spans(self, group: int, clocks: Sequence[Clock]) -> Spans | None:
        """One segment of one clock; None without tickets."""
        place, at = self._cut_of[group]
        cut = self._layout.cuts[place]
        end = int(cut.starts[at + 1]) if at + 1 < cut.starts.size else cut.order.size
        rows = cut.order[int(cut.starts[at]) : end]
        first = _rows_of(clocks[0], rows)
        if not first[0].size:
            return None
        seconds, event, kept = first
        cluster = self._layout.cluster[kept]
        naive = bool(self._layout.unknown[cluster].all())
        rest = [part for part in (_rows_of(clock, rows) for clock in clocks[1:]) if part[0].size]
        values = [_in_minutes(point_quantiles(other[0], other[1], QUANTILES)) for other in rest]
        return _spans((seconds / 60.0, event, cluster), values, naive=naive)


def overall_clock(one: LaidOut, metric: str) -> _Slice | None:
    """Minutes, events and account codes of all tickets of one clock, sorted by account; None without any."""
    if metric not in one.clocks:
        return None
    seconds, event, rows = _rows_of(one.clocks[metric], one.layout.cuts[0].order)
    return (seconds / 60.0, event, one.layout.cluster[rows]) if rows.size else None


def _in_minutes(seconds: Sequence[float | None]) -> list[float | None]:
    """Seconds as minutes."""
    return [None if one is None else one / 60.0 for one in seconds]


def _rows_of(clock: Clock, rows: npt.NDArray[np.intp]) -> tuple[Codes, npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    """Seconds and events of some tickets, without those that are left out, and which tickets remain."""
    seconds = clock.seconds[rows]
    if seconds.size and int(seconds.min()) < 0:
        rows = rows[seconds >= 0]
        seconds = clock.seconds[rows]
    event = np.ones(rows.size, dtype=np.bool_) if clock.event is None else clock.event[rows]
    return seconds, event, rows


def _by_group(frame: pl.DataFrame, key: Codes, clusters: int) -> dict[int, _Slice]:
    """Minutes, events and cluster codes of each group, sorted by cluster and otherwise in row order."""
    if not key.size:
        return {}
    minutes, event, ordered = frame["minutes"].to_numpy(), frame["event"].to_numpy().astype(np.bool_), key
    if not bool(np.all(key[1:] >= key[:-1])):
        order = np.argsort(key, kind="stable")
        minutes, event, ordered = minutes[order], event[order], key[order]
    groups = ordered // clusters
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    ends = np.append(starts[1:], ordered.size)
    return {
        int(groups[start]): (minutes[start:end], event[start:end], ordered[start:end] % clusters)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    }


def _spans(first: _Slice, rest: Sequence[Sequence[float | None]], *, naive: bool) -> Spans:
    """Intervals from the first replication, values from all."""
    minutes, event, cluster = first
    starts = np.flatnonzero(np.diff(cluster, prepend=-1))
    quantiles = tuple(quantiles_of(minutes, event, starts, QUANTILES))
    values = [[one.value for one in quantiles], *rest]
    sizes = np.diff(starts, append=minutes.size).astype(np.float64)
    numbers = np.array([[_number(value) for value in row] for row in values])
    return Spans(minutes, event, cluster[starts], sizes, quantiles, numbers, naive)


def _number(value: float | None) -> float:
    """NaN for a quantile that is not reached, for arithmetic inside this module only."""
    return math.nan if value is None else value


def _simulation(values: Floats) -> tuple[float, float | None]:
    """Mean over replications and its standard error; None for a single one."""
    mean = float(values[0]) if values.size == 1 else float(np.sum(values)) / values.size
    if values.size < 2 or not math.isfinite(mean):
        return mean, None
    return mean, math.sqrt(float(np.sum((values - mean) ** 2)) / (values.size - 1) / values.size)


def estimate_span(spans: Spans, place: int) -> SpanEstimate:
    """Estimate one quantile (``place`` in QUANTILES): mean over replications, account and simulation variance added.

    The account variance is that of replication 0, whose Woodruff bounds are widened on each side by the simulation
    error. A quantile that one replication does not reach is not reached.
    """
    one = spans.quantiles[place]
    mean, error = _simulation(spans.values[:, place])
    base = (spans.minutes.size, one.accounts, one.effective, error, spans.naive)
    if one.value is None or not math.isfinite(mean):
        return SpanEstimate(None, None, None, *base, not_reached=True)
    extra = (float(t_quantile(max(one.effective - 1, 2))) * (error or 0.0)) ** 2
    low = None if one.low is None else max(mean - math.sqrt((one.value - one.low) ** 2 + extra), 0.0)
    high = None if one.high is None else mean + math.sqrt((one.high - one.value) ** 2 + extra)
    return SpanEstimate(mean, low, high, *base, not_reached=high is None)


def difference_span(first: Spans, second: Spans, place: int) -> SpanEstimate:
    """Estimate ``second`` − ``first`` for one quantile, paired by account and replication.

    Notes
    -----
    The pull of an account on a quantile is its pull on the share, divided by the density that Woodruff's interval
    implies; the difference of both arms' pulls gives the jackknife variance. Equal tickets give exactly 0 with a
    zero-width interval. Source: Francisco and Fuller (1991) for the inversion; checked against an account bootstrap.
    """
    if first is second or _same(first, second):
        return _no_difference(first, place)
    clusters, pulls, sizes = _aligned(first, second, place)
    stars = effective_accounts(sizes)
    paired = first.values.shape == second.values.shape
    differences = second.values[:, place] - first.values[:, place] if paired else np.array([math.nan])
    mean, error = _simulation(differences)
    base = (second.minutes.size, clusters, stars)
    naive = first.naive and second.naive
    if not math.isfinite(mean):
        return SpanEstimate(None, None, None, *base, error, naive, not_reached=True)
    if pulls is None or clusters < 2:
        return SpanEstimate(mean, None, None, *base, error, naive, not_reached=False)
    variance = (clusters - 1) / clusters * float(np.sum(pulls * pulls)) + (error or 0.0) ** 2
    half = float(t_quantile(max(stars - 1, 2))) * math.sqrt(variance)
    low, high = (mean - half, mean + half) if half > 0 else (None, None)
    return SpanEstimate(mean, low, high, *base, error, naive, not_reached=False)


def _no_difference(spans: Spans, place: int) -> SpanEstimate:
    """Exactly nothing, for arms in which the same tickets wait the same time."""
    one, values = spans.quantiles[place], spans.values[:, place]
    base = (spans.minutes.size, one.accounts, one.effective)
    if not math.isfinite(float(np.sum(values))):
        return SpanEstimate(None, None, None, *base, None, spans.naive, not_reached=True)
    return SpanEstimate(0.0, 0.0, 0.0, *base, None if values.size < 2 else 0.0, spans.naive, not_reached=False)


def _same(first: Spans, second: Spans) -> bool:
    """Whether both arms saw the same tickets wait the same time."""
    return (
        np.array_equal(first.minutes, second.minutes)
        and np.array_equal(first.event, second.event)
        and np.array_equal(first.clusters, second.clusters)
        and np.array_equal(first.values, second.values, equal_nan=True)
    )


def _aligned(first: Spans, second: Spans, place: int) -> tuple[int, Floats | None, Floats]:
    """Accounts of both arms, each one's pull on the difference (None without densities), and their mean sizes."""
    if np.array_equal(first.clusters, second.clusters):
        return first.clusters.size, _pulls(first, second, place), (first.sizes + second.sizes) / 2
    union = np.union1d(first.clusters, second.clusters)
    pulls: Floats | None = np.zeros(union.size)
    sizes = np.zeros(union.size)
    for spans, sign in ((first, 1.0), (second, -1.0)):
        at = np.searchsorted(union, spans.clusters)
        sizes[at] += spans.sizes / 2
        one = spans.quantiles[place]
        if one.density is None:
            pulls = None
        elif pulls is not None:
            pulls[at] += sign * one.pulls / one.density
    return union.size, pulls, sizes


def _pulls(first: Spans, second: Spans, place: int) -> Floats | None:
    """Each account's pull on the difference, for arms of the same accounts."""
    before, after = first.quantiles[place], second.quantiles[place]
    if before.density is None or after.density is None:
        return None
    return before.pulls / before.density - after.pulls / after.density
