"""Recipes: values that a file has in two columns, in words of its own, or nowhere."""

# ruff: noqa: DTZ001 - stored times carry no zone

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from triage_lab.domain.errors import ExportError, Place, UsageError
from triage_lab.domain.tables import TICKETS, Column, Kind
from triage_lab.sources import day_and_time, read_mapping, stage, time_worked
from triage_lab.sources.recipes import Given, check_recipes, read_recipe, recipe_sql

WHEN = Column("resolved_at", Kind.TIMESTAMP, "")
DAY = Column("starts_on", Kind.DATE, "")
WORK = Column("handle_minutes", Kind.DOUBLE, "")
NAME = Column("ticket_id", Kind.TEXT, "")


def made(con: Any, given: dict[str, Any], column: Column, **cells: str | None) -> str | None:
    """What the recipe makes of one row."""
    names = list(cells)
    shown = ", ".join(f"CAST(? AS VARCHAR) AS c{index}" for index in range(len(names)))
    sql = recipe_sql(read_recipe(column.name, given), column, lambda name: (f"c{names.index(name)}", "VARCHAR"))
    found = con.execute(f"SELECT {sql} FROM (SELECT {shown})", list(cells.values())).fetchone()[0]
    return found if found is None else str(found)


@pytest.mark.parametrize(
    ("given", "cells", "expected"),
    [
        ({"join": ["d", "t"]}, ("2021-01-04", "09:12:58"), "2021-01-04 09:12:58"),
        ({"join": ["d", "t"], "format": "%y%m%d %H:%M:%S"}, ("990131", "8:05:09"), "1999-01-31T08:05:09.000000"),
        ({"join": ["d", "t"], "format": "%d.%m.%Y %I:%M %p"}, ("31.1.2024", "9:05 PM"), "2024-01-31T21:05:00.000000"),
        ({"join": ["d", "t"], "nulls": ["0:00:00"]}, ("2021-01-04", "0:00:00"), None),
        ({"join": ["d", "t"]}, ("2021-01-04", " "), None),
        # what cannot be read stays as written, so that the row is refused with it
        ({"join": ["d", "t"], "format": "%y%m%d %H:%M:%S"}, ("soon", "8:05:09"), "soon 8:05:09"),
    ],
)
def test_a_date_and_a_time_are_one_instant(
    con: Any, given: dict[str, Any], cells: tuple[str, str], expected: str | None
) -> None:
    assert made(con, given, WHEN, d=cells[0], t=cells[1]) == expected


@pytest.mark.parametrize(
    ("unit", "cell", "minutes"),
    [
        ("seconds", "90", "1.5"),
        ("minutes", "2.5", "2.5"),
        ("hours", "0.5", "30.0"),
        ("hh:mm:ss", "1:02:30", "62.5"),
        ("hh:mm:ss", "00:00:06.6", "0.11"),
        ("mm:ss", "2:30", "2.5"),
        ("hh:mm", "2:30", "150.0"),
        ("hh:mm:ss", "", None),
        ("hh:mm:ss", "2:30", "2:30"),
        ("mm:ss", "2:75", "2:75"),
        ("seconds", "-5", "-5"),
    ],
)
def test_a_duration_becomes_minutes(con: Any, unit: str, cell: str, minutes: str | None) -> None:
    assert made(con, {"column": "talk", "unit": unit}, WORK, talk=cell) == minutes


def test_an_end_is_a_start_and_what_it_took(con: Any) -> None:
    given = {
        "join": ["d", "t"],
        "plus": [{"column": "wait", "unit": "seconds"}, {"column": "talk", "unit": "hh:mm:ss"}],
    }
    row = {"d": "2021-01-04", "t": "23:59:00", "wait": "30", "talk": "0:02:00"}
    assert made(con, given, WHEN, **row) == "2021-01-05T00:01:30.000000"
    assert made(con, given, WHEN, **{**row, "talk": ""}) is None
    assert made(con, given, WHEN, **{**row, "talk": "long"}) == "long"


def test_a_date_has_no_time_of_day(con: Any) -> None:
    assert made(con, {"column": "d", "format": "%d.%m.%Y"}, DAY, d="31.01.2024") == "2024-01-31"


def test_one_value_for_all_rows_and_an_id_of_two_columns(con: Any) -> None:
    assert made(con, {"value": "o'call centre"}, NAME, any="x") == "o'call centre"
    assert made(con, {"join": ["d", "n"]}, NAME, d="2021-01-04", n="7") == "2021-01-04 7"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"columns": ["d"]}, "unknown key 'columns'"),
        ({"join": ["d"], "value": "x"}, "one of column, join and value"),
        ({}, "one of column, join and value"),
        ({"join": "d"}, "join: 'd'"),
        ({"join": []}, "join without a column"),
        ({"column": 3}, "column: "),
        ({"value": " "}, "the value ' '"),
        ({"column": "d", "format": "%Q"}, "the format '%Q'"),
        ({"column": "d", "unit": "days"}, "the unit 'days'"),
        ({"column": "d", "plus": [{"column": "w"}]}, "plus: "),
        ({"column": "d", "plus": 3}, "plus: 3"),
    ],
)
def test_a_recipe_of_another_form_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_recipe("created_at", given)
    assert words in caught.value.found
    assert caught.value.expected


def test_recipes_are_held_against_the_table_and_the_file() -> None:
    def refused(target: str, given: dict[str, Any], kind: type[Exception]) -> str:
        with pytest.raises(kind) as caught:
            check_recipes({target: read_recipe(target, given)}, TICKETS.columns, ["Date", "Time"], Place("calls.csv"))
        return str(caught.value)

    assert "did you mean created_at?" in refused("create_at", {"join": ["Date", "Time"]}, UsageError)
    assert "did you mean 'Time'?" in refused("created_at", {"join": ["Date", "Tim"]}, ExportError)
    assert "is no time" in refused("category", {"column": "Date", "format": "%Y"}, UsageError)
    assert "is no duration" in refused("category", {"column": "Date", "unit": "seconds"}, UsageError)


BANK = """vru+line,call_id,customer_id,priority,type,date,vru_entry,q_time,outcome,ser_start,ser_exit,ser_time,server
AA0101,33116,9664491,0,PS,990101,0:00:31,0,AGENT,0:00:36,0:03:09,153,MICHAL
AA0102,33117,0,2,NW,990131,8:05:09,65,HANG,0:00:00,0:00:00,0,NO_SERVER
"""


def test_a_call_log_with_dates_of_six_digits(con: Any, tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text(BANK)
    form, none = "%y%m%d %H:%M:%S", ["0:00:00"]
    columns: dict[str, Given] = {
        "ticket_id": "call_id",
        "created_at": read_recipe("created_at", {"join": ["date", "vru_entry"], "format": form}),
        "resolved_at": read_recipe("resolved_at", {"join": ["date", "ser_exit"], "format": form, "nulls": none}),
        "handle_minutes": read_recipe("handle_minutes", {"column": "ser_time", "unit": "seconds"}),
        "first_team_id": read_recipe("first_team_id", {"column": "type"}),
        "category": "type",
    }
    staged = stage(con, file=path, target=TICKETS, timezone="Asia/Jerusalem", snapshot_at=None, columns=columns)
    names = "ticket_id, created_at, resolved_at, handle_minutes, category, first_team_id, custom ->> 'server'"
    assert con.execute(f"SELECT {names} FROM {staged.tables['tickets']} ORDER BY row_no").fetchall() == [
        ("33116", datetime(1998, 12, 31, 22, 0, 31), datetime(1998, 12, 31, 22, 3, 9), 2.55, "PS", "PS", "MICHAL"),
        ("33117", datetime(1999, 1, 31, 6, 5, 9), None, 0.0, "NW", "NW", "NO_SERVER"),
    ]
    # what a recipe reads is not kept beside its value
    keys = con.execute(f"SELECT json_keys(custom) FROM {staged.tables['tickets']} LIMIT 1").fetchone()[0]
    assert not {"date", "vru_entry", "ser_exit", "ser_time"} & set(keys)
    again: dict[str, Given] = {
        **columns,
        "resolved_at": read_recipe("resolved_at", {"join": ["date", "ser_exit"], "format": form}),
    }
    other = stage(con, file=path, target=TICKETS, timezone="Asia/Jerusalem", snapshot_at=None, columns=again)
    assert other.mapping_version != staged.mapping_version


def test_a_cell_that_a_recipe_cannot_read_makes_its_row_a_reject(con: Any, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(
        "Call Id,Date,Time,Talk\nA,2021-01-01,09:12:58,00:02:23\nB,2021-01-01,late,00:01:00\nC,2021-01-01,09:13:00,x\n"
    )
    columns: dict[str, Given] = {
        "ticket_id": "Call Id",
        "created_at": read_recipe("created_at", {"join": ["Date", "Time"]}),
        "handle_minutes": read_recipe("handle_minutes", {"column": "Talk", "unit": "hh:mm:ss"}),
    }
    staged = stage(con, file=path, target=TICKETS, timezone="UTC", snapshot_at=None, columns=columns)
    assert (staged.counts.staged, staged.counts.rejected) == (1, 2)
    found = con.execute(f'SELECT "row", "column", value FROM {staged.rejects} ORDER BY 1').fetchall()
    assert found == [(2, "created_at", "2021-01-01 late"), (3, "handle_minutes", "x")]


def test_a_source_of_one_object_takes_recipes_too(con: Any, tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    path.write_text("Case ID,Day,Clock,Department\n7,2024-01-09,09:30,Streets\n")
    staged = stage(
        con,
        file=path,
        target=read_mapping("service_requests"),
        timezone="UTC",
        snapshot_at=None,
        columns={"opened_at": read_recipe("opened_at", {"join": ["Day", "Clock"]})},
    )
    found = con.execute(f"SELECT ticket_id, created_at, first_team_id FROM {staged.tables['tickets']}").fetchall()
    assert found == [("7", datetime(2024, 1, 9, 9, 30), "Streets")]


def test_columns_called_like_a_date_a_time_and_work_are_found() -> None:
    assert day_and_time(["Call Id", "Date", "Time", "AvgTalkDuration"]) == ("Date", "Time")
    assert day_and_time(["id", "created_at"]) is None
    assert time_worked(["Date", "service_length"]) == "service_length"
    assert time_worked(["Date", "Time", "subject"]) == ""
