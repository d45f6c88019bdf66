"""Calendars and clocks against the minute walker, on both DST nights, in gaps and folds, on holidays."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import naive_replay
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.desk import Calendar, Span
from triage_lab.domain.errors import ReplayError
from triage_lab.replay import business_seconds, compile_calendar, due_times

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo")
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "zendesk_two_schedules_vector"


def at(text: str) -> int:
    """UTC seconds of an ISO time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def every_day(start: int, end: int) -> tuple[Span, ...]:
    return tuple(Span(day, start, end) for day in range(7))


NIGHT = Calendar("night", "America/New_York", every_day(22 * 60, 30 * 60))


def hours_on(calendar: Calendar, start: str, end: str) -> int:
    return int(business_seconds([at(start)], [at(end)], calendar)[0])


@pytest.mark.parametrize(("day", "seconds"), [("2026-03-07", 25_200), ("2026-10-31", 32_400), ("2026-06-01", 28_800)])
def test_a_new_york_night_shift_is_elapsed_time(day: str, seconds: int) -> None:
    noon = at(f"{day}T17:00")
    assert int(business_seconds([noon], [noon + 86_400], NIGHT)[0]) == seconds


def test_an_opening_in_the_gap_keeps_the_offset_before_the_jump() -> None:
    gap = Calendar("gap", "America/New_York", every_day(150, 300))  # 02:30 to 05:00
    segments = compile_calendar(gap, at("2026-03-08"), at("2026-03-09"))
    inside = segments.starts[(segments.starts > at("2026-03-08")) & (segments.starts < at("2026-03-09"))]
    assert inside.tolist() == [at("2026-03-08T07:30")]  # 03:30 daylight time


def test_a_closing_in_the_gap_keeps_the_offset_before_the_jump() -> None:
    gap = Calendar("gap", "America/New_York", every_day(60, 150))  # 01:00 to 02:30
    assert hours_on(gap, "2026-03-08T05:00", "2026-03-08T12:00") == 90 * 60


def test_a_fold_opens_at_its_first_pass_and_closes_at_its_second() -> None:
    fold = Calendar("fold", "America/New_York", every_day(90, 105))  # 01:30 to 01:45
    segments = compile_calendar(fold, at("2026-11-01"), at("2026-11-02"))
    index = int(np.searchsorted(segments.starts, at("2026-11-01")))
    assert segments.starts[index] == at("2026-11-01T05:30")
    assert segments.ends[index] == at("2026-11-01T06:45")


def test_a_holiday_removes_the_night_that_starts_on_it_and_no_other() -> None:
    closed = Calendar("night", "America/New_York", every_day(22 * 60, 30 * 60), holiday_dates=(date(2026, 6, 2),))
    assert hours_on(closed, "2026-06-02T12:00", "2026-06-03T12:00") == 0
    assert hours_on(closed, "2026-06-01T12:00", "2026-06-02T12:00") == 28_800  # runs into the holiday's morning


def test_public_holidays_close() -> None:
    office = Calendar("office", "Europe/Berlin", every_day(540, 1020), holiday_country="DE")
    assert hours_on(office, "2026-12-25T00:00", "2026-12-26T00:00") == 0
    assert hours_on(office, "2026-12-23T00:00", "2026-12-24T00:00") == 28_800
    bavaria = Calendar("by", "Europe/Berlin", every_day(540, 1020), holiday_country="DE", holiday_subdivision="BY")
    assert hours_on(office, "2026-01-06T00:00", "2026-01-07T00:00") == 28_800
    assert hours_on(bavaria, "2026-01-06T00:00", "2026-01-07T00:00") == 0


def test_round_the_clock_is_one_segment_and_wall_time() -> None:
    always = Calendar("always", always=True)
    assert len(compile_calendar(always, at("2020-01-01"), at("2026-01-01")).starts) == 1
    assert hours_on(always, "2026-03-01T00:00", "2026-04-01T00:00") == 31 * 86_400


def test_touching_spans_are_one() -> None:
    split = Calendar(
        "split", "UTC", tuple(span for day in range(7) for span in (Span(day, 0, 720), Span(day, 720, 1440)))
    )
    segments = compile_calendar(split, at("2026-01-01"), at("2026-12-31"))
    assert len(segments.starts) == 1
    assert segments.total == 365 * 86_400


def test_a_stamp_outside_the_compiled_range_is_refused() -> None:
    segments = compile_calendar(NIGHT, at("2026-01-01"), at("2026-12-31"))
    for stamp in (at("2025-12-31T23:59:59"), at("2027-01-01T00:00:01")):
        with pytest.raises(ReplayError, match="outside the compiled range"):
            segments.worked(np.array([stamp]))
        with pytest.raises(ReplayError, match="outside the compiled range"):
            segments.is_open(np.array([stamp]))


def test_milliseconds_are_refused() -> None:
    with pytest.raises(ReplayError, match="check the unit"):
        business_seconds([at("2026-01-01") * 1000], [at("2026-01-02") * 1000], NIGHT)


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        (Calendar("x", "Europe/Nowhere", every_day(0, 60)), "unknown time zone"),
        (Calendar("x", "UTC", every_day(0, 60), holiday_country="Atlantis"), "Atlantis"),
        (Calendar("x", "UTC", every_day(0, 60), holiday_country="DE", holiday_subdivision="XX"), "XX"),
    ],
)
def test_unknown_zones_and_countries_are_refused(calendar: Calendar, message: str) -> None:
    with pytest.raises(ReplayError, match=message):
        business_seconds([0], [1], calendar)


@pytest.mark.parametrize("values", [[1.5], [[1]], ["a"]])
def test_only_whole_seconds_are_times(values: list[object]) -> None:
    with pytest.raises(ReplayError, match="whole seconds"):
        business_seconds(values, values, NIGHT)


def test_lengths_must_agree() -> None:
    with pytest.raises(ReplayError, match="as many ends as starts"):
        business_seconds([1, 2], [1], NIGHT)


def test_nothing_in_nothing_out() -> None:
    assert business_seconds([], [], NIGHT).tolist() == []


def test_a_limit_used_up_at_closing_is_due_at_closing() -> None:
    office = Calendar("office", "UTC", tuple(Span(day, 540, 1020) for day in range(5)))
    start = np.array([at("2026-06-01T09:00"), at("2026-06-05T16:00"), at("2026-06-06T12:00")])
    assert due_times(start, 8 * 3600, office).tolist() == [
        at("2026-06-01T17:00"),
        at("2026-06-08T16:00"),
        at("2026-06-08T17:00"),
    ]
    assert due_times(start, 0, office).tolist() == start.tolist()


def test_a_due_time_years_ahead_is_found_and_one_that_never_comes_is_refused() -> None:
    rare = Calendar("rare", "UTC", (Span(0, 0, 1),))
    due = due_times(np.array([at("2026-06-01T00:00")]), 60 * 200, rare)
    assert int(business_seconds([at("2026-06-01")], due, rare)[0]) == 60 * 200
    with pytest.raises(ReplayError, match="does not open for"):
        due_times(np.array([at("2026-06-01")]), 60, Calendar("shut", "UTC"))


def some_spans() -> st.SearchStrategy[list[tuple[int, int, int]]]:
    span = st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)).map(
        lambda drawn: (drawn[0], drawn[1], drawn[1] + drawn[2])
    )
    return st.lists(span, min_size=1, max_size=6)


WEEKS = ("2026-03-05", "2026-03-27", "2026-04-03", "2026-10-02", "2026-10-23", "2026-10-30", "2026-06-10")


@settings(deadline=None, max_examples=25)
@given(
    spans=some_spans(),
    zone=st.sampled_from(ZONES),
    week=st.sampled_from(WEEKS),
    closed=st.lists(st.integers(0, 4), max_size=2),
    offsets=st.lists(st.tuples(st.integers(0, 5 * 86_400), st.integers(0, 5 * 86_400)), min_size=1, max_size=8),
    limit=st.integers(1, 40_000),
)
def test_calendars_equal_the_minute_walker(
    spans: list[tuple[int, int, int]],
    zone: str,
    week: str,
    closed: list[int],
    offsets: list[tuple[int, int]],
    limit: int,
) -> None:
    low = at(week)
    first = date.fromisoformat(week)
    days = tuple(date.fromordinal(first.toordinal() + offset) for offset in closed)
    walked = naive_replay.walked_segments(spans, zone, days, low, low + 5 * 86_400)
    calendar = Calendar("c", zone, tuple(Span(*span) for span in spans), holiday_dates=days)
    starts = np.array([low + start for start, _ in offsets])
    ends = np.array([low + end for _, end in offsets])
    expected = [naive_replay.overlap(walked, int(a), int(b)) for a, b in zip(starts, ends, strict=True)]
    assert business_seconds(starts, ends, calendar).tolist() == expected
    segments = compile_calendar(calendar, low, low + 5 * 86_400)
    assert segments.is_open(starts).tolist() == [naive_replay.opens(walked, int(start)) for start in starts]
    if segments.total:
        due = due_times(starts, limit, calendar)
        for start, reached in zip(starts.tolist(), due.tolist(), strict=True):
            if reached <= low + 5 * 86_400:
                assert reached == naive_replay.after(walked, start, limit)


def test_the_published_two_schedule_vector() -> None:
    if not SHARED.is_dir():
        pytest.skip("the shared reference data are not here")
    with (SHARED / "intervals.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    spans: dict[str, list[Span]] = {}
    for row in rows:
        start, end = int(row["start_minute_of_week_utc"]), int(row["end_minute_of_week_utc"])
        day = (start // 1440 - 1) % 7  # their weeks start on Sunday
        spans.setdefault(row["schedule"], []).append(Span(day, start % 1440, start % 1440 + end - start))
    one, two = (Calendar(name, "UTC", tuple(spans[name])) for name in ("Level 1 Chicago", "Level 2 San Francisco"))
    with (SHARED / "expected.csv").open() as lines:
        exact = {(row["metric"], row["mode"]): float(row["exact_minutes"]) for row in csv.DictReader(lines)}
    created, moved, replied = "2020-09-29T17:01:38", "2020-09-30T19:01:25", "2020-09-30T19:01:46"
    in_force = hours_on(one, created, moved) + hours_on(two, moved, replied)
    assert in_force / 60 == pytest.approx(exact["first_reply_business", "all_schedules_in_force"], abs=0.001)
    last_only = hours_on(two, created, replied) / 60
    assert last_only == pytest.approx(exact["first_reply_business", "last_schedule_only"], abs=0.001)
