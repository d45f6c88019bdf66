"""Measuring pairs: ours and the other take turns, and the ratio is taken turn by turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a ratio should reach. ``at_most``: the smaller the better (ours over a limit); floors break a run."""

    goal: float | None = None
    floor: float | None = None
    at_most: bool = False

    def broken(self, ratio: float) -> bool:
        """Whether a ratio is on the wrong side of the floor."""
        if self.floor is None:
            return False
        return ratio > self.floor if self.at_most else ratio < self.floor

    def reached(self, ratio: float) -> bool:
        """Whether a ratio is on the right side of the goal."""
        if self.goal is None:
            return True
        return ratio <= self.goal if self.at_most else ratio >= self.goal


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    ``ours`` and ``other`` are median CPU seconds for ``size`` and ``other_size`` pieces of work. ``ratio`` is the
    median over repeats of ours / other (``goal.at_most``) or other / ours, per piece; ``spread`` its extremes.
    """

    work: str
    size: int
    ours: float
    against: str
    other: float
    ratio: float
    spread: tuple[float, float]
    goal: Goal
    repeats: int


def compare(
    work: str,
    against: str,
    ours: Callable[[], object],
    other: Callable[[], object],
    *,
    size: int,
    other_size: int | None = None,
    goal: Goal = Goal(),
    repeats: int = 5,
    clock: Clock = time.process_time,
) -> Row:
    """Warm both up once, then let them take turns.

    Parameters
    ----------
    ours, other : callables without arguments
        The work; what they prepare beforehand is not measured.
    size, other_size : int
        Pieces of work in a call of each; times are compared per piece.
    clock : callable
        CPU seconds of this process and its threads unless said otherwise.
    """
    ours(), other()
    mine, theirs = [], []
    for _ in range(repeats):
        for work_once, times in ((ours, mine), (other, theirs)):
            began = clock()
            work_once()
            times.append(clock() - began)
    pieces = other_size or size
    return from_times(work, against, mine, theirs, size=size, other_size=pieces, goal=goal)


def from_times(
    work: str,
    against: str,
    mine: list[float],
    theirs: list[float],
    *,
    size: int,
    other_size: int,
    goal: Goal,
) -> Row:
    """Make a row of times that were taken in turns."""
    cost = [(a / size) / (b / other_size) for a, b in zip(mine, theirs, strict=True)]
    ratios = cost if goal.at_most else [1 / value for value in cost]
    return Row(
        work, size, statistics.median(mine), against, statistics.median(theirs), statistics.median(ratios),
        (min(ratios), max(ratios)), goal, len(mine),
    )  # fmt: skip
