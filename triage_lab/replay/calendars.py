"""Calendars compiled to open segments in UTC seconds: time zones, DST, holidays, overnight spans.

Rules, all tested: a span is half-open; one past midnight belongs to its start day (a holiday on that day removes
it whole); an opening in the repeated hour of autumn means its first pass and a closing its second; a wall time
that spring skips is read with the offset in force before the jump (02:30 becomes 03:30). Length is always elapsed
time, so New York 22:00-06:00 is seven hours on the spring night and nine on the autumn night.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from triage_lab.domain.desk import ALWAYS, Calendar
from triage_lab.domain.errors import ReplayError

IntArray = npt.NDArray[np.int64]
DAY_MINUTES = 1440
FIRST_YEAR, LAST_YEAR = 1902, 2500  # outside this, zone rules are guesses and a date is a typing error


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Open time of one calendar between ``low`` and ``high``.

    Parameters
    ----------
    starts, ends : int64 arrays, shape (k,), UTC seconds
        Disjoint, ascending, never touching; segment i is ``[starts[i], ends[i])``.
    before : int64 array, shape (k + 1,), seconds
        Open seconds before segment i; the last entry is the total.
    low, high : int, UTC seconds
        The range compiled; a stamp outside ``low <= t <= high`` is refused, never clamped.
    """

    calendar_id: str
    starts: IntArray
    ends: IntArray
    before: IntArray
    low: int
    high: int

    @property
    def total(self) -> int:
        """Open seconds in the whole range."""
        return int(self.before[-1])

    def worked(self, stamps: IntArray) -> IntArray:
        """Return the open seconds before each stamp, counted from ``low``.

        Raises
        ------
        ReplayError
            A stamp lies outside the compiled range.
        """
        self._check(stamps)
        index = np.searchsorted(self.starts, stamps, side="right")
        last = np.maximum(index - 1, 0)
        inside = np.minimum(stamps, self.ends[last]) - self.starts[last] if len(self.starts) else np.zeros_like(stamps)
        return np.where(index > 0, self.before[last] + inside, 0)

    def reach(self, seconds: IntArray) -> IntArray:
        """Return the earliest stamp with that many open seconds before it (the inverse of `worked`)."""
        index = np.searchsorted(self.before[1:], seconds, side="left")
        return np.asarray(self.starts[index] + (seconds - self.before[index]), dtype=np.int64)

    def is_open(self, stamps: IntArray) -> npt.NDArray[np.bool_]:
        """Tell for each stamp whether the calendar is open then."""
        self._check(stamps)
        index = np.searchsorted(self.starts, stamps, side="right") - 1
        if not len(self.starts):
            return np.zeros(len(stamps), dtype=bool)
        return np.asarray((index >= 0) & (stamps < self.ends[np.maximum(index, 0)]))

    def _check(self, stamps: IntArray) -> None:
        """Refuse stamps outside the compiled range."""
        if len(stamps) and (int(stamps.min()) < self.low or int(stamps.max()) > self.high):
            raise ReplayError(
                f"a time outside the compiled range of calendar {self.calendar_id!r}",
                f"times between {iso(self.low)} and {iso(self.high)}",
                "compile the calendar for the range of the data",
            )


def iso(stamp: int) -> str:
    """Write UTC seconds as ISO 8601 text with a Z."""
    return (datetime(1970, 1, 1) + timedelta(seconds=stamp)).isoformat() + "Z"  # noqa: DTZ001


def compile_calendar(calendar: Calendar, low: int, high: int) -> Segments:
    """Compile a calendar to its open segments over a range.

    The range is widened to whole UTC years, so that calls with nearby ranges share one cached result.

    Parameters
    ----------
    calendar : Calendar
    low, high : int, UTC seconds
        Earliest and latest stamp that will be asked for.

    Returns
    -------
    Segments

    Raises
    ------
    ReplayError
        Unknown time zone or holiday country, or a range outside the years 1902 to 2500.

    Notes
    -----
    A calendar that is ``always`` open is one segment over the whole range.

    Examples
    --------
    >>> compile_calendar(Calendar("always", always=True), 0, 10).total
    31536000
    """
    first, last = _year(calendar, low), _year(calendar, high)
    return _compiled(calendar, first, last)


def _year(calendar: Calendar, stamp: int) -> int:
    """Return the UTC year of a stamp, refusing implausible ones."""
    earliest, latest = _new_year(FIRST_YEAR), _new_year(LAST_YEAR + 1)
    if not earliest <= stamp < latest:
        raise ReplayError(
            f"time {stamp} s cannot be placed on calendar {calendar.calendar_id!r}",
            f"UTC epoch seconds between the years {FIRST_YEAR} and {LAST_YEAR}",
            "check the unit of the time column (seconds, not milli- or microseconds)",
        )
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=stamp)).year


def _new_year(year: int) -> int:
    """Return the first second of a UTC year."""
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


@lru_cache(maxsize=512)
def _compiled(calendar: Calendar, first: int, last: int) -> Segments:
    """Compile whole UTC years ``first`` to ``last``."""
    low, high = _new_year(first), _new_year(last + 1)
    pairs = [(low, high)] if calendar.always else _merged(_open_pairs(calendar, first, last), low, high)
    starts = np.array([pair[0] for pair in pairs], dtype=np.int64)
    ends = np.array([pair[1] for pair in pairs], dtype=np.int64)
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(ends - starts)])
    for array in (starts, ends, before):
        array.setflags(write=False)  # the result is shared through the cache
    return Segments(calendar.calendar_id, starts, ends, before, low, high)


def _open_pairs(calendar: Calendar, first: int, last: int) -> Iterable[tuple[int, int]]:
    """Yield (opening, closing) in UTC seconds for every span of every day that is no holiday."""
    zone = _zone(calendar)
    closed = holiday_dates(calendar, first - 1, last + 1)
    day, stop = date(first, 1, 1) - timedelta(days=3), date(last + 1, 1, 1) + timedelta(days=2)
    by_weekday = [[span for span in calendar.spans if span.weekday == weekday] for weekday in range(7)]
    while day < stop:
        if day not in closed:
            midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
            for span in by_weekday[day.weekday()]:
                yield (
                    _utc(midnight + timedelta(minutes=span.start), zone, 0),
                    _utc(midnight + timedelta(minutes=span.end), zone, 1),
                )
        day += timedelta(days=1)


def _utc(wall: datetime, zone: ZoneInfo, fold: int) -> int:
    """Turn a wall time into UTC seconds; a time in a gap keeps the offset before the jump."""
    local = wall.replace(tzinfo=zone, fold=fold)
    if fold and local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        local = local.replace(fold=0)
    return int(local.timestamp())


def _merged(pairs: Iterable[tuple[int, int]], low: int, high: int) -> list[tuple[int, int]]:
    """Clip to the range, sort, and join segments that touch or overlap."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((max(start, low), min(end, high)) for start, end in pairs):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _zone(calendar: Calendar) -> ZoneInfo:
    """Return the calendar's time zone."""
    try:
        return ZoneInfo(calendar.timezone)
    except (KeyError, ValueError, OSError) as error:
        raise ReplayError(
            f"calendar {calendar.calendar_id!r} has the unknown time zone {calendar.timezone!r}",
            "an IANA name such as Europe/Berlin",
            "correct the calendar's timezone in operations.yaml",
        ) from error


@lru_cache(maxsize=512)
def holiday_dates(calendar: Calendar, first: int, last: int) -> frozenset[date]:
    """Return the local dates in the years ``first`` to ``last`` on which the calendar stays closed.

    Raises
    ------
    ReplayError
        The holidays library knows no such country or subdivision.
    """
    dates = set(calendar.holiday_dates)
    if calendar.holiday_country is not None:
        import holidays

        try:
            public = holidays.country_holidays(
                calendar.holiday_country, subdiv=calendar.holiday_subdivision, years=range(first, last + 1)
            )
        except (NotImplementedError, KeyError, ValueError) as error:
            raise ReplayError(
                f"calendar {calendar.calendar_id!r} names holidays of"
                f" {calendar.holiday_country!r} {calendar.holiday_subdivision or ''}".rstrip(),
                "a country code (and subdivision) that the holidays library knows, such as DE and BY",
                "correct it in operations.yaml, or list the dates under holidays.dates",
            ) from error
        dates.update(public)
    return frozenset(dates)


ROUND_THE_CLOCK = Calendar(ALWAYS, always=True)
