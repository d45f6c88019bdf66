"""Handle times and the draws behind them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from replay_desks import MONDAY, decide, desk, log, played, team

from triage_lab.domain.desk import EscalationWindow
from triage_lab.domain.errors import ReplayError
from triage_lab.replay import all_traced, build_world, uniforms
from triage_lab.replay.draws import philox
from triage_lab.replay.service import donor_tables, handle_seconds

LATER = MONDAY + 400 * 86_400


def test_philox_gives_the_published_numbers() -> None:
    """Known answers of Salmon et al.'s reference vectors for Philox 4x32-10."""
    ones = 0xFFFFFFFF
    vectors = [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((ones,) * 4, (ones, ones), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ]
    for counter, key, expected in vectors:
        words = philox(tuple(np.array([part], dtype=np.uint64) for part in counter), key)
        assert " ".join(f"{int(word[0]):08x}" for word in words) == expected


def test_draws_hang_on_the_ticket_and_nothing_else() -> None:
    keys = np.random.default_rng(1).integers(0, 2**63, 2000).astype(np.uint64) * np.uint64(2)
    draws = uniforms(keys, seed=5)
    order = np.random.default_rng(2).permutation(2000)
    assert (uniforms(keys[order], seed=5) == draws[order]).all()
    for other in (uniforms(keys, seed=6), uniforms(keys, seed=5, phase=1), uniforms(keys, seed=5, replication=1)):
        assert (other != draws).mean() > 0.99
        assert abs(np.corrcoef(other, draws)[0, 1]) < 0.1
    assert draws.min() >= 0
    assert draws.max() < 1
    assert abs(draws.mean() - 0.5) < 4 / np.sqrt(12 * 2000)
    assert (uniforms(keys, seed=2**64 + 5) == draws).all()


def test_minutes_round_half_up_to_whole_seconds() -> None:
    minutes = np.array([1 / 120, 1.5 / 60, 2.5 / 60, 0.0001, 0.0, -1.0, np.nan, np.inf, 1e300, 90.0])
    assert handle_seconds(minutes).tolist() == [1, 2, 3, 1, 0, 0, 0, 0, 0, 5400]


def test_donors_widen_until_there_are_twenty() -> None:
    seconds = np.concatenate([np.arange(1, 21), np.arange(101, 120), [500, 600, 0]])
    team_of = np.array([0] * 20 + [0] * 19 + [1, -2, 1], dtype=np.int32)
    category = np.array([0] * 20 + [1] * 19 + [0, 0, 0], dtype=np.int32)
    donors = donor_tables(seconds, team_of, category, teams=2, categories=2)
    assert donors.tables["level"].tolist() == [[0, 1], [2, 2]]

    def table(team_number: int, category_number: int) -> list[int]:
        cell = donors.tables[team_number, category_number]
        return donors.seconds[cell["first"] : cell["first"] + cell["count"]].tolist()

    assert table(0, 0) == list(range(1, 21))
    assert table(0, 1) == sorted([*range(1, 21), *range(101, 120)])
    assert table(1, 0) == sorted([*range(1, 21), *range(101, 120), 500, 600])


def test_no_handle_times_at_all_is_an_error_with_a_way_out() -> None:
    with pytest.raises(ReplayError, match="no handle_minutes") as raised:
        donor_tables(np.zeros(3, dtype=np.int64), np.zeros(3), np.zeros(3), teams=1, categories=1)
    assert raised.value.exit_code == 3
    assert "routing-only" in raised.value.action


def many(resolver: str | None, n: int = 60) -> pl.DataFrame:
    """Tickets a day apart, solved by one team in 1, 2, 3, … minutes."""
    return log(
        [MONDAY + 86_400 * number for number in range(n)], handle_minutes=[float(number + 1) for number in range(n)]
    ).with_columns(resolver_team_id=pl.lit(resolver, pl.String))


def test_a_trace_holds_at_the_team_that_did_the_work_and_where_nobody_knows() -> None:
    for resolver, owner in (("a", "a"), (None, "b"), ("a", "b")):
        history = many(resolver)
        _, arm = played(history, desk(team("a"), team("b")), decide([owner] * 60), cutoff=LATER)
        assert arm.records["handle_minutes"].to_list() == history["handle_minutes"].to_list()
        assert arm.donors == {"trace": 60, "team_category": 0, "team": 0, "operations": 0, "all": 0}


def test_other_teams_draw_with_the_tickets_own_number() -> None:
    labelled = many("a").with_columns(truth_teams=pl.lit(["a", "b", "c"]))
    operations = desk(team("a"), team("b"), team("c"))
    world, at_b = played(labelled, operations, decide(["b"] * 60), cutoff=LATER)
    _, at_c = played(labelled, operations, decide(["c"] * 60), cutoff=LATER)
    assert at_b.donors == {"trace": 0, "team_category": 0, "team": 0, "operations": 0, "all": 60}
    assert at_b.records["handle_minutes"].equals(at_c.records["handle_minutes"])
    draws = uniforms(labelled["ticket_key"].to_numpy(), seed=7)
    assert at_b.records["handle_minutes"].to_list() == (np.floor(draws * 60) + 1).tolist()
    _, other = played(labelled, operations, decide(["b"] * 60), cutoff=LATER, replication=3)
    assert not other.records["handle_minutes"].equals(at_b.records["handle_minutes"])
    assert not all_traced(world, decide(["b"] * 60))
    assert all_traced(world, decide(["a"] * 60))


def test_a_wrong_team_hands_off_so_its_times_are_still_traces() -> None:
    world = build_world(many("a"), desk(team("a"), team("b")), cutoff=LATER, seed=1, sla_masks={})
    assert all_traced(world, decide(["b"] * 60))


def test_escalations_to_another_truth_team_may_have_to_draw() -> None:
    window = EscalationWindow("w", 60, "always", "b")
    labelled = many("a").with_columns(truth_teams=pl.lit(["a", "b"]))
    operations = desk(team("a"), team("b"), escalation=(window,))
    world = build_world(labelled, operations, cutoff=LATER, seed=1, sla_masks={})
    assert not all_traced(world, decide(["a"] * 60))
    unlabelled = build_world(many("a"), operations, cutoff=LATER, seed=1, sla_masks={})
    assert all_traced(unlabelled, decide(["a"] * 60))


def test_one_missing_time_is_enough_to_replicate() -> None:
    history = many("a").with_columns(handle_minutes=pl.when(pl.int_range(pl.len()) > 0).then(pl.col("handle_minutes")))
    world = build_world(history, desk(team("a")), cutoff=LATER, seed=1, sla_masks={})
    assert not all_traced(world, decide(["a"] * 60))
