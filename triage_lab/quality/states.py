"""From counts to a state, and from states to an exit code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.gate import Gate, GateResult
from triage_lab.quality.checks import CHECKS


@dataclass(frozen=True, slots=True)
class Counts:
    """What a rows gate counted: rows of the table, rows looked at, offenders.

    ``missing`` names an empty table that it compares with.
    """

    total: int
    n: int
    failed: int
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """What a scalar gate measured, and on how many points."""

    value: float | None
    n: int


def limit_text(gate: Gate) -> str:
    """Return the bound in words, as printed in tables: ``0 rows``, ``≤ 1 % of rows``, ``≥ 0.95``, ``-4 … 4``."""
    if gate.kind == "rows":
        return f"≤ {gate.tolerance * 100:g} % of rows" if gate.tolerance else "0 rows"
    if gate.low is None:
        return f"≤ {gate.high:g}"
    return f"≥ {gate.low:g}" if gate.high is None else f"{gate.low:g} … {gate.high:g}"


def judge_rows(gate: Gate, counts: Counts, engine: str, sample: tuple[str, ...] = ()) -> GateResult:
    """Judge a rows gate.

    Parameters
    ----------
    gate : Gate
    counts : Counts
        Rows.
    engine : {"sql", "gx"}
    sample : tuple of str
        Failing keys for a report, at most 5.

    Returns
    -------
    GateResult
        No offender: pass; a share up to the tolerance: warn; above: fail. Nothing to look at, or fewer rows than
        ``min_n``: skipped, with the reason. ``value`` is the failing share.
    """
    reason = _nothing(gate, counts)
    if reason:
        return _result(gate, GateState.SKIPPED, counts.n, counts.failed, None, engine, reason)
    share = counts.failed / counts.n
    state = GateState.PASS
    if counts.failed:
        state = GateState.WARN if share <= gate.tolerance else GateState.FAIL
    return _result(gate, state, counts.n, counts.failed, share, engine, sample=sample)


def _nothing(gate: Gate, counts: Counts) -> str:
    """Why a rows gate cannot be judged, or ''."""
    if counts.total == 0:
        return f"no rows in {gate.table}"
    if counts.missing:
        return f"no rows in {counts.missing}"
    empty = counts.failed == counts.total if gate.check == "not_null" else counts.n == 0
    if empty:
        subject = str(gate.params.get("column") or gate.params.get("later") or "nothing of the kind")
        return f"no {subject} in this log" if "column" in gate.params or "later" in gate.params else "nothing to check"
    if counts.n < gate.min_n:
        return f"{counts.n:,} rows, at least {gate.min_n:,} needed"
    return ""


def judge_value(gate: Gate, found: Value, engine: str) -> GateResult:
    """Judge a scalar gate: inside the bounds pass, outside fail, too few points or no value skipped.

    Notes
    -----
    ``row_count`` judges an empty table too: no rows is what it looks for.
    """
    least = max(gate.min_n, CHECKS[gate.check].least)
    reason = ""
    if gate.check != "row_count" and found.n == 0:
        reason = _no_points(gate)
    elif gate.check != "row_count" and found.n < least:
        unit = "days" if gate.check == "volume" else "rows"
        reason = f"{found.n:,} {unit}, at least {least:,} needed"
    elif found.value is None or not math.isfinite(found.value):
        reason = "the query gave no value"
    if reason:
        return _result(gate, GateState.SKIPPED, found.n, 0, None, engine, reason)
    value = float(found.value or 0.0)
    inside = (gate.low is None or value >= gate.low) and (gate.high is None or value <= gate.high)
    return _result(gate, GateState.PASS if inside else GateState.FAIL, found.n, 0, value, engine)


def _no_points(gate: Gate) -> str:
    """Why a scalar gate has nothing to work on."""
    if gate.check == "enrichment_coverage":
        return f"no look-up of {gate.params['field']} in this log"
    if gate.check == "volume":
        return "no complete day before the days tested"
    return f"no rows in {gate.table}" if gate.check == "sql" else f"no {gate.params.get('column')} in this log"


def in_error(gate: Gate, message: str, engine: str) -> GateResult:
    """Return the result of a gate whose statement could not be run; an error is never a fail."""
    return _result(gate, GateState.ERROR, 0, 0, None, engine, " ".join(message.split())[:500])


def _result(
    gate: Gate, state: GateState, n: int, failed: int, value: float | None, engine: str, reason: str = "",
    sample: tuple[str, ...] = (),
) -> GateResult:  # fmt: skip
    """The record of one gate."""
    return GateResult(
        gate_id=gate.gate_id,
        table=gate.table,
        title=gate.title,
        severity=gate.severity,
        owner=gate.owner,
        state=state,
        n=n,
        failed=failed,
        value=value,
        limit=limit_text(gate),
        engine=engine,
        reason=reason,
        sample=sample,
        place=gate.place,
    )


def exit_code(results: Sequence[GateResult], warn_as_error: bool = False) -> int:
    """Return the exit code of ``check``.

    Parameters
    ----------
    results : sequence of GateResult
    warn_as_error : bool
        Also 1 if a critical gate warned, or a gate of severity warning warned or failed.

    Returns
    -------
    int
        70 if a gate is in error; else 1 if a critical gate failed; else 4 if a critical gate was skipped; else 0.
        Gates of severity info never change it.
    """
    if any(result.state is GateState.ERROR for result in results):
        return 70
    critical = [result.state for result in results if result.severity is Severity.CRITICAL]
    if GateState.FAIL in critical:
        return 1
    bad = (GateState.FAIL, GateState.WARN)
    if warn_as_error and any(r.state in bad for r in results if r.severity is not Severity.INFO):
        return 1
    return 4 if GateState.SKIPPED in critical else 0
