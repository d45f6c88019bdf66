"""Gate files: typed gates from good text; every mistake is named with its place and the nearest right word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_desk import parsed

from triage_lab.domain.documents import Document, SourceMap
from triage_lab.domain.enums import Severity
from triage_lab.domain.errors import GateError
from triage_lab.domain.tables import CANONICAL
from triage_lab.lab.documents import parse_document, read_document
from triage_lab.quality import CHECKS, gates_for, read_gates

GATES = Path(__file__).resolve().parents[2] / "data" / "gates"
GOOD = """\
version: "1"
gates:
  - id: ids
    title: Ticket ids are unique
    table: tickets
    check: unique
    severity: critical
    owner: data-platform
  - id: share
    title: Churn risk is a share
    table: accounts
    check: range
    params: {column: churn_risk}
    low: 0
    high: 1.0
    tolerance: 0.01
    min_n: 50
    severity: warning
    owner: revenue
    keys: [account_id]
    when: [weekly]
"""


def test_good_text_gives_typed_gates() -> None:
    ids, share = parsed(GOOD)
    assert (ids.kind, ids.keys, ids.tolerance, ids.min_n) == ("rows", ("ticket_id",), 0.0, 1)
    assert (ids.when, str(ids.place)) == (("ingest", "daily", "launch"), "gates/a.yaml:3:5")
    assert (share.low, share.high, share.tolerance, share.min_n) == (0.0, 1.0, 0.01, 50)
    assert (share.severity, share.keys, share.params) == (Severity.WARNING, ("account_id",), {"column": "churn_risk"})
    assert gates_for((ids, share), "weekly") == (share,)
    assert gates_for((ids, share), "launch") == (ids,)
    with pytest.raises(GateError, match="unknown occasion 'lunch'"):
        gates_for((ids, share), "lunch")


REFUSED = [
    ('version: "1"', "version: 1", "version is '1'", '"1" (in quotes)', 1),
    ("gates:", "gaits:", "unknown key 'gaits'", "'gates'?", 2),
    ("table: tickets", "table: ticket", "unknown table 'ticket'", "'tickets'?", 5),
    ("check: unique", "check: uniq", "unknown check 'uniq'", "'unique'?", 6),
    ("severity: critical", "severity: high", "unknown severity 'high'", "one of critical, info, warning", 7),
    ("owner: data-platform", "owner: 7", "owner is '7'", "text", 8),
    ("owner: data-platform", "owned: x", "unknown key 'owned'", "'owner'?", 8),
    ("    owner: data-platform\n", "", "owner is missing", "text", 3),
    ("id: ids", "id: a b", "'a b' is no id", "letters", 3),
    ("id: share", "id: ids", "the id 'ids' is used twice (first at gates/a.yaml:3:5)", "each id once", 9),
    ("column: churn_risk", "column: churn_rsk", "accounts has no column 'churn_rsk'", "'churn_risk'?", 13),
    ("column: churn_risk", "column: name", "name is VARCHAR", "churn_risk", 13),
    ("column: churn_risk", "colum: churn_risk", "unknown key 'colum'", "'column'?", 13),
    ("{column: churn_risk}", "{}", "params has no 'column'", "column", 13),
    ("{column: churn_risk}", "churn_risk", "params is 'churn_risk'", "a mapping", 13),
    ("low: 0", "low: zero", "low is 'zero'", "a number", 14),
    ("low: 0", "low: true", "low is 'True'", "a number", 14),
    ("low: 0", "low: 2", "low 2 is above high 1", "low ≤ high", 14),
    ("tolerance: 0.01", "tolerance: 1.0", "tolerance is 1", "below 1", 16),
    ("tolerance: 0.01", "tolerance: -0.1", "tolerance is -0.1", "from 0", 16),
    ("min_n: 50", "min_n: 0", "min_n is '0'", "a whole number from 1", 17),
    ("min_n: 50", "min_n: 2.5", "min_n is '2.5'", "a whole number from 1", 17),
    ("keys: [account_id]", "keys: [acount_id]", "accounts has no column 'acount_id'", "'account_id'?", 20),
    ("keys: [account_id]", "keys: []", "keys is a list", "a list of texts", 20),
    ("keys: [account_id]", "keys: [name, name]", "names something twice", "each text once", 20),
    ("when: [weekly]", "when: [weakly]", "unknown occasion 'weakly'", "'weekly'?", 21),
    ("check: unique", "check: event_order", "'event_order' has no meaning for tickets", "ticket_events", 5),
    ("check: unique", "check: unique\n    low: 1", "unknown key 'low'", "one of", 7),
    ("check: unique", "check: unique\n    sql: SELECT 1", "unknown key 'sql'", "one of", 7),
    ("    low: 0\n    high: 1.0\n", "", "'range' without bounds", "low, high or both", 12),
]


@pytest.mark.parametrize(("old", "new", "found", "expected", "line"), REFUSED)
def test_a_mistake_is_named_with_its_place(old: str, new: str, found: str, expected: str, line: int) -> None:
    assert old in GOOD
    with pytest.raises(GateError) as caught:
        parsed(GOOD.replace(old, new, 1))
    error = caught.value
    assert found in error.found
    assert expected in error.expected
    assert (error.place.file, error.place.line, error.exit_code) == ("gates/a.yaml", line, 3)


PARAMS = [
    ("tickets", "foreign_key", "{column: account_id, references: account.account_id}", "unknown table 'account'"),
    ("tickets", "foreign_key", "{column: account_id, references: accounts.id}", "accounts has no column 'id'"),
    ("tickets", "foreign_key", "{column: account_id, references: [a]}", "unknown table"),
    ("tickets", "order", "{earlier: created_at, later: handle_minutes}", "different types"),
    ("tickets", "allowed_values", "{column: channel, values: []}", "values is a list"),
    ("tickets", "allowed_values", "{column: channel, values: [email, 7]}", "values is a list"),
    ("tickets", "pattern", '{column: channel, regex: ""}', "regex is"),
    ("tickets", "pattern", "{column: channel, regex: a, absent: 1}", "absent is '1'"),
    ("tickets", "unique", "{columns: [nope]}", "tickets has no column 'nope'"),
    ("tickets", "volume", "{column: created_at, days: 0}\n    low: 1", "days is '0'"),
]


@pytest.mark.parametrize(("table", "check", "params", "found"), PARAMS)
def test_parameters_are_typed(table: str, check: str, params: str, found: str) -> None:
    text = (
        'version: "1"\ngates:\n  - id: g\n    title: t\n    severity: info\n    owner: o\n'
        f"    table: {table}\n    check: {check}\n    params: {params}\n"
    )
    with pytest.raises(GateError) as caught:
        parsed(text)
    assert found in caught.value.found
    assert caught.value.place.line == 9


def test_own_queries_say_what_kind_they_are_and_stay_short() -> None:
    text = GOOD.replace(
        "check: unique", "check: sql\n    kind: rows\n    keys: [anything]\n    sql: SELECT 1 AS anything"
    )
    assert parsed(text)[0].keys == ("anything",)
    with pytest.raises(GateError, match="kind is missing"):
        parsed(text.replace("    kind: rows\n", ""))
    with pytest.raises(GateError, match="20,0"):
        parsed(text.replace("SELECT 1", "SELECT 1 " + "+ 1" * 7_000))
    with pytest.raises(GateError, match="without bounds"):
        parsed(text.replace("kind: rows", "kind: scalar"))


def test_ids_are_unique_over_files() -> None:
    one, two = (parse_document(GOOD, name) for name in ("a.yaml", "b.yaml"))
    with pytest.raises(GateError, match=r"b\.yaml:3:5: the id 'ids' is used twice \(first at a\.yaml:3:5\)"):
        read_gates([one, two])


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(sorted(CHECKS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ["id", "title", "table", "check", "severity", "owner", "keys", "params", "tolerance", "min_n", "low", "when"]


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(st.sampled_from(_KEYS), _plain), st.sampled_from(sorted(CANONICAL)), st.sampled_from(sorted(CHECKS))
)
def test_whatever_stands_there_is_read_or_refused(entry: dict[str, object], table: str, check: str) -> None:
    base = {"id": "g", "title": "t", "table": table, "check": check, "severity": "info", "owner": "o"}
    try:
        (gate,) = read_gates([Document({"version": "1", "gates": [base | entry]}, SourceMap("g.yaml"))])
    except GateError as error:
        assert error.place.file == "g.yaml"
    else:
        assert gate.check in CHECKS


def test_the_default_suite_is_sound() -> None:
    gates = read_gates([read_document(path, name=path.name) for path in sorted(GATES.glob("*.yaml"))])
    assert len(gates) >= 40
    assert {gate.check for gate in gates} == set(CHECKS) - {"row_count"}
    assert all(gate.title[0].isupper() and not gate.title.endswith(".") for gate in gates)
    assert gates_for(gates, "launch") == gates
