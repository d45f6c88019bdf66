"""Section 6, method and provenance: definitions, digests, sources, what the page cannot know, every number."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.enums import Change
from triage_lab.domain.measure import Comparison, Metric
from triage_lab.domain.result import PolicyRef, Result
from triage_lab.report.numbers import DASH, clean, comparison_scale, count, plural, prose, show
from triage_lab.report.wording import calibration_text, change_words, metric_label, segment_label

NUMBERS = (150, 60, 0)  # rows of the table of all comparisons: the most that keeps the page small enough


@dataclass(frozen=True, slots=True)
class Entry:
    """A term and its parts; ``mono`` parts are digests and ids."""

    term: str
    text: str
    mono: str


@dataclass(frozen=True, slots=True)
class Definition:
    """One line of the glossary."""

    label: str
    name: str
    definition: str
    denominator: str
    open_rule: str
    unit: str
    better: str
    ceiling: str
    pips: int


@dataclass(frozen=True, slots=True)
class NumberRow:
    """One comparison in full."""

    metric: str
    segment: str
    baseline: tuple[str, str]
    candidate: tuple[str, str]
    amount: str
    interval: str
    tone: str
    n: str
    accounts: str
    grade: str
    pips: int
    flags: str


@dataclass(frozen=True, slots=True)
class MethodView:
    """Everything of section 6."""

    entries: tuple[Entry, ...]
    command: str
    audit: tuple[str, ...]
    caveats: tuple[str, ...]
    notices: tuple[str, ...]
    glossary: tuple[Definition, ...]
    numbers: tuple[NumberRow, ...]
    numbers_total: str
    numbers_title: str
    numbers_left: int


def view(result: Result, rows: int = NUMBERS[0]) -> MethodView:
    """Build section 6 of a result, with at most ``rows`` comparisons: totals, then what is certain, then the rest."""
    told = sorted(
        result.comparisons, key=lambda item: (bool(item.segment), item.change is Change.NOT_SHOWN, _weight(item))
    )
    return MethodView(
        _entries(result),
        clean(result.provenance.reproduce, 400),
        tuple(prose(line) for line in result.provenance.audit),
        tuple(prose(line, 400) for line in result.provenance.caveats),
        tuple(prose(line) for line in result.notices),
        tuple(_definition(metric) for metric in result.glossary),
        tuple(_number(result, item) for item in told[:rows]),
        count(len(told)),
        f"{count(min(rows, len(told)))} of {plural(len(told), 'comparison')}"
        if len(told) > rows
        else f"All {count(len(told))} comparisons",
        max(0, len(told) - rows),
    )


def _weight(item: Comparison) -> tuple[str, list[tuple[str, str]]]:
    """Stable order: metric, then segment."""
    return (item.metric, sorted(item.segment.items()))


def _digest(text: str) -> str:
    """A digest in groups of four, first sixteen digits."""
    short = clean(text[:16], 16)
    return "sha256 " + " ".join(short[start : start + 4] for start in range(0, len(short), 4)) if short else ""


def _policy(policy: PolicyRef) -> str:
    """Name, version and stage."""
    if policy.name == "history":
        return "today’s routing as logged (history)"
    parts = [f"{policy.name} {policy.version}".strip()] + ([f"stage {policy.stage}"] if policy.stage else [])
    return clean(", ".join(parts), 160)


def _entries(result: Result) -> tuple[Entry, ...]:
    """What is needed to get the same bytes again."""
    origin, scope = result.provenance, result.scope
    sources = [clean(", ".join(f"{key} {source[key]}" for key in sorted(source)), 300) for source in origin.sources]
    only = f", only {clean(scope.where, 200)}" if scope.where else ""
    worlds = plural(scope.replications, "replication")
    zones, days = clean(origin.tzdata) or DASH, clean(origin.holidays) or DASH
    donors = ", ".join(f"{clean(key)} {count(origin.donors[key])}" for key in sorted(origin.donors))
    desk = "" if origin.operations_digest else "none: routing only"
    held = f"{clean(result.lab)}, loads up to {origin.as_of_load}, cutoff {clean(scope.cutoff)}"
    entries = (
        Entry("Run", "", clean(result.run_id)),
        Entry("Candidate", _policy(result.candidate), _digest(origin.policy_digest)),
        Entry("Baseline", _policy(result.baseline), _digest(origin.baseline_digest)),
        Entry("Operations", desk, _digest(origin.operations_digest)),
        Entry("Data", held, _digest(origin.data_digest)),
        *(Entry("Source", text, "") for text in sources[:12]),
        Entry("Scope", f"arrivals from {clean(scope.start)} to before {clean(scope.end)}{only}", ""),
        Entry("Chance", f"seed {origin.seed}, {worlds}, common random numbers in both arms", ""),
        Entry("Calibration", calibration_text(result), ""),
        Entry("Handle times", f"from {donors}" if donors else "", ""),
        Entry("Software", f"triage_lab {clean(origin.version)}, time zones {zones}, holidays {days}", ""),
    )
    return tuple(entry for entry in entries if entry.text or entry.mono)


def _definition(metric: Metric) -> Definition:
    """One glossary line."""
    better = {"higher": "higher is better", "lower": "lower is better"}.get(metric.better, "neither is better")
    return Definition(
        clean(metric.label), clean(metric.name), clean(metric.definition, 400), clean(metric.denominator, 300),
        clean(metric.open_rule, 300), clean(metric.statistic), better, metric.ceiling.value, metric.ceiling.pips,
    )  # fmt: skip


def _number(result: Result, item: Comparison) -> NumberRow:
    """One comparison as a row."""
    scale = comparison_scale(item, result.currency)
    words = change_words(item, scale)
    shown = [show(measure, scale) if measure else None for measure in (item.baseline, item.candidate)]
    cells = [(part.text, part.interval) if part else (DASH, "") for part in shown]
    graded = shown[1] or shown[0]
    return NumberRow(
        metric_label(result, item.metric),
        segment_label(item.segment),
        cells[0],
        cells[1],
        words.amount,
        words.interval,
        words.tone,
        graded.n if graded else "",
        graded.accounts if graded else "",
        graded.grade if graded else "",
        graded.pips if graded else 0,
        graded.flags if graded else "",
    )
