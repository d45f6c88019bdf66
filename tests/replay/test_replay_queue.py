"""The public queue function: order, calendars, teams, refusals."""

from __future__ import annotations

import naive_replay
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_desks import LUNCH, MONDAY, OFFICE, segments_of

from triage_lab.domain.desk import Calendar
from triage_lab.domain.errors import ReplayError
from triage_lab.replay import run_queue

HOUR = 3600


def test_results_come_in_the_order_given() -> None:
    queue = run_queue([20, 0, 10], [60, 60, 60])
    assert queue["started_at"].to_list() == [120, 0, 60]
    assert queue["finished_at"].to_list() == [180, 60, 120]
    assert queue["wait_minutes"].to_list() == [100 / 60, 0.0, 50 / 60]


def test_row_order_breaks_ties() -> None:
    assert run_queue([0, 0, 0], [10, 10, 10])["started_at"].to_list() == [0, 10, 20]
    assert run_queue([0, 0, 0], [10, 10, 10], row_order=[2, 0, 1])["started_at"].to_list() == [20, 0, 10]


def test_priorities_by_number_and_by_word() -> None:
    numbers = run_queue([0, 1, 2, 3], [10] * 4, priority=[0, 3, 1, 2])
    words = run_queue([0, 1, 2, 3], [10] * 4, priority=["urgent", "low", "high", "normal"])
    assert numbers["started_at"].to_list() == [0, 30, 10, 20]
    assert words.equals(numbers)


def test_teams_have_queues_of_their_own() -> None:
    both = run_queue([0, 1, 2, 3], [10, 20, 30, 40], team=["b", "a", "b", "a"])
    assert both["started_at"].to_list() == [0, 1, 10, 21]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32), calendar=st.sampled_from([OFFICE, LUNCH]))
def test_one_agent_on_a_calendar_equals_the_walked_clock(seed: int, calendar: Calendar) -> None:
    rng = np.random.default_rng(seed)
    arrived = np.sort(MONDAY + rng.integers(0, 4 * 86_400, 12))
    handle = rng.integers(1, 4 * HOUR, 12)
    queue = run_queue(arrived, handle, calendar=calendar)
    segments, free = segments_of(calendar), 0
    for arrival, seconds, start, end in zip(arrived, handle, queue["started_at"], queue["finished_at"], strict=True):
        ready = max(int(arrival), free)
        assert start == min(max(ready, opening) for opening, closing in segments if closing > ready)
        free = naive_replay.after(segments, start, int(seconds))
        assert end == free


def test_no_tickets_no_rows() -> None:
    assert run_queue([], []).schema == {"started_at": pl.Int64, "finished_at": pl.Int64, "wait_minutes": pl.Float64}


def test_any_unit_and_any_epoch_without_a_calendar() -> None:
    queue = run_queue([-(10**15), 10**15], [10**9, 1])
    assert queue["finished_at"].to_list() == [-(10**15) + 10**9, 10**15 + 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"handle_seconds": [1]}, "different lengths"),
        ({"handle_seconds": [1, 0]}, "below 1"),
        ({"handle_seconds": [1, 2**50]}, "far too long"),
        ({"handle_seconds": [1.5, 1.0]}, "whole seconds"),
        ({"agents": 0}, "0 agents"),
        ({"priority": [0, 4]}, "outside 0 to 3"),
        ({"priority": ["high", "soon"]}, "priorities soon"),
        ({"priority": [1]}, "different lengths"),
        ({"team": ["a"]}, "different lengths"),
        ({"row_order": [1]}, "different lengths"),
        ({"calendar": Calendar("shut", "UTC")}, "does not open"),
    ],
)
def test_what_no_queue_can_serve(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ReplayError, match=message):
        run_queue(**{"arrived_at": [0, 1], "handle_seconds": [1, 1], **arguments})
