"""Section 1, service levels: segments, four numbers, how long tickets wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.enums import Arm, Change, Flag, Grade, weakest
from triage_lab.domain.measure import Comparison, Measure
from triage_lab.domain.result import Curve, Result, SlaCounts
from triage_lab.report import marks
from triage_lab.report.charts import bars, rows, survival
from triage_lab.report.numbers import (
    DASH,
    FLAG_WORDS,
    Scale,
    clean,
    comparison_scale,
    count,
    day_text,
    plural,
    scale_for,
    show,
)
from triage_lab.report.wording import (
    NOT_CALIBRATED,
    arm_name,
    calibration_text,
    change_words,
    keys_label,
    metric_label,
    missing_reason,
    overall,
    segment_label,
    sentence_case,
)

HEADLINE = "sla_compliance"
FIRST_ACTION = "time_to_first_action"
ROWS = 16  # segments in the main table


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment, both arms."""

    label: str
    flags: str
    row: rows.Row
    baseline: str
    candidate: str
    sign: str
    amount: str
    interval: str
    tone: str
    n: str
    accounts: str
    grade: str
    pips: int
    total: bool


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """Interval rows of one segmentation, sorted by difference, with the total last."""

    heading: str
    unit: str
    axis: rows.RowAxis
    rows: tuple[SegmentRow, ...]
    left_out: int
    grade: Grade
    today_stroke: str
    new_stroke: str


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


def segmentation(result: Result) -> tuple[Comparison, ...]:
    """The SLA comparisons of the finest segmentation that the page leads with.

    Notes
    -----
    MRR tier × rule if the run has it, else the segmentation with the most columns, tiers first.
    """
    groups: dict[tuple[str, ...], list[Comparison]] = defaultdict(list)
    for item in result.comparisons:
        if item.metric == HEADLINE and item.segment and "sla_metric" not in item.segment and _measured(item):
            groups[tuple(sorted(item.segment))].append(item)
    if not groups:
        return ()

    def rank(keys: tuple[str, ...]) -> tuple[bool, bool, int, tuple[str, ...]]:
        """Smaller is better."""
        rule = bool({"rule", "rule_id"} & set(keys))
        return (not (rule and "mrr_tier" in keys and len(keys) == 2), "mrr_tier" not in keys, -len(keys), keys)

    best = min(groups, key=rank)
    return tuple(sorted(groups[best], key=lambda item: (-_difference(item), sorted(item.segment.items()))))


def foremost(found: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The segments of the main table: those that certainly change, then the largest; still sorted by difference."""
    ranked = sorted(
        found, key=lambda item: (item.change is Change.NOT_SHOWN, -_tickets(item), sorted(item.segment.items()))
    )
    chosen = {id(item) for item in ranked[:ROWS]}
    return tuple(item for item in found if id(item) in chosen)


def _tickets(item: Comparison) -> int:
    """Tickets behind a comparison."""
    measure = item.candidate or item.baseline
    return measure.n if measure else 0


def _measured(item: Comparison) -> bool:
    """Whether either arm has a value."""
    return any(measure is not None and measure.value is not None for measure in (item.baseline, item.candidate))


def _difference(item: Comparison) -> float:
    """The difference, or a very small number where there is none."""
    return item.difference.value if item.difference is not None and item.difference.value is not None else -9.0


def segment_table(result: Result) -> SegmentTable | None:
    """The interval rows of section 1, or None without any segment."""
    found = segmentation(result)
    total = overall(result, HEADLINE)
    if total is not None and not _measured(total):
        total = None
    if not found and total is None:
        return None
    kept = foremost(found)
    left_out = len(found) - len(kept)
    shown = [*kept, *([total] if total else [])]
    measures = [measure for item in shown for measure in (item.baseline, item.candidate)]
    scale = scale_for("fraction", [0.5])
    axis = rows.axis_of(measures, scale, name=metric_label(result, HEADLINE))
    grades = [measure.grade for measure in measures if measure is not None]
    keys = tuple(found[0].segment) if found else ()
    return SegmentTable(
        f"Segment ({keys_label(keys)})" if keys else "Segment", "points", axis,
        tuple(_segment_row(item, axis, result.currency) for item in shown), left_out, weakest(*grades),
        _stroke([item.baseline for item in shown]), _stroke([item.candidate for item in shown]),
    )  # fmt: skip


def _stroke(measures: Sequence[Measure | None]) -> str:
    """Name of the weakest grade among measures of one arm."""
    grades = [measure.grade for measure in measures if measure is not None]
    return weakest(*grades).value if grades else ""


def _segment_row(item: Comparison, axis: rows.RowAxis, currency: str) -> SegmentRow:
    """One row of the segment table."""
    scale = comparison_scale(item, currency)
    words = change_words(item, scale)
    graded = item.candidate or item.baseline
    difference = item.difference
    amount = words.amount
    if difference is not None and difference.value is not None and words.word:
        amount = show(difference, scale, change=True).number
    return SegmentRow(
        segment_label(item.segment) if item.segment else "All matured tickets",
        _flags(item),
        rows.geometry(item, axis, scale),
        show(item.baseline, scale).number if item.baseline else DASH,
        show(item.candidate, scale).number if item.candidate else DASH,
        marks.SIGN[item.change] if words.word in {"better", "worse", "uncertain"} else "",
        amount, words.interval, words.tone,
        count(graded.n) if graded else DASH,
        plural(graded.accounts, "account") if graded else "",
        graded.grade.value if graded else "", graded.grade.pips if graded else 0, not item.segment,
    )  # fmt: skip


def _flags(item: Comparison) -> str:
    """Warnings on a segment, but for the one that the table's note gives for all."""
    measures = [measure for measure in (item.baseline, item.candidate, item.difference) if measure is not None]
    raised = {Flag(flag) for measure in measures for flag in measure.flags} - {Flag.NOT_CALIBRATED}
    return ", ".join(words for flag, words in FLAG_WORDS.items() if flag in raised)


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
    found = [item for item in result.comparisons if not item.segment and _unit(item) == "minutes" and _measured(item)]
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


def certain(found: Sequence[Comparison]) -> tuple[list[Comparison], list[Comparison]]:
    """Segments that certainly gain and that certainly lose, the largest first."""
    gains = [item for item in found if item.change is Change.BETTER]
    losses = [item for item in reversed(found) if item.change is Change.WORSE]
    return gains, losses
