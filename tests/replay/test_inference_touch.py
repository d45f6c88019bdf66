"""Handle times: recorded, of calls, of activity, pooled, guessed."""

from __future__ import annotations

import naive_inference
import numpy as np
import polars as pl
import pytest
from inferred_logs import CUTOFF, HOUR, MONDAY, call_log, csv_log, infer, stamps

from triage_lab.domain.desk import Calendar, HandleTimes, Span
from triage_lab.replay import compile_calendar
from triage_lab.replay.inference.findings import ACTIVITY, CALLS, GUESS, POOL, RECORDED
from triage_lab.replay.inference.touch import Donors, _gaps, find_donors, mean_seconds, quantiles_of, team_times

ALWAYS = Calendar("always", always=True)
OFFICE = Calendar("office", "Europe/Berlin", tuple(Span(day, 540, 1020) for day in range(5)))


def acted(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    """Actions at random, many of them at one instant."""
    at = MONDAY + rng.integers(0, 300, rows) * 600
    return (
        pl.DataFrame(
            {
                "person": rng.integers(0, 4, rows),
                "row": rng.integers(0, 12, rows),
                "at": at,
                "available": at - rng.integers(0, 40, rows) * 600,
                "team": rng.integers(0, 2, rows),
            }
        )
        .unique(["person", "row", "at"], keep="first", maintain_order=True)
        .sort("person", "at", "row")
    )


@pytest.mark.parametrize("seed", range(12))
def test_gaps_add_up_as_they_do_row_by_row(seed: int) -> None:
    actions = acted(np.random.default_rng(seed), 120)
    calendars = [ALWAYS, OFFICE]
    segments = [compile_calendar(calendar, MONDAY - 10**6, MONDAY + 10**6) for calendar in calendars]

    def worked(team: int) -> object:
        return lambda start, end: int(np.diff(segments[team].worked(np.array([start, end])))[0])

    cap = 1800
    expected = naive_inference.summed_gaps(
        list(actions.select("person", "row", "at", "available", "team").iter_rows()), {0: worked(0), 1: worked(1)}, cap
    )
    found = _gaps(actions, calendars).group_by("row", "team").agg(pl.col("gap").clip(upper_bound=cap).sum())
    assert {(row, team): gap for row, team, gap in found.iter_rows()} == expected


def tickets(**columns: object) -> pl.DataFrame:
    """Tickets of a log in numbers; columns that are not given are NULL."""
    n = len(next(iter(columns.values())))
    kinds = ("first_action", "resolved", "agent", "first", "resolver")
    frame = pl.DataFrame({"row": pl.Series(range(n), dtype=pl.UInt32), "created": [MONDAY] * n, **columns})
    missing = [pl.lit(None, dtype=pl.Int64).alias(name) for name in kinds if name not in columns]
    return frame.with_columns(*missing, *([pl.lit(0).alias("handle")] if "handle" not in columns else []))


NOBODY = pl.DataFrame(schema=dict.fromkeys(("person", "row", "at", "available", "team"), pl.Int64))


def test_recorded_times_are_taken_as_they_are_and_need_not_be_written() -> None:
    log = tickets(handle=list(range(1, 31)), resolver=[0] * 30)
    found = find_donors(log, NOBODY, [ALWAYS])
    assert [donors.method for donors in found] == [RECORDED]
    times = team_times(["a"], found)[0]
    assert times.times == HandleTimes("a", quantiles_of(np.arange(1, 31)), 30)
    assert not times.needed


def test_calls_are_their_own_length_unless_they_overlap() -> None:
    start = MONDAY + np.arange(40) * 600
    calls = tickets(
        agent=[0] * 40,
        first_action=start.tolist(),
        resolved=(start + 300).tolist(),
        resolver=[0] * 40,
    )
    found = find_donors(calls, NOBODY, [ALWAYS])
    assert found[0].method == CALLS
    assert set(found[0].seconds.tolist()) == {300}
    busy = calls.with_columns(resolved=pl.col("first_action") + 900)
    assert find_donors(busy, NOBODY, [ALWAYS]) == []


def test_a_call_log_gives_its_quantiles() -> None:
    log, seconds = call_log()
    times = infer(log).handle_times[0]
    assert times.method == CALLS
    assert times.times.donors == len(seconds)
    assert times.times.quantiles == quantiles_of(seconds)


def test_a_list_of_solved_tickets_gives_the_time_between_two() -> None:
    times = infer(csv_log()).handle_times[0]
    assert times.method == ACTIVITY
    assert times.times.quantiles[10] == 5400


def test_teams_with_few_tickets_take_those_of_all() -> None:
    seconds = np.concatenate([np.full(19, 60), np.full(60, 600)])
    donors = Donors(ACTIVITY, np.array([0] * 19 + [1] * 60), seconds, "how")
    few, many, none = team_times(["few", "many", "none"], [donors])
    assert (few.method, many.method, none.method) == (POOL, ACTIVITY, POOL)
    assert few.times.donors == none.times.donors == 79
    assert "only 19 tickets of its own" in few.evidence
    assert set(many.times.quantiles) == {600}
    assert few.needed


def test_a_handful_of_times_is_said_to_be_a_guess() -> None:
    times = team_times(["a"], [Donors(ACTIVITY, np.zeros(3, dtype=np.int64), np.array([60, 70, 80]), "how")])[0]
    assert times.method == POOL
    assert "little more than a guess" in times.evidence


def test_recorded_times_of_few_tickets_give_way_to_activity() -> None:
    recorded = Donors(RECORDED, np.zeros(5, dtype=np.int64), np.full(5, 10), "how")
    active = Donors(ACTIVITY, np.zeros(25, dtype=np.int64), np.full(25, 99), "how")
    times = team_times(["a", "b"], [recorded, active])
    assert [item.method for item in times] == [ACTIVITY, POOL]
    assert {item.times.quantiles[0] for item in times} == {99}


def test_nothing_to_go_by_is_a_guess_that_says_so() -> None:
    times = team_times(["a"], [])[0]
    assert times.method == GUESS
    assert times.times.quantiles == (900, 900)
    assert "guess, change it" in times.evidence


def test_quantiles_are_whole_seconds_and_never_fall() -> None:
    found = quantiles_of(np.array([1, 1, 2, 3, 1000]))
    assert len(found) == 21
    assert list(found) == sorted(found)
    assert (found[0], found[10], found[20]) == (1, 2, 1000)
    assert mean_seconds(HandleTimes("a", (10, 20, 60))) == 27.5


def test_idle_time_before_a_ticket_arrives_is_no_work() -> None:
    """One person: a ticket at 10:00, answered at once and solved at 10:20; the next arrives at 12:00."""
    rows = []
    for number in range(30):
        arrived = MONDAY + number * 2 * HOUR
        rows += [(f"t{number}", arrived + 60, "reply"), (f"t{number}", arrived + 60 + 1200, "resolved")]
    ids, at, kinds = zip(*rows, strict=True)
    events = pl.DataFrame(
        {"ticket_id": ids, "at": stamps(at), "kind": kinds, "actor_type": "agent", "actor_id": "p", "team_id": "a"}
    )
    log = pl.DataFrame(
        {
            "ticket_id": [f"t{number}" for number in range(30)],
            "created_at": stamps(MONDAY + np.arange(30) * 2 * HOUR),
            "resolved_at": stamps(MONDAY + np.arange(30) * 2 * HOUR + 1260),
            "resolver_team_id": "a",
        }
    )
    times = infer(log, events, cutoff=CUTOFF).handle_times[0]
    assert times.method == ACTIVITY
    assert times.times.donors == 30
    assert times.times.quantiles[10] in range(1200, 1261)
