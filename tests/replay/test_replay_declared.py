"""Declared handle times: where they are drawn from, that kernel and columns agree, and that they suffice alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_desks import MONDAY, decide, desk, log, played, random_case, team

from triage_lab.domain.desk import HandleTimes, Operations
from triage_lab.domain.errors import ReplayError
from triage_lab.replay import build_world, uniforms
from triage_lab.replay.arrays import DECLARED, Code
from triage_lab.replay.play import service_seconds
from triage_lab.replay.service import donor_tables, drawn_seconds

LATER = MONDAY + 400 * 86_400


def declared(operations: Operations, **quantiles: tuple[int, ...]) -> Operations:
    """Operations with declared handle times."""
    return replace(operations, handle_times={name: HandleTimes(name, times) for name, times in quantiles.items()})


def quantile(quantiles: tuple[int, ...], draw: float) -> int:
    """A quantile function by hand: linear between its knots, rounded half up."""
    steps = len(quantiles) - 1
    knot = min(int(draw * steps), steps - 1)
    low, high = quantiles[knot], quantiles[knot + 1]
    return low + math.floor((high - low) * (draw * steps - knot) + 0.5)


def days(n: int, **columns: object) -> pl.DataFrame:
    """Tickets a day apart."""
    return log([MONDAY + 86_400 * number for number in range(n)], **columns)


def test_a_desk_plays_on_declared_times_alone() -> None:
    times = (60, 61, 600, 7200)
    history = days(60, resolver_team_id=["a", "b"] * 30)
    operations = declared(desk(team("a"), team("b")), a=times, b=(30, 30))
    world, arm = played(history, operations, decide(["a", "b"] * 30), cutoff=LATER)
    draws = uniforms(history["ticket_key"].to_numpy(), seed=7)
    expected = [quantile(times, draw) if row % 2 == 0 else 30 for row, draw in enumerate(draws)]
    assert (arm.records["handle_minutes"] * 60).round().cast(pl.Int64).to_list() == expected
    assert arm.donors == {"trace": 0, "team_category": 0, "team": 0, "operations": 60, "all": 0}
    assert min(expected[::2]) >= 60
    assert max(expected[::2]) <= 7200
    assert world.notices == ()


def test_without_times_of_every_team_there_must_be_donors() -> None:
    operations = declared(desk(team("a"), team("b")), a=(60, 90))
    with pytest.raises(ReplayError, match="not every team has handle_times") as raised:
        build_world(days(3), operations, cutoff=LATER, seed=1, sla_masks={})
    assert "operations propose" in raised.value.action


def test_traces_and_donors_of_the_team_come_before_declared_times_and_those_before_all() -> None:
    """Team a has donors, b declares, c has neither; everybody's tickets may be worked anywhere."""
    n = 90
    history = days(n, resolver_team_id="a", handle_minutes=[float(number + 1) for number in range(n)]).with_columns(
        truth_teams=pl.lit(["a", "b", "c"]), category=pl.Series(["x"] * 30 + ["y"] * 10 + ["z"] * 50)
    )
    history = history.with_columns(handle_minutes=pl.when(pl.int_range(pl.len()) < 45).then(pl.col("handle_minutes")))
    operations = declared(desk(team("a"), team("b"), team("c")), a=(7, 7), b=(11, 11))
    levels = [played(history, operations, decide([name] * n), cutoff=LATER)[1].donors for name in ("a", "b", "c")]
    assert levels[0] == {"trace": 45, "team_category": 0, "team": 45, "operations": 0, "all": 0}
    assert levels[1] == {"trace": 0, "team_category": 0, "team": 0, "operations": 90, "all": 0}
    assert levels[2] == {"trace": 0, "team_category": 0, "team": 0, "operations": 0, "all": 90}


@given(
    quantiles=st.lists(st.integers(1, 10**7), min_size=2, max_size=30).map(lambda items: tuple(sorted(items))),
    draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=20),
)
@settings(deadline=None, max_examples=150)
def test_columns_follow_the_quantile_function(quantiles: tuple[int, ...], draws: list[float]) -> None:
    """Against a quantile function by hand; never outside its ends, never falling."""
    none = np.zeros(0, dtype=np.int64)
    tables = donor_tables(
        none, none.astype(np.int32), none.astype(np.int32), teams=1, categories=1, declared=[quantiles]
    )
    assert tables.tables["level"].tolist() == [[DECLARED]]
    zeros = np.zeros(len(draws), dtype=np.int32)
    seconds = drawn_seconds(tables, zeros, zeros, np.array(draws))
    assert seconds.tolist() == [quantile(quantiles, draw) for draw in draws]
    assert quantiles[0] <= seconds.min()
    assert seconds.max() <= quantiles[-1]
    assert (np.diff(seconds[np.argsort(draws)]) >= 0).all()


@pytest.mark.parametrize("seed", range(12))
def test_kernel_and_columns_draw_the_same(seed: int) -> None:
    """Desks with everything at once: what the kernel drew is what the columns say, whatever the level."""
    case = random_case(3000 + seed, 60)
    rng = np.random.default_rng(seed)
    names = list(case["operations"].teams)
    times = {name: tuple(np.sort(rng.integers(1, 5000, int(rng.integers(2, 22)))).tolist()) for name in names[:2]}
    few = case["history"].with_columns(pl.when(pl.int_range(pl.len()) % 5 == 0).then(pl.col("handle_minutes")))
    world, arm = played(**{**case, "history": few, "operations": declared(case["operations"], **times)})
    begun = arm.trail.code == int(Code.START)
    rows = arm.trail.ticket[begun].astype(np.int64)
    worker = world.roster.desk.slots["team"][arm.trail.arg[begun]].astype(np.int32)
    expected = service_seconds(world, rows, worker, 0)
    done = arm.records["handle_minutes"].to_numpy()[rows]
    known = ~np.isnan(done)
    assert known.any()
    assert np.rint(done[known] * 60).astype(np.int64).tolist() == expected[known].tolist()
    assert arm.donors["operations"] > 0


@pytest.mark.parametrize("quantiles", [(5,), (0, 5), (9, 5), (1, 2**53), ()])
def test_declared_times_must_be_quantiles(quantiles: tuple[int, ...]) -> None:
    with pytest.raises(ReplayError, match="no quantiles"):
        build_world(days(3), declared(desk(team("a")), a=quantiles), cutoff=LATER, seed=1, sla_masks={})
