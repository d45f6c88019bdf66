"""SLA targets as the log shows them: from the vendor's clocks, else from the tickets' own due times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from triage_lab.domain.desk import ALWAYS, Calendar, SlaTarget
from triage_lab.domain.enums import SlaMetric
from triage_lab.domain.errors import ReplayError
from triage_lab.replay.calendars import compile_calendar
from triage_lab.replay.inference.activity import seconds
from triage_lab.replay.inference.findings import InferredTarget
from triage_lab.replay.inference.modes import EXPLAINED, KEYS, LEAST_CASES, Mode, few_values, find_modes, match_text
from triage_lab.replay.inference.wording import count, length, percent

_CLOCKS = {
    "ticket_id": pl.String(),
    "metric": pl.String(),
    "cycle": pl.Int64(),
    "business_hours": pl.Boolean(),
    "target_seconds": pl.Int64(),
    "started_at": pl.Datetime("us"),
    "due_at": pl.Datetime("us"),
    "state": pl.String(),
}
_MINUTE = 60
NO_VALUES = "no few values explain them"


@dataclass(frozen=True, slots=True)
class _Found:
    """Durations of one metric that repeat, the calendar that they count in, and where they were read.

    ``untold``: durations that repeat although no column tells for which tickets, as a sentence.
    """

    modes: list[Mode]
    explained: float
    calendar: str
    cases: int
    origin: str
    untold: str = ""


def infer_targets(
    sla: pl.DataFrame, tickets: pl.DataFrame, calendars: Sequence[Calendar]
) -> tuple[tuple[InferredTarget, ...], str]:
    """Find SLA targets.

    Parameters
    ----------
    sla : polars.DataFrame
        Canonical sla_instances.
    tickets : polars.DataFrame
        Of the log.
    calendars : sequence of Calendar
        ``always`` first, then the desk's own, the main one before others.

    Returns
    -------
    targets : tuple of InferredTarget
    note : str
        What was looked at and not found; empty if there is nothing to say.

    Notes
    -----
    A vendor's clock tells its target, or it is its due time less its start in whole minutes, counted in the calendar
    that explains the cases best. Where no clock promises to resolve, the tickets' due times less their arrival do.
    """
    clocks = _clocks(sla, tickets)
    found = {metric: _of_clocks(clocks.filter(pl.col("metric") == metric.value), calendars) for metric in SlaMetric}
    notes = [
        f"{metric.value}: {count(one.cases, 'clock')} of the vendor, but {one.untold or NO_VALUES}"
        for metric, one in found.items()
        if not one.modes and one.cases >= LEAST_CASES
    ]
    others = clocks.filter(~pl.col("metric").is_in([metric.value for metric in SlaMetric]))["metric"].unique().sort()
    if others.len():
        notes.append(f"no target can be declared for the vendor's {', '.join(str(name)[:40] for name in others[:8])}")
    if not found[SlaMetric.RESOLVE].cases:
        due = tickets.filter(pl.col("due") > pl.col("created")).with_columns(started=pl.col("created"))
        found[SlaMetric.RESOLVE] = _timed(due, calendars, "due_at less created_at")
        if due.height and not found[SlaMetric.RESOLVE].modes:
            told = found[SlaMetric.RESOLVE].untold or NO_VALUES
            notes.append(f"due_at of {count(due.height, 'ticket')} stays the vendor's own target: {told}")
    targets = [target for metric, one in found.items() for target in _targets(metric, one)]
    if not targets and not notes:
        notes.append("no SLA clocks and no due_at in this log")
    return tuple(targets), "; ".join(notes)


def _clocks(sla: pl.DataFrame, tickets: pl.DataFrame) -> pl.DataFrame:
    """The vendor's first clocks of known tickets, with what a condition may read."""
    try:
        typed = sla.select(
            pl.col(name).cast(kind) if name in sla.columns else pl.lit(None, dtype=kind).alias(name)
            for name, kind in _CLOCKS.items()
        )
    except pl.exceptions.PolarsError as error:
        raise ReplayError(f"a column of sla_instances has the wrong type: {error}", "the types of the table") from error
    return (
        typed.filter((pl.col("cycle").fill_null(1) == 1) & pl.col("state").ne_missing("cancelled"))
        .with_columns(started=seconds("started_at"), due=seconds("due_at"))
        .join(tickets.select("ticket_id", *KEYS), on="ticket_id")
    )


def _of_clocks(clocks: pl.DataFrame, calendars: Sequence[Calendar]) -> _Found:
    """Targets of one metric as the vendor tells them, else from its due times."""
    told = clocks.filter(pl.col("target_seconds") > 0)
    if told.height * 2 < clocks.height:
        return _timed(
            clocks.filter(pl.col("due") > pl.col("started")), calendars, "due less start of the vendor's clocks"
        )
    timed = told.with_columns(seconds=pl.col("target_seconds"))
    modes, explained = find_modes(timed)
    business = float(told["business_hours"].fill_null(False).mean() or 0.0) > 0.5  # type: ignore[arg-type]
    calendar = calendars[min(1, len(calendars) - 1)].calendar_id if business else ALWAYS
    untold = "" if modes else _untold(timed, calendar)[0]
    return _Found(modes, explained, calendar, told.height, "targets of the vendor's clocks", untold)


def _untold(timed: pl.DataFrame, calendar: str) -> tuple[str, float]:
    """Name durations that repeat although no column tells for which tickets, and the share of cases that have one."""
    values, share = few_values(timed)
    if share < EXPLAINED:
        return "", share
    listed = ", ".join(length(value) for value in values)
    told = (
        f"they are {listed} of {calendar} time in {percent(share)} of the cases, and no column of the log tells which"
    )
    return f"{told}: write the match yourself", share


def _timed(cases: pl.DataFrame, calendars: Sequence[Calendar], origin: str) -> _Found:
    """Read targets off due times, in the calendar that explains them best."""
    best, repeated = _Found([], 0.0, ALWAYS, cases.height, origin), 0.0
    if cases.height < LEAST_CASES:
        return best
    started, due = cases["started"].to_numpy(), cases["due"].to_numpy()
    for calendar in calendars:
        segments = compile_calendar(calendar, int(started.min()), int(due.max()))
        elapsed = (segments.worked(due) - segments.worked(started) + _MINUTE // 2) // _MINUTE * _MINUTE
        timed = cases.with_columns(seconds=pl.Series(np.asarray(elapsed)))
        modes, explained = find_modes(timed.filter(pl.col("seconds") > 0))
        if modes and explained > best.explained:
            best = _Found(modes, explained, calendar.calendar_id, cases.height, origin)
        if not best.modes:
            untold, share = _untold(timed.filter(pl.col("seconds") > 0), calendar.calendar_id)
            if untold and share > repeated:
                best, repeated = replace(best, untold=untold), share
    return best


def _targets(metric: SlaMetric, found: _Found) -> list[InferredTarget]:
    """Write the targets of one metric."""
    out = []
    for number, mode in enumerate(found.modes, start=1):
        name = metric.value.replace("_", "-") + (f"-{number}" if len(found.modes) > 1 else "")
        target = SlaTarget(name, metric, mode.seconds, found.calendar, match_text(mode.key, mode.values))
        evidence = (
            f"{found.origin}: {length(mode.seconds)} in {mode.agreeing:,} of {count(mode.cases, 'case')}"
            f" ({percent(mode.agreeing / mode.cases)}); all targets of this metric explain {percent(found.explained)}"
            f" of {found.cases:,}"
        )
        out.append(InferredTarget(target, evidence))
    return out
