"""The state of every scored ticket's SLA targets, as whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.enums import SlaMetric, SlaState
from triage_lab.metrics.layout import Layout

MET, OPEN, BREACHED = 1, 2, 3
_LAST = "targets"
Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Targets:
    """Where the targets of the scored tickets stand in a frame of states, by SLA metric.

    ``at`` holds the rows of the frame and the scored tickets that they belong to, and whether no ticket has two.
    """

    row: pl.Series
    sla_metric: pl.Series
    at: Mapping[str, tuple[npt.NDArray[np.intp], npt.NDArray[np.int64], bool]]


def worst_states(sla_states: pl.DataFrame, layout: Layout, cutoff: int) -> dict[str, Levels]:
    """`rows.ticket_states` of the scored tickets as one array a SLA metric: MET, OPEN or BREACHED, else 0.

    0 is a target that is not applicable, or none. SLA metrics stand in the order of their names.
    """
    targets, level = _targets(sla_states, layout), _levels(sla_states, cutoff)
    out: dict[str, Levels] = {}
    for name, (rows, tickets, once) in targets.at.items():
        own = level[rows]
        worst = np.zeros(layout.places.size, dtype=np.uint8)
        if once:
            worst[tickets] = own
        else:
            for state in (MET, OPEN, BREACHED):  # the worst of a ticket's cycles is written last
                worst[tickets[own == state]] = state
        out[name] = worst
    return out


def _levels(sla_states: pl.DataFrame, cutoff: int) -> Levels:
    """State of every row; a target due after the cutoff is open even if it has been met early."""
    state = pl.col("state").cast(pl.String)
    marks = sla_states.select(
        *((state == one.value).fill_null(value=False).alias(one.name) for one in (SlaState.MET, SlaState.OPEN)),
        (state == SlaState.BREACHED.value).fill_null(value=False).alias(SlaState.BREACHED.name),
        (pl.col("due_at") > cutoff).fill_null(value=False).alias("later"),
    )
    met, still, breached, later = (marks[name].to_numpy().view(np.uint8) for name in marks.columns)
    levels: Levels = met + (met & later) + still * np.uint8(OPEN) + breached * np.uint8(BREACHED)  # MET + 1 = OPEN
    return levels


def _targets(sla_states: pl.DataFrame, layout: Layout) -> _Targets:
    """Where the targets stand; the frames of all replications are laid out alike, so that it is found once."""
    row, sla_metric = sla_states["row"], sla_states["sla_metric"]
    last: _Targets | None = layout.last.get(_LAST)
    if last is not None and row.equals(last.row) and sla_metric.equals(last.sla_metric):
        return last
    place = np.full(layout.tickets, -1, dtype=np.int64)
    place[layout.places] = np.arange(layout.places.size)
    tickets = place[row.cast(pl.Int64).to_numpy()]
    text = sla_metric.cast(pl.String)
    at: dict[str, tuple[npt.NDArray[np.intp], npt.NDArray[np.int64], bool]] = {}
    for name in text.unique().sort().to_list():
        rows = np.flatnonzero((text == name).to_numpy() & (tickets >= 0))
        counts = np.bincount(tickets[rows], minlength=1)
        at[name] = (rows, tickets[rows], int(counts.max()) <= 1)
    found = _Targets(row, sla_metric, at)
    layout.last[_LAST] = found
    return found


def headline_of(states: Mapping[str, Levels], wanted: str | None) -> str | None:
    """The SLA metric that stands for SLA compliance: the one asked for, else the first that has a target."""
    present = {name for name, worst in states.items() if worst.any()}
    if wanted is not None and wanted in present:
        return wanted
    return next((metric.value for metric in SlaMetric if metric.value in present), None)
