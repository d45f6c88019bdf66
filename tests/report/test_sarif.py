"""SARIF: findings at the gate's line, notices for what could not be judged, the shape that version 2.1.0 demands."""

from __future__ import annotations

import json
from typing import Any

from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.errors import NOWHERE, Place
from triage_lab.domain.gate import GateResult
from triage_lab.report.sarif import sarif


def result(state: GateState, severity: Severity = Severity.CRITICAL, **more: object) -> GateResult:
    fields: dict[str, object] = {
        "gate_id": "ids", "table": "tickets", "title": "Ticket ids are unique", "severity": severity, "owner": "ops",
        "state": state, "n": 1000, "failed": 3, "value": 0.003, "limit": "0 rows", "engine": "sql",
        "place": Place("my gates/ä.yaml", 7, 5),
    }  # fmt: skip
    return GateResult(**(fields | more))  # type: ignore[arg-type]


def log(*results: GateResult) -> dict[str, Any]:
    document = json.loads(sarif(results))
    assert (document["version"], len(document["runs"])) == ("2.1.0", 1)
    run: dict[str, Any] = document["runs"][0]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(ids) == len(set(ids))
    for finding in run["results"]:
        assert ids[finding["ruleIndex"]] == finding["ruleId"]
    for notice in run["invocations"][0]["toolExecutionNotifications"]:
        assert ids[notice["associatedRule"]["index"]] == notice["associatedRule"]["id"]
    return run


def test_a_finding_points_at_the_gates_line() -> None:
    (finding,) = log(result(GateState.FAIL, sample=("T1",)))["results"]
    place = finding["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20gates/%C3%A4.yaml"
    assert place["region"] == {"startLine": 7, "startColumn": 5}
    text = "Ticket ids are unique: found 3 of 1,000 rows, allowed 0 rows. First failing: T1."
    assert (finding["message"]["text"], finding["level"]) == (text, "error")


def test_levels_follow_severity_and_state() -> None:
    def level(state: GateState, severity: Severity) -> str:
        return str(log(result(state, severity))["results"][0]["level"])

    assert [level(GateState.FAIL, severity) for severity in Severity] == ["error", "warning", "note"]
    assert [level(GateState.WARN, severity) for severity in Severity] == ["warning", "note", "note"]


def test_what_passed_is_a_rule_and_what_could_not_be_judged_a_notice() -> None:
    run = log(
        result(GateState.PASS, gate_id="a"),
        result(GateState.SKIPPED, gate_id="b", reason="no rows"),
        result(GateState.ERROR, gate_id="c", reason="engine"),
    )
    invocation = run["invocations"][0]
    assert (run["results"], invocation["executionSuccessful"]) == ([], False)
    assert [n["level"] for n in invocation["toolExecutionNotifications"]] == ["note", "error"]
    assert log(result(GateState.SKIPPED))["invocations"][0]["executionSuccessful"] is True


def test_both_engines_share_a_rule_but_not_a_fingerprint() -> None:
    run = log(result(GateState.FAIL), result(GateState.FAIL, engine="gx"))
    assert len({finding["partialFingerprints"]["gate/v1"] for finding in run["results"]}) == 2
    assert len(run["tool"]["driver"]["rules"]) == 1


def test_a_gate_without_a_file_has_no_location_and_a_value_without_rows_is_named() -> None:
    (finding,) = log(result(GateState.FAIL, failed=0, value=0.9, limit="≥ 0.95", place=NOWHERE))["results"]
    assert finding["locations"] == []
    assert finding["message"]["text"] == "Ticket ids are unique: found 0.9, allowed ≥ 0.95."


def test_paths_are_relative_with_slashes() -> None:
    (finding,) = log(result(GateState.FAIL, place=Place(r"\a\b:c.yaml")))["results"]
    physical = finding["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": "a/b%3Ac.yaml"}}
