"""Escalation windows as the log shows them: tickets that move to one team after a nearly constant time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import Calendar, EscalationWindow
from triage_lab.replay.calendars import Segments, compile_calendar
from triage_lab.replay.inference.activity import Log
from triage_lab.replay.inference.findings import InferredWindow
from triage_lab.replay.inference.modes import KEYS, match_text
from triage_lab.replay.inference.wording import count, length, percent

LEAST_CASES = 30
SPREAD = 0.25
"""Interquartile range of the delays over their median, above which a delay is not constant."""
COVERED, COMMON = 0.98, 0.8
"""A condition covers this share of the moved tickets, and at most that share of all."""
MOST_VALUES = 5
MEANT = 0.5
"""Share of the tickets that nobody started in time that must have moved."""


@dataclass(frozen=True, slots=True)
class _Delay:
    """A nearly constant delay: its median, the calendar it counts in and its spread."""

    seconds: int
    calendar: Calendar
    spread: float


def infer_windows(log: Log, calendars: Sequence[Calendar], cutoff: int) -> tuple[tuple[InferredWindow, ...], str]:
    """Find escalation windows.

    Parameters
    ----------
    log : Log
    calendars : sequence of Calendar
        ``always`` first.
    cutoff : int, UTC seconds

    Returns
    -------
    windows : tuple of InferredWindow
    note : str
        Why there is none, or not more.

    Notes
    -----
    Looked at: escalations, and changes of team that no person made, by team that they go to and by rule; the first of
    each ticket. A window is taken if at least 30 tickets moved, their delays since arrival have an interquartile range
    below 25 % of the median (in the calendar where it is smallest), and most tickets that nobody had started by then
    did move.
    """
    groups = _groups(log)
    if not groups:
        return (), "no ticket moved to another team by itself"
    windows: list[InferredWindow] = []
    unclear = 0
    for team, rule, moved in groups:
        delay = _delay(moved, calendars) if moved.height >= LEAST_CASES else None
        found = None if delay is None else _window(log, log.teams[team], moved, delay, cutoff, len(windows) + 1)
        unclear += found is None
        if found is not None:
            told = f" (rule {rule[:60]})" if rule.isprintable() and rule else ""
            windows.append(InferredWindow(found.window, found.evidence + told))
    note = (
        f"{count(unclear, 'kind')} of moves without a person not written: fewer than {LEAST_CASES} tickets, no constant"
        " delay, or only some of the waiting tickets moved and no column tells which"
        if unclear
        else ""
    )
    return tuple(windows), note


def _groups(log: Log) -> list[tuple[int, str, pl.DataFrame]]:
    """Return (team, rule, tickets) of moves that no person made, largest first."""
    moved = (
        log.moves.filter(
            pl.col("escalated")
            | (~pl.col("by_person") & pl.col("before").is_not_null() & (pl.col("before") != pl.col("team")))
        )
        .with_columns(pl.col("rule_id").fill_null(""))
        .unique(["row", "team", "rule_id"], keep="first", maintain_order=True)
        .join(log.tickets.select("row", "created", *KEYS), on="row")
        .filter(pl.col("at") > pl.col("created"))
    )
    parts = moved.partition_by("team", "rule_id", as_dict=True, maintain_order=True)
    keyed = [(int(str(key[0])), str(key[1]), part) for key, part in parts.items()]
    return sorted(keyed, key=lambda item: (-item[2].height, item[0], item[1]))


def _delay(moved: pl.DataFrame, calendars: Sequence[Calendar]) -> _Delay | None:
    """Return the delay in the calendar where it is most constant, None if it is constant in none."""
    created, at = moved["created"].to_numpy(), moved["at"].to_numpy()
    best: _Delay | None = None
    for calendar in calendars:
        segments = compile_calendar(calendar, int(created.min()), int(at.max()))
        waited = segments.worked(at) - segments.worked(created)
        low, middle, high = (float(value) for value in np.quantile(waited, (0.25, 0.5, 0.75)))
        spread = (high - low) / middle if middle > 0 else np.inf
        if spread < SPREAD and (best is None or spread < best.spread - 1e-12):
            best = _Delay(max(60, round(middle / 60) * 60), calendar, spread)
    return best


def _window(log: Log, team: str, moved: pl.DataFrame, delay: _Delay, cutoff: int, number: int) -> InferredWindow | None:
    """Write a window, unless too few of the tickets that waited so long moved."""
    key, values = _condition(log.tickets, moved)
    matching = log.tickets if key is None else log.tickets.filter(pl.col(key).is_in(values))
    started = log.actions.group_by("row").agg(pl.col("at").min().alias("started"))
    watched = matching.join(started, on="row", how="left").select("row", "created", pl.col("started").fill_null(cutoff))
    segments = compile_calendar(delay.calendar, int(watched["created"].min()), cutoff)  # type: ignore[arg-type]
    late = watched.filter(pl.Series(_waited(segments, watched) > 1.1 * delay.seconds))
    share = late.filter(pl.col("row").is_in(moved["row"].implode())).height / late.height if late.height else 1.0
    if share < MEANT:
        return None
    window = EscalationWindow(
        f"escalation-{number}", delay.seconds, delay.calendar.calendar_id, team, match_text(key, values)
    )
    evidence = (
        f"{count(moved.height, 'ticket')} moved after {length(delay.seconds)}, spread (interquartile range over median)"
        f" {percent(delay.spread)}; of those that nobody started by then {percent(share)} moved"
    )
    return InferredWindow(window, evidence)


def _waited(segments: Segments, watched: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Return the open seconds from arrival to the first action of a person."""
    created = watched["created"].to_numpy()
    return np.asarray(segments.worked(np.maximum(watched["started"].to_numpy(), created)) - segments.worked(created))


def _condition(tickets: pl.DataFrame, moved: pl.DataFrame) -> tuple[str | None, tuple[str, ...]]:
    """Find a column whose few values hold nearly all moved tickets and not nearly all tickets."""
    for key in KEYS:
        counts = (
            moved.group_by(pl.col(key).alias("value")).len().drop_nulls().sort("len", "value", descending=[True, False])
        )
        values: list[str] = []
        held = 0
        for value, number in counts.iter_rows():
            if held >= COVERED * moved.height:
                break
            values.append(value)
            held += number
        usable = 0 < len(values) <= MOST_VALUES and all(value.isprintable() and len(value) <= 100 for value in values)
        if usable and held >= COVERED * moved.height:
            share = tickets.filter(pl.col(key).is_in(values)).height / tickets.height
            if share <= COMMON:
                return key, tuple(sorted(values))
    return None, ()
