"""Section 1, service levels: segments, four numbers, how long tickets wait."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from triage_lab.domain.enums import Arm, Grade, weakest
from triage_lab.domain.measure import Comparison
from triage_lab.domain.result import Curve, Result, SlaCounts
from triage_lab.report.charts import bars, survival
from triage_lab.report.numbers import (
    DASH,
    Scale,
    clean,
    comparison_scale,
    count,
    day_text,
    plural,
    scale_for,
    show,
)
from triage_lab.report.sections.segments import HEADLINE, SegmentTable, measured, segment_table
from triage_lab.report.wording import (
    NOT_CALIBRATED,
    arm_name,
    calibration_text,
    change_words,
    metric_label,
    missing_reason,
    sentence_case,
)

FIRST_ACTION = "time_to_first_action"


@dataclass(frozen=True, slots=True)
class CountRow:
    """Met, breached, open, no target of one arm and clock."""

    label: str
    clock: str
    pieces: tuple[bars.Piece, ...]
    met: str
    breached: str
    open: str
    none: str
    total: str
    drawing: str


@dataclass(frozen=True, slots=True)
class WaitRow:
    """One duration of both arms."""

    label: str
    baseline: str
    candidate: str
    amount: str
    word: str
    interval: str
    tone: str
    n: str
    accounts: str
    grade: str
    pips: int


@dataclass(frozen=True, slots=True)
class WaitTable:
    """Share still waiting at round times, by arm."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class CurveView:
    """One survival chart with its table."""

    name: str
    drawing: survival.Survival
    waiting: WaitTable
    open: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class ObservedRow:
    """A number of the log itself."""

    label: str
    value: str
    interval: str
    n: str
    accounts: str
    grade: str
    pips: int
    flags: str


@dataclass(frozen=True, slots=True)
class ServiceView:
    """Everything of section 1; empty parts carry their reason."""

    segments: SegmentTable | None
    segments_reason: str
    counts: tuple[CountRow, ...]
    counts_reason: str
    curves: tuple[CurveView, ...]
    curves_reason: str
    waits: tuple[WaitRow, ...]
    observed: tuple[ObservedRow, ...]
    cutoff: str
    metric: str
    calibration: str


def view(result: Result) -> ServiceView:
    """Build section 1 of a result."""
    table = segment_table(result)
    counts = _count_rows(result)
    curves = _curves(result)
    return ServiceView(
        table,
        "" if table else missing_reason(result, HEADLINE, "SLA compliance", "SLA"),
        counts,
        "" if counts else missing_reason(result, "sla_counts", HEADLINE, "SLA compliance", "SLA"),
        curves,
        "" if curves else missing_reason(result, FIRST_ACTION, "time to first action"),
        _wait_rows(result),
        _observed(result),
        day_text(result.scope.cutoff, result.timezone),
        metric_label(result, HEADLINE),
        NOT_CALIBRATED if calibration_text(result) == NOT_CALIBRATED else "",
    )


def _count_rows(result: Result) -> tuple[CountRow, ...]:
    """Four numbers by clock and arm, over all tickets."""
    found = [item for item in result.sla_counts if not item.segment]
    largest = max((_total(item) for item in found), default=0)
    order = {"first_action": 0, "acknowledge": 1, "resolve": 2}
    found.sort(key=lambda item: (order.get(item.sla_metric, 9), item.sla_metric, list(Arm).index(Arm(item.arm))))
    shown = []
    previous = ""
    for item in found:
        clock = clean(item.sla_metric.replace("_", " "))
        words = (
            f"{clock}, {arm_name(item.arm)}: {count(item.met)} met, {count(item.breached)} breached, "
            f"{count(item.open)} still open, {count(item.not_applicable)} without target"
        )
        shown.append(
            CountRow(
                arm_name(item.arm),
                clock if clock != previous else "",
                bars.four(item, largest),
                count(item.met),
                count(item.breached),
                count(item.open),
                count(item.not_applicable),
                count(_total(item)),
                words,
            )
        )
        previous = clock
    return tuple(shown)


def _total(item: SlaCounts) -> int:
    """All tickets of one line of four numbers."""
    return item.met + item.breached + item.open + item.not_applicable


def _curves(result: Result) -> tuple[CurveView, ...]:
    """One chart a metric, time to first action first."""
    groups: dict[str, list[Curve]] = defaultdict(list)
    for curve in result.curves:
        if curve.minutes:
            groups[curve.metric].append(curve)
    names = sorted(groups, key=lambda name: (name != FIRST_ACTION, name))
    return tuple(_curve_view(result, name, groups[name]) for name in names)


def _curve_view(result: Result, name: str, curves: list[Curve]) -> CurveView:
    """Chart and table of one metric."""
    ordered = sorted(curves, key=lambda curve: list(Arm).index(Arm(curve.arm)))
    label = sentence_case(metric_label(result, name)).removesuffix(", median")
    times = survival.round_times(ordered)
    lines = tuple(
        (
            arm_name(curve.arm),
            "cand" if curve.arm == Arm.CANDIDATE else "base",
            tuple(f"{100 * survival.waiting_at(curve, minutes):.1f}" for minutes in times),
        )
        for curve in ordered
    )
    headings = tuple(survival.tick_text(minutes) for minutes in times)
    left = ", ".join(f"{count(curve.at_risk[-1])} {arm_name(curve.arm).lower()}" for curve in ordered if curve.at_risk)
    return CurveView(
        label, survival.geometry(ordered, name=label), WaitTable(headings, lines), left, _curve_grade(result, name)
    )


def _curve_grade(result: Result, name: str) -> Grade:
    """The weakest grade among the numbers of a metric's family, whose curve this is; without any, that of its arms."""
    grades = [
        measure.grade
        for item in result.comparisons
        if item.metric.startswith(name) and not item.segment
        for measure in (item.baseline, item.candidate)
        if measure is not None
    ]
    if grades:
        return weakest(*grades)
    if all(curve.arm == Arm.OBSERVED for curve in result.curves if curve.metric == name):
        return Grade.OBSERVED
    return Grade.EXTRAPOLATED if calibration_text(result) == NOT_CALIBRATED else Grade.SIMULATED


def _wait_rows(result: Result) -> tuple[WaitRow, ...]:
    """All durations over all tickets."""
    found = [item for item in result.comparisons if not item.segment and _unit(item) == "minutes" and measured(item)]
    return tuple(_wait_row(result, item) for item in found)


def _unit(item: Comparison) -> str:
    """Unit of a comparison."""
    measure = item.candidate or item.baseline or item.difference
    return measure.unit if measure else ""


def _wait_row(result: Result, item: Comparison) -> WaitRow:
    """One duration."""
    scale: Scale = comparison_scale(item, result.currency)
    words = change_words(item, scale)
    graded = item.candidate or item.baseline
    return WaitRow(
        metric_label(result, item.metric),
        show(item.baseline, scale).text if item.baseline else DASH,
        show(item.candidate, scale).text if item.candidate else DASH,
        words.amount, words.word, words.interval, words.tone,
        count(graded.n) if graded else "", plural(graded.accounts, "account") if graded else "",
        graded.grade.value if graded else "", graded.grade.pips if graded else 0,
    )  # fmt: skip


def _observed(result: Result) -> tuple[ObservedRow, ...]:
    """What the log itself says, over all tickets."""
    lines = []
    for measure in result.observed:
        if measure.segment:
            continue
        shown = show(measure, scale_for(measure.unit, [measure.value], result.currency))
        lines.append(
            ObservedRow(
                metric_label(result, measure.metric),
                shown.text,
                shown.interval,
                shown.n,
                shown.accounts,
                shown.grade,
                shown.pips,
                shown.flags,
            )
        )
    return tuple(lines)
