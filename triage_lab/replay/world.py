"""The world that both arms share: tickets, truth, handle times, promises and the desk, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import Operations
from triage_lab.domain.enums import SlaMetric
from triage_lab.domain.errors import ReplayError
from triage_lab.replay.arrays import FAR, NEVER, Donors
from triage_lab.replay.frames import numbered, read_history, stamps_of
from triage_lab.replay.promises import Clocks, Promise, make_clocks, make_promises
from triage_lab.replay.roster import Roster, build_roster
from triage_lab.replay.service import donor_tables, handle_seconds


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Everything about a replay that no decision changes; arrays have one entry per ticket in row order.

    Parameters
    ----------
    history : polars.DataFrame
        Typed history columns.
    operations : Operations
    roster : Roster
    cutoff : int, UTC seconds
        Events at this second still happen, later ones do not.
    seed : int
        Key of every draw.
    arrived, owned : int64 arrays, UTC seconds
        Arrival, and arrival plus decision latency.
    trace : int64 array, seconds
        Recorded handle time, 0 where there is none.
    resolver : int32 array
        Team that the trace belongs to; -1 unknown, -2 not on the desk.
    target : int32 array
        Team a misrouted ticket is handed to; -1 where no truth team is on the desk.
    truth_first, truth : int32 arrays, shapes (n + 1,) and (k,)
        Truth teams on the desk of ticket i: ``truth[truth_first[i]:truth_first[i + 1]]``.
    truth_row : int64 array, shape (k,)
        Ticket of each entry of ``truth``.
    unlabelled : polars.Series
        Of Boolean: nobody labelled the ticket's truth teams.
    category : int32 array
    donors : Donors
    promises : tuple of Promise
    clocks : Clocks
        The promises as they are judged.
    due_rank : int32 array
        Rank by (first-action due, row); zeros if no team works by due time.
    notices : tuple of str
        What the reader should know about the inputs.
    """

    history: pl.DataFrame
    operations: Operations
    roster: Roster
    cutoff: int
    seed: int
    arrived: npt.NDArray[np.int64]
    owned: npt.NDArray[np.int64]
    trace: npt.NDArray[np.int64]
    resolver: npt.NDArray[np.int32]
    target: npt.NDArray[np.int32]
    truth_first: npt.NDArray[np.int32]
    truth: npt.NDArray[np.int32]
    truth_row: npt.NDArray[np.int64]
    unlabelled: pl.Series
    category: npt.NDArray[np.int32]
    donors: Donors
    promises: tuple[Promise, ...]
    clocks: Clocks
    due_rank: npt.NDArray[np.int32]
    notices: tuple[str, ...]


def build_world(
    history: pl.DataFrame,
    operations: Operations,
    *,
    cutoff: int,
    seed: int,
    sla_masks: Mapping[str, npt.NDArray[np.bool_]],
) -> World:
    """Prepare what the arms of a replay share.

    Parameters
    ----------
    history : polars.DataFrame
        One row per ticket, sorted by (arrived_at, ticket_id bytewise); see `read_history`. ``ticket_id``,
        ``ticket_key`` and ``arrived_at`` are required, other columns count as NULL where missing.
    operations : Operations
    cutoff : int, UTC seconds
    seed : int
    sla_masks : mapping of SLA target id to bool array, shape (n,)
        Tickets that each target matches; may lack targets that match every ticket.

    Returns
    -------
    World

    Raises
    ------
    ReplayError
        A frame that is not as promised, a team that cannot work, a calendar that never opens, or no usable handle
        time at all while some team declares none.

    Notes
    -----
    Truth teams are the labelled ones if any, else the resolver. A handoff goes to the resolver if it is among the
    truth teams on the desk, else to the first listed that is. Handle times that are not positive count as missing.
    """
    frame = read_history(history, cutoff)
    arrived = frame["arrived_at"].to_numpy().astype(np.int64)
    if not len(arrived):
        raise ReplayError("the history holds no ticket", "at least one ticket", "widen the scope or load tickets")
    roster = build_roster(operations, int(arrived[0]), cutoff)
    _check_escalations(operations)
    resolver = numbered(frame["resolver_team_id"], roster.teams)
    truth_first, truth, target = _truth(frame, roster.teams, resolver)
    minutes = frame["handle_minutes"].fill_null(float("nan")).to_numpy().astype(np.float64)
    trace = handle_seconds(minutes)
    categories = frame["category"].unique().sort(nulls_last=True).drop_nulls().to_list()
    category = numbered(frame["category"], categories)
    category = np.where(category < 0, len(categories), category).astype(np.int32)
    zeros = np.zeros(len(arrived), dtype=np.int32)
    promises = make_promises(operations, arrived, stamps_of(frame["due_at"]), sla_masks)
    return World(
        history=frame,
        operations=operations,
        roster=roster,
        cutoff=cutoff,
        seed=seed,
        arrived=arrived,
        owned=arrived + operations.decision_latency_seconds,
        trace=trace,
        resolver=resolver,
        target=target,
        truth_first=truth_first,
        truth=truth,
        truth_row=np.repeat(np.arange(len(arrived)), np.diff(truth_first)),
        unlabelled=frame.select(
            (pl.col("truth_teams").list.drop_nulls().list.len() > 0).fill_null(False).not_()
        ).to_series(),
        category=category,
        donors=donor_tables(
            trace,
            resolver,
            category,
            teams=len(roster.teams),
            categories=len(categories) + 1,
            declared=[_declared(operations, team) for team in roster.teams],
        ),
        promises=promises,
        clocks=make_clocks(promises, arrived),
        due_rank=_due_rank(promises, len(arrived)) if roster.desk.teams["heap"].max() >= 0 else zeros,
        notices=_notices(frame, minutes, trace, target),
    )


def _declared(operations: Operations, team: str) -> tuple[int, ...] | None:
    """Return the quantiles of a team's declared handle times, if any."""
    times = operations.handle_times.get(team)
    return None if times is None else times.quantiles


def _check_escalations(operations: Operations) -> None:
    """Refuse windows that point outside the desk."""
    for window in operations.escalation:
        if window.to not in operations.teams or window.calendar not in operations.calendars:
            raise ReplayError(
                f"escalation {window.window_id!r} names team {window.to!r} and calendar {window.calendar!r}",
                "a declared team and calendar",
                "correct the window in operations.yaml",
            )


def _truth(
    frame: pl.DataFrame, teams: tuple[str, ...], resolver: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return offsets and numbers of the truth teams on the desk, and the handoff target of each ticket."""
    listed = (
        frame.lazy()
        .select(truth_lists().alias("team"))
        .with_row_index("row")
        .explode("team", empty_as_null=True, keep_nulls=True)
        .drop_nulls("team")
        .collect()
    )
    number, row = numbered(listed["team"], teams), listed["row"].to_numpy().astype(np.int64)
    number, row = number[number >= 0], row[number >= 0]
    first = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=frame.height))]).astype(np.int32)
    some = first[1:] > first[:-1]
    target = np.full(frame.height, -1, dtype=np.int32)
    target[some] = number[first[:-1][some]]
    by_resolver = number == resolver[row]
    target[row[by_resolver]] = number[by_resolver]
    return first, number.astype(np.int32), target


def truth_lists() -> pl.Expr:
    """Return the truth teams of each ticket: the labelled ones if any, else the resolver, else NULL."""
    labelled = pl.col("truth_teams").list.drop_nulls()
    return (
        pl.when(labelled.list.len() > 0)
        .then(labelled)
        .when(pl.col("resolver_team_id").is_not_null())
        .then(pl.concat_list("resolver_team_id"))
    )


def _due_rank(promises: tuple[Promise, ...], rows: int) -> npt.NDArray[np.int32]:
    """Rank tickets by first-action due time, those without one last, ties by row."""
    due = np.full(rows, FAR, dtype=np.int64)
    for promise in promises:
        if promise.metric == SlaMetric.FIRST_ACTION:
            due = np.where(promise.due == NEVER, FAR, promise.due)
    rank = np.empty(rows, dtype=np.int32)
    rank[np.argsort(due, kind="stable")] = np.arange(rows, dtype=np.int32)
    return rank


def _notices(
    frame: pl.DataFrame,
    minutes: npt.NDArray[np.float64],
    trace: npt.NDArray[np.int64],
    target: npt.NDArray[np.int32],
) -> tuple[str, ...]:
    """Say what was counted while reading the inputs."""
    known = frame.select(truth_lists().is_not_null()).to_series().to_numpy()
    homeless, unusable = int((known & (target < 0)).sum()), int((~np.isnan(minutes) & (trace == 0)).sum())
    notices = []
    if homeless:
        notices.append(f"{homeless} tickets have no truth team on this desk; their owner works them")
    if unusable:
        notices.append(f"{unusable} handle times are not positive and count as missing")
    return tuple(notices)
