"""Local wall-clock times to UTC: a zone as break points, and those as one SQL expression.

DuckDB's own conversion takes the second of two equal wall-clock times when clocks go back; we take the first
(Python's ``fold=0``), and the rules of Python's ``zoneinfo``, so the same file gives the same instants everywhere.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from triage_lab.domain.errors import UsageError

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Zone:
    """Offsets of a zone by wall-clock time.

    Parameters
    ----------
    name : str
        IANA name.
    breaks : tuple of (datetime, int)
        From which wall-clock time (no tzinfo) on which offset to UTC, in seconds, holds.
    first : int
        Offset before the first break, in seconds.
    """

    name: str
    first: int
    breaks: tuple[tuple[datetime, int], ...]


@lru_cache(maxsize=64)
def read_zone(name: str) -> Zone:
    """Return the break points of an IANA zone from 1970 to 2060; before and after, the outermost offset holds.

    Raises
    ------
    UsageError
        No such zone.

    Notes
    -----
    At an instant t where the offset changes from a to b, the wall-clock break is t + max(a, b): a time that occurs
    twice is the first of the two, and a time that clocks skip is read with the offset before the change.

    Examples
    --------
    >>> read_zone("UTC").breaks
    ()
    """
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = sorted(available_timezones())
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        raise UsageError(
            f"no time zone '{name}'", "an IANA name such as Europe/Berlin or UTC",
            f"did you mean {near[0]}?" if near else "see the tz database for the names", timezone=name,
        ) from error  # fmt: skip
    at, offset = FIRST, _offset(zone, FIRST)
    first, breaks = offset, []
    while at < LAST:
        later = at + timedelta(days=1)
        after = _offset(zone, later)
        if after != offset:
            change = _change(zone, at, later, offset)
            breaks.append(((change + timedelta(seconds=max(offset, after))).replace(tzinfo=None), after))
            offset = after
        at = later
    return Zone(name, first, tuple(breaks))


def _offset(zone: ZoneInfo, at: datetime) -> int:
    """Offset to UTC at an instant, in seconds."""
    delta = at.astimezone(zone).utcoffset()
    return int(delta.total_seconds()) if delta is not None else 0


def _change(zone: ZoneInfo, low: datetime, high: datetime, before: int) -> datetime:
    """The first second after ``low`` at which the offset is no longer ``before``."""
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def to_utc(wall: str, zone: Zone) -> str:
    """Return SQL that turns a wall-clock TIMESTAMP column into UTC; ``wall`` is a column name, used many times."""
    if not zone.breaks and not zone.first:
        return wall
    return f"({wall} - to_seconds({_tree(wall, zone.first, zone.breaks)}))"


def _tree(wall: str, before: int, breaks: tuple[tuple[datetime, int], ...]) -> str:
    """A balanced CASE over the break points, so that a value costs log2(n) comparisons."""
    if not breaks:
        return str(before)
    middle = len(breaks) // 2
    at, offset = breaks[middle]
    low, high = _tree(wall, before, breaks[:middle]), _tree(wall, offset, breaks[middle + 1 :])
    return f"CASE WHEN {wall} < TIMESTAMP '{at.isoformat(sep=' ')}' THEN {low} ELSE {high} END"
