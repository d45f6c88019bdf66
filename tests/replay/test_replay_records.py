"""Records that need no desk: history's decisions, routing only, and the observed arm."""

from __future__ import annotations

import polars as pl
import pytest
from replay_desks import MONDAY, decide, desk, log, played, random_case, team

from triage_lab.domain.errors import ReplayError
from triage_lab.replay import history_decisions, observe, route_only, unowned

HOUR = 3600
LATER = MONDAY + 10 * 86_400


def hours(*values: float) -> list[int]:
    return [MONDAY + int(value * HOUR) for value in values]


def test_history_decided_by_its_first_teams() -> None:
    history = log(hours(1, 2, 3), first_team_id=["b", None, "a"], priority_at_creation=["high", "P1", None])
    decisions = history_decisions(history, desk(team("a"), team("b")))
    assert decisions.to_dict(as_series=False) == {
        "rule_id": ["history"] * 3,
        "overridden_rule_id": [None] * 3,
        "outcome": ["rule"] * 3,
        "owner_team": ["b", "a", "a"],
        "priority": ["high", "normal", "normal"],
        "action_set_id": [0, 0, 0],
    }
    assert decisions.schema["action_set_id"] == pl.UInt32
    assert history_decisions(history, None)["owner_team"].to_list() == ["b", "manual-triage", "a"]
    assert unowned(history) == 1
    assert unowned(history.drop("first_team_id")) == 3


@pytest.mark.parametrize(
    "history", [log(hours(1)), log(hours(1, 2)).with_columns(first_team_id=pl.lit(None, pl.String))]
)
def test_a_log_without_owners_says_what_to_do(history: pl.DataFrame) -> None:
    with pytest.raises(ReplayError, match="this log has no owners") as raised:
        history_decisions(history, None)
    assert raised.value.exit_code == 3
    assert raised.value.action == "name a policy as --baseline"


def test_routing_only_knows_owners_and_misroutes() -> None:
    history = log(hours(1, 2, 3), resolver_team_id=["a", "b", "b"], truth_teams=[["a"], ["a", "c"], ["c"]])
    history = history.with_columns(resolver_team_id=pl.Series(["a", "b", None]))
    records = route_only(history, decide(["a", "a", "a"]), decision_latency_seconds=60, cutoff=MONDAY + 3 * HOUR)
    assert records["owned_at"].to_list() == [MONDAY + HOUR + 60, MONDAY + 2 * HOUR + 60, None]
    assert records["misrouted_resolver"].to_list() == [False, True, None]
    assert records["misrouted_labelled"].to_list() == [False, False, True]
    assert records.select("started_at", "wait_minutes", "handoffs", "censored_at").null_count().row(0) == (3,) * 4
    _, arm = played(
        history.with_columns(handle_minutes=1.0), desk(team("a"), team("b"), team("c")), decide(["a"] * 3), cutoff=LATER
    )
    assert records.schema == arm.records.schema
    with pytest.raises(ReplayError, match="1 decisions for 3 tickets"):
        route_only(history, decide(["a"]), decision_latency_seconds=60, cutoff=LATER)


def test_what_was_recorded_after_the_cutoff_is_not_known() -> None:
    history = log(
        hours(9, 9), owned_at=hours(9.5, 9.5), first_human_action_at=hours(10, 12), resolved_at=hours(11, 13),
        handle_minutes=[5.0, 5.0], first_team_id=["a", None], resolver_team_id=["a", "a"], handoffs=[0, 0],
    )  # fmt: skip
    records, states = observe(history, cutoff=MONDAY + 11 * HOUR, operations=None, sla_masks={})
    assert states is None
    assert records["started_at"].to_list() == [MONDAY + 10 * HOUR, None]
    assert records["resolved_at"].to_list() == [MONDAY + 11 * HOUR, None]
    assert records["censored_at"].to_list() == [None, MONDAY + 11 * HOUR]
    assert records["wait_minutes"].to_list() == [30.0, None]
    assert records["handle_minutes"].to_list() == [5.0, None]
    assert records["misrouted_resolver"].to_list() == [False, None]


def test_the_wait_of_a_ticket_that_was_handed_off_is_unknown() -> None:
    history = log(hours(9, 9), owned_at=hours(9, 9), first_human_action_at=hours(10, 10), handoffs=[1, None])
    records, _ = observe(history, cutoff=LATER, operations=None, sla_masks={})
    assert records["wait_minutes"].to_list() == [None, 60.0]


@pytest.mark.parametrize("seed", range(4))
def test_a_played_arm_written_down_is_observed_as_it_was(seed: int) -> None:
    case = random_case(seed, 60)
    world, arm = played(**case)
    history = case["history"].with_columns(
        first_team_id=arm.records["owner_team"],
        handle_minutes=arm.records["handle_minutes"],
        first_action_at=arm.records["started_at"],
        **{
            name: arm.records[name]
            for name in (
                "owned_at",
                "first_human_action_at",
                "acknowledged_at",
                "resolved_at",
                "handoffs",
                "escalations",
            )
        },
    )
    records, states = observe(history, cutoff=world.cutoff, operations=case["operations"], sla_masks=case["sla_masks"])
    single = (arm.records["handoffs"] == 0) & arm.records["started_at"].is_not_null()
    assert records.drop("wait_minutes").equals(arm.records.drop("wait_minutes"))
    assert records.filter(single)["wait_minutes"].equals(arm.records.filter(single)["wait_minutes"])
    assert states is None or states.equals(arm.sla_states)
