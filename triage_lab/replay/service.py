"""Handle times: the ticket's own trace where it holds, else a donor's time drawn with the ticket's own number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from triage_lab.domain.errors import ReplayError
from triage_lab.replay.arrays import DONOR_TABLE, Donors

MIN_DONORS = 20
"""Donors that a table needs before it is used; below, the next wider table serves."""
LONGEST_SECONDS = 2.0**53
LEVELS = {-1: "trace", 0: "team_category", 1: "team", 2: "all"}
"""Where a handle time came from, by the kernel's level."""


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

    Returns
    -------
    Donors
        For each (team, category) its own donors if there are at least 20 (level 0), else the team's if there are
        at least 20 (level 1), else everybody's (level 2); each table sorted ascending.

    Raises
    ------
    ReplayError
        No ticket has a usable handle time.
    """
    known = seconds > 0
    if not known.any():
        raise ReplayError(
            "no handle_minutes: not one ticket has a usable handle time",
            "touch time of the resolving team, in minutes, for at least some tickets",
            "map handle_minutes at ingest, or leave out operations.yaml for a routing-only backtest",
        )
    times, teams_of, categories_of = seconds[known], team[known].astype(np.int64), category[known].astype(np.int64)
    on_desk = teams_of >= 0
    cell = teams_of[on_desk] * categories + categories_of[on_desk]
    by_cell = times[on_desk][np.lexsort((times[on_desk], cell))]
    by_team = times[on_desk][np.lexsort((times[on_desk], teams_of[on_desk]))]
    cell_counts = np.bincount(cell, minlength=teams * categories).reshape(teams, categories)
    team_counts = np.bincount(teams_of[on_desk], minlength=teams)[:, None]
    cell_first = (np.cumsum(cell_counts) - cell_counts.ravel()).reshape(teams, categories)
    team_first = np.cumsum(team_counts)[:, None] - team_counts + len(by_cell)
    level = np.where(cell_counts >= MIN_DONORS, 0, np.where(team_counts >= MIN_DONORS, 1, 2))
    tables = np.empty((teams, categories), dtype=DONOR_TABLE)
    tables["first"] = np.choose(level, [cell_first, team_first, len(by_cell) + len(by_team)])
    tables["count"] = np.choose(level, [cell_counts, team_counts, len(times)])
    tables["level"] = level
    return Donors(seconds=np.concatenate([by_cell, by_team, np.sort(times)]).astype(np.int64), tables=tables)
