"""What must not change, or must change just so, when a desk is told in another way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_desks import ALWAYS, CALENDARS, played, random_case

from triage_lab.domain.desk import Calendar, Operations, Span
from triage_lab.replay import history_decisions, in_ticket_order, run_queue

TIMES = ["arrived_at", "owned_at", "started_at", "first_action_at", "first_human_action_at", "acknowledged_at",
         "resolved_at", "censored_at"]  # fmt: skip
SEEDS = range(6)


def with_operations(case: dict, **change: object) -> dict:
    """The case with other operations."""
    return {**case, "operations": replace(case["operations"], **change)}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_the_rows_given_does_not_matter(seed: int) -> None:
    case = random_case(seed, 80)
    _, before = played(**case)
    shuffle = np.random.default_rng(seed).permutation(80)
    together = pl.concat([case["history"], case["decisions"]], how="horizontal").with_columns(
        **{f"mask_{name}": mask for masks in ("sla_masks", "escalation_masks") for name, mask in case[masks].items()}
    )
    again = in_ticket_order(together[shuffle])
    assert again.equals(together)
    _, after = played(
        **{
            **case,
            "history": again.select(case["history"].columns),
            "decisions": again.select("owner_team", "priority"),
            "sla_masks": {name: again[f"mask_{name}"].to_numpy() for name in case["sla_masks"]},
            "escalation_masks": {name: again[f"mask_{name}"].to_numpy() for name in case["escalation_masks"]},
        }
    )
    assert after.records.equals(before.records)


@pytest.mark.parametrize("seed", SEEDS)
def test_round_the_clock_hours_are_no_hours(seed: int) -> None:
    case = random_case(seed, 80)
    around = Calendar("always", "UTC", tuple(Span(day, 0, 1440) for day in range(7)))
    minutes = Calendar(
        "always", "UTC", tuple(Span(day, start, start + 60) for day in range(7) for start in range(0, 1440, 60))
    )
    arms = [
        played(
            **with_operations(
                case,
                calendars=dict.fromkeys(CALENDARS, hours),
                teams={
                    name: replace(one, agents=tuple(replace(agent, shifts=()) for agent in one.agents))
                    for name, one in case["operations"].teams.items()
                },
            )
        )[1]
        for hours in (ALWAYS, around, minutes)
    ]
    assert arms[0].records.equals(arms[1].records)
    assert arms[0].records.equals(arms[2].records)
    assert arms[0].sla_states.equals(arms[2].sla_states)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shift_by_whole_weeks_shifts_everything(seed: int) -> None:
    case = random_case(seed, 80)
    week = 3 * 7 * 86_400  # no zone of the desks changes its clock in these weeks
    moved = {
        **case,
        "history": case["history"].with_columns(pl.col("arrived_at") + week),
        "cutoff": case["cutoff"] + week,
    }
    _, before = played(**case)
    _, after = played(**moved)
    assert after.records.with_columns(pl.col(TIMES) - week).equals(before.records)
    assert after.sla_states.with_columns(pl.col("due_at") - week).equals(before.sla_states)


@pytest.mark.parametrize("seed", SEEDS)
def test_right_owners_are_never_inspected(seed: int) -> None:
    case = random_case(seed, 80)
    truth = pl.Series([list(case["operations"].teams)[number % len(case["operations"].teams)] for number in range(80)])
    history = case["history"].with_columns(
        resolver_team_id=truth, first_team_id=truth, truth_teams=pl.lit(None, pl.List(pl.String))
    )
    quiet = with_operations({**case, "history": history, "escalation_masks": {}}, escalation=())
    _, arm = played(**{**quiet, "decisions": history_decisions(history, case["operations"])})
    assert arm.records["handoffs"].sum() == 0
    assert arm.records["misrouted_resolver"].sum() == 0
    slow = with_operations({**quiet, "decisions": history_decisions(history, None)}, inspection_seconds=86_400)
    assert played(**slow)[1].records.equals(arm.records)


@pytest.mark.parametrize("seed", SEEDS)
def test_names_of_teams_do_not_matter(seed: int) -> None:
    case = random_case(seed, 80)
    names = list(case["operations"].teams)
    new = {name: f"z{len(names) - number}" for number, name in enumerate(names)}
    renamed = [replace(one, team_id=new[name]) for name, one in reversed(case["operations"].teams.items())]
    operations = Operations(
        {one.team_id: one for one in renamed},
        new[case["operations"].manual_triage_team],
        CALENDARS,
        sla=case["operations"].sla,
        escalation=tuple(replace(window, to=new[window.to]) for window in case["operations"].escalation),
        decision_latency_seconds=case["operations"].decision_latency_seconds,
        inspection_seconds=case["operations"].inspection_seconds,
    )
    history = case["history"].with_columns(
        pl.col("resolver_team_id").replace(new), pl.col("truth_teams").list.eval(pl.element().replace(new))
    )
    decisions = case["decisions"].with_columns(pl.col("owner_team").replace(new))
    _, before = played(**case)
    _, after = played(**{**case, "history": history, "operations": operations, "decisions": decisions})
    back = {value: key for key, value in new.items()}
    assert after.records.with_columns(pl.col("owner_team", "resolver_team").replace(back)).equals(before.records)
    assert {back[name]: seconds for name, seconds in after.busy_seconds.items()} == before.busy_seconds


@pytest.mark.parametrize("seed", SEEDS)
def test_a_window_that_never_comes_is_no_window(seed: int) -> None:
    case = random_case(seed, 80)
    windows = tuple(replace(window, after_seconds=10**8, calendar="always") for window in case["operations"].escalation)
    _, late = played(**with_operations(case, escalation=windows))
    _, none = played(**with_operations({**case, "escalation_masks": {}}, escalation=()))
    assert late.records.equals(none.records)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), agents=st.integers(1, 6), longer=st.integers(0, 300))
def test_in_a_plain_queue_more_agents_and_shorter_work_hurt_nobody(seed: int, agents: int, longer: int) -> None:
    rng = np.random.default_rng(seed)
    arrived, handle = rng.integers(0, 20_000, 200), rng.integers(1, 900, 200)
    starts = run_queue(arrived, handle, agents=agents)["started_at"].to_numpy()
    assert (run_queue(arrived, handle, agents=agents + 1)["started_at"].to_numpy() <= starts).all()
    extra = handle + rng.integers(0, longer + 1, 200)
    assert (run_queue(arrived, extra, agents=agents)["started_at"].to_numpy() >= starts).all()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), agents=st.integers(1, 5))
def test_nobody_waits_while_an_agent_is_idle(seed: int, agents: int) -> None:
    rng = np.random.default_rng(seed)
    arrived, handle = rng.integers(0, 5_000, 120), rng.integers(1, 300, 120)
    priority = rng.integers(0, 4, 120)
    queue = run_queue(arrived, handle, agents=agents, priority=priority)
    starts, ends = queue["started_at"].to_numpy(), queue["finished_at"].to_numpy()
    assert (ends - starts == handle).all()
    for second in np.unique(np.concatenate([arrived, starts, ends])):
        waiting = ((arrived <= second) & (starts > second)).sum()
        busy = ((starts <= second) & (ends > second)).sum()
        assert busy <= agents
        assert not waiting or busy == agents


def test_rerunning_gives_the_same_bytes() -> None:
    case = random_case(3, 80)
    (_, one), (_, two) = played(**case), played(**case)
    assert one.records.equals(two.records)
    assert one.trail.time.tobytes() == two.trail.time.tobytes()
    assert one.trail.arg.tobytes() == two.trail.arg.tobytes()
