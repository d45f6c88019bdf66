"""States as mark, word and tone: colour never stands alone."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.enums import Change, GateState, ItemState, Severity, VerdictWord


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign of the page: ``symbol`` is an id of the sprite, ``tone`` a CSS class, ``word`` says it."""

    symbol: str
    tone: str
    word: str


PASSES = Mark("ok", "pass", "passes")
BLOCKS = Mark("no", "fail", "blocks")
WARNS = Mark("wa", "fail", "fails, warns only")
TOLERATED = Mark("wa", "warn", "warns")
UNCERTAIN = Mark("un", "warn", "uncertain")
UNKNOWN = Mark("na", "na", "not assessable")
SKIPPED = Mark("na", "na", "skipped")
BROKEN = Mark("na", "na", "could not run")

ITEM = {
    ItemState.GREEN: Mark("ok", "pass", "green"),
    ItemState.RED: Mark("no", "fail", "red"),
    ItemState.MISSING: Mark("na", "na", "missing"),
}
VERDICT = {
    VerdictWord.GO: Mark("ok", "go", "GO"),
    VerdictWord.NO_GO: Mark("no", "stop", "NO-GO"),
    VerdictWord.NOT_ENOUGH_EVIDENCE: Mark("un", "unsure", "NOT ENOUGH EVIDENCE"),
}
TONE = {Change.BETTER: "b", Change.WORSE: "w", Change.NOT_SHOWN: "u"}
SIGN = {Change.BETTER: "▲", Change.WORSE: "▼", Change.NOT_SHOWN: "~"}
LANE = {Change.BETTER: "be", Change.WORSE: "wo", Change.NOT_SHOWN: "un"}


def limit_mark(state: str, severity: str) -> Mark:
    """Mark of a launch limit: a warning inside it means that the interval contains the limit."""
    if state == GateState.PASS:
        return PASSES
    if state == GateState.FAIL:
        return BLOCKS if severity == Severity.CRITICAL else WARNS
    if state == GateState.WARN:
        return UNCERTAIN
    return BROKEN if state == GateState.ERROR else UNKNOWN


def gate_mark(state: GateState, severity: Severity) -> Mark:
    """Mark of a data-quality gate: a warning there means offenders within the tolerance."""
    if state is GateState.PASS:
        return PASSES
    if state is GateState.FAIL:
        return BLOCKS if severity is Severity.CRITICAL else WARNS
    if state is GateState.WARN:
        return TOLERATED
    return BROKEN if state is GateState.ERROR else SKIPPED
