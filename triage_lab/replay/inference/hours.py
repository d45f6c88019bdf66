"""Working hours: the shortest hours of the week that hold what a team's people did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import ALWAYS, Calendar, Span
from triage_lab.replay.inference.wording import count, hours_text, percent

Counts = npt.NDArray[np.int64]
HELD = 0.98
"""Share of the actions that a calendar has to hold."""
DAY, STEP, SLACK = 1440, 30, 5
ROUND_THE_CLOCK = 22 * 60
"""Minutes of the day from which hours count as the whole day."""
FEW, ENOUGH = 30, 150
"""Actions below which hours are taken from the whole desk, and below which its weekdays are."""
LONGER, LONGER_IF_FEW = 0.25, 0.5
"""Share by which a shared calendar may be longer than a team's own hours, and if the team did little."""
ALIKE, SHARED = 30, 60
"""Minutes by which opening and closing of two weekdays may differ and still be one rule, and a day by which a shared
calendar may be longer than a team's own hours."""
LONG, ALIKE_IF_LONG = 960, 120
"""Minutes of a day from which weekdays may differ by two hours: nearly all day is nearly all day."""
TRIMMED, CORE = 0.005, 0.02
"""Share of the actions left out at either end of the day, and where weekdays are compared."""
DATES_ONLY = 0.5
"""Share of actions at exactly midnight from which the times of a log are dates."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly hours of a team.

    Parameters
    ----------
    spans : tuple of Span
        Empty = round the clock.
    held : float
        Share of the actions inside.
    actions : int
    borrowed : bool
        Taken from the whole desk, since the team did too little itself.
    """

    spans: tuple[Span, ...]
    held: float
    actions: int
    borrowed: bool = False


def local_times(actions: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Add the local time of each action.

    Parameters
    ----------
    actions : polars.DataFrame
        With ``at``, UTC seconds.
    zone : str

    Returns
    -------
    polars.DataFrame
        With ``local`` (seconds from 1970-01-01T00:00 by the clock on the wall) and ``day`` (days from then).
    """
    wall = pl.from_epoch("at", time_unit="s").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    local = wall.dt.replace_time_zone(None).dt.timestamp("ms").floordiv(1_000)
    return actions.with_columns(local=local).with_columns(day=pl.col("local").floordiv(86_400).cast(pl.Int32))


def week_counts(actions: pl.DataFrame, teams: int) -> Counts:
    """Count actions by team and minute of the local week.

    Parameters
    ----------
    actions : polars.DataFrame
        With ``team``, ``local`` and ``day``.
    teams : int

    Returns
    -------
    int64 array, shape (teams, 7, 1440)
        Monday first.
    """
    tallied = (
        actions.filter(pl.col("team").is_not_null())
        .select(
            "team",
            weekday=(pl.col("day") + 3) % 7,  # 1970-01-01 was a Thursday
            minute=pl.col("local") % 86_400 // 60,
        )
        .group_by("team", "weekday", "minute")
        .len()
    )
    counts = np.zeros((teams, 7, DAY), dtype=np.int64)
    counts[tallied["team"].to_numpy(), tallied["weekday"].to_numpy(), tallied["minute"].to_numpy()] = tallied["len"]
    return counts


def are_dates(actions: pl.DataFrame) -> bool:
    """Tell whether the times are dates in disguise: most lie at midnight, of the lab's zone or of UTC."""
    if not actions.height:
        return False
    midnight = actions.select(
        (pl.col("local") % 86_400 == 0).mean().alias("lab"), (pl.col("at") % 86_400 == 0).mean().alias("utc")
    ).row(0)
    return bool(max(midnight) > DATES_ONLY)


def team_hours(counts: Counts) -> list[Hours]:
    """Find the hours of every team.

    Parameters
    ----------
    counts : int64 array, shape (teams, 7, 1440)

    Returns
    -------
    list of Hours
        Teams with fewer than 30 actions get those of the desk as a whole, round the clock if that has too few too.
    """
    whole = counts.sum(axis=0)
    fallback = hours_of(whole) if whole.sum() >= FEW else Hours((), 1.0, int(whole.sum()))
    days = sorted({span.weekday for span in fallback.spans}) or list(range(7))
    out = []
    for own in counts:
        actions = int(own.sum())
        if actions >= FEW:
            out.append(hours_of(own, days if actions < ENOUGH else None))
        else:
            out.append(Hours(fallback.spans, held_share(own, fallback.spans), actions, borrowed=True))
    return out


def hours_of(counts: Counts, days: list[int] | None = None) -> Hours:
    """Find the shortest weekly hours, in whole half hours, that hold at least 98 % of the actions.

    Parameters
    ----------
    counts : int64 array, shape (7, 1440)
        Actions by weekday and minute; at least one.
    days : list of int or None
        Weekdays that are open (others may still turn out to be needed); None = as the counts say.

    Returns
    -------
    Hours

    Notes
    -----
    The day is a circle: it is cut in the middle of its emptiest stretch, so hours past midnight belong to the day
    on which they begin. Weekdays that together hold at most 1 % of the actions are closed; of the others half a
    percent is left out at either end of the day. Neighbouring weekdays whose hours differ by at most half an hour (two
    percent left out) are one rule. Where the shortest arc that holds 98 % is 22 hours or longer, the day is open
    throughout.
    """
    total = int(counts.sum())
    start, length = _shortest_arc(counts.sum(axis=0).reshape(DAY // STEP, STEP).sum(axis=1))
    if length * STEP >= ROUND_THE_CLOCK:
        days = _open_days(counts.sum(axis=1))
        spans = () if len(days) == 7 else tuple(Span(day, 0, DAY) for day in days)
        return Hours(spans, held_share(counts, spans), total)
    cut = (start + length + (DAY // STEP - length) // 2) * STEP % DAY
    turned = np.concatenate([counts[:, cut:], np.roll(counts, -1, axis=0)[:, :cut]], axis=1)
    margin = 0
    while True:
        spans = _spans(turned, cut, margin, days)
        held = held_share(counts, spans)
        if held >= HELD:
            return Hours(spans, held, total)
        days, margin = None, margin + STEP


def _shortest_arc(bins: Counts) -> tuple[int, int]:
    """Return start and length of the shortest run of half hours, round the day, that holds 98 %."""
    needed, size = HELD * bins.sum(), len(bins)
    sums = np.concatenate([[0], np.cumsum(np.tile(bins, 2))])
    for length in range(1, size + 1):
        held = sums[length : length + size] - sums[:size]
        if held.max() >= needed:
            return int(held.argmax()), length
    return 0, size


def _open_days(volumes: Counts) -> list[int]:
    """Return the weekdays without those that together hold at most 1 %."""
    order = np.argsort(volumes, kind="stable")
    closed = np.cumsum(volumes[order]) <= 0.01 * volumes.sum()
    return sorted(int(day) for day in order[~closed])


def _spans(turned: Counts, cut: int, margin: int, days: list[int] | None) -> tuple[Span, ...]:
    """Write the hours of each open weekday, widened by a margin; ``turned`` counts from the cut of the day on."""
    runs: list[list[int]] = []
    for day in _in_a_row(_open_days(turned.sum(axis=1)) if days is None else days):
        if runs and runs[-1][-1] == (day - 1) % 7 and _alike(turned, runs[-1], day):
            runs[-1].append(day)
        else:
            runs.append([day])
    bounds: list[tuple[int, int]] = []
    joined: list[list[int]] = []
    for run in runs:
        low, high = _bounds(turned[run].sum(axis=0))
        if bounds and _near(bounds[-1], (low, high)) and joined[-1][-1] == (run[0] - 1) % 7:
            bounds[-1] = min(bounds[-1][0], low), max(bounds[-1][1], high)
            joined[-1] += run
        else:
            bounds.append((low, high))
            joined.append(run)
    return _as_spans(joined, bounds, cut, margin)


def _in_a_row(days: list[int]) -> list[int]:
    """Begin a week after a closed day, so that weekdays in a row stand in a row."""
    begins = next((place for place, day in enumerate(days) if (day - 1) % 7 not in days), 0)
    return days[begins:] + days[:begins]


def _as_spans(runs: list[list[int]], bounds: list[tuple[int, int]], cut: int, margin: int) -> tuple[Span, ...]:
    """Write hours that count from the cut of the day as spans, widened by a margin; each weekday begins once."""
    low = [cut + max(0, opening - margin) for opening, _ in bounds]
    high = [cut + min(DAY, closing + margin) for _, closing in bounds]
    if min(low) < DAY:  # some begin before midnight, so all do
        low = [min(start, DAY - STEP) for start in low]
    spans = [
        Span((day + start // DAY) % 7, start % DAY, stop - start // DAY * DAY)
        for run, start, stop in zip(runs, low, high, strict=True)
        for day in run
    ]
    return tuple(sorted(spans, key=lambda span: (span.weekday, span.start)))


def _alike(turned: Counts, run: list[int], day: int) -> bool:
    """Tell whether a weekday keeps the hours of the run before it; with few actions nobody can tell otherwise."""
    if min(turned[day].sum(), turned[run].sum()) < ENOUGH:
        return True
    low, high = _bounds(turned[run].sum(axis=0), CORE)
    own_low, own_high = _bounds(turned[day], CORE)
    return _near((low, high), (own_low, own_high))


def _near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether two days open and close at about the same time."""
    allowed = ALIKE if min(one[1] - one[0], other[1] - other[0]) < LONG else ALIKE_IF_LONG
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= allowed


def _bounds(minutes: Counts, trimmed: float = TRIMMED) -> tuple[int, int]:
    """Return opening and closing of a day as minutes from its cut, in whole half hours."""
    sums = np.cumsum(minutes)
    low = int(np.searchsorted(sums, trimmed * sums[-1], side="right"))
    high = int(np.searchsorted(sums, (1 - trimmed) * sums[-1], side="left")) + 1
    opening = (low + SLACK) // STEP * STEP
    return opening, max(opening + STEP, -(-(high - SLACK) // STEP) * STEP)


def held_share(counts: Counts, spans: tuple[Span, ...]) -> float:
    """Return the share of the actions inside weekly spans (all of them where nothing was done)."""
    total = int(counts.sum())
    if not spans or not total:
        return 1.0
    week = open_minutes(spans)
    return float((counts.reshape(-1) * week).sum()) / total


def open_minutes(spans: tuple[Span, ...]) -> npt.NDArray[np.bool_]:
    """Return for each minute of the week whether it is open; Monday first, no spans = round the clock."""
    week = np.zeros(7 * DAY, dtype=bool)
    if not spans:
        week[:] = True
    for span in spans:
        first = span.weekday * DAY + span.start
        week[np.arange(first, first + span.end - span.start) % len(week)] = True
    return week


def share_calendars(hours: list[Hours], counts: Counts, zone: str) -> tuple[list[str], list[Calendar]]:
    """Let teams with the same hours share a calendar.

    Parameters
    ----------
    hours : list of Hours
        One a team.
    counts : int64 array, shape (teams, 7, 1440)
    zone : str

    Returns
    -------
    names : list of str
        Calendar of each team.
    calendars : list of Calendar
        Without ``always``.

    Notes
    -----
    Busy teams choose first. A team takes the shortest calendar of others that holds 98 % of its actions too and is
    not much longer than its own hours: by an hour a day, or a quarter (half, for teams that did little).
    """
    names = [ALWAYS] * len(hours)
    calendars: list[Calendar] = []
    for team in sorted(range(len(hours)), key=lambda number: (hours[number].borrowed, -hours[number].actions, number)):
        own = hours[team]
        if not own.spans:
            continue
        fitting = [one for one in calendars if _fits(one.spans, own, counts[team])]
        if not fitting:
            fitting = [Calendar(f"hours-{len(calendars) + 1}", zone, own.spans)]
            calendars.append(fitting[0])
        names[team] = min(fitting, key=lambda one: int(open_minutes(one.spans).sum())).calendar_id
    return names, calendars


def _fits(spans: tuple[Span, ...], own: Hours, counts: Counts) -> bool:
    """Tell whether other hours serve a team as well as its own."""
    if spans == own.spans:
        return True
    length = int(open_minutes(own.spans).sum())
    share = LONGER if own.actions >= 2 * ENOUGH else LONGER_IF_FEW
    longer = int(open_minutes(spans).sum()) - length
    return longer <= max(SHARED * len(own.spans), share * length) and held_share(counts, spans) >= HELD


def hours_evidence(names: list[str], hours: list[Hours], spans: tuple[Span, ...]) -> str:
    """Say what hours rest on; ``names`` and ``hours`` are of the teams that keep them."""
    own = [item for item in hours if not item.borrowed]
    actions = sum(item.actions for item in own)
    if not actions:
        return "too few actions of people to tell hours"
    held = sum(item.held * item.actions for item in own) / actions
    told = (
        f"{hours_text(spans)} hold {percent(held)} of {count(actions, 'action')}"
        if spans
        else (f"{count(actions, 'action')} at all hours: the shortest hours that hold 98 % of them are the whole week")
    )
    borrowed = len(hours) - len(own)
    more = f"; taken over for {count(borrowed, 'team')} with fewer than {FEW} actions" if borrowed else ""
    return f"{told} of {count(len(own), 'team')}{more}"
