"""Gate results as JUnit XML, for CI systems that show test results."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.gate import GateResult

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Sequence[GateResult]) -> str:
    """Return the results as JUnit XML: one suite for each table and engine, one case for each gate.

    Parameters
    ----------
    results : sequence of GateResult

    Returns
    -------
    str
        XML with declaration, UTF-8; no times, so equal results give equal bytes.

    Notes
    -----
    A failed gate of severity critical or warning is a failure, an engine error an error, a skipped gate skipped. A gate
    that only warns, or fails with severity info, is a passed case that says so in its output.

    Examples
    --------
    >>> junit(()).splitlines()[0]
    '<?xml version="1.0" encoding="UTF-8"?>'
    """
    groups: dict[tuple[str, str], list[GateResult]] = {}
    for result in results:
        groups.setdefault((result.table, result.engine), []).append(result)
    root = ET.Element("testsuites", {"name": "data-quality gates"} | _totals(results))
    for (table, engine), members in groups.items():
        suite = ET.SubElement(root, "testsuite", {"name": _clean(f"{table} ({engine})")} | _totals(members))
        for result in members:
            _add_case(suite, result)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _totals(results: Sequence[GateResult]) -> dict[str, str]:
    """The counts that a suite carries."""
    return {
        "tests": str(len(results)),
        "failures": str(sum(_is_failure(result) for result in results)),
        "errors": str(sum(result.state is GateState.ERROR for result in results)),
        "skipped": str(sum(result.state is GateState.SKIPPED for result in results)),
    }


def _is_failure(result: GateResult) -> bool:
    """Whether a result is shown as a failure."""
    return result.state is GateState.FAIL and result.severity is not Severity.INFO


def _clean(text: str) -> str:
    """Replace what XML cannot hold, such as control characters."""
    return _NOT_XML.sub("\ufffd", text)


def _add_case(suite: ET.Element, result: GateResult) -> None:
    """Add one gate."""
    named = {"classname": _clean(f"gates.{result.table}"), "name": _clean(f"{result.gate_id}: {result.title}")}
    if result.place.file:
        named["file"] = _clean(result.place.file)
    if result.place.line is not None:
        named["line"] = str(result.place.line)
    case = ET.SubElement(suite, "testcase", named)
    if result.state is GateState.SKIPPED:
        ET.SubElement(case, "skipped", {"message": _clean(result.reason)})
    elif result.state is GateState.ERROR:
        ET.SubElement(case, "error", {"message": _clean(result.reason), "type": "engine"})
    elif _is_failure(result):
        failure = ET.SubElement(case, "failure", {"message": _clean(_finding(result)), "type": result.severity.value})
        failure.text = _clean(_details(result))
    elif result.state is not GateState.PASS:
        ET.SubElement(case, "system-out").text = _clean(f"{result.state.value}: {_finding(result)}\n{_details(result)}")


def _finding(result: GateResult) -> str:
    """What was found against what is allowed."""
    if result.failed:
        return f"{result.failed:,} of {result.n:,} rows, allowed {result.limit}"
    value = "no value" if result.value is None else f"{result.value:g}"
    return f"{value}, allowed {result.limit}"


def _details(result: GateResult) -> str:
    """Severity, owner, place and the first failing keys."""
    lines = [f"severity {result.severity.value}, owner {result.owner}"]
    if str(result.place):
        lines.append(f"gate at {result.place}")
    if result.sample:
        lines.append("first failing: " + ", ".join(result.sample))
    return "\n".join(lines)
