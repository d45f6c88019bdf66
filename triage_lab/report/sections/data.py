"""Section 4, data quality: which gates hold, what was left out, whose clock is right, what cannot be known."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.gate import GateResult
from triage_lab.domain.result import Result
from triage_lab.report import marks
from triage_lab.report.charts import bars
from triage_lab.report.marks import Mark
from triage_lab.report.numbers import DASH, LABEL_LIMIT, THIN, clean, count, prose
from triage_lab.report.sections.limits import gate_value

GATES = 120
_ORDER = (GateState.FAIL, GateState.ERROR, GateState.WARN, GateState.SKIPPED, GateState.PASS)
_CLOCKS = {
    "agree": "vendor flag and our clock agree",
    "disagree": "vendor flag and our clock disagree",
    "vendor_met": "met by the vendor’s flag",
    "vendor_total": "tickets with a vendor flag",
    "computed_met": "met by our clock",
    "computed_total": "tickets with our clock",
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
    ordered = sorted(result.gates, key=lambda gate: (_ORDER.index(gate.state), severities.index(gate.severity), gate.gate_id))
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
        count(gate.failed) if ran else DASH, value, prose(gate.limit, LABEL_LIMIT), bars.share_width(share, top),
        "fw" if fails else "fn", clean(gate.owner), clean(gate.engine),
    )  # fmt: skip


def _flow(result: Result) -> tuple[FlowRow, ...]:
    """From the extract to the numbers: the last step is what is left, the first may be what there was."""
    steps = result.flow
    if not steps:
        return ()
    left_in = steps[-1]
    opening = len(steps) > 1 and steps[0].tickets == sum(step.tickets for step in steps[1:])
    middle = steps[1:-1] if opening else steps[:-1]
    rows = [FlowRow(clean(step.step), _left_out(step.tickets), clean(step.reason, 200), step.tickets != 0, False) for step in middle]
    first = steps[0] if opening else None
    total = first.tickets if first else sum(step.tickets for step in steps)
    start = FlowRow(clean(first.step) if first else "In the extract", count(total), clean(first.reason, 200) if first else "", False, False)
    end = FlowRow(clean(left_in.step), count(left_in.tickets), clean(left_in.reason, 200), False, True)
    return (start, *rows, end)


def _left_out(value: int) -> str:
    """Tickets left out, with a true minus; none is a plain zero."""
    return count(-abs(value)) if value else "0"


def _clocks(result: Result) -> tuple[tuple[str, str, str], ...]:
    """Vendor against computed clocks: words, count, share where a total is known."""
    clocks = result.vendor_clocks
    compared = clocks.get("agree", 0) + clocks.get("disagree", 0)
    total = clocks.get("vendor_total", 0)
    rows = []
    for key in sorted(clocks, key=lambda name: (list(_CLOCKS).index(name) if name in _CLOCKS else 99, name)):
        whole = compared if key in {"agree", "disagree"} else total if key == "vendor_met" else 0
        share = f"{100 * clocks[key] / whole:.1f}{THIN}%" if whole else ""
        rows.append((_CLOCKS.get(key, clean(key.replace("_", " "))), count(clocks[key]), share))
    return tuple(rows)
