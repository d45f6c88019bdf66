"""The named bundles of arrays that go in and out of the event kernel, and the codes of its trail."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
Int8 = npt.NDArray[np.int8]
Float64 = npt.NDArray[np.float64]

NEVER = -(2**62)
"""Stamp of something that has not happened."""
FAR = 2**62
"""Stamp later than any cutoff."""
LANES = 4
"""Priority lanes of a queue, most urgent first."""


class Code(IntEnum):
    """What a trail row says; ``arg`` is a team (JOIN), a slot (INSPECT to RESOLVE) or a window (ESCALATE)."""

    JOIN = 1
    INSPECT = 2
    HANDOFF = 3
    START = 4
    RESOLVE = 5
    ESCALATE = 6


class Order(IntEnum):
    """Queue orders as the kernel knows them."""

    FIRST_COME = 0
    PRIORITY = 1
    EARLIEST_DUE = 2


class Status(IntEnum):
    """How a run of the kernel ended."""

    OK = 0
    TRAIL_FULL = 1
    NO_DRAW = 2


class Desk(NamedTuple):
    """Teams, slots and schedules; a slot is one ticket that one agent can have in hand.

    Slots of a team are numbered by (copy, agent), so that with concurrency 2 every agent gets a first ticket
    before any gets a second. A group is the slots of one team on one schedule.
    """

    order: Int8  # (teams,) Order
    due_heap: Int32  # (teams,) index of the team's earliest-due heap, -1 for other orders
    team_groups: Int32  # (teams + 1,) groups of team i: team_groups[i] to team_groups[i + 1]
    group_schedule: Int32  # (groups,)
    group_slots: Int32  # (groups + 1,) offsets into ring_slots
    ring_slots: Int32  # (slots,) slot numbers, ascending inside a group
    slot_team: Int32  # (slots,)
    slot_group: Int32  # (slots,)
    schedule_segments: Int32  # (schedules + 1,) offsets into segment_start
    segment_start: Int64
    segment_end: Int64


class Tickets(NamedTuple):
    """What the desk needs to know of each ticket, rows by (created_at, ticket_id); -1 means none."""

    owned: Int64  # (n,) second at which it joins its owner's queue, ascending
    owner: Int32  # (n,) team
    lane: Int8  # (n,) 0 (urgent) to 3 (low)
    due_rank: Int32  # (n,) rank by (first-action due, row); shape (0,) if no team works by due time
    trace: Int64  # (n,) recorded handle seconds, 0 if none
    resolver: Int32  # (n,) team whose time the trace is; -1 unknown (trace holds anywhere), -2 not on this desk
    target: Int32  # (n,) team that a handoff goes to; -1: whoever starts it works it
    truth_first: Int32  # (n + 1,) offsets into truth
    truth: Int32  # teams that may work the ticket
    category: Int32  # (n,)
    draw: Float64  # (n,) uniform number for handle times; -1: never to be drawn


class Donors(NamedTuple):
    """Sorted handle seconds to draw from, one table a (team, category)."""

    seconds: Int64
    first: Int64  # (teams, categories) start of the table
    count: Int64  # (teams, categories) its length
    level: Int8  # (teams, categories) 0 team and category, 1 team, 2 everybody


class Deadlines(NamedTuple):
    """Escalations that may fire, ascending by (time, row, window)."""

    time: Int64
    row: Int32
    window: Int32
    to: Int32  # (windows,) team


class TrailArrays(NamedTuple):
    """What happened, in order; ``size[0]`` rows are filled."""

    time: Int64
    ticket: Int32
    code: Int8
    arg: Int32
    size: Int64


class Outcomes(NamedTuple):
    """What the kernel found out about each ticket; NEVER where it did not happen."""

    started: Int64  # first start by an agent, inspection included
    resolved: Int64
    waited: Int64  # seconds in queues, finished visits only
    joined: Int64  # start of the visit that is running, if `team` is not -1
    team: Int32  # queue it waits in at the end, -1 if in none
    worker: Int32  # team that began the work itself, -1 if none did
    handle: Int64  # handle seconds of that work, 0 before
    level: Int8  # -1 trace, else the donors' level, -2 not worked
    handoffs: Int32
    escalations: Int32


def new_outcomes(tickets: int) -> Outcomes:
    """Return the outcomes of tickets to which nothing has happened yet."""
    return Outcomes(
        started=np.full(tickets, NEVER, dtype=np.int64),
        resolved=np.full(tickets, NEVER, dtype=np.int64),
        waited=np.zeros(tickets, dtype=np.int64),
        joined=np.full(tickets, NEVER, dtype=np.int64),
        team=np.full(tickets, -1, dtype=np.int32),
        worker=np.full(tickets, -1, dtype=np.int32),
        handle=np.zeros(tickets, dtype=np.int64),
        level=np.full(tickets, -2, dtype=np.int8),
        handoffs=np.zeros(tickets, dtype=np.int32),
        escalations=np.zeros(tickets, dtype=np.int32),
    )


def new_trail(rows: int) -> TrailArrays:
    """Return an empty trail with room for that many rows."""
    return TrailArrays(
        time=np.empty(rows, dtype=np.int64),
        ticket=np.empty(rows, dtype=np.int32),
        code=np.empty(rows, dtype=np.int8),
        arg=np.empty(rows, dtype=np.int32),
        size=np.zeros(1, dtype=np.int64),
    )
