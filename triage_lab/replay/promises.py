"""SLA promises: which target applies to each ticket, when it is due, and whether it was kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import Calendar, Operations, SlaTarget
from triage_lab.domain.enums import SlaMetric, SlaState
from triage_lab.replay.arrays import NEVER
from triage_lab.replay.calendars import ROUND_THE_CLOCK, compile_calendar
from triage_lab.replay.clocks import due_times
from triage_lab.replay.frames import check_names, mask_of

VENDOR = "vendor"
"""Target id of a ticket's own ``due_at``."""
CYCLE = 1
"""Pauses and reopened tickets are not played yet, so every clock runs once."""
DAY_SECONDS = 86_400
STATES = (SlaState.MET, SlaState.BREACHED, SlaState.OPEN, SlaState.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Term:
    """A target as a promise uses it; ``any_action`` tells whether an automated action fulfils it."""

    target_id: str
    calendar: Calendar
    any_action: bool


@dataclass(frozen=True, slots=True, eq=False)
class Promise:
    """What one metric promises to every ticket.

    Parameters
    ----------
    metric : SlaMetric
    terms : tuple of Term
    choice : int16 array, shape (n,)
        Index into ``terms``, -1 where no target applies.
    due : int64 array, shape (n,), UTC seconds
        NEVER where no target applies.
    """

    metric: SlaMetric
    terms: tuple[Term, ...]
    choice: npt.NDArray[np.int16]
    due: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Clocks:
    """The clocks of every ticket as far as no decision changes them.

    Parameters
    ----------
    promises : tuple of Promise
    arrived : int64 array, shape (n,), UTC seconds
    layout : polars.DataFrame
        One row per ticket and promise, promise by promise: row, sla_metric, target_id, cycle, due_at.
    without_target : polars.Series
        Of Boolean, a value a row of ``layout``: no target applies.
    """

    promises: tuple[Promise, ...]
    arrived: npt.NDArray[np.int64]
    layout: pl.DataFrame
    without_target: pl.Series


@dataclass(frozen=True, slots=True, eq=False)
class Stops:
    """When clocks stop, int64 arrays of shape (n,) in UTC seconds; NEVER where nothing stopped them by the cutoff."""

    first_action: npt.NDArray[np.int64]
    first_human_action: npt.NDArray[np.int64]
    acknowledged: npt.NDArray[np.int64]
    resolved: npt.NDArray[np.int64]


def make_promises(
    operations: Operations | None,
    arrived: npt.NDArray[np.int64],
    vendor_due: npt.NDArray[np.int64],
    masks: Mapping[str, npt.NDArray[np.bool_]],
) -> tuple[Promise, ...]:
    """Find target and due time of every ticket for each metric that promises anything.

    Parameters
    ----------
    operations : Operations or None
        None: only the vendor's due times count.
    arrived, vendor_due : int64 arrays, shape (n,), UTC seconds
        ``vendor_due`` is NEVER where the ticket has none; it serves where no resolve target matches, as a wall-clock
        promise with id ``vendor``.
    masks : mapping of target id to bool array, shape (n,)
        Tickets that each target matches; the first target in file order wins within a metric.

    Returns
    -------
    tuple of Promise
        In the order of `SlaMetric`, only metrics that have a target.

    Notes
    -----
    Clocks start at arrival. ``pause_when`` is kept in operations but not played: nothing is pending in this version,
    so no clock ever pauses.

    Raises
    ------
    ReplayError
        A mask is missing, too long, or for an undeclared target; a calendar never opens.
    """
    targets = operations.sla if operations else ()
    check_names(masks, [target.target_id for target in targets], "SLA targets")
    promises = []
    for metric in SlaMetric:
        of_metric = [target for target in targets if target.metric == metric]
        vendor = vendor_due if metric == SlaMetric.RESOLVE and (vendor_due != NEVER).any() else None
        if of_metric or vendor is not None:
            calendars = operations.calendars if operations else {}
            promises.append(_promise(metric, of_metric, calendars, arrived, vendor, masks))
    return tuple(promises)


def _promise(
    metric: SlaMetric,
    targets: Sequence[SlaTarget],
    calendars: Mapping[str, Calendar],
    arrived: npt.NDArray[np.int64],
    vendor_due: npt.NDArray[np.int64] | None,
    masks: Mapping[str, npt.NDArray[np.bool_]],
) -> Promise:
    """Let the first matching target choose; the vendor's due time fills what is left."""
    rows = len(arrived)
    choice, due = np.full(rows, -1, dtype=np.int16), np.full(rows, NEVER, dtype=np.int64)
    terms = []
    for index, target in enumerate(targets):
        calendar = calendars[target.calendar]
        terms.append(Term(target.target_id, calendar, target.fulfil_by == "any"))
        chosen = (choice < 0) & mask_of(masks, target.target_id, target.match, rows)
        choice[chosen] = index
        due[chosen] = due_times(arrived[chosen], target.limit_seconds, calendar)
    if vendor_due is not None:
        chosen = (choice < 0) & (vendor_due != NEVER)
        choice[chosen] = len(terms)
        due[chosen] = vendor_due[chosen]
        terms.append(Term(VENDOR, ROUND_THE_CLOCK, False))
    return Promise(metric, tuple(terms), choice, due)


def make_clocks(promises: tuple[Promise, ...], arrived: npt.NDArray[np.int64]) -> Clocks:
    """Lay out the rows of `sla_states`, metric by metric, so that a judgement has to fill in two columns only.

    Parameters
    ----------
    promises : tuple of Promise
    arrived : int64 array, shape (n,), UTC seconds
    """
    n = len(arrived)
    layout = pl.concat([_blank(0, ""), *(_layout(promise, n) for promise in promises)], rechunk=True)
    without = [pl.Series(promise.choice < 0) for promise in promises]
    return Clocks(promises, arrived, layout, pl.concat(without) if without else pl.Series([], dtype=pl.Boolean()))


def _blank(rows: int, metric: str) -> pl.DataFrame:
    """Return the columns of that many clocks that are the same for every ticket."""
    return pl.select(
        pl.int_range(rows, dtype=pl.UInt32()).alias("row"),
        pl.repeat(metric, rows, dtype=pl.String()).alias("sla_metric"),
        pl.repeat(None, rows, dtype=pl.String()).alias("target_id"),
        pl.repeat(CYCLE, rows, dtype=pl.Int32()).alias("cycle"),
        pl.repeat(None, rows, dtype=pl.Int64()).alias("due_at"),
    )


def _layout(promise: Promise, rows: int) -> pl.DataFrame:
    """Return the columns of one metric's clocks that do not hang on what happens."""
    names = pl.Series([*(term.target_id for term in promise.terms), None], dtype=pl.String())
    index = np.where(promise.choice < 0, len(promise.terms), promise.choice).astype(np.uint32)
    return _blank(rows, promise.metric.value).with_columns(
        names.gather(pl.Series(index)).alias("target_id"),
        pl.Series("due_at", promise.due).set(pl.Series(promise.choice < 0), None),
    )


def sla_states(clocks: Clocks, stops: Stops, cutoff: int) -> pl.DataFrame:
    """Judge every promise at the cutoff.

    Parameters
    ----------
    clocks : Clocks
    stops : Stops
        What happened by the cutoff.
    cutoff : int, UTC seconds

    Returns
    -------
    polars.DataFrame
        One row per ticket and metric that has targets: row, sla_metric, target_id, cycle, state, due_at,
        elapsed_minutes (calendar time from arrival to the stop, or to the cutoff). Done by the due second is met,
        done later or not done with the due time reached is breached, not done before it is open.
    """
    n = len(clocks.arrived)
    state = np.empty(n * len(clocks.promises), dtype=np.uint32)
    elapsed = np.empty(len(state), dtype=np.float64)
    for index, promise in enumerate(clocks.promises):
        rows = slice(index * n, (index + 1) * n)
        stop = _stop_of(promise, stops)
        hours = _hours_of(promise, clocks.arrived, stop, cutoff)
        facts = (promise.choice, promise.due, clocks.arrived, stop)
        _compiled_judge()(facts, hours, cutoff, state[rows], elapsed[rows])
    names = pl.Series("state", [one.value for one in STATES])
    states = clocks.layout.with_columns(
        names.gather(pl.Series(state)), pl.Series("elapsed_minutes", elapsed).set(clocks.without_target, None)
    )
    return states.select("row", "sla_metric", "target_id", "cycle", "state", "due_at", "elapsed_minutes")


def _stop_of(promise: Promise, stops: Stops) -> npt.NDArray[np.int64]:
    """Return the stamps that stop the clocks of one metric."""
    if promise.metric == SlaMetric.RESOLVE:
        return stops.resolved
    if promise.metric == SlaMetric.ACKNOWLEDGE:
        return stops.acknowledged
    if stops.first_action is stops.first_human_action:
        return stops.first_action
    any_action = np.array([term.any_action for term in promise.terms] + [False])[promise.choice]
    return np.where(any_action, stops.first_action, stops.first_human_action)


class Hours(NamedTuple):
    """Open segments of the calendars of a metric's terms, end to end, with an index by UTC day."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    before: npt.NDArray[np.int64]  # open seconds of the term's calendar before each segment
    first: npt.NDArray[np.int64]  # (terms + 1,) first segment of each term
    days: npt.NDArray[np.int64]  # (terms, days) first segment that does not start before the day
    low: int  # midnight that the days are counted from


def _hours_of(promise: Promise, arrived: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], cutoff: int) -> Hours:
    """Compile the calendars of a metric for every stamp that its clocks meet."""
    applies = promise.choice >= 0
    whole = bool(applies.all())
    begun, ended = (arrived, stop) if whole else (arrived[applies], stop[applies])
    ended = np.where(ended == NEVER, cutoff, ended)
    low = min(int(stamps.min(initial=cutoff)) for stamps in (begun, ended))
    high = max(int(stamps.max(initial=cutoff)) for stamps in (begun, ended))
    compiled = [compile_calendar(term.calendar, low, high) for term in promise.terms]
    first = np.cumsum([0, *(len(segments.starts) for segments in compiled)])
    midnights = np.arange(compiled[0].low, compiled[0].high, DAY_SECONDS)
    return Hours(
        np.concatenate([segments.starts for segments in compiled]),
        np.concatenate([segments.ends for segments in compiled]),
        np.concatenate([segments.before[:-1] for segments in compiled]),
        first,
        np.stack(
            [at + np.searchsorted(segments.starts, midnights) for at, segments in zip(first, compiled, strict=False)]
        ),
        compiled[0].low,
    )


@cache
def _compiled_judge() -> Callable[..., None]:
    """Compile the judge at first use."""
    from triage_lab.replay.kernel import compiled

    return compiled(_judge)


def _judge(
    facts: tuple[npt.NDArray[Any], ...],
    hours: Hours,
    cutoff: int,
    state: npt.NDArray[np.uint32],
    elapsed: npt.NDArray[np.float64],
) -> None:
    """Write the state (index into STATES) and the elapsed minutes of one metric's clocks; compiled."""
    choices, dues, arrivals, stops = facts
    for row in range(len(choices)):
        term, stop = choices[row], stops[row]
        state[row], elapsed[row] = 3, 0.0
        if term < 0:
            continue
        late = stop > dues[row] if stop != NEVER else dues[row] <= cutoff
        state[row] = 1 if late else (0 if stop != NEVER else 2)
        seconds = 0
        for end in range(2):
            stamp = arrivals[row] if end == 0 else (stop if stop != NEVER else cutoff)
            index = hours.days[term, (stamp - hours.low) // DAY_SECONDS]
            while index < hours.first[term + 1] and hours.starts[index] <= stamp:
                index += 1
            worked = 0
            if index > hours.first[term]:
                worked = hours.before[index - 1] + min(stamp, hours.ends[index - 1]) - hours.starts[index - 1]
            seconds = worked - seconds
        elapsed[row] = seconds / 60  # exact to the last place, see `minutes`
