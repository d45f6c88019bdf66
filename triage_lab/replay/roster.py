"""Teams, agents and shifts as kernel arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from triage_lab.domain.desk import Calendar, Discipline, Operations, Team
from triage_lab.domain.errors import ReplayError
from triage_lab.replay.arrays import (
    FAR,
    GROUP,
    NEVER,
    SCHEDULE,
    SEGMENT,
    SLOT,
    TEAM,
    Desk,
    Order,
    record_array,
)
from triage_lab.replay.calendars import Segments, compile_calendar

ORDERS = {
    Discipline.FIRST_COME: Order.FIRST_COME,
    Discipline.PRIORITY: Order.PRIORITY,
    Discipline.EARLIEST_DUE: Order.EARLIEST_DUE,
}


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """A desk ready for the kernel.

    Parameters
    ----------
    teams : tuple of str
        Team ids in file order; a team's position is its number.
    desk : Desk
        Slots of a team are numbered by (copy, agent): with concurrency 2 every agent gets a first ticket before any
        gets a second.
    schedules : tuple of Segments
        Distinct working hours; the groups' ``schedule`` points here.
    slot_agent : tuple of str
        Agent id of each slot.
    """

    teams: tuple[str, ...]
    desk: Desk
    schedules: tuple[Segments, ...]
    slot_agent: tuple[str, ...]

    def slots_of(self, team: int) -> npt.NDArray[np.int64]:
        """Return the slot numbers of a team."""
        return np.flatnonzero(self.desk.slots["team"] == team)

    def schedule_of(self, slot: int) -> Segments:
        """Return the working hours of a slot."""
        return self.schedules[int(self.desk.groups["schedule"][self.desk.slots["group"][slot]])]


def build_roster(operations: Operations, low: int, high: int) -> Roster:
    """Turn the teams of a desk into arrays.

    Parameters
    ----------
    operations : Operations
    low, high : int, UTC seconds
        The time that will be played.

    Returns
    -------
    Roster

    Raises
    ------
    ReplayError
        A team without agents, with a concurrency below 1, or on a calendar that never opens.

    Notes
    -----
    An agent's shifts replace the team's hours for that agent; they are read in the team calendar's time zone and the
    team's holidays hold for them.
    """
    slots: list[tuple[int, Calendar, str]] = []
    for number, team in enumerate(operations.teams.values()):
        slots.extend((number, hours, agent) for hours, agent in _team_slots(team, operations.calendars))
    hours = list(dict.fromkeys(calendar for _, calendar, _ in slots))
    schedules = tuple(_opening_hours(calendar, low, high) for calendar in hours)
    schedule_of = {calendar: index for index, calendar in enumerate(hours)}
    orders = [int(ORDERS[team.discipline]) for team in operations.teams.values()]
    return Roster(
        teams=tuple(operations.teams),
        desk=make_desk([(team, schedule_of[calendar]) for team, calendar, _ in slots], orders, schedules),
        schedules=schedules,
        slot_agent=tuple(agent for _, _, agent in slots),
    )


def _team_slots(team: Team, calendars: Mapping[str, Calendar]) -> list[tuple[Calendar, str]]:
    """Return (hours, agent id) of each slot of a team, first every agent's first slot, then the second ones."""
    if not team.agents or team.concurrency < 1:
        raise ReplayError(
            f"team {team.team_id!r} has {len(team.agents)} agents with concurrency {team.concurrency}",
            "at least one agent with concurrency 1 or more",
            "give the team agents in operations.yaml",
        )
    if team.calendar not in calendars:
        raise ReplayError(
            f"team {team.team_id!r} works on the unknown calendar {team.calendar!r}",
            f"one of {', '.join(sorted(calendars))}",
            "declare the calendar in operations.yaml",
        )
    own = calendars[team.calendar]
    hours = [
        replace(own, calendar_id=f"{own.calendar_id} (shifts)", spans=agent.shifts, always=False)
        if agent.shifts
        else own
        for agent in team.agents
    ]
    return [
        (hour, agent.agent_id) for _ in range(team.concurrency) for hour, agent in zip(hours, team.agents, strict=True)
    ]


def _opening_hours(calendar: Calendar, low: int, high: int) -> Segments:
    """Compile working hours, refusing those that never open."""
    segments = compile_calendar(calendar, low, high)
    if not segments.total:
        raise ReplayError(
            f"calendar {calendar.calendar_id!r} never opens in the time that is replayed",
            "working hours on some day",
            "give the calendar (or the agent's shifts) hours in operations.yaml",
        )
    return segments


def make_desk(slots: Sequence[tuple[int, int]], orders: Sequence[int], schedules: Sequence[Segments]) -> Desk:
    """Build a desk at rest.

    Parameters
    ----------
    slots : sequence of (team, schedule)
        Numbers; teams ascending.
    orders : sequence of int
        `Order` of each team.
    schedules : sequence of Segments

    Returns
    -------
    Desk
    """
    groups = sorted(set(slots))
    group_of = {group: index for index, group in enumerate(groups)}
    slot_group = np.array([group_of[slot] for slot in slots], dtype=np.int64)
    sizes = np.bincount(slot_group, minlength=len(groups))
    bounds = np.searchsorted([team for team, _ in groups], np.arange(len(orders) + 1))
    by_due = np.array(orders) == int(Order.EARLIEST_DUE)
    lengths = np.array([len(schedule.starts) for schedule in schedules])
    return Desk(
        teams=record_array(
            TEAM,
            len(orders),
            order=orders,
            heap=np.where(by_due, np.cumsum(by_due) - 1, -1),
            groups=bounds[:-1],
            stop=bounds[1:],
            waiting=0,
            wake=FAR,
            touched=0,
        ),
        groups=record_array(
            GROUP,
            len(groups),
            schedule=[schedule for _, schedule in groups],
            first=np.cumsum(sizes) - sizes,
            size=sizes,
            head=0,
            idle=sizes,
        ),
        slots=record_array(
            SLOT,
            len(slots),
            team=[team for team, _ in slots],
            group=slot_group,
            ring=np.argsort(slot_group, kind="stable"),
            ticket=-1,
            inspecting=0,
            since=NEVER,
        ),
        schedules=record_array(SCHEDULE, len(schedules), cursor=np.cumsum(lengths) - lengths, stop=np.cumsum(lengths)),
        segments=record_array(
            SEGMENT,
            int(lengths.sum()),
            start=np.concatenate([schedule.starts for schedule in schedules]),
            end=np.concatenate([schedule.ends for schedule in schedules]),
        ),
    )
