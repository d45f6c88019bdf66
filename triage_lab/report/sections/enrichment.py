"""Section 3, enrichment: how often a fact is found, and how often it is right, by field and source."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.enums import GateState, Grade, weakest
from triage_lab.domain.measure import Measure
from triage_lab.domain.result import FieldQuality, Result
from triage_lab.report import marks
from triage_lab.report.charts import rows
from triage_lab.report.marks import Mark
from triage_lab.report.numbers import DASH, THIN, clean, count, plural, scale_for, show
from triage_lab.report.wording import missing_reason

ACCURACY = "enrichment_accuracy"
DEFAULT_LIMIT = 0.95
CHAIN = "*"
FIELDS = 36


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field by one source, or by the whole chain."""

    field: str
    source: str
    chain: bool
    row: rows.Row
    accuracy: str
    accuracy_interval: str
    labelled: str
    coverage: str
    coverage_interval: str
    stale: str
    lookups: str
    grade: str
    pips: int
    mark: Mark
    word: str


@dataclass(frozen=True, slots=True)
class EnrichmentView:
    """Everything of section 3."""

    fields: tuple[FieldRow, ...]
    left: int
    axis: rows.RowAxis | None
    limit: str
    grade: Grade | None
    lookups: str
    labelled: int
    reason: str


def limit_of(result: Result) -> float:
    """The accuracy that the launch plan asks for, or the playbook's 95 %."""
    limits = [
        kpi.limit for kpi in result.kpis if kpi.metric == ACCURACY and kpi.on == "candidate" and kpi.limit is not None
    ]
    return limits[0] if limits else DEFAULT_LIMIT


def judge(accuracy: Measure | None, limit: float) -> GateState:
    """Pass if the whole interval is above the limit, fail if the estimate is not, else warn; skipped if unmeasured."""
    if accuracy is None or accuracy.value is None:
        return GateState.SKIPPED
    if accuracy.value <= limit:
        return GateState.FAIL
    return GateState.PASS if accuracy.low is not None and accuracy.low > limit else GateState.WARN


_MARKS = {
    GateState.PASS: (marks.PASSES, "above"),
    GateState.FAIL: (marks.WARNS, "below"),
    GateState.WARN: (marks.UNCERTAIN, "uncertain"),
    GateState.SKIPPED: (marks.UNKNOWN, "no labels"),
}


def view(result: Result) -> EnrichmentView:
    """Build section 3 of a result."""
    limit = limit_of(result)
    steps_first = sorted(result.enrichment, key=lambda item: item.source == CHAIN)
    worst = {item.field: _value(item.accuracy) for item in steps_first}
    ordered = sorted(
        result.enrichment, key=lambda item: (worst[item.field], item.field, item.source != CHAIN, item.source)
    )
    shown = ordered[:FIELDS]
    measured = [item.accuracy for item in shown if item.accuracy is not None and item.accuracy.value is not None]
    scale = scale_for("fraction", [0.5])
    axis = rows.axis_of(measured, scale, name="values that are right", limit=limit) if measured else None
    grades = [measure.grade for item in shown for measure in (item.coverage, item.accuracy) if measure is not None]
    chains = [item for item in ordered if item.source == CHAIN] or ordered
    return EnrichmentView(
        tuple(_row(item, axis, limit, first=_first(shown, index)) for index, item in enumerate(shown)),
        max(0, len(ordered) - FIELDS), axis, f"{100 * limit:.4g}{THIN}%", weakest(*grades) if grades else None,
        count(sum(item.lookups for item in chains)), sum(item.labelled for item in chains),
        "" if ordered else missing_reason(result, "enrichment", "enrichment_coverage", ACCURACY),
    )  # fmt: skip


def _value(accuracy: Measure | None) -> float:
    """Accuracy for sorting; unmeasured comes last."""
    return 2.0 if accuracy is None or accuracy.value is None else accuracy.value


def _first(shown: list[FieldQuality], index: int) -> bool:
    """Whether this is the first row of its field."""
    return index == 0 or shown[index - 1].field != shown[index].field


def _row(item: FieldQuality, axis: rows.RowAxis | None, limit: float, *, first: bool) -> FieldRow:
    """One row of the table."""
    chain = item.source == CHAIN
    right, right_interval = _rate(item.accuracy)
    found, found_interval = _rate(item.coverage)
    mark, word = _MARKS[judge(item.accuracy, limit)]
    graded = item.accuracy if item.accuracy is not None else item.coverage
    scale = scale_for("fraction", [0.5])
    name = f"{clean(item.field)}, {'all sources' if chain else clean(item.source)}"
    drawn = (
        rows.single(item.accuracy, axis, scale, name=name) if axis else rows.Row((), f"{name}: accuracy not measured")
    )
    return FieldRow(
        clean(item.field) if first or chain else "",
        "all sources, in order" if chain else clean(item.source), chain, drawn,
        right, right_interval, plural(item.labelled, "label"), found, found_interval,
        DASH if item.stale_share is None else f"{100 * item.stale_share:.1f}", count(item.lookups),
        graded.grade.value if graded else "", graded.grade.pips if graded else 0, mark, word,
    )  # fmt: skip


def _rate(measure: Measure | None) -> tuple[str, str]:
    """A rate and its interval; a dash where there is none."""
    if measure is None:
        return DASH, ""
    shown = show(measure, scale_for("fraction", [measure.value]))
    return shown.number, shown.interval
