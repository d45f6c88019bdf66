"""JUnit: well-formed whatever the text, counts that add up, one outcome a gate."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.errors import Place
from triage_lab.domain.gate import GateResult
from triage_lab.report.junit import junit


def result(state: GateState, severity: Severity = Severity.CRITICAL, **more: object) -> GateResult:
    fields: dict[str, object] = {
        "gate_id": "ids", "table": "tickets", "title": "Ticket ids are unique", "severity": severity, "owner": "ops",
        "state": state, "n": 1000, "failed": 3 if state in (GateState.FAIL, GateState.WARN) else 0, "value": 0.003,
        "limit": "0 rows", "engine": "sql", "place": Place("gates/a.yaml", 7, 5),
    }  # fmt: skip
    return GateResult(**(fields | more))  # type: ignore[arg-type]


def cases(text: str) -> list[ET.Element]:
    return list(ET.fromstring(text.encode()).iter("testcase"))


def outcome(**of: object) -> list[str]:
    return [child.tag for child in cases(junit([result(**of)]))[0]]  # type: ignore[arg-type]


def test_each_state_has_its_outcome() -> None:
    assert outcome(state=GateState.PASS) == []
    assert outcome(state=GateState.FAIL) == ["failure"]
    assert outcome(state=GateState.FAIL, severity=Severity.WARNING) == ["failure"]
    assert outcome(state=GateState.FAIL, severity=Severity.INFO) == ["system-out"]
    assert outcome(state=GateState.WARN) == ["system-out"]
    assert outcome(state=GateState.SKIPPED, reason="no rows") == ["skipped"]
    assert outcome(state=GateState.ERROR, reason="engine") == ["error"]


def test_a_failure_names_finding_severity_owner_place_and_keys() -> None:
    (case,) = cases(junit([result(GateState.FAIL, sample=("T1", "T2"))]))
    failure = case[0]
    assert (case.get("file"), case.get("line"), case.get("classname")) == ("gates/a.yaml", "7", "gates.tickets")
    assert (failure.get("message"), failure.get("type")) == ("3 of 1,000 rows, allowed 0 rows", "critical")
    assert failure.text == "severity critical, owner ops\ngate at gates/a.yaml:7:5\nfirst failing: T1, T2"


def test_scalar_gates_name_their_value() -> None:
    scalar = result(GateState.FAIL, failed=0, value=0.9, limit="≥ 0.95")
    assert cases(junit([scalar]))[0][0].get("message") == "0.9, allowed ≥ 0.95"


def test_counts_add_up_by_table_and_engine() -> None:
    results = [result(state, table=table) for table in ("tickets", "accounts") for state in GateState]
    root = ET.fromstring(junit([*results, result(GateState.PASS, engine="gx")]).encode())
    totals = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert totals == {"tests": "11", "failures": "2", "errors": "2", "skipped": "2"}
    assert [suite.get("name") for suite in root] == ["tickets (sql)", "accounts (sql)", "tickets (gx)"]


@settings(deadline=None, max_examples=60)
@given(st.text(), st.text(), st.text(), st.sampled_from(list(GateState)))
def test_any_text_gives_well_formed_xml(title: str, reason: str, key: str, state: GateState) -> None:
    text = junit([result(state, title=title, reason=reason, sample=(key,), gate_id=key, place=Place(key))])
    (case,) = cases(text)
    assert len(list(case)) == (0 if state is GateState.PASS else 1)


def test_markup_and_control_characters_stay_text() -> None:
    (case,) = cases(junit([result(GateState.PASS, title="<b>&\x00\x1b]]>\ud800")]))
    assert case.get("name") == "ids: <b>&\ufffd\ufffd]]>\ufffd"
