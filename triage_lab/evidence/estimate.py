"""From tallies to measures: a value with its interval, size, grade and flags; and two arms compared."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from triage_lab.domain.enums import Arm, Better, Change, Flag, Grade, weakest
from triage_lab.domain.errors import UsageError
from triage_lab.domain.measure import Comparison, Measure, Metric
from triage_lab.evidence.cells import build_panels
from triage_lab.evidence.grading import flags_of, grade
from triage_lab.evidence.intervals import FEW
from triage_lab.evidence.panel import Key, Panel, Tallied
from triage_lab.evidence.rates import Estimates, Kinds, difference_rates, estimate_rates
from triage_lab.evidence.spans import SpanEstimate, Spans, difference_span, estimate_span, spans_of

DIFFERENCE = "difference"
IMMATURE_SHARE = 0.10
_STATISTICS = {"median": 0, "p90": 1}
Keyed = dict[Key, Measure]


def estimate(
    tallies: Sequence[Tallied],
    *,
    arm: str,
    catalogue: Mapping[str, Metric],
    grade_of: Mapping[str, Grade] | None = None,
    flags: Collection[Flag] = (),
    scenario: str = "base",
) -> tuple[Measure, ...]:
    """Estimate every metric and segment of one arm.

    Parameters
    ----------
    tallies : sequence of Tallied
        One per replication, in replication order.
    arm : str
        observed, baseline, candidate or live.
    catalogue : mapping of name to Metric
    grade_of : mapping of metric name to Grade
        Grade of the inputs; a replayed arm never gets more than the metric's ceiling. Default: the ceiling (replayed
        arms) or observed.
    flags : collection of Flag
        Flags of the whole run, for example not_calibrated.
    scenario : str

    Returns
    -------
    tuple of Measure
        In the catalogue's order, overall first.

    Raises
    ------
    UsageError
        A tallied metric that the catalogue does not know.

    Notes
    -----
    With R replications the value is the mean over them; the variance is that between accounts, of sums averaged over
    replications, plus s²/R between replications. Source: docs/method/evidence.md.
    """
    context = _Context(catalogue, grade_of or {}, frozenset(flags), scenario)
    found: Keyed = {}
    for panel in build_panels([tallies]):
        found |= context.rates(panel, 0, arm)
    (spans,) = spans_of([tallies])
    return _ordered(_with_immature(found | context.quantiles(spans, arm)), catalogue)


def difference(
    baseline: Sequence[Tallied],
    candidate: Sequence[Tallied],
    *,
    catalogue: Mapping[str, Metric],
    grade_of: Mapping[str, Grade] | None = None,
    flags: Collection[Flag] = (),
    scenario: str = "base",
) -> tuple[Measure, ...]:
    """Estimate candidate − baseline for every metric and segment that both arms have, paired by account.

    Parameters are those of `estimate`; both arms need the same number of replications, paired by position. Equal
    tallies give exactly 0 with a zero-width interval. Money has no interval below 1,000 accounts.
    """
    context = _Context(catalogue, grade_of or {}, frozenset(flags), scenario)
    found: Keyed = {}
    for panel in build_panels([baseline, candidate]):
        found |= context.rate_gaps(panel)
    first, second = spans_of([baseline, candidate])
    return _ordered(found | context.quantile_gaps(first, second), catalogue)


def compare(
    baseline: Sequence[Tallied],
    candidate: Sequence[Tallied],
    *,
    catalogue: Mapping[str, Metric],
    grade_of: Mapping[str, Grade] | None = None,
    baseline_grade_of: Mapping[str, Grade] | None = None,
    flags: Collection[Flag] = (),
    scenario: str = "base",
) -> tuple[Comparison, ...]:
    """Compare two arms: both measures and their paired difference for every metric and segment.

    Parameters
    ----------
    baseline, candidate : sequence of Tallied
        One per replication, paired by position.
    baseline_grade_of : mapping or None
        Grades of the baseline's inputs where they differ; default ``grade_of``. A difference takes the weaker one.

    Returns
    -------
    tuple of Comparison
        In the catalogue's order, overall first. ``change`` is better or worse only if the 95 % interval excludes 0
        and at least 10 effective accounts carry it.
    """
    context = _Context(catalogue, grade_of or {}, frozenset(flags), scenario)
    other = replace(context, grade_of=baseline_grade_of) if baseline_grade_of is not None else context
    before: Keyed = {}
    after: Keyed = {}
    between: Keyed = {}
    for panel in build_panels([baseline, candidate]):
        before |= other.rates(panel, 0, Arm.BASELINE.value)
        after |= context.rates(panel, 1, Arm.CANDIDATE.value)
        between |= context.rate_gaps(panel)
    first, second = spans_of([baseline, candidate])
    before = _with_immature(before | other.quantiles(first, Arm.BASELINE.value))
    after = _with_immature(after | context.quantiles(second, Arm.CANDIDATE.value))
    between |= context.quantile_gaps(first, second)
    out = []
    for key in _sorted_keys({*before, *after}, catalogue):
        base, new, gap = before.get(key), after.get(key), between.get(key)
        if gap is not None and base is not None and new is not None and {base.grade, new.grade} != {gap.grade}:
            gap = replace(gap, grade=weakest(base.grade, new.grade))
        better = catalogue[key[0]].better
        segment = (new or base or gap).segment  # type: ignore[union-attr]
        out.append(Comparison(key[0], segment, base, new, gap, better, change_of(gap, better)))
    return tuple(out)


def change_of(gap: Measure | None, better: Better) -> Change:
    """Return what a difference allows one to say.

    Better or worse only if its 95 % interval excludes 0 and G* is at least 10; a census without interval, few accounts
    and metrics without a direction never are.
    """
    if gap is None or gap.low is None or gap.high is None or better is Better.NEITHER:
        return Change.NOT_SHOWN
    if Flag.FEW_ACCOUNTS in gap.flags or gap.low <= 0 <= gap.high:
        return Change.NOT_SHOWN
    return Change.BETTER if (gap.low > 0) == (better is Better.HIGHER) else Change.WORSE


def _sorted_keys(keys: Iterable[Key], catalogue: Mapping[str, Metric]) -> list[Key]:
    """Catalogue order, overall first, then fewer columns first, then by text."""
    place = {name: at for at, name in enumerate(catalogue)}
    unknown = sorted({metric for metric, _ in keys} - set(place))
    if unknown:
        raise UsageError(
            f"metrics {', '.join(unknown)} are not in the catalogue", "catalogued metrics", "extend the catalogue"
        )
    return sorted(keys, key=lambda key: (place[key[0]], len(_parsed(key[1])), key[1]))


@lru_cache(maxsize=4096)
def _parsed(segment: str) -> dict[str, str]:
    """The columns of a segment; copy before handing it out."""
    parsed: dict[str, str] = json.loads(segment)
    return parsed


def _ordered(measures: Keyed, catalogue: Mapping[str, Metric]) -> tuple[Measure, ...]:
    return tuple(measures[key] for key in _sorted_keys(measures, catalogue))


def _some(value: float) -> float | None:
    """None for what is not a number: no NaN leaves this room."""
    return float(value) if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class _Context:
    """Everything that turns an estimate into a measure: what the metrics are and how far the run may be trusted."""

    catalogue: Mapping[str, Metric]
    grade_of: Mapping[str, Grade]
    flags: frozenset[Flag]
    scenario: str

    def rates(self, panel: Panel, place: int, arm: str) -> Keyed:
        """Shares, means and totals of one arm of a panel."""
        return self._from_rates(panel, estimate_rates(panel, self._kinds(panel), place), arm)

    def rate_gaps(self, panel: Panel) -> Keyed:
        """Paired differences of the shares, means and totals of a panel."""
        return self._from_rates(panel, difference_rates(panel, self._kinds(panel)), DIFFERENCE)

    def quantiles(self, spans: Mapping[Key, Spans], arm: str) -> Keyed:
        """Quantiles of one arm; segments of the same tickets share theirs."""
        known: dict[tuple[int, int], SpanEstimate] = {}
        out: Keyed = {}
        for (clock, segment), one in spans.items():
            for metric, at in self._quantiles(clock):
                if (id(one), at) not in known:
                    known[id(one), at] = estimate_span(one, at)
                out[metric.name, segment] = self._from_span(metric, segment, known[id(one), at], arm)
        return out

    def quantile_gaps(self, first: Mapping[Key, Spans], second: Mapping[Key, Spans]) -> Keyed:
        """Paired differences of the quantiles that both arms have."""
        known: dict[tuple[int, int, int], SpanEstimate] = {}
        out: Keyed = {}
        for key, one in first.items():
            if key not in second:
                continue
            for metric, at in self._quantiles(key[0]):
                pair = (id(one), id(second[key]), at)
                if pair not in known:
                    known[pair] = difference_span(one, second[key], at)
                out[metric.name, key[1]] = self._from_span(metric, key[1], known[pair], DIFFERENCE)
        return out

    def _quantiles(self, clock: str) -> list[tuple[Metric, int]]:
        """The catalogued quantiles of one clock, with their place in QUANTILES."""
        names = (clock, f"{clock}_p90")
        metrics = [self.catalogue[name] for name in names if name in self.catalogue]
        return [(metric, _STATISTICS[metric.statistic]) for metric in metrics if metric.statistic in _STATISTICS]

    def _kinds(self, panel: Panel) -> Kinds:
        """What each group of the panel is."""
        unknown = sorted(set(panel.metrics) - set(self.catalogue))
        if unknown:
            raise UsageError(f"tallied metrics {', '.join(unknown)} without an entry", "catalogued metrics", "add them")
        metrics = [self.catalogue[metric] for metric in panel.metrics]
        return Kinds(
            np.array([metric.statistic == "rate" for metric in metrics]),
            np.array([metric.statistic == "total" for metric in metrics]),
            np.array([metric.unit == "money" for metric in metrics]),
            np.array([metric.unit == "per_ticket" for metric in metrics]),
        )

    def _from_rates(self, panel: Panel, found: Estimates, arm: str) -> Keyed:
        """Measures of all groups of a panel that have a value."""
        out: Keyed = {}
        for place, (name, segment) in panel.keys:
            value = _some(found.value[place])
            if value is None:
                continue
            effective = float(found.effective[place])
            own = [Flag.NAIVE_INTERVAL] if panel.naive[place] else []
            out[name, segment] = self._measure(
                self.catalogue[name],
                segment,
                arm,
                (value, _some(found.low[place]), _some(found.high[place])),
                (round(float(found.n[place])), int(found.accounts[place]), effective),
                _some(found.simulation_error[place]),
                own,
            )
        return out

    def _from_span(self, metric: Metric, segment: str, span: SpanEstimate, arm: str) -> Measure:
        """Measure of a quantile."""
        own = [Flag.NAIVE_INTERVAL] if span.naive else []
        own += [Flag.NOT_REACHED] if span.not_reached else []
        values = (span.value, span.low, span.high)
        return self._measure(
            metric, segment, arm, values, (span.n, span.accounts, span.effective), span.simulation_error, own
        )

    def _measure(
        self,
        metric: Metric,
        segment: str,
        arm: str,
        values: tuple[float | None, float | None, float | None],
        sizes: tuple[int, int, float],
        simulation_error: float | None,
        own: Sequence[Flag],
    ) -> Measure:
        """Put a number together with its grade and flags."""
        n, accounts, effective = sizes
        graded = grade(metric, arm, self.grade_of, self.flags)
        few = [Flag.FEW_ACCOUNTS] if effective < FEW else []
        return Measure(
            metric=metric.name,
            arm=arm,
            value=values[0],
            low=values[1],
            high=values[2],
            n=n,
            accounts=0 if Flag.NAIVE_INTERVAL in own else accounts,
            unit=metric.unit,
            grade=graded,
            segment=dict(_parsed(segment)),
            scenario=self.scenario,
            effective_accounts=effective,
            simulation_error=simulation_error,
            flags=flags_of(self.flags, graded, [*own, *few]),
        )


def _with_immature(measures: Keyed) -> Keyed:
    """Flag SLA compliance where more than a tenth of the targets was not yet due at the cutoff."""
    out = dict(measures)
    for (name, segment), measure in measures.items():
        still = measures.get(("sla_open_share", segment))
        late = still is not None and still.value is not None and still.value > IMMATURE_SHARE
        if name == "sla_compliance" and late:
            kept = {*measure.flags, Flag.IMMATURE}
            out[name, segment] = replace(measure, flags=tuple(flag for flag in Flag if flag in kept))
    return out
