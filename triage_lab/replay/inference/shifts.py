"""From people present to a small roster: as many agents as a median week shows, with their shifts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from triage_lab.domain.desk import Agent, Span
from triage_lab.replay.inference.hours import open_minutes
from triage_lab.replay.inference.presence import SLOTS, Presence, quietest

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
STEP, DAY = 30, 1440
SHORTEST_GAP, SHORTEST_SHIFT = 4, 2
"""Half hours: a dip that is shorter is filled, a shift that is shorter is dropped."""
UNLIKE, ONE_MORE, HALF = 0.25, 1.0, 0.5
"""Two weekdays are one rule if the people differ by at most this share, or by at most one person at any time while
the one weekday has half of the other's people at least: eight weeks do not tell more."""
QUIET = 0.05
"""Share of the busiest weekday's people up to which a weekday is closed."""
FLAT = 0.1
"""Share by which a plain number may miss the people of a median week."""
SNAP, AFTER = 60, 120
"""Minutes: a shift that begins or ends within an hour inside the team's hours, or two outside, does so with them."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Agents of a team.

    Parameters
    ----------
    agents : tuple of Agent
        Without shifts if ``flat``.
    flat : bool
    most : int
        Most people at once in a median week.
    found : bool
        FALSE: a median week shows nobody, one agent is the least that a team can have.
    """

    agents: tuple[Agent, ...]
    flat: bool
    most: int
    found: bool


def build_roster(present: Presence, closed: frozenset[int], spans: tuple[Span, ...], prefix: str) -> Roster:
    """Turn presence into a roster.

    Parameters
    ----------
    present : Presence
    closed : frozenset of int
        Days to leave out (holidays), counted from 1970-01-01.
    spans : tuple of Span
        The team's weekly hours; empty = round the clock.
    prefix : str
        Beginning of the agents' ids.

    Returns
    -------
    Roster

    Notes
    -----
    For every weekday and half hour the median over the weeks of the people present. The day is cut where fewest
    people are there. Neighbouring weekdays that differ by at most a quarter are pooled. Whoever begins first leaves
    first: a shift ends when the number of people falls, and the longest shift is the one that ends.
    """
    cut = quietest(present.people)
    turned, first = _turn(present, cut)
    profiles = _profiles(turned, first, closed)
    of_run = [(days, _shifts(profile)) for days, profile in profiles]
    size = max((len(shifts) for _, shifts in of_run), default=0)
    weekly = [
        tuple(
            sorted(
                (
                    _span(day, cut, shifts[number], spans)
                    for days, shifts in of_run
                    for day in days
                    if number < len(shifts)
                ),
                key=lambda span: (span.weekday, span.start),
            )
        )
        for number in range(size)
    ]
    most = int(max((profile.max() for _, profile in profiles), default=0))
    if not weekly:
        return Roster((Agent(f"{prefix}-1"),), True, most, False)
    number = _flat_number(weekly, spans)
    if number:
        return Roster(tuple(Agent(f"{prefix}-{index + 1}") for index in range(number)), True, most, True)
    agents = tuple(Agent(f"{prefix}-{index + 1}", shifts=shifts) for index, shifts in enumerate(weekly))
    return Roster(agents, False, most, True)


def _turn(present: Presence, cut: int) -> tuple[Floats, int]:
    """Return people by day from the cut on; half hours after midnight belong to the day on which the day began."""
    flat = present.people.reshape(-1)
    if not cut:
        return present.people, present.first
    whole = flat[cut : len(flat) - (SLOTS - cut)]
    return whole.reshape(-1, SLOTS), present.first


def _profiles(turned: Floats, first: int, closed: frozenset[int]) -> list[tuple[list[int], Ints]]:
    """Return runs of alike weekdays with the median people of each half hour, smoothed; empty days are left out."""
    dates = np.arange(first, first + len(turned))
    kept = ~np.isin(dates, np.array(sorted(closed), dtype=np.int64))
    weekdays = (dates + 3) % 7
    of_day = [turned[kept & (weekdays == day)] for day in range(7)]
    medians = [np.median(own, axis=0) if len(own) else np.zeros(SLOTS) for own in of_day]
    means = [float(own.sum()) / max(1, len(own)) for own in of_day]
    runs: list[list[int]] = []
    for day in range(7):
        if means[day] <= QUIET * max(means):
            continue
        if (
            runs
            and runs[-1][-1] == day - 1
            and _alike(medians[runs[-1][0]], medians[day], means[runs[-1][0]], means[day])
        ):
            runs[-1].append(day)
        else:
            runs.append([day])
    out = []
    for run in runs:
        profile = _smooth(_rounded(np.median(turned[kept & np.isin(weekdays, run)], axis=0)))
        if profile.any():
            out.append((run, profile))
    return out


def _rounded(values: Floats) -> Ints:
    """Round half up."""
    return np.floor(values + 0.5).astype(np.int64)


def _alike(one: Floats, other: Floats, one_mean: float, other_mean: float) -> bool:
    """Tell whether two weekdays are manned alike, by median and mean people."""
    differing = np.abs(one - other)
    near = differing.max() <= ONE_MORE and min(one_mean, other_mean) >= HALF * max(one_mean, other_mean)
    return bool(near or differing.sum() <= UNLIKE * max(one.sum(), other.sum()))


def _smooth(profile: Ints) -> Ints:
    """Fill short dips and drop short shifts, level by level."""
    out = np.zeros_like(profile)
    for level in range(1, int(profile.max(initial=0)) + 1):
        out += _without_short_runs(_without_short_runs(profile >= level, False, SHORTEST_GAP), True, SHORTEST_SHIFT)
    return out


def _without_short_runs(present: npt.NDArray[np.bool_], value: bool, shortest: int) -> npt.NDArray[np.bool_]:
    """Turn runs of a value that are shorter than allowed; gaps at the ends of the day are no gaps."""
    edges = np.flatnonzero(np.diff(present.astype(np.int8))) + 1
    bounds = [0, *edges.tolist(), len(present)]
    out = present.copy()
    for start, stop in pairwise(bounds):
        inner = value or (start > 0 and stop < len(present))
        if present[start] == value and inner and stop - start < shortest:
            out[start:stop] = not value
    return out


def _shifts(profile: Ints) -> list[tuple[int, int]]:
    """Cut a day's people into shifts [start, stop) in half hours: who began first leaves first."""
    here: list[int] = []
    shifts: list[tuple[int, int]] = []
    for slot, wanted in enumerate([*profile.tolist(), 0]):
        while len(here) > wanted:
            shifts.append((here.pop(0), slot))
        here += [slot] * (wanted - len(here))
    return sorted(shifts)


def _span(day: int, cut: int, shift: tuple[int, int], spans: tuple[Span, ...]) -> Span:
    """Write a shift of a day that begins at the cut as a span; where it nearly is the team's hours it becomes them."""
    start, stop = (cut + shift[0]) * STEP, (cut + shift[1]) * STEP
    day, start, stop = (day + start // DAY) % 7, start % DAY, stop - start // DAY * DAY
    for hours in spans:
        later = {0: 0, 1: DAY, 6: -DAY}.get((hours.weekday - day) % 7)
        if later is None:
            continue
        opens, closes = hours.start + later, hours.end + later
        early, late = start - opens, stop - closes
        if opens < stop and start < closes and early >= -AFTER and late <= AFTER:
            begin = opens if early <= SNAP else start
            end = closes if late >= -SNAP else stop
            if 0 <= begin < DAY:
                return Span(day, begin, end)
    return Span(day, start, min(stop, start + DAY))


def _flat_number(weekly: list[tuple[Span, ...]], spans: tuple[Span, ...]) -> int:
    """Return the plain number of agents over the team's hours that comes near enough to the shifts, else 0.

    Shifts that take turns stay shifts: a number that is much smaller than theirs would be people who never go home.
    """
    hours = open_minutes(spans)
    people = np.array([open_minutes(shifts) for shifts in weekly], dtype=np.int64).sum(axis=0)
    number = max(1, round(float(people[hours].sum()) / float(hours.sum())))
    turns = len(weekly) > max(number + 1, 1.25 * number)
    near = float(np.abs(people - number * hours).sum()) <= FLAT * float(people.sum())
    return number if near and not turns else 0


def open_seconds(agents: tuple[Agent, ...], spans: tuple[Span, ...]) -> int:
    """Return how many seconds a week the agents of a team are on duty."""
    return sum(int(open_minutes(agent.shifts or spans).sum()) for agent in agents) * 60
