"""Canonical JSON: one text for one meaning."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_lab.domain.canonical import canonical_json, digest

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def nfc(value: object) -> object:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [nfc(item) for item in value]
    if isinstance(value, dict):
        return {nfc(key): nfc(item) for key, item in value.items()}
    return value


@given(PLAIN)
def test_it_is_json_of_the_same_value(value: object) -> None:
    assert json.loads(canonical_json(value)) == nfc(value)


def test_keys_are_sorted_by_utf16_code_units() -> None:
    # U+1F600 is D83D DE00 in UTF-16 and sorts before U+FFEE, although its code point is larger.
    assert list(json.loads(canonical_json({"\uffee": 1, "\U0001f600": 2, "\u20ac": 3}))) == [
        "\u20ac",
        "\U0001f600",
        "\uffee",
    ]


@pytest.mark.parametrize("value", [Decimal("5000"), Decimal("5000.00"), Decimal("5E+3"), 5000.0])
def test_one_number_one_text(value: object) -> None:
    assert canonical_json(value) == '"5000"'


def test_composed_and_decomposed_text_agree() -> None:
    assert digest({"n": "Å"}) == digest({"n": unicodedata.normalize("NFD", "Å")})


def test_unknown_types_are_refused() -> None:
    with pytest.raises(TypeError):
        canonical_json(object())
