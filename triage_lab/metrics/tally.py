"""Records in, tallies out: sums per metric, segment and account; no interval and no grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from triage_lab.domain.errors import UsageError
from triage_lab.domain.result import NotPossible
from triage_lab.metrics.frames import Clock, Sums, durations_frame, rates_frame
from triage_lab.metrics.layout import UNKNOWN_MRR, Layout, prepare
from triage_lab.metrics.rows import (
    CLOCKS,
    DEN,
    DESK_METRICS,
    NUM,
    SLA_METRICS,
    clock_rows,
    desk_rows,
    routing_rows,
)
from triage_lab.metrics.targets import BREACHED, MET, OPEN, headline_of, worst_states

NO_DESK = "no operations.yaml"
_RECORDS = (
    "arrived_at",
    "misrouted_resolver",
    "misrouted_labelled",
    "escalations",
    "handoffs",
    "wait_minutes",
    "censored_at",
    *CLOCKS.values(),
)


@dataclass(frozen=True, slots=True)
class Tallies:
    """What one arm of one replication was counted as.

    Parameters
    ----------
    layout : Layout
        Whose cells and tickets the numbers below stand for.
    sums : mapping of (metric, SLA metric) to Sums
        The second part is empty but for SLA metrics other than the headline. A cell counts where its denominator is
        above 0. Totals (money, backlog) carry tickets as denominator: their value is the sum of the numerators.
    clocks : mapping of metric to Clock
        Waiting times; a negative one (a time before arrival) does not count. Equal clocks are one object.
    absent : tuple of NotPossible
        Metrics that these records cannot give, and why.
    headline : str or None
        The SLA metric that ``{}`` of sla_compliance means.
    """

    layout: Layout
    sums: Mapping[tuple[str, str], Sums]
    clocks: Mapping[str, Clock]
    absent: tuple[NotPossible, ...] = ()
    headline: str | None = None

    @property
    def rates(self) -> pl.DataFrame:
        """The sums as a frame.

        Columns metric Enum, segment Enum (canonical JSON, ``{}`` overall), cluster Enum, numerator Float64, denominator
        Float64; one row per metric, segment and account with a denominator above 0, in that order.
        """
        return rates_frame(self.layout, self.sums)

    @property
    def durations(self) -> pl.DataFrame:
        """The clocks as a frame.

        Columns metric Enum, segment Enum, cluster Enum, minutes Float64, event Boolean (False = still waiting); one row
        per ticket, overall and for segmentations by one column.
        """
        return durations_frame(self.layout, self.clocks)


def tally(  # noqa: PLR0913 (records, targets, facts, and how to count them)
    records: pl.DataFrame,
    sla_states: pl.DataFrame | None,
    facts: pl.DataFrame,
    *,
    segmentations: Sequence[tuple[str, ...]] = (),
    cutoff: int,
    headline: str | None = None,
    outcome: pl.Series | None = None,
    vendor_met: pl.Series | None = None,
    desk: bool = True,
    high_tier: str = "high",
    layout: Layout | None = None,
) -> Tallies:
    """Count one arm's records per metric, segment and account.

    Parameters
    ----------
    records : polars.DataFrame
        Row-aligned records with ``scored`` (not needed with a layout); only scored tickets count.
    sla_states : polars.DataFrame or None
        Long: row, sla_metric, state, due_at; None without SLA targets.
    facts : polars.DataFrame
        Row-aligned: ``cluster`` (account, or ``ticket:<id>`` where unknown), ``account_known``, ``mrr`` (major units),
        ``mrr_tier`` and every column named in ``segmentations``; NULL shows as ``(none)``.
    segmentations : sequence of tuple of str
        Column combinations to cut by; the overall ``()`` is always counted.
    cutoff : int
        UTC epoch second after which nothing is known.
    headline : str or None
        SLA metric that stands for SLA compliance; default the first of first_action, acknowledge, resolve with targets.
    outcome : polars.Series or None
        Outcome of each decision, for the share left to manual triage.
    vendor_met : polars.Series or None
        The vendor's own SLA flag (observed arm only).
    desk : bool
        False for an arm whose desk was not played: what needs a desk is then absent, never zero.
    high_tier : str
        Name of the MRR tier that misroute_high_mrr is about.
    layout : Layout or None
        What `prepare` made of the same facts: it says who is scored and how to cut, in place of ``segmentations``.
        Tallies of one layout are compared without looking anything up again.

    Raises
    ------
    UsageError
        Frames of different length, or a column that is missing.

    Notes
    -----
    All sums are of whole numbers (tickets, seconds, cents): they are exact, whatever the order or number of threads.
    Source of the rules: docs/method/evidence.md (matured cohort; acting exactly at due is met).
    """
    _check(records, facts, scored=layout is not None)
    where = layout if layout is not None else prepare(facts, records["scored"], segmentations)
    if where.tickets != records.height:
        raise UsageError(
            f"a layout of {where.tickets} tickets", f"one of {records.height}", "prepare it from the facts"
        )
    frame = _population(records, where, outcome, vendor_met)
    expressions, absent = routing_rows(frame, high_tier)
    if desk:
        more, missing = desk_rows(frame, cutoff)
        expressions, absent = expressions + more, absent + missing
    else:
        absent += [NotPossible(name, NO_DESK) for name in (*DESK_METRICS, *CLOCKS)]
    sums = _sums(where, frame, expressions)
    chosen, sla = _sla_sums(where, sla_states, cutoff, headline)
    absent += [] if chosen else [NotPossible(name, "no SLA targets" if desk else NO_DESK) for name in SLA_METRICS]
    no_mrr = not bool((where.cents != UNKNOWN_MRR).any())
    absent += [NotPossible("mrr_late", "no account has a known MRR")] if chosen and no_mrr else []
    clocks, missing = _clocks(where, frame, cutoff) if desk else ({}, [])
    return Tallies(where, sums | sla, clocks, tuple(dict.fromkeys([*absent, *missing])), chosen)


def _check(records: pl.DataFrame, facts: pl.DataFrame, *, scored: bool) -> None:
    """Refuse frames that cannot belong together."""
    if records.height != facts.height:
        raise UsageError(
            f"{records.height} records and {facts.height} rows of facts",
            "row-aligned frames",
            "build both from one history",
        )
    wanted = {"arrived_at"} if scored else {"arrived_at", "scored"}
    missing = sorted(wanted - set(records.columns))
    if missing:
        raise UsageError(
            f"no column {', '.join(missing)}", "the columns of the frame contract", "add them to the frame"
        )


def _population(
    records: pl.DataFrame, layout: Layout, outcome: pl.Series | None, vendor_met: pl.Series | None
) -> pl.DataFrame:
    """What is counted of the scored tickets, side by side."""
    frame = records.select([name for name in dict.fromkeys(_RECORDS) if name in records.columns])
    extra = [outcome.cast(pl.String).alias("outcome")] if outcome is not None else []
    extra += [vendor_met.alias("vendor_met")] if vendor_met is not None else []
    frame, places = frame.with_columns(extra), layout.places
    if places.size and int(places[-1]) - int(places[0]) + 1 == places.size:
        frame = frame.slice(int(places[0]), places.size)
    else:
        frame = frame[pl.Series(values=places)]
    return frame.with_columns(layout.facts["mrr_tier"])


def _sums(layout: Layout, frame: pl.DataFrame, expressions: Sequence[pl.Expr]) -> dict[tuple[str, str], Sums]:
    """Sums of the per-ticket counts."""
    if not expressions or frame.height == 0:
        return {}
    wide = frame.select(expressions)
    first, last = int(frame["arrived_at"].min()), int(frame["arrived_at"].max())  # type: ignore[arg-type]
    scale = {"wait_minutes": 60.0, "backlog": float(max(last - first, 1))}
    names = [name.removeprefix(DEN) for name in wide.columns if name.startswith(DEN)]
    return {
        (name, ""): Sums(
            layout.sums(NUM + name, wide[NUM + name].to_numpy()),
            layout.sums(DEN + name, wide[DEN + name].to_numpy()),
            scale.get(name, 1.0),
        )
        for name in names
    }


def _sla_sums(
    layout: Layout, sla_states: pl.DataFrame | None, cutoff: int, headline: str | None
) -> tuple[str | None, dict[tuple[str, str], Sums]]:
    """Headline SLA metric, and met of matured, open of targeted and money late for every SLA metric."""
    if sla_states is None or sla_states.height == 0:
        return None, {}
    states = worst_states(sla_states, layout, cutoff)
    chosen = headline_of(states, headline)
    out: dict[tuple[str, str], Sums] = {}
    cents = layout.cents[layout.cells]
    for name, worst in states.items() if chosen else ():
        variant = "" if name == chosen else name
        met, matured = (
            layout.sums(f"{name}:met", worst == MET),
            layout.sums(f"{name}:due", (worst == MET) | (worst == BREACHED)),
        )
        still, targeted = layout.sums(f"{name}:open", worst == OPEN), layout.sums(f"{name}:all", worst > 0)
        out["sla_compliance", variant] = Sums(met, matured, 1.0)
        out["sla_open_share", variant] = Sums(still, targeted, 1.0)
        known = np.where(cents != UNKNOWN_MRR, matured, 0)
        out["mrr_late", variant] = Sums(np.where(known > met, cents, 0), known, 100.0)
    return chosen, out


def _clocks(layout: Layout, frame: pl.DataFrame, cutoff: int) -> tuple[dict[str, Clock], list[NotPossible]]:
    """Seconds from arrival to each clock's event, or to where the ticket was last seen without it."""
    expressions, names = clock_rows(frame, cutoff)
    absent = [
        NotPossible(metric, f"no ticket has a {column.replace('_', ' ').removesuffix(' at')} time")
        for metric, column in CLOCKS.items()
        if metric not in names
    ]
    wide = frame.select(expressions) if expressions else pl.DataFrame()
    clocks: dict[str, Clock] = {}
    for metric in names:
        seconds, event = wide[NUM + metric].to_numpy(), wide[DEN + metric].to_numpy()
        left_out = int((seconds < 0).sum())
        if left_out:
            absent.append(NotPossible(metric, f"{left_out:,} tickets left out: the time lies before their arrival"))
        clock = Clock(seconds, None if event.all() else event)
        known = [*clocks.values(), *(layout.last[key] for key in [f"clock {metric}"] if key in layout.last)]
        clocks[metric] = next((other for other in known if other.alike(clock)), clock)
        layout.last[f"clock {metric}"] = clocks[metric]
    return clocks, sorted(absent, key=lambda one: list(CLOCKS).index(one.subject))
