"""Clocks on calendars: open seconds between two stamps, due times, and the state of every SLA promise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from triage_lab.domain.desk import Calendar
from triage_lab.domain.errors import ReplayError
from triage_lab.replay.calendars import IntArray, Segments, compile_calendar

YEAR_SECONDS = 366 * 86_400
LONGEST_WAIT_YEARS = 60


def business_seconds(start: npt.ArrayLike, end: npt.ArrayLike, calendar: Calendar) -> IntArray:
    """Return the open seconds of a calendar between pairs of stamps.

    Parameters
    ----------
    start, end : array_like of int, shape (n,), UTC epoch seconds
        Half-open spans; where ``end`` is before ``start`` the result is negative.
    calendar : Calendar

    Returns
    -------
    int64 array, shape (n,), seconds
        Exact.

    Raises
    ------
    ReplayError
        Shapes differ, a stamp is no integer, or the calendar cannot be compiled.

    Notes
    -----
    ``W(end) - W(start)`` with W the prefix sum of open segments; two binary searches a pair.

    Examples
    --------
    >>> from triage_lab.domain.desk import Span
    >>> nine_to_five = Calendar("office", "UTC", tuple(Span(day, 540, 1020) for day in range(5)))
    >>> business_seconds([0], [86_400], nine_to_five).tolist()
    [28800]
    """
    first, second = stamps(start, "start"), stamps(end, "end")
    if first.shape != second.shape:
        raise ReplayError(
            f"{len(first)} start times and {len(second)} end times",
            "as many ends as starts",
            "pass arrays of one length",
        )
    if not len(first):
        return np.zeros(0, dtype=np.int64)
    low, high = min(int(first.min()), int(second.min())), max(int(first.max()), int(second.max()))
    segments = compile_calendar(calendar, low, high)
    return segments.worked(second) - segments.worked(first)


def stamps(values: npt.ArrayLike, name: str) -> IntArray:
    """Return values as a one-dimensional int64 array, refusing anything that is not whole seconds."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise ReplayError(
            f"{name} has shape {array.shape} and type {array.dtype}",
            "a one-dimensional array of whole seconds",
            "floor the times to seconds and pass integers",
        )
    return array.astype(np.int64)


def due_times(start: IntArray, limit_seconds: int, calendar: Calendar) -> IntArray:
    """Return the stamp at which ``limit_seconds`` of calendar time have passed since each start.

    Parameters
    ----------
    start : int64 array, shape (n,), UTC epoch seconds
    limit_seconds : int
        Open seconds allowed, at least 0.
    calendar : Calendar

    Returns
    -------
    int64 array, shape (n,), UTC epoch seconds
        The earliest such stamp: a limit used up exactly at closing is due at closing.

    Raises
    ------
    ReplayError
        The calendar never opens, or does not open long enough within 60 years.
    """
    if not len(start) or limit_seconds == 0:
        return start.astype(np.int64)
    segments = _long_enough(calendar, int(start.min()), int(start.max()), limit_seconds)
    return np.maximum(segments.reach(segments.worked(start) + limit_seconds), start)


def _long_enough(calendar: Calendar, low: int, high: int, limit: int) -> Segments:
    """Compile far enough past ``high`` that the limit is used up within the range."""
    ahead = limit
    while ahead <= LONGEST_WAIT_YEARS * YEAR_SECONDS:
        segments = compile_calendar(calendar, low, high + ahead)
        if segments.total and segments.total >= int(segments.worked(np.array([high], dtype=np.int64))[0]) + limit:
            return segments
        ahead = 2 * ahead + YEAR_SECONDS
    raise ReplayError(
        f"calendar {calendar.calendar_id!r} does not open for {limit} seconds within {LONGEST_WAIT_YEARS} years",
        "a calendar with opening hours",
        "give the calendar hours in operations.yaml",
    )
