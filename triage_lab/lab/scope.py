"""Which tickets are scored: window by arrival, filter, segments, replications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from triage_lab.domain.desk import Operations
from triage_lab.domain.errors import UsageError

WEEK = 7 * 86400


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open span of arrival times, epoch seconds UTC."""

    start: int
    end: int


def parse_time(text: str, timezone: str, flag: str) -> int:
    """Turn a date or time into epoch seconds; without a zone it is the lab's time, a date is its first instant.

    Raises
    ------
    UsageError
        The text is neither.
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{flag} {text!r} is no date", "a date or time, e.g. 2026-09-01 or 2026-09-01T08:00"
        ) from error
    if when.tzinfo is None:
        when = when.replace(tzinfo=ZoneInfo(timezone))
    return int(when.timestamp())


def choose_window(
    arrived_at: pl.Series,
    *,
    start: str | None,
    end: str | None,
    timezone: str,
    operations: Operations | None,
) -> Window:
    """Return the scored window.

    Parameters
    ----------
    arrived_at : Series of Int64, shape (n,)
        Arrival times, epoch seconds, ascending; n > 0.
    start, end : str or None
        ``--from`` and ``--to``.

    Notes
    -----
    Default: from the first to the last arrival, less a warm-up of min(7 days, 10 %) and an end margin of
    min(longest SLA target, 10 %) of that span. Without a desk nothing has to warm up and neither is cut.
    """
    first, last = int(arrived_at[0]), int(arrived_at[-1]) + 1
    span = last - first
    warm_up = margin = 0
    if operations is not None:
        warm_up = min(WEEK, span // 10)
        longest = max((target.limit_seconds for target in operations.sla), default=0)
        margin = min(longest, span // 10)
    chosen = Window(
        parse_time(start, timezone, "--from") if start else first + warm_up,
        parse_time(end, timezone, "--to") if end else last - margin,
    )
    if chosen.start >= chosen.end:
        raise UsageError(
            f"the window is empty: {iso(chosen.start)} to {iso(chosen.end)}",
            "--from before --to",
            f"arrivals lie between {iso(first)} and {iso(last)}",
        )
    inside = int(((arrived_at >= chosen.start) & (arrived_at < chosen.end)).sum())
    if inside == 0:
        raise UsageError(
            f"no ticket arrived from {iso(chosen.start)} to {iso(chosen.end)}",
            f"a window that meets {iso(first)} to {iso(last)}",
            "change --from or --to",
        )
    return chosen


def scored_mask(
    context: pl.DataFrame, window: Window, where: np.ndarray | None, left_out: pl.Series | None = None
) -> np.ndarray:
    """Boolean array, shape (n,): arrived inside the window, is a ticket of its own, and passed ``--where``.

    Raises
    ------
    UsageError
        Nothing is left.
    """
    arrived = context["arrived_at"].to_numpy()
    mask = (arrived >= window.start) & (arrived < window.end)
    if left_out is not None:
        mask &= left_out.is_null().to_numpy()
        if not mask.any():
            raise UsageError(
                "every ticket of the window is merged, a duplicate, deleted or spam", "tickets of their own",
                "widen --from and --to",
            )  # fmt: skip
    if where is not None:
        mask &= where
        if not mask.any():
            raise UsageError("--where leaves no ticket in the window", "a predicate that is true for some tickets")
    return mask


def iso(seconds: int) -> str:
    """Epoch seconds → ISO 8601 UTC text with Z."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
