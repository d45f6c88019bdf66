"""Launch limits judged, and the five tiles of the first screen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from triage_lab.domain.enums import Flag, GateState, Grade
from triage_lab.domain.measure import Comparison, Measure, Metric
from triage_lab.domain.result import KpiResult, NotPossible, Tile
from triage_lab.evidence.intervals import LEVEL, t_quantile, wilson_bounds
from triage_lab.evidence.launch import DIFFERENCE, ONE_SIDED, Kpi, LaunchPlan
from triage_lab.evidence.phrases import limit_text, plural

NOT_ASSESSABLE = "not_assessable"
MIN_LABELLED = 30
TILES = ("sla_compliance", "misroute", "enrichment_accuracy", "mrr_late", "handoffs_per_ticket")


def judge_kpis(
    plan: LaunchPlan,
    comparisons: Sequence[Comparison],
    *,
    catalogue: Mapping[str, Metric],
    measures: Sequence[Measure] = (),
    not_possible: Iterable[NotPossible] = (),
) -> tuple[KpiResult, ...]:
    """Judge every limit of the plan on the overall numbers.

    Parameters
    ----------
    plan : LaunchPlan
    comparisons : sequence of Comparison
        Baseline against candidate.
    catalogue : mapping of name to Metric
    measures : sequence of Measure
        Observed measures, for limits on what only history can show (ceiling observed); what happened under today's
        routing never stands in for the candidate.
    not_possible : iterable of NotPossible
        Why a metric has no number.

    Returns
    -------
    tuple of KpiResult
        In the plan's order. ``pass`` = the estimate and its bound hold; ``fail`` = the estimate violates the limit;
        ``warn`` = the interval contains the limit; ``not_assessable`` = no number, too small a sample, or a pass that
        would rest on extrapolated or uncalibrated evidence. A clear violation is a fail on any evidence.
    """
    compared = {one.metric: one for one in comparisons if not one.segment}
    observed = {
        one.metric: one
        for one in measures
        if not one.segment and one.metric in catalogue and catalogue[one.metric].ceiling is Grade.OBSERVED
    }
    reasons = _reasons(not_possible, catalogue)
    return tuple(
        _judge(kpi, _measure_of(kpi, compared, observed), catalogue.get(kpi.metric), reasons) for kpi in plan.kpis
    )


def _reasons(not_possible: Iterable[NotPossible], catalogue: Mapping[str, Metric]) -> dict[str, str]:
    """Reason by metric name; a subject may be a metric's name or its label."""
    names = {metric.label: metric.name for metric in catalogue.values()}
    return {names.get(one.subject, one.subject): one.reason for one in not_possible}


def _measure_of(kpi: Kpi, compared: Mapping[str, Comparison], observed: Mapping[str, Measure]) -> Measure | None:
    """The number that a limit is about."""
    found = compared.get(kpi.metric)
    if kpi.on == DIFFERENCE:
        return found.difference if found else None
    candidate = found.candidate if found else None
    return candidate or observed.get(kpi.metric)


def _judge(kpi: Kpi, measure: Measure | None, metric: Metric | None, reasons: Mapping[str, str]) -> KpiResult:
    """One limit."""
    unit = measure.unit if measure else metric.unit if metric else ""
    text = limit_text(kpi.relation, kpi.limit, unit, on_difference=kpi.on == DIFFERENCE)
    state, reason = _state(kpi, measure, reasons)
    return KpiResult(
        kpi_id=kpi.kpi_id,
        title=kpi.title,
        metric=kpi.metric,
        on=kpi.on,
        limit=kpi.limit,
        limit_text=text,
        state=state,
        severity=kpi.severity.value,
        owner=kpi.owner,
        value=measure,
        reason=reason,
    )


def _state(kpi: Kpi, measure: Measure | None, reasons: Mapping[str, str]) -> tuple[str, str]:
    """State and reason of one limit."""
    if measure is None or measure.value is None:
        why = reasons.get(kpi.metric, "nothing to measure it on")
        return NOT_ASSESSABLE, why if measure is None else "the share asked for is not reached within the data"
    small = _too_small(kpi, measure)
    if small:
        return NOT_ASSESSABLE, small
    if not _holds(kpi, measure.value):
        return GateState.FAIL.value, "the estimate is on the wrong side of the limit"
    low, high = bounds(measure, one_sided=kpi.bound == ONE_SIDED)
    bound = low if kpi.relation in ("at_least", "above") else high
    if bound is None:
        return GateState.WARN.value, "no interval can be given" + _census(measure)
    if not _holds(kpi, bound):
        return GateState.WARN.value, "the interval contains the limit" + _labels_needed(kpi, measure, bound)
    if measure.grade is Grade.EXTRAPOLATED:
        return NOT_ASSESSABLE, "extrapolated evidence can never pass a limit"
    if Flag.NOT_CALIBRATED in measure.flags:
        return NOT_ASSESSABLE, "simulated but not calibrated against history: it can never pass a limit"
    return GateState.PASS.value, ""


def _too_small(kpi: Kpi, measure: Measure) -> str:
    """Why the sample cannot carry a judgement, '' if it can."""
    needs = []
    if measure.n < kpi.min_n:
        needs.append(f"{measure.n:,} of at least {kpi.min_n:,} needed")
    if measure.accounts < kpi.min_accounts:
        needs.append(f"{plural(measure.accounts, 'account')} of at least {kpi.min_accounts:,} needed")
    if not needs and Flag.FEW_ACCOUNTS in measure.flags:
        effective = measure.effective_accounts or 0.0
        needs.append(f"a few accounts carry it (as if {effective:.1f}; at least 10 needed)")
    return "too small a sample: " + ", ".join(needs) if needs else ""


def _census(measure: Measure) -> str:
    """Say that money of few accounts is a census."""
    return f": a census of {plural(measure.accounts, 'account')}, under 1,000" if measure.unit == "money" else ""


def _holds(kpi: Kpi, value: float) -> bool:
    """Whether a value is on the good side."""
    if kpi.relation == "at_least":
        return value >= kpi.limit
    if kpi.relation == "at_most":
        return value <= kpi.limit
    return value > kpi.limit if kpi.relation == "above" else value < kpi.limit


def bounds(measure: Measure, *, one_sided: bool = False) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a measure, or both its 95 % one-sided bounds.

    Notes
    -----
    The one-sided bounds of a share are those of the same clustered Wilson interval with the one-sided t: its effective
    size follows from the two-sided lower (upper) bound L by n = t²·L(1 − L)/(p − L)². Other units: the distance to the
    bound shrinks with the ratio of the t values.
    """
    if not one_sided or measure.value is None or measure.low is None or measure.high is None:
        return measure.low, measure.high
    df = max((measure.effective_accounts or 0.0) - 1, 2)
    wide, narrow = float(t_quantile(df, LEVEL)), float(t_quantile(df, 2 * LEVEL - 1))
    if measure.unit == "fraction" and measure.arm != DIFFERENCE:
        size = _wilson_size(measure, wide)
        if size is not None:
            low, high = wilson_bounds(measure.value, size, narrow)
            return float(low), float(high)
    ratio = narrow / wide
    return measure.value - (measure.value - measure.low) * ratio, measure.value + (measure.high - measure.value) * ratio


def _wilson_size(measure: Measure, critical: float) -> float | None:
    """Effective size behind a Wilson interval, from whichever bound is inside 0..1."""
    for bound in (measure.low, measure.high):
        if bound is not None and measure.value is not None and 0 < bound < 1 and bound != measure.value:
            return critical**2 * bound * (1 - bound) / (measure.value - bound) ** 2
    return None


def _labels_needed(kpi: Kpi, measure: Measure, bound: float) -> str:
    """How much larger the sample must get, if it stays as good, for a share with a lower limit on labels."""
    value = measure.value
    if value is None or measure.metric != "enrichment_accuracy" or value <= kpi.limit or bound >= value:
        return ""
    factor = ((value - bound) / (value - kpi.limit)) ** 2
    more = math.ceil(measure.n * (factor - 1))
    return f"; about {more:,} more labels needed" if more > 0 else ""


def tiles(
    comparisons: Sequence[Comparison],
    kpis: Sequence[KpiResult],
    *,
    catalogue: Mapping[str, Metric],
    not_possible: Iterable[NotPossible] = (),
) -> tuple[Tile, ...]:
    """Return the five tiles: SLA compliance, misroute, enrichment accuracy, MRR late, handoffs.

    Misroute is by labels if at least 30 tickets are labelled, else by the resolving team; the label says which. A tile
    without numbers says why.
    """
    compared = {one.metric: one for one in comparisons if not one.segment}
    reasons = _reasons(not_possible, catalogue)
    out = []
    for name in TILES:
        metric = misroute_metric(compared) if name == "misroute" else name
        comparison = compared.get(metric)
        kpi = next((one for one in kpis if one.metric == metric), None)
        has_value = comparison is not None and any(
            measure is not None and measure.value is not None for measure in (comparison.baseline, comparison.candidate)
        )
        reason = "" if has_value else f"not possible: {reasons.get(metric, 'nothing to measure it on')}"
        out.append(Tile(metric, catalogue[metric].label, comparison if has_value else None, kpi, reason))
    return tuple(out)


def misroute_metric(compared: Mapping[str, Comparison]) -> str:
    """Return the misroute that a first screen shows: by labels if 30 tickets are labelled, else by resolver."""
    labelled = compared.get("misroute_labelled")
    measure = labelled.candidate if labelled else None
    return "misroute_labelled" if measure is not None and measure.n >= MIN_LABELLED else "misroute_resolver"
