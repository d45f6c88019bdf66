"""The kernel against SimPy (no ties), a server heap, a batch reference (heavy ties), and the naive desk."""

from __future__ import annotations

import naive_replay
import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_desks import play_twin, played, random_case

from triage_lab.replay import run_queue
from triage_lab.replay.play import service_seconds

N = 30_000


def stream(seed: int, n: int, agents: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Arrivals and handle times of a busy queue, in whole units of 1/scale."""
    rng = np.random.default_rng(seed)
    arrived = np.cumsum(rng.exponential(scale, n)).astype(np.int64)
    handle = np.maximum(1, rng.exponential(0.9 * agents * scale, n)).astype(np.int64)
    return arrived, handle


def simpy_starts(arrived: np.ndarray, handle: np.ndarray, priority: np.ndarray, agents: int) -> list[int]:
    """Start times by SimPy's own priority resource."""
    world = simpy.Environment()
    people = simpy.PriorityResource(world, agents)
    starts = [0] * len(arrived)

    def ticket(row: int) -> object:
        yield world.timeout(int(arrived[row]))
        with people.request(priority=int(priority[row])) as turn:
            yield turn
            starts[row] = int(world.now)
            yield world.timeout(int(handle[row]))

    for row in range(len(arrived)):
        world.process(ticket(row))
    world.run()
    return starts


def has_ties(arrived: np.ndarray, starts: list[int], handle: np.ndarray) -> bool:
    events = np.concatenate([arrived, np.array(starts) + handle])
    return len(np.unique(events)) < len(events)


@pytest.mark.parametrize("classes", [1, 3])
def test_every_start_equals_simpy_where_nothing_ties(classes: int) -> None:
    arrived, handle = stream(5, 6000, 8, 1e9)
    priority = np.random.default_rng(6).integers(0, classes, len(arrived))
    starts = simpy_starts(arrived, handle, priority, 8)
    assert not has_ties(arrived, starts, handle)
    ours = run_queue(arrived, handle, agents=8, priority=priority)
    assert ours["started_at"].to_list() == starts


def test_first_come_equals_the_server_heap_with_heavy_ties() -> None:
    arrived, handle = stream(7, N, 8, 0.5)
    assert len(np.unique(arrived)) < 0.5 * N
    ours = run_queue(arrived, handle, agents=8)
    assert ours["started_at"].to_list() == naive_replay.serve_by_heap(arrived.tolist(), handle.tolist(), 8)


def test_priorities_equal_the_batch_reference_with_heavy_ties() -> None:
    arrived, handle = stream(8, N, 8, 0.5)
    priority = np.random.default_rng(9).integers(0, 3, N)
    ours = run_queue(arrived, handle, agents=8, priority=priority)
    expected = naive_replay.serve_in_batches(arrived.tolist(), handle.tolist(), priority.tolist(), 8)
    assert ours["started_at"].to_list() == expected


def compare_with_twin(case: dict) -> None:
    """Play a case and its twin; every ticket must fare the same."""
    world, ours = played(**case)
    rows = np.arange(len(world.arrived))
    seconds_at = {
        name: service_seconds(world, rows, np.full(len(rows), number), 0).tolist()
        for number, name in enumerate(world.roster.teams)
    }
    records = ours.records.to_dicts()
    for row, (ticket, record) in enumerate(zip(play_twin(case, seconds_at), records, strict=True)):
        assert record["started_at"] == ticket.started, row
        assert record["resolved_at"] == ticket.resolved, row
        assert record["handoffs"] == ticket.handoffs, row
        assert record["escalations"] == ticket.escalations, row
        if ticket.started is None or ticket.queue is not None:
            assert record["wait_minutes"] is None, row
        else:
            assert record["wait_minutes"] == ticket.waited / 60, row
        if ticket.resolved is not None:
            assert record["handle_minutes"] == ticket.handle[ticket.worker] / 60, row
    agents = ours.events(world).filter(ours.events(world)["event"].is_in(["start", "inspect"]))
    for row, ticket in enumerate(play_twin(case, seconds_at)):
        happened = agents.filter(agents["row"] == row)
        hands = [
            (
                when,
                name,
                world.operations.teams[name].agents[int(order) % len(world.operations.teams[name].agents)].agent_id,
            )
            for when, name, order in ticket.log
        ]
        assert list(zip(happened["time"], happened["team"], happened["agent"], strict=True)) == hands


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_random_desks_equal_the_naive_twin(seed: int) -> None:
    compare_with_twin(random_case(seed))


@pytest.mark.slow
@settings(deadline=None, max_examples=1500)
@given(seed=st.integers(0, 2**32), tickets=st.integers(1, 90))
def test_many_random_desks_equal_the_naive_twin(seed: int, tickets: int) -> None:
    compare_with_twin(random_case(seed, tickets))
