"""Slow twins of replay: the desk as a plain Python loop over seconds that matter, calendars by walking minutes.

Written from the rules, not from the code: no heaps, no linked lists, no prefix sums. A desk is a list of
agents' hands; a queue is a list that is sorted whenever somebody takes from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Segments = list[tuple[int, int]]


# ---- calendars -----------------------------------------------------------------------------------------------------


def walked_segments(
    spans: Sequence[tuple[int, int, int]],
    zone: str,
    closed: Sequence[date],
    low: int,
    high: int,
) -> Segments:
    """Open segments, found by listing every UTC minute with its local wall time (never by local → UTC).

    A span (weekday, start, end) opens at the first minute that shows its opening wall time and closes at the last
    one that shows its closing wall time; a wall time that never shows is read with the offset before the jump.
    """
    tz = ZoneInfo(zone)
    minutes = range(low - 4 * 86_400, high + 4 * 86_400, 60)
    wall_of = [datetime.fromtimestamp(stamp, UTC).astimezone(tz).replace(tzinfo=None) for stamp in minutes]
    first: dict[datetime, int] = {}
    last: dict[datetime, int] = {}
    for stamp, wall in zip(minutes, wall_of, strict=True):
        first.setdefault(wall, stamp)
        last[wall] = stamp

    def place(wall: datetime, seen: Mapping[datetime, int]) -> int:
        if wall in seen:
            return seen[wall]
        back = wall
        steps = 0
        while back not in last:
            back -= timedelta(minutes=1)
            steps += 1
        return last[back] + 60 * steps

    open_minutes: set[int] = set()
    for day in sorted({wall.date() for wall in wall_of})[2:-3]:
        if day in closed:
            continue
        for weekday, start, end in spans:
            if weekday == day.weekday():
                midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
                opening = place(midnight + timedelta(minutes=start), first)
                closing = place(midnight + timedelta(minutes=end), last)
                open_minutes.update(range(opening, closing, 60))
    segments: Segments = []
    for stamp in sorted(open_minutes):
        if segments and segments[-1][1] == stamp:
            segments[-1] = (segments[-1][0], stamp + 60)
        else:
            segments.append((stamp, stamp + 60))
    return [(max(start, low), min(end, high)) for start, end in segments if end > low and start < high]


def overlap(segments: Segments, start: int, end: int) -> int:
    """Open seconds in [start, end), negative if end is before start."""
    if end < start:
        return -overlap(segments, end, start)
    return sum(max(0, min(end, closing) - max(start, opening)) for opening, closing in segments)


def after(segments: Segments, start: int, seconds: int) -> int | None:
    """The earliest second at which that many open seconds have passed since start, None if never."""
    if seconds == 0:
        return start
    for opening, closing in segments:
        begin = max(opening, start)
        if begin < closing:
            if seconds <= closing - begin:
                return begin + seconds
            seconds -= closing - begin
    return None


def opens(segments: Segments, now: int) -> bool:
    """Is it open now?"""
    return any(opening <= now < closing for opening, closing in segments)


# ---- the desk ------------------------------------------------------------------------------------------------------


@dataclass
class Hand:
    """One ticket that one agent can have in hand; ``order`` breaks ties among hands of a team."""

    team: str
    order: int
    hours: Segments
    idle_since: float = float("-inf")
    ticket: int | None = None
    until: int | None = None
    inspecting: bool = False


@dataclass
class Ticket:
    """A ticket; ``truth`` are the teams on the desk that may work it, ``handle`` its seconds at each team."""

    owned: int
    owner: str
    lane: int
    due: int | None
    truth: Sequence[str]
    target: str | None
    handle: Mapping[str, int]
    deadlines: Sequence[tuple[int, str]] = ()  # (second, team), in window order
    queue: str | None = None
    joined: int = 0
    waited: int = 0
    started: int | None = None
    resolved: int | None = None
    handoffs: int = 0
    escalations: int = 0
    worker: str | None = None
    log: list[tuple[int, str, str]] = field(default_factory=list)


def play_naively(
    hands: Sequence[Hand], disciplines: Mapping[str, str], tickets: Sequence[Ticket], cutoff: int, inspection: int
) -> None:
    """Play a desk, second by second that matters; what happened is written into the tickets."""
    times = {ticket.owned for ticket in tickets}
    times |= {when for ticket in tickets for when, _ in ticket.deadlines}
    times |= {opening for hand in hands for opening, _ in hand.hours}
    while times:
        now = min(times)
        times.discard(now)
        if now > cutoff:
            return
        _things_end(hands, tickets, now)
        for ticket in tickets:
            if ticket.owned == now:
                ticket.queue, ticket.joined = ticket.owner, now
        _deadlines_pass(tickets, now)
        for team in disciplines:
            times |= _work_is_handed_out(hands, disciplines[team], tickets, team, now, inspection)


def _things_end(hands: Sequence[Hand], tickets: Sequence[Ticket], now: int) -> None:
    """Hands that are done put their tickets down."""
    for hand in hands:
        if hand.until == now and hand.ticket is not None:
            ticket = tickets[hand.ticket]
            if hand.inspecting:
                ticket.handoffs += 1
                ticket.queue, ticket.joined = ticket.target, now
            else:
                ticket.resolved = now
            hand.ticket, hand.until, hand.idle_since = None, None, now


def _deadlines_pass(tickets: Sequence[Ticket], now: int) -> None:
    """Tickets that nobody has started move."""
    for ticket in tickets:
        for when, to in ticket.deadlines:
            if when == now and ticket.started is None:
                ticket.escalations += 1
                if ticket.queue != to:
                    ticket.waited += now - ticket.joined
                    ticket.queue, ticket.joined = to, now


def _work_is_handed_out(
    hands: Sequence[Hand], discipline: str, tickets: Sequence[Ticket], team: str, now: int, inspection: int
) -> set[int]:
    """Open idle hands take what is next; return when they will be done."""
    done = set()
    while True:
        waiting = [row for row, ticket in enumerate(tickets) if ticket.queue == team]
        free = [hand for hand in hands if hand.team == team and hand.ticket is None and opens(hand.hours, now)]
        if not waiting or not free:
            return done
        keys = {
            "first_come": lambda row: (tickets[row].joined, row),
            "priority": lambda row: (tickets[row].lane, tickets[row].joined, row),
            "earliest_due": lambda row: (
                tickets[row].due is None,
                tickets[row].due if tickets[row].due is not None else 0,
                row,
            ),
        }
        row = min(waiting, key=keys[discipline])
        hand = min(free, key=lambda hand: (hand.idle_since, hand.order))
        ticket = tickets[row]
        ticket.waited += now - ticket.joined
        ticket.queue = None
        ticket.started = now if ticket.started is None else ticket.started
        ticket.log.append((now, team, str(hand.order)))
        hand.ticket = row
        hand.inspecting = bool(ticket.truth) and team not in ticket.truth
        if not hand.inspecting:
            ticket.worker = team
        hand.until = after(hand.hours, now, inspection if hand.inspecting else ticket.handle[team])
        if hand.until is not None:
            done.add(hand.until)


def serve_by_heap(arrived: Sequence[int], handle: Sequence[int], agents: int) -> list[int]:
    """First come first served by c servers round the clock: start of each ticket, in the order given."""
    import heapq

    free = [0] * agents
    starts = []
    for arrival, seconds in zip(arrived, handle, strict=True):
        start = max(arrival, heapq.heappop(free))
        starts.append(start)
        heapq.heappush(free, start + seconds)
    return starts


def serve_in_batches(arrived: Sequence[int], handle: Sequence[int], priority: Sequence[int], agents: int) -> list[int]:
    """Priorities with the batch rule: in each second first everything ends and arrives, then work is handed out."""
    import heapq

    starts = [0] * len(arrived)
    ends: list[int] = []
    waiting: list[tuple[int, int, int]] = []
    following, free = 0, agents
    while following < len(arrived) or waiting:
        candidates = ([arrived[following]] if following < len(arrived) else []) + ends[:1]
        now = min(candidates)
        while ends and ends[0] == now:
            heapq.heappop(ends)
            free += 1
        while following < len(arrived) and arrived[following] == now:
            heapq.heappush(waiting, (priority[following], now, following))
            following += 1
        while waiting and free:
            row = heapq.heappop(waiting)[2]
            starts[row] = now
            heapq.heappush(ends, now + handle[row])
            free -= 1
    return starts
