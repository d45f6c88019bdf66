"""Running time of clocks: spans in which a clock counts, on the business hours that apply to each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import Calendar
from triage_lab.replay.calendars import ROUND_THE_CLOCK, IntArray, compile_calendar
from triage_lab.replay.clock_cycles import STATUS_METRICS, Log, typed_columns
from triage_lab.replay.clocks import due_times
from triage_lab.replay.presets import CalendarPolicy, ClockRules, OnReopen, OnTargetChange

EVER, NEVER_ENDS = -(2**62), 2**62
_SCHEDULE_FIELDS = ("schedule", "business_hours_id")
_ASSIGNED: dict[str, pl.DataType] = {"ticket_id": pl.String(), "schedule_id": pl.String(), "from_at": pl.Int64()}


@dataclass(frozen=True, slots=True, eq=False)
class Schedules:
    """Business hours, and which of them each ticket had when.

    Parameters
    ----------
    calendars : mapping of str to Calendar
        By schedule id.
    assigned : polars.DataFrame
        ticket_id, schedule_id, from_at (UTC epoch seconds; NULL: since ever); the first of a ticket counts back to its
        creation. A schedule that ``calendars`` does not hold is taken as round the clock, and marked as not known.
        Without any row the log tells: events of kind ``field`` whose field is ``schedule`` or ``business_hours_id``.
    """

    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    assigned: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_ASSIGNED))


def schedules_of(schedules: Schedules | None, events: pl.DataFrame) -> Schedules:
    """Return the schedules, with those that the log says tickets were put on where none are given."""
    given = schedules or Schedules()
    if given.assigned.height or not {"ticket_id", "at", "kind", "field", "new_value"} <= set(events.columns):
        return given
    name = pl.col("field").cast(pl.String).str.to_lowercase()
    told = events.filter((pl.col("kind").cast(pl.String) == "field") & name.is_in(_SCHEDULE_FIELDS))
    told = told.sort("ticket_id", "at", *(["seq"] if "seq" in events.columns else []), maintain_order=True)
    return Schedules(
        given.calendars,
        told.select("ticket_id", pl.col("new_value").alias("schedule_id"), pl.col("at").alias("from_at")),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Codes of calendars: 0 is round the clock because nothing else is known, 1 because the target says so."""

    calendars: tuple[Calendar, ...]
    codes: Mapping[str, int]

    def code(self, column: str) -> pl.Expr:
        """Code of a schedule id; 0 for one that is not known."""
        return pl.col(column).replace_strict(self.codes, default=0, return_dtype=pl.Int64)


def read_hours(schedules: Schedules) -> Hours:
    """Number the calendars, in the order of their ids."""
    names = sorted(schedules.calendars)
    every = (ROUND_THE_CLOCK, ROUND_THE_CLOCK, *(schedules.calendars[name] for name in names))
    return Hours(every, {name: place for place, name in enumerate(names, start=2)})


def _ticket_pieces(log: Log, schedules: Schedules, hours: Hours, cutoff: int) -> pl.DataFrame:
    """Code of the ticket's hours from each change to the next: t, piece_from, piece_until, piece_code."""
    given = typed_columns(schedules.assigned, _ASSIGNED, ("ticket_id", "schedule_id"), "assigned schedules")
    given = given.with_row_index("position").join(log.tickets.select("t", "ticket_id"), on="ticket_id", how="inner")
    given = given.with_columns(pl.col("from_at").fill_null(EVER)).filter(pl.col("from_at") <= cutoff)
    given = given.sort("t", "from_at", "position").unique(["t", "from_at"], keep="last", maintain_order=True)
    none = (
        log.tickets.select("t")
        .join(given, on="t", how="anti")
        .select(
            "t",
            pl.lit(EVER).alias("piece_from"),
            pl.lit(NEVER_ENDS).alias("piece_until"),
            pl.lit(0, dtype=pl.Int64).alias("piece_code"),
        )
    )
    first = pl.col("from_at") == pl.col("from_at").first().over("t")
    pieces = given.select(
        "t",
        pl.when(first).then(EVER).otherwise("from_at").alias("piece_from"),
        pl.col("from_at").shift(-1).over("t").fill_null(NEVER_ENDS).alias("piece_until"),
        hours.code("schedule_id").alias("piece_code"),
    )
    return pl.concat([pieces, none]).sort("t", "piece_from")


def hour_pieces(
    clocks: pl.DataFrame,
    terms: pl.DataFrame,
    log: Log,
    schedules: Schedules,
    hours: Hours,
    rules: ClockRules,
    cutoff: int,
) -> pl.DataFrame:
    """Return which calendar each clock counts on, from when until when.

    Parameters
    ----------
    clocks : polars.DataFrame
        c, t, start, stop.
    terms : polars.DataFrame
        c, term_from, schedule_id, business_hours: the target's own hours, each until the next term of the clock.

    Returns
    -------
    polars.DataFrame
        c, piece_from, piece_until, piece_code; they cover all time, in order.
    """
    if rules.on_target_change is not OnTargetChange.CARRY_ELAPSED:
        terms = terms.sort("c", "term_from").unique("c", keep="last", maintain_order=True)
    first = pl.col("term_from") == pl.col("term_from").first().over("c")
    own = (
        pl.when(~pl.col("business_hours")).then(pl.lit(1, dtype=pl.Int64))
        .when(pl.col("schedule_id").is_not_null()).then(hours.code("schedule_id"))
    )  # fmt: skip
    spans = terms.sort("c", "term_from").select(
        "c",
        pl.when(first).then(EVER).otherwise("term_from").alias("term_from"),
        pl.col("term_from").shift(-1).over("c").fill_null(NEVER_ENDS).alias("term_until"),
        own.alias("own"),
    )
    of_ticket = clocks.select("c", "t", "start", "stop").join(
        _ticket_pieces(log, schedules, hours, cutoff), on="t", how="inner", maintain_order="left_right"
    )
    if rules.calendar_policy is not CalendarPolicy.IN_FORCE:
        at = "stop" if rules.calendar_policy is CalendarPolicy.LAST else "start"
        of_ticket = of_ticket.filter(pl.col("piece_from") <= pl.col(at)).unique("c", keep="last", maintain_order=True)
        of_ticket = of_ticket.with_columns(pl.lit(EVER).alias("piece_from"), pl.lit(NEVER_ENDS).alias("piece_until"))
    fixed = spans.filter(pl.col("own").is_not_null()).select(
        "c",
        pl.col("term_from").alias("piece_from"),
        pl.col("term_until").alias("piece_until"),
        pl.col("own").alias("piece_code"),
    )
    free = spans.filter(pl.col("own").is_null()).join(of_ticket, on="c", how="inner")
    free = free.select(
        "c",
        pl.max_horizontal("term_from", "piece_from").alias("piece_from"),
        pl.min_horizontal("term_until", "piece_until").alias("piece_until"),
        "piece_code",
    )
    pieces = pl.concat([fixed, free])
    return pieces.filter(pl.col("piece_from") < pl.col("piece_until")).sort("c", "piece_from")


def clock_spans(clocks: pl.DataFrame, log: Log, rules: ClockRules) -> pl.DataFrame:
    """Cut each clock at the changes of its ticket's state.

    Returns
    -------
    polars.DataFrame
        c, a, b (start <= a < b <= stop), counts (elapsed time goes on), moves (due time does not); in order.
    """
    joined = clocks.select("c", "t", "metric", "start", "stop").join(log.states, on="t", how="inner")
    paused = pl.lit(value=False)
    for metric, states in rules.pause_when:
        still = pl.col("status").is_in([state.value for state in states if state.value != "stopped"])
        if any(state.value == "stopped" for state in states):
            still = still | pl.col("stopped")
        paused = paused | ((pl.col("metric") == metric.value) & still)
    runs_on = rules.on_reopen in (OnReopen.RESUME, OnReopen.EXTEND_BY_CLOSED_TIME)
    gap = pl.col("metric").is_in([metric.value for metric in STATUS_METRICS]) & pl.col("ended") & runs_on
    spans = joined.select(
        "c",
        "place",
        pl.max_horizontal("from_at", "start").alias("from"),
        pl.min_horizontal(pl.col("until").fill_null(NEVER_ENDS), "stop").alias("b"),
        (pl.col("place") == pl.col("place").min().over("c")).alias("first"),
        "start",
        ((paused & ~pl.col("ended")) | gap).alias("stands"),
        gap.alias("gap"),
    )
    # a clock that starts before its ticket (taken over from a merged one) runs until the ticket's first state
    spans = spans.with_columns(pl.when("first").then("start").otherwise("from").alias("a"))
    extends = rules.on_reopen is OnReopen.EXTEND_BY_CLOSED_TIME
    moves = pl.col("stands") if rules.pause_extends_due else pl.col("gap") & extends
    spans = spans.filter(pl.col("a") < pl.col("b")).sort("c", "a", "place")
    return spans.select("c", "a", "b", (~pl.col("stands")).alias("counts"), moves.alias("moves"))


def open_seconds(starts: IntArray, ends: IntArray, codes: IntArray, calendars: Sequence[Calendar]) -> IntArray:
    """Return the open seconds of each span on its own calendar; one pass a calendar."""
    out = ends - starts
    for code in np.unique(codes).tolist():
        if not calendars[code].always:
            rows = codes == code
            segments = compile_calendar(calendars[code], int(starts[rows].min()), int(ends[rows].max()))
            out[rows] = segments.worked(ends[rows]) - segments.worked(starts[rows])
    return out


def reach_due(starts: IntArray, seconds: IntArray, codes: IntArray, calendars: Sequence[Calendar]) -> IntArray:
    """Return the earliest stamp at which so many open seconds of its calendar have passed since each start."""
    out = starts + seconds
    for code in np.unique(codes).tolist():
        if not calendars[code].always:
            rows = codes == code
            begun, wanted = starts[rows], seconds[rows]
            latest = due_times(begun.max(keepdims=True), int(wanted.max()), calendars[code])[0]
            segments = compile_calendar(calendars[code], int(begun.min()), int(latest))
            out[rows] = np.maximum(segments.reach(segments.worked(begun) + wanted), begun)
    return out


def as_ints(frame: pl.DataFrame, name: str) -> npt.NDArray[np.int64]:
    """A column as whole numbers that may be written to."""
    return frame[name].cast(pl.Int64).to_numpy().copy()
