"""Vendor clocks beside computed clocks: where they agree, and one reason for every difference."""

from __future__ import annotations

from enum import StrEnum

import polars as pl

from triage_lab.domain.enums import SlaMetric
from triage_lab.domain.errors import UsageError

AGREE = "agree"
ROUNDING_SECONDS = 60
HOUR, LONGEST_SHIFT = 3600, 14
_GONE = ("merged", "deleted", "spam")


class Reason(StrEnum):
    """Why two clocks of one promise differ, in the order in which the reasons are tried."""

    NO_VENDOR_CLOCK = "no_vendor_clock"
    NO_COMPUTED_CLOCK = "no_computed_clock"
    VENDOR_WITHDREW_BREACH = "vendor_withdrew_breach"
    MERGED_OR_DELETED = "merged_or_deleted"
    TARGET_CHANGED = "target_changed"
    REOPENED = "reopened"
    PAUSED_DIFFERENTLY = "paused_differently"
    BUSINESS_HOURS_UNKNOWN = "business_hours_unknown"
    ZONE_SHIFT = "zone_shift"
    VENDOR_NOT_YET_UPDATED = "vendor_not_yet_updated"
    ROUNDING = "rounding"
    PRIVATE_REPLY = "private_reply"
    FLAG_CONTRADICTS_DATES = "flag_contradicts_dates"
    UNEXPLAINED = "unexplained"


_KEY = ("ticket_id", "metric", "cycle")
_VENDOR: dict[str, pl.DataType] = {
    "ticket_id": pl.String(), "metric": pl.String(), "cycle": pl.Int64(), "state": pl.String(), "due_at": pl.Int64(),
    "started_at": pl.Int64(), "fulfilled_at": pl.Int64(), "breached_at": pl.Int64(), "paused_seconds": pl.Int64(),
    "target_seconds": pl.Int64(), "business_hours": pl.Boolean(),
}  # fmt: skip
_COMPUTED: dict[str, pl.DataType] = {
    "ticket_id": pl.String(), "metric": pl.String(), "cycle": pl.Int64(), "state": pl.String(), "due_at": pl.Int64(),
    "started_at": pl.Int64(), "fulfilled_at": pl.Int64(), "paused_seconds": pl.Int64(), "target_seconds": pl.Int64(),
    "target_changes": pl.Int64(), "reopenings": pl.Int64(), "private_note_at": pl.Int64(),
    "schedule_known": pl.Boolean(),
}  # fmt: skip
_TICKETS: dict[str, pl.DataType] = {
    "ticket_id": pl.String(), "sla_met": pl.Boolean(), "due_at": pl.Int64(), "resolved_at": pl.Int64(),
    "closed_at": pl.Int64(), "status_class": pl.String(), "merged_into_id": pl.String(),
}  # fmt: skip


def clock_differences(
    vendor: pl.DataFrame, computed: pl.DataFrame, tickets: pl.DataFrame, *, cutoff: int | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Set each of the vendor's clocks beside ours and say why they differ.

    Parameters
    ----------
    vendor : polars.DataFrame
        sla_instances: ticket_id, metric, cycle, state; if known due_at, started_at, fulfilled_at, breached_at (UTC
        epoch seconds, or Datetime, which is floored), paused_seconds, target_seconds, business_hours. May be empty.
    computed : polars.DataFrame
        What ``replay.vendor_clocks`` returns, with as many of its columns as there are. May be empty.
    tickets : polars.DataFrame
        ticket_id; if known sla_met, due_at, resolved_at, closed_at, status_class, merged_into_id.
    cutoff : int, optional
        UTC epoch second. It judges tickets by dates alone: without it, one that never ended is open, however late.

    Returns
    -------
    instances : polars.DataFrame
        One row per ticket, metric and cycle that either side has, sorted: ticket_id, metric, cycle, vendor_state,
        computed_state, vendor_due_at, computed_due_at, due_difference (seconds, vendor less ours), reason (``agree`` or
        a Reason), from_dates (the vendor gave a flag only, and ours comes from two dates).
    counts : polars.DataFrame
        One row per metric and reason, all reasons in their order: metric, reason, n, n_vendor, n_computed (both of the
        metric). For each metric n_vendor = agree + all reasons but no_vendor_clock, n_computed = agree + all but
        no_computed_clock.

    Raises
    ------
    UsageError
        A needed column is missing, or a side has one clock twice.

    Notes
    -----
    Clocks agree if their states are equal and their due times, where both are known, equal to the second; two cancelled
    clocks always do. A paused clock is open. A vendor that keeps no instances but a flag per ticket (``sla_met``) has
    one resolve clock for each ticket with a flag (true on a ticket that has not ended: open); ours is the last computed
    one of that ticket, else its dates: done at or before ``due_at`` is met. Tickets with a due time and no flag then
    have no vendor clock; where no ticket has a flag, dates alone make no clocks.

    The first reason that holds, in this order: no_vendor_clock, no_computed_clock; vendor_withdrew_breach (cancelled by
    the vendor, breached for one side); merged_or_deleted (the ticket); target_changed (other target seconds, or it
    changed while the clock ran); reopened (while it ran); paused_differently (by 60 s or more);
    business_hours_unknown (the vendor counts business hours, and none were given); zone_shift (due, else start, differ
    by 1 to 14 whole hours); vendor_not_yet_updated (open there, past due here); rounding (due under 60 s apart, or the
    end within 60 s of due); private_reply (their end is our first private note, within 60 s);
    flag_contradicts_dates (their state is not what their own due and end say); unexplained.

    Examples
    --------
    >>> log = pl.DataFrame({"ticket_id": ["1", "2"], "sla_met": [True, True], "due_at": [9, 9], "closed_at": [8, 999]})
    >>> _, counts = clock_differences(pl.DataFrame(), pl.DataFrame(), log)
    >>> counts.filter(pl.col("n") > 0).select("metric", "reason", "n").rows()
    [('resolve', 'agree', 1), ('resolve', 'flag_contradicts_dates', 1)]
    """
    facts = _typed(tickets, _TICKETS, ("ticket_id",), "tickets").unique("ticket_id", keep="last", maintain_order=True)
    theirs = _once(_typed(vendor, _VENDOR, _KEY, "vendor clocks"), "vendor clocks")
    ours = _once(_typed(computed, _COMPUTED, _KEY, "computed clocks"), "computed clocks")
    theirs, ours = _by_dates(theirs, ours, facts, cutoff)
    both = theirs.with_columns(pl.lit(value=True).alias("v")).join(
        ours.with_columns(pl.lit(value=True).alias("c")), on=_KEY, how="full", coalesce=True, suffix="_ours"
    )
    both = both.join(facts, on="ticket_id", how="left", suffix="_ticket").with_columns(
        (pl.col("due_at") - pl.col("due_at_ours")).alias("due_difference")
    )
    instances = both.with_columns(_reason().alias("reason")).sort(_KEY)
    shown = instances.select(
        *_KEY,
        pl.col("state").alias("vendor_state"),
        pl.col("state_ours").alias("computed_state"),
        pl.col("due_at").alias("vendor_due_at"),
        pl.col("due_at_ours").alias("computed_due_at"),
        "due_difference",
        "reason",
        (pl.col("flag_only").fill_null(value=False) & pl.col("from_dates").fill_null(value=False)).alias("from_dates"),
    )
    return shown, _counts(instances)


def _typed(frame: pl.DataFrame, kinds: dict[str, pl.DataType], needed: tuple[str, ...], what: str) -> pl.DataFrame:
    """Columns in their types; one that may be absent, or all of a frame without columns, are NULL."""
    missing = [name for name in needed if name not in frame.columns]
    if missing and frame.width:
        raise UsageError(
            f"{what} without the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            f"the columns {', '.join(needed)}",
            "build the frame from the store's tables",
        )
    columns = []
    for name, kind in kinds.items():
        found = pl.col(name) if name in frame.columns else pl.lit(None)
        if name in frame.columns and isinstance(frame.schema[name], pl.Datetime):
            found = found.dt.epoch("us").floordiv(1_000_000)
        columns.append(found.cast(kind).alias(name))
    if not frame.width:
        return pl.DataFrame(schema=kinds)
    return frame.with_columns(columns).select(*kinds)


def _once(clocks: pl.DataFrame, what: str) -> pl.DataFrame:
    """Refuse a clock that is there twice: it could agree and differ."""
    twice = clocks.filter(clocks.select(_KEY).is_duplicated()).sort(_KEY)
    if twice.height:
        row = twice.row(0, named=True)
        raise UsageError(
            f"{what}: {row['metric']} {row['cycle']} of ticket {row['ticket_id']} is there twice",
            "one row per ticket, metric and cycle", "read the newest rows, as the store's views do",
        )  # fmt: skip
    return clocks


def _by_dates(
    theirs: pl.DataFrame, ours: pl.DataFrame, facts: pl.DataFrame, cutoff: int | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add resolve clocks of tickets for which the vendor keeps no more than a flag."""
    metric = SlaMetric.RESOLVE.value
    theirs = theirs.with_columns(pl.lit(value=False).alias("flag_only"))
    ours = ours.with_columns(pl.lit(value=False).alias("from_dates"))
    if facts["sla_met"].null_count() == facts.height:
        return theirs, ours
    end = pl.coalesce("resolved_at", "closed_at")
    seen = end if cutoff is None else pl.when(end <= cutoff).then(end)
    last = ours.filter(pl.col("metric") == metric).group_by("ticket_id").agg(pl.col("cycle").max())
    plain = facts.join(theirs.filter(pl.col("metric") == metric), on="ticket_id", how="anti")
    plain = plain.join(last, on="ticket_id", how="left").with_columns(
        pl.lit(metric).alias("metric"), pl.col("cycle").fill_null(1), seen.alias("fulfilled_at")
    )
    # a flag that still stands on an open ticket says that nothing is broken yet
    kept = pl.when(pl.col("fulfilled_at").is_null()).then(pl.lit("open")).otherwise(pl.lit("met"))
    flag = pl.when("sla_met").then(kept).otherwise(pl.lit("breached"))
    flagged = plain.filter(pl.col("sla_met").is_not_null()).select(
        *_KEY, flag.alias("state"), "due_at", "fulfilled_at", pl.lit(value=True).alias("flag_only")
    )
    dated = plain.filter(pl.col("due_at").is_not_null()).join(
        ours.filter(pl.col("metric") == metric), on="ticket_id", how="anti"
    )
    late = pl.when(pl.col("fulfilled_at").is_null()).then(
        pl.lit(value=False) if cutoff is None else pl.col("due_at") <= cutoff
    ).otherwise(pl.col("fulfilled_at") > pl.col("due_at"))  # fmt: skip
    state = pl.when(late).then(pl.lit("breached")).when(pl.col("fulfilled_at").is_null()).then(pl.lit("open"))
    dated = dated.select(
        *_KEY,
        state.otherwise(pl.lit("met")).alias("state"),
        "due_at",
        "fulfilled_at",
        pl.lit(value=True).alias("from_dates"),
    )
    return pl.concat([theirs, flagged], how="diagonal"), pl.concat([ours, dated], how="diagonal")


def _reason() -> pl.Expr:
    """The first reason that holds, or ``agree``."""
    theirs = pl.col("state").replace({"paused": "open", "active": "open"})
    mine, gap = pl.col("state_ours"), pl.col("due_difference")
    same = theirs.eq_missing(mine) & (gap.fill_null(0) == 0)
    conditions: dict[str, pl.Expr] = {
        Reason.NO_VENDOR_CLOCK: pl.col("v").is_null(),
        Reason.NO_COMPUTED_CLOCK: pl.col("c").is_null(),
        AGREE: same | ((theirs == "cancelled") & (mine == "cancelled")),
        Reason.VENDOR_WITHDREW_BREACH: (theirs == "cancelled")
        & (pl.col("breached_at").is_not_null() | (mine == "breached")),
        Reason.MERGED_OR_DELETED: pl.col("status_class").is_in(_GONE) | pl.col("merged_into_id").is_not_null(),
        Reason.TARGET_CHANGED: _differ("target_seconds", 1) | (pl.col("target_changes") > 0),
        Reason.REOPENED: pl.col("reopenings") > 0,
        Reason.PAUSED_DIFFERENTLY: _differ("paused_seconds", ROUNDING_SECONDS),
        Reason.BUSINESS_HOURS_UNKNOWN: pl.col("business_hours") & ~pl.col("schedule_known"),
        Reason.ZONE_SHIFT: _shifted(pl.coalesce(gap, pl.col("started_at") - pl.col("started_at_ours"))),
        Reason.VENDOR_NOT_YET_UPDATED: (theirs == "open") & (mine == "breached"),
        Reason.ROUNDING: _rounded(theirs, mine, gap),
        Reason.PRIVATE_REPLY: _near(pl.col("fulfilled_at") - pl.col("private_note_at"), ROUNDING_SECONDS),
        Reason.FLAG_CONTRADICTS_DATES: _contradicts(theirs, mine),
    }
    found: pl.Expr = pl.lit(Reason.UNEXPLAINED.value)
    for name, holds in reversed(conditions.items()):
        found = pl.when(holds.fill_null(value=False)).then(pl.lit(str(name))).otherwise(found)
    return found


def _differ(name: str, least: int) -> pl.Expr:
    """Both sides know a number, and the numbers are at least so far apart."""
    return (pl.col(name) - pl.col(f"{name}_ours")).abs() >= least


def _near(difference: pl.Expr, limit: int) -> pl.Expr:
    """A difference of less than so many seconds."""
    return difference.abs() < limit


def _shifted(difference: pl.Expr) -> pl.Expr:
    """A difference of whole hours, as far apart as zones are."""
    size = difference.abs()
    return (size % HOUR == 0) & size.is_between(HOUR, LONGEST_SHIFT * HOUR)


def _rounded(theirs: pl.Expr, mine: pl.Expr, gap: pl.Expr) -> pl.Expr:
    """Due times under a minute apart; or the same due, and an end so close to it that cut seconds turn the verdict."""
    near_due = _near(pl.col("fulfilled_at_ours") - pl.col("due_at_ours"), ROUNDING_SECONDS)
    judged = theirs.is_in(["met", "breached"]) & mine.is_in(["met", "breached"])
    close = _near(gap, ROUNDING_SECONDS)
    # the same two dates on both sides cannot have been rounded differently: then the flag contradicts them
    two_sources = ~(pl.col("flag_only").fill_null(value=False) & pl.col("from_dates").fill_null(value=False))
    return two_sources & (close.fill_null(value=False) | gap.is_null()) & ((theirs == mine) | (judged & near_due))


def _contradicts(theirs: pl.Expr, mine: pl.Expr) -> pl.Expr:
    """The vendor's state is not what the vendor's own due time and end say."""
    late = pl.col("fulfilled_at") > pl.col("due_at")
    early = ~late | (pl.col("fulfilled_at").is_null() & (mine == "open") & pl.col("from_dates"))
    return ((theirs == "met") & late) | ((theirs == "breached") & early)


def _counts(instances: pl.DataFrame) -> pl.DataFrame:
    """Every reason of every metric, with how many clocks each side has."""
    order = [AGREE, *(reason.value for reason in Reason)]
    sides = instances.group_by("metric").agg(
        pl.col("v").is_not_null().sum().cast(pl.Int64).alias("n_vendor"),
        pl.col("c").is_not_null().sum().cast(pl.Int64).alias("n_computed"),
    )
    grid = sides.join(pl.DataFrame({"reason": order, "_place": range(len(order))}), how="cross")
    found = instances.group_by("metric", "reason").agg(pl.len().cast(pl.Int64).alias("n"))
    counts = grid.join(found, on=["metric", "reason"], how="left").with_columns(pl.col("n").fill_null(0))
    return counts.sort("metric", "_place").select("metric", "reason", "n", "n_vendor", "n_computed")
