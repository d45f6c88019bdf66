"""The cleaned copy: line ends change outside quotes only, for any cut into pieces."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_sources import naive_clean

from triage_lab.sources.bytestream import has_blank_lines
from triage_lab.sources.line_ends import cleaned, has_mixed_line_ends, write_cleaned

PIECES = st.lists(
    st.sampled_from(["a", '"', '""', ",", "\n", "\r", "\r\n", "é", ";", "\n\n", ' "', ',"', '",']), max_size=30
)


@settings(deadline=None, max_examples=300)
@given(pieces=PIECES, seed=st.integers(0, 2**16), mark=st.booleans())
def test_equal_to_the_walk_by_character(pieces: list[str], seed: int, mark: bool) -> None:
    text = ("\ufeff" if mark else "") + "".join(pieces)
    data, chunks, at = text.encode(), [], 0
    generator = random.Random(seed)
    while at < len(data):
        size = generator.randint(1, 5)
        chunks.append(data[at : at + size])
        at += size
    assert b"".join(cleaned(chunks, ",")).decode() == naive_clean(text, ",")


@pytest.mark.parametrize(
    ("text", "mixed"),
    [('a\n"x\r\ny"\nb\n', False), ('a\n"x"\r\nb\n', True), ('a\r"x"\rb', False), ("a\nb\r", True), ('1,5" disk\n2\r\n', True), ("", False)],
)  # fmt: skip
def test_mixed_line_ends_are_seen_outside_quotes_only(tmp_path: Path, text: str, mixed: bool) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode())
    assert has_mixed_line_ends(tmp_path / "a.csv", ",", packed=False) is mixed


def test_the_copy_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'a;b\r\n\r\n1;\'x\n2;"y\r\n"\r')
    write_cleaned(tmp_path / "a.csv", tmp_path / "b.csv", ";", packed=False)
    assert (tmp_path / "b.csv").read_bytes() == b'a;b\n1;\'x\n2;"y\r\n"\n'


@pytest.mark.parametrize(
    ("data", "blank"),
    [(b"a\nb\n", False), (b"a\n\nb", True), (b"a\r\n\r\nb", True), (b"a\r\rb", True), (b"a\r\nb\r\n", False)],
)
def test_blank_lines_are_suspected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, blank: bool) -> None:
    from triage_lab.sources import bytestream

    (tmp_path / "a.csv").write_bytes(data)
    for size in (1, 2, 3, 100):
        monkeypatch.setattr(bytestream, "CHUNK_BYTES", size)
        assert has_blank_lines(tmp_path / "a.csv", packed=False) is blank
