"""probe: every unusable file is one clear error with exit code 3; everything usable is described."""

import gzip
import hashlib
import os
import tracemalloc
from pathlib import Path

import polars as pl
import pytest

from triage_lab.domain.errors import ExportError, UsageError
from triage_lab.sources import bytestream, probe

HEADER = "ticket_id,created_at,category\n"
ROW = "1,2026-01-31T09:30:00Z,billing\n"


def refused(path: Path, **options: str) -> ExportError:
    """The error of a probe that must fail."""
    with pytest.raises(ExportError) as caught:
        probe(path, **options)
    assert caught.value.exit_code == 3
    assert caught.value.expected
    assert caught.value.place.file == str(path)
    return caught.value


def write(path: Path, data: bytes | str) -> Path:
    """A file with these bytes."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_plain_csv_is_described(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER + ROW)
    facts = probe(path)
    assert (facts.format, facts.encoding, facts.delimiter) == ("csv", "utf-8", ",")
    assert facts.columns == ("ticket_id", "created_at", "category")
    assert facts.content_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts.size == path.stat().st_size
    assert not facts.mixed_line_ends
    assert not facts.nul


def test_gzip_is_told_by_content_and_hashed_as_stored(tmp_path: Path) -> None:
    path = write(tmp_path / "export.txt", gzip.compress((HEADER + ROW).encode()))
    facts = probe(path)
    assert facts.format == "csv.gz"
    assert facts.packed
    assert facts.content_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("lead", ["\ufeff", "\n\n", "\r\n"])
def test_mark_and_blank_lines_before_the_header_are_fine(tmp_path: Path, lead: str) -> None:
    facts = probe(write(tmp_path / "a.csv", lead + HEADER + ROW))
    assert facts.columns == ("ticket_id", "created_at", "category")
    assert facts.skip == lead.count("\n")


def test_header_may_hold_line_breaks_and_quotes_in_quotes(tmp_path: Path) -> None:
    facts = probe(write(tmp_path / "a.csv", '"ticket\n_id","a""; drop table x",c\n1,2,3\n'))
    assert facts.columns == ("ticket\n_id", 'a"; drop table x', "c")


def test_tsv_and_given_delimiter(tmp_path: Path) -> None:
    assert probe(write(tmp_path / "a.tsv", "a\tb\n1\t2\n")).columns == ("a", "b")
    assert probe(write(tmp_path / "a.csv", "a;b\n1;2\n"), delimiter=";").columns == ("a", "b")
    with pytest.raises(UsageError, match="the delimiter ';;'"):
        probe(tmp_path / "a.csv", delimiter=";;")
    assert probe(write(tmp_path / "a.tab", "a\tb\n1\t2\n"), delimiter="tab").columns == ("a", "b")


def test_parquet_and_json_lines_are_described(tmp_path: Path) -> None:
    pl.DataFrame({"ticket_id": ["1"], "n": [2]}).write_parquet(tmp_path / "a.bin")
    assert probe(tmp_path / "a.bin").format == "parquet"
    assert probe(tmp_path / "a.bin").columns == ("ticket_id", "n")
    lines = '\n{"ticket_id": 1, "b": null}\n\n{"ticket_id": 2, "c": {}}\nnot json\n'
    facts = probe(write(tmp_path / "a.jsonl", lines))
    assert (facts.format, facts.columns) == ("jsonl", ("ticket_id", "b", "c"))
    assert probe(write(tmp_path / "b.gz", gzip.compress(lines.encode()))).format == "jsonl.gz"


def test_missing_directory_broken_link_and_pipe(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "none.csv").found
    assert "directory" in refused(tmp_path).found
    (tmp_path / "link.csv").symlink_to(tmp_path / "gone.csv")
    assert "link" in refused(tmp_path / "link.csv").found
    os.mkfifo(tmp_path / "pipe.csv")
    assert "not a regular file" in refused(tmp_path / "pipe.csv").found


def test_link_to_a_file_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", HEADER + ROW)
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    assert probe(tmp_path / "link.csv").columns[0] == "ticket_id"


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "0 bytes"),
        (b"\n \n", "blank lines"),
        (HEADER.encode(), "header only"),
        (HEADER.encode() + b"\n\n", "header only"),
        (gzip.compress(b""), "blank lines"),
        (b"ticket_id,ticket_id\n1,2\n", "'ticket_id' twice (columns 1 and 2)"),
        (b"a,,\n1,2,3\n", "an empty name twice (columns 2 and 3)"),
        (b'"ticket_id,created_at\n1,2\n', "header cannot be read"),
        (b"PK\x03\x04aaaa", "ZIP archive or an Excel workbook"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\x00\x00", "xz"),
        (b"\x28\xb5\x2f\xfd\x00\x00", "zstandard"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xff\xfea\x00,\x00b\x00", "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-be"), "UTF-16BE"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "UTF-32LE"),
        (bytes(range(1, 32)) * 40, "binary"),
        (b"[\n{}\n]\n", "one JSON array"),
        (b'[{"a": 1}]', "one JSON array"),
    ],
)  # fmt: skip
def test_unusable_content(tmp_path: Path, data: bytes, part: str) -> None:
    assert part in refused(write(tmp_path / "a.csv", data)).found


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_wrong_delimiter_names_the_one_found(tmp_path: Path, mark: str, word: str) -> None:
    error = refused(write(tmp_path / "a.csv", f"ticket_id{mark}created_at\n1{mark}2\n"))
    assert word in error.found
    assert error.values["delimiter"] == mark
    assert "--delimiter" in error.action


def test_wrong_encoding_names_offset_line_encoding_and_the_way_out(tmp_path: Path) -> None:
    data = HEADER.encode() + "1,2026-01-31T09:30:00Z,Büro\n".encode("latin-1")
    error = refused(write(tmp_path / "a.csv", data))
    assert f"byte 0xfc at offset {data.index(0xFC)}" in error.found
    assert error.place.line == 2
    assert error.values["encoding"] == "ISO-8859-1"
    assert "iconv -f ISO-8859-1 -t UTF-8" in error.action
    error = refused(write(tmp_path / "b.csv", HEADER.encode() + "1,2,„x“\n".encode("cp1252")))
    assert error.values["encoding"] == "WINDOWS-1252"


def test_wrong_encoding_is_found_late_and_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytestream, "CHUNK_BYTES", 7)
    good = HEADER + "1,2,äöü€😀\n" * 40
    assert probe(write(tmp_path / "good.csv", good)).columns[0] == "ticket_id"
    data = good.encode() + b"1,2,\xe4\xf6"
    error = refused(write(tmp_path / "a.csv", data))
    assert error.values["offset"] == len(data) - 2
    assert error.place.line == 42
    cut = refused(write(tmp_path / "cut.csv", good.encode() + "1,2,€".encode()[:-1]))
    assert "not UTF-8" in cut.found


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_gzip_that_is_cut_off(tmp_path: Path, keep: float) -> None:
    data = gzip.compress((HEADER + "".join(f"{i},2026-01-01,{i * i}\n" for i in range(3000))).encode())
    error = refused(write(tmp_path / "a.csv.gz", data[: int(len(data) * keep)]))
    assert "cut off or damaged" in error.found


def test_gzip_with_wrong_checksum(tmp_path: Path) -> None:
    data = bytearray(gzip.compress((HEADER + ROW).encode()))
    data[-6] ^= 0xFF
    assert "cut off or damaged" in refused(write(tmp_path / "a.csv.gz", bytes(data))).found


def test_gzip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytestream, "BOMB_BYTES", 1 << 21)
    path = write(tmp_path / "a.csv.gz", gzip.compress(HEADER.encode() + b"1,2,3\n" * 600_000))
    assert "unpack to more than" in refused(path).found


@pytest.mark.parametrize("keep", [10, 100, -20])
def test_parquet_that_is_cut_off(tmp_path: Path, keep: int) -> None:
    pl.DataFrame({"ticket_id": [str(i) for i in range(500)]}).write_parquet(tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    assert "corrupt or cut-off Parquet" in refused(write(tmp_path / "b.parquet", data[:keep])).found


def test_parquet_without_rows(tmp_path: Path) -> None:
    pl.DataFrame({"ticket_id": ["1"]}).clear().write_parquet(tmp_path / "a.parquet")
    assert "no row" in refused(tmp_path / "a.parquet").found


def test_json_lines_without_objects(tmp_path: Path) -> None:
    assert "no line is a JSON object" in refused(write(tmp_path / "a.jsonl", "{broken\n{also\n")).found


def test_a_header_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from triage_lab.sources import facts

    monkeypatch.setattr(bytestream, "HEAD_BYTES", 100)
    monkeypatch.setattr(facts, "HEAD_BYTES", 100)
    assert "longer than 100 bytes" in refused(write(tmp_path / "a.csv", "a" * 500)).found


@pytest.mark.parametrize(
    ("text", "mixed"),
    [("a,b\n1,2\n", False), ("a,b\r\n1,2\r\n", False), ("a,b\r1,2\r", False), ("a,b\r\n1,2\n", True), ("a,b\r1,2\n", True)],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 2, 3, 1 << 20])
def test_line_ends_are_told_for_any_chunk_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, mixed: bool, size: int
) -> None:
    monkeypatch.setattr(bytestream, "CHUNK_BYTES", size)
    assert probe(write(tmp_path / "a.csv", text)).mixed_line_ends is mixed


@pytest.mark.parametrize("size", [1, 4, 1 << 20])
def test_nul_characters_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    long = "x" * 5000
    text = f"a,b\n{long},{long}\n1,2\x003\n"
    monkeypatch.setattr(bytestream, "CHUNK_BYTES", max(size, 4))
    assert probe(write(tmp_path / "a.csv", text)).nul
    assert probe(write(tmp_path / "b.jsonl", '{"a": "x\\u0000y"}\n')).nul
    assert not probe(write(tmp_path / "c.jsonl", '{"a": "x\\u0001y"}\n')).nul


@pytest.mark.parametrize("packed", [False, True])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, packed: bool) -> None:
    body = "".join(f"{i},2026-01-31T09:30:00Z,c{i * 7919 % 1009}\n" for i in range(200_000))
    data = (HEADER + body * 4).encode()
    path = write(tmp_path / "a.csv", gzip.compress(data, 1) if packed else data)
    tracemalloc.start()
    try:
        probe(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(data) > 25_000_000
    assert peak < 15_000_000


def test_one_line_longer_than_the_head_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_text('{"id": 1, "body": "' + "x" * bytestream.HEAD_BYTES + '"}')
    with pytest.raises(ExportError) as caught:
        probe(path)
    assert "the first line is longer than" in caught.value.found
    assert "jq -c '.[]'" in caught.value.action
