"""Tallies on one layout give the very numbers that their frames give."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from evidence_tallies import Tally
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.evidence import compare, curve, difference, estimate, kaplan_meier
from triage_lab.evidence.survival import influence, point_quantiles
from triage_lab.metrics import CATALOGUE, Tallies, prepare, tally

CUTOFF = 40_000
CUTS = (("mrr_tier",), ("rule",), ("rule", "mrr_tier"))
TICKETS = 300


def facts_of(rng: np.random.Generator, accounts: int) -> pl.DataFrame:
    who = rng.integers(0, max(accounts, 1), TICKETS)
    names = [f"a{one}" if accounts and one % 5 else f"ticket:{at}" for at, one in enumerate(who)]
    return pl.DataFrame(
        {
            "cluster": names,
            "account_known": [not name.startswith("ticket:") for name in names],
            "mrr": [float(one) if one % 3 else None for one in who],
            "mrr_tier": rng.choice(["high", "mid"], TICKETS),
            "rule": rng.choice(["x", "y", "z"], TICKETS),
        }
    )


def play(
    rng: np.random.Generator, arrived: np.ndarray, scale: float, *, before_arrival: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    waits = (rng.lognormal(8, 1.5, TICKETS) * scale).astype(np.int64)
    first = pl.Series(values=arrived + waits - (3000 if before_arrival else 0))
    resolved = first + pl.Series(values=rng.integers(0, 20_000, TICKETS))
    times = {"first_action_at": first, "started_at": first, "resolved_at": resolved}
    records = pl.DataFrame({"arrived_at": arrived, **times}).with_columns(
        *(pl.when(pl.col(name) <= CUTOFF).then(pl.col(name)).alias(name) for name in times),
        wait_minutes=pl.Series(values=waits / 60),
        handoffs=pl.Series(values=rng.integers(0, 3, TICKETS)),
        escalations=pl.Series(values=rng.integers(0, 2, TICKETS)),
        misrouted_resolver=pl.Series(values=rng.random(TICKETS) < 0.3),
    )
    states = [
        pl.DataFrame(
            {
                "row": np.arange(TICKETS, dtype=np.uint32),
                "state": rng.choice(["met", "breached", "open", "not_applicable"], TICKETS),
                "due_at": arrived + 9000,
            }
        ).with_columns(sla_metric=pl.lit(name))
        for name in ("first_action", "resolve")
    ]
    return records, pl.concat(states)


def as_frames(arm: list[Tallies]) -> list[Tally]:
    return [Tally(one.rates, one.durations) for one in arm]


@pytest.mark.parametrize("accounts", [0, 40])
@pytest.mark.parametrize("replications", [1, 3])
@pytest.mark.parametrize("before_arrival", [False, True])
def test_layouts_and_frames_give_the_same_numbers(accounts: int, replications: int, before_arrival: bool) -> None:
    rng = np.random.default_rng(accounts + replications)
    arrived = np.sort(rng.integers(0, 30_000, TICKETS))
    facts, scored = facts_of(rng, accounts), pl.Series(values=rng.random(TICKETS) < 0.9)
    layout = prepare(facts, scored, CUTS)
    arms = []
    for scale in (1.0, 0.8):
        plays = [play(rng, arrived, scale, before_arrival=before_arrival) for _ in range(replications)]
        arms.append([tally(*one, facts, cutoff=CUTOFF, layout=layout) for one in plays])
    before, after = arms
    found = compare(before, after, catalogue=CATALOGUE)
    assert len(found) > 100
    assert found == compare(as_frames(before), as_frames(after), catalogue=CATALOGUE)
    frames = as_frames(before)
    assert compare(before, before, catalogue=CATALOGUE) == compare(frames, frames, catalogue=CATALOGUE)
    assert difference(before, after, catalogue=CATALOGUE) == tuple(
        one.difference for one in found if one.difference is not None
    )
    alone = estimate(after, arm="candidate", catalogue=CATALOGUE)
    assert alone == estimate(as_frames(after), arm="candidate", catalogue=CATALOGUE)
    options = {"metric": "time_to_first_action", "arm": "candidate"}
    assert curve(after, **options) == curve([one.durations for one in after], **options)


def test_nothing_scored_gives_nothing() -> None:
    rng = np.random.default_rng(1)
    facts = facts_of(rng, 9)
    layout = prepare(facts, np.zeros(TICKETS, dtype=np.bool_), CUTS)
    empty = tally(*play(rng, np.arange(TICKETS), 1.0, before_arrival=False), facts, cutoff=CUTOFF, layout=layout)
    assert compare([empty], [empty], catalogue=CATALOGUE) == ()
    assert curve(empty, metric="time_to_first_action", arm="candidate") is None


WAITS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60)


@settings(deadline=None, max_examples=200)
@given(WAITS, st.floats(0.01, 0.99))
def test_point_quantiles_are_those_of_the_curve(waits: list[tuple[int, bool]], q: float) -> None:
    times, event = np.array([t for t, _ in waits]), np.array([e for _, e in waits])
    expected = [kaplan_meier(times, event).quantile(one) for one in (0.5, 0.9, q)]
    assert point_quantiles(times, event, (0.5, 0.9, q)) == expected


@settings(deadline=None, max_examples=60)
@given(WAITS, st.integers(0, 12))
def test_influences_are_the_derivative_and_sum_to_nothing(waits: list[tuple[int, bool]], time: int) -> None:
    times, event = np.array([float(t) for t, _ in waits]), np.array([e for _, e in waits])
    curve_of_all = kaplan_meier(times, event)
    moved = influence(times, event, curve_of_all, float(time))
    assert moved.sum() == pytest.approx(0, abs=1e-9)
    share, small = curve_of_all.at(time), 1e-6
    if share > 0:
        for at in range(len(waits)):
            heavier = _weighted_share(times, event, time, at, 1 + small)
            assert (heavier - share) / small == pytest.approx(moved[at], abs=1e-4)


def _weighted_share(times: np.ndarray, event: np.ndarray, time: float, at: int, weight: float) -> float:
    """The curve at a time if one ticket weighed more."""
    weights = np.ones(times.size)
    weights[at] = weight
    steps = [
        1 - weights[event & (times == u)].sum() / weights[times >= u].sum()
        for u in np.unique(times[event])
        if u <= time
    ]
    return math.prod(steps)
