"""Small desks for the tests of replay, and their naive twin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import naive_replay
import numpy as np
import polars as pl

from triage_lab.domain.desk import (
    Agent,
    Calendar,
    Discipline,
    EscalationWindow,
    Operations,
    SlaTarget,
    Span,
    Team,
)
from triage_lab.domain.enums import Priority, SlaMetric
from triage_lab.replay import Played, World, build_world, play

MONDAY = 1_780_272_000  # 2026-06-01T00:00Z
ALWAYS = Calendar("always", always=True)
OFFICE = Calendar("office", "UTC", tuple(Span(day, 540, 1020) for day in range(5)))
LUNCH = Calendar(
    "lunch", "Europe/Berlin", tuple(Span(day, *span) for day in range(6) for span in ((540, 720), (780, 1080)))
)
NIGHTS = Calendar("nights", "America/New_York", tuple(Span(day, 1320, 1800) for day in range(7)))
CALENDARS = {calendar.calendar_id: calendar for calendar in (ALWAYS, OFFICE, LUNCH, NIGHTS)}
PRIORITIES = [priority.value for priority in Priority]


def team(name: str, agents: int = 1, calendar: str = "always", **more: object) -> Team:
    """A team of agents without shifts."""
    return Team(name, calendar, tuple(Agent(f"{name}{number}") for number in range(agents)), **more)


def desk(*teams: Team, **more: object) -> Operations:
    """Operations of some teams; decision latency and inspection are what is given (else 60 s and 300 s)."""
    return Operations({one.team_id: one for one in teams}, teams[0].team_id, CALENDARS, **more)


def log(arrived: list[int], **columns: object) -> pl.DataFrame:
    """A history in ticket order; ids count up, columns may be lists or single values."""
    n = len(arrived)
    frame = pl.DataFrame(
        {
            "ticket_id": [f"t{number:06d}" for number in range(n)],
            "ticket_key": pl.Series([(number * 0x9E3779B97F4A7C15) % 2**64 for number in range(n)], dtype=pl.UInt64),
            "arrived_at": pl.Series(arrived, dtype=pl.Int64),
        }
    )
    return frame.with_columns(
        pl.Series(name, values) if isinstance(values, list) else pl.lit(values).alias(name)
        for name, values in columns.items()
    )


def decide(owners: list[str], priorities: list[str] | None = None) -> pl.DataFrame:
    """Decisions of given owners."""
    return pl.DataFrame({"owner_team": owners, "priority": priorities or ["normal"] * len(owners)})


def played(
    history: pl.DataFrame,
    operations: Operations,
    decisions: pl.DataFrame,
    *,
    cutoff: int,
    seed: int = 7,
    sla_masks: Mapping[str, np.ndarray] | None = None,
    escalation_masks: Mapping[str, np.ndarray] | None = None,
    replication: int = 0,
) -> tuple[World, Played]:
    """Build the world and play it."""
    world = build_world(history, operations, cutoff=cutoff, seed=seed, sla_masks=sla_masks or {})
    return world, play(world, decisions, escalation_masks=escalation_masks or {}, replication=replication)


def random_case(seed: int, tickets: int = 40) -> dict[str, object]:
    """A random desk with everything at once: shifts, concurrency, calendars, disciplines, windows, misroutes, ties."""
    rng = np.random.default_rng(seed)
    names = [f"team{number}" for number in range(int(rng.integers(1, 4)))]
    shifts = (Span(0, 600, 900), Span(1, 480, 1200), Span(2, 0, 1440), Span(3, 1380, 1500))
    teams = [
        Team(
            name,
            str(rng.choice(list(CALENDARS))),
            tuple(
                Agent(f"a{number}", shifts=shifts if rng.random() < 0.3 else ())
                for number in range(int(rng.integers(1, 4)))
            ),
            list(Discipline)[int(rng.integers(3))],
            int(rng.integers(1, 3)),
        )
        for name in names
    ]
    windows = tuple(
        EscalationWindow(
            f"w{number}",
            int(rng.integers(1, 8)) * 1800,
            str(rng.choice(list(CALENDARS))),
            str(rng.choice(names)),
            match="x",
        )
        for number in range(int(rng.integers(0, 3)))
    )
    targets = tuple(
        SlaTarget(
            f"s{number}",
            SlaMetric.FIRST_ACTION,
            int(rng.integers(1, 20)) * 1800,
            str(rng.choice(list(CALENDARS))),
            match="x",
        )
        for number in range(int(rng.integers(0, 3)))
    )
    operations = desk(
        *teams,
        sla=targets,
        escalation=windows,
        decision_latency_seconds=int(rng.choice([0, 60])),
        inspection_seconds=int(rng.choice([0, 300, 1800])),
    )
    grid = int(rng.choice([1, 600, 1800]))
    arrived = np.sort(MONDAY + rng.integers(0, 3 * 86_400 // grid, tickets) * grid)
    everybody = [*names, "elsewhere"]
    truth = [
        None
        if rng.random() < 0.6
        else [str(one) for one in rng.choice(everybody, int(rng.integers(0, 3)), replace=False)]
        for _ in range(tickets)
    ]
    minutes = rng.integers(1, 20, tickets) * (grid / 120 if grid > 1 else 7.77)
    history = log(
        arrived.tolist(),
        category=[str(one) for one in rng.choice(["a", "b"], tickets)],
        resolver_team_id=[None if rng.random() < 0.2 else str(rng.choice(everybody)) for _ in range(tickets)],
        truth_teams=pl.Series(truth, dtype=pl.List(pl.String)).to_list(),
        handle_minutes=[None if rng.random() < 0.2 else float(value) for value in minutes],
    ).with_columns(
        pl.col("truth_teams").cast(pl.List(pl.String)),
        pl.col("resolver_team_id").cast(pl.String),
        pl.col("handle_minutes").cast(pl.Float64).fill_null(pl.when(pl.int_range(pl.len()) == 0).then(5.0)),
    )
    return {
        "history": history,
        "operations": operations,
        "decisions": decide(
            [str(one) for one in rng.choice(names, tickets)], [str(one) for one in rng.choice(PRIORITIES, tickets)]
        ),
        "cutoff": MONDAY + int(rng.choice([3, 4, 9])) * 86_400,
        "sla_masks": {target.target_id: rng.random(tickets) < 0.5 for target in targets},
        "escalation_masks": {window.window_id: rng.random(tickets) < 0.6 for window in windows},
        "seed": seed,
    }


def segments_of(calendar: Calendar) -> list[tuple[int, int]]:
    """Open segments by the minute walker, three weeks around the tests' Monday."""
    low, high = MONDAY - 3 * 86_400, MONDAY + 18 * 86_400
    if calendar.always:
        return [(low, high + 10**9)]
    key = (calendar.timezone, tuple((span.weekday, span.start, span.end) for span in calendar.spans))
    if key not in _WALKED:
        _WALKED[key] = naive_replay.walked_segments(key[1], key[0], (), low, high)
    return _WALKED[key]


_WALKED: dict[object, list[tuple[int, int]]] = {}


def play_twin(case: Mapping[str, object], seconds_at: Mapping[str, list[int]]) -> list[naive_replay.Ticket]:
    """Play a case through the naive twin; ``seconds_at`` gives the handle seconds of each ticket at each team."""
    operations, history, decisions = case["operations"], case["history"], case["decisions"]
    hands = [
        naive_replay.Hand(name, copy * len(one.agents) + number, segments_of(_hours(one, agent)))
        for name, one in operations.teams.items()
        for copy in range(one.concurrency)
        for number, agent in enumerate(one.agents)
    ]
    tickets = [
        _twin_ticket(case, row, seconds_at, ticket, decision)
        for row, (ticket, decision) in enumerate(
            zip(history.iter_rows(named=True), decisions.iter_rows(named=True), strict=True)
        )
    ]
    disciplines = {name: one.discipline.value for name, one in operations.teams.items()}
    naive_replay.play_naively(hands, disciplines, tickets, case["cutoff"], max(1, operations.inspection_seconds))
    return tickets


def _hours(one: Team, agent: Agent) -> Calendar:
    own = CALENDARS[one.calendar]
    return replace(own, spans=agent.shifts, always=False) if agent.shifts else own


def _twin_ticket(
    case: Mapping[str, object], row: int, seconds_at: Mapping[str, list[int]], ticket: dict, decision: dict
) -> naive_replay.Ticket:
    operations = case["operations"]
    owned = ticket["arrived_at"] + operations.decision_latency_seconds
    listed = ticket["truth_teams"] or ([ticket["resolver_team_id"]] if ticket["resolver_team_id"] else [])
    truth = [name for name in listed if name in operations.teams]
    target = ticket["resolver_team_id"] if ticket["resolver_team_id"] in truth else (truth[0] if truth else None)
    deadlines = []
    for window in operations.escalation:
        if case["escalation_masks"][window.window_id][row]:
            reached = naive_replay.after(
                segments_of(CALENDARS[window.calendar]), ticket["arrived_at"], window.after_seconds
            )
            if reached is not None:
                deadlines.append((max(reached, owned), window.to))
    due = None
    for promise in operations.sla:
        if case["sla_masks"][promise.target_id][row]:
            due = naive_replay.after(
                segments_of(CALENDARS[promise.calendar]), ticket["arrived_at"], promise.limit_seconds
            )
            break
    return naive_replay.Ticket(
        owned=owned,
        owner=decision["owner_team"],
        lane=PRIORITIES.index(decision["priority"]),
        due=due,
        truth=truth,
        target=target,
        handle={name: seconds[row] for name, seconds in seconds_at.items()},
        deadlines=deadlines,
    )
