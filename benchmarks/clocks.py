"""Open seconds between two stamps on ten calendars: ours against bare NumPy on segments that are given."""

from __future__ import annotations

import numpy as np

from benchmarks import limits
from benchmarks.timing import Goal, Row, compare
from triage_lab import replay
from triage_lab.domain.desk import Calendar, Span

ZONES = (
    "Europe/Berlin", "America/New_York", "Asia/Singapore", "Australia/Sydney", "America/Sao_Paulo",
    "Asia/Kolkata", "Europe/London", "America/Los_Angeles", "Asia/Tokyo", "UTC",
)  # fmt: skip
FIRST = 1_735_689_600
DAY = 86_400


def calendars() -> list[Calendar]:
    """Weekdays from nine to five with an hour for lunch, in ten zones."""
    spans = tuple(span for day in range(5) for span in (Span(day, 540, 720), Span(day, 780, 1020)))
    return [Calendar(zone, zone, spans) for zone in ZONES]


def rows(n: int, repeats: int) -> list[Row]:
    """The comparison, after checking that both say the same."""
    random = np.random.default_rng(4)
    each = n // len(ZONES)
    work = []
    for calendar in calendars():
        start = random.integers(FIRST + 10 * DAY, FIRST + 700 * DAY, each)
        end = start + random.exponential(2.5 * DAY, each).astype(np.int64)
        segments = replay.compile_calendar(calendar, FIRST, FIRST + 800 * DAY)
        work.append((calendar, start, end, (segments.starts, segments.ends, segments.before[:-1])))

    def ours() -> list[np.ndarray]:
        return [replay.business_seconds(start, end, calendar) for calendar, start, end, _ in work]

    def hand() -> list[np.ndarray]:
        return [limits.open_seconds(start, end, *given) for _, start, end, given in work]

    if not all(np.array_equal(a, b) for a, b in zip(ours(), hand(), strict=True)):
        raise AssertionError("the clocks do not agree")
    goal = Goal(1.3, at_most=True)
    return [
        compare(
            "open seconds, 10 calendars", "limit: NumPy searchsorted", ours, hand, size=n, goal=goal, repeats=repeats
        )
    ]
