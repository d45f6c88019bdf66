"""Playing decisions through the desk: from decisions to records, SLA states and the trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import EscalationWindow
from triage_lab.domain.enums import Priority
from triage_lab.domain.errors import InternalError, ReplayError
from triage_lab.replay.arrays import (
    CUTOFF,
    DEADLINE,
    EVENTS,
    INSPECTION,
    NEVER,
    TICKET,
    Code,
    Desk,
    Game,
    Load,
    Records,
    Status,
    new_game,
    record_array,
)
from triage_lab.replay.audit import AuditFacts, AuditReport, audit_trail
from triage_lab.replay.clocks import due_times
from triage_lab.replay.draws import uniforms
from triage_lab.replay.frames import check_names, mask_of, minutes, nullable, numbered
from triage_lab.replay.promises import Stops, sla_states
from triage_lab.replay.roster import Roster
from triage_lab.replay.service import LEVELS, drawn_seconds
from triage_lab.replay.trail import Trail, decode_trail
from triage_lab.replay.world import World

PRIORITIES = tuple(priority.value for priority in Priority)


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What one arm did.

    Parameters
    ----------
    records : polars.DataFrame
        One row per ticket, row-aligned with the history.
    sla_states : polars.DataFrame
        One row per ticket and metric that has targets.
    trail : Trail
    audit : AuditReport
    donors : mapping of str to int
        Tickets worked by where their handle time came from: trace, team_category, team, operations, all.
    busy_seconds : mapping of team id to int
        Open seconds that the team's agents spent on tickets by the cutoff.
    notices : tuple of str
    replication : int
    """

    records: pl.DataFrame
    sla_states: pl.DataFrame
    trail: Trail
    audit: AuditReport
    donors: Mapping[str, int]
    busy_seconds: Mapping[str, int]
    notices: tuple[str, ...]
    replication: int

    def events(self, world: World) -> pl.DataFrame:
        """Return the trail with names: row, time, event, team, agent, window."""
        return decode_trail(self.trail, world.roster, _window_ids(world))


def play(
    world: World,
    decisions: pl.DataFrame,
    *,
    escalation_masks: Mapping[str, npt.NDArray[np.bool_]],
    replication: int = 0,
) -> Played:
    """Play an arm's decisions through the desk and audit what happened.

    Parameters
    ----------
    world : World
    decisions : polars.DataFrame
        Row-aligned, with ``owner_team`` and ``priority``.
    escalation_masks : mapping of window id to bool array, shape (n,)
        Tickets that each window watches; may lack windows that watch every ticket.
    replication : int
        Number of the replication; other numbers draw other handle times.

    Returns
    -------
    Played

    Raises
    ------
    ReplayError
        An owner that is not on the desk, an unknown priority, frames of other lengths, a missing mask.
    InternalError
        The trail audit failed.

    Notes
    -----
    A ticket joins its owner's queue at arrival + decision latency. If the team that starts it is not one of the
    truth teams on the desk, the agent inspects it (at least one second) and hands it off. An escalation window
    fires at arrival + ``after`` (but not before the ticket has an owner) unless an agent has started the ticket
    earlier. ``wait_minutes`` is NULL while a ticket still waits. Nothing happens after the cutoff.
    """
    owner, lane = _owners(world, decisions), _lanes(world, decisions)
    watched = _watched(world, escalation_masks)
    tickets = _tickets(world, owner, lane, replication)
    load = Load(
        tickets=tickets,
        truth=world.truth,
        donors=world.donors,
        deadlines=_deadlines(world, watched),
        window_to=np.array([world.roster.teams.index(window.to) for window, _ in watched], dtype=np.int32),
        cutoff=world.cutoff,
        inspection=max(1, world.operations.inspection_seconds),
    )
    game, trail, audit = run_desk(world.roster, load)
    return Played(
        records=_records(world, owner, game.fates),
        sla_states=sla_states(world.clocks, _stops(game.fates), world.cutoff),
        trail=trail,
        audit=audit,
        donors={name: int((game.fates["level"] == level).sum()) for level, name in LEVELS.items()},
        busy_seconds=_busy_seconds(world, game, trail),
        notices=world.notices,
        replication=replication,
    )


def run_desk(roster: Roster, load: Load) -> tuple[Game, Trail, AuditReport]:
    """Run the event kernel and audit its trail.

    Raises
    ------
    InternalError
        The trail outgrew its bound, a handle time was needed that was not drawn, or the audit failed.
    """
    game = run_kernel(roster.desk, load, trail_bound(load))
    events = game.trail[: int(game.clock[EVENTS])]
    trail = Trail(*(np.ascontiguousarray(events[name]) for name in ("time", "ticket", "code", "arg")))
    tickets, fates = load.tickets, game.fates
    facts = AuditFacts(
        owned=np.ascontiguousarray(tickets["owned"]),
        owner=np.ascontiguousarray(tickets["owner"]),
        target=np.ascontiguousarray(tickets["target"]),
        handle=np.ascontiguousarray(fates["handle"]),
        waited=np.ascontiguousarray(fates["waited"]),
        window_to=load.window_to,
        limits=game.clock[[CUTOFF, INSPECTION]],
    )
    return game, trail, audit_trail(trail, roster, facts)


def trail_bound(load: Load) -> int:
    """Return the most rows that a trail can have.

    Notes
    -----
    A ticket joins, starts and resolves (3 rows); one that may meet a wrong team first is inspected, handed off and
    joins again (3 more, once: the handoff goes to a team that works it); a deadline escalates and moves (2 each).
    """
    tickets = load.tickets
    inspects = (tickets["target"] >= 0) & (tickets["target"] != tickets["owner"])
    watched = load.deadlines["row"]
    inspects[watched] |= tickets["target"][watched] >= 0
    return 3 * len(tickets) + 3 * int(inspects.sum()) + 2 * len(load.deadlines)


def run_kernel(desk: Desk, load: Load, trail_rows: int) -> Game:
    """Run the event kernel with room for that many trail rows; what it did is in the game's fates and trail."""
    from triage_lab.replay.kernel import run

    game = new_game(desk, load, trail_rows)
    status = Status(run(game))
    if status != Status.OK:
        raise InternalError(
            f"the desk stopped: {status.name.lower().replace('_', ' ')}",
            "a bound that holds for every desk",
            "please report this with the run's manifest",
        )
    return game


def all_traced(world: World, decisions: pl.DataFrame) -> bool:
    """Tell whether every handle time of an arm is certainly a recorded one, so that one replication is all.

    Parameters
    ----------
    world : World
    decisions : polars.DataFrame
        Row-aligned, with ``owner_team``.

    Returns
    -------
    bool
        False if some ticket might be worked by a team whose time would have to be drawn.
    """
    return not _may_draw(world, _owners(world, decisions)).any()


def _may_draw(world: World, owner: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Return the tickets that might be worked where their trace does not hold (never too few)."""
    teams = {team: number for number, team in enumerate(world.roster.teams)}
    homeless = world.target < 0
    may = ~homeless & (world.target != world.resolver)
    starters = [owner, *(np.full(len(owner), teams[to], dtype=np.int32) for to in _escalation_teams(world))]
    for starter in starters:
        may |= (starter != world.resolver) & (homeless | _in_truth(world, starter))
    return np.asarray((world.trace == 0) | ((world.resolver != -1) & may))


def _escalation_teams(world: World) -> list[str]:
    """Return the teams that escalations may move tickets to."""
    return list(dict.fromkeys(window.to for window in world.operations.escalation))


def _in_truth(world: World, team: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Tell for each ticket whether a team is among its truth teams on the desk."""
    found = np.zeros(len(team), dtype=bool)
    found[world.truth_row[world.truth == team[world.truth_row]]] = True
    return found


def belongs(world: World, rows: npt.NDArray[np.int64], team: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Tell for pairs of ticket row and team whether the team may work the ticket itself."""
    if not len(rows):
        return np.zeros(0, dtype=bool)
    found: npt.NDArray[np.bool_] = (world.target[rows] < 0) | (world.target[rows] == team)
    width = world.truth_first[rows + 1] - world.truth_first[rows]
    for place in range(int(width.max())):
        has = width > place
        found[has] |= world.truth[world.truth_first[rows[has]] + place] == team[has]
    return found


def service_seconds(
    world: World, rows: npt.NDArray[np.int64], team: npt.NDArray[np.int32], replication: int
) -> npt.NDArray[np.int64]:
    """Return the handle seconds that tickets take at teams, worked or not; the kernel's rule in columns."""
    seconds = world.trace[rows]
    drawn = (seconds == 0) | ((world.resolver[rows] != -1) & (world.resolver[rows] != team))
    keys = world.history["ticket_key"].to_numpy()[rows[drawn]]
    draw = uniforms(keys, seed=world.seed, replication=replication)
    result = seconds.copy()
    result[drawn] = drawn_seconds(world.donors, team[drawn], world.category[rows[drawn]], draw)
    return result


def _owners(world: World, decisions: pl.DataFrame) -> npt.NDArray[np.int32]:
    """Return each ticket's owner team as a number."""
    if decisions.height != len(world.arrived):
        raise ReplayError(
            f"{decisions.height} decisions for {len(world.arrived)} tickets",
            "one per ticket",
            "align the frames by row",
        )
    owner = numbered(decisions["owner_team"], world.roster.teams)
    if (owner < 0).any():
        names = decisions["owner_team"].cast(pl.String()).filter(pl.Series(owner < 0)).unique().sort().to_list()
        raise ReplayError(
            f"decisions name owners that are not on the desk: {', '.join(str(name) for name in names)}",
            f"one of {', '.join(world.roster.teams)}",
            "declare the team in operations.yaml, or route to one that is",
            owners=tuple(names),
        )
    return owner


def _lanes(world: World, decisions: pl.DataFrame) -> npt.NDArray[np.int8]:
    """Return each ticket's priority lane."""
    lane = numbered(decisions["priority"], PRIORITIES)
    if (lane < 0).any():
        names = decisions["priority"].cast(pl.String()).filter(pl.Series(lane < 0)).unique().sort().to_list()
        raise ReplayError(
            f"decisions name unknown priorities: {', '.join(str(name) for name in names)}",
            f"one of {', '.join(PRIORITIES)}",
            "correct the decisions",
        )
    return lane.astype(np.int8)


def _tickets(world: World, owner: npt.NDArray[np.int32], lane: npt.NDArray[np.int8], replication: int) -> Records:
    """Bundle the tickets of an arm; numbers are drawn only where a handle time might need one."""
    draw = np.full(len(owner), -1.0)
    may = _may_draw(world, owner)
    keys = world.history["ticket_key"].to_numpy()[may]
    draw[may] = uniforms(keys, seed=world.seed, replication=replication)
    return record_array(
        TICKET,
        len(owner),
        owned=world.owned,
        trace=world.trace,
        draw=draw,
        owner=owner,
        due_rank=world.due_rank,
        resolver=world.resolver,
        target=world.target,
        truth=world.truth_first[:-1],
        truth_stop=world.truth_first[1:],
        category=world.category,
        lane=lane,
    )


def _window_ids(world: World) -> tuple[str, ...]:
    """Return the escalation window ids in file order."""
    return tuple(window.window_id for window in world.operations.escalation)


def _watched(
    world: World, masks: Mapping[str, npt.NDArray[np.bool_]]
) -> list[tuple[EscalationWindow, npt.NDArray[np.int64]]]:
    """Return each window with the rows that it watches."""
    check_names(masks, _window_ids(world), "escalation windows")
    return [
        (window, np.flatnonzero(mask_of(masks, window.window_id, window.match, len(world.arrived))))
        for window in world.operations.escalation
    ]


def _deadlines(world: World, watched: list[tuple[EscalationWindow, npt.NDArray[np.int64]]]) -> Records:
    """Compute every deadline that may fire by the cutoff, sorted by (time, row, window)."""
    times = [np.zeros(0, dtype=np.int64)]
    rows, windows = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for index, (window, watching) in enumerate(watched):
        calendar = world.operations.calendars[window.calendar]
        due = due_times(world.arrived[watching], window.after_seconds, calendar)
        due = np.maximum(due, world.owned[watching])
        times.append(due[due <= world.cutoff])
        rows.append(watching[due <= world.cutoff])
        windows.append(np.full(len(rows[-1]), index, dtype=np.int64))
    time, row, window_of = np.concatenate(times), np.concatenate(rows), np.concatenate(windows)
    order = _by_time(time, row, window_of)
    return record_array(DEADLINE, len(order), time=time[order], row=row[order], window=window_of[order])


def _by_time(
    time: npt.NDArray[np.int64], row: npt.NDArray[np.int64], window: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the order by (time, row, window), by one number a deadline if 63 bits hold all three."""
    if not len(time):
        return np.zeros(0, dtype=np.int64)
    rows, windows, first = int(row.max()) + 1, int(window.max()) + 1, int(time.min())
    if (int(time.max()) - first + 1) * rows * windows > 2**63:
        return np.lexsort((window, row, time))
    return np.argsort(((time - first) * rows + row) * windows + window, kind="stable")


def _stops(fates: Records) -> Stops:
    """Return when each clock stops: the first start is the first action, by a human, and acknowledges."""
    started = np.ascontiguousarray(fates["started"])
    return Stops(started, started, started, np.ascontiguousarray(fates["resolved"]))


def _records(world: World, owner: npt.NDArray[np.int32], fates: Records) -> pl.DataFrame:
    """Write the records frame of an arm."""
    owned = np.where(world.owned <= world.cutoff, world.owned, NEVER)
    done = fates["resolved"] != NEVER
    started = nullable("started_at", np.ascontiguousarray(fates["started"]))
    waits = (fates["started"] != NEVER) & (fates["team"] < 0)
    names = pl.Series("owner_team", world.roster.teams, dtype=pl.String())
    return pl.DataFrame(
        [
            names.gather(pl.Series(owner.astype(np.uint32))),
            world.history["resolver_team_id"].alias("resolver_team"),
            world.history["arrived_at"],
            nullable("owned_at", owned),
            started,
            started.alias("first_action_at"),
            started.alias("first_human_action_at"),
            started.alias("acknowledged_at"),
            nullable("resolved_at", np.ascontiguousarray(fates["resolved"])),
            minutes("wait_minutes", fates["waited"], waits),
            minutes("handle_minutes", fates["handle"], done),
            pl.Series("handoffs", np.ascontiguousarray(fates["handoffs"])),
            pl.Series("escalations", np.ascontiguousarray(fates["escalations"])),
            pl.Series("misrouted_resolver", owner != world.resolver).set(pl.Series(world.resolver == -1), None),
            pl.Series("misrouted_labelled", ~_in_truth(world, owner)).set(world.unlabelled, None),
            nullable("censored_at", np.where(done, NEVER, np.int64(world.cutoff))),
        ]
    )


def _busy_seconds(world: World, game: Game, trail: Trail) -> dict[str, int]:
    """Sum the open seconds that each team's slots spent on tickets by the cutoff."""
    busy = np.zeros(len(world.roster.teams), dtype=np.int64)
    team = game.slots["team"]
    inspected, resolved = trail.code == int(Code.HANDOFF), trail.code == int(Code.RESOLVE)
    busy += np.bincount(team[trail.arg[inspected]], minlength=len(busy)) * game.clock[INSPECTION]
    seconds = game.fates["handle"][trail.ticket[resolved]]
    # sums of whole numbers below 2**53, so doubles hold them exactly
    busy += np.bincount(team[trail.arg[resolved]], weights=seconds, minlength=len(busy)).astype(np.int64)
    cutoff = np.array([world.cutoff], dtype=np.int64)
    for slot in np.flatnonzero(game.slots["ticket"] >= 0):
        hours = world.roster.schedule_of(int(slot))
        worked = hours.worked(cutoff) - hours.worked(game.slots["since"][slot : slot + 1])
        busy[team[slot]] += int(worked[0])
    return dict(zip(world.roster.teams, busy.tolist(), strict=True))
