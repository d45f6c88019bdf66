"""The event kernel: one desk, played from arrays, compiled by Numba.

Time is int64 UTC seconds. Three streams are merged: tickets joining their first queue (sorted array), escalation
deadlines (sorted array), and what happens dynamically (a heap of finishing slots; one wake-up a team for openings).
All events of a second are processed (finished work, openings, arrivals, escalations, in this order), then every
team that they touched hands out work once: two things that happen in one second never depend on the order in which
they were stored. Everything a replay reports is derived from the trail and the outcomes that this module writes.

The kernel is one module because Numba's cache does not notice changes in imported functions. It runs uncompiled
too (``NUMBA_DISABLE_JIT=1``), with equal results.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from triage_lab.replay.arrays import (
    FAR,
    LANES,
    NEVER,
    Code,
    Deadlines,
    Desk,
    Donors,
    Int8,
    Int32,
    Int64,
    Order,
    Outcomes,
    Status,
    Tickets,
    TrailArrays,
)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile with an on-disk cache (beside the module, else in the user's cache folder), or without if neither is."""
    try:
        return njit(cache=True)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # Numba found no folder that it may write
        return njit()(function)  # type: ignore[no-any-return]


wide: Callable[[Any], int] = np.int64
"""Makes a number an int64 that is no literal, so that every function below is compiled for one set of types only."""

def inlined(f): return njit(inline='always')(f)
# Enum members are read here once: inside compiled code they are plain integers.
JOIN, INSPECT, HANDOFF, START, RESOLVE, ESCALATE = (wide(int(code)) for code in Code)
BY_PRIORITY, BY_DUE = int(Order.PRIORITY), int(Order.EARLIEST_DUE)
TRAIL_FULL, NO_DRAW = int(Status.TRAIL_FULL), int(Status.NO_DRAW)
NOW, BUSY, WAKE, DIRTY, STATUS = 0, 1, 2, 3, 4


class State(NamedTuple):
    """Everything that changes while the desk is played."""

    clock: Int64  # NOW, BUSY (heap length), WAKE (next opening), DIRTY (teams touched), STATUS
    head: Int32  # (teams * LANES,) first ticket of the lane, -1
    tail: Int32
    following: Int32  # (n,) neighbours in the lane
    leading: Int32
    length: Int32  # (teams,) tickets waiting
    heap_rows: Int32  # (heaps, n) earliest-due heaps
    heap_place: Int32  # (n,) position in its heap; shape (0,) if no team works by due time
    ring: Int32  # (slots,) idle slots of each group, longest idle first
    ring_head: Int32  # (groups,)
    ring_length: Int32
    since: Int64  # (slots,) since when a slot has been idle, or busy
    slot_ticket: Int32  # (slots,)
    inspecting: Int8  # (slots,)
    finish_time: Int64  # (slots,) heap of busy slots by (time, slot)
    finish_slot: Int32
    wake_at: Int64  # (teams,)
    is_dirty: Int8  # (teams,)
    dirty: Int32
    cursor: Int32  # (schedules,) first segment that has not ended


def new_state(desk: Desk, tickets: Tickets) -> State:
    """Return the state of a desk at rest: queues empty, every slot idle since ever."""
    n, teams, slots, groups = len(tickets.owned), len(desk.order), len(desk.slot_team), len(desk.group_schedule)
    heaps = int(desk.due_heap.max(initial=-1)) + 1
    return State(
        clock=np.array([NEVER, 0, FAR, 0, 0], dtype=np.int64),
        head=np.full(teams * LANES, -1, dtype=np.int32),
        tail=np.full(teams * LANES, -1, dtype=np.int32),
        following=np.full(n, -1, dtype=np.int32),
        leading=np.full(n, -1, dtype=np.int32),
        length=np.zeros(teams, dtype=np.int32),
        heap_rows=np.empty((heaps, n), dtype=np.int32),
        heap_place=np.full(n if heaps else 0, -1, dtype=np.int32),
        ring=desk.ring_slots.copy(),
        ring_head=np.zeros(groups, dtype=np.int32),
        ring_length=np.diff(desk.group_slots).astype(np.int32),
        since=np.full(slots, NEVER, dtype=np.int64),
        slot_ticket=np.full(slots, -1, dtype=np.int32),
        inspecting=np.zeros(slots, dtype=np.int8),
        finish_time=np.zeros(slots, dtype=np.int64),
        finish_slot=np.zeros(slots, dtype=np.int32),
        wake_at=np.full(teams, FAR, dtype=np.int64),
        is_dirty=np.zeros(teams, dtype=np.int8),
        dirty=np.zeros(teams, dtype=np.int32),
        cursor=desk.schedule_segments[:-1].copy(),
    )


@inlined
def _note(state: State, trail: TrailArrays, ticket: int, code: int, arg: int) -> None:
    """Append a trail row; a full trail stops the run instead of writing past its end."""
    row = trail.size[0]
    if row >= len(trail.time):
        state.clock[STATUS] = TRAIL_FULL
        return
    trail.time[row] = state.clock[NOW]
    trail.ticket[row] = ticket
    trail.code[row] = code
    trail.arg[row] = arg
    trail.size[0] = row + 1


@inlined
def _touch(state: State, team: int) -> None:
    """Mark a team as one that has to hand out work at the end of this second."""
    if state.is_dirty[team] == 0:
        state.is_dirty[team] = 1
        state.dirty[state.clock[DIRTY]] = team
        state.clock[DIRTY] += 1


# ---- queues: linked lanes, or an indexed heap for earliest due -----------------------------------------------------


@inlined
def _lane(desk: Desk, tickets: Tickets, ticket: int, team: int) -> int:
    """Return the index of the lane in which a ticket waits at a team."""
    if desk.order[team] == BY_PRIORITY:
        return team * LANES + wide(tickets.lane[ticket])
    return team * LANES


@inlined
def _link(state: State, joined: Int64, ticket: int, lane: int) -> None:
    """Put a ticket into a lane by (second joined, row); only tickets of this very second can be behind it."""
    after = wide(state.tail[lane])
    while after >= 0 and joined[after] == joined[ticket] and after > ticket:
        after = wide(state.leading[after])
    state.leading[ticket] = after
    if after >= 0:
        state.following[ticket] = state.following[after]
        state.following[after] = ticket
    else:
        state.following[ticket] = state.head[lane]
        state.head[lane] = ticket
    behind = state.following[ticket]
    if behind >= 0:
        state.leading[behind] = ticket
    else:
        state.tail[lane] = ticket


@inlined
def _unlink(state: State, ticket: int, lane: int) -> None:
    """Take a ticket out of its lane."""
    before, behind = state.leading[ticket], state.following[ticket]
    if before >= 0:
        state.following[before] = behind
    else:
        state.head[lane] = behind
    if behind >= 0:
        state.leading[behind] = before
    else:
        state.tail[lane] = before


@inlined
def _rise(state: State, rank: Int32, heap: int, place: int) -> None:
    """Move the ticket at ``place`` towards the root while it is due before its parent."""
    ticket = state.heap_rows[heap, place]
    while place > 0:
        parent = (place - 1) >> 1
        other = state.heap_rows[heap, parent]
        if rank[other] <= rank[ticket]:
            break
        state.heap_rows[heap, place] = other
        state.heap_place[other] = place
        place = parent
    state.heap_rows[heap, place] = ticket
    state.heap_place[ticket] = place


@inlined
def _sink(state: State, rank: Int32, heap: int, place: int, length: int) -> None:
    """Move the ticket at ``place`` away from the root while a child is due before it."""
    ticket = state.heap_rows[heap, place]
    while True:
        child = 2 * place + 1
        if child >= length:
            break
        if child + 1 < length and rank[state.heap_rows[heap, child + 1]] < rank[state.heap_rows[heap, child]]:
            child += 1
        other = state.heap_rows[heap, child]
        if rank[ticket] <= rank[other]:
            break
        state.heap_rows[heap, place] = other
        state.heap_place[other] = place
        place = child
    state.heap_rows[heap, place] = ticket
    state.heap_place[ticket] = place


@inlined
def _enqueue(desk: Desk, tickets: Tickets, state: State, joined: Int64, ticket: int, team: int) -> None:
    """Put a ticket into a team's queue, in the team's order."""
    length = wide(state.length[team])
    if desk.order[team] == BY_DUE:
        heap = wide(desk.due_heap[team])
        state.heap_rows[heap, length] = ticket
        _rise(state, tickets.due_rank, heap, length)
    else:
        _link(state, joined, ticket, _lane(desk, tickets, ticket, team))
    state.length[team] = length + 1


@inlined
def _remove(desk: Desk, tickets: Tickets, state: State, ticket: int, team: int) -> None:
    """Take a waiting ticket out of a team's queue."""
    length = wide(state.length[team]) - 1
    state.length[team] = length
    if desk.order[team] == BY_DUE:
        heap = wide(desk.due_heap[team])
        place = wide(state.heap_place[ticket])
        last = wide(state.heap_rows[heap, length])
        state.heap_place[ticket] = -1
        if last != ticket:
            state.heap_rows[heap, place] = last
            state.heap_place[last] = place
            _sink(state, tickets.due_rank, heap, place, length)
            _rise(state, tickets.due_rank, heap, wide(state.heap_place[last]))
    else:
        _unlink(state, ticket, _lane(desk, tickets, ticket, team))


@inlined
def _first(desk: Desk, state: State, team: int) -> int:
    """Return the ticket that is next at a team whose queue is not empty."""
    if desk.order[team] == BY_DUE:
        return wide(state.heap_rows[desk.due_heap[team], 0])
    lane = team * LANES
    while state.head[lane] < 0:
        lane += 1
    return wide(state.head[lane])


# ---- slots: rings of idle ones, a heap of busy ones ----------------------------------------------------------------


@compiled
def _push_finish(state: State, time: int, slot: int) -> None:
    """Add a busy slot to the heap ordered by (time, slot)."""
    place = state.clock[BUSY]
    state.clock[BUSY] = place + 1
    while place > 0:
        parent = (place - 1) >> 1
        other = state.finish_time[parent]
        if other < time or (other == time and state.finish_slot[parent] < slot):
            break
        state.finish_time[place] = other
        state.finish_slot[place] = state.finish_slot[parent]
        place = parent
    state.finish_time[place] = time
    state.finish_slot[place] = slot


@compiled
def _pop_finish(state: State) -> int:
    """Remove and return the slot that finishes first."""
    top = state.finish_slot[0]
    length = state.clock[BUSY] - 1
    state.clock[BUSY] = length
    time, slot = state.finish_time[length], state.finish_slot[length]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= length:
            break
        right = child + 1
        if right < length and (
            state.finish_time[right] < state.finish_time[child]
            or (
                state.finish_time[right] == state.finish_time[child]
                and state.finish_slot[right] < state.finish_slot[child]
            )
        ):
            child = right
        if time < state.finish_time[child] or (time == state.finish_time[child] and slot < state.finish_slot[child]):
            break
        state.finish_time[place] = state.finish_time[child]
        state.finish_slot[place] = state.finish_slot[child]
        place = child
    state.finish_time[place] = time
    state.finish_slot[place] = slot
    return wide(top)


@compiled
def _opening(desk: Desk, state: State, schedule: int) -> int:
    """Return the start of the first segment that has not ended (now or earlier if open), FAR if there is none."""
    index = state.cursor[schedule]
    stop = desk.schedule_segments[schedule + 1]
    while index < stop and desk.segment_end[index] <= state.clock[NOW]:
        index += 1
    state.cursor[schedule] = index
    if index == stop:
        return FAR
    return wide(desk.segment_start[index])


@compiled
def _finish(desk: Desk, state: State, schedule: int, seconds: int, cutoff: int) -> int:
    """Walk the open segments from now until the work is done; FAR if that is past the cutoff."""
    index = state.cursor[schedule]
    stop = desk.schedule_segments[schedule + 1]
    while index < stop:
        begin = max(desk.segment_start[index], state.clock[NOW])
        if begin > cutoff:
            break
        room = desk.segment_end[index] - begin
        if seconds <= room:
            return wide(begin + seconds)
        seconds -= room
        index += 1
    return FAR


@compiled
def _idle_slot(desk: Desk, state: State, team: int) -> int:
    """Return the open slot that has been idle longest (ties: lowest number), or -1 after noting the next opening."""
    best = -1
    opens = FAR
    for group in range(desk.team_groups[team], desk.team_groups[team + 1]):
        if state.ring_length[group] == 0:
            continue
        opening = _opening(desk, state, wide(desk.group_schedule[group]))
        if opening > state.clock[NOW]:
            opens = min(opens, opening)
            continue
        slot = wide(state.ring[desk.group_slots[group] + state.ring_head[group]])
        if (
            best < 0
            or state.since[slot] < state.since[best]
            or (state.since[slot] == state.since[best] and slot < best)
        ):
            best = slot
    if best < 0 and opens < state.wake_at[team]:
        state.wake_at[team] = opens
        state.clock[WAKE] = min(state.clock[WAKE], opens)
    return best


@inlined
def _occupy(desk: Desk, state: State, slot: int) -> None:
    """Take the slot at the head of its group's ring."""
    group = desk.slot_group[slot]
    size = desk.group_slots[group + 1] - desk.group_slots[group]
    state.ring_head[group] = (state.ring_head[group] + 1) % size
    state.ring_length[group] -= 1


@inlined
def _release(desk: Desk, state: State, slot: int) -> None:
    """Put a slot at the end of its group's ring."""
    group = desk.slot_group[slot]
    first = desk.group_slots[group]
    size = desk.group_slots[group + 1] - first
    state.ring[first + (state.ring_head[group] + state.ring_length[group]) % size] = slot
    state.ring_length[group] += 1
    state.since[slot] = state.clock[NOW]


# ---- events --------------------------------------------------------------------------------------------------------


@inlined
def _join(
    desk: Desk, tickets: Tickets, state: State, out: Outcomes, trail: TrailArrays, ticket: int, team: int
) -> None:
    """Let a ticket join a team's queue now."""
    out.team[ticket] = team
    out.joined[ticket] = state.clock[NOW]
    _note(state, trail, ticket, JOIN, team)
    _enqueue(desk, tickets, state, out.joined, ticket, team)
    _touch(state, team)


@compiled
def _end_work(desk: Desk, tickets: Tickets, state: State, out: Outcomes, trail: TrailArrays) -> None:
    """End what the first busy slot does: resolve its ticket, or hand it off after the inspection."""
    slot = _pop_finish(state)
    ticket = wide(state.slot_ticket[slot])
    state.slot_ticket[slot] = -1
    _release(desk, state, slot)
    _touch(state, wide(desk.slot_team[slot]))
    if state.inspecting[slot] == 1:
        out.handoffs[ticket] += 1
        _note(state, trail, ticket, HANDOFF, slot)
        _join(desk, tickets, state, out, trail, ticket, wide(tickets.target[ticket]))
    else:
        out.resolved[ticket] = state.clock[NOW]
        _note(state, trail, ticket, RESOLVE, slot)


@compiled
def _escalate(
    desk: Desk,
    tickets: Tickets,
    deadlines: Deadlines,
    state: State,
    out: Outcomes,
    trail: TrailArrays,
    index: int,
) -> None:
    """Fire an escalation window unless an agent has started the ticket."""
    ticket, window = wide(deadlines.row[index]), wide(deadlines.window[index])
    if out.started[ticket] != NEVER:
        return
    out.escalations[ticket] += 1
    _note(state, trail, ticket, ESCALATE, window)
    team, to = wide(out.team[ticket]), wide(deadlines.to[window])
    if team != to:
        _remove(desk, tickets, state, ticket, team)
        out.waited[ticket] += state.clock[NOW] - out.joined[ticket]
        _join(desk, tickets, state, out, trail, ticket, to)


@inlined
def _belongs(tickets: Tickets, ticket: int, team: int) -> bool:
    """Tell whether a team may work a ticket itself."""
    if tickets.target[ticket] < 0 or tickets.target[ticket] == team:
        return True
    for index in range(tickets.truth_first[ticket], tickets.truth_first[ticket + 1]):
        if tickets.truth[index] == team:
            return True
    return False


@compiled
def _handle_seconds(
    tickets: Tickets, donors: Donors, state: State, out: Outcomes, ticket: int, team: int
) -> int:
    """Return the handle time of a ticket at a team: its own trace, or the donor that its number points to."""
    resolver = tickets.resolver[ticket]
    out.level[ticket] = -1
    seconds = tickets.trace[ticket]
    if seconds == 0 or not (resolver == -1 or resolver == team):
        category = tickets.category[ticket]
        count = donors.count[team, category]
        draw = tickets.draw[ticket]
        if draw < 0.0 or count == 0:
            state.clock[STATUS] = NO_DRAW
            return 1
        place = min(wide(draw * count), count - 1)
        seconds = donors.seconds[donors.first[team, category] + place]
        out.level[ticket] = donors.level[team, category]
    out.handle[ticket] = seconds
    return wide(seconds)


@compiled
def _start(
    desk: Desk,
    tickets: Tickets,
    donors: Donors,
    state: State,
    out: Outcomes,
    trail: TrailArrays,
    team: int,
    slot: int,
    limits: Int64,
) -> None:
    """Let an idle slot take the next ticket of its team."""
    ticket = _first(desk, state, team)
    _remove(desk, tickets, state, ticket, team)
    now = state.clock[NOW]
    out.waited[ticket] += now - out.joined[ticket]
    out.team[ticket] = -1
    if out.started[ticket] == NEVER:
        out.started[ticket] = now
    if _belongs(tickets, ticket, team):
        seconds = _handle_seconds(tickets, donors, state, out, ticket, team)
        out.worker[ticket] = team
        state.inspecting[slot] = 0
        _note(state, trail, ticket, START, slot)
    else:
        seconds = limits[1]
        state.inspecting[slot] = 1
        _note(state, trail, ticket, INSPECT, slot)
    _occupy(desk, state, slot)
    state.since[slot] = now
    state.slot_ticket[slot] = ticket
    schedule = wide(desk.group_schedule[desk.slot_group[slot]])
    _push_finish(state, _finish(desk, state, schedule, wide(seconds), wide(limits[0])), slot)


@compiled
def _wake(state: State) -> None:
    """Mark the teams that open now and find the next opening."""
    following = FAR
    for team in range(len(state.wake_at)):
        if state.wake_at[team] <= state.clock[NOW]:
            state.wake_at[team] = FAR
            _touch(state, team)
        else:
            following = min(following, state.wake_at[team])
    state.clock[WAKE] = following


@compiled
def _next_time(tickets: Tickets, deadlines: Deadlines, state: State, arrival: int, deadline: int) -> int:
    """Return the second of the next event, FAR if none is left."""
    now = state.clock[WAKE]
    if state.clock[BUSY] > 0:
        now = min(now, state.finish_time[0])
    if arrival < len(tickets.owned):
        now = min(now, tickets.owned[arrival])
    if deadline < len(deadlines.time):
        now = min(now, deadlines.time[deadline])
    return wide(now)


@compiled
def run(
    desk: Desk,
    tickets: Tickets,
    donors: Donors,
    deadlines: Deadlines,
    state: State,
    out: Outcomes,
    trail: TrailArrays,
    limits: Int64,
) -> int:
    """Play a desk until nothing is left or the cutoff is passed.

    Parameters
    ----------
    desk, tickets, donors, deadlines
        Read only.
    state, out, trail
        Fresh from `new_state`, `new_outcomes` and `new_trail`; written.
    limits : int64 array, shape (2,)
        Cutoff (events at this second still happen) and inspection seconds (at least 1).

    Returns
    -------
    int
        A `Status`.
    """
    arrival = wide(0)
    deadline = wide(0)
    while state.clock[STATUS] == 0:
        now = _next_time(tickets, deadlines, state, arrival, deadline)
        if now == FAR or now > limits[0]:
            break
        state.clock[NOW] = now
        while state.clock[BUSY] > 0 and state.finish_time[0] == now:
            _end_work(desk, tickets, state, out, trail)
        if state.clock[WAKE] == now:
            _wake(state)
        while arrival < len(tickets.owned) and tickets.owned[arrival] == now:
            _join(desk, tickets, state, out, trail, arrival, wide(tickets.owner[arrival]))
            arrival += 1
        while deadline < len(deadlines.time) and deadlines.time[deadline] == now:
            _escalate(desk, tickets, deadlines, state, out, trail, deadline)
            deadline += 1
        for index in range(state.clock[DIRTY]):
            team = wide(state.dirty[index])
            state.is_dirty[team] = 0
            while state.length[team] > 0:
                slot = _idle_slot(desk, state, team)
                if slot < 0:
                    break
                _start(desk, tickets, donors, state, out, trail, team, slot, limits)
        state.clock[DIRTY] = 0
    return wide(state.clock[STATUS])
