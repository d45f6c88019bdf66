"""The event kernel: one desk, played from arrays, compiled by Numba.

Time is int64 UTC seconds. Three streams are merged: tickets joining their first queue (sorted array), escalation
deadlines (sorted array), and what happens dynamically (a heap of finishing slots; one wake-up a team for openings).
All events of a second are processed (finished work, openings, arrivals, escalations, in this order), then every
team that they touched hands out work once: two things that happen in one second never depend on the order in which
they were stored. Everything a replay reports is derived from the trail and the fates that this module writes.

The kernel runs uncompiled too (``NUMBA_DISABLE_JIT=1``), with equal results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numba import config, njit

from triage_lab.replay.arrays import (
    BUSY,
    CUTOFF,
    DECLARED,
    EVENTS,
    FAR,
    INSPECTION,
    LANES,
    NEVER,
    NOW,
    STATUS,
    TOUCHED,
    WAKE,
    Code,
    Game,
    Int32,
    Int64,
    Order,
    Records,
    Status,
)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile with an on-disk cache (beside the module, else in the user's cache folder), or without if neither is.

    Without Numba's run-time for memory: nothing here allocates, and counting references to a dozen arrays at every
    call would take longer than the work itself.
    """
    chosen = config.CACHE_DIR  # NUMBA_CACHE_DIR, if the user set it
    config.CACHE_DIR = CACHE_FOLDER
    try:
        return njit(cache=True, _nrt=False)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # Numba found no folder that it may write
        return njit(_nrt=False)(function)  # type: ignore[no-any-return]
    finally:
        config.CACHE_DIR = chosen


def _cache_folder(chosen: str) -> str:
    """Name a folder after the sources that the compiled code depends on, below the user's choice or beside this file.

    Numba looks at the file of a function only, and cannot read a cache that names a class which is gone.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256()
    try:
        for name in ("arrays.py", "audit.py", "kernel.py"):
            digest.update((here / name).read_bytes())
    except OSError:  # no source files, as in an archive
        return chosen
    return str((Path(chosen) if chosen else here / "__pycache__") / f"replay-{digest.hexdigest()[:12]}")


CACHE_FOLDER = _cache_folder(config.CACHE_DIR)


wide = cast("Callable[[Any], int]", np.int64)
"""Makes a number an int64 that is no literal, so that every function below is compiled for one set of types only."""

# Enum members are read here once: inside compiled code they are plain integers.
JOIN, INSPECT, HANDOFF, START, RESOLVE, ESCALATE = (wide(int(code)) for code in Code)
BY_PRIORITY, BY_DUE = int(Order.PRIORITY), int(Order.EARLIEST_DUE)
TRAIL_FULL, NO_DRAW = int(Status.TRAIL_FULL), int(Status.NO_DRAW)


@compiled
def _note(clock: Int64, trail: Records, ticket: int, code: int, arg: int) -> None:
    """Append a trail row; a full trail stops the run instead of writing past its end."""
    row = clock[EVENTS]
    if row >= len(trail):
        clock[STATUS] = TRAIL_FULL
        return
    event = trail[row]
    event["time"] = clock[NOW]
    event["ticket"] = ticket
    event["code"] = code
    event["arg"] = arg
    clock[EVENTS] = row + 1


@compiled
def _touch(clock: Int64, teams: Records, touched: Int64, team: int) -> None:
    """Mark a team as one that has to hand out work at the end of this second."""
    if teams[team]["touched"] == 0:
        teams[team]["touched"] = 1
        touched[clock[TOUCHED]] = team
        clock[TOUCHED] += 1


# ---- queues: linked lanes, or an indexed heap for earliest due -----------------------------------------------------


@compiled
def _link(fates: Records, lane: Records, ticket: int) -> None:
    """Put a ticket into a lane by (second joined, row); only tickets of this very second can be behind it."""
    joined = fates[ticket]["joined"]
    after = wide(lane["tail"])
    while after >= 0 and fates[after]["joined"] == joined and after > ticket:
        after = wide(fates[after]["leading"])
    fates[ticket]["leading"] = after
    if after >= 0:
        behind = wide(fates[after]["following"])
        fates[after]["following"] = ticket
    else:
        behind = wide(lane["head"])
        lane["head"] = ticket
    fates[ticket]["following"] = behind
    if behind >= 0:
        fates[behind]["leading"] = ticket
    else:
        lane["tail"] = ticket


@compiled
def _unlink(fates: Records, lane: Records, ticket: int) -> None:
    """Take a ticket out of its lane."""
    before, behind = fates[ticket]["leading"], fates[ticket]["following"]
    if before >= 0:
        fates[before]["following"] = behind
    else:
        lane["head"] = behind
    if behind >= 0:
        fates[behind]["leading"] = before
    else:
        lane["tail"] = before


@compiled
def _rise(heap: Int32, tickets: Records, fates: Records, place: int) -> None:
    """Move the ticket at ``place`` towards the root while it is due before its parent."""
    ticket = heap[place]
    while place > 0:
        parent = (place - 1) >> 1
        other = heap[parent]
        if tickets[other]["due_rank"] <= tickets[ticket]["due_rank"]:
            break
        heap[place] = other
        fates[other]["place"] = place
        place = parent
    heap[place] = ticket
    fates[ticket]["place"] = place


@compiled
def _sink(heap: Int32, tickets: Records, fates: Records, place: int, length: int) -> None:
    """Move the ticket at ``place`` away from the root while a child is due before it."""
    ticket = heap[place]
    while True:
        child = 2 * place + 1
        if child >= length:
            break
        if child + 1 < length and tickets[heap[child + 1]]["due_rank"] < tickets[heap[child]]["due_rank"]:
            child += 1
        other = heap[child]
        if tickets[ticket]["due_rank"] <= tickets[other]["due_rank"]:
            break
        heap[place] = other
        fates[other]["place"] = place
        place = child
    heap[place] = ticket
    fates[ticket]["place"] = place


@compiled
def _enqueue(game: Game, ticket: int, team: int) -> None:
    """Put a ticket into a team's queue, in the team's order."""
    record = game.teams[team]
    length = wide(record["waiting"])
    record["waiting"] = length + 1
    if record["order"] == BY_DUE:
        heap = game.heaps[record["heap"]]
        heap[length] = ticket
        _rise(heap, game.tickets, game.fates, length)
    else:
        lane = game.tickets[ticket]["lane"] if record["order"] == BY_PRIORITY else 0
        _link(game.fates, game.lanes[team * LANES + lane], ticket)


@compiled
def _remove(game: Game, ticket: int, team: int) -> None:
    """Take a waiting ticket out of a team's queue."""
    record = game.teams[team]
    length = wide(record["waiting"]) - 1
    record["waiting"] = length
    if record["order"] == BY_DUE:
        heap = game.heaps[record["heap"]]
        place = wide(game.fates[ticket]["place"])
        last = wide(heap[length])
        if last != ticket:
            heap[place] = last
            _rise(heap, game.tickets, game.fates, place)
            _sink(heap, game.tickets, game.fates, wide(game.fates[last]["place"]), length)
    else:
        lane = game.tickets[ticket]["lane"] if record["order"] == BY_PRIORITY else 0
        _unlink(game.fates, game.lanes[team * LANES + lane], ticket)


@compiled
def _first(teams: Records, heaps: Int32, lanes: Records, team: int) -> int:
    """Return the ticket that is next at a team whose queue is not empty."""
    if teams[team]["order"] == BY_DUE:
        return wide(heaps[teams[team]["heap"], 0])
    lane = team * LANES
    while lanes[lane]["head"] < 0:
        lane += 1
    return wide(lanes[lane]["head"])


# ---- slots: rings of idle ones, a heap of busy ones ----------------------------------------------------------------


@compiled
def _push_finish(clock: Int64, finishes: Records, time: int, slot: int) -> None:
    """Add a busy slot to the heap ordered by (time, slot)."""
    place = clock[BUSY]
    clock[BUSY] = place + 1
    while place > 0:
        parent = (place - 1) >> 1
        other_time, other = finishes[parent]["time"], finishes[parent]["slot"]
        if other_time < time or (other_time == time and other < slot):
            break
        finishes[place]["time"] = other_time
        finishes[place]["slot"] = other
        place = parent
    finishes[place]["time"] = time
    finishes[place]["slot"] = slot


@compiled
def _pop_finish(clock: Int64, finishes: Records) -> int:
    """Remove and return the slot that finishes first."""
    top = wide(finishes[0]["slot"])
    length = clock[BUSY] - 1
    clock[BUSY] = length
    time, slot = wide(finishes[length]["time"]), wide(finishes[length]["slot"])
    place = 0
    while True:
        child = 2 * place + 1
        if child >= length:
            break
        child_time, child_slot = finishes[child]["time"], finishes[child]["slot"]
        if child + 1 < length:
            right_time, right_slot = finishes[child + 1]["time"], finishes[child + 1]["slot"]
            if right_time < child_time or (right_time == child_time and right_slot < child_slot):
                child, child_time, child_slot = child + 1, right_time, right_slot
        if time < child_time or (time == child_time and slot < child_slot):
            break
        finishes[place]["time"] = child_time
        finishes[place]["slot"] = child_slot
        place = child
    finishes[place]["time"] = time
    finishes[place]["slot"] = slot
    return top


@compiled
def _opening(schedules: Records, segments: Records, schedule: int, now: int) -> int:
    """Return the start of the first segment that has not ended (now or earlier if open), FAR if there is none."""
    index, stop = wide(schedules[schedule]["cursor"]), wide(schedules[schedule]["stop"])
    while index < stop and segments[index]["end"] <= now:
        index += 1
    schedules[schedule]["cursor"] = index
    if index == stop:
        return wide(FAR)
    return wide(segments[index]["start"])


@compiled
def _finish(clock: Int64, schedule: Records, segments: Records, seconds: int) -> int:
    """Walk the open segments from now until the work is done; FAR if that is past the cutoff."""
    index, stop = wide(schedule["cursor"]), wide(schedule["stop"])
    while index < stop:
        begin = max(wide(segments[index]["start"]), clock[NOW])
        if begin > clock[CUTOFF]:
            break
        room = segments[index]["end"] - begin
        if seconds <= room:
            return wide(begin + seconds)
        seconds -= room
        index += 1
    return wide(FAR)


@compiled
def _idle_slot(game: Game, team: int) -> int:
    """Return the open slot that has been idle longest (ties: lowest number), or -1 after noting the next opening."""
    best, best_since, opens = wide(-1), wide(FAR), wide(FAR)
    now, record = game.clock[NOW], game.teams[team]
    for index in range(record["groups"], record["stop"]):
        group = game.groups[index]
        if group["idle"] == 0:
            continue
        opening = _opening(game.schedules, game.segments, wide(group["schedule"]), now)
        if opening > now:
            opens = min(opens, opening)
            continue
        slot = wide(game.slots[group["first"] + group["head"]]["ring"])
        since = wide(game.slots[slot]["since"])
        if since < best_since or (since == best_since and slot < best):
            best, best_since = slot, since
    if best < 0 and opens < record["wake"]:
        record["wake"] = opens
        game.clock[WAKE] = min(game.clock[WAKE], opens)
    return best


@compiled
def _occupy(groups: Records, slots: Records, slot: int, ticket: int, now: int) -> None:
    """Take the slot at the head of its group's ring and give it a ticket."""
    group = groups[slots[slot]["group"]]
    group["head"] = (group["head"] + 1) % group["size"]
    group["idle"] -= 1
    slots[slot]["ticket"] = ticket
    slots[slot]["since"] = now


@compiled
def _release(groups: Records, slots: Records, slot: int, now: int) -> None:
    """Put a slot at the end of its group's ring."""
    group = groups[slots[slot]["group"]]
    slots[group["first"] + (group["head"] + group["idle"]) % group["size"]]["ring"] = slot
    group["idle"] += 1
    slots[slot]["ticket"] = -1
    slots[slot]["since"] = now


# ---- events --------------------------------------------------------------------------------------------------------


@compiled
def _join(game: Game, ticket: int, team: int) -> None:
    """Let a ticket join a team's queue now."""
    game.fates[ticket]["team"] = team
    game.fates[ticket]["joined"] = game.clock[NOW]
    _note(game.clock, game.trail, ticket, JOIN, team)
    _enqueue(game, ticket, team)
    _touch(game.clock, game.teams, game.touched, team)


@compiled
def _end_work(game: Game) -> int:
    """End what the first busy slot does; return its ticket if it goes on to its target team, -1 if it is resolved."""
    now = game.clock[NOW]
    slot = _pop_finish(game.clock, game.finishes)
    ticket, team = wide(game.slots[slot]["ticket"]), wide(game.slots[slot]["team"])
    _release(game.groups, game.slots, slot, now)
    _touch(game.clock, game.teams, game.touched, team)
    if game.slots[slot]["inspecting"] == 1:
        game.fates[ticket]["handoffs"] += 1
        _note(game.clock, game.trail, ticket, HANDOFF, slot)
        return ticket
    game.fates[ticket]["resolved"] = now
    _note(game.clock, game.trail, ticket, RESOLVE, slot)
    return wide(-1)


@compiled
def _escalate(game: Game, index: int) -> int:
    """Fire an escalation window unless the ticket was started; return the team that it moves to, -1 if it stays."""
    ticket, window = wide(game.deadlines[index]["row"]), wide(game.deadlines[index]["window"])
    fate = game.fates[ticket]
    if fate["started"] != NEVER:
        return wide(-1)
    fate["escalations"] += 1
    _note(game.clock, game.trail, ticket, ESCALATE, window)
    team, to = wide(fate["team"]), wide(game.window_to[window])
    if team == to:
        return wide(-1)
    _remove(game, ticket, team)
    fate["waited"] += game.clock[NOW] - fate["joined"]
    return to


@compiled
def _belongs(ticket: Records, truth: Int32, team: int) -> bool:
    """Tell whether a team may work a ticket itself."""
    if ticket["target"] < 0 or ticket["target"] == team:
        return True
    for index in range(ticket["truth"], ticket["truth_stop"]):  # noqa: SIM110
        if truth[index] == team:
            return True
    return False


@compiled
def _handle_seconds(game: Game, ticket: int, team: int) -> int:
    """Return the handle time of a ticket at a team: its own trace, or the time that its number points to."""
    record = game.tickets[ticket]
    seconds, level = wide(record["trace"]), wide(-1)
    if seconds == 0 or not (record["resolver"] == -1 or record["resolver"] == team):
        table = game.donor_tables[team, record["category"]]
        count = wide(table["count"])
        if record["draw"] < 0.0 or count == 0:
            game.clock[STATUS] = NO_DRAW
            return wide(1)
        level = wide(table["level"])
        if level == DECLARED:
            position = record["draw"] * (count - 1)
            knot = min(wide(position), count - 2)
            low = wide(game.donor_seconds[table["first"] + knot])
            step = wide(game.donor_seconds[table["first"] + knot + 1]) - low
            seconds = low + wide(np.floor(step * (position - knot) + 0.5))
        else:
            place = min(wide(record["draw"] * count), count - 1)
            seconds = wide(game.donor_seconds[table["first"] + place])
    game.fates[ticket]["handle"] = seconds
    game.fates[ticket]["level"] = level
    game.fates[ticket]["worker"] = team
    return seconds


@compiled
def _start(game: Game, team: int, slot: int) -> None:
    """Let an idle slot take the next ticket of its team."""
    now = game.clock[NOW]
    ticket = _first(game.teams, game.heaps, game.lanes, team)
    _remove(game, ticket, team)
    fate = game.fates[ticket]
    fate["waited"] += now - fate["joined"]
    fate["team"] = -1
    if fate["started"] == NEVER:
        fate["started"] = now
    if _belongs(game.tickets[ticket], game.truth, team):
        seconds = _handle_seconds(game, ticket, team)
        game.slots[slot]["inspecting"] = 0
        _note(game.clock, game.trail, ticket, START, slot)
    else:
        seconds = wide(game.clock[INSPECTION])
        game.slots[slot]["inspecting"] = 1
        _note(game.clock, game.trail, ticket, INSPECT, slot)
    _occupy(game.groups, game.slots, slot, ticket, now)
    schedule = game.schedules[game.groups[game.slots[slot]["group"]]["schedule"]]
    _push_finish(game.clock, game.finishes, _finish(game.clock, schedule, game.segments, seconds), slot)


@compiled
def _wake(clock: Int64, teams: Records, touched: Int64) -> None:
    """Mark the teams that open now and find the next opening."""
    following = wide(FAR)
    for team in range(len(teams)):
        if teams[team]["wake"] <= clock[NOW]:
            teams[team]["wake"] = FAR
            _touch(clock, teams, touched, team)
        else:
            following = min(following, wide(teams[team]["wake"]))
    clock[WAKE] = following


@compiled
def run(game: Game) -> int:
    """Play a desk until nothing is left or the cutoff is passed.

    Parameters
    ----------
    game : Game
        Fresh from `new_game`; written.

    Returns
    -------
    int
        A `Status`.
    """
    clock = game.clock
    arrival, deadline, tickets, deadlines = wide(0), wide(0), len(game.tickets), len(game.deadlines)
    while clock[STATUS] == 0:
        now = clock[WAKE]
        if clock[BUSY] > 0:
            now = min(now, wide(game.finishes[0]["time"]))
        if arrival < tickets:
            now = min(now, wide(game.tickets[arrival]["owned"]))
        if deadline < deadlines:
            now = min(now, wide(game.deadlines[deadline]["time"]))
        if now == FAR or now > clock[CUTOFF]:
            break
        clock[NOW] = now
        while clock[BUSY] > 0 and game.finishes[0]["time"] == now:
            ticket = _end_work(game)
            if ticket >= 0:
                _join(game, ticket, wide(game.tickets[ticket]["target"]))
        if clock[WAKE] == now:
            _wake(clock, game.teams, game.touched)
        while arrival < tickets and game.tickets[arrival]["owned"] == now:
            _join(game, arrival, wide(game.tickets[arrival]["owner"]))
            arrival += 1
        while deadline < deadlines and game.deadlines[deadline]["time"] == now:
            team = _escalate(game, deadline)
            if team >= 0:
                _join(game, wide(game.deadlines[deadline]["row"]), team)
            deadline += 1
        for index in range(clock[TOUCHED]):
            team = game.touched[index]
            game.teams[team]["touched"] = 0
            while game.teams[team]["waiting"] > 0:
                slot = _idle_slot(game, team)
                if slot < 0:
                    break
                _start(game, team, slot)
        clock[TOUCHED] = 0
    return wide(clock[STATUS])
