"""Traps of real exports, for plain tables and for sources with several objects: read rightly, or refused with a place."""

# ruff: noqa: DTZ001 - stored times carry no zone

import gzip
import tracemalloc
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import ExportError
from triage_lab.domain.tables import CONTRACTS, TICKET_EVENTS, TICKETS, Kind, Table
from triage_lab.domain.tables import Column as TableColumn
from triage_lab.sources import Mapping, Staged, stage, stage_source
from triage_lab.sources.casts import Cell, Reading, is_bad, one_of, typed
from triage_lab.sources.cut_off import is_beginning

DAY = "2026-01-01T00:00:00Z"
HEADER = "ticket_id,created_at,resolved_at,sla_met,handle_minutes,reassignment_count,category\n"
NULLS = ["?", "NULL", "null", " NULL ", "", "None", "N/A", "\\N", "NaT"]
NEVER = ["1900-01-01", "1900-01-01 00:00:00", "1900-01-01T00:00:00.000Z", "1900-1-1 0:00", "1/1/1900", "01/01/1900 12:00:00 AM",
         "01.01.1900", "1900-01-01 00:00:00 +01:00", "1/1/1900 0:00"]  # fmt: skip


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def table(con: Any, path: Path, target: Table = TICKETS, **options: Any) -> Staged:
    return stage(con, file=path, target=target, **{"timezone": "UTC", "snapshot_at": None, **options})


def bundle(con: Any, source: Mapping, *files: Path | str, **options: Any) -> Staged:
    return stage_source(con, files=files, source=source, **{"timezone": "UTC", "snapshot_at": None, **options})


def rows(con: Any, staged: Staged, columns: str, name: str = "tickets") -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM {staged.tables[name]} ORDER BY row_no").fetchall()


def both_refuse(con: Any, path: Path, source: Mapping, **options: Any) -> tuple[ExportError, ExportError]:
    """The errors of a file ``ticket…`` as a table and, beside a good one, as an object; nothing stays behind."""
    good = write(path.parent / "companies.csv", "id,name\nc1,Ant\n")
    with pytest.raises(ExportError) as plain:
        table(con, path, **options)
    with pytest.raises(ExportError) as together:
        bundle(con, source, good, f"ticket={path}", **options)
    for error in (plain.value, together.value):
        assert error.exit_code == 3
        assert error.place.file == str(path)
        assert error.expected
        assert error.action
    assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
    assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]
    return plain.value, together.value


@pytest.mark.parametrize("word", NULLS)
def test_null_by_another_name_is_no_reject_in_typed_columns(con: Any, tmp_path: Path, word: str) -> None:
    path = write(tmp_path / "a.csv", HEADER + f'1,{DAY},"{word}","{word}","{word}","{word}",x\n')
    staged = table(con, path)
    assert rows(con, staged, "resolved_at, sla_met, handle_minutes, reassignment_count") == [(None, None, None, None)]
    said = [notice for notice in staged.notices if "read as NULL" in notice]
    expected = "resolved_at 1, sla_met 1, reassignment_count 1, handle_minutes 1"
    assert len(said) == bool(word)
    assert not said or said[0].endswith(expected)


@pytest.mark.parametrize("text", NEVER)
@pytest.mark.parametrize("layout", [None, "day_first"])
def test_the_first_of_1900_is_no_time(con: Any, tmp_path: Path, text: str, layout: str | None) -> None:
    path = write(
        tmp_path / "a.csv", f"ticket_id,created_at,resolved_at\n1,{DAY},{text}\n2,{DAY},2026-02-01T00:00:00Z\n"
    )
    staged = table(con, path, layout=layout)
    assert rows(con, staged, "resolved_at") == [(None,), (datetime(2026, 2, 1),)]
    assert any(notice.endswith("resolved_at 1") for notice in staged.notices)
    contracts = write(tmp_path / "b.csv", f"contract_id,account_id,starts_on,ends_on\n1,a,{text},1900-01-02\n")
    assert rows(con, table(con, contracts, CONTRACTS), "starts_on, ends_on", "contracts") == [(None, date(1900, 1, 2))]


@pytest.mark.parametrize(
    "text", ["1900-01-01 00:00:01", "1900-01-02", "1900-01-01T10:00:00Z", "11/1/1900 00:00", "1901-01-01"]
)
def test_other_old_times_are_times(con: Any, tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.csv", f"ticket_id,created_at,resolved_at\n1,{DAY},{text}\n")
    assert rows(con, table(con, path, layout="day_first"), "resolved_at IS NULL") == [(False,)]


def test_a_required_time_of_1900_is_missing(con: Any, tmp_path: Path) -> None:
    staged = table(con, write(tmp_path / "a.csv", f"ticket_id,created_at\n1,1900-01-01\n2,{DAY}\n3,?\n?,{DAY}\n"))
    assert rows(con, staged, "ticket_id") == [("2",)]
    found = con.execute(f'SELECT "row", "column", reason FROM {staged.rejects} ORDER BY 1').fetchall()
    assert found == [
        (row, name, "the required value is missing") for row, name in ((1, "created_at"), (3, "created_at"), (4, "ticket_id"))
    ]  # fmt: skip


def test_texts_of_a_table_are_null_for_three_spellings_only(con: Any, tmp_path: Path) -> None:
    words = ["NULL", "\\N", "?", "null", "None", "N/A", "??", " ? ", "1900-01-01", "-"]
    path = write(tmp_path / "a.csv", HEADER + "".join(f"{i},{DAY},,,,,{word}\n" for i, word in enumerate(words)))
    staged = table(con, path)
    assert [text for (text,) in rows(con, staged, "category")] == [None, None, None, *words[3:]]
    assert any(notice.endswith("category 3") for notice in staged.notices)


def test_parquet_and_json_lines_know_the_same_nulls(con: Any, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "ticket_id": ["1", "2"],
            "created_at": [datetime(2026, 1, 1)] * 2,
            "resolved_at": [datetime(1900, 1, 1), datetime(2026, 1, 2)],
            "closed_at": pl.Series([datetime(1900, 1, 1)] * 2, dtype=pl.Datetime("ms", "UTC")),
            "due_at": [date(1900, 1, 1), date(2026, 1, 3)],
            "sla_met": ["?", "true"],
            "category": ["?", "x"],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    lines = '{"ticket_id": 1, "created_at": 1767225600, "resolved_at": "1900-01-01", "sla_met": "NULL", "category": "NULL"}\n'
    lines += '{"ticket_id": 2, "created_at": 1767225600, "resolved_at": "2026-01-02T00:00:00Z", "sla_met": true, "category": "x"}\n'
    for path in (tmp_path / "a.parquet", write(tmp_path / "a.jsonl", lines)):
        staged = table(con, path)
        assert rows(con, staged, "resolved_at, sla_met, category") == [
            (None, None, None),
            (datetime(2026, 1, 2), True, "x"),
        ]
        assert rows(con, staged, "closed_at") == [(None,), (None,)]
    assert rows(con, table(con, tmp_path / "a.parquet"), "due_at") == [(None,), (datetime(2026, 1, 3),)]


def test_an_object_reads_nulls_too_and_says_where(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    ticket = write(tmp_path / "ticket.csv", f"id,created_at,status\n1,{DAY},?\n2,{DAY},NULL\n")
    events = write(
        tmp_path / "events.csv",
        f"ticket_id,at,field,value,minutes\n1,{DAY},a,?,?\n1,{DAY},b,NULL,NULL\n2,{DAY},c,,7\n2,1/1/1900,d,,8\n",
    )
    staged = bundle(con, helpdesk, ticket, events)
    assert rows(con, staged, "ticket_id, status") == [("1", "?"), ("2", None)]  # texts are the mapping's business
    assert rows(con, staged, "seq, new_value", "ticket_events") == [(1, "?"), (2, None), (3, None)]
    assert any(notice.endswith("ticket_event.at 1, ticket_event.minutes 1") for notice in staged.notices)
    assert staged.counts.rejected == 1


@pytest.mark.parametrize(
    ("text", "hour"),
    [("1/2/2026 12:05 AM", 0), ("1/2/2026 12:05 PM", 12), ("1/2/2026 1:05 pm", 13), ("01/02/2026 11:05:00PM", 23), ("1-2-2026 9:05 am", 9)],
)  # fmt: skip
@pytest.mark.parametrize(("layout", "day"), [("day_first", (1, 2)), ("month_first", (2, 1))])
def test_clocks_of_12_hours_in_both_orders(
    con: Any, tmp_path: Path, text: str, hour: int, layout: str, day: tuple[int, int]
) -> None:
    staged = table(con, write(tmp_path / "a.csv", f"ticket_id,created_at\n1,{text}\n"), layout=layout)
    assert rows(con, staged, "created_at") == [(datetime(2026, day[1], day[0], hour, 5),)]


def test_ties_and_events_out_of_order_keep_the_order_of_the_file(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    times = ["2026-01-03", "2026-01-01", "2026-01-03", "2026-01-02", "2026-01-03"]
    body = "".join(f"e{i},1,{at}T00:00:00Z,note\n" for i, at in enumerate(times))
    staged = table(con, write(tmp_path / "a.csv", "event_id,ticket_id,at,kind\n" + body), TICKET_EVENTS)
    assert [name for (name,) in rows(con, staged, "event_id", "ticket_events")] == ["e0", "e1", "e2", "e3", "e4"]
    parts = [
        write(tmp_path / f"ticket_history_{i}.csv", f"ticket_id,at,field\n1,{at}T00:00:00Z,f{i}\n")
        for i, at in enumerate(times)
    ]
    ticket = write(tmp_path / "ticket.csv", f"id,created_at\n1,{DAY}\n")
    found = rows(con, bundle(con, helpdesk, ticket, *parts), "field, seq", "ticket_events")
    assert found == [
        ("f0", 1),
        ("f2", 3),
        ("f4", 5),
        ("f3", 4),
        ("f1", 2),
    ]  # the query: newest first, then as in the files


def test_mark_line_ends_and_breaks_in_quotes_keep_row_numbers_in_every_part(
    con: Any, tmp_path: Path, helpdesk: Mapping
) -> None:
    first = write(
        tmp_path / "ticket_1.csv",
        f'\ufeffid,created_at,status\r\n1,{DAY},"a\nb"\r\n2,never,"c\r\n\r\nd"\r\n3,{DAY},e\r\n',
    )
    second = write(tmp_path / "ticket_2.csv", f'\n\nid,created_at,status\n4,{DAY},"x\n\ny"\n5,{DAY}\n6,{DAY},z\n')
    staged = bundle(con, helpdesk, first, second)
    assert rows(con, staged, "ticket_id, status") == [("1", "a\nb"), ("3", "e"), ("4", "x\n\ny"), ("6", "z")]
    found = con.execute(f'SELECT file, "row", "column" FROM {staged.rejects}').fetchall()
    assert found == [(str(first), 2, "created_at"), (str(second), 2, None)]


@pytest.mark.parametrize(
    ("data", "part", "action"),
    [
        (f"ticket_id;created_at\n1;{DAY}\n".encode(), "semicolons", "--delimiter ';'"),
        (f"ticket_id\tcreated_at\n1\t{DAY}\n".encode(), "tabs", "--delimiter tab"),
        (f"ticket_id,created_at\n1,{DAY}\nB\u00fcro,x\n".encode("latin-1"), "byte 0xfc at offset", "iconv -f ISO-8859-1"),
        (f"ticket_id,created_at\n1,{DAY}\n".encode("utf-16"), "UTF-16", "iconv -f UTF-16"),
        (f"ticket_id,created_at\n1,{DAY}\n".encode("utf-16-le"), "UTF-16LE", "iconv -f UTF-16LE"),
        (b"", "0 bytes", "export it again"),
        (b"\n\n", "blank lines", "export it again"),
        (b"PK\x03\x04rest", "Excel workbook", "save the sheet as CSV"),
        (gzip.compress(f"ticket_id,created_at\n1,{DAY}\n".encode())[:-9], "cut off or damaged", "export it again"),
        (b'{"a": 1', "JSON object", "jq"),
    ],
)  # fmt: skip
def test_files_that_are_no_table_are_named(
    con: Any, tmp_path: Path, helpdesk: Mapping, data: bytes, part: str, action: str
) -> None:
    for error in both_refuse(con, write(tmp_path / "ticket.csv", data), helpdesk):
        assert part in error.found
        assert action in error.action


def test_another_delimiter_is_taken_for_all_files(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    write(tmp_path / "ticket.csv", f"id;created_at;status\n1;{DAY};a,b\n")
    write(tmp_path / "companies.csv", "id;name\nc1;Ant, Inc\n")
    staged = bundle(con, helpdesk, tmp_path, delimiter=";")
    assert rows(con, staged, "status") == [("a,b",)]
    assert rows(con, staged, "name", "accounts") == [("Ant, Inc",)]
    assert staged.mapping_version == "1+59"


HALF = {
    "in quotes": (f'ticket_id,created_at,category\n1,{DAY},a\n2,{DAY},"half a sen', 2, "a quote is never closed"),
    "in quotes behind a line": (
        f'ticket_id,created_at,category\n1,{DAY},a\n2,{DAY},"one line\nand half',
        2,
        "never closed",
    ),
    "between columns": (
        f"ticket_id,created_at,category\n1,{DAY},a\n2,2026-01",
        2,
        "fewer columns than the header has (3)",
    ),
    "windows": (f"ticket_id,created_at,category\r\n1,{DAY},a\r\n2", 2, "fewer columns"),
    "only row": ("ticket_id,created_at,category\n1,2026", 1, "fewer columns"),
    "json": (f'{{"ticket_id": 1, "created_at": "{DAY}"}}\n{{"ticket_id": 2, "crea', 2, "JSON object is not closed"),
    "json value": (
        f'{{"ticket_id": 1, "created_at": "{DAY}"}}\n{{"ticket_id": 2, "sla_met": tr',
        2,
        "JSON object is not closed",
    ),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("case", sorted(HALF))
def test_half_written_text_is_refused_with_its_last_row(
    con: Any, tmp_path: Path, helpdesk: Mapping, case: str, packed: bool
) -> None:
    text, row, part = HALF[case]
    name = f"ticket.{'jsonl' if 'json' in case else 'csv'}" + (".gz" if packed else "")
    path = write(tmp_path / name, gzip.compress(text.encode()) if packed else text)
    for error in both_refuse(con, path, helpdesk):
        assert error.place.row == row
        assert f"the file ends in the middle of row {row}" in error.found
        assert part in error.found


@pytest.mark.parametrize(
    "text",
    [f"ticket_id,created_at\n1,{DAY}\n2,{DAY}", f"ticket_id,created_at\n1,{DAY}\n2\n", f'ticket_id,created_at\n1,{DAY}\n2,{DAY},"x"y',
     f"ticket_id,created_at\n1,{DAY}\n2,never", f'ticket_id,created_at\n1,{DAY}\n2,"2026"x'],
)  # fmt: skip
def test_a_last_row_that_is_whole_or_merely_wrong_is_not_half_written(con: Any, tmp_path: Path, text: str) -> None:
    assert table(con, write(tmp_path / "a.csv", text)).counts.read == 2


@settings(deadline=None, max_examples=60)
@given(
    value=st.dictionaries(st.text(max_size=4), st.none() | st.booleans() | st.integers() | st.text(max_size=6), min_size=1, max_size=3),
    share=st.floats(0.01, 0.99),
)  # fmt: skip
def test_every_beginning_of_an_object_is_one_and_no_whole_one_is(value: dict[str, Any], share: float) -> None:
    import json

    whole = json.dumps(value)
    cut = whole[: max(1, int(share * len(whole)))]
    assert not is_beginning(whole)
    assert is_beginning(cut)
    assert not is_beginning(whole + whole)
    assert not is_beginning(whole + " and more")


def test_half_written_parquet_is_refused_and_the_good_file_beside_it_is_gone(
    con: Any, tmp_path: Path, helpdesk: Mapping
) -> None:
    pl.DataFrame({"ticket_id": [str(i) for i in range(5000)], "created_at": [DAY] * 5000}).write_parquet(tmp_path / "a")
    data = (tmp_path / "a").read_bytes()
    for error in both_refuse(con, write(tmp_path / "ticket.parquet", data[: len(data) // 2]), helpdesk):
        assert "corrupt or cut-off Parquet" in error.found
    broken = bytearray(data)
    broken[4:400] = b"\xff" * 396
    for error in both_refuse(con, write(tmp_path / "ticket_2.parquet", bytes(broken)), helpdesk):
        assert "rows cannot be read" in error.found


@pytest.mark.parametrize("name", ["ticket.csv", "ticket.jsonl"])
def test_one_line_of_ten_megabytes(con: Any, tmp_path: Path, helpdesk: Mapping, name: str) -> None:
    json_text = f'{{"ticket_id": "1", "created_at": "{DAY}", "body": "'
    text = json_text if name.endswith("jsonl") else f"ticket_id,created_at,body\n1,{DAY},"
    path = write(tmp_path / name, text + "x" * 10_000_000 + ('"}\n' if name.endswith("jsonl") else "\n"))
    tracemalloc.start()
    try:
        errors = both_refuse(con, path, helpdesk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80_000_000
    for error in errors:
        assert "2,000,000 bytes" in error.found or "longer than 1,048,576 bytes" in error.found
    for error in both_refuse(con, write(tmp_path / "ticket_2.csv", "a," * 5_000_000), helpdesk):
        assert "longer than" in error.found


def test_no_column_costs_the_order_of_the_rows(tmp_path: Path) -> None:
    words = tuple(f"word {i}'s (end)" for i in range(40))
    reading = Reading(null_tokens=words, text_nulls=("NULL", "?"), nul=True, date_order="day_first")
    cells = [
        Cell(
            TableColumn(f"c{i}", kind, "", required=i % 2 == 0),
            f"c{i}",
            codes={"1": "one"} if kind is Kind.TEXT else {},
        )
        for i, kind in enumerate(Kind)
    ]
    cells.append(Cell(TableColumn("sla_met", Kind.BOOLEAN, ""), "c0"))
    source = (
        "SELECT CAST(NULL AS VARCHAR) AS keep, "
        + ", ".join(f"range || '' AS c{i}" for i in range(len(Kind)))
        + " FROM range(9)"
    )
    bad = " OR ".join(f"({test})" for i, cell in enumerate(cells) if (test := is_bad(i, cell, reading)))
    with duckdb.connect() as con:
        plan = con.execute(
            f"EXPLAIN CREATE TABLE t AS SELECT *, {bad} FROM ({typed(cells, source, reading)})"
        ).fetchall()[0][1]
        assert "join" not in plan.lower()
        found = con.execute(
            f"SELECT {one_of('w', words)} FROM (VALUES (' word 7''s (end) '), ('word 7'), ('')) AS v(w)"
        ).fetchall()
    assert found == [(True,), (False,), (False,)]


def test_more_columns_than_one_word_of_bits(con: Any, tmp_path: Path) -> None:
    from triage_lab.domain.tables import Table as AnyTable

    columns = (
        TableColumn("ticket_id", Kind.TEXT, "", required=True),
        *(TableColumn(f"n{i}", Kind.INTEGER, "") for i in range(140)),
    )
    wide = AnyTable("wide", "", ("ticket_id",), columns)
    text = ",".join(column.name for column in columns) + "\n1" + ",?" * 140 + "\n2" + ",7" * 139 + ",NULL\n"
    staged = table(con, write(tmp_path / "a.csv", text), wide)
    assert staged.counts.rejected == 0
    assert any("n0 1, n1 1" in notice and notice.endswith("n138 1, n139 2") for notice in staged.notices)
