"""A log boiled down to numbers: tickets, changes of team, and what people did when and for which team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from triage_lab.domain.desk import is_name
from triage_lab.domain.errors import ReplayError
from triage_lab.replay.calendars import FIRST_YEAR, LAST_YEAR
from triage_lab.replay.service import LONGEST_SECONDS

ONLY_TEAM = "desk"
"""Name of the team of a log that names none."""
_TEXT, _TIME = pl.String(), pl.Datetime("us")
_TICKETS: Mapping[str, pl.DataType] = {
    "ticket_id": _TEXT,
    "created_at": _TIME,
    "category": _TEXT,
    "priority_at_creation": _TEXT,
    "type": _TEXT,
    "channel": _TEXT,
    "inbox": _TEXT,
    "source": _TEXT,
    "first_team_id": _TEXT,
    "resolver_team_id": _TEXT,
    "agent_id": _TEXT,
    "first_action_at": _TIME,
    "resolved_at": _TIME,
    "due_at": _TIME,
    "reassignment_count": pl.Int64(),
    "handle_minutes": pl.Float64(),
}
_EVENTS: Mapping[str, pl.DataType] = {
    "ticket_id": _TEXT,
    "at": _TIME,
    "seq": pl.Int64(),
    "kind": _TEXT,
    "actor_type": _TEXT,
    "actor_id": _TEXT,
    "team_id": _TEXT,
    "field": _TEXT,
    "old_value": _TEXT,
    "new_value": _TEXT,
    "rule_id": _TEXT,
}
_SEEN_ONLY = ("created", "closed", "csat")
"""Kinds of event that say nothing of a person's work unless the log calls the actor an agent."""
_HANDED = ("assigned", "escalated")
"""Kinds of event whose team is where the ticket goes, not where the actor works."""


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """A log in numbers; times are UTC epoch seconds, teams and people positions in their lists.

    Parameters
    ----------
    teams : tuple of str
        Team names that operations.yaml can hold, sorted; ``("desk",)`` if the log names none.
    named : bool
        Whether the log names teams.
    unwritable : tuple of str
        Team names that operations.yaml cannot hold.
    tickets : polars.DataFrame
        One row a ticket: row, created, category, priority_at_creation, type, channel, inbox, source, first, resolver
        (teams), agent (person), first_action, resolved, due, reassignment_count, handle (seconds, 0 = unknown).
    moves : polars.DataFrame
        Changes of team, in order: row, at, team, before, by_person, escalated, rule_id.
    actions : polars.DataFrame
        What people did, sorted by (person, at, row): person (NULL where the log does not say who), row, at, team (for
        which they acted; NULL where they only handed the ticket on), left (the team that it was taken from then),
        available (since when somebody could have worked on the ticket), told (the log says so itself; FALSE where it
        was read from the ticket's own columns).
    """

    teams: tuple[str, ...]
    named: bool
    unwritable: tuple[str, ...]
    tickets: pl.DataFrame
    moves: pl.DataFrame
    actions: pl.DataFrame


def read_log(tickets: pl.DataFrame, events: pl.DataFrame, cutoff: int) -> Log:
    """Read canonical tickets and events up to a cutoff.

    Parameters
    ----------
    tickets, events : polars.DataFrame
        Canonical tables; columns that are missing count as NULL. Events of one instant without ``seq`` happen in row
        order.
    cutoff : int, UTC seconds

    Returns
    -------
    Log

    Raises
    ------
    ReplayError
        No ticket arrived by the cutoff, or a column has the wrong type.

    Notes
    -----
    A person is an actor whom the log calls an agent, or (where it does not say) one with a team, as in
    store/sql/history.sql. Where a ticket has no action of a person among its events, its ``agent_id`` is taken to
    have acted at ``first_action_at`` (if nobody reassigned the ticket) and at ``resolved_at``; else the people it was
    assigned to, at that time.
    """
    known = _tickets(_typed(tickets, _TICKETS, "tickets"), cutoff)
    happened = _events(_typed(events, _EVENTS, "ticket_events"), known, cutoff)
    names = _distinct(known["first_team_id"], known["resolver_team_id"], happened["team_id"])
    teams = tuple(name for name in names if is_name(name))
    listed = teams or (ONLY_TEAM,)
    people = _distinct(known["agent_id"], happened["actor_id"], happened["assignee"])
    known = known.with_columns(
        _code("first_team_id", teams).alias("first"),
        _code("resolver_team_id", teams).alias("resolver"),
        _code("agent_id", people).alias("agent"),
    )
    if not teams:
        known = known.with_columns(first=pl.lit(0, pl.Int32), resolver=pl.lit(0, pl.Int32))
    happened = happened.with_columns(
        _code("team_id", teams).alias("team"),
        _code("old_value", teams).alias("told_before"),
        _code("actor_id", people).alias("person"),
        _code("assignee", people).alias("assignee"),
    )
    followed = _follow(happened)
    actions = _actions(followed, known)
    if not teams:
        actions = actions.with_columns(team=pl.lit(0, pl.Int32), left=pl.lit(None, pl.Int32))
    moves = followed.filter((pl.col("assigned") | pl.col("escalated")) & pl.col("team").is_not_null()).select(
        "row", "at", "team", "before", "by_person", "escalated", "rule_id"
    )
    return Log(
        teams=listed,
        named=bool(teams),
        unwritable=tuple(name for name in names if not is_name(name)),
        tickets=_with_teams(known, moves),
        moves=moves,
        actions=actions,
    )


def _typed(frame: pl.DataFrame, kinds: Mapping[str, pl.DataType], name: str) -> pl.DataFrame:
    """Select the columns with their types; missing ones become NULL."""
    try:
        return frame.select(
            pl.col(column).cast(kind) if column in frame.columns else pl.lit(None, dtype=kind).alias(column)
            for column, kind in kinds.items()
        )
    except pl.exceptions.PolarsError as error:
        raise ReplayError(f"a column of {name} has the wrong type: {error}", "the types of the table") from error


def seconds(column: str) -> pl.Expr:
    """Return a time column as UTC epoch seconds, floored; NULL outside the years that a calendar can place."""
    year = pl.col(column).dt.year()
    kept = (year > FIRST_YEAR) & (year < LAST_YEAR)
    return pl.when(kept).then(pl.col(column).dt.timestamp("us").floordiv(1_000_000))


def _tickets(frame: pl.DataFrame, cutoff: int) -> pl.DataFrame:
    """Number the tickets that arrived by the cutoff and forget what happened to them later."""
    known = (
        frame.with_columns(created=seconds("created_at"), due=seconds("due_at"))
        .filter(pl.col("created") <= cutoff)
        .unique("ticket_id", keep="first", maintain_order=True)
    )
    if not known.height:
        raise ReplayError(
            "the log holds no ticket by the cutoff", "at least one ticket", "load tickets, or move the cutoff"
        )
    stamps = {
        name: pl.when(seconds(f"{name}_at") <= cutoff).then(seconds(f"{name}_at"))
        for name in ("first_action", "resolved")
    }
    work = (pl.col("handle_minutes") * 60 + 0.5).floor()
    usable = (pl.col("handle_minutes") > 0) & (work < LONGEST_SECONDS) & pl.col("handle_minutes").is_finite()
    later = (seconds("resolved_at") > cutoff).fill_null(False)
    outcomes = (
        pl.when(~later).then(pl.col(name)).alias(name) for name in ("resolver_team_id", "agent_id", "handle_minutes")
    )
    return (
        known.with_row_index("row")
        .with_columns(*outcomes)
        .with_columns(
            **stamps, handle=pl.when(usable).then(work).otherwise(0.0).clip(usable.cast(pl.Float64)).cast(pl.Int64)
        )
    )


def _events(frame: pl.DataFrame, tickets: pl.DataFrame, cutoff: int) -> pl.DataFrame:
    """Keep events of known tickets, in the order in which they happened, with what they mean."""
    agent = (pl.col("actor_type") == "agent").fill_null(False)
    unsaid = pl.col("actor_type").is_null() & pl.col("team_id").is_not_null()
    customer = (pl.col("actor_type") == "customer").fill_null(False)
    kind = pl.col("kind")
    return (
        frame.lazy()
        .with_columns(at=seconds("at"))
        .filter(pl.col("at") <= cutoff)
        .join(tickets.lazy().select("ticket_id", "row", "created"), on="ticket_id")
        .select(
            "row",
            "created",
            "at",
            pl.col("seq").fill_null(0),
            pl.when(~customer).then(pl.col("team_id")).alias("team_id"),
            "old_value",
            "rule_id",
            (agent | unsaid).alias("by_person"),
            pl.when(agent | unsaid).then(pl.col("actor_id")).alias("actor_id"),
            pl.when((kind == "field") & (pl.col("field") == "assignee")).then(pl.col("new_value")).alias("assignee"),
            (agent | (unsaid & ~kind.is_in(_SEEN_ONLY))).alias("acts"),
            ((kind == "assigned") & pl.col("team_id").is_not_null()).fill_null(False).alias("assigned"),
            (kind == "escalated").fill_null(False).alias("escalated"),
            (kind.is_in([*_HANDED, "reopened"]) | (customer & (kind == "reply"))).fill_null(False).alias("frees"),
        )
        .sort("row", "at", "seq", maintain_order=True)
        .collect()
    )


def _distinct(*columns: pl.Series) -> tuple[str, ...]:
    """Return the distinct texts of several columns, sorted."""
    found = pl.concat([column.unique().rename("name") for column in columns]).unique().drop_nulls()
    return tuple(found.sort().to_list())


def _code(column: str, names: tuple[str, ...]) -> pl.Expr:
    """Return the position of each text in the names, NULL for others."""
    if not names:
        return pl.lit(None, dtype=pl.Int32)
    return pl.col(column).cast(pl.Enum(names), strict=False).to_physical().cast(pl.Int32)


def _follow(events: pl.DataFrame) -> pl.DataFrame:
    """Add which team owned the ticket before each event, and since when somebody could have worked on it."""
    first = (pl.col("row") != pl.col("row").shift(1)).fill_null(True)
    owned = pl.when("assigned").then(pl.col("team")).when(first).then(pl.lit(-1, pl.Int32))
    freed = pl.when("frees").then(pl.col("at")).when(first).then(pl.col("created"))
    filled = events.with_columns(
        new=first, owner=owned.forward_fill(), freed=pl.max_horizontal(freed.forward_fill(), "created")
    )
    before = pl.when(~pl.col("new") & (pl.col("owner").shift(1) >= 0)).then(pl.col("owner").shift(1))
    return filled.with_columns(
        owner=pl.when(pl.col("owner") >= 0).then(pl.col("owner")),
        before=pl.coalesce(before, pl.when("assigned").then(pl.col("told_before"))),
        available=pl.when("new").then(pl.col("created")).otherwise(pl.col("freed").shift(1)),
    )


def _actions(events: pl.DataFrame, tickets: pl.DataFrame) -> pl.DataFrame:
    """Gather what people did, from the events first, then from what the tickets say themselves."""
    handed = pl.col("assigned") | pl.col("escalated")
    told = events.filter("acts").select(
        "person",
        "row",
        "at",
        pl.when(~handed).then(pl.coalesce("team", "owner")).alias("team"),
        pl.when(handed).then(pl.col("before")).alias("left"),
        "available",
    )
    seen = told.filter(pl.col("person").is_not_null()).select("row").unique()
    left = tickets.join(seen, on="row", how="anti")
    own = _own_actions(left)
    silent = left.join(own.select("row").unique(), on="row", how="anti")
    taken = (
        events.filter(pl.col("assignee").is_not_null())
        .join(silent.select("row"), on="row", how="semi")
        .select(pl.col("assignee").alias("person"), "row", "at", pl.col("owner").alias("team"), "available")
    )
    nobody = silent.join(told.select("row").unique(), on="row", how="anti")
    parts = [
        told.with_columns(told=pl.lit(True)),
        *(
            part.with_columns(left=pl.lit(None, pl.Int32), told=pl.lit(False)).select(*told.columns, "told")
            for part in (own, taken, _own_actions(nobody, anybody=True))
        ),
    ]
    known = pl.concat(parts, how="vertical_relaxed").filter(pl.col("at") >= pl.col("available"))
    return _once(known)


def _once(actions: pl.DataFrame) -> pl.DataFrame:
    """Sort by (person, at) and keep one action of a person on a ticket at one instant."""
    low = actions["at"].min()
    # one number a row sorts several times faster than three columns; 35 bits hold every second that a year can have
    key = pl.col("person").fill_null(2**27).cast(pl.Int64) * 2**35 + (pl.col("at") - low)
    ordered = actions.with_columns(key=key).sort("key", "row", maintain_order=True)
    last = ((pl.col("key") != pl.col("key").shift(-1)) | (pl.col("row") != pl.col("row").shift(-1))).fill_null(True)
    first = ((pl.col("key") != pl.col("key").shift(1)) | (pl.col("row") != pl.col("row").shift(1))).fill_null(True)
    filled = [
        pl.when(pl.col(name).is_null() & last).then(-1).otherwise(pl.col(name)).backward_fill().alias(name)
        for name in ("team", "left")
    ]
    return (
        ordered.with_columns(*filled)
        .filter(first)
        .with_columns(
            pl.when(pl.col(name) >= 0).then(pl.col(name)).cast(pl.Int32).alias(name) for name in ("team", "left")
        )
        .select("person", "row", "at", "team", "left", "available", "told")
    )


def _own_actions(tickets: pl.DataFrame, *, anybody: bool = False) -> pl.DataFrame:
    """Read actions off the tickets' own columns: their agent's, or of ``anybody``."""
    person = pl.lit(None, pl.Int32) if anybody else pl.col("agent")
    kept = tickets if anybody else tickets.filter(pl.col("agent").is_not_null())
    begun = kept.filter(pl.col("reassignment_count").fill_null(0) == 0) if not anybody else kept
    parts = [
        part.filter(pl.col(stamp).is_not_null()).select(
            person.alias("person"),
            "row",
            pl.col(stamp).alias("at"),
            pl.coalesce(*teams).alias("team"),
            pl.col("created").alias("available"),
        )
        for part, stamp, teams in (
            (begun, "first_action", ("first", "resolver")),
            (kept, "resolved", ("resolver", "first")),
        )
    ]
    return pl.concat(parts)


def _with_teams(tickets: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    """Fill first and resolving team from the changes of team where the tickets do not tell."""
    ends = (
        moves.filter(~pl.col("escalated"))
        .group_by("row", maintain_order=True)
        .agg(pl.col("team").first().alias("moved_first"), pl.col("team").last().alias("moved_last"))
    )
    solved = pl.when(pl.col("resolved").is_not_null()).then(pl.col("moved_last"))
    return (
        tickets.join(ends, on="row", how="left", maintain_order="left")
        .with_columns(first=pl.coalesce("first", "moved_first", "resolver"), resolver=pl.coalesce("resolver", solved))
        .drop("moved_first", "moved_last", "created_at", "first_action_at", "resolved_at", "due_at")
    )
