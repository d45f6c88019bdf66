"""Handle times: the ticket's own trace where it holds, else a time drawn with the ticket's own number.

What is drawn from, in this order: donors of the team and category, donors of the team, the team's declared times
(``handle_times`` in operations.yaml), donors of all teams. A table of donors needs 20 of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from triage_lab.domain.errors import ReplayError
from triage_lab.replay.arrays import DECLARED, DONOR_TABLE, Donors, Records

MIN_DONORS = 20
"""Donors that a table needs before it is used; below, the next wider table serves."""
LONGEST_SECONDS = 2.0**53
LEVELS = {-1: "trace", 0: "team_category", 1: "team", DECLARED: "operations", 2: "all"}
"""Where a handle time came from, by the kernel's level, in the order in which they are asked."""
Quantiles = Sequence[int]


def handle_seconds(minutes: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Round recorded handle minutes to whole seconds, half up, at least 1.

    Parameters
    ----------
    minutes : float64 array, shape (n,), minutes
        NaN where unknown.

    Returns
    -------
    int64 array, shape (n,), seconds
        0 where there is no usable time (NaN, infinite, zero or negative).

    Examples
    --------
    >>> handle_seconds(np.array([1.0, 0.001, -3.0, float("nan")])).tolist()
    [60, 1, 0, 0]
    """
    with np.errstate(invalid="ignore", over="ignore"):
        seconds = np.floor(minutes * 60.0 + 0.5)
        usable = (minutes > 0) & (seconds < LONGEST_SECONDS)
    return np.where(usable, np.maximum(np.where(usable, seconds, 0.0), 1.0), 0.0).astype(np.int64)


def donor_tables(
    seconds: npt.NDArray[np.int64],
    team: npt.NDArray[np.int32],
    category: npt.NDArray[np.int32],
    *,
    teams: int,
    categories: int,
    declared: Sequence[Quantiles | None] = (),
) -> Donors:
    """Build the tables from which handle times are drawn.

    Parameters
    ----------
    seconds : int64 array, shape (n,)
        Recorded handle seconds, 0 where unknown.
    team : int32 array, shape (n,)
        Team that did the work; negative where unknown or not on the desk (such a donor serves only level 2).
    category : int32 array, shape (n,)
    teams, categories : int
        Sizes of the desk and of the category list.
    declared : sequence of quantiles or None, one a team
        Each team's declared quantile function: whole seconds at equal steps of probability, at least two, not
        falling; None (or an empty sequence for all) where nothing is declared.

    Returns
    -------
    Donors
        For each (team, category) its own donors if there are at least 20 (level 0), else the team's if there are
        at least 20 (level 1), else the team's declared times (level 3), else everybody's (level 2); tables of donors
        are sorted ascending.

    Raises
    ------
    ReplayError
        No ticket has a usable handle time and some team declares none, or declared times are no quantiles.
    """
    known = seconds > 0
    declares = np.array([quantiles is not None for quantiles in declared] or [False] * teams, dtype=bool)
    if not known.any() and not declares.all():
        raise ReplayError(
            "no handle_minutes: not one ticket has a usable handle time, and not every team has handle_times",
            "touch time of the resolving team, in minutes, for at least some tickets, or handle_times of every team",
            "map handle_minutes at ingest, write handle_times (`operations propose` infers them), or leave out"
            " operations.yaml for a routing-only backtest",
        )
    times, teams_of, categories_of = seconds[known], team[known].astype(np.int64), category[known].astype(np.int64)
    on_desk = teams_of >= 0
    cell = teams_of[on_desk] * categories + categories_of[on_desk]
    by_cell = times[on_desk][np.lexsort((times[on_desk], cell))]
    by_team = times[on_desk][np.lexsort((times[on_desk], teams_of[on_desk]))]
    knots, knot_first, knot_counts = _declared_knots(declared, teams)
    cell_counts = np.bincount(cell, minlength=teams * categories).reshape(teams, categories)
    team_counts = np.bincount(teams_of[on_desk], minlength=teams)[:, None]
    cell_first = (np.cumsum(cell_counts) - cell_counts.ravel()).reshape(teams, categories)
    team_first = np.cumsum(team_counts)[:, None] - team_counts + len(by_cell)
    everybody = len(by_cell) + len(by_team)
    level = np.where(
        cell_counts >= MIN_DONORS,
        0,
        np.where(team_counts >= MIN_DONORS, 1, np.where(declares, DECLARED, 2)[:, None]),
    )
    tables = np.empty((teams, categories), dtype=DONOR_TABLE)
    tables["first"] = np.choose(
        level, [cell_first, team_first, everybody, (everybody + len(times) + knot_first)[:, None]]
    )
    tables["count"] = np.choose(level, [cell_counts, team_counts, len(times), knot_counts[:, None]])
    tables["level"] = level
    return Donors(seconds=np.concatenate([by_cell, by_team, np.sort(times), knots]).astype(np.int64), tables=tables)


def drawn_seconds(
    donors: Donors,
    team: npt.NDArray[np.int32],
    category: npt.NDArray[np.int32],
    draw: npt.NDArray[np.float64],
) -> npt.NDArray[np.int64]:
    """Draw handle times from the tables; the kernel's rule in columns.

    Parameters
    ----------
    donors : Donors
    team, category : int32 arrays, shape (n,)
    draw : float64 array, shape (n,), in [0, 1)
        Each ticket's own number.

    Returns
    -------
    int64 array, shape (n,), seconds

    Notes
    -----
    A donor table gives donor floor(draw x count). Declared times give their quantile function at ``draw``: linear
    between the two quantiles around it, rounded half up to whole seconds.
    """
    tables: Records = donors.tables[team, category]
    declared = tables["level"] == DECLARED
    place = (draw * tables["count"]).astype(np.int64)
    position = draw * (tables["count"] - 1)
    knot = np.where(declared, np.minimum(position.astype(np.int64), tables["count"] - 2), 0)
    first = tables["first"] + np.where(declared, knot, place)
    low = donors.seconds[first]
    high = donors.seconds[np.where(declared, first + 1, first)]
    between = np.floor((high - low) * np.where(declared, position - knot, 0.0) + 0.5).astype(np.int64)
    return np.asarray(low + between, dtype=np.int64)


def _declared_knots(
    declared: Sequence[Quantiles | None], teams: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return all declared quantiles in one array, with first place and number of each team's."""
    counts = np.zeros(teams, dtype=np.int64)
    knots: list[int] = []
    for number, quantiles in enumerate(declared):
        if quantiles is None:
            continue
        falling = any(after < before for before, after in pairwise(quantiles))
        if len(quantiles) < 2 or falling or quantiles[0] < 1 or quantiles[-1] >= LONGEST_SECONDS:
            raise ReplayError(
                f"the handle_times of team number {number + 1} are no quantiles of a time",
                "two or more whole seconds from 1, not falling",
                "correct handle_times in operations.yaml",
            )
        counts[number] = len(quantiles)
        knots.extend(quantiles)
    return np.array(knots, dtype=np.int64), np.cumsum(counts) - counts, counts
