"""The log of what happened to each ticket, derived from the trail of the played history."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from triage_lab.domain.desk import Operations
from triage_lab.replay.synthetic.frames import Cells, canonical
from triage_lab.replay.synthetic.parameters import DAY, WINDOW_END

CLOSES_AFTER = 2 * DAY
_COLUMNS = (
    "row",
    "order",
    "at",
    "kind",
    "actor_type",
    "actor_id",
    "team_id",
    "old_value",
    "new_value",
    "via",
    "rule_id",
)


def event_table(steps: pl.DataFrame, tickets: pl.DataFrame, operations: Operations, channel: pl.Series) -> pl.DataFrame:
    """Return ``ticket_events`` in the order of tickets and of what happened.

    Parameters
    ----------
    steps : polars.DataFrame
        The decoded trail: row, time, event, team, agent, window; in the order of play.
    tickets : polars.DataFrame
        ticket_id, arrived_at, resolved_at (seconds), one row per ticket.
    operations : Operations
        The desk that was played.
    channel : polars.Series
        Channel of each ticket.

    Returns
    -------
    polars.DataFrame
        created by the customer; assigned by a rule when the decision has been made; escalated when a window passes;
        reply by the first agent who starts; assigned by that agent when the ticket belongs elsewhere; resolved;
        closed by automation two days later. What lies after the window's end is left out.

    Notes
    -----
    An escalation moves the ticket into another queue; its owner of record stays accountable until somebody assigns
    the ticket anew, so an escalation writes no ``assigned``.
    """
    step = steps.with_row_index("order").with_columns(pl.col("order").cast(pl.Int64) + 1)
    step = step.sort("row", "order").with_columns(before=_before("event"), agent_before=_before("agent"))
    parts = [
        _created(tickets, channel),
        _assigned(step),
        _escalated(step, operations),
        _replied(step),
        _resolved(step),
        _closed(tickets, len(step)),
    ]
    events = pl.concat(parts, how="diagonal_relaxed").sort("row", "at", "order")
    events = events.with_columns(seq=pl.int_range(pl.len()).over("row"))
    return _canonical(events, tickets["ticket_id"])


def _before(column: str) -> pl.Expr:
    """The value in the row before, if that belongs to the same ticket; rows are sorted by ticket."""
    return pl.when(pl.col("row") == pl.col("row").shift(1)).then(pl.col(column).shift(1))


def _created(tickets: pl.DataFrame, channel: pl.Series) -> pl.DataFrame:
    """The customer files the ticket."""
    return pl.DataFrame(
        {"row": pl.int_range(len(tickets), dtype=pl.UInt32, eager=True), "at": tickets["arrived_at"], "via": channel}
    ).with_columns(order=pl.lit(0, dtype=pl.Int64), kind=pl.lit("created"), actor_type=pl.lit("customer"))


def _assigned(step: pl.DataFrame) -> pl.DataFrame:
    """The owner is set by a rule at first, by an agent at each handoff."""
    joins = step.filter((pl.col("event") == "join") & (pl.col("before").is_null() | (pl.col("before") == "handoff")))
    first = pl.col("before").is_null()
    return joins.select(
        "row",
        "order",
        at="time",
        kind=pl.lit("assigned"),
        actor_type=pl.when(first).then(pl.lit("automation")).otherwise(pl.lit("agent")),
        actor_id=pl.when(first).then(pl.lit(None, dtype=pl.String)).otherwise(pl.col("agent_before")),
        team_id="team",
        old_value=_before("team"),
        new_value="team",
        via=pl.when(first).then(pl.lit("rule")).otherwise(pl.lit("web")),
    )


def _escalated(step: pl.DataFrame, operations: Operations) -> pl.DataFrame:
    """Nobody started in time: the ticket goes to the window's team."""
    goes_to: Mapping[str, str] = {window.window_id: window.to for window in operations.escalation}
    fired = step.filter(pl.col("event") == "escalate")
    team = fired["window"].replace_strict(list(goes_to), list(goes_to.values()), return_dtype=pl.String)
    return fired.select(
        "row",
        "order",
        at="time",
        kind=pl.lit("escalated"),
        actor_type=pl.lit("system"),
        team_id=team,
        new_value=team,
        via=pl.lit("rule"),
        rule_id="window",
    )


def _replied(step: pl.DataFrame) -> pl.DataFrame:
    """The first agent who starts on a ticket writes to the customer."""
    starts = step.filter(pl.col("event").is_in(["inspect", "start"])).unique("row", keep="first", maintain_order=True)
    return starts.select(
        "row",
        "order",
        at="time",
        kind=pl.lit("reply"),
        actor_type=pl.lit("agent"),
        actor_id="agent",
        team_id="team",
        via=pl.lit("web"),
    )


def _resolved(step: pl.DataFrame) -> pl.DataFrame:
    """The work is done."""
    return step.filter(pl.col("event") == "resolve").select(
        "row",
        "order",
        at="time",
        kind=pl.lit("resolved"),
        actor_type=pl.lit("agent"),
        actor_id="agent",
        team_id="team",
        via=pl.lit("web"),
    )


def _closed(tickets: pl.DataFrame, steps: int) -> pl.DataFrame:
    """Two days after it was resolved a ticket closes by itself."""
    done = tickets.with_row_index("row").select(pl.col("row").cast(pl.UInt32), at=pl.col("resolved_at") + CLOSES_AFTER)
    return done.filter(pl.col("at") <= WINDOW_END).with_columns(
        order=pl.lit(steps + 1, dtype=pl.Int64),
        kind=pl.lit("closed"),
        actor_type=pl.lit("automation"),
        via=pl.lit("rule"),
    )


def _canonical(events: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Name the events and give them the columns of the canonical table."""
    ticket = ids.gather(events["row"])
    columns: dict[str, Cells] = {name: events[name] for name in _COLUMNS if name not in {"row", "order", "at"}}
    public = events["kind"].is_in(["created", "reply"])
    columns |= {
        "event_id": "E" + ticket.str.slice(1) + "-" + events["seq"].cast(pl.String),
        "ticket_id": ticket,
        "at": pl.Series(events["at"] * 1_000_000).cast(pl.Datetime("us")),
        "seq": events["seq"],
        "is_public": public,
    }
    return canonical("ticket_events", columns, len(events))
