"""From people present to rosters."""

from __future__ import annotations

import naive_inference
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inferred_logs import DAY, HOUR, MONDAY

from triage_lab.domain.desk import Span
from triage_lab.replay.inference.presence import (
    Presence,
    choose_window,
    dense_days,
    home_teams,
    presence,
    quietest,
    sessions,
    with_usual_hours,
)
from triage_lab.replay.inference.shifts import _shifts, _smooth, build_roster, open_seconds
from triage_lab.replay.inference.wording import hours_text

FIRST = MONDAY // DAY
OFFICE = tuple(Span(day, 480, 1080) for day in range(5))


def there(*shifts: tuple[int, int, int], weeks: int = 8, days: tuple[int, ...] = (0, 1, 2, 3, 4)) -> Presence:
    """People present: shifts are (people, from hour, to hour), to may be past midnight."""
    people = np.zeros((weeks * 7 + 1) * 48)
    for day in range(weeks * 7):
        if day % 7 in days:
            for number, start, stop in shifts:
                people[day * 48 + start * 2 : day * 48 + stop * 2] += number
    return Presence(people.reshape(-1, 48), FIRST)


def rostered(present: Presence, spans: tuple[Span, ...] = OFFICE) -> list[str]:
    """Shifts of each agent in words; one empty text an agent of a plain number."""
    return [hours_text(agent.shifts) for agent in build_roster(present, frozenset(), spans, "T").agents]


def test_a_steady_team_is_a_plain_number() -> None:
    roster = build_roster(there((3, 8, 18)), frozenset(), OFFICE, "T")
    assert roster.flat
    assert [agent.agent_id for agent in roster.agents] == ["T-1", "T-2", "T-3"]
    assert roster.most == 3
    assert open_seconds(roster.agents, OFFICE) == 3 * 50 * 3600


def test_shifts_that_overlap_are_found() -> None:
    spans = tuple(Span(day, 360, 1320) for day in range(5))
    assert rostered(there((2, 6, 14), (1, 13, 22)), spans) == [
        "mon-fri 06:00-14:00",
        "mon-fri 06:00-14:00",
        "mon-fri 13:00-22:00",
    ]


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    spans = tuple(Span(day, 480, 1800) for day in range(5))
    found = rostered(there((1, 8, 18), (2, 20, 30)), spans)
    assert found == ["mon-fri 08:00-18:00", "mon-fri 20:00-06:00", "mon-fri 20:00-06:00"]


def test_weekdays_with_other_people_are_rules_of_their_own() -> None:
    week, weekend = there((6, 9, 17)), there((1, 10, 14), days=(5, 6))
    spans = tuple(Span(day, 540, 1020) for day in range(7))
    found = rostered(Presence(week.people + weekend.people, FIRST), spans)
    assert found[0] == "mon-fri 09:00-17:00, sat-sun 09:00-14:00"
    assert found[1:] == ["mon-fri 09:00-17:00"] * 5


def test_who_comes_once_is_not_on_the_roster_and_nobody_is_one_agent() -> None:
    present = there((2, 9, 17))
    present.people[0, 0:48] += 5
    assert rostered(present) == ["", ""]
    roster = build_roster(there(), frozenset(), OFFICE, "T")
    assert not roster.found
    assert len(roster.agents) == 1


def test_holidays_do_not_thin_the_roster_out() -> None:
    present = there((4, 8, 18), weeks=2)
    present.people[0:7] = 0.0
    closed = frozenset(range(FIRST, FIRST + 7))
    assert len(build_roster(present, closed, OFFICE, "T").agents) == 4


@given(st.lists(st.integers(0, 9), min_size=48, max_size=48))
@settings(deadline=None, max_examples=100)
def test_shifts_add_up_to_the_people(profile: list[int]) -> None:
    shifts = _shifts(np.array(profile))
    assert naive_inference.people_there(shifts, 48) == profile
    assert all(start < stop for start, stop in shifts)
    smooth = _smooth(np.array(profile))
    assert smooth.min() >= 0
    assert smooth.max() <= max(profile)


def test_short_dips_and_peaks_are_smoothed() -> None:
    profile = np.array([0] * 16 + [4] * 8 + [2] * 3 + [4] * 5 + [7] * 1 + [4] * 3 + [0] * 12)
    assert _smooth(profile).tolist() == [0] * 16 + [4] * 20 + [0] * 12


def acts(*rows: tuple[int, int, float]) -> pl.DataFrame:
    """Actions: (team, person, hours since the first Monday)."""
    return pl.DataFrame(
        [(team, person, MONDAY + int(hours * HOUR)) for team, person, hours in rows],
        schema=["home", "person", "local"],
        orient="row",
    )


def test_a_person_is_there_from_the_first_to_the_last_action_of_a_session() -> None:
    rows = [(0, 1, 8.2), (0, 1, 12.9), (0, 1, 16.4), (0, 1, 32.0), (1, 2, 23.5), (1, 2, 26.0)]
    seen = sessions(acts(*rows))
    assert (seen["last"] - seen["first"] + 1).to_list() == [17, 1, 6]
    window = choose_window(pl.Series([FIRST, FIRST + 1, FIRST + 2]))
    counts = presence(seen, window, 2)
    assert counts[0].people[0].sum() == 17
    assert counts[1].people[0, 47] == counts[1].people[1, 3] == 1
    assert counts[1].people[1, 5] == 0


def test_who_has_little_to_do_was_there_all_the_same() -> None:
    """Twice a week day at odd hours between 9 and 17: a median would see nobody."""
    hours = [day * 24 + 9 + (day * 5 + 7 * turn) % 8 for day in range(40) for turn in (0, 1) if day % 7 < 5]
    seen = sessions(acts(*[(0, 7, hour) for hour in hours]))
    window = choose_window(pl.Series(range(FIRST, FIRST + 41)))
    plain, widened = (presence(one, window, 1)[0] for one in (seen.drop("actions"), with_usual_hours(seen, [0])))
    office = slice(20, 32)
    assert np.median(plain.people[:, office][[0, 1, 2, 7, 8, 9]]) < 1
    assert np.median(widened.people[[0, 1, 2, 7, 8, 9]][:, office]) == 1
    assert widened.people.max() == 1


def test_changing_shifts_are_not_stretched() -> None:
    rows = []
    for week in range(6):
        start = 6 if week % 2 else 14
        rows += [(0, 1, week * 168 + day * 24 + start + hour) for day in range(5) for hour in range(8)]
    seen = sessions(acts(*rows))
    widened = with_usual_hours(seen, [0])
    assert widened.select("first", "last").sort("first").equals(seen.select("first", "last").sort("first"))


def test_people_belong_to_the_team_they_act_for_most() -> None:
    frame = pl.DataFrame(
        {
            "person": [1, 1, 1, 2, 2, 3, None],
            "team": [4, 4, 5, None, None, 6, 7],
            "left": [None, None, None, 8, 8, None, None],
        }
    )
    found = home_teams(frame).sort("person")
    assert found["home"].to_list() == [4, 8, 6]
    assert found["elsewhere"].to_list() == pytest.approx([1 / 3, 0.0, 0.0])


def test_thin_tails_are_left_out() -> None:
    full = [day for day in range(100, 184) for _ in range(30)]
    tail = list(range(190, 400, 10))
    first, stop = dense_days(pl.Series(full + tail))
    assert 96 <= first <= 100
    assert 184 <= stop <= 192
    window = choose_window(pl.Series(full + tail))
    assert window.longer
    assert window.days == 56


@pytest.mark.parametrize(("days", "expected"), [([5], (5, 6)), ([5, 6], (5, 7)), (list(range(20)), (1, 19))])
def test_windows_of_short_logs(days: list[int], expected: tuple[int, int]) -> None:
    window = choose_window(pl.Series(days))
    assert (window.first, window.stop) == expected
    assert not window.longer


def test_the_quietest_time_of_a_day() -> None:
    assert quietest(there((1, 8, 18)).people) == 2  # 01:00, in the middle of 18:00 to 08:00
    assert quietest(there((1, 20, 30)).people) == 26
    assert quietest(np.ones((3, 48))) == 0
