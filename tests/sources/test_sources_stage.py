"""stage: canonical files of every format become typed rows, and every row that does not says why."""

# ruff: noqa: DTZ001 - stored times carry no zone; a table of cases reads best one case a line

import gzip
import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import ExportError, UsageError
from triage_lab.domain.tables import ACCOUNTS, CANONICAL, CONTRACTS, INVOICES, TICKETS, Table
from triage_lab.sources import Staged, discard, stage

HEADER = "ticket_id,created_at,category\n"


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def tickets(con: Any, path: Path, table: Table = TICKETS, **options: Any) -> Staged:
    return stage(con, file=path, target=table, **{"timezone": "UTC", "snapshot_at": None, **options})


def rows(con: Any, staged: Staged, columns: str = "*", table: str = "tickets") -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM {staged.tables[table]} ORDER BY row_no").fetchall()


def rejects(con: Any, staged: Staged) -> list[tuple[Any, ...]]:
    return con.execute(f'SELECT "row", "column", value, reason FROM {staged.rejects} ORDER BY 1, 2').fetchall()


def refused(con: Any, path: Path, table: Table = TICKETS, **options: Any) -> ExportError:
    with pytest.raises(ExportError) as caught:
        tickets(con, path, table, **options)
    assert caught.value.exit_code == 3
    return caught.value


def check_counts(con: Any, staged: Staged) -> None:
    """Conservation: every data row is staged or rejected, none is both."""
    counts = staged.counts
    view = next(iter(staged.tables.values()))
    kept = {row for (row,) in con.execute(f"SELECT row_no FROM {view}").fetchall()}
    bad = {row for (row,) in con.execute(f'SELECT DISTINCT "row" FROM {staged.rejects}').fetchall()}
    assert kept | bad == set(range(1, counts.read + 1))
    assert not kept & bad
    assert (len(kept), len(bad)) == (counts.staged, counts.rejected)


def test_a_plain_file_has_all_canonical_columns_typed(con: Any, tmp_path: Path) -> None:
    staged = tickets(
        con, write(tmp_path / "a.csv", HEADER + '1,2026-01-31T10:30:00+01:00,"billing, ""big"""\n2,1769851800,\n')
    )
    described = con.execute(f"DESCRIBE {staged.tables['tickets']}").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == [
        *((column.name, column.kind.value) for column in TICKETS.columns), ("row_no", "BIGINT"),
    ]  # fmt: skip
    assert rows(con, staged, "ticket_id, created_at, category, subject, row_no") == [
        ("1", datetime(2026, 1, 31, 9, 30), 'billing, "big"', None, 1),
        ("2", datetime(2026, 1, 31, 9, 30), None, None, 2),
    ]
    assert (staged.source, staged.target, staged.layout, staged.mapping_version) == (
        "canonical",
        "tickets",
        "canonical",
        "1",
    )
    assert staged.rows == {"tickets": 2}
    check_counts(con, staged)


def test_every_bad_cell_is_one_reject_and_names_row_column_value_and_reason(con: Any, tmp_path: Path) -> None:
    text = "ticket_id,created_at,resolved_at,sla_met,reassignment_count,handle_minutes\n"
    text += "1,2026-01-01T00:00:00Z,,,,\n"
    text += "2,yesterday,2026-02-30,maybe,1.5,nan\n"
    text += " ,,,,,\n"
    text += "4,2026-01-01T00:00:00Z,2020-01-01T00:00:00Z,Yes,-3,-5\n"
    staged = tickets(con, write(tmp_path / "a.csv", text))
    found = [(row, column, value) for row, column, value, _ in rejects(con, staged)]
    assert found == [
        (2, "created_at", "yesterday"), (2, "handle_minutes", "nan"), (2, "reassignment_count", "1.5"),
        (2, "resolved_at", "2026-02-30"), (2, "sla_met", "maybe"), (3, "created_at", None), (3, "ticket_id", " "),
    ]  # fmt: skip
    reasons = {(row, column): reason for row, column, _, reason in rejects(con, staged)}
    assert "ISO 8601" in reasons[2, "created_at"]
    assert "finite" in reasons[2, "handle_minutes"]
    assert "whole number" in reasons[2, "reassignment_count"]
    assert reasons[3, "ticket_id"] == reasons[3, "created_at"] == "the required value is missing"
    assert [row for row, *_ in rows(con, staged, "row_no")] == [1, 4]  # resolved before created is typed, so it stays
    assert (staged.counts.read, staged.counts.rejected) == (4, 2)
    check_counts(con, staged)


@pytest.mark.parametrize(
    "value", ["nan", "NaN", "inf", "-inf", "Infinity", "1e400", "-1e400", "1_000", "0x10", "12,5", "1 2", "--1"]
)
def test_numbers_that_are_none(con: Any, tmp_path: Path, value: str) -> None:
    text = f'ticket_id,created_at,handle_minutes\n1,0000000001000,"{value}"\n2,2026-01-01T00:00:00Z, 1e2 \n'
    staged = tickets(con, write(tmp_path / "a.csv", text))
    assert rows(con, staged, "ticket_id, handle_minutes") == [("2", 100.0)]


@pytest.mark.parametrize(
    ("value", "number"), [("3.0", 3), ("+7", 7), ("-12", -12), (" 5 ", 5), ("9223372036854775807", 2**63 - 1), ("3.5", None),
                          ("9223372036854775808", None), ("1_000", None), ("0x1F", None), ("1e3", None), ("true", None)],
)  # fmt: skip
def test_whole_numbers(con: Any, tmp_path: Path, value: str, number: int | None) -> None:
    text = f"ticket_id,created_at,reassignment_count\n0,2026-01-01T00:00:00Z,1\n1,2026-01-01T00:00:00Z,{value}\n"
    found = rows(con, tickets(con, write(tmp_path / "a.csv", text)), "ticket_id, reassignment_count")
    assert found == [("0", 1), ("1", number)] if number is not None else [("0", 1)]


def test_booleans_in_any_case_and_nothing_else(con: Any, tmp_path: Path) -> None:
    words = {"true": True, "TRUE": True, "t": True, "Yes": True, "1": True, "false": False, "F": False, "NO": False, "0": False,
             "": None, "y": "reject", "2": "reject", "on": "reject"}  # fmt: skip
    text = "ticket_id,created_at,sla_met\n" + "".join(
        f"{i},2026-01-01T00:00:00Z,{word}\n" for i, word in enumerate(words)
    )
    staged = tickets(con, write(tmp_path / "a.csv", text))
    assert [flag for (flag,) in rows(con, staged, "sla_met")] == [flag for flag in words.values() if flag != "reject"]
    assert [value for _, _, value, _ in rejects(con, staged)] == ["y", "2", "on"]


def test_dates_stay_dates(con: Any, tmp_path: Path) -> None:
    text = "contract_id,account_id,starts_on,ends_on\n1,a,2026-01-31,2026-12-31T00:00:00Z\n2,a,2026-1-5,2026-12-31 10:00\n3,a,31.1.2026,\n"
    staged = tickets(con, write(tmp_path / "a.csv", text), CONTRACTS)
    assert rows(con, staged, "starts_on, ends_on", "contracts") == [(date(2026, 1, 31), date(2026, 12, 31))]
    assert [(row, column) for row, column, *_ in rejects(con, staged)] == [(2, "ends_on"), (3, "starts_on")]


def test_broken_lines_are_rejects_and_rows_keep_their_numbers(con: Any, tmp_path: Path) -> None:
    day = "2026-01-01T00:00:00Z"
    lines = [
        f'1,{day},"a\n\nb"',
        f"2,{day},x,extra,more",
        f"3,{day}",
        f"4,{day},ok",
        f'5,{day},"a"b',
        f"6,{day},ok",
        "7",
        "8",
        f"9,{day},ok",
    ]
    staged = tickets(con, write(tmp_path / "a.csv", HEADER + "\n".join(lines) + "\n"))
    assert rows(con, staged, "ticket_id, row_no") == [("1", 1), ("4", 4), ("6", 6), ("9", 9)]
    found = rejects(con, staged)
    assert [row for row, *_ in found] == [2, 3, 5, 7, 8]
    assert found[0][1:] == (None, f"2,{day},x,extra,more", "more columns than the header has (3)")
    assert found[1][3] == "fewer columns than the header has (3)"
    assert "text follows a closing quote" in found[2][3]
    assert staged.counts.read == 9
    check_counts(con, staged)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("lead", ["", "\ufeff", "\n", "\ufeff\n\n"])
def test_line_ends_mark_blank_lines_and_row_numbers(con: Any, tmp_path: Path, end: str, lead: str) -> None:
    lines = [
        HEADER.strip(),
        "1,2026-01-01T00:00:00Z,a",
        "",
        "2,bad",
        "",
        "",
        '3,2026-01-01T00:00:00Z,"x\r\ny\nz"',
        "4,2026-01-01T00:00:00Z,",
    ]
    staged = tickets(
        con, write(tmp_path / "a.csv", (lead + "\n".join(lines[:1])).replace("\n", end) + end + end.join(lines[1:]))
    )
    assert rows(con, staged, "ticket_id, category, row_no") == [("1", "a", 1), ("3", "x\r\ny\nz", 3), ("4", None, 4)]
    assert [row for row, *_ in rejects(con, staged)] == [2]
    check_counts(con, staged)


def test_mixed_line_ends_are_one_kind_to_us_but_not_inside_quotes(con: Any, tmp_path: Path) -> None:
    text = (
        HEADER
        + '1,2026-01-01T00:00:00Z,"a\r\nb\rc\nd"\r\n2,2026-01-01T00:00:00Z,b\n3,2026-01-01T00:00:00Z,c\r4,2026-01-01T00:00:00Z,d'
    )
    for path in (write(tmp_path / "a.csv", text), write(tmp_path / "a.csv.gz", gzip.compress(text.encode()))):
        staged = tickets(con, path)
        assert rows(con, staged, "category") == [("a\r\nb\rc\nd",), ("b",), ("c",), ("d",)]


def test_a_quote_that_is_never_closed_says_how_much_it_took(con: Any, tmp_path: Path) -> None:
    day = "2026-01-01T00:00:00Z"
    staged = tickets(con, write(tmp_path / "a.csv", HEADER + f'1,{day},a\n2,{day},"oops\n' + f"3,{day},b\n" * 50))
    assert staged.counts.read == 2
    ((row, _, value, reason),) = rejects(con, staged)
    assert (row, len(value)) == (2, 200)
    assert "never closed" in reason
    assert "51 line ends" in reason


def test_a_row_longer_than_the_reader_takes_is_a_reject(con: Any, tmp_path: Path) -> None:
    day = "2026-01-01T00:00:00Z"
    staged = tickets(con, write(tmp_path / "a.csv", HEADER + f"1,{day},a\n2,{day},{'x' * 2_200_000}\n3,{day},b\n"))
    assert [row for (row,) in rows(con, staged, "row_no")] == [1, 3]
    assert "longer than" in rejects(con, staged)[0][3]


def test_single_column_files_have_no_blank_rows(con: Any, tmp_path: Path) -> None:
    staged = tickets(con, write(tmp_path / "a.csv", "account_id\na\n\n\nb\n"), ACCOUNTS)
    assert rows(con, staged, "account_id, row_no", "accounts") == [("a", 1), ("b", 2)]


def test_nul_characters_reject_their_row(con: Any, tmp_path: Path) -> None:
    text = (
        HEADER.replace("\n", ",note\n")
        + "1,2026-01-01T00:00:00Z,a\x00b,x\n2,2026-01-01T00:00:00Z,ok,\x00\n3,2026-01-01T00:00:00Z,ok,x\n"
    )
    staged = tickets(
        con, write(tmp_path / "a.csv", text + "".join(f"{i},2026-01-01T00:00:00Z,ok,x\n" for i in range(4, 30)))
    )
    assert [(row, column, reason) for row, column, _, reason in rejects(con, staged)] == [
        (1, "category", "contains a NUL character"), (2, "custom", "contains a NUL character"),
    ]  # fmt: skip
    lines = '{"ticket_id": "1\\u0000", "created_at": 1767225600}\n{"ticket_id": "2", "created_at": 1767225600}\n'
    staged = tickets(con, write(tmp_path / "a.jsonl", lines))
    assert rejects(con, staged) == [(1, "ticket_id", "1\\0", "contains a NUL character")]
    pl.DataFrame({"ticket_id": ["1", "2\x00"], "created_at": [1767225600, 1767225600]}).write_parquet(
        tmp_path / "a.parquet"
    )
    assert [row for row, *_ in rejects(con, tickets(con, tmp_path / "a.parquet"))] == [2]


def test_no_valid_row_is_an_error_with_the_first_reasons(con: Any, tmp_path: Path) -> None:
    error = refused(con, write(tmp_path / "a.csv", HEADER + "1,soon,a\n2,later,b\n"))
    assert "all 2 rows are rejected" in error.found
    assert "row 1, created_at 'soon': not a time" in error.found
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchall() == [(0,)]


def test_required_columns_are_named_with_the_nearest(con: Any, tmp_path: Path) -> None:
    error = refused(con, write(tmp_path / "a.csv", "ticketid,opened_at,x\n1,2,3\n"))
    assert "the columns ticket_id, created_at are missing" in error.found
    assert error.values["nearest"] == {"ticket_id": "ticketid", "created_at": "opened_at"}
    assert "--propose" in error.action
    error = refused(con, write(tmp_path / "b.csv", "number,opened_at,sys_updated_at\n1,2,3\n"))
    assert "--source servicenow" in error.action


def test_times_without_a_zone_need_one(con: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER + "1,2026-01-01T00:00:00Z,a\n2,2026-07-01 10:00:00,a\n")
    error = refused(con, path, timezone=None)
    assert "created_at '2026-07-01 10:00:00' has no time zone" in error.found
    assert error.place.row == 2
    assert "--timezone" in error.action
    staged = tickets(con, path, timezone="Europe/Berlin")
    assert rows(con, staged, "created_at")[1] == (datetime(2026, 7, 1, 8),)
    assert staged.timezone == "Europe/Berlin"
    clean = tickets(con, write(tmp_path / "b.csv", HEADER + "1,2026-01-01T00:00:00Z,a\n"), timezone=None)
    assert clean.timezone is None
    with pytest.raises(UsageError, match="Europe/Berlin") as caught:
        tickets(con, path, timezone="Europe/Berln")
    assert caught.value.exit_code == 2


HOSTILE = [
    'a"; DROP TABLE safe; --',
    "x'; DROP TABLE safe; --",
    "ä ö\n,",
    "$.a",
    "../b",
    "~1",
    "row_no",
    "rowid",
    "bad",
    "keep",
    "c0",
    "select",
    "🦆",
]


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_hostile_column_names_are_only_names(con: Any, tmp_path: Path, form: str) -> None:
    con.execute("CREATE TABLE safe AS SELECT 1 AS x")
    frame = pl.DataFrame(
        {
            "ticket_id": ["1"],
            "created_at": ["2026-01-01T00:00:00Z"],
            **{name: [f"v{i}"] for i, name in enumerate(HOSTILE)},
        }
    )
    path = tmp_path / f"a'; DROP TABLE safe; [x]*?.{form}"
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson}[form](path)
    staged = tickets(con, path)
    ((custom,),) = rows(con, staged, "custom")
    assert json.loads(custom) == {name: f"v{i}" for i, name in enumerate(HOSTILE)}
    assert list(json.loads(custom)) == sorted(HOSTILE)
    assert con.execute("SELECT x FROM safe").fetchall() == [(1,)]
    mapped = tickets(con, path, columns={"category": HOSTILE[0], "channel": HOSTILE[1]})
    assert rows(con, mapped, "category, channel") == [("v0", "v1")]


def test_wildcards_in_file_names_name_one_file(con: Any, tmp_path: Path) -> None:
    write(tmp_path / "a1.csv", HEADER + "1,2026-01-01T00:00:00Z,wrong\n")
    staged = tickets(con, write(tmp_path / "a[12].csv", HEADER + "2,2026-01-01T00:00:00Z,right\n"))
    assert rows(con, staged, "category") == [("right",)]


def test_extra_columns_go_to_custom_or_are_told(con: Any, tmp_path: Path) -> None:
    text = 'ticket_id,created_at,vip,,custom\n1,2026-01-01T00:00:00Z,yes,,"{""vip"":""no"",""n"":1}"\n2,2026-01-01T00:00:00Z,,,\n3,2026-01-01T00:00:00Z,,5,[1]\n4,2026-01-01T00:00:00Z,yes,,{\n'
    staged = tickets(con, write(tmp_path / "a.csv", text))
    assert [json.loads(custom) if custom else None for (custom,) in rows(con, staged, "custom")] == [
        {"vip": "no", "n": 1},
        None,
    ]
    assert [(row, column) for row, column, *_ in rejects(con, staged)] == [(3, "custom"), (4, "custom")]
    assert staged.notices == ("kept in tickets.custom: vip, column_4",)
    ignored = tickets(con, write(tmp_path / "b.csv", "account_id,seats\na,5\n"), ACCOUNTS)
    assert "seats" in ignored.notices[0]
    assert "ignored" in ignored.notices[0]


def test_a_mapping_of_columns(con: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Number,Opened,created_at,Group\n1,2026-01-01T00:00:00Z,other,g\n")
    staged = tickets(con, path, columns={"ticket_id": "Number", "created_at": "Opened", "first_team_id": "Group"})
    assert rows(con, staged, "ticket_id, created_at, first_team_id, custom") == [
        ("1", datetime(2026, 1, 1), "g", '{"created_at":"other"}')
    ]
    assert staged.mapping_version.startswith("1+")
    assert "did you mean 'Opened'?" in refused(con, path, columns={"created_at": "Opend"}).action
    with pytest.raises(UsageError, match="created_at"):
        tickets(con, path, columns={"create_at": "Opened"})
    with pytest.raises(UsageError, match="two columns"):
        tickets(con, path, columns={"created_at": "Opened", "due_at": "Opened"})


def test_names_match_without_case_and_blanks_but_the_exact_one_wins(con: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Ticket ID,CREATED_AT,category,Category\n1,2026-01-01T00:00:00Z,exact,other\n")
    assert rows(con, tickets(con, path), "ticket_id, category, custom") == [("1", "exact", '{"Category":"other"}')]
    twins = write(tmp_path / "b.csv", "Ticket_ID,ticket id,created_at\n1,2,2026-01-01T00:00:00Z\n")
    assert "ticket_id is missing" in refused(con, twins).found


def test_snapshot_fills_what_the_file_leaves_open(con: Any, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "ticket_id,created_at,snapshot_at\n1,2026-01-01T00:00:00Z,\n2,2026-01-01T00:00:00Z,2026-03-01T00:00:00Z\n",
    )
    staged = tickets(con, path, snapshot_at=1769904000)
    assert rows(con, staged, "snapshot_at") == [(datetime(2026, 2, 1),), (datetime(2026, 3, 1),)]
    assert staged.snapshot_at == 1769904000


def test_parquet_keeps_its_types(con: Any, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "ticket_id": [7, 8, 9],
            "created_at": pl.Series([datetime(2026, 7, 1, 12)] * 3, dtype=pl.Datetime("ms", "Europe/Berlin")),
            "resolved_at": pl.Series(
                [datetime(2026, 7, 1, 12), None, datetime(2026, 10, 25, 2, 30)], dtype=pl.Datetime("us")
            ),
            "closed_at": [date(2026, 7, 2), None, None],
            "due_at": [1782900000, None, 1782900000000],
            "category": pl.Series(["a", None, "b"], dtype=pl.Categorical),
            "sla_met": [True, False, None],
            "reassignment_count": [1.0, 2.0, 2.5],
            "handle_minutes": [1.5, float("nan"), 2.0],
            "tags": [["x", "y"], [], None],
            "seats": [1, None, 3],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    staged = tickets(con, tmp_path / "a.parquet", timezone="Europe/Berlin")
    ((number, created, resolved, closed, due, category, met, count, minutes, custom),) = rows(
        con,
        staged,
        "ticket_id, created_at, resolved_at, closed_at, due_at, category, sla_met, reassignment_count, handle_minutes, custom",
    )
    assert (number, category, met, count, minutes) == ("7", "a", True, 1, 1.5)
    assert created == datetime(2026, 7, 1, 12)  # polars reads a naive datetime with a zone as UTC
    assert resolved == datetime(2026, 7, 1, 10)
    assert closed == datetime(2026, 7, 1, 22)
    assert due == datetime(2026, 7, 1, 10)
    assert json.loads(custom) == {"tags": '["x","y"]', "seats": "1"}
    assert [(row, column, value) for row, column, value, _ in rejects(con, staged)] == [
        (2, "handle_minutes", "nan"), (3, "reassignment_count", "2.5"),
    ]  # fmt: skip
    assert "has no time zone" in refused(con, tmp_path / "a.parquet", timezone=None).found


def test_parquet_times_without_a_zone_follow_the_clocks(con: Any, tmp_path: Path) -> None:
    walls = [datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 29, 2, 30), datetime(2026, 10, 25, 3)]
    for unit in ("ms", "us", "ns"):
        pl.DataFrame(
            {"ticket_id": ["a", "b", "c"], "created_at": pl.Series(walls, dtype=pl.Datetime(unit))}
        ).write_parquet(tmp_path / "a.parquet")
        found = rows(con, tickets(con, tmp_path / "a.parquet", timezone="Europe/Berlin"), "created_at")
        assert found == [
            (datetime(2026, 10, 25, 0, 30),),
            (datetime(2026, 3, 29, 1, 30),),
            (datetime(2026, 10, 25, 2),),
        ]


def test_parquet_that_breaks_behind_its_footer(con: Any, tmp_path: Path) -> None:
    pl.DataFrame(
        {"ticket_id": [str(i) for i in range(5000)], "created_at": ["2026-01-01T00:00:00Z"] * 5000}
    ).write_parquet(tmp_path / "a.parquet")
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    data[4:400] = b"\xff" * 396
    error = refused(con, write(tmp_path / "b.parquet", bytes(data)))
    assert "rows cannot be read" in error.found


def test_json_lines_with_broken_lines_late_keys_and_nested_values(con: Any, tmp_path: Path) -> None:
    lines = [
        '{"ticket_id": 1, "created_at": "2026-01-01T00:00:00Z", "sla_met": true, "n": {"k": [1]}}', "", "{broken", "[1]", "null",
        '{"created_at": "2026-01-01T00:00:00Z"}', '{"ticket_id": "6", "created_at": 1767225600000, "late": 5, "category": null}',
        '{"ticket_id": "7", "created_at": "2026-01-01T00:00:00Z"}{"x": 1}',
    ]  # fmt: skip
    for path in (
        write(tmp_path / "a.jsonl", "\n".join(lines)),
        write(tmp_path / "a.jsonl.gz", gzip.compress("\r\n".join(lines).encode())),
    ):
        staged = tickets(con, path)
        assert [(i, at, met, json.loads(custom) if custom else None, row) for i, at, met, custom, row in rows(con, staged, "ticket_id, created_at, sla_met, custom, row_no")] == [
            ("1", datetime(2026, 1, 1), True, {"n": '{"k":[1]}'}, 1), ("6", datetime(2026, 1, 1), None, {"late": "5"}, 6),
        ]  # fmt: skip
        assert [(row, column) for row, column, *_ in rejects(con, staged)] == [
            (2, None),
            (3, None),
            (4, None),
            (5, "ticket_id"),
            (7, None),
        ]
        check_counts(con, staged)


def test_another_delimiter_if_it_is_given(con: Any, tmp_path: Path) -> None:
    staged = tickets(
        con, write(tmp_path / "a.csv", HEADER.replace(",", ";") + "1;2026-01-01T00:00:00Z;a,b\n"), delimiter=";"
    )
    assert rows(con, staged, "category") == [("a,b",)]
    assert staged.mapping_version == "1+59"


def test_nothing_is_left_behind_and_the_connection_stays_usable(con: Any, tmp_path: Path) -> None:
    con.execute("SET preserve_insertion_order = false")
    staged = tickets(con, write(tmp_path / "a.csv", HEADER + "1,2026-01-01T00:00:00Z,a\n2,bad,b\n3,x\n"))
    con.sql(f"SELECT * FROM {staged.tables['tickets']}").fetchall()  # a half-read result would refuse this
    discard(con, staged)
    assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
    assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]
    assert con.execute("SELECT current_setting('preserve_insertion_order')").fetchall() == [(False,)]


def test_it_works_within_a_transaction_and_twice(con: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER + "1,2026-01-01T00:00:00Z,a\n\n2,x\r\n3,bad,b\n")
    con.execute("BEGIN")
    first = tickets(con, path)
    second = tickets(con, path)
    assert rows(con, second, "ticket_id, row_no") == [("1", 1)]
    assert [row for row, *_ in rejects(con, second)] == [2, 3]
    assert first == second
    check_counts(con, second)
    con.execute("COMMIT")
    check_counts(con, second)
    other = tickets(con, write(tmp_path / "b.csv", HEADER + "9,2026-01-01T00:00:00Z,a\n"))
    assert rows(con, first, "ticket_id") == [("1",)]
    assert rows(con, other, "ticket_id") == [("9",)]


@pytest.mark.parametrize(("threads", "within"), [(1, False), (4, False), (4, True)])
def test_rows_keep_the_order_of_the_file_for_any_number_of_threads(
    con: Any, tmp_path: Path, threads: int, within: bool
) -> None:
    con.execute(f"SET threads = {threads}")
    if within:
        con.execute("BEGIN")
    count = 400_000
    body = "".join(f'{i},2026-01-01T00:00:00Z,"row\n{i}"\n' for i in range(1, count + 1))
    staged = tickets(con, write(tmp_path / "a.csv", HEADER + body))
    assert staged.counts == staged.counts.__class__(count, count, 0)
    wrong = f"SELECT count(*) FROM {staged.tables['tickets']} WHERE ticket_id <> row_no OR category <> 'row' || chr(10) || row_no"
    assert con.execute(wrong).fetchall() == [(0,)]


@pytest.mark.parametrize("name", sorted(CANONICAL))
def test_every_table_takes_a_row_of_its_required_columns(con: Any, tmp_path: Path, name: str) -> None:
    table = CANONICAL[name]
    wanted = [column for column in table.columns if column.required]
    cells = ["2026-01-01T00:00:00Z" if column.kind == "TIMESTAMP" else "x" for column in wanted]
    path = write(tmp_path / "a.csv", ",".join(column.name for column in wanted) + "\n" + ",".join(cells) + "\n")
    staged = tickets(con, path, table)
    assert staged.rows == {name: 1}


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n"),  # a file full of controls is binary
    max_size=12,
).filter(lambda text: text not in {"?", "NULL", "\\N"})  # these are NULL
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "ticket_id": TEXT.filter(lambda text: text.strip() != ""),
            "created_at": st.datetimes(datetime(1970, 1, 1), datetime(2059, 12, 31)).map(lambda at: at.replace(microsecond=0)),
            "category": st.none() | TEXT,
            "sla_met": st.none() | st.booleans(),
            "reassignment_count": st.none() | st.integers(-(2**63), 2**63 - 1),
            "handle_minutes": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "note": st.none() | TEXT,
        }
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(data=ROWS)
def test_csv_parquet_and_json_lines_give_equal_rows(
    tmp_path_factory: pytest.TempPathFactory, data: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    schema = {"ticket_id": pl.String, "created_at": pl.Datetime("us"), "category": pl.String, "sla_met": pl.Boolean,
              "reassignment_count": pl.Int64, "handle_minutes": pl.Float64, "note": pl.String}  # fmt: skip
    frame = pl.DataFrame(data, schema=schema)
    frame.write_parquet(folder / "a.parquet")
    text = frame.with_columns(pl.col("created_at").dt.strftime("%Y-%m-%dT%H:%M:%S"))
    text.write_csv(folder / "a.csv", quote_style="non_numeric")
    (folder / "a.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in text.to_dicts()), encoding="utf-8"
    )
    expected = [
        (row["ticket_id"], row["created_at"], row["category"] or None, row["sla_met"], row["reassignment_count"], row["handle_minutes"],
         {"note": row["note"]} if row["note"] else None, number)
        for number, row in enumerate(data, start=1)
    ]  # fmt: skip
    with duckdb.connect() as con:
        for form in ("parquet", "csv", "jsonl"):
            staged = tickets(con, folder / f"a.{form}")
            found = rows(
                con,
                staged,
                "ticket_id, created_at, category, sla_met, reassignment_count, handle_minutes, custom, row_no",
            )
            assert [(*row[:6], json.loads(row[6]) if row[6] else None, row[7]) for row in found] == expected, form


@settings(deadline=None, max_examples=25)
@given(
    lines=st.lists(st.sampled_from([
        '1,2026-01-01T00:00:00Z,a', '2,bad,a', '', '3,2026-01-01T00:00:00Z', '"4",1767225600,"x\n\ny"', ',,', '5,2026-01-01T00:00:00Z,a,b',
        '6,1767225600,5" disk', '7,1767225600,"a""b"',
    ]), min_size=1, max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_conservation(tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str) -> None:
    folder = tmp_path_factory.mktemp("kept")
    body = ["0,1767225600,first", *lines]
    path = write(folder / "a.csv", HEADER.strip() + end + end.join(body) + end)
    with duckdb.connect() as con:
        staged = tickets(con, path)
        check_counts(con, staged)
        data = [line for line in body if line]
        assert staged.counts.read == len(data)
        good = [number for number, line in enumerate(data, 1) if line[:2] in {"0,", "1,", '"4', "6,", "7,"}]
        assert [row for (row,) in rows(con, staged, "row_no")] == good


def test_invoices_and_money_are_minor_units(con: Any, tmp_path: Path) -> None:
    staged = tickets(
        con,
        write(
            tmp_path / "a.csv",
            "invoice_id,account_id,issued_at,total_minor\n1,a,2026-01-01,12000\n2,a,2026-01-01,120.50\n",
        ),
        INVOICES,
    )
    assert rows(con, staged, "total_minor", "invoices") == [(12000,)]


def test_odd_parquet_types(con: Any, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {
        "ticket_id": [b"1", b"\xff"], "created_at": [1767225600, 1767225600], "category": pa.nulls(2), "A": ["x", "y"], "a": ["p", "q"],
        "bytes": [b"\xff\xfe", None], "big": pa.array([2**63 + 5, 1], pa.uint64()), "clock": pa.array([5, 6], pa.time64("us")),
    }  # fmt: skip
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    ((number, custom), (escaped, _)) = rows(con, tickets(con, tmp_path / "a.parquet"), "ticket_id, custom")
    assert (number, escaped) == ("1", "\\xFF")
    assert json.loads(custom) == {
        "A": "x",
        "a": "p",
        "bytes": "\\xFF\\xFE",
        "big": "9223372036854775813",
        "clock": "00:00:00.000005",
    }


def test_json_keys_that_no_engine_can_hold(con: Any, tmp_path: Path) -> None:
    lines = '{"ticket_id": "\\ud83e\\udd86", "created_at": 1767225600, "k\\u0000": 1, "": "e"}\n{"ticket_id": 2, "created_at": 1, "\\ud800": 2}\n'
    staged = tickets(con, write(tmp_path / "a.jsonl", lines))
    assert [number for (number,) in rows(con, staged, "ticket_id")] == ["🦆"]
    assert [row for row, *_ in rejects(con, staged)] == [2]


def test_packed_files_of_several_members(con: Any, tmp_path: Path) -> None:
    data = gzip.compress((HEADER + "1,1767225600,a\n").encode()) + gzip.compress(b"2,1767225600,b\n")
    assert tickets(con, write(tmp_path / "a.csv.gz", data)).counts.read == 2


def test_no_room_for_the_cleaned_copy(con: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys.modules["triage_lab.sources.rows"], "write_cleaned", full)
    error = refused(con, write(tmp_path / "a.csv", HEADER + "1,1767225600,a\r\n2,1767225600,b\n"))
    assert "No space left on device" in error.found
    assert "TMPDIR" in error.action
