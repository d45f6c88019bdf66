"""Vendor clocks computed anew from the log: every SLA clock of every ticket, under any of the vendors' rules.

The rules are those of `presets`; cycles come from `clock_cycles`, running time from `clock_hours`. All work is by
column; a ticket-by-ticket twin is in the tests.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from triage_lab.replay.clock_cycles import Log, find_cycles, read_log, typed_columns
from triage_lab.replay.clock_hours import (
    EVER,
    Hours,
    Schedules,
    as_ints,
    clock_spans,
    hour_pieces,
    open_seconds,
    reach_due,
    read_hours,
    schedules_of,
)
from triage_lab.replay.presets import ClockMetric, ClockRules, ClockStart, OnTargetChange, OpenAsOf

_TARGETS: dict[str, pl.DataType] = {
    "ticket_id": pl.String(), "metric": pl.String(), "target_seconds": pl.Int64(), "applied_at": pl.Int64(),
    "criteria_at": pl.Int64(), "schedule_id": pl.String(), "business_hours": pl.Boolean(),
}  # fmt: skip
_OUT = (
    "ticket_id", "metric", "cycle", "started_at", "due_at", "fulfilled_at", "elapsed_seconds", "paused_seconds",
    "state", "target_seconds", "target_changes", "reopenings", "private_note_at", "business_hours", "schedule_known",
)  # fmt: skip


def vendor_clocks(
    tickets: pl.DataFrame,
    events: pl.DataFrame,
    targets: pl.DataFrame,
    schedules: Schedules | None,
    rules: ClockRules,
    *,
    cutoff: int,
) -> pl.DataFrame:
    """Compute the SLA clocks of tickets from their events.

    Parameters
    ----------
    tickets : polars.DataFrame
        ticket_id, created_at; if known merged_into_id, resolved_at, closed_at (they date a merge that no event dates).
    events : polars.DataFrame
        ticket_events: ticket_id, at, kind; if known seq, event_id, actor_type, field, new_value, is_public (a reply
        that does not say is public).
    targets : polars.DataFrame
        One row per ticket, metric and version of its target: ticket_id, metric, target_seconds (NULL: withdrawn); if
        known applied_at (when it was attached; NULL: with the ticket), criteria_at (when its criteria were met),
        schedule_id (its own hours; NULL: the ticket's), business_hours (False: round the clock; NULL: True).
        Metrics that `ClockMetric` does not know have no clock here.
    schedules : Schedules or None
        None: everything runs round the clock, and business hours count as not known.
    rules : ClockRules
        ``PRESETS[name].rules``, or any other.
    cutoff : int
        UTC epoch second; what happened later is not seen.

    Returns
    -------
    polars.DataFrame
        One row per ticket, metric and cycle, in the order of (ticket_id, metric, cycle): started_at, due_at,
        fulfilled_at (UTC epoch seconds), elapsed_seconds (open seconds that counted, to the end or the cutoff),
        paused_seconds (calendar seconds that it stood still), state (met, breached, open, cancelled); and what tells
        why another clock may differ: target_seconds, target_changes (of the cycle), reopenings (of the ticket while it
        ran), private_note_at (the first note of an agent since it started), business_hours, schedule_known (False where
        business hours were asked for and no calendar was given).

    Raises
    ------
    ReplayError
        A column is missing, or a calendar never opens.

    Notes
    -----
    Spans are half-open. Ending exactly at the due second is met; a clock still running at the cutoff is breached if
    due <= cutoff. due_at is the earliest second at which the target is used up; after an end it is where the clock
    would have gone on from there; NULL where it stands still to its end or the cutoff, as nobody can know it. A target
    that is attached after the clock's end does not count, so a first reply keeps the target that it met. The
    same target attached again is no change. Source of the rules: each preset's notes.

    Examples
    --------
    >>> day = pl.DataFrame({"ticket_id": ["7"], "created_at": [0]})
    >>> log = pl.DataFrame({"ticket_id": ["7"], "at": [60], "kind": ["reply"], "actor_type": ["agent"]})
    >>> promise = pl.DataFrame({"ticket_id": ["7"], "metric": ["first_action"], "target_seconds": [60]})
    >>> clocks = vendor_clocks(day, log, promise, None, ClockRules(), cutoff=900)
    >>> clocks.select("due_at", "fulfilled_at", "state").rows()
    [(60, 60, 'met')]
    """
    given = schedules_of(schedules, events)
    hours = read_hours(given)
    log = read_log(tickets, events, rules, cutoff)
    versions = _versions(targets, log, cutoff)
    clocks, terms = _with_targets(find_cycles(log, rules), versions, rules, cutoff)
    pieces = hour_pieces(clocks, terms, log, given, hours, rules, cutoff)
    timed = _timed(clocks, clock_spans(clocks, log, rules), pieces, hours)
    known = pieces.group_by("c").agg((pl.col("piece_code") > 0).all().alias("schedule_known"))
    judged = timed.join(known, on="c", how="left", maintain_order="left").join(
        log.tickets.select("t", "ticket_id"), on="t", how="left", maintain_order="left"
    )
    return (
        _evidence(judged.with_columns(_state(rules, cutoff).alias("state")), log)
        .with_columns(
            pl.when(pl.col("state") != "cancelled").then("end").alias("fulfilled_at"),
            pl.col("start").alias("started_at"),
        )
        .sort("ticket_id", "metric", "cycle")
        .select(_OUT)
    )


def _versions(targets: pl.DataFrame, log: Log, cutoff: int) -> pl.DataFrame:
    """Targets of each ticket and metric in the order in which they were attached, without repetitions."""
    found = typed_columns(targets, _TARGETS, ("ticket_id", "metric", "target_seconds"), "targets")
    found = found.filter(pl.col("metric").is_in([metric.value for metric in ClockMetric])).with_row_index("position")
    found = found.with_columns(pl.col("applied_at").fill_null(EVER), pl.col("business_hours").fill_null(value=True))
    found = found.filter(pl.col("applied_at") <= cutoff).join(log.tickets.select("t", "ticket_id"), on="ticket_id")
    found = found.with_columns(_clock_key().alias("k")).sort("k", "applied_at", "position")
    # rows of one clock are neighbours now: of one instant the last counts, and what repeats the one before says nothing
    found = found.filter(~_same("k", "applied_at", step=-1))
    told = ("k", "target_seconds", "schedule_id", "business_hours")
    return found.filter(~_same(*told, step=1)).drop("position", "ticket_id", "t", "metric")


def _clock_key() -> pl.Expr:
    """One number for a ticket and a metric, which is quicker to compare than the two."""
    names = [metric.value for metric in ClockMetric]
    code = pl.col("metric").replace_strict(names, range(len(names)), return_dtype=pl.Int64)
    return pl.col("t").cast(pl.Int64) * len(names) + code


def _same(*names: str, step: int) -> pl.Expr:
    """Whether a row equals its neighbour in these columns; the first or last row has none."""
    equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(step)) for name in names)
    return equal & pl.col("k").shift(step).is_not_null()


def _with_targets(
    cycles: pl.DataFrame, versions: pl.DataFrame, rules: ClockRules, cutoff: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give each cycle its targets: one clock a cycle, or one a target; and the terms under which each clock counts."""
    limit = pl.col("end").fill_null(cutoff + 1)
    cycles = cycles.with_columns(_clock_key().alias("k")).with_row_index("y")
    pairs = cycles.join(versions, on="k", how="inner", maintain_order="left_right")
    before = pl.col("applied_at") <= pl.col("start")
    pairs = pairs.filter(before | (pl.col("applied_at") < limit))
    # of the targets attached by the start the last one counts, and one that was withdrawn by then never does
    later_start = before.shift(-1) & (pl.col("y") == pl.col("y").shift(-1))
    pairs = pairs.filter(~(before & later_start.fill_null(value=False)))
    if pairs["target_seconds"].null_count():
        pairs = pairs.filter(pl.col("target_seconds").is_not_null().cum_sum().over("y") > 0)
    if pairs.height == 0:
        return _no_clocks(cycles, versions)
    pairs = pairs.with_columns(
        _anchor(rules).alias("anchor"), pl.int_range(pl.len(), dtype=pl.Int64).over("y").alias("nth")
    )
    split = rules.on_target_change in (OnTargetChange.RESTART, OnTargetChange.BACKDATE)
    clocks = _split(pairs, rules) if split else _joined(pairs)
    clocks = clocks.filter(pl.col("start") <= pl.col("end").fill_null(cutoff)).sort("y", "nth")
    clocks = clocks.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("k").alias("number"),
        pl.col("end").fill_null(cutoff).alias("stop"),
    ).with_row_index("c")
    on = ["y", "nth"] if split else ["y"]
    terms = clocks.select("c", *on).join(
        pairs.filter(pl.col("target_seconds").is_not_null()), on=on, how="inner", maintain_order="left_right"
    )
    terms = terms.select("c", pl.col("applied_at").alias("term_from"), "schedule_id", "business_hours")
    return clocks.drop("cycle").rename({"number": "cycle"}), terms


def _no_clocks(cycles: pl.DataFrame, versions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frames of `_with_targets` where no cycle has a target."""
    whole = {"nth": pl.Int64(), "c": pl.UInt32(), "stop": pl.Int64(), "target_changes": pl.Int64()}
    clocks = cycles.clear().with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in whole.items())
    terms = versions.clear().select(
        pl.lit(None, dtype=pl.UInt32()).alias("c"),
        pl.col("applied_at").alias("term_from"),
        "schedule_id",
        "business_hours",
    )
    extra = [
        pl.lit(None, dtype=pl.Int64()).alias("target_seconds"),
        pl.lit(None, dtype=pl.Boolean()).alias("business_hours"),
    ]
    return clocks.with_columns(extra), terms


def _anchor(rules: ClockRules) -> pl.Expr:
    """Earliest start that a target allows."""
    if rules.clock_start is ClockStart.CREATED:
        return pl.lit(EVER)
    if rules.clock_start is ClockStart.SLA_APPLIED:
        return pl.col("applied_at")
    return pl.coalesce("criteria_at", "applied_at")


def _joined(pairs: pl.DataFrame) -> pl.DataFrame:
    """One clock a cycle, with the last target; a target that was withdrawn cancels it."""
    gone = pl.col("target_seconds").is_null()
    told = ("target_seconds", "business_hours")
    pairs = pairs.with_columns(
        pl.max_horizontal("start", pl.col("anchor").first().over("y")).alias("start"),
        pl.when(gone).then("applied_at").otherwise("end").alias("end"),
        (pl.col("cancelled") | gone).alias("cancelled"),
        pl.col("nth").alias("target_changes"),
        # a withdrawn target leaves the words of the one before it; the first of a cycle was not withdrawn
        *(pl.when(gone).then(None).otherwise(name).forward_fill().alias(name) for name in told),
    )
    return pairs.filter((pl.col("y") != pl.col("y").shift(-1)).fill_null(value=True))


def _split(pairs: pl.DataFrame, rules: ClockRules) -> pl.DataFrame:
    """One clock a target: each is cancelled when the next one, or a withdrawal, comes."""
    following = pl.col("applied_at").shift(-1).over("y")
    own = pl.col("applied_at") if rules.clock_start is ClockStart.CREATED else pl.col("anchor")
    first = pl.max_horizontal("start", pl.col("anchor").first().over("y"))
    restarts = (pl.col("nth") > 0) & (rules.on_target_change is OnTargetChange.RESTART)
    clocks = pairs.with_columns(
        pl.when(restarts).then(pl.max_horizontal("start", own)).otherwise(first).alias("start"),
        pl.coalesce(following, "end").alias("end"),
        (following.is_not_null() | pl.col("cancelled")).alias("cancelled"),
        (pl.len().over("y") - 1).cast(pl.Int64).alias("target_changes"),
    )
    return clocks.drop_nulls("target_seconds")


def _timed(clocks: pl.DataFrame, spans: pl.DataFrame, pieces: pl.DataFrame, hours: Hours) -> pl.DataFrame:
    """Elapsed and paused seconds and due time of each clock."""
    cut = spans.join(pieces, on="c", how="inner", maintain_order="left_right").with_columns(
        pl.max_horizontal("a", "piece_from").alias("a"), pl.min_horizontal("b", "piece_until").alias("b")
    )
    cut = cut.filter(pl.col("a") < pl.col("b")).sort("c", "a")
    worked = open_seconds(as_ints(cut, "a"), as_ints(cut, "b"), as_ints(cut, "piece_code"), hours.calendars)
    cut = cut.with_columns(pl.Series("worked", worked, dtype=pl.Int64))
    sums = cut.group_by("c").agg(
        pl.col("worked").filter("counts").sum().alias("elapsed_seconds"),
        (pl.col("b") - pl.col("a")).filter(~pl.col("counts")).sum().alias("paused_seconds"),
        pl.col("worked").filter(~pl.col("moves")).sum().alias("used"),
        pl.col("moves").last().alias("stands_at_end"),
    )
    timed = clocks.join(sums, on="c", how="left", maintain_order="left").with_columns(
        pl.col("elapsed_seconds", "paused_seconds", "used").fill_null(0), pl.col("stands_at_end").fill_null(value=False)
    )
    due = pl.concat([_due_inside(timed, cut, hours), _due_ahead(timed, pieces, hours)])
    return timed.join(due, on="c", how="left", maintain_order="left")


def _due_inside(timed: pl.DataFrame, cut: pl.DataFrame, hours: Hours) -> pl.DataFrame:
    """Due time of the clocks whose target was used up before their end: c, due_at."""
    counted = cut.filter(~pl.col("moves")).join(timed.select("c", "target_seconds"), on="c", maintain_order="left")
    counted = counted.with_columns((pl.col("worked").cum_sum().over("c")).alias("upto"))
    found = counted.filter(pl.col("upto") >= pl.col("target_seconds")).unique("c", keep="first", maintain_order=True)
    rest = as_ints(found, "target_seconds") - as_ints(found, "upto") + as_ints(found, "worked")
    due = reach_due(as_ints(found, "a"), rest, as_ints(found, "piece_code"), hours.calendars)
    return found.select("c", pl.Series("due_at", due, dtype=pl.Int64))


def _due_ahead(timed: pl.DataFrame, pieces: pl.DataFrame, hours: Hours) -> pl.DataFrame:
    """Due time of the others, as if the clock had gone on from its end; none where it stood still: c, due_at."""
    # a target of nothing is used up at once, wherever the clock has counted at all
    ahead = timed.filter((pl.col("used") < pl.col("target_seconds")) & ~pl.col("stands_at_end"))
    instant = timed.filter((pl.col("target_seconds") <= 0) & (pl.col("start") == pl.col("stop")))
    ahead = pl.concat([ahead, instant]).select("c", "stop", "target_seconds", "used").join(pieces, on="c", how="inner")
    ahead = ahead.filter(pl.col("piece_from") <= pl.col("stop"), pl.col("stop") < pl.col("piece_until")).sort("c")
    rest = as_ints(ahead, "target_seconds") - as_ints(ahead, "used")
    due = reach_due(as_ints(ahead, "stop"), np.maximum(rest, 0), as_ints(ahead, "piece_code"), hours.calendars)
    return ahead.select("c", pl.Series("due_at", due, dtype=pl.Int64))


def _state(rules: ClockRules, cutoff: int) -> pl.Expr:
    """Whether the promise was kept, as far as one can say at the cutoff."""
    running = pl.col("due_at") <= cutoff if rules.open_as_of is OpenAsOf.BREACHED_WHEN_DUE else pl.lit(value=False)
    late = pl.when(pl.col("end").is_null()).then(running).otherwise(pl.col("end") > pl.col("due_at"))
    return (
        pl.when("cancelled").then(pl.lit("cancelled"))
        .when(late.fill_null(value=False)).then(pl.lit("breached"))
        .when(pl.col("end").is_null()).then(pl.lit("open"))
        .otherwise(pl.lit("met"))
    )  # fmt: skip


def _evidence(judged: pl.DataFrame, log: Log) -> pl.DataFrame:
    """Add what happened while each clock ran that another reading of the rules may see differently."""
    back = log.states.filter(~pl.col("ended") & pl.col("ended").shift(1).over("t").fill_null(value=False))
    notes = log.marks.filter(
        (pl.col("actor_type") == "agent")
        & ((pl.col("kind") == "note") | ((pl.col("kind") == "reply") & ~pl.col("is_public").fill_null(value=True)))
    )
    base = judged.select("c", "t", "start", "stop")
    inside = (pl.col("at") >= pl.col("start")) & (pl.col("at") <= pl.col("stop"))
    reopened = (
        base.join(back.select("t", pl.col("from_at").alias("at")), on="t")
        .filter(inside)
        .group_by("c")
        .len("reopenings")
    )
    noted = (
        base.join(notes.select("t", "at"), on="t")
        .filter(inside)
        .group_by("c")
        .agg(pl.col("at").min().alias("private_note_at"))
    )
    return judged.join(reopened, on="c", how="left").join(noted, on="c", how="left").with_columns(
        pl.col("reopenings").fill_null(0).cast(pl.Int64)
    )  # fmt: skip
