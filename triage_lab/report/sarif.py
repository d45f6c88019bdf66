"""Gate results as SARIF 2.1.0, for code-scanning views; every finding points at the gate's line in its YAML file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.errors import Place
from triage_lab.domain.gate import GateResult

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(results: Sequence[GateResult]) -> str:
    """Return the results as a SARIF 2.1.0 log.

    Parameters
    ----------
    results : sequence of GateResult

    Returns
    -------
    str
        JSON, sorted and indented; no times, so equal results give equal bytes.

    Notes
    -----
    Gates that failed or warned are results; a warning is one level below its severity. Gates that were skipped or are
    in error are notifications of the run, which has not succeeded if any is in error. Passed gates are listed as rules
    only.

    Examples
    --------
    >>> json.loads(sarif(()))["runs"][0]["results"]
    []
    """
    rules = {result.gate_id: result for result in results}
    order = {gate_id: index for index, gate_id in enumerate(rules)}
    notices = [result for result in results if result.state in (GateState.ERROR, GateState.SKIPPED)]
    run = {
        "tool": {"driver": {"name": "triage_lab", "rules": [_rule(r) for r in rules.values()]}},
        "columnKind": "unicodeCodePoints",
        "results": [_finding(r, order[r.gate_id]) for r in results if r.state in (GateState.FAIL, GateState.WARN)],
        "invocations": [
            {
                "executionSuccessful": all(result.state is not GateState.ERROR for result in results),
                "toolExecutionNotifications": [_notice(r, order[r.gate_id]) for r in notices],
            }
        ],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _rule(result: GateResult) -> dict[str, object]:
    """The gate as a rule."""
    return {
        "id": result.gate_id,
        "shortDescription": {"text": result.title},
        "defaultConfiguration": {"level": _LEVEL[result.severity]},
        "properties": {"table": result.table, "owner": result.owner, "severity": result.severity.value},
    }


def _finding(result: GateResult, index: int) -> dict[str, object]:
    """A gate that failed or warned."""
    level = _LEVEL[result.severity]
    if result.state is GateState.WARN:
        level = "warning" if level == "error" else "note"
    return {
        "ruleId": result.gate_id,
        "ruleIndex": index,
        "level": level,
        "message": {"text": _message(result)},
        "locations": _locations(result.place),
        "partialFingerprints": {"gate/v1": f"{result.table}/{result.gate_id}/{result.engine}"},
        "properties": {
            "state": result.state.value,
            "engine": result.engine,
            "n": result.n,
            "failed": result.failed,
            "value": result.value,
        },
    }


def _message(result: GateResult) -> str:
    """Title, finding, allowance and the first failing keys, in one paragraph."""
    found = f"{result.failed:,} of {result.n:,} rows" if result.failed else "no value"
    if not result.failed and result.value is not None:
        found = f"{result.value:g}"
    text = f"{result.title}: found {found}, allowed {result.limit}."
    return f"{text} First failing: {', '.join(result.sample)}." if result.sample else text


def _notice(result: GateResult, index: int) -> dict[str, object]:
    """A gate that could not be judged."""
    error = result.state is GateState.ERROR
    return {
        "descriptor": {"id": result.state.value},
        "associatedRule": {"id": result.gate_id, "index": index},
        "level": "error" if error else "note",
        "message": {"text": f"{result.title}: {result.state.value}, {result.reason}"},
        "locations": _locations(result.place),
    }


def _locations(place: Place) -> list[dict[str, object]]:
    """Where the gate stands; empty if it came from no file."""
    if not place.file:
        return []
    # An absolute path is no relative reference; code-scanning views want paths from the repository's root anyway.
    uri = quote(place.file.replace("\\", "/").lstrip("/"), safe="/-._~")
    physical: dict[str, object] = {"artifactLocation": {"uri": uri}}
    if place.line is not None:
        region = {"startLine": place.line}
        if place.column is not None:
            region["startColumn"] = place.column
        physical["region"] = region
    return [{"physicalLocation": physical}]
