"""Section 4, data quality: which gates hold, what was left out, whose clock is right, what cannot be known."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.gate import GateResult
from triage_lab.domain.result import Result
from triage_lab.report import marks
from triage_lab.report.charts import bars
from triage_lab.report.marks import Mark
from triage_lab.report.numbers import DASH, THIN, clean, count, prose
from triage_lab.report.sections.limits import gate_limit, gate_value
from triage_lab.report.wording import sentence_case

GATES = 80
_ORDER = (GateState.FAIL, GateState.ERROR, GateState.WARN, GateState.SKIPPED, GateState.PASS)
_CLOCKS = {
    "vendor_total": "tickets with a vendor flag",
    "vendor_met": "met by the vendor’s flag",
    "compared": "of them with a clock of our own that has ended",
    "agree": "both say the same",
    "vendor_only_met": "the vendor says met, our clock says breached",
    "ours_only_met": "our clock says met, the vendor says breached",
}


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One gate with the share of rows that fail it."""

    mark: Mark
    title: str
    sub: str
    table: str
    severity: str
    n: str
    failed: str
    value: str
    limit: str
    width: str
    tone: str
    owner: str
    engine: str


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One step from the extract to the numbers."""

    step: str
    tickets: str
    reason: str
    minus: bool
    total: bool


@dataclass(frozen=True, slots=True)
class DataView:
    """Everything of section 4."""

    checks: tuple[CheckRow, ...]
    left: int
    axis: str
    engines: str
    flow: tuple[FlowRow, ...]
    clocks: tuple[tuple[str, str, str], ...]
    missing: tuple[tuple[str, str], ...]


def view(result: Result) -> DataView:
    """Build section 4 of a result."""
    severities = ("critical", "warning", "info")
    ordered = sorted(
        result.gates, key=lambda gate: (_ORDER.index(gate.state), severities.index(gate.severity), gate.gate_id)
    )
    shares = [gate.failed / gate.n for gate in ordered if gate.n and gate.failed]
    top = bars.round_top(shares)
    return DataView(
        tuple(_check(gate, top) for gate in ordered[:GATES]),
        max(0, len(ordered) - GATES),
        f"0 to {100 * top:.0f}{THIN}%",
        ", ".join(sorted({clean(gate.engine) for gate in ordered if gate.engine})),
        _flow(result),
        _clocks(result),
        tuple((clean(item.subject.replace("_", " ")), prose(item.reason)) for item in result.not_possible),
    )


def _check(gate: GateResult, top: float) -> CheckRow:
    """One gate."""
    ran = gate.state not in {GateState.SKIPPED, GateState.ERROR}
    share = gate.failed / gate.n if gate.n and ran else 0.0
    parts = [gate.reason] if gate.reason else []
    if gate.sample and gate.failed:
        parts.append(f"for example {', '.join(clean(key, 32) for key in gate.sample[:3])}")
    fails = gate.state is GateState.FAIL
    if gate.state is GateState.WARN:
        parts.insert(0, "within the tolerance, warns")
    elif fails and gate.severity is not Severity.CRITICAL:
        parts.insert(0, "fails, but only warns")
    value = gate_value(gate)
    if ran and gate.failed and gate.n:
        value = f"{100 * share:.2f}{THIN}%" if 0 < share < 0.001 else f"{100 * share:.1f}{THIN}%"
    return CheckRow(
        marks.gate_mark(gate.state, gate.severity), clean(gate.title), prose(" · ".join(parts), 240), clean(gate.table),
        {"critical": "block", "warning": "warn"}.get(gate.severity, "note"), count(gate.n) if ran else DASH,
        count(gate.failed) if ran else DASH, value, gate_limit(gate), bars.share_width(share, top),
        "fw" if fails else "fn", clean(gate.owner), clean(gate.engine),
    )  # fmt: skip


def _flow(result: Result) -> tuple[FlowRow, ...]:
    """From the store to the numbers: what came in, what was left out, what is analysed, what of it has no truth."""
    rows = []
    for step in result.flow:
        words = sentence_case(clean(step.reason or step.step, 200))
        if step.step == "in":
            rows.append(FlowRow(words, count(step.tickets), "", False, False))
        elif step.step == "analysed":
            rows.append(FlowRow(words, count(step.tickets), "analysed", False, True))
        elif step.step == "unjudged":
            rows.append(FlowRow(words, count(step.tickets), "of them, left out where this is needed", False, False))
        else:
            note = "" if step.step == "out" else clean(step.step)
            rows.append(FlowRow(words, _left_out(step.tickets), note, step.tickets != 0, False))
    return tuple(rows)


def _left_out(value: int) -> str:
    """Tickets left out, with a true minus; none is a plain zero."""
    return count(-abs(value)) if value else "0"


def _clocks(result: Result) -> tuple[tuple[str, str, str], ...]:
    """Vendor against computed clocks: words, count, share where a total is known."""
    clocks = result.vendor_clocks
    compared, total = clocks.get("compared", 0), clocks.get("vendor_total", 0)
    wholes = {"vendor_met": total, "agree": compared, "vendor_only_met": compared, "ours_only_met": compared}
    order = list(_CLOCKS)
    rows = []
    # without a clock of our own nothing was compared, and zeros would read as perfect disagreement
    shown = [key for key in clocks if compared or key not in ("agree", "vendor_only_met", "ours_only_met")]
    for key in sorted(shown, key=lambda name: (order.index(name) if name in _CLOCKS else len(order), name)):
        whole = wholes.get(key, 0)
        share = f"{100 * clocks[key] / whole:.1f}{THIN}%" if whole else ""
        rows.append((_CLOCKS.get(key, clean(key.replace("_", " "))), count(clocks[key]), share))
    return tuple(rows)
