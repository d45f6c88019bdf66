"""Names and sentences of the first screen: pure functions of the result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from triage_lab.domain.enums import Arm, Better, Change, Flag, Grade
from triage_lab.domain.measure import Comparison, Measure, Metric
from triage_lab.domain.result import KpiResult, Result, Tile
from triage_lab.report.marks import UNKNOWN, Mark, limit_mark
from triage_lab.report.numbers import (
    DASH,
    LABEL_LIMIT,
    THIN,
    Scale,
    clean,
    comparison_scale,
    count,
    day_text,
    plural,
    prose,
    show,
    window,
)

DESK = "desk"
NO_DESK = "not possible: no operations.yaml"
NOT_CALIBRATED = "not calibrated"
_NONE = "(none)"
_RULE_KEYS = ("rule", "rule_id")
_FIGURE = re.compile(
    r"[−+-]?[€$£]?\d[\d,]*(?:\.\d+)?[\s\u00a0\u2009\u202f]?(?:%|(?:points?|minutes?|min|hours?|h|k|M)\b)"
)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a sentence; ``strong`` where it carries a figure."""

    text: str
    strong: bool


@dataclass(frozen=True, slots=True)
class ChangeWords:
    """A difference in words: ``+4.9 points``, ``better``, its interval, and the page's tone for it."""

    amount: str
    word: str
    interval: str
    tone: str


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One tile as plain text, for a terminal or a Markdown table."""

    label: str
    baseline: str
    candidate: str
    difference: str
    limit: str
    state: str
    grade: str
    n: str
    reason: str


def emphasis(sentence: str) -> tuple[Fragment, ...]:
    """Split a sentence so that its figures can be set in bold.

    Examples
    --------
    >>> [piece.text for piece in emphasis("It takes 38 minutes now") if piece.strong]
    ['38 minutes']
    """
    pieces: list[Fragment] = []
    start = 0
    text = prose(sentence, 600)
    for found in _FIGURE.finditer(text):
        if found.start() > start:
            pieces.append(Fragment(text[start : found.start()], False))
        pieces.append(Fragment(found.group(), True))
        start = found.end()
    if start < len(text):
        pieces.append(Fragment(text[start:], False))
    return tuple(pieces)


def metric_of(result: Result, name: str) -> Metric | None:
    """The glossary's line for a metric."""
    return next((metric for metric in result.glossary if metric.name == name), None)


def metric_label(result: Result, name: str) -> str:
    """The name of a metric as people read it."""
    metric = metric_of(result, name)
    return clean(metric.label) if metric else clean(name.replace("_", " "))


def sentence_case(text: str) -> str:
    """First letter upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def segment_label(segment: Mapping[str, str]) -> str:
    """A segment in words, tier first, then rule, then the other columns by name.

    Examples
    --------
    >>> segment_label({"rule": "renewal-dispute", "mrr_tier": "high"})
    'High MRR · rule renewal-dispute'
    """
    if not segment:
        return "All tickets"
    keys = sorted(segment, key=lambda key: (key != "mrr_tier", key not in _RULE_KEYS, key))
    return sentence_case(" · ".join(_part(key, segment[key]) for key in keys))


def _part(key: str, value: str) -> str:
    """One column and its value."""
    if key == "mrr_tier":
        return "MRR unknown" if value == _NONE else f"{clean(value)} MRR"
    if key in _RULE_KEYS:
        return "no rule" if value == _NONE else f"rule {clean(value)}"
    name = clean(key.replace("_", " "))
    if key == "sla_metric":
        return f"{clean(value.replace('_', ' '))} target"
    if key == "source" and value == "*":
        return "all sources"
    return f"no {name}" if value == _NONE else f"{name} {clean(value)}"


def keys_label(keys: tuple[str, ...]) -> str:
    """Segment columns in words, in the order of `segment_label`."""
    ordered = sorted(keys, key=lambda key: (key != "mrr_tier", key not in _RULE_KEYS, key))
    names = {"mrr_tier": "MRR tier", "rule": "rule", "rule_id": "rule", "sla_metric": "clock"}
    return " and ".join(names.get(key, clean(key.replace("_", " "))) for key in ordered)


def candidate_text(result: Result) -> str:
    """Name and version of the candidate."""
    return clean(f"{result.candidate.name} {result.candidate.version}".strip())


def baseline_text(result: Result) -> str:
    """What the candidate is held against."""
    if result.baseline.name == "history":
        return "against today’s routing, as logged"
    return f"against today’s routing, {clean(f'{result.baseline.name} {result.baseline.version}'.strip())}"


def calibration_text(result: Result) -> str:
    """How far simulated numbers may be trusted, in two or three words."""
    if result.scope.mode != DESK:
        return "routing only, no queue simulated"
    numbers = [
        measure
        for item in result.comparisons
        for measure in (item.baseline, item.candidate, item.difference)
        if measure
    ]
    if any(Flag.NOT_CALIBRATED in measure.flags for measure in numbers):
        return NOT_CALIBRATED
    if any(measure.grade is Grade.SIMULATED for measure in numbers):
        return "calibration passes"
    return "nothing simulated"


def facts(result: Result) -> tuple[str, ...]:
    """The line under the title: population, window, cutoff, kind of run, calibration."""
    scope, zone = result.scope, result.timezone
    people = f"{plural(scope.scored, 'ticket')} from {plural(scope.accounts, 'account')}"
    if scope.without_account and scope.scored:
        share = f"{100 * scope.without_account / scope.scored:.1f}{THIN}%"
        people += f" ({count(scope.without_account)} without a known account, {share})"
    worlds = "1 replay" if scope.replications == 1 else f"{scope.replications} paired replications"
    kind = f"{clean(result.kind)}, {worlds}" if scope.mode == DESK else clean(result.kind)
    parts = [
        f"{people}, {window(scope.start, scope.end, zone)}",
        f"data as of {day_text(scope.cutoff, zone)}",
        kind,
        calibration_text(result),
    ]
    if scope.where:
        parts.insert(1, f"only {clean(scope.where, 200)}")
    return tuple(parts)


def change_words(comparison: Comparison, scale: Scale) -> ChangeWords:
    """A difference with interval and a judgement that says no more than the interval allows.

    Returns
    -------
    ChangeWords
        ``word`` is better, worse, uncertain, no change, or ``change`` where the metric has no better direction.
    """
    difference = comparison.difference
    if difference is None or difference.value is None:
        return ChangeWords(DASH, "no difference can be given", "", "quiet")
    shown = show(difference, scale, change=True)
    exact = difference.value == 0 and difference.low in {0, None} and difference.high in {0, None}
    if exact:
        return ChangeWords("no change", "", "", "quiet")
    if comparison.better is Better.NEITHER:
        return ChangeWords(shown.text, "change", shown.interval, "quiet")
    if comparison.change is Change.NOT_SHOWN:
        return ChangeWords(shown.text, "uncertain", shown.interval, "u")
    word = "better" if comparison.change is Change.BETTER else "worse"
    return ChangeWords(shown.text, word, shown.interval, "b" if word == "better" else "w")


def tile_mark(tile: Tile) -> Mark:
    """Mark of a tile's limit; a tile without numbers is not assessable."""
    if tile.kpi is None:
        return UNKNOWN
    return limit_mark(tile.kpi.state, tile.kpi.severity)


def limit_words(kpi: KpiResult) -> str:
    """A limit and what became of it: ``passes gate ≥ 90 %``."""
    mark = limit_mark(kpi.state, kpi.severity)
    text = prose(kpi.limit_text, LABEL_LIMIT)
    joint = ": " if text[:1].isalpha() else " "
    words = {
        "ok": f"passes gate{joint}{text}",
        "no": f"fails gate{joint}{text}",
        "wa": f"fails gate{joint}{text}, warns",
    }
    if mark.symbol in words:
        return words[mark.symbol]
    return f"uncertain against {text}" if mark.symbol == "un" else f"{mark.word}, {text}"


def kpi_numbers(kpi: KpiResult, currency: str) -> tuple[str, str]:
    """Value and interval of a limit's measure as text; dashes where there is none."""
    if kpi.value is None or kpi.value.value is None:
        return DASH, ""
    change = kpi.on == "difference"
    one = Comparison(kpi.metric, {}, None, kpi.value, None, Better.NEITHER, Change.NOT_SHOWN)
    shown = show(kpi.value, comparison_scale(one, currency), change=change)
    return shown.text, shown.interval


def tile_numbers(tile: Tile) -> tuple[Comparison | None, Measure | None]:
    """The comparison of a tile if it holds any value, and the measure that carries its grade."""
    comparison = tile.comparison
    if comparison is None:
        return None, None
    measures = [measure for measure in (comparison.candidate, comparison.baseline) if measure is not None]
    valued = [measure for measure in measures if measure.value is not None]
    if not valued:
        return None, measures[0] if measures else None
    return comparison, min(valued, key=lambda measure: measure.grade.pips)


def summary_rows(result: Result) -> tuple[SummaryRow, ...]:
    """Return the five tiles as plain text.

    Examples
    --------
    A row reads ``First-action SLA met | 86.9 % | 91.8 % | +4.9 points (+3.1 to +6.6), better | ≥ 90 % | pass``.
    """
    rows = []
    for tile in result.tiles:
        comparison, graded = tile_numbers(tile)
        limit = prose(tile.kpi.limit_text) if tile.kpi else ""
        state = tile.kpi.state if tile.kpi else "not_assessable"
        reason = prose(tile.reason or (tile.kpi.reason if tile.kpi else ""), 200)
        if comparison is None or graded is None:
            rows.append(SummaryRow(clean(tile.label), DASH, DASH, reason or DASH, limit, state, "", "", reason))
            continue
        scale = comparison_scale(comparison, result.currency)
        words = change_words(comparison, scale)
        span = f" ({words.interval})" if words.interval else ""
        rows.append(
            SummaryRow(
                clean(tile.label),
                show(comparison.baseline, scale).text if comparison.baseline else DASH,
                show(comparison.candidate, scale).text if comparison.candidate else DASH,
                f"{words.amount}{span}" + (f", {words.word}" if words.word else ""),
                limit,
                state,
                graded.grade.value,
                f"{count(graded.n)}, {plural(graded.accounts, 'account')}",
                reason,
            )
        )
    return tuple(rows)


def summary_lines(result: Result) -> list[tuple[str, str]]:
    """Return the first screen as pairs of a name and a line of text, in reading order."""
    lines = [
        ("policy", f"{candidate_text(result)} {baseline_text(result)}"),
        ("scope", " · ".join(facts(result))),
        ("verdict", result.verdict.word.value),
        ("why", prose(result.verdict.sentence, 600)),
    ]
    if result.verdict.comparison:
        lines.append(("comparison", prose(result.verdict.comparison, 600)))
    for row in summary_rows(result):
        gate = f" · {row.limit}: {row.state.replace('_', ' ')}" if row.limit else ""
        grade = f" · {row.grade}, n {row.n}" if row.grade else ""
        lines.append((row.label, f"{row.baseline} → {row.candidate}, {row.difference}{gate}{grade}"))
    lines += [("gets worse", clean(harm.label)) for harm in result.harms]
    lines += [("note", clean(notice, 300)) for notice in result.notices]
    lines += [("next", clean(command, 200)) for command in result.verdict.next_commands]
    return lines


def missing_reason(result: Result, *subjects: str) -> str:
    """Why something is not there: the run's own words where it gave any, else the lack of a desk or of data."""
    wanted = {*subjects, *(metric.label for metric in result.glossary if metric.name in subjects)}
    for item in result.not_possible:
        if item.subject in wanted:
            return prose(item.reason)
    return NO_DESK if result.scope.mode != DESK else "not possible: this run holds no such numbers"


def overall(result: Result, metric: str) -> Comparison | None:
    """The comparison of a metric over all tickets."""
    return next((item for item in result.comparisons if item.metric == metric and not item.segment), None)


def arm_name(arm: str) -> str:
    """Arms as executives call them."""
    names: Mapping[str, str] = {
        Arm.BASELINE: "Today",
        Arm.CANDIDATE: "New policy",
        Arm.OBSERVED: "Observed",
        Arm.LIVE: "Live",
    }
    return names.get(arm, clean(arm))
