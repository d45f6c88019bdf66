"""The trail auditor: passes what happened, and catches every fault planted in a doctored trail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from replay_desks import MONDAY, random_case

from triage_lab.domain.errors import InternalError
from triage_lab.replay import AuditFacts, AuditReport, Trail, World, audit_trail, build_world, play
from triage_lab.replay.arrays import Code

HOUR = 3600


@pytest.fixture(scope="module")
def scene() -> tuple[World, Trail, AuditFacts, AuditReport]:
    """A busy arm with misroutes, escalations and closing hours, and all that its auditor was told."""
    case = random_case(0, 90)
    case["cutoff"] = MONDAY + 9 * 86_400
    world = build_world(case["history"], case["operations"], cutoff=case["cutoff"], seed=1, sla_masks=case["sla_masks"])
    arm = play(world, case["decisions"], escalation_masks=case["escalation_masks"])
    names = world.roster.teams
    waited = np.zeros(90, dtype=np.int64)
    joined = np.zeros(90, dtype=np.int64)
    handle = np.zeros(90, dtype=np.int64)
    for time, row, code in zip(arm.trail.time, arm.trail.ticket, arm.trail.code, strict=True):
        if code == Code.JOIN and joined[row]:
            waited[row] += time - joined[row]
        if code == Code.JOIN:
            joined[row] = time
        if code in (Code.INSPECT, Code.START):
            waited[row] += time - joined[row]
            joined[row] = 0
    for row, minutes in enumerate(arm.records["handle_minutes"]):
        handle[row] = 0 if minutes is None else round(minutes * 60)
    facts = AuditFacts(
        owned=world.owned,
        owner=np.array([names.index(name) for name in case["decisions"]["owner_team"]], dtype=np.int32),
        target=world.target,
        handle=handle,
        waited=waited,
        window_to=np.array([names.index(window.to) for window in case["operations"].escalation], dtype=np.int32),
        limits=np.array([world.cutoff, max(1, case["operations"].inspection_seconds)], dtype=np.int64),
    )
    return world, arm.trail, facts, arm.audit


def test_the_scene_has_everything(scene: tuple[World, Trail, AuditFacts, AuditReport]) -> None:
    world, trail, facts, report = scene
    assert set(trail.code.tolist()) == {int(code) for code in Code}
    again = audit_trail(trail, world.roster, facts)
    assert (again.tickets, again.events, again.queue_seconds) == (90, len(trail), report.queue_seconds)
    assert report.queue_seconds == int(facts.waited.sum()) > 0
    assert len(report.checks) == 7


def doctored(trail: Trail, row: int, **change: int) -> Trail:
    """A trail with one cell changed."""
    columns = {name: getattr(trail, name).copy() for name in ("time", "ticket", "code", "arg")}
    for name, value in change.items():
        columns[name][row] = value
    return replace(trail, **columns)


def without(trail: Trail, rows: list[int]) -> Trail:
    """A trail with rows left out."""
    kept = np.setdiff1d(np.arange(len(trail)), rows)
    return Trail(trail.time[kept], trail.ticket[kept], trail.code[kept], trail.arg[kept])


def first(trail: Trail, code: Code, after: int = 0) -> int:
    """Row of the first event of a kind."""
    return int(np.flatnonzero(trail.code[after:] == int(code))[0]) + after


def fault(trail: Trail, facts: AuditFacts, world: World, name: str) -> tuple[Trail, AuditFacts]:
    """Plant a fault."""
    start = first(trail, Code.START)
    slots_of_team = world.roster.slots_of(int(world.roster.desk.slots["team"][trail.arg[start]]))
    last = len(trail) - 1
    plans = {
        "backwards": lambda: (doctored(trail, last, time=int(trail.time[0])), facts),
        "late": lambda: (doctored(trail, last, time=world.cutoff + 1), facts),
        "twice resolved": lambda: (doctored(trail, start, code=int(Code.RESOLVE)), facts),
        "wrong owner": lambda: (trail, facts._replace(owner=(facts.owner + 1) % len(world.roster.teams))),
        "not owned then": lambda: (trail, facts._replace(owned=facts.owned - 1)),
        "wrong team": lambda: (_at_another_team(trail, world, start), facts),
        "double booked": lambda: (_one_slot(trail, slots_of_team), facts),
        "too fast": lambda: (trail, facts._replace(handle=facts.handle + 1)),
        "long inspection": lambda: (trail, facts._replace(limits=facts.limits + np.array([0, 1]))),
        "lost": lambda: (without(trail, np.flatnonzero(trail.ticket == 5).tolist()), facts),
        "lost in a handoff": lambda: _lost_in_a_handoff(trail, facts),
        "wait": lambda: (trail, facts._replace(waited=facts.waited + 1)),
    }
    return plans[name]()


def _at_another_team(trail: Trail, world: World, row: int) -> Trail:
    """Let an agent of another team start a ticket."""
    mine = world.roster.desk.slots["team"][trail.arg[row]]
    return doctored(trail, row, arg=int(np.flatnonzero(world.roster.desk.slots["team"] != mine)[0]))


def _one_slot(trail: Trail, slots: np.ndarray) -> Trail:
    """Give all the work of a team to its first slot."""
    work = np.isin(trail.code, [int(Code.INSPECT), int(Code.HANDOFF), int(Code.START), int(Code.RESOLVE)])
    moved = work & np.isin(trail.arg, slots)
    return replace(trail, arg=np.where(moved, slots[0], trail.arg).astype(np.int32))


def _lost_in_a_handoff(trail: Trail, facts: AuditFacts) -> tuple[Trail, AuditFacts]:
    """End a ticket's story at its handoff."""
    handoff = first(trail, Code.HANDOFF)
    ticket = trail.ticket[handoff]
    later = np.flatnonzero((trail.ticket == ticket) & (np.arange(len(trail)) > handoff))
    return without(trail, later.tolist()), facts


FAULTS = {
    "backwards": "time runs backwards",
    "late": "after the cutoff",
    "twice resolved": "cannot follow",
    "wrong owner": "it was not sent to",
    "not owned then": "at another second than it got its owner",
    "wrong team": "waits at another team",
    "double booked": "two tickets in hand",
    "too fast": "takes another time",
    "long inspection": "takes another time",
    "lost": "got lost",
    "lost in a handoff": "got lost",
    "wait": "waits of a ticket do not add up",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named(scene: tuple[World, Trail, AuditFacts, AuditReport], name: str) -> None:
    world, trail, facts, _ = scene
    bad_trail, bad_facts = fault(trail, facts, world, name)
    with pytest.raises(InternalError, match=FAULTS[name]) as raised:
        audit_trail(bad_trail, world.roster, bad_facts)
    assert raised.value.exit_code == 70


def test_work_while_the_agent_is_off_is_named() -> None:
    from replay_desks import decide, desk, log, played, team

    history = log([MONDAY + 16 * HOUR], handle_minutes=5.0)
    world, arm = played(
        history, desk(team("a", calendar="office"), decision_latency_seconds=0), decide(["a"]), cutoff=MONDAY + 86_400
    )
    facts = AuditFacts(
        world.owned, np.zeros(1, np.int32), world.target, np.array([300]), np.array([7200]),
        np.zeros(0, np.int32), np.array([world.cutoff, 300]),
    )  # fmt: skip
    late = replace(arm.trail, time=arm.trail.time + np.array([0, 7200, 7200]))
    with pytest.raises(InternalError, match=r"while the agent is off \(event 1, start of ticket row 0"):
        audit_trail(late, world.roster, facts)


def test_more_work_than_hands_is_named(scene: tuple[World, Trail, AuditFacts, AuditReport]) -> None:
    from triage_lab.replay.audit import _check_slots, _hours, _slot_book

    world, trail, facts, _ = scene
    book = _slot_book(world.roster)
    book.capacity[:] = 0
    arrays = (trail.time, trail.ticket, trail.code, trail.arg)
    code, row = _check_slots(arrays, facts, book, _hours(world.roster))
    assert (code, row) == (8, int(np.flatnonzero(np.isin(trail.code, [int(Code.START), int(Code.INSPECT)]))[0]))


def test_a_broken_little_is_named(scene: tuple[World, Trail, AuditFacts, AuditReport]) -> None:
    from triage_lab.replay.audit import _check_rest, _check_slots, _check_tickets, _hours, _slot_book, _ticket_book

    world, trail, facts, _ = scene
    tickets, slots, hours = _ticket_book(facts), _slot_book(world.roster), _hours(world.roster)
    arrays = (trail.time, trail.ticket, trail.code, trail.arg)
    assert _check_tickets(arrays, facts, slots.team, tickets)[0] == 0
    assert _check_slots(arrays, facts, slots, hours)[0] == 0
    tickets.sums[1] += 1
    assert _check_rest(facts, tickets, slots, hours)[0] == 12
