"""Demand and capacity by local hour, utilisation, and the theory line."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from replay_desks import MONDAY, decide, desk, log, played, random_case, team

from triage_lab.domain.desk import Agent, Span, Team
from triage_lab.replay import erlang_c, queue_load
from triage_lab.replay.load import _visits

HOUR, DAY = 3600, 86_400


def test_hours_are_local_and_days_are_open_week_days() -> None:
    arrived = [MONDAY + day * DAY + 8 * HOUR for day in range(14)]  # 08:00 UTC is 10:00 in Berlin's summer
    history = log(arrived, handle_minutes=30.0)
    operations = desk(Team("a", "lunch", (Agent("one"), Agent("two"))), decision_latency_seconds=0)
    world, arm = played(history, operations, decide(["a"] * 14), cutoff=MONDAY + 14 * DAY)
    [load] = queue_load(arm, world, arm="baseline")
    assert (load.arm, load.team, load.agents) == ("baseline", "a", 2)
    assert load.demand == tuple(0.5 if hour == 10 else 0.0 for hour in range(24))
    assert load.capacity == tuple(2.0 if hour in range(9, 12) or hour in range(13, 18) else 0.0 for hour in range(24))
    assert load.wait_minutes == 60.0 * 23 / 13  # one Sunday ticket waits for Monday 09:00, the other beyond the cutoff
    assert load.theory_wait_minutes is None


def test_utilisation_is_busy_over_open_time_up_to_the_cutoff() -> None:
    history = log([MONDAY, MONDAY + HOUR], handle_minutes=[60.0, 600.0])
    world, arm = played(
        history, desk(team("a", 2), decision_latency_seconds=0), decide(["a", "a"]), cutoff=MONDAY + 4 * HOUR
    )
    [load] = queue_load(arm, world)
    assert load.utilisation == 0.5
    assert arm.busy_seconds == {"a": 4 * HOUR}


def test_shifts_make_the_capacity_and_concurrency_divides_the_demand() -> None:
    early = Agent("early", shifts=tuple(Span(day, 360, 720) for day in range(7)))
    operations = desk(Team("a", "office", (early, Agent("day")), concurrency=2), decision_latency_seconds=0)
    history = log([MONDAY + DAY + 10 * HOUR], handle_minutes=60.0)
    world, arm = played(
        log([MONDAY], handle_minutes=1.0).vstack(history.with_columns(ticket_id=pl.lit("x"))),
        operations,
        decide(["a", "a"]),
        cutoff=MONDAY + 2 * DAY,
    )
    [load] = queue_load(arm, world)
    assert load.capacity[6:18] == (1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 0)
    assert load.demand[10] == 60 / 60 / 2 / 2  # two days, two tickets in hand per agent
    assert load.demand[0] == pytest.approx(1 / 60 / 2 / 2)


def test_theory_stands_beside_a_plain_steady_queue_only() -> None:
    arrived = [MONDAY + 600 * number for number in range(1008)]
    history = log(arrived, handle_minutes=15.0)
    cutoff = MONDAY + 7 * DAY
    world, arm = played(history, desk(team("a", 2)), decide(["a"] * 1008), cutoff=cutoff)
    assert queue_load(arm, world)[0].theory_wait_minutes == pytest.approx(erlang_c(1 / 600, 900.0, 2) / 60)
    for other in (team("a", 2, calendar="office"), team("a", 2, discipline="priority"), team("a", 1)):
        world, arm = played(history, desk(other), decide(["a"] * 1008), cutoff=cutoff)
        assert queue_load(arm, world)[0].theory_wait_minutes is None


@pytest.mark.parametrize("seed", range(6))
def test_visits_are_what_the_trail_says(seed: int) -> None:
    case = random_case(seed, 60)
    world, arm = played(**case)
    visits = _visits(arm, world)
    events = arm.events(world)
    assert len(visits.team) == events.filter(pl.col("event") == "join").height
    waits: list[int] = []
    work: dict[str, int] = dict.fromkeys(world.roster.teams, 0)
    for row in range(60):
        own = events.filter(pl.col("row") == row)
        joined = None
        for time, event, name in own.select("time", "event", "team").rows():
            if event == "join":
                joined = time
            if event in ("inspect", "start"):
                waits.append(time - joined)
            if event == "resolve":
                work[name] += round(arm.records["handle_minutes"][row] * 60)
    assert sorted(visits.wait[visits.wait >= 0].tolist()) == sorted(waits)
    for number, name in enumerate(world.roster.teams):
        assert int(visits.work[visits.team == number].sum()) >= work[name]
    for load in queue_load(arm, world):
        assert load.utilisation is not None
        assert 0 <= load.utilisation <= 1
        assert len(load.demand) == len(load.capacity) == 24
        assert np.isfinite(load.demand).all()
