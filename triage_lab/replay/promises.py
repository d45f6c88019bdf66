"""SLA promises: which target applies to each ticket, when it is due, and whether it was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import Calendar, Operations, SlaTarget
from triage_lab.domain.enums import SlaMetric, SlaState
from triage_lab.replay.arrays import NEVER
from triage_lab.replay.calendars import ROUND_THE_CLOCK
from triage_lab.replay.clocks import business_seconds, due_times
from triage_lab.replay.frames import check_names, mask_of

VENDOR = "vendor"
"""Target id of a ticket's own ``due_at``."""
CYCLE = 1
"""Pauses and reopened tickets are not played yet, so every clock runs once."""
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


def sla_states(promises: Sequence[Promise], arrived: npt.NDArray[np.int64], stops: Stops, cutoff: int) -> pl.DataFrame:
    """Judge every promise at the cutoff.

    Parameters
    ----------
    promises : sequence of Promise
    arrived : int64 array, shape (n,), UTC seconds
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
    frames = [_states_of(promise, arrived, _stop_of(promise, stops), cutoff) for promise in promises]
    schema = pl.Schema(
        {
            "row": pl.UInt32(),
            "sla_metric": pl.String(),
            "target_id": pl.String(),
            "cycle": pl.Int32(),
            "state": pl.String(),
            "due_at": pl.Int64(),
            "elapsed_minutes": pl.Float64(),
        }
    )
    return pl.concat([pl.DataFrame(schema=schema), *(frame.cast(schema) for frame in frames)])


def _stop_of(promise: Promise, stops: Stops) -> npt.NDArray[np.int64]:
    """Return the stamps that stop the clocks of one metric."""
    if promise.metric == SlaMetric.RESOLVE:
        return stops.resolved
    if promise.metric == SlaMetric.ACKNOWLEDGE:
        return stops.acknowledged
    any_action = np.array([term.any_action for term in promise.terms] + [False])[promise.choice]
    return np.where(any_action, stops.first_action, stops.first_human_action)


def _states_of(
    promise: Promise, arrived: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], cutoff: int
) -> pl.DataFrame:
    """Judge one metric for all tickets."""
    done, applies = stop != NEVER, promise.choice >= 0
    late = np.where(done, stop > promise.due, promise.due <= cutoff)
    state = np.where(~applies, 3, np.where(late, 1, np.where(done, 0, 2)))
    elapsed = np.zeros(len(arrived), dtype=np.int64)
    for index, term in enumerate(promise.terms):
        chosen = promise.choice == index
        elapsed[chosen] = business_seconds(arrived[chosen], np.where(done[chosen], stop[chosen], cutoff), term.calendar)
    names = [term.target_id for term in promise.terms]
    return pl.DataFrame(
        {
            "row": np.arange(len(arrived), dtype=np.uint32),
            "choice": promise.choice.astype(np.int32),
            "code": state.astype(np.int32),
            "due_at": promise.due,
            "elapsed_minutes": elapsed / 60,  # NumPy divides exactly, see `minutes`
        }
    ).select(
        "row",
        pl.lit(promise.metric.value).alias("sla_metric"),
        pl.Series("target_id", names)
        .gather(np.maximum(promise.choice, 0).astype(np.uint32))
        .set(pl.Series(~applies), None)
        if names
        else pl.lit(None, dtype=pl.String()).alias("target_id"),
        pl.lit(CYCLE, dtype=pl.Int32()).alias("cycle"),
        pl.Series("state", [state.value for state in STATES]).gather(state.astype(np.uint32)),
        pl.when(pl.col("choice") >= 0).then(pl.col("due_at")).alias("due_at"),
        pl.when(pl.col("choice") >= 0).then(pl.col("elapsed_minutes")).alias("elapsed_minutes"),
    )
