"""SLA targets, escalation windows and inboxes read from a log."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inferred_logs import CUTOFF, DAY, HOUR, MONDAY, infer, stamps, table

from triage_lab.domain.desk import Calendar, Span
from triage_lab.domain.enums import SlaMetric
from triage_lab.replay import due_times
from triage_lab.replay.inference.modes import EXPLAINED, find_modes, match_text

N = 400
CREATED = MONDAY + np.arange(N) * 7 * 900
PRIORITIES = (["urgent", "high", "normal", "low"] * N)[:N]
LIMITS = {"urgent": HOUR, "high": 4 * HOUR, "normal": DAY, "low": DAY}


def tickets(**columns: object) -> pl.DataFrame:
    """Tickets of one team with priorities."""
    return table(
        ticket_id=[f"t{number:04d}" for number in range(N)],
        created_at=stamps(CREATED),
        first_team_id="a",
        resolver_team_id="a",
        priority_at_creation=PRIORITIES,
        **columns,
    )


def clocks(metric: str, **columns: object) -> pl.DataFrame:
    """The vendor's clocks of all tickets."""
    return table(
        ticket_id=[f"t{number:04d}" for number in range(N)],
        metric=metric,
        cycle=1,
        started_at=stamps(CREATED),
        **columns,
    )


def test_targets_of_the_vendor_by_priority() -> None:
    limits = [LIMITS[priority] for priority in PRIORITIES]
    desk = infer(tickets(), sla=clocks("first_action", target_seconds=limits))
    found = {item.target.target_id: item for item in desk.sla}
    assert {(item.target.limit_seconds, item.target.match) for item in desk.sla} == {
        (HOUR, "priority_at_creation = 'urgent'"),
        (4 * HOUR, "priority_at_creation = 'high'"),
        (DAY, "priority_at_creation IN ('low', 'normal')"),
    }
    assert all(item.target.metric is SlaMetric.FIRST_ACTION for item in desk.sla)
    assert all(item.target.calendar == "always" for item in desk.sla)
    assert "1 h" in found["first-action-1"].evidence.replace("60 min", "1 h")
    assert "100 of 100 cases (100 %)" in found["first-action-1"].evidence


def test_one_target_for_all_needs_no_condition() -> None:
    desk = infer(tickets(), sla=clocks("resolve", target_seconds=2 * DAY))
    assert [(item.target.target_id, item.target.match, item.target.limit_seconds) for item in desk.sla] == [
        ("resolve", None, 2 * DAY)
    ]


def test_business_hours_count_in_the_main_calendar() -> None:
    office = [
        (MONDAY + day * DAY + 9 * HOUR + minute * 600) for day in range(60) if day % 7 < 5 for minute in range(48)
    ]
    events = table(
        ticket_id=[f"t{number % N:04d}" for number in range(len(office))],
        at=stamps(office),
        kind="note",
        actor_type="agent",
        actor_id="p",
        team_id="a",
    )
    sla = clocks("acknowledge", target_seconds=900, business_hours=True)
    first = tickets().with_columns(created_at=pl.lit(stamps([MONDAY - DAY])[0]))
    desk = infer(first, events, sla)
    assert desk.sla[0].target.calendar == "hours-1"
    assert desk.calendars[0].calendar.spans == tuple(Span(day, 540, 1020) for day in range(5))


def test_due_times_tell_targets_in_the_calendar_that_explains_them() -> None:
    """Four business hours of an office week, told by due times only."""
    office = Calendar("office", "UTC", tuple(Span(day, 540, 1020) for day in range(5)))
    due = due_times(CREATED, 4 * HOUR, office)
    at = [moment for moment in range(MONDAY, MONDAY + 60 * DAY, 900) if moment // DAY % 7 not in (2, 3)]
    at = [moment for moment in at if 9 * HOUR <= moment % DAY < 17 * HOUR]
    events = table(
        ticket_id=[f"t{number % N:04d}" for number in range(len(at))],
        at=stamps(at),
        kind="note",
        actor_type="agent",
        actor_id="p",
        team_id="a",
    )
    early = tickets(due_at=stamps(due)).with_columns(pl.col("created_at"))
    desk = infer(early, events)
    weekdays = {span.weekday for span in desk.calendars[0].calendar.spans}
    assert weekdays == {0, 1, 2, 3, 4}
    assert [(item.target.limit_seconds, item.target.calendar) for item in desk.sla] == [(4 * HOUR, "hours-1")]
    assert "due_at less created_at" in desk.sla[0].evidence


def test_due_times_of_all_kinds_stay_the_vendors_own() -> None:
    rng = np.random.default_rng(1)
    desk = infer(tickets(due_at=stamps(CREATED + rng.integers(HOUR, 40 * DAY, N))))
    assert desk.sla == ()
    assert "due_at of 400 tickets stays the vendor's own target" in desk.notes["sla"]


def test_values_that_no_column_tells_are_named() -> None:
    rng = np.random.default_rng(2)
    desk = infer(tickets(), sla=clocks("first_action", target_seconds=rng.choice([HOUR, 5 * HOUR], N)))
    assert desk.sla == ()
    assert "60 min, 5 h" in desk.notes["sla"]
    assert "write the match yourself" in desk.notes["sla"]


def test_metrics_that_cannot_be_declared_are_named() -> None:
    desk = infer(tickets(), sla=clocks("next_reply", target_seconds=HOUR))
    assert desk.sla == ()
    assert "next_reply" in desk.notes["sla"]


def test_cancelled_and_later_clocks_do_not_count() -> None:
    good = clocks("resolve", target_seconds=DAY, state="met")
    again = clocks("resolve", target_seconds=HOUR, state="met").with_columns(cycle=pl.lit(2))
    gone = clocks("resolve", target_seconds=60, state="cancelled")
    desk = infer(tickets(), sla=pl.concat([good, again, gone]))
    assert [item.target.limit_seconds for item in desk.sla] == [DAY]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), min_size=20, max_size=80))
@settings(deadline=None, max_examples=60)
def test_modes_explain_what_they_say(cases: list[tuple[str, int]]) -> None:
    frame = pl.DataFrame(cases, schema=["category", "seconds"], orient="row").with_columns(
        pl.lit(None, pl.String).alias(name) for name in ("priority_at_creation", "type", "channel")
    )
    modes, explained = find_modes(frame)
    if not modes:
        assert explained < EXPLAINED
        return
    assert explained >= EXPLAINED
    agreeing = sum(
        1
        for category, seconds in cases
        if any(mode.seconds == seconds and (mode.key is None or category in mode.values) for mode in modes)
    )
    assert agreeing / len(cases) == pytest.approx(explained)
    assert sum(mode.agreeing for mode in modes) == agreeing


def test_conditions_quote_what_they_name() -> None:
    assert match_text("category", ("it's", "b")) == "category IN ('it''s', 'b')"


def escalated(delay: np.ndarray, rows: np.ndarray, to: str = "second") -> pl.DataFrame:
    """Escalations by a rule, and an answer of a person two days after every ticket."""
    ids = np.array([f"t{number:04d}" for number in range(N)])
    moves = table(
        ticket_id=ids[rows].tolist(),
        at=stamps(CREATED[rows] + delay),
        kind="escalated",
        actor_type="system",
        actor_id=pl.Series([None] * len(rows), dtype=pl.String),
        team_id=to,
        rule_id="esc",
    )
    answers = table(
        ticket_id=ids.tolist(),
        at=stamps(CREATED + 2 * DAY),
        kind="reply",
        actor_type="agent",
        actor_id="p",
        team_id="a",
        rule_id=pl.Series([None] * N, dtype=pl.String),
    )
    return pl.concat([moves, answers], how="diagonal_relaxed")


def test_a_constant_delay_is_a_window() -> None:
    rows = np.arange(N)
    jitter = np.random.default_rng(3).integers(0, 60, N)
    desk = infer(tickets(), escalated(2 * HOUR + jitter, rows))
    assert len(desk.escalation) == 1
    window = desk.escalation[0].window
    assert (window.after_seconds, window.calendar, window.to, window.match) == (2 * HOUR, "always", "second", None)
    assert "400 tickets moved" in desk.escalation[0].evidence


def test_a_window_for_one_priority_says_so() -> None:
    rows = np.flatnonzero(np.array(PRIORITIES) == "urgent")
    desk = infer(tickets(), escalated(np.full(len(rows), HOUR), rows))
    assert [item.window.match for item in desk.escalation] == ["priority_at_creation = 'urgent'"]


@pytest.mark.parametrize(
    ("rows", "delay"),
    [
        (np.arange(29), np.full(29, HOUR)),  # too few
        (np.arange(N), np.random.default_rng(5).integers(60, DAY, N)),  # no constant delay
        (np.random.default_rng(6).choice(N, 60, replace=False), np.full(60, HOUR)),  # some of those that waited
    ],
)
def test_moves_that_are_no_window(rows: np.ndarray, delay: np.ndarray) -> None:
    desk = infer(tickets(), escalated(delay, rows))
    assert desk.escalation == ()
    assert "not written" in desk.notes["escalation"]


def test_people_who_hand_on_are_no_window() -> None:
    ids = [f"t{number:04d}" for number in range(N)]
    moves = [
        table(
            ticket_id=ids,
            at=stamps(CREATED + delay),
            kind="assigned",
            actor_type=actor,
            actor_id="p",
            team_id=team,
        )
        for delay, actor, team in ((0, "automation", "a"), (HOUR, "agent", "b"))
    ]
    desk = infer(tickets(), pl.concat(moves))
    assert desk.escalation == ()
    assert desk.notes["escalation"] == "no ticket moved to another team by itself"


def test_inboxes_with_channel_source_and_owner() -> None:
    log = tickets(
        inbox=["help@example.com"] * 300 + ["Büro Post"] * 50 + [None] * 50,
        channel=["email"] * 299 + ["phone"] * 101,
        source="desk",
    )
    signals = table(
        signal_id=[f"s{number}" for number in range(8)],
        inbox=["hook"] * 6 + ["help@example.com"] * 2,
        channel="webhook",
        source="monitor",
        ticket_id=[f"t{number:04d}" for number in range(8)],
        duplicate_of=[None] * 5 + ["s1"] + [None] * 2,
    )
    desk = infer(log, signals=signals)
    boxes = {item.inbox.inbox_id: item for item in desk.inboxes}
    assert list(boxes) == ["help@example.com", "hook"]
    assert (boxes["help@example.com"].inbox.channel, boxes["help@example.com"].inbox.source) == ("email", "desk")
    assert boxes["help@example.com"].evidence == "300 arrivals: 100 % go to a first"
    assert boxes["hook"].inbox.intake_owner == "a"
    assert boxes["hook"].evidence.startswith("5 arrivals")
    assert "'Büro Post'" in desk.notes["inboxes"]
    assert desk.basis.startswith("400 tickets")
    assert CREATED.max() < CUTOFF
