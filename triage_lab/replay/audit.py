"""The trail auditor: reads what a replay wrote down and proves it possible, with code of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from triage_lab.domain.errors import InternalError
from triage_lab.replay.arrays import Code
from triage_lab.replay.calendars import iso
from triage_lab.replay.roster import Roster
from triage_lab.replay.trail import Trail

JOIN, INSPECT, HANDOFF, START, RESOLVE, ESCALATE = (int(code) for code in Code)

FOLLOWS = np.zeros((7, 7), dtype=np.bool_)
"""Whether a ticket's event (column) may follow its last one (row; 0: none yet)."""
for _last, _next in (
    *((last, JOIN) for last in (0, HANDOFF, ESCALATE)),
    *((last, code) for last in (JOIN, ESCALATE) for code in (INSPECT, START, ESCALATE)),
    (INSPECT, HANDOFF),
    (START, RESOLVE),
):
    FOLLOWS[_last, _next] = True

VIOLATIONS = {
    1: "time runs backwards",
    2: "something happens after the cutoff",
    3: "an event that cannot follow the ticket's last one",
    4: "a ticket joins its first queue at another second than it got its owner",
    5: "an agent takes a ticket that waits at another team, or a ticket joins a queue it was not sent to",
    6: "an agent has two tickets in hand, or ends one that he does not have",
    7: "work starts while the agent is off",
    8: "a team works on more tickets than it has agents for",
    9: "a piece of work takes another time than it should",
    10: "a ticket got lost: it never joined a queue",
    11: "the waits of a ticket do not add up",
    12: "Little's law fails: queue length over time is not the sum of waits",
}
CHECKS = (
    "time never runs backwards and ends at the cutoff",
    "every ticket is conserved and its events follow each other",
    "no agent is double-booked",
    "no work starts while the agent is off",
    "no team exceeds its capacity",
    "every piece of work takes exactly its open seconds",
    "Little's law holds exactly",
)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the auditor looked at; it raises instead of reporting a failure.

    Parameters
    ----------
    tickets, events : int
    queue_seconds : int
        Queue length integrated over time, equal to the sum of all waits.
    checks : tuple of str
        What was proved.
    """

    tickets: int
    events: int
    queue_seconds: int
    checks: tuple[str, ...] = CHECKS


class AuditFacts(NamedTuple):
    """What the auditor needs beside the trail; arrays of shape (n,) unless said."""

    owned: npt.NDArray[np.int64]
    owner: npt.NDArray[np.int32]
    target: npt.NDArray[np.int32]
    handle: npt.NDArray[np.int64]
    waited: npt.NDArray[np.int64]
    window_to: npt.NDArray[np.int32]  # (windows,)
    limits: npt.NDArray[np.int64]  # (2,) cutoff, inspection seconds


class TicketBook(NamedTuple):
    """The auditor's own notes on each ticket."""

    last: npt.NDArray[np.int8]  # code of the last event, 0 before the first
    queue: npt.NDArray[np.int32]
    expected: npt.NDArray[np.int32]  # team it has to join next, -1 if none
    joined: npt.NDArray[np.int64]
    waited: npt.NDArray[np.int64]
    sums: npt.NDArray[np.int64]  # (3,) tickets waiting, integral of the queue length, time of the last event


class SlotBook(NamedTuple):
    """The auditor's own notes on each slot, team and schedule."""

    ticket: npt.NDArray[np.int32]
    begun: npt.NDArray[np.int64]  # open seconds of the slot's schedule when the work began
    inspecting: npt.NDArray[np.int8]
    team: npt.NDArray[np.int64]
    schedule: npt.NDArray[np.int64]
    busy: npt.NDArray[np.int64]  # (teams,)
    capacity: npt.NDArray[np.int64]  # (teams,)
    cursor: npt.NDArray[np.int64]  # (schedules,)
    stop: npt.NDArray[np.int64]  # (schedules,)


class Hours(NamedTuple):
    """Open segments of all schedules, and the open seconds before each (inside its schedule)."""

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    before: npt.NDArray[np.int64]


def audit_trail(trail: Trail, roster: Roster, facts: AuditFacts) -> AuditReport:
    """Prove that a trail could have happened and that it accounts for every ticket.

    Parameters
    ----------
    trail : Trail
    roster : Roster
    facts : AuditFacts

    Returns
    -------
    AuditReport

    Raises
    ------
    InternalError
        Naming the first violation, its time and ticket.

    Notes
    -----
    Little's law is checked in integers: the integral of the number of waiting tickets over time equals the sum of
    all queue visits, those cut off by the cutoff included.
    Source: Little (1961), A proof for the queuing formula L = lambda W.
    """
    check_tickets, check_slots, check_rest = _passes()
    arrays = (trail.time, trail.ticket, trail.code, trail.arg)
    tickets, slots, hours = _ticket_book(facts), _slot_book(roster), _hours(roster)
    for code, row in (
        check_tickets(arrays, facts, slots.team, tickets),
        check_slots(arrays, facts, slots, hours),
    ):
        if code:
            raise _violation(int(code), trail, int(row))
    code, ticket = check_rest(facts, tickets, slots, hours)
    if code:
        raise InternalError(
            f"the trail audit failed: {VIOLATIONS[int(code)]} (ticket row {int(ticket)})",
            "a trail that accounts for every ticket",
            "please report this with the run's manifest",
        )
    return AuditReport(len(facts.owned), len(trail), int(tickets.sums[1]))


def _violation(code: int, trail: Trail, row: int) -> InternalError:
    """Build the error for a violation at a trail row."""
    return InternalError(
        f"the trail audit failed: {VIOLATIONS[code]}"
        f" (event {row}, {Code(int(trail.code[row])).name.lower()} of ticket row {int(trail.ticket[row])}"
        f" at {iso(int(trail.time[row]))})",
        "a trail that could have happened",
        "please report this with the run's manifest",
        event=row,
        violation=code,
    )


@cache
def _passes() -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Compile the passes at first use."""
    from triage_lab.replay.kernel import compiled

    return compiled(_check_tickets), compiled(_check_slots), compiled(_check_rest)


def _ticket_book(facts: AuditFacts) -> TicketBook:
    """Return empty notes; what each ticket has to do first is join its owner's queue."""
    n = len(facts.owned)
    return TicketBook(
        last=np.zeros(n, dtype=np.int8),
        queue=np.full(n, -1, dtype=np.int32),
        expected=facts.owner.astype(np.int32),
        joined=np.zeros(n, dtype=np.int64),
        waited=np.zeros(n, dtype=np.int64),
        sums=np.zeros(3, dtype=np.int64),
    )


def _slot_book(roster: Roster) -> SlotBook:
    """Return empty notes on slots and teams."""
    desk = roster.desk
    slots, teams = len(desk.slots), len(desk.teams)
    return SlotBook(
        ticket=np.full(slots, -1, dtype=np.int32),
        begun=np.zeros(slots, dtype=np.int64),
        inspecting=np.zeros(slots, dtype=np.int8),
        team=desk.slots["team"].copy(),
        schedule=desk.groups["schedule"][desk.slots["group"]],
        busy=np.zeros(teams, dtype=np.int64),
        capacity=np.bincount(desk.slots["team"], minlength=teams).astype(np.int64),
        cursor=desk.schedules["cursor"].copy(),
        stop=desk.schedules["stop"].copy(),
    )


def _hours(roster: Roster) -> Hours:
    """Return the segments of all schedules end to end."""
    return Hours(
        roster.desk.segments["start"].copy(),
        roster.desk.segments["end"].copy(),
        np.concatenate([schedule.before[:-1] for schedule in roster.schedules]),
    )


# The passes below are compiled at first use; each is one function on purpose, so that the cache sees every change.


def _check_tickets(
    trail: Any, facts: AuditFacts, slot_team: npt.NDArray[np.int64], book: TicketBook
) -> tuple[int, int]:
    """Follow every ticket through its events; return (violation, trail row) or (0, 0)."""
    times, tickets, codes, args = trail
    sums = book.sums
    for row in range(len(times)):
        now, ticket, code, arg = times[row], tickets[row], codes[row], args[row]
        last = book.last[ticket]
        if row > 0 and now < sums[2]:
            return 1, row
        if now > facts.limits[0]:
            return 2, row
        waiting = last in (JOIN, ESCALATE)
        if not FOLLOWS[last, code]:
            return 3, row
        if last == 0 and now != facts.owned[ticket]:
            return 4, row
        if row > 0:
            sums[1] += sums[0] * (now - sums[2])
        sums[2] = now
        book.last[ticket] = code
        if waiting and code != ESCALATE:
            book.waited[ticket] += now - book.joined[ticket]
            sums[0] -= 1
        if (code == JOIN) != (book.expected[ticket] >= 0):
            return 5, row
        if code == JOIN:
            if arg != book.expected[ticket]:
                return 5, row
            sums[0] += 1
            book.queue[ticket], book.joined[ticket], book.expected[ticket] = arg, now, -1
        elif code == ESCALATE:
            if facts.window_to[arg] != book.queue[ticket]:
                book.expected[ticket] = facts.window_to[arg]
        elif slot_team[arg] != book.queue[ticket]:
            return 5, row
        elif code == HANDOFF:
            book.expected[ticket] = facts.target[ticket]
    return 0, 0


def _check_slots(trail: Any, facts: AuditFacts, book: SlotBook, hours: Hours) -> tuple[int, int]:
    """Follow every slot through its work; return (violation, trail row) or (0, 0)."""
    times, tickets, codes, args = trail
    for row in range(len(times)):
        now, ticket, code, slot = times[row], tickets[row], codes[row], args[row]
        if code in (JOIN, ESCALATE):
            continue
        schedule, team = book.schedule[slot], book.team[slot]
        index, stop = book.cursor[schedule], book.stop[schedule]
        while index < stop - 1 and hours.end[index] <= now:
            index += 1
        book.cursor[schedule] = index
        worked = hours.before[index] + max(0, min(now, hours.end[index]) - hours.start[index])
        if code in (INSPECT, START):
            if book.ticket[slot] >= 0:
                return 6, row
            if now < hours.start[index] or now >= hours.end[index]:
                return 7, row
            book.ticket[slot], book.begun[slot] = ticket, worked
            book.inspecting[slot] = 1 if code == INSPECT else 0
            book.busy[team] += 1
            if book.busy[team] > book.capacity[team]:
                return 8, row
        else:
            if book.ticket[slot] != ticket:
                return 6, row
            if worked - book.begun[slot] != (facts.limits[1] if code == HANDOFF else facts.handle[ticket]):
                return 9, row
            book.ticket[slot] = -1
            book.busy[team] -= 1
    return 0, 0


def _check_rest(facts: AuditFacts, tickets: TicketBook, slots: SlotBook, hours: Hours) -> tuple[int, int]:
    """Settle what is open at the cutoff; return (violation, ticket) or (0, 0)."""
    cutoff = facts.limits[0]
    for slot in range(len(slots.ticket)):
        ticket = slots.ticket[slot]
        if ticket >= 0:
            index = slots.cursor[slots.schedule[slot]]
            while index < slots.stop[slots.schedule[slot]] - 1 and hours.end[index] <= cutoff:
                index += 1
            worked = hours.before[index] + max(0, min(cutoff, hours.end[index]) - hours.start[index])
            if worked - slots.begun[slot] >= (facts.limits[1] if slots.inspecting[slot] == 1 else facts.handle[ticket]):
                return 9, ticket
    waits = 0
    for ticket in range(len(facts.owned)):
        last = tickets.last[ticket]
        if last == 0 and facts.owned[ticket] <= cutoff:
            return 10, ticket
        if tickets.expected[ticket] >= 0 and last != 0:
            return 10, ticket
        if tickets.waited[ticket] != facts.waited[ticket]:
            return 11, ticket
        waits += tickets.waited[ticket]
        if last in (JOIN, ESCALATE):
            waits += cutoff - tickets.joined[ticket]
    tickets.sums[1] += tickets.sums[0] * (cutoff - tickets.sums[2])
    if tickets.sums[1] != waits:
        return 12, 0
    return 0, 0
