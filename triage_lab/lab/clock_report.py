"""The vendor's promises beside the dates and beside our own clocks: counts under every denominator, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from triage_lab import metrics, replay, store
from triage_lab.domain.desk import ALWAYS, Operations
from triage_lab.lab.atomic import write_text

MEANING = {
    "matured": "due by the cutoff; what is open then is late",
    "closed": "closed, with a due time",
    "closed_plain": "closed, without duplicates, transferred, merged or cancelled ones",
    "flagged": "with a flag of the vendor",
    "flagged_with_target": "with a flag and a due time",
}
AGREE = metrics.AGREE
_TEAMS_SHOWN = 8
_TICKETS = ("ticket_id", "source", "created_at", "due_at", "resolved_at", "closed_at", "sla_met", "status_class",
            "merged_into_id", "first_team_id")  # fmt: skip


@dataclass(frozen=True, slots=True)
class OnTime:
    """Tickets on time under one denominator: ``met`` of ``n``, ``rate`` as a fraction; ``left_out`` by reason."""

    denominator: str
    meaning: str
    n: int
    met: int
    breached: int
    rate: float | None
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TeamOnTime:
    """On time of one first owner, of closed tickets with a due time."""

    team: str
    n: int
    met: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class ClockReason:
    """How many clocks of a metric agree with ours, or differ for this reason."""

    metric: str
    reason: str
    n: int


@dataclass(frozen=True, slots=True)
class ClockReport:
    """The vendor's promises, counted; ``preset`` names the rules by which our clocks ran, '' if only dates compared."""

    on_time: tuple[OnTime, ...]
    teams: tuple[TeamOnTime, ...]
    preset: str
    reasons: tuple[ClockReason, ...]
    file: str | None = None

    @property
    def compared(self) -> int:
        """Clocks that either side has."""
        return sum(item.n for item in self.reasons)

    @property
    def agree(self) -> int:
        """Clocks that are the same on both sides."""
        return sum(item.n for item in self.reasons if item.reason == AGREE)


def read_clocks(con: Any, operations: Operations | None, cutoff: int, *, out: Path | None = None) -> ClockReport | None:
    """Count the vendor's promises from an open store.

    Parameters
    ----------
    con : open store, as of the load to look at
    operations : Operations or None
        Business hours are those of its promise of the vendor policy's name, else of its only calendar that is not round
        the clock; otherwise they are unknown, and say so.
    cutoff : int
        UTC epoch seconds.
    out : Path or None
        CSV file for every clock that differs, with its reason.

    Returns
    -------
    ClockReport or None
        None if no ticket has a due time or a flag and the vendor kept no clocks.
    """
    tickets = store.read_table(con, "tickets").select(_TICKETS)
    sla = store.read_table(con, "sla_instances")
    if sla.is_empty() and tickets["due_at"].null_count() == tickets["sla_met"].null_count() == tickets.height:
        return None
    on_time = metrics.on_time_counts(tickets, cutoff=cutoff)
    teams = metrics.on_time_counts(tickets, cutoff=cutoff, by="first_team_id")
    computed, preset = _computed(con, tickets, sla, operations, cutoff)
    instances, counts = metrics.clock_differences(sla, computed, tickets, cutoff=cutoff)
    if out is not None:
        write_text(out, instances.filter(pl.col("reason") != AGREE).write_csv())
    return ClockReport(
        on_time=tuple(_on_time(row) for row in on_time.iter_rows(named=True)),
        teams=_teams(teams),
        preset=preset,
        reasons=tuple(
            ClockReason(row["metric"], row["reason"], row["n"]) for row in counts.iter_rows(named=True) if row["n"]
        ),
        file=None if out is None else str(out),
    )


def _on_time(row: Mapping[str, Any]) -> OnTime:
    """One denominator."""
    left_out = {
        key.removeprefix("excluded_"): int(value) for key, value in row.items() if key.startswith("excluded_") and value
    }
    name = str(row["denominator"])
    return OnTime(name, MEANING[name], row["n"], row["met"], row["breached"], row["rate"], left_out)


def _teams(counted: pl.DataFrame) -> tuple[TeamOnTime, ...]:
    """The teams with the most closed tickets that had a due time."""
    closed = counted.filter(
        (pl.col("denominator") == "closed") & (pl.col("n") > 0) & pl.col("first_team_id").is_not_null()
    ).sort("n", "first_team_id", descending=[True, False])
    rows = closed.head(_TEAMS_SHOWN).iter_rows(named=True)
    return tuple(TeamOnTime(row["first_team_id"], row["n"], row["met"], row["rate"]) for row in rows)


def _computed(
    con: Any, tickets: pl.DataFrame, sla: pl.DataFrame, operations: Operations | None, cutoff: int
) -> tuple[pl.DataFrame, str]:
    """Our clocks under the rules of each vendor that kept clocks of its own; none where there are only dates."""
    if sla.is_empty():
        return pl.DataFrame(), ""
    events = store.read_table(con, "ticket_events")
    parts, titles = [], []
    for (system,), group in sorted(tickets.group_by("source"), key=lambda item: str(item[0][0])):
        own = sla.join(group.select("ticket_id"), on="ticket_id", how="semi")
        if own.is_empty():
            continue
        preset = replay.PRESETS.get(str(system))
        rules = preset.rules if preset is not None else replay.ClockRules()
        titles.append(preset.title if preset is not None else "plain")
        log = events.join(group.select("ticket_id"), on="ticket_id", how="semi")
        targets, schedules = _targets(own, operations), _schedules(operations, group)
        parts.append(replay.vendor_clocks(group, log, targets, schedules, rules, cutoff=cutoff))
    computed = pl.concat(parts) if parts else pl.DataFrame()
    return computed, ", ".join(titles)


def _targets(sla: pl.DataFrame, operations: Operations | None) -> pl.DataFrame:
    """Versions of each ticket's targets: the first holds from the start, a later one from the clock that shows it.

    The hours of a target are those of the desk's promise of that name.
    """
    hours = {} if operations is None else {target.target_id: target.calendar for target in operations.sla}
    known = sla.filter(pl.col("target_seconds").is_not_null()).with_columns(
        pl.col("policy").replace_strict(hours, default=None, return_dtype=pl.String).alias("schedule_id")
    )
    versions = known.group_by("ticket_id", "metric", "target_seconds", "business_hours", "schedule_id").agg(
        pl.col("started_at").min().alias("applied_at")
    )
    first = pl.col("applied_at") == pl.col("applied_at").min().over("ticket_id", "metric")
    return versions.sort("ticket_id", "metric", "applied_at", "target_seconds").with_columns(
        pl.when(~first).then(pl.col("applied_at")).alias("applied_at")
    )


def _schedules(operations: Operations | None, tickets: pl.DataFrame) -> replay.Schedules | None:
    """Business hours of the desk; every ticket has them where there is one calendar for all."""
    if operations is None:
        return None
    calendars = {name: item for name, item in operations.calendars.items() if name != ALWAYS and not item.always}
    if not calendars:
        return None
    if len(calendars) > 1:
        return replay.Schedules(calendars)
    (name,) = calendars
    return replay.Schedules(
        calendars, tickets.select("ticket_id", schedule_id=pl.lit(name), from_at=pl.lit(None, dtype=pl.Int64))
    )
