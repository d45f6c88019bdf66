"""Demand against capacity: what each team's queue had to do, hour by hour, and what theory says of its wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from triage_lab.domain.desk import Discipline
from triage_lab.domain.enums import Arm
from triage_lab.domain.result import QueueLoad
from triage_lab.replay.arrays import Code
from triage_lab.replay.calendars import Segments
from triage_lab.replay.play import Played, belongs, service_seconds
from triage_lab.replay.theory import erlang_c
from triage_lab.replay.world import World

BIN = 900  # seconds; no zone's offset is finer than a quarter of an hour today
HOUR = 3600


@dataclass(frozen=True, slots=True, eq=False)
class LocalClock:
    """Quarter hours of UTC time with their local day and hour.

    Parameters
    ----------
    low : int, UTC seconds
        Start of the first bin.
    day, hour : int64 arrays, shape (k,)
        Local day (proleptic ordinal) and hour of each bin.
    """

    low: int
    day: npt.NDArray[np.int64]
    hour: npt.NDArray[np.int64]

    @property
    def edges(self) -> npt.NDArray[np.int64]:
        """Bounds of the bins, one more than there are bins."""
        return self.low + BIN * np.arange(len(self.day) + 1, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """Visits of tickets to queues: team, second joined, seconds of work, wait (-1 if never started)."""

    team: npt.NDArray[np.int64]
    joined: npt.NDArray[np.int64]
    work: npt.NDArray[np.int64]
    wait: npt.NDArray[np.int64]


def queue_load(played: Played, world: World, *, arm: str = Arm.CANDIDATE.value) -> list[QueueLoad]:
    """Describe the load of every team's queue on an average week day.

    Parameters
    ----------
    played : Played
    world : World
    arm : str
        Written into the result.

    Returns
    -------
    list of QueueLoad
        One a team, in file order. ``demand`` and ``capacity`` are agents by local hour of the team's calendar, means
        over the Mondays to Fridays on which the team opens (all days on which it opens, if those are none); whole
        local days only, unless there are none. ``utilisation`` is busy over open agent time from the first arrival
        to the cutoff. ``theory_wait_minutes`` is Erlang C at the same load, where it applies: first come first
        served, open without a break all the time, load below 1.

    Notes
    -----
    Work that reaches a queue counts with the time it takes there (handle or inspection time), started or not.
    """
    visits = _visits(played, world)
    return [_team_load(played, world, visits, number, arm) for number in range(len(world.roster.teams))]


def _visits(played: Played, world: World) -> Visits:
    """Pair every JOIN of the trail with the start that ends the visit."""
    trail = played.trail
    kept = np.isin(trail.code, [int(Code.JOIN), int(Code.INSPECT), int(Code.START)])
    order = np.argsort(trail.ticket[kept], kind="stable")
    row, code = trail.ticket[kept][order].astype(np.int64), trail.code[kept][order]
    time, arg = trail.time[kept][order], trail.arg[kept][order]
    joins = np.flatnonzero(code == int(Code.JOIN))
    after = np.minimum(joins + 1, max(len(code) - 1, 0))
    begun = (joins + 1 < len(code)) & (row[after] == row[joins]) & (code[after] != int(Code.JOIN))
    team = arg[joins]
    own = belongs(world, row[joins], team)
    work = np.full(len(joins), max(1, world.operations.inspection_seconds), dtype=np.int64)
    work[own] = service_seconds(world, row[joins][own], team[own], played.replication)
    return Visits(
        team=team.astype(np.int64), joined=time[joins], work=work, wait=np.where(begun, time[after] - time[joins], -1)
    )


def _team_load(played: Played, world: World, visits: Visits, number: int, arm: str) -> QueueLoad:
    """Describe one team."""
    name = world.roster.teams[number]
    team = world.operations.teams[name]
    zone = world.operations.calendars[team.calendar].timezone
    low, high = int(world.arrived[0]), world.cutoff
    clock = _local_clock(zone, low - low % BIN, high)
    hours = [world.roster.schedule_of(int(slot)) for slot in world.roster.slots_of(number)]
    open_bins = _open_bins(hours, clock)
    days = _average_days(clock, open_bins, low, high)
    mine = visits.team == number
    at = (visits.joined[mine] - clock.low) // BIN
    inside = np.isin(clock.day[at], days)
    scale = HOUR * max(1, len(days)) * team.concurrency
    demand = np.bincount(clock.hour[at][inside], weights=visits.work[mine][inside], minlength=24) / scale
    counted = np.isin(clock.day, days)
    capacity = np.bincount(clock.hour[counted], weights=open_bins[counted], minlength=24) / scale
    span = np.array([low, high], dtype=np.int64)
    available = sum(int(np.diff(schedule.worked(span))[0]) for schedule in hours)
    busy = played.busy_seconds[name]
    waits = visits.wait[mine & (visits.wait >= 0)]
    return QueueLoad(
        arm=arm,
        team=name,
        agents=len(team.agents),
        utilisation=busy / available if available else None,
        wait_minutes=float(waits.sum()) / len(waits) / 60 if len(waits) else None,
        theory_wait_minutes=_theory_minutes(team.discipline, hours, visits.work[mine], low, high),
        demand=tuple(demand.tolist()),
        capacity=tuple(capacity.tolist()),
    )


def _theory_minutes(
    discipline: Discipline, hours: list[Segments], work: npt.NDArray[np.int64], low: int, high: int
) -> float | None:
    """Return Erlang C at the team's load, None where its assumptions do not hold."""
    steady = all(bool(((schedule.starts <= low) & (schedule.ends >= high)).any()) for schedule in set(hours))
    if discipline != Discipline.FIRST_COME or not steady or not len(work) or high <= low:
        return None
    rate, mean = len(work) / (high - low), float(work.sum()) / len(work)
    return erlang_c(rate, mean, len(hours)) / 60 if rate * mean < len(hours) else None


def _open_bins(hours: list[Segments], clock: LocalClock) -> npt.NDArray[np.int64]:
    """Return the open slot seconds in each bin."""
    total = np.zeros(len(clock.day), dtype=np.int64)
    for schedule in dict.fromkeys(hours):
        edges = np.clip(clock.edges, schedule.low, schedule.high)
        total += hours.count(schedule) * np.diff(schedule.worked(edges))
    return total


def _average_days(clock: LocalClock, open_bins: npt.NDArray[np.int64], low: int, high: int) -> npt.NDArray[np.int64]:
    """Return the local days that an average week day is taken over."""
    days, inverse = np.unique(clock.day, return_inverse=True)
    opens = np.bincount(inverse, weights=open_bins, minlength=len(days)) > 0
    edges = clock.edges
    whole = np.ones(len(days), dtype=bool)
    whole[inverse[edges[:-1] < low]] = False
    whole[inverse[edges[1:] > high]] = False
    whole[0] = whole[0] and clock.hour[0] == 0 and low == clock.low
    whole[-1] = whole[-1] and clock.hour[-1] == 23
    weekday = (days - 1) % 7 < 5  # ordinal 1 is a Monday
    for choice in (opens & whole & weekday, opens & weekday, opens & whole, opens):
        if choice.any():
            return days[choice]
    return days[:0]


@lru_cache(maxsize=64)
def _local_clock(zone: str, low: int, high: int) -> LocalClock:
    """Tabulate the local day and hour of every quarter hour from ``low`` to ``high``."""
    tz, epoch = ZoneInfo(zone), datetime(1970, 1, 1, tzinfo=UTC)
    locals_ = [(epoch + timedelta(seconds=stamp)).astimezone(tz) for stamp in range(low, high + 1, BIN)]
    return LocalClock(
        low,
        np.array([local.toordinal() for local in locals_], dtype=np.int64),
        np.array([local.hour for local in locals_], dtype=np.int64),
    )
