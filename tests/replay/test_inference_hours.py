"""Working hours and holidays read from what people did."""

from __future__ import annotations

import naive_inference
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inferred_logs import DAY, HOUR, MONDAY

from triage_lab.domain.desk import ALWAYS, Span
from triage_lab.replay.inference.holidays import quiet_dates
from triage_lab.replay.inference.hours import (
    HELD,
    Hours,
    are_dates,
    held_share,
    hours_of,
    local_times,
    open_minutes,
    share_calendars,
    team_hours,
    week_counts,
)
from triage_lab.replay.inference.wording import hours_text


def week(*spans: tuple[int, int, int], each: int = 3) -> np.ndarray:
    """Counts of a week with so many actions in every fifth minute of the spans (weekday, start, end)."""
    counts = np.zeros((7, 1440), dtype=np.int64)
    for weekday, start, end in spans:
        for minute in range(weekday * 1440 + start, weekday * 1440 + end, 5):
            counts[minute // 1440 % 7, minute % 1440] += each
    return counts


OFFICE = [(day, 480, 1080) for day in range(5)]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (week(*OFFICE), "mon-fri 08:00-18:00"),
        (week(*OFFICE[:4], (4, 480, 840)), "mon-thu 08:00-18:00, fri 08:00-14:00"),
        (week(*[(day, 1320, 1800) for day in range(5)]), "mon-fri 22:00-06:00"),
        (week(*[(day, 840, 1500) for day in range(5)]), "mon-fri 14:00-01:00"),
        (week(*[(day, 540, 1020) for day in range(7)]), "mon-sun 09:00-17:00"),
        (week(*[(day, 0, 1440) for day in range(5)]), "mon-fri 00:00-24:00"),
        (week((6, 600, 720)), "sun 10:00-12:00"),
        (week((6, 1380, 1500)), "sun 23:00-01:00"),
    ],
)
def test_hours_of_usual_weeks(counts: np.ndarray, expected: str) -> None:
    found = hours_of(counts)
    assert hours_text(found.spans) == expected
    assert found.held >= HELD
    assert found.actions == counts.sum()


def test_round_the_clock_is_no_calendar_of_its_own() -> None:
    assert hours_of(week(*[(day, 0, 1440) for day in range(7)])).spans == ()


def test_rare_actions_outside_change_nothing() -> None:
    counts = week(*OFFICE, each=10)
    counts[5, 700], counts[6, 100], counts[2, 1400], counts[1, 200] = 8, 8, 9, 9
    assert hours_text(hours_of(counts).spans) == "mon-fri 08:00-18:00"


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 6), st.integers(0, 1439)), st.integers(1, 40), min_size=1, max_size=60
    ).map(lambda cells: {key: cells[key] for key in sorted(cells)})
)
@settings(deadline=None, max_examples=150)
def test_hours_always_hold_what_they_promise_and_open(cells: dict[tuple[int, int], int]) -> None:
    counts = np.zeros((7, 1440), dtype=np.int64)
    for (weekday, minute), number in cells.items():
        counts[weekday, minute] = number
    found = hours_of(counts)
    spans = [(span.weekday, span.start, span.end) for span in found.spans] or [(day, 0, 1440) for day in range(7)]
    assert naive_inference.held(cells, spans) == pytest.approx(found.held)
    assert found.held >= HELD
    assert open_minutes(found.spans).any()
    assert all(0 <= start < 1440 and start < end <= start + 1440 for _, start, end in spans)
    assert all(start % 30 == 0 and end % 30 == 0 for _, start, end in spans)
    assert len({day for day, _, _ in spans}) == len(spans)


def test_counts_are_by_local_time_also_when_clocks_change() -> None:
    """08:30 in Berlin before and after the end of summer time, 2026-10-25."""
    before, after = 1_792_650_600, 1_793_259_000  # 2026-10-22T06:30Z and 2026-10-29T07:30Z, both Thursdays
    local = local_times(pl.DataFrame({"team": [1, 1, None], "at": [before, after, after]}), "Europe/Berlin")
    counts = week_counts(local, 2)
    assert counts.sum() == 2
    assert counts[1, 3, 510] == 2


def test_teams_with_few_actions_take_the_hours_of_the_desk() -> None:
    counts = np.stack([week(*OFFICE), np.zeros((7, 1440), dtype=np.int64)])
    counts[1, 2, 600] = 4
    own, borrowed = team_hours(counts)
    assert borrowed == Hours(own.spans, 1.0, 4, borrowed=True)
    nobody = team_hours(np.zeros((1, 7, 1440), dtype=np.int64))
    assert nobody[0].spans == ()
    assert nobody[0].borrowed


def test_teams_share_calendars_that_hold_their_actions() -> None:
    weeks = [
        week(*OFFICE, each=9),
        week(*[(day, 510, 1050) for day in range(5)], each=3),
        week(*[(day, 480, 780) for day in range(5)], each=4),
        week(*[(day, 1320, 1800) for day in range(7)], each=2),
        week(*[(day, 0, 1440) for day in range(7)], each=2),
    ]
    counts = np.stack(weeks)
    names, calendars = share_calendars(team_hours(counts), counts, "Europe/Berlin")
    assert names[0] == names[1] == "hours-1"
    assert len({*names}) == 4
    assert names[4] == ALWAYS
    by_name = {calendar.calendar_id: calendar for calendar in calendars}
    for number, name in enumerate(names[:4]):
        assert held_share(counts[number], by_name[name].spans) >= HELD
        assert by_name[name].timezone == "Europe/Berlin"
    assert hours_text(by_name[names[2]].spans) == "mon-fri 08:00-13:00"


def test_midnights_are_dates_in_disguise() -> None:
    days = MONDAY + DAY * np.arange(40)
    assert are_dates(local_times(pl.DataFrame({"at": days}), "America/New_York"))
    assert are_dates(local_times(pl.DataFrame({"at": days + 4 * HOUR}), "America/New_York"))
    assert not are_dates(local_times(pl.DataFrame({"at": days + 9 * HOUR}), "America/New_York"))
    assert not are_dates(local_times(pl.DataFrame({"at": []}, schema={"at": pl.Int64}), "UTC"))


def daily(weeks: int, usual: int = 40) -> np.ndarray:
    """Actions by day from a Monday on: weekdays only."""
    return np.array([usual if day % 7 < 5 else 0 for day in range(7 * weeks)])


FIRST = MONDAY // DAY
WEEKDAYS = frozenset(range(5))


def test_a_quiet_weekday_is_a_holiday() -> None:
    counts = daily(12)
    counts[[9, 44]] = 3, 0
    dates, gaps = quiet_dates(counts, FIRST, WEEKDAYS)
    assert [date.isoformat() for date in dates] == ["2026-06-10", "2026-07-15"]
    assert gaps == 0


@pytest.mark.parametrize(
    ("counts", "gaps"),
    [
        (daily(7), 0),  # too short a log
        (daily(12, usual=12), 0),  # too little happens for silence to mean anything
        (np.where(np.arange(84) % 7 == np.arange(84) // 7 % 3, 0, daily(12)), 12),  # too many for holidays
    ],
)
def test_silence_that_says_nothing(counts: np.ndarray, gaps: int) -> None:
    counts = counts.copy()
    if not gaps:
        counts[9] = 0
    assert quiet_dates(counts, FIRST, WEEKDAYS) == ((), gaps)


def test_held_share_of_nothing_is_all() -> None:
    nothing = np.zeros((7, 1440), dtype=np.int64)
    assert held_share(nothing, (Span(0, 0, 60),)) == 1.0
    assert held_share(week((0, 0, 10)), ()) == 1.0
