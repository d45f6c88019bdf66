"""Segments of section 1: which ones the page leads with, and their interval rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.enums import Change, Flag, Grade, weakest
from triage_lab.domain.measure import Comparison, Measure
from triage_lab.domain.result import Result
from triage_lab.report import marks
from triage_lab.report.charts import rows
from triage_lab.report.numbers import DASH, FLAG_WORDS, comparison_scale, count, plural, scale_for, show
from triage_lab.report.wording import change_words, keys_label, metric_label, overall, segment_label

HEADLINE = "sla_compliance"
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


def segmentation(result: Result) -> tuple[Comparison, ...]:
    """The SLA comparisons of the finest segmentation that the page leads with.

    Notes
    -----
    MRR tier × rule if the run has it, else the segmentation with the most columns, tiers first.
    """
    groups: dict[tuple[str, ...], list[Comparison]] = defaultdict(list)
    for item in result.comparisons:
        if item.metric == HEADLINE and item.segment and "sla_metric" not in item.segment and measured(item):
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


def measured(item: Comparison) -> bool:
    """Whether either arm has a value."""
    return any(measure is not None and measure.value is not None for measure in (item.baseline, item.candidate))


def _difference(item: Comparison) -> float:
    """The difference, or a very small number where there is none."""
    return item.difference.value if item.difference is not None and item.difference.value is not None else -9.0


def segment_table(result: Result) -> SegmentTable | None:
    """The interval rows of section 1, or None without any segment."""
    found = segmentation(result)
    total = overall(result, HEADLINE)
    if total is not None and not measured(total):
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


def certain(found: Sequence[Comparison]) -> tuple[list[Comparison], list[Comparison]]:
    """Segments that certainly gain and that certainly lose, the largest first."""
    gains = [item for item in found if item.change is Change.BETTER]
    losses = [item for item in reversed(found) if item.change is Change.WORSE]
    return gains, losses
