"""The records that go in and out of the event kernel, and the codes of its trail.

Structured arrays keep what is read together together in memory, and keep the kernel's signatures short: Numba
compiles a function with a dozen arrays several times faster than one with sixty.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
Records = npt.NDArray[Any]

NEVER = -(2**62)
"""Stamp of something that has not happened."""
FAR = 2**62
"""Stamp later than any cutoff."""
LANES = 4
"""Priority lanes of a queue, most urgent first."""
DECLARED = 3
"""Level of a donor table that holds the quantiles of declared handle times; draws from it are interpolated."""


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


TEAM = np.dtype(
    [
        ("order", "i8"),  # Order
        ("heap", "i8"),  # number of its earliest-due heap, -1 for other orders
        ("groups", "i8"),  # first of its groups; those up to `stop` are its own
        ("stop", "i8"),
        ("waiting", "i8"),  # tickets in its queue
        ("wake", "i8"),  # second at which it opens with tickets waiting, FAR if it need not be woken
        ("touched", "i8"),  # 1 while it has to hand out work at the end of this second
    ]
)
GROUP = np.dtype(  # the slots of one team on one schedule; a ring of idle slots, longest idle first
    [
        ("schedule", "i8"),
        ("first", "i8"),  # its part of the slots' `ring` field
        ("size", "i8"),
        ("head", "i8"),
        ("idle", "i8"),
    ]
)
SLOT = np.dtype(  # one ticket that one agent can have in hand
    [
        ("team", "i8"),
        ("group", "i8"),
        ("ring", "i8"),  # cell of a group's ring: a slot number
        ("ticket", "i8"),  # in hand, -1 if idle
        ("inspecting", "i8"),
        ("since", "i8"),  # second since which it has been idle, or busy
    ]
)
FINISH = np.dtype([("time", "i8"), ("slot", "i8")])  # heap of busy slots by (time, slot)
SCHEDULE = np.dtype([("cursor", "i8"), ("stop", "i8")])  # first segment that has not ended; end of its segments
SEGMENT = np.dtype([("start", "i8"), ("end", "i8")])
LANE = np.dtype([("head", "i8"), ("tail", "i8")])
TICKET = np.dtype(  # what the desk needs to know, rows by (created_at, ticket_id); -1 means none
    [
        ("owned", "i8"),  # second at which it joins its owner's queue, ascending
        ("trace", "i8"),  # recorded handle seconds, 0 if none
        ("draw", "f8"),  # uniform number for handle times; -1: never to be drawn
        ("owner", "i4"),  # team
        ("due_rank", "i4"),  # rank by (first-action due, row)
        ("resolver", "i4"),  # team whose time the trace is; -1 unknown (holds anywhere), -2 not on this desk
        ("target", "i4"),  # team that a handoff goes to; -1: whoever starts it works it
        ("truth", "i4"),  # its truth teams are truth[truth : truth_stop]
        ("truth_stop", "i4"),
        ("category", "i4"),
        ("lane", "i4"),  # 0 (urgent) to 3 (low)
    ]
)
FATE = np.dtype(  # what became of a ticket; NEVER where it did not happen
    [
        ("started", "i8"),  # first start by an agent, inspection included
        ("resolved", "i8"),
        ("waited", "i8"),  # seconds in queues, finished visits only
        ("joined", "i8"),  # start of its last visit to a queue
        ("handle", "i8"),  # handle seconds of the work itself, 0 before it began
        ("team", "i4"),  # queue it waits in, -1 if in none
        ("worker", "i4"),  # team that began the work itself, -1 if none did
        ("following", "i4"),  # neighbours in its lane
        ("leading", "i4"),
        ("place", "i4"),  # position in its earliest-due heap
        ("handoffs", "i4"),
        ("escalations", "i4"),
        ("level", "i4"),  # -1 trace, else the donors' level, -2 not worked
    ]
)
DONOR_TABLE = np.dtype(  # one a (team, category): a stretch of sorted donor seconds, or of declared quantiles
    [("first", "i8"), ("count", "i8"), ("level", "i8")]  # level: 0 team and category, 1 team, 2 everybody, 3 declared
)
DEADLINE = np.dtype([("time", "i8"), ("row", "i4"), ("window", "i4")])  # ascending by (time, row, window)
EVENT = np.dtype([("time", "i8"), ("ticket", "i4"), ("code", "i4"), ("arg", "i4")])  # a row of the trail


class Desk(NamedTuple):
    """Teams, slots and schedules before the run."""

    teams: Records  # TEAM
    groups: Records  # GROUP
    slots: Records  # SLOT
    schedules: Records  # SCHEDULE
    segments: Records  # SEGMENT


class Donors(NamedTuple):
    """Sorted handle seconds to draw from, declared quantiles behind them."""

    seconds: Int64
    tables: Records  # DONOR_TABLE, (teams, categories)


class Load(NamedTuple):
    """What is played through a desk."""

    tickets: Records  # TICKET
    truth: Int32
    donors: Donors
    deadlines: Records  # DEADLINE
    window_to: Int32  # (windows,) team
    cutoff: int
    inspection: int  # seconds, at least 1


class Game(NamedTuple):
    """Everything the kernel reads and writes while it plays."""

    clock: Int64  # see the kernel's NOW, BUSY, ...
    teams: Records
    groups: Records
    slots: Records
    schedules: Records
    segments: Records
    finishes: Records  # FINISH, (slots,)
    lanes: Records  # LANE, (teams * LANES,)
    touched: Int64  # (teams,) teams that have to hand out work
    heaps: Int32  # (heaps, n)
    tickets: Records
    fates: Records  # FATE, (n,)
    truth: Int32
    donor_seconds: Int64
    donor_tables: Records
    deadlines: Records
    window_to: Int32
    trail: Records  # EVENT


NOW, BUSY, WAKE, TOUCHED, STATUS, EVENTS, CUTOFF, INSPECTION = range(8)
"""Places in ``Game.clock``: this second, busy slots, next opening, teams touched, `Status`, trail rows, limits."""


def new_game(desk: Desk, load: Load, trail_rows: int) -> Game:
    """Set a desk up at rest: queues empty, every slot idle since ever, room for that many trail rows."""
    n, teams = len(load.tickets), desk.teams.copy()
    heaps = int(teams["heap"].max()) + 1
    lanes = np.empty(len(teams) * LANES, dtype=LANE)
    lanes["head"] = lanes["tail"] = -1
    clock = np.array([NEVER, 0, FAR, 0, 0, 0, load.cutoff, load.inspection], dtype=np.int64)
    return Game(
        clock=clock,
        teams=teams,
        groups=desk.groups.copy(),
        slots=desk.slots.copy(),
        schedules=desk.schedules.copy(),
        segments=desk.segments,
        finishes=np.zeros(len(desk.slots), dtype=FINISH),
        lanes=lanes,
        touched=np.zeros(len(teams), dtype=np.int64),
        heaps=np.empty((heaps, n if heaps else 0), dtype=np.int32),
        tickets=load.tickets,
        fates=_fates(n),
        truth=load.truth,
        donor_seconds=load.donors.seconds,
        donor_tables=load.donors.tables,
        deadlines=load.deadlines,
        window_to=load.window_to,
        trail=np.empty(trail_rows, dtype=EVENT),
    )


def _fates(tickets: int) -> Records:
    """Return the fates of tickets to which nothing has happened yet."""
    fates = np.zeros(tickets, dtype=FATE)
    for name in ("started", "resolved", "joined"):
        fates[name] = NEVER
    for name in ("team", "worker", "following", "leading", "place"):
        fates[name] = -1
    fates["level"] = -2
    return fates


def record_array(kind: np.dtype[Any], rows: int, **columns: npt.ArrayLike) -> Records:
    """Build a structured array from its columns (all of them)."""
    records = np.empty(rows, dtype=kind)
    for name in kind.names or ():
        records[name] = columns[name]
    return records
