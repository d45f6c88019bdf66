"""Quantiles of waiting times per segment and arm, and their paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.evidence.intervals import Floats, effective_accounts, t_quantile
from triage_lab.evidence.panel import Codes, Key, layout
from triage_lab.evidence.survival import QuantileInterval, kaplan_meier, quantiles_of

QUANTILES = (0.5, 0.9)


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


def spans_of(arms: Sequence[Sequence[pl.DataFrame]]) -> list[dict[Key, Spans]]:
    """Group the durations of each arm (its replications in order) by metric and segment.

    Clusters are coded alike in all arms, so that arms can be paired.
    """
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
            found[plan.name(group)] = _spans(first, rest, naive=naive)
        out.append(found)
    return out


_Slice = tuple[Floats, npt.NDArray[np.bool_], Codes]


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


def _spans(first: _Slice, rest: Sequence[_Slice], *, naive: bool) -> Spans:
    """Intervals from the first replication, values from all."""
    minutes, event, cluster = first
    starts = np.flatnonzero(np.diff(cluster, prepend=-1))
    quantiles = tuple(quantiles_of(minutes, event, starts, QUANTILES))
    values = [[_number(one.value) for one in quantiles]]
    for other in rest:
        curve = kaplan_meier(other[0], other[1])
        values.append([_number(curve.quantile(q)) for q in QUANTILES])
    sizes = np.diff(starts, append=minutes.size).astype(np.float64)
    return Spans(minutes, event, cluster[starts], sizes, quantiles, np.array(values), naive)


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
    clusters, pulls, sizes = _aligned(first, second, place)
    stars = effective_accounts(sizes)
    paired = first.values.shape == second.values.shape
    differences = second.values[:, place] - first.values[:, place] if paired else np.array([math.nan])
    mean, error = _simulation(differences)
    base = (second.minutes.size, clusters, stars)
    naive = first.naive and second.naive
    if not math.isfinite(mean):
        return SpanEstimate(None, None, None, *base, error, naive, not_reached=True)
    if _same(first, second):
        return SpanEstimate(0.0, 0.0, 0.0, *base, None if error is None else 0.0, naive, not_reached=False)
    if pulls is None or clusters < 2:
        return SpanEstimate(mean, None, None, *base, error, naive, not_reached=False)
    variance = (clusters - 1) / clusters * float(np.sum(pulls * pulls)) + (error or 0.0) ** 2
    half = float(t_quantile(max(stars - 1, 2))) * math.sqrt(variance)
    low, high = (mean - half, mean + half) if half > 0 else (None, None)
    return SpanEstimate(mean, low, high, *base, error, naive, not_reached=False)


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
