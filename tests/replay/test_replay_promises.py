"""SLA states: which target applies, when it is due, what its clock says."""

from __future__ import annotations

import naive_replay
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_desks import CALENDARS, MONDAY, decide, desk, log, played, random_case, segments_of, team

from triage_lab.domain.desk import SlaTarget
from triage_lab.domain.enums import SlaMetric
from triage_lab.domain.errors import ReplayError
from triage_lab.replay import observe

HOUR = 3600
LATER = MONDAY + 10 * 86_400
FIRST, ACK, RESOLVE = SlaMetric.FIRST_ACTION, SlaMetric.ACKNOWLEDGE, SlaMetric.RESOLVE


def hours(*values: float) -> list[int]:
    return [MONDAY + int(value * HOUR) for value in values]


def states(history: pl.DataFrame, *targets: SlaTarget, cutoff: int = LATER, **masks: list[bool]) -> list[tuple]:
    """Observed states as (row, metric, target, state)."""
    operations = desk(team("a"), sla=targets)
    given_masks = {name: np.array(mask) for name, mask in masks.items()}
    _, frame = observe(history, cutoff=cutoff, operations=operations, sla_masks=given_masks)
    assert frame is not None
    assert frame["cycle"].unique().to_list() == [1]
    return frame.select("row", "sla_metric", "target_id", "state").rows()


def test_done_by_the_due_second_is_met_and_a_second_later_breached() -> None:
    history = log(hours(9, 9, 9, 9), first_human_action_at=[MONDAY + 10 * HOUR, MONDAY + 10 * HOUR + 1, None, None])
    target = SlaTarget("t", FIRST, HOUR, "always")
    assert [row[3] for row in states(history, target)] == ["met", "breached", "breached", "breached"]
    assert [row[3] for row in states(history, target, cutoff=MONDAY + 10 * HOUR)] == ["met", *["breached"] * 3]
    assert [row[3] for row in states(history, target, cutoff=MONDAY + 10 * HOUR - 1)] == ["open"] * 4


def test_the_first_matching_target_in_file_order_applies() -> None:
    history = log(hours(9, 9, 9))
    targets = (SlaTarget("one", FIRST, HOUR, "always", "x"), SlaTarget("two", FIRST, HOUR, "always", "y"))
    found = states(history, *targets, one=[True, False, False], two=[True, True, False])
    assert found == [
        (0, "first_action", "one", "breached"),
        (1, "first_action", "two", "breached"),
        (2, "first_action", None, "not_applicable"),
    ]


def test_the_vendors_due_time_stands_in_for_a_resolve_target() -> None:
    history = log(hours(9, 9, 9), due_at=[MONDAY + 10 * HOUR] * 2 + [None], resolved_at=hours(11, 11, 11))
    found = states(history, SlaTarget("own", RESOLVE, 8 * HOUR, "always", "x"), own=[True, False, False])
    assert found == [
        (0, "resolve", "own", "met"),
        (1, "resolve", "vendor", "breached"),
        (2, "resolve", None, "not_applicable"),
    ]
    _, frame = observe(history, cutoff=LATER, operations=None, sla_masks={})
    assert frame is not None
    assert frame["target_id"].to_list() == ["vendor", "vendor", None]
    assert frame["elapsed_minutes"].to_list() == [120.0, 120.0, None]


def test_nothing_promised_is_no_frame_for_history_and_an_empty_one_for_an_arm() -> None:
    history = log(hours(9), handle_minutes=1.0)
    assert observe(history, cutoff=LATER, operations=desk(team("a")), sla_masks={})[1] is None
    _, arm = played(history, desk(team("a")), decide(["a"]), cutoff=LATER)
    assert arm.sla_states.height == 0
    assert arm.sla_states.columns == ["row", "sla_metric", "target_id", "cycle", "state", "due_at", "elapsed_minutes"]


def test_any_action_fulfils_only_targets_that_say_so() -> None:
    history = log(hours(9, 9), first_action_at=hours(9.5, 9.5), first_human_action_at=hours(12, 12))
    human = SlaTarget("human", FIRST, HOUR, "always", "x")
    robot = SlaTarget("robot", FIRST, HOUR, "always", "y", fulfil_by="any")
    found = states(history, human, robot, human=[True, False], robot=[False, True])
    assert [row[2:] for row in found] == [("human", "breached"), ("robot", "met")]


def test_the_acknowledgement_clock_stops_at_whichever_human_came_first() -> None:
    history = log(
        hours(9, 9, 9),
        acknowledged_at=[MONDAY + 11 * HOUR, MONDAY + 10 * HOUR, None],
        first_human_action_at=[MONDAY + 10 * HOUR, None, MONDAY + 12 * HOUR],
    )
    operations = desk(team("a"), sla=(SlaTarget("ack", ACK, HOUR, "always"),))
    records, frame = observe(history, cutoff=LATER, operations=operations, sla_masks={})
    assert frame is not None
    assert frame["elapsed_minutes"].to_list() == [60.0, 60.0, 180.0]
    assert records["acknowledged_at"].to_list() == hours(10, 10, 12)


def test_elapsed_time_is_calendar_time_to_the_stop_or_the_cutoff() -> None:
    history = log(hours(16, 16), first_human_action_at=[MONDAY + 33 * HOUR + 1800, None])
    operations = desk(team("a"), sla=(SlaTarget("t", FIRST, HOUR, "office"),))
    _, frame = observe(history, cutoff=MONDAY + 48 * HOUR, operations=operations, sla_masks={})
    assert frame is not None
    assert frame["elapsed_minutes"].to_list() == [90.0, 60.0 + 8 * 60]
    assert frame["due_at"].to_list() == hours(17, 17)


def test_a_target_on_a_calendar_that_never_opens_is_refused() -> None:
    operations = desk(team("a"), sla=(SlaTarget("t", FIRST, HOUR, "shut"),))
    shut = type(CALENDARS["office"])("shut", "UTC")
    operations = type(operations)(operations.teams, "a", {**CALENDARS, "shut": shut}, sla=operations.sla)
    with pytest.raises(ReplayError, match="does not open"):
        observe(log(hours(9)), cutoff=LATER, operations=operations, sla_masks={})


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_states_of_random_arms_equal_the_walked_clock(seed: int) -> None:
    case = random_case(seed, 30)
    rng = np.random.default_rng(seed)
    more = tuple(
        SlaTarget(f"m{number}", metric, int(rng.integers(1, 20)) * 1800, str(rng.choice(list(CALENDARS))), match="x")
        for number, metric in enumerate((ACK, RESOLVE, RESOLVE))
    )
    operations = case["operations"]
    case["operations"] = desk(
        *operations.teams.values(),
        sla=(*operations.sla, *more),
        escalation=operations.escalation,
        decision_latency_seconds=operations.decision_latency_seconds,
        inspection_seconds=operations.inspection_seconds,
    )
    case["sla_masks"] = case["sla_masks"] | {target.target_id: rng.random(30) < 0.5 for target in more}
    _, arm = played(**case)
    records = arm.records.to_dicts()
    seen = set()
    for state in arm.sla_states.to_dicts():
        row, metric = state["row"], state["sla_metric"]
        seen.add((row, metric))
        target = next(
            (one for one in case["operations"].sla if one.metric == metric and case["sla_masks"][one.target_id][row]),
            None,
        )
        if target is None:
            assert (state["state"], state["target_id"], state["due_at"]) == ("not_applicable", None, None)
            continue
        segments, arrived = segments_of(CALENDARS[target.calendar]), records[row]["arrived_at"]
        due = naive_replay.after(segments, arrived, target.limit_seconds)
        stop = records[row]["resolved_at" if metric == "resolve" else "started_at"]
        word = "met" if stop is not None and stop <= due else "breached" if stop or due <= case["cutoff"] else "open"
        assert (state["target_id"], state["due_at"], state["state"]) == (target.target_id, due, word)
        elapsed = naive_replay.overlap(segments, arrived, case["cutoff"] if stop is None else stop)
        assert state["elapsed_minutes"] == elapsed / 60
    metrics = {one.metric.value for one in case["operations"].sla}
    assert seen == {(row, metric) for row in range(30) for metric in metrics}
