"""The first screen: title, verdict, tiles, gates, harms, launch items, next commands."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.enums import VerdictWord
from triage_lab.domain.measure import Comparison
from triage_lab.domain.result import Harm, Result, Tile
from triage_lab.report import marks
from triage_lab.report.charts import tile as tile_chart
from triage_lab.report.charts.axis import spanning
from triage_lab.report.charts.interval import Lane, lane
from triage_lab.report.marks import Mark
from triage_lab.report.numbers import DASH, FLAG_WORDS, THIN, Scale, clean, comparison_scale, count, plural, prose, show
from triage_lab.report.sections.limits import GateBlock, gate_block
from triage_lab.report.wording import (
    ChangeWords,
    Fragment,
    baseline_text,
    candidate_text,
    change_words,
    emphasis,
    facts,
    limit_words,
    metric_label,
    sentence_case,
    tile_mark,
    tile_numbers,
)

NOTICES = 2


@dataclass(frozen=True, slots=True)
class TileView:
    """One tile; ``reason`` stands where numbers cannot be given."""

    label: str
    baseline: str
    candidate: str
    unit: str
    plot: tile_chart.TilePlot | None
    amount: str
    word: str
    tone: str
    interval: str
    note: str
    mark: Mark
    limit: str
    grade: str
    pips: int
    flags: str
    n: str
    reason: str


@dataclass(frozen=True, slots=True)
class HarmView:
    """One segment that certainly gets worse."""

    label: str
    amount: str
    line: str
    grade: str
    pips: int
    n: str
    lanes: tuple[Lane, ...]
    drawing: str


@dataclass(frozen=True, slots=True)
class LaunchItem:
    """One of the nine items on the first screen."""

    name: str
    mark: Mark
    action: str


@dataclass(frozen=True, slots=True)
class FirstView:
    """Everything above the fold."""

    lab: str
    run_id: str
    title: str
    against: str
    facts: tuple[str, ...]
    notices: tuple[str, ...]
    more_notices: int
    verdict: Mark
    word: tuple[str, ...]
    sentence: tuple[Fragment, ...]
    comparison: tuple[Fragment, ...]
    tiles: tuple[TileView, ...]
    gates: GateBlock
    harms: tuple[HarmView, ...]
    harmless: str
    items: tuple[LaunchItem, ...]
    items_title: str
    commands: tuple[str, ...]


def view(result: Result) -> FirstView:
    """Build the first screen of a result."""
    verdict = result.verdict
    long = verdict.word is VerdictWord.NOT_ENOUGH_EVIDENCE
    return FirstView(
        lab=clean(result.lab),
        run_id=clean(result.run_id),
        title=candidate_text(result),
        against=baseline_text(result),
        facts=facts(result),
        notices=tuple(prose(notice) for notice in result.notices[:NOTICES]),
        more_notices=max(0, len(result.notices) - NOTICES),
        verdict=marks.VERDICT[verdict.word],
        word=("NOT ENOUGH", "EVIDENCE") if long else (verdict.word.value,),
        sentence=emphasis(verdict.sentence),
        comparison=emphasis(verdict.comparison),
        tiles=tuple(_tile(result, tile) for tile in result.tiles),
        gates=gate_block(result),
        harms=tuple(_harm(result, harm) for harm in result.harms),
        harmless=_harmless(result),
        items=tuple(
            LaunchItem(sentence_case(clean(item.item)), marks.ITEM[item.state], prose(item.action or item.finding, 200))
            for item in verdict.items
        ),
        items_title=_items_title(result),
        commands=tuple(clean(command, 200) for command in verdict.next_commands),
    )


def _tile(result: Result, tile: Tile) -> TileView:
    """One tile, with or without numbers."""
    comparison, graded = tile_numbers(tile)
    limit = limit_words(tile.kpi) if tile.kpi else "no gate on this number"
    reason = tile.reason or (tile.kpi.reason if tile.kpi else "")
    if comparison is None or graded is None:
        return TileView(
            clean(tile.label), "", DASH, "", None, "", "", "quiet", "", "", tile_mark(tile), limit, "", 0, "", "",
            prose(reason or "no number in this run", 200),
        )  # fmt: skip
    scale = comparison_scale(comparison, result.currency)
    words = change_words(comparison, scale)
    limit_at, limit_text = _limit(tile, comparison)
    flags = ", ".join(FLAG_WORDS[flag] for flag in graded.flags)
    return TileView(
        clean(tile.label),
        scale.prefix + show(comparison.baseline, scale).number if comparison.baseline else "",
        scale.prefix + show(comparison.candidate, scale).number if comparison.candidate else DASH,
        _unit(comparison, scale, graded.unit),
        tile_chart.geometry(comparison, scale, name=clean(tile.label), limit=limit_at, limit_text=limit_text),
        words.amount, words.word, words.tone, words.interval, _note(words, graded.unit), tile_mark(tile), limit,
        graded.grade.value, graded.grade.pips, flags, f"n {count(graded.n)}, {plural(graded.accounts, 'account')}", "",
    )  # fmt: skip


def _unit(comparison: Comparison, scale: Scale, unit: str) -> str:
    """Unit beside the large number; handoffs per ticket say it in their name, a dash has none."""
    candidate = comparison.candidate
    return "" if unit == "per_ticket" or candidate is None or candidate.value is None else scale.suffix.strip(" ")


def _note(words: ChangeWords, unit: str) -> str:
    """The interval of the difference, or why there is none."""
    if words.interval:
        return f"95{THIN}% interval {words.interval}"
    if words.amount == "no change":
        return "the same in both arms"
    return "no interval: a census" if unit == "money" else "no interval"


def _limit(tile: Tile, comparison: Comparison) -> tuple[float | None, str]:
    """Where the limit stands on the tile's axis: its value, or today's value where the limit is on the change."""
    kpi = tile.kpi
    if kpi is None or kpi.limit is None:
        return None, ""
    if kpi.on != "difference":
        return kpi.limit, comparison_scale(comparison, "").number(kpi.limit).removesuffix(".0")
    if kpi.limit == 0 and comparison.baseline is not None and comparison.baseline.value is not None:
        return comparison.baseline.value, "today"
    return None, ""


def _harm(result: Result, harm: Harm) -> HarmView:
    """One line of what gets worse."""
    comparison = harm.comparison
    scale = comparison_scale(comparison, result.currency)
    words = change_words(comparison, scale)
    arms = (comparison.baseline, comparison.candidate)
    measures = [measure for measure in arms if measure is not None]
    before, after = (show(measure, scale).number if measure else DASH for measure in arms)
    axis = spanning([value for measure in measures for value in (measure.value, measure.low, measure.high)], 0.12)
    lanes = (
        lane(comparison.baseline, axis, name="today", tone="ba", y=8, radius=3.5, scale=scale),
        lane(comparison.candidate, axis, name="new policy", tone="wo", y=22, radius=4, scale=scale),
    )
    graded = comparison.difference or comparison.candidate
    line = f"{metric_label(result, comparison.metric)} {scale.prefix}{before} → {scale.prefix}{after}{scale.suffix}"
    return HarmView(
        sentence_case(clean(harm.label)),
        words.amount + (f" ({words.interval})" if words.interval else ""),
        line,
        graded.grade.value if graded else "",
        graded.grade.pips if graded else 0,
        f"n {count(graded.n)}, {plural(graded.accounts, 'account')}" if graded else "",
        tuple(item for item in lanes if item is not None),
        f"{clean(harm.label)}: {line}",
    )


def _harmless(result: Result) -> str:
    """What to say where nothing certainly gets worse."""
    if not result.comparisons:
        return "No segment could be compared, so harm cannot be ruled out."
    looked_up = {"sla_metric", "field", "source"}
    compared = sum(1 for item in result.comparisons if set(item.segment) - looked_up)
    if not compared:
        return "Only totals were compared; harm to single segments cannot be ruled out."
    told = f"No segment certainly gets worse, of {count(compared)} numbers by segment"
    return f"{told}; intervals that contain no change do not exclude it."


def _items_title(result: Result) -> str:
    """How many of the nine items are green, red and missing."""
    words = [
        f"{sum(1 for item in result.verdict.items if item.state == state)} {state}"
        for state in ("green", "red", "missing")
    ]
    return f"Launch checklist: {', '.join(words)}"
