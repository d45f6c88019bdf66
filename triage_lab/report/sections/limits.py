"""Launch limits and data-quality gates of the first screen: what blocks, what is open, what passes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage_lab.domain.enums import GateState, Grade, Severity
from triage_lab.domain.gate import GateResult
from triage_lab.domain.result import KpiResult, Result
from triage_lab.report import marks
from triage_lab.report.marks import Mark
from triage_lab.report.numbers import DASH, LABEL_LIMIT, THIN, clean, count, in_words, plural, prose
from triage_lab.report.wording import kpi_numbers, sentence_case

LINES = 214  # pixels for rows and folded lines, so that the launch line stays on the first screen
ROW, LINE, FOLD = 47, 17, 26
NAMES = 58  # letters of names on a folded line
MOST = 10  # rows shown whole at most


@dataclass(frozen=True, slots=True)
class GateRow:
    """One gate; ``name`` is its short form for a line of names."""

    mark: Mark
    blocking: bool
    title: str
    reason: str
    needs: str
    value: str
    interval: str
    grade: str
    pips: int
    n: str
    owner: str
    is_data: bool


@dataclass(frozen=True, slots=True)
class Folded:
    """Gates of one state behind one line."""

    mark: Mark
    lead: str
    names: str
    rows: tuple[GateRow, ...]


@dataclass(frozen=True, slots=True)
class GateBlock:
    """The gates of the first screen."""

    title: str
    rows: tuple[GateRow, ...]
    folded: tuple[Folded, ...]


_RANK = {"no": 0, "wa": 1, "un": 2, "na": 3, "ok": 4}


def gate_block(result: Result) -> GateBlock:
    """Sort all gates, blocking first; fold what does not fit and what passes."""
    rows = [limit_row(kpi, result.currency) for kpi in result.kpis]
    rows += [gate_row(gate) for gate in result.gates if _matters(gate)]
    rows.sort(key=lambda row: _RANK[row.mark.symbol])
    blocking = sum(1 for row in rows if row.blocking)
    opened = [row for row in rows if row.mark.symbol != "ok"]
    keep = _keep(opened, blocking)
    folded = []
    for symbol, words in (
        ("no", "block too"),
        ("wa", "fail, but only warn"),
        ("un", "are uncertain"),
        ("na", "cannot be judged"),
    ):
        rest = [row for row in opened[keep:] if row.mark.symbol == symbol]
        if rest:
            folded.append(_fold(rest, f"{len(rest)} more {words if len(rest) > 1 else _singular(words)}:"))
    passing = [row for row in rows if row.mark.symbol == "ok"]
    if passing:
        folded.append(_fold(passing, f"{plural(len(passing), 'gate')} {'passes' if len(passing) == 1 else 'pass'}:"))
    return GateBlock(_title(len(rows), blocking, len(opened)), tuple(opened[:keep]), tuple(folded))


def _keep(opened: list[GateRow], blocking: int) -> int:
    """How many open gates are shown whole: all that block, and others as far as the room reaches."""
    for rows in range(min(len(opened), MOST), blocking, -1):
        folds = len({row.mark.symbol for row in opened[rows:]}) + 1
        if sum(_height(row) for row in opened[:rows]) + folds * FOLD <= LINES:
            return rows
    return min(MOST, max(blocking, min(1, len(opened))))


def _height(row: GateRow) -> int:
    """Pixels that a row takes: a line of the title and one of its reason hold about forty letters each."""
    return ROW - LINE + LINE * max(1, -(-len(row.reason) // 42)) + LINE * ((len(row.title) - 1) // 38)


def _singular(words: str) -> str:
    """The verb form for one gate."""
    return {
        "block too": "blocks too",
        "fail, but only warn": "fails, but only warns",
        "are uncertain": "is uncertain",
    }.get(words, words)


def _matters(gate: GateResult) -> bool:
    """Data gates that warn, or that were skipped without being critical, stay in the data section."""
    if gate.state is GateState.SKIPPED:
        return gate.severity is Severity.CRITICAL
    return gate.state is not GateState.WARN


def _title(total: int, blocking: int, opened: int) -> str:
    """How many gates block, as a finding."""
    if total == 0:
        return "No gate was run"
    if blocking:
        verb = "blocks" if blocking == 1 else "block"
        return sentence_case(f"{in_words(blocking)} of {count(total)} gates {verb}")
    if opened:
        return sentence_case(
            f"no gate fails; {in_words(opened)} of {count(total)} {'is' if opened == 1 else 'are'} open"
        )
    return f"All {count(total)} gates pass"


def _fold(rows: list[GateRow], lead: str) -> Folded:
    """One line of names; data gates are only counted."""
    limits = [row.title for row in rows if not row.is_data]
    data = len(rows) - len(limits)
    names = [title[:1].lower() + title[1:] if title[1:2].islower() else title for title in limits]
    fits = max(1, sum(1 for end in range(1, len(names) + 1) if len(", ".join(names[:end])) <= NAMES))
    told = [*names[:fits], *([f"{len(names) - fits} more"] if len(names) > fits else [])]
    if data:
        told.append(plural(data, "data check"))
    return Folded(rows[0].mark, lead, ", ".join(told), tuple(row for row in rows if not row.is_data))


def limit_row(kpi: KpiResult, currency: str) -> GateRow:
    """One launch limit as a row."""
    mark = marks.limit_mark(kpi.state, kpi.severity)
    value, interval = kpi_numbers(kpi, currency)
    measure = kpi.value
    return GateRow(
        mark, mark is marks.BLOCKS, clean(kpi.title), prose(kpi.reason, 200), prose(kpi.limit_text, LABEL_LIMIT), value,
        interval,
        measure.grade.value if measure else "", measure.grade.pips if measure else 0,
        f"n {count(measure.n)}, {plural(measure.accounts, 'account')}" if measure else "", clean(kpi.owner), False,
    )  # fmt: skip


def gate_row(gate: GateResult) -> GateRow:
    """One data-quality gate as a row; what it counts is observed."""
    mark = marks.gate_mark(gate.state, gate.severity)
    ran = mark.symbol != "na"
    value = gate_value(gate)
    reason = gate.reason or (
        f"for example {', '.join(clean(key, 24) for key in gate.sample[:2])}" if gate.failed and gate.sample else ""
    )
    return GateRow(
        mark,
        mark is marks.BLOCKS,
        clean(gate.title),
        prose(reason, 200),
        gate_limit(gate) or DASH,
        value,
        "",
        Grade.OBSERVED.value if ran else "",
        Grade.OBSERVED.pips if ran else 0,
        f"n {count(gate.n)}" if ran else "",
        clean(gate.owner),
        True,
    )


def gate_value(gate: GateResult) -> str:
    """What a gate found, as text; a gate that did not run has a dash."""
    if gate.state in {GateState.SKIPPED, GateState.ERROR}:
        return DASH
    if gate.failed:
        return f"{count(gate.failed)} fail"
    if gate.value is None or gate.value == 0:
        return "0"
    if 0 < gate.value <= 1:
        return f"{gate.value * 100:.1f}{THIN}%"
    return f"{gate.value:,.2f}".rstrip("0").rstrip(".")


def gate_limit(gate: GateResult) -> str:
    """A gate's limit; a bare bound on a share is written in per cent, as its value is."""
    found = re.fullmatch(r"([≥≤<>]) (0\.\d+)", gate.limit)
    if found is None:
        return prose(gate.limit, LABEL_LIMIT)
    return f"{found[1]} {100 * float(found[2]):.4g}{THIN}%"


def all_limits(result: Result) -> tuple[GateRow, ...]:
    """Every launch limit, blocking first."""
    rows = [limit_row(kpi, result.currency) for kpi in result.kpis]
    return tuple(sorted(rows, key=lambda row: _RANK[row.mark.symbol]))
