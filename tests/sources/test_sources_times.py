"""Times: every accepted spelling, equal to the standard library; everything else is refused."""

# ruff: noqa: DTZ001 - stored times carry no zone; a table of cases reads best one case a line

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_sources import naive_time

from triage_lab.domain.errors import UsageError
from triage_lab.domain.tables import Column, Kind
from triage_lab.sources.casts import Cell, Reading, literal, typed
from triage_lab.sources.zones import read_zone, to_utc

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Casablanca",
         "Pacific/Apia", "Africa/Monrovia")  # fmt: skip


def read(con: Any, texts: list[str], zone: str | None = "UTC", order: str = "iso") -> list[datetime | None]:
    """The typed values of some cells."""
    values = ", ".join(f"({index}, {literal(text)})" for index, text in enumerate(texts))
    relation = f"SELECT nth AS keep, c0 FROM (VALUES {values}) AS cells(nth, c0)"
    reading = Reading(zone=read_zone(zone) if zone else None, date_order=order)
    sql = typed([Cell(Column("at", Kind.TIMESTAMP, ""), "c0")], relation, reading)
    return [value for (value,) in con.execute(f"SELECT v0 FROM ({sql}) ORDER BY keep").fetchall()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30)),
        ("2026-01-31T09:30:00.123Z", datetime(2026, 1, 31, 9, 30, 0, 123000)),
        ("2026-01-31T09:30:00.123456789Z", datetime(2026, 1, 31, 9, 30, 0, 123456)),
        ("2026-01-31t09:30:00z", datetime(2026, 1, 31, 9, 30)),
        ("2026-01-31T09:30:00+02:00", datetime(2026, 1, 31, 7, 30)),
        ("2026-01-31 09:30:00+02:00", datetime(2026, 1, 31, 7, 30)),
        ("2026-01-31T09:30:00.500000-05:30", datetime(2026, 1, 31, 15, 0, 0, 500000)),
        ("2026-01-31 09:30:00+0200", datetime(2026, 1, 31, 7, 30)),
        ("2026-01-31 09:30:00 +02", datetime(2026, 1, 31, 7, 30)),
        ("2026-01-31 09:30 -05:30", datetime(2026, 1, 31, 15, 0)),
        ("2026-01-31T09:30Z", datetime(2026, 1, 31, 9, 30)),
        ("2026-01-31 09:30:00 UTC", datetime(2026, 1, 31, 9, 30)),
        ("2026-01-31 09:30:00 GMT", datetime(2026, 1, 31, 9, 30)),
        ("2026-01-31 09:30:00", datetime(2026, 1, 31, 9, 30)),
        ("2026-01-31T09:30:00,25", datetime(2026, 1, 31, 9, 30, 0, 250000)),
        ("2026-1-5 7:03", datetime(2026, 1, 5, 7, 3)),
        ("2026-01-31", datetime(2026, 1, 31)),
        ("  2026-01-31T09:30  ", datetime(2026, 1, 31, 9, 30)),
        ("1769851800", datetime(2026, 1, 31, 9, 30)),
        ("1769851800.0", datetime(2026, 1, 31, 9, 30)),
        ("1769851800123", datetime(2026, 1, 31, 9, 30, 0, 123000)),
        ("100000000", datetime(1973, 3, 3, 9, 46, 40)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59)),
        ("9999-12-31T23:59:59-05:00", datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ],
)
def test_accepted_spellings(con: Any, text: str, expected: datetime) -> None:
    assert read(con, [text]) == [expected]


@pytest.mark.parametrize(
    "text",
    ["infinity", "-infinity", "epoch", "infinity            ", "now", "2026-02-30T00:00:00Z", "2026-13-01", "24-01-01T00:00:00Z",
     "24-01-01T00:00:00Z  ", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-01-31 10:00 PM", "2026-01-31 10:00:00 AM",
     "2026-01-31 10:00:00 Europe/Berlin", "2026-01-31T10:00:00+25:00", "2026-01-31T10:00:00+16:00", "2026-01-31T25:00:00Z",
     "2026-01-31T23:59:60Z", "20260131", "12345678", "12345678901234", "-1769851800", "1.7e9", "31/1/2026 10:00", "2026-01-31 (BC)",
     "2026-01-31T10:00:00Z Z", "2026-01-31T10", "Jan 31 2026", "2026-W05-6", "yesterday", "1769851800.5"],
)  # fmt: skip
def test_refused_spellings(con: Any, text: str) -> None:
    assert read(con, [text]) == [None]


def test_day_and_month_first_only_where_the_layout_says_so(con: Any) -> None:
    texts = [
        "29/2/2016 06:38",
        "2/3/2016 9:05",
        "02/03/2016 09:05:07",
        "2-3-2016 09:05",
        "2.3.2016",
        "2016-03-02 09:05",
        "29/2/16 06:38",
        "2/13/2016 01:00",
    ]
    may = datetime(2016, 3, 2)
    assert read(con, texts, order="day_first") == [
        datetime(2016, 2, 29, 6, 38), may + timedelta(hours=9, minutes=5), may + timedelta(hours=9, minutes=5, seconds=7),
        may + timedelta(hours=9, minutes=5), may, may + timedelta(hours=9, minutes=5), None, None,
    ]  # fmt: skip
    assert read(con, ["2/13/2016 01:00", "2/3/2016 01:00", "13/2/2016 01:00"], order="month_first") == [
        datetime(2016, 2, 13, 1), datetime(2016, 2, 3, 1), None,
    ]  # fmt: skip


def test_without_a_zone_only_times_that_name_one(con: Any) -> None:
    assert read(con, ["2026-01-31 09:30:00", "2026-01-31", "2026-01-31T09:30:00+01:00", "1769851800"], zone=None) == [
        None, None, datetime(2026, 1, 31, 8, 30), datetime(2026, 1, 31, 9, 30),
    ]  # fmt: skip


def test_clocks_forward_and_back(con: Any) -> None:
    texts = [
        "2026-03-29 01:59:59",
        "2026-03-29 02:30:00",
        "2026-03-29 03:00:00",
        "2026-10-25 02:00:00",
        "2026-10-25 02:59:59",
        "2026-10-25 03:00:00",
    ]
    assert read(con, texts, "Europe/Berlin") == [
        datetime(2026, 3, 29, 0, 59, 59), datetime(2026, 3, 29, 1, 30), datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 0),
        datetime(2026, 10, 25, 0, 59, 59), datetime(2026, 10, 25, 2),
    ]  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(
    zone=st.sampled_from(ZONES),
    walls=st.lists(st.datetimes(datetime(1970, 1, 3), datetime(2059, 12, 29)), min_size=1, max_size=20),
)
def test_any_wall_clock_equals_the_standard_library(zone: str, walls: list[datetime]) -> None:
    texts = [wall.isoformat(sep=" ", timespec="microseconds") for wall in walls]
    with duckdb.connect() as con:
        assert read(con, texts, zone) == [naive_time(text, zone) for text in texts]


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_of_clocks_equals_the_standard_library(con: Any, zone: str) -> None:
    walls = [
        at + timedelta(minutes=step)
        for at, _ in read_zone(zone).breaks
        for step in (-121, -61, -60, -31, -30, -1, 0, 1, 30, 59, 60, 61)
    ]
    texts = [wall.isoformat(sep=" ") for wall in walls] or ["2026-01-01"]
    assert read(con, texts, zone) == [naive_time(text, zone) for text in texts]


@settings(deadline=None, max_examples=30)
@given(
    at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),
    minutes=st.integers(-12 * 60, 14 * 60),
    form=st.sampled_from(["auto", "seconds", "milliseconds", "microseconds"]),
    separator=st.sampled_from("T "),
)
def test_any_iso_time_with_offset_equals_the_standard_library(
    at: datetime, minutes: int, form: str, separator: str
) -> None:
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    text = at.isoformat(sep=separator, timespec=form) + zone
    with duckdb.connect() as con:
        assert read(con, [text], zone=None) == [naive_time(text, "UTC")]


def test_the_session_zone_does_not_matter(con: Any) -> None:
    con.execute("SET TimeZone = 'America/New_York'")
    assert read(con, ["2026-01-31T09:30:00+02:00", "2026-01-31 09:30:00"]) == [
        datetime(2026, 1, 31, 7, 30),
        datetime(2026, 1, 31, 9, 30),
    ]


def test_zones_are_read_once_and_unknown_ones_refused() -> None:
    berlin = read_zone("Europe/Berlin")
    assert berlin is read_zone("Europe/Berlin")
    assert berlin.breaks[-1][0].replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC).year == 2059
    assert to_utc("w", read_zone("UTC")) == "w"
    for name in ("Europe/Berln", "../../etc/passwd", "", "Mars/Base"):
        with pytest.raises(UsageError, match="no time zone"):
            read_zone(name)
