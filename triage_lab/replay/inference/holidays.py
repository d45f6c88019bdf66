"""Single days on which hardly anybody worked."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from triage_lab.replay.inference.wording import day

LEAST_DAYS = 56
QUIET = 0.1
"""Share of a usual weekday's actions below which a date is a holiday."""
LEAST_USUAL = 20
"""Actions of a usual weekday that are needed before their absence says anything."""
NEIGHBOURS = 4
"""A usual weekday is the median of the same weekday four weeks before to four weeks after."""
MOST = 0.1
"""Share of the open dates beyond which they are gaps of the log, not holidays."""


def quiet_dates(counts: npt.NDArray[np.int64], first: int, weekdays: frozenset[int]) -> tuple[tuple[date, ...], int]:
    """Find dates with abnormally few actions.

    Parameters
    ----------
    counts : int64 array, shape (days,)
        Actions by local day.
    first : int
        The first day, counted from 1970-01-01.
    weekdays : frozenset of int
        Weekdays (Monday = 0) on which the calendar opens.

    Returns
    -------
    dates : tuple of date
        Those with fewer than 10 % of the actions of the same weekday in the weeks around; empty for less than 56 days,
        and where more than 10 % of the dates are like that.
    gaps : int
        How many dates were left out because they are too many.

    Examples
    --------
    >>> counts = np.full(70, 50)
    >>> counts[37] = 1
    >>> quiet_dates(counts, 20_000, frozenset(range(7)))
    ((datetime.date(2024, 11, 10),), 0)
    """
    if len(counts) < LEAST_DAYS:
        return (), 0
    places = np.arange(len(counts))
    found: list[int] = []
    dates = 0
    for weekday in sorted(weekdays):
        own = places[(first + places + 3) % 7 == weekday]
        values = counts[own]
        dates += len(own)
        for place, value in enumerate(values):
            around = values[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]
            usual = float(np.median(around))
            if usual >= LEAST_USUAL and value < QUIET * usual:
                found.append(int(own[place]))
    if len(found) > MOST * dates:
        return (), len(found)
    return tuple(day(first + place) for place in sorted(found)), 0
