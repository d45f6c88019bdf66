"""Strict YAML: what is accepted, what is refused, and where it says so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import ConfigError, TriageLabError
from triage_lab.lab.documents import parse_document, read_document
from triage_lab.lab.fields import nearest


def test_core_scalars_and_places() -> None:
    document = parse_document('a: 1\nb: [x, no, 2026-01-01, 0.92]\nc:\n  d: "09"\n  e: 09:00-13:00\n  f:\n', "f.yaml")
    assert document.data == {
        "a": 1,
        "b": ["x", "no", date(2026, 1, 1), Decimal("0.92")],
        "c": {"d": "09", "e": "09:00-13:00", "f": None},
    }
    assert str(document.source.place("b", 1)) == "f.yaml:2:8"
    assert str(document.source.place("c", "e")) == "f.yaml:5:3"
    assert str(document.source.place("c", "unknown")) == "f.yaml:3:1"


def test_folded_and_literal_text() -> None:
    document = parse_document("a: >\n  one\n  two\nb: |\n  one\n  two\n", "f.yaml")
    assert document.data == {"a": "one two\n", "b": "one\ntwo\n"}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\na: 2", 2, "stands twice"),
        ("a: &x 1\nb: *x", 1, "anchor"),
        ("a: 0123", 1, "ambiguous"),
        ("a: 1_000", 1, "ambiguous"),
        ("a: 0x10", 1, "ambiguous"),
        ("a: .inf", 1, "ambiguous"),
        ("a:\n - b\n  c: 1", 3, "indentation"),
        ("1: a", 1, "not text"),
        ("a: !!python/object:os.system x", 1, "tag"),
        ("- a", 1, "not a mapping"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("a: " + "[" * 60 + "]" * 60, 1, "deeper"),
        ("\ta: 1", 1, "a tab"),
        ("a: 2026-02-30", 1, "no date"),
        ("a: x\x00y", 1, "NUL"),
    ],
)
def test_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "f.yaml")
    assert caught.value.place.line == line
    assert words in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_billion_laughs_never_laugh() -> None:
    text = "a: &a [x]\n" + "\n".join(f"{c}: &{c} [*{p}, *{p}]" for p, c in zip("abcdefg", "bcdefgh", strict=True))
    with pytest.raises(ConfigError, match="anchor"):
        parse_document(text, "bomb.yaml")


@pytest.mark.parametrize("content", [b"", b"# only a comment\n"])
def test_empty_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="empty"):
        read_document(path)


def test_missing_folder_and_wrong_encoding(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_document(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_document(tmp_path)
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: 1\nb: Größe\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        read_document(path)
    assert caught.value.place.line == 2


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_read_or_refused_in_our_words(text: str) -> None:
    try:
        document = parse_document(text, "any.yaml")
    except TriageLabError as error:
        assert error.exit_code == 3
    else:
        assert isinstance(document.data, dict)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n  - b\n c: 1\n", "indentation does not fit"),
        ("a: b: c\n", "lacks quotes"),
        ("a:\n\tb: 1\n", "a tab"),
        ('a: "x\n', "never closed"),
        ("a: {b: 1\nc: 2\n", "closing brace"),
        ("a: [1\n", "closing bracket"),
        ("a: - b\n", "list item"),
        ("a: @x\n", "begins with @"),
    ],
)
def test_a_broken_file_is_described_in_words(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        parse_document(text, "f.yaml")
    assert "<" not in caught.value.found
    assert caught.value.place.line is not None


def test_long_lists_of_names_are_cut() -> None:
    said = nearest("zzzzzz", [f"name{number}" for number in range(500)])
    assert said.endswith("and 440 more")
