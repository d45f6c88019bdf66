"""From a ticket's events to its clock cycles: when each clock starts and what ends it, before any target is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from triage_lab.domain.errors import ReplayError
from triage_lab.replay.presets import ClockMetric, ClockRules, FulfilBy, MergePolicy, OnReopen, ReplyCycles

STATUS_METRICS = (ClockMetric.REQUESTER_WAIT, ClockMetric.AGENT_WORK, ClockMetric.RESOLVE)
"""Clocks that end when the ticket is solved."""
_ENDED = ("solved", "closed", "cancelled")
_STOP_FIELDS = ("isstopped", "is_stopped", "stopped")
_STATE_KINDS = ("created", "status", "resolved", "closed", "reopened", "field")
_YES = ("true", "t", "yes", "1")
# a word of a status to its class; the first that fits wins, an unknown word leaves the class as it was
_WORDS = (
    (r"^(re-?open|unresolved)", "open"),
    (r"cancel|delete|withdrawn", "cancelled"),
    (r"^(re)?solved", "solved"),
    (r"^(closed?|complete|done)", "closed"),
    (r"\bhold\b", "hold"),
    (r"^(pending|await|wait)", "pending"),
    (r"^(new|submitted|received)\b", "new"),
    (r"^(open|active|in[ -]progress|work|assigned|escalated|started)", "open"),
)
_EVENTS: dict[str, pl.DataType] = {
    "ticket_id": pl.String(), "at": pl.Int64(), "kind": pl.String(), "seq": pl.Int64(), "event_id": pl.String(),
    "actor_type": pl.String(), "field": pl.String(), "new_value": pl.String(), "is_public": pl.Boolean(),
}  # fmt: skip
_TICKETS: dict[str, pl.DataType] = {
    "ticket_id": pl.String(), "created_at": pl.Int64(), "merged_into_id": pl.String(), "resolved_at": pl.Int64(),
    "closed_at": pl.Int64(),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """Tickets and what happened to them by the cutoff; ``t`` is the ticket's row.

    Parameters
    ----------
    tickets : polars.DataFrame
        t, ticket_id, created_at, first_at (earlier than created_at where a merged ticket hands its start on),
        withdrawn_at (merged or deleted; NULL if neither).
    states : polars.DataFrame
        t, from_at, until (NULL for the last), place (order within the log), status, stopped, ended; in order, the
        first at creation with place -1.
    marks : polars.DataFrame
        t, at, place, kind, actor_type, is_public: replies, notes and acknowledgements, in order.
    """

    tickets: pl.DataFrame
    states: pl.DataFrame
    marks: pl.DataFrame


def typed_columns(frame: pl.DataFrame, kinds: dict[str, pl.DataType], needed: Sequence[str], what: str) -> pl.DataFrame:
    """Select columns in their types; one that may be absent is NULL, and times may be epoch seconds or Datetime.

    Raises
    ------
    ReplayError
        A needed column is missing.
    """
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise ReplayError(
            f"{what} without the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            f"{', '.join(needed)}, times as UTC epoch seconds",
            "build the frame from the store's tables",
        )
    columns = [
        (_seconds(name, frame.schema[name]) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in kinds.items()
    ]
    return frame.with_columns(columns).select(*kinds)


def _seconds(name: str, kind: pl.DataType) -> pl.Expr:
    """A column; a Datetime as epoch seconds, floored."""
    column = pl.col(name)
    return column.dt.replace_time_zone(None).dt.epoch("us") // 1_000_000 if isinstance(kind, pl.Datetime) else column


def read_log(tickets: pl.DataFrame, events: pl.DataFrame, rules: ClockRules, cutoff: int) -> Log:
    """Read the log of the tickets as it stood at the cutoff.

    Notes
    -----
    Events are ordered by (at, seq, event_id, position); one before its ticket was created counts as at creation.
    """
    known = typed_columns(tickets, _TICKETS, ("ticket_id", "created_at"), "tickets")
    known = known.filter(pl.col("created_at") <= cutoff).unique("ticket_id", keep="last", maintain_order=True)
    known = known.sort("ticket_id").with_row_index("t")
    found = typed_columns(events, _EVENTS, ("ticket_id", "at", "kind"), "ticket events").with_row_index("position")
    found = (
        found.filter(pl.col("at") <= cutoff)
        .join(known.select("ticket_id", "t", "created_at"), on="ticket_id", how="inner")
        .sort("t", "at", "seq", "event_id", "position", nulls_last=True)
        .with_columns(pl.max_horizontal("at", "created_at").alias("at"))
        .with_row_index("place")
    )
    facts = _withdrawals(known, found, rules).select("t", "ticket_id", "created_at", "first_at", "withdrawn_at")
    marks = found.filter(pl.col("kind").is_in(["reply", "note", "ack"]))
    return Log(
        facts, _states(known, found), marks.select("t", "at", "place", "kind", "actor_type", "is_public", "created_at")
    )


def _status_class(column: str) -> pl.Expr:
    """Class of a status text, NULL for a word that is not known."""
    text = pl.col(column).str.strip_chars().str.to_lowercase()
    found: pl.Expr = pl.lit(None, dtype=pl.String())
    for pattern, word in reversed(_WORDS):
        found = pl.when(text.str.contains(pattern)).then(pl.lit(word)).otherwise(found)
    return found


def _states(known: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Status, stop flag and whether the ticket has ended, from each event that changes them to the next."""
    found = found.filter(pl.col("kind").is_in(_STATE_KINDS)).select("t", "at", "place", "kind", "field", "new_value")
    said = found.select(pl.col("new_value").unique().sort()).with_columns(_status_class("new_value").alias("word"))
    found = found.join(said, on="new_value", how="left", maintain_order="left")
    word, kind = pl.col("word"), pl.col("kind")
    # beside a status of the same second, which says to what it was reopened, the word alone adds nothing
    statuses = found.filter(kind == "status").select("t", "at")
    beside = found.filter(kind == "reopened").join(statuses, on=["t", "at"], how="semi")["place"]
    told = pl.col("place").is_in(beside.implode())
    reopened = pl.when(word.is_in(_ENDED)).then(None).otherwise(word).fill_null(pl.when(~told).then(pl.lit("open")))
    status = (
        pl.when(kind.is_in(["created", "status"])).then(word)
        .when(kind == "resolved").then(pl.lit("solved"))
        .when(kind == "closed").then(pl.lit("closed"))
        .when(kind == "reopened").then(reopened)
    )  # fmt: skip
    stop_field = (kind == "field") & pl.col("field").str.to_lowercase().is_in(_STOP_FIELDS)
    stopped = pl.when(stop_field).then(pl.col("new_value").str.to_lowercase().is_in(_YES).fill_null(value=False))
    changes = found.select("t", "at", "place", status.alias("status"), stopped.alias("stopped"))
    changes = changes.filter(pl.col("status").is_not_null() | pl.col("stopped").is_not_null())
    first = known.select(
        "t",
        pl.col("created_at").alias("at"),
        pl.lit(-1, dtype=pl.Int64).alias("place"),
        pl.lit("new").alias("status"),
        pl.lit(value=False).alias("stopped"),
    )
    states = pl.concat([first, changes.with_columns(pl.col("place").cast(pl.Int64))]).sort("t", "place")
    return states.select(
        "t",
        pl.col("at").alias("from_at"),
        pl.col("at").shift(-1).over("t").alias("until"),
        "place",
        pl.col("status").forward_fill().over("t"),
        pl.col("stopped").forward_fill().over("t"),
    ).with_columns(pl.col("status").is_in(_ENDED).alias("ended"))


def _withdrawals(known: pl.DataFrame, found: pl.DataFrame, rules: ClockRules) -> pl.DataFrame:
    """When a ticket was merged away or deleted, and the start that it takes over from those merged into it."""
    kind = pl.col("kind")
    by = (
        found.filter(kind.is_in(["merged", "deleted", "restored"]))
        .group_by("t", maintain_order=True)
        .agg(
            pl.col("at").filter(kind == "merged").first().alias("merged_at"),
            pl.col("new_value").filter(kind == "merged").first().alias("merged_to"),
            pl.col("at").filter(kind == "deleted").last().alias("deleted_at"),
            pl.col("place").filter(kind == "deleted").last().alias("deleted_place"),
            pl.col("place").filter(kind == "restored").last().alias("restored_place"),
        )
    )
    facts = known.join(by, on="t", how="left", maintain_order="left")
    # a merge that no event dates is dated by the closing; without one, no time of the ticket can be told to be its own
    undated = pl.when(pl.col("merged_into_id").is_not_null()).then(
        pl.coalesce("closed_at", "resolved_at", "created_at")
    )
    back = (pl.col("restored_place") > pl.col("deleted_place")).fill_null(value=False)
    merged = pl.coalesce("merged_at", undated)
    counted = merged if rules.merge_policy is not MergePolicy.KEEP else pl.lit(None, dtype=pl.Int64())
    facts = facts.with_columns(
        pl.min_horizontal(counted, pl.when(~back).then(pl.col("deleted_at"))).alias("withdrawn_at"),
        pl.coalesce("merged_to", "merged_into_id").alias("target"),
        pl.col("created_at").alias("first_at"),
    )
    return _inherited(facts) if rules.merge_policy is MergePolicy.INHERIT_EARLIEST_START else facts


def _inherited(facts: pl.DataFrame) -> pl.DataFrame:
    """Hand the earliest start along chains of merges; a round a link, and none changes anything after the longest."""
    while True:
        handed = facts.group_by("target").agg(pl.col("first_at").min().alias("handed")).drop_nulls("target")
        joined = facts.join(handed, left_on="ticket_id", right_on="target", how="left", maintain_order="left")
        after = joined.with_columns(pl.min_horizontal("first_at", "handed").alias("first_at")).drop("handed")
        if after["first_at"].equals(facts["first_at"]):
            return after
        facts = after


def find_cycles(log: Log, rules: ClockRules) -> pl.DataFrame:
    """Find the cycles of every clock.

    Returns
    -------
    polars.DataFrame
        t, metric, cycle (from 1), start, end (NULL: still running at the cutoff), cancelled; sorted.
    """
    flips = log.states.filter(pl.col("ended") != pl.col("ended").shift(1).over("t").fill_null(value=True))
    parts = [_replies(log, flips, rules), _acknowledged(log), *_solved(flips, rules)]
    cycles = pl.concat(parts).join(log.tickets.select("t", "created_at", "first_at", "withdrawn_at"), on="t")
    # the first clock of its kind starts with the ticket, or with the one that was merged into it
    cycles = cycles.with_columns(
        pl.when(pl.col("start") == pl.col("created_at"), pl.col("cycle") == 1)
        .then(pl.min_horizontal("start", "first_at"))
        .otherwise("start")
        .alias("start")
    )
    gone = (pl.col("withdrawn_at") <= pl.col("end").fill_null(pl.col("withdrawn_at"))).fill_null(value=False)
    cycles = cycles.filter(pl.col("withdrawn_at").is_null() | (pl.col("start") <= pl.col("withdrawn_at")))
    return cycles.select(
        "t",
        "metric",
        "cycle",
        "start",
        pl.when(gone).then("withdrawn_at").otherwise("end").alias("end"),
        (gone | pl.col("cancelled")).alias("cancelled"),
    ).sort("t", "metric", "cycle")


def _pairs(rows: pl.DataFrame, metric: ClockMetric) -> pl.DataFrame:
    """Cycles from rows that start (``begins``) and end clocks in turn; an end that ``cancels`` fulfils nothing."""
    paired = rows.with_columns(
        pl.col("at").shift(-1).over("t").alias("end"), pl.col("cancels").shift(-1).over("t").alias("cancelled")
    ).filter("begins")
    return paired.select(
        "t",
        pl.lit(metric.value).alias("metric"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("t").alias("cycle"),
        pl.col("at").alias("start"),
        "end",
        pl.col("cancelled").fill_null(value=False),
    )


def _solved(flips: pl.DataFrame, rules: ClockRules) -> list[pl.DataFrame]:
    """Cycles of the clocks that end with the ticket."""
    rows = flips.select(
        "t",
        pl.col("from_at").alias("at"),
        (~pl.col("ended")).alias("begins"),
        (pl.col("status") == "cancelled").alias("cancels"),
    )
    cycles = _pairs(rows, ClockMetric.RESOLVE)
    if rules.on_reopen is OnReopen.IGNORE:
        cycles = cycles.filter(pl.col("cycle") == 1)
    elif rules.on_reopen is not OnReopen.NEW_CYCLE:
        whole = pl.col("start").first(), pl.col("end").last(), pl.col("cancelled").last()
        cycles = cycles.group_by("t", "metric", maintain_order=True).agg(
            pl.lit(1, dtype=pl.Int64).first().alias("cycle"), *whole
        )
    return [cycles.with_columns(pl.lit(metric.value).alias("metric")) for metric in STATUS_METRICS]


def _acknowledged(log: Log) -> pl.DataFrame:
    """The one cycle of taking a ticket up: an acknowledgement, or any status but New."""
    taken = log.states.filter(pl.col("status") != "new").select(
        "t", "place", pl.col("from_at").alias("at"), (pl.col("status") == "cancelled").alias("cancels")
    )
    said = log.marks.filter(pl.col("kind") == "ack").select(
        "t", pl.col("place").cast(pl.Int64), "at", pl.lit(value=False).alias("cancels")
    )
    ends = pl.concat([taken, said]).sort("t", "place").unique("t", keep="first", maintain_order=True)
    begun = log.tickets.select("t", pl.col("created_at").alias("start"))
    return begun.join(ends, on="t", how="left", maintain_order="left").select(
        "t",
        pl.lit(ClockMetric.ACKNOWLEDGE.value).alias("metric"),
        pl.lit(1, dtype=pl.Int64).alias("cycle"),
        "start",
        pl.col("at").alias("end"),
        pl.col("cancels").fill_null(value=False).alias("cancelled"),
    )


def _replies(log: Log, flips: pl.DataFrame, rules: ClockRules) -> pl.DataFrame:
    """Cycles of replies: from creation or the oldest unanswered message of the customer to what answers it."""
    public = (pl.col("kind") == "reply") & pl.col("is_public").fill_null(value=True)
    customer = (pl.col("actor_type") == "customer").fill_null(value=False)
    agent = (pl.col("actor_type") == "agent").fill_null(value=False)
    # what an agent writes in the second of creation is the ticket itself, not an answer to it
    opening = agent & (pl.col("at") == pl.col("created_at"))
    answers = {
        FulfilBy.ANY_OUTBOUND: public & ~customer & ~opening,
        FulfilBy.SOLVE: pl.lit(value=False),
    }.get(rules.fulfil_by, public & agent & ~opening)
    said = log.marks.with_columns((public & customer).alias("begins"), answers.alias("answers"))
    said = said.filter(pl.col("begins") | pl.col("answers")).select(
        "t", pl.col("place").cast(pl.Int64), "at", "begins", pl.lit(value=False).alias("cancels")
    )
    solves = rules.fulfil_by in (FulfilBy.SOLVE, FulfilBy.PUBLIC_HUMAN_REPLY_OR_SOLVE)
    cancels = pl.col("status") == "cancelled"
    ends = flips.filter(pl.col("ended") & (cancels | solves)).select(
        "t", "place", pl.col("from_at").alias("at"), pl.lit(value=False).alias("begins"), cancels.alias("cancels")
    )
    opened = log.tickets.select(
        "t",
        pl.lit(-1, dtype=pl.Int64).alias("place"),
        pl.col("created_at").alias("at"),
        pl.lit(value=True).alias("begins"),
        pl.lit(value=False).alias("cancels"),
    )
    rows = pl.concat([opened, said, ends]).sort("t", "place")
    rows = rows.filter(pl.col("begins") != pl.col("begins").shift(1).over("t").fill_null(value=False))
    cycles = _pairs(rows, ClockMetric.FIRST_ACTION)
    later = pl.col("cycle") > 1
    if rules.reply_cycles is ReplyCycles.FIRST:
        return cycles.filter(~later)
    return cycles.with_columns(
        pl.when(later).then(pl.lit(ClockMetric.NEXT_REPLY.value)).otherwise("metric").alias("metric"),
        pl.when(later).then(pl.col("cycle") - 1).otherwise("cycle").alias("cycle"),
    )
