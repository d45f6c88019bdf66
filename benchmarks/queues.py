"""One queue with eight agents: our kernel against SimPy processes and the plain Python event loop."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from importlib import import_module
from unittest.mock import patch

import numpy as np
import polars as pl

from benchmarks.timing import Goal, Row, compare
from triage_lab import replay

AGENTS = 8
LOAD = 0.9
MEAN_SECONDS = 36_000


def trace(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Arrivals and handle times of an M/M/8 queue, load 0.9, in whole seconds."""
    random = np.random.default_rng(8)
    arrived = np.cumsum(random.exponential(MEAN_SECONDS / (AGENTS * LOAD), n)).astype(np.int64)
    return arrived, np.maximum(1, np.rint(random.exponential(MEAN_SECONDS, n))).astype(np.int64)


def event_loop(arrived: list[int], handle: list[int]) -> list[int]:
    """Start times by an event calendar and a queue; nothing but this one model, no trail."""
    started = [0] * len(arrived)
    calendar = [(arrived[0], 0, 0)] if arrived else []  # (time, 0 arrival or 1 departure, ticket)
    queue: deque[int] = deque()
    idle = AGENTS
    while calendar:
        now, kind, ticket = heapq.heappop(calendar)
        if kind:
            idle += 1
        else:
            queue.append(ticket)
            if ticket + 1 < len(arrived):
                heapq.heappush(calendar, (arrived[ticket + 1], 0, ticket + 1))
        while idle and queue:
            idle -= 1
            first = queue.popleft()
            started[first] = now
            heapq.heappush(calendar, (now + handle[first], 1, first))
    return started


def simpy_processes(arrived: list[int], handle: list[int]) -> list[int]:
    """Start times by SimPy as its manual has it: a process a ticket, a resource of eight."""
    import simpy

    world = simpy.Environment()
    agents = simpy.Resource(world, capacity=AGENTS)
    started = [0] * len(arrived)

    def ticket(number: int) -> Iterator[object]:
        with agents.request() as request:
            yield request
            started[number] = int(world.now)
            yield world.timeout(handle[number])

    def source() -> Iterator[object]:
        for number, stamp in enumerate(arrived):
            yield world.timeout(stamp - world.now)
            world.process(ticket(number))

    world.process(source())
    world.run()
    return started


def rows(n: int, few: int, repeats: int) -> list[Row]:
    """The comparisons, after checking that all three start every ticket in the same second."""
    arrived, handle = trace(n)
    plain = arrived.tolist(), handle.tolist()
    short = plain[0][:few], plain[1][:few]

    def ours() -> pl.DataFrame:
        return replay.run_queue(arrived, handle, agents=AGENTS)

    starts = ours()["started_at"].to_list()
    if starts != event_loop(*plain) or starts[:few] != simpy_processes(*short):
        raise AssertionError("the queues do not agree")

    def compare_with(work: str, against: str, mine: Callable[[], object], goal: Goal) -> Row:
        if against == "SimPy processes":
            other, size = (lambda: simpy_processes(*short)), few
        else:
            other, size = (lambda: event_loop(*plain)), n
        return compare(work, against, mine, other, size=n, other_size=size, goal=goal, repeats=repeats)

    whole, bare = "M/M/8: run_queue (sort, kernel, trail, audit)", "M/M/8: the kernel with its trail"
    return [
        compare_with(bare, "SimPy processes", kernel(arrived, handle), Goal(100, 60)),
        compare_with(whole, "SimPy processes", ours, Goal()),
        compare_with(whole, "plain Python event loop", ours, Goal()),
    ]


def kernel(arrived: np.ndarray, handle: np.ndarray) -> Callable[[], object]:
    """The event kernel alone, on the arrays that run_queue gives it."""
    play = import_module("triage_lab.replay.play")
    with patch.object(import_module("triage_lab.replay.queue"), "run_desk", wraps=play.run_desk) as spy:
        replay.run_queue(arrived, handle, agents=AGENTS)
    roster, load = spy.call_args.args
    return lambda: play.run_kernel(roster.desk, load, play.trail_bound(load))
