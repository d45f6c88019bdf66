"""result.json: round trip, stable bytes, clear refusals, a published schema that is current."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from results_for_report import full_result, hostile_result, routing_result

from triage_lab.domain.errors import ConfigError, InternalError
from triage_lab.domain.result import FlowStep, Result
from triage_lab.report import from_json, schema, schema_text, to_json

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "reference" / "result.schema.json"
BUILDERS = (full_result, routing_result, hostile_result)


@pytest.mark.parametrize("build", BUILDERS)
def test_round_trip(build: type[Result]) -> None:
    text = to_json(build())
    again = from_json(text)
    assert to_json(again) == text
    assert again.verdict == build().verdict
    assert again.comparisons == build().comparisons


def test_text_is_readable_utf8_with_one_newline_at_the_end() -> None:
    text = to_json(full_result())
    assert text.endswith("}\n") and not text.endswith("\n\n")
    assert "vendor’s" in text and "\\u" not in text
    assert list(json.loads(text))[:3] == ["schema_version", "kind", "run_id"]


def test_mappings_are_sorted_whatever_order_they_came_in() -> None:
    result = full_result()
    turned = replace(result, vendor_clocks=dict(reversed(list(result.vendor_clocks.items()))))
    assert to_json(turned) == to_json(result)


def test_whole_numbers_in_float_fields_are_written_as_floats() -> None:
    result = full_result()
    kpi = replace(result.kpis[3], limit=0)
    text = to_json(replace(result, kpis=(kpi,)))
    assert json.loads(text)["kpis"][0]["limit"] == 0.0
    assert '"limit": 0.0' in text


def test_nan_is_refused_with_its_place() -> None:
    result = full_result()
    kpi = replace(result.kpis[0], limit=float("nan"))
    with pytest.raises(InternalError, match=r"result\.kpis\[0\]\.limit is nan"):
        to_json(replace(result, kpis=(kpi,)))


def test_values_of_another_type_are_refused() -> None:
    with pytest.raises(InternalError, match=r"does not fit its own schema: scope\.scored"):
        to_json(replace(full_result(), scope=replace(full_result().scope, scored="many")))  # type: ignore[arg-type]
    with pytest.raises(InternalError, match=r"result\.flow is a set"):
        to_json(replace(full_result(), flow={FlowStep("in", "", 1)}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("[]", "no schema_version"),
        ("{}", "no schema_version"),
        ('{"schema_version": "99"}', "schema_version '99'"),
        ('{"schema_version": "1"}', "does not fit its schema"),
        ('{"schema_version": NaN}', "NaN is no JSON number"),
    ],
)
def test_other_documents_are_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        from_json(text)
    assert caught.value.exit_code == 3
    assert caught.value.expected and caught.value.action


def test_schema_is_current_and_names_no_address_of_its_own() -> None:
    assert SCHEMA.read_text("utf-8") == schema_text(), (
        "write it again: schema_text() to docs/reference/result.schema.json"
    )
    found = schema()
    assert found["title"] == "triage_lab result"
    assert "$id" not in schema_text()
    assert found["properties"]["schema_version"]["const"] == "1"
    assert set(found["required"]) >= {"verdict", "scope", "provenance"}


@settings(deadline=None, max_examples=25)
@given(name=st.text(max_size=60), value=st.floats(allow_nan=False, allow_infinity=False), n=st.integers(0, 2**53))
def test_any_text_and_number_survives(name: str, value: float, n: int) -> None:
    base = routing_result()
    result = replace(base, lab=name, flow=(FlowStep("in", name, n),), kpis=(replace(base.kpis[0], limit=value),))
    try:
        text = to_json(result)
    except InternalError:  # lone surrogates are no UTF-8
        assert any("\ud800" <= character <= "\udfff" for character in name)
        return
    again = from_json(text)
    assert again.lab == name and again.flow[0].tickets == n and again.kpis[0].limit == value
