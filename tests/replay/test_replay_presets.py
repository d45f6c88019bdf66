"""Vendor presets: every knob has its note, and every clock equals the tick-by-tick twin under any rules."""

from __future__ import annotations

import dataclasses
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import naive_clocks
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.desk import Calendar, Span
from triage_lab.domain.errors import ReplayError
from triage_lab.replay.clock_hours import Schedules
from triage_lab.replay.presets import (
    PRESETS,
    CalendarPolicy,
    ClockMetric,
    ClockRules,
    ClockStart,
    FulfilBy,
    MergePolicy,
    OnReopen,
    OnTargetChange,
    OpenAsOf,
    Pause,
    ReplyCycles,
)
from triage_lab.replay.vendor_clocks import vendor_clocks

TICK = naive_clocks.TICK
CORE = (
    "ticket_id",
    "metric",
    "cycle",
    "started_at",
    "due_at",
    "fulfilled_at",
    "elapsed_seconds",
    "paused_seconds",
    "state",
)


@pytest.mark.parametrize("name", PRESETS)
def test_every_knob_says_where_it_comes_from(name: str) -> None:
    preset = PRESETS[name]
    assert preset.name == name
    assert [note.knob for note in preset.notes] == [field.name for field in dataclasses.fields(ClockRules)]
    assert all(len(note.note) > 20 for note in preset.notes)
    assert preset.title.endswith("-like") is any(not note.confirmed for note in preset.notes)
    assert pickle.loads(pickle.dumps(preset)) == preset
    assert hash(preset.rules) == hash(dataclasses.replace(preset.rules))


def test_presets_differ_where_vendors_do() -> None:
    rules = {name: preset.rules for name, preset in PRESETS.items()}
    assert list(rules) == ["zendesk", "salesforce", "servicenow"]
    assert len({one.clock_start for one in rules.values()}) == 3
    assert len({one.on_reopen for one in rules.values()}) == 3
    pauses = {name: dict(one.pause_when) for name, one in rules.items()}
    assert pauses["zendesk"] == {
        ClockMetric.REQUESTER_WAIT: {Pause.PENDING},
        ClockMetric.AGENT_WORK: {Pause.PENDING, Pause.HOLD},
    }
    assert set(pauses["salesforce"].values()) == {frozenset({Pause.STOPPED})}


# ---- the twin ------------------------------------------------------------------------------------------------------

CALENDARS = {
    "early": Calendar("early", "UTC", tuple(Span(day, 60, 400) for day in range(7))),
    "night": Calendar("night", "UTC", tuple(Span(day, 1200, 1560) for day in range(7))),
}
OPEN = {
    name: [(86_400 * day + 60 * span.start, 86_400 * day + 60 * span.end) for day in range(-2, 30) for span in calendar.spans[:1]]
    for name, calendar in CALENDARS.items()
}  # fmt: skip
KINDS = (
    "reply",
    "reply",
    "note",
    "status",
    "status",
    "status",
    "field",
    "ack",
    "resolved",
    "closed",
    "reopened",
    "merged",
    "deleted",
    "restored",
)
STATES = (
    "new",
    "Open",
    "pending",
    "Awaiting User Info",
    "on hold",
    "solved",
    "Resolved",
    "Closed",
    "Canceled",
    "in progress",
    "purple",
    None,
)
ticks = st.integers(0, 120).map(lambda n: n * TICK)


@st.composite
def one_event(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(KINDS))
    event: dict[str, Any] = {
        "ticket_id": draw(st.sampled_from("abc")), "at": draw(ticks), "kind": kind, "actor_type": None, "is_public": None, "field": None, "new_value": None,
    }  # fmt: skip
    if kind in ("reply", "note"):
        event["actor_type"] = draw(st.sampled_from(["agent", "customer", "automation", None]))
        event["is_public"] = False if kind == "note" else draw(st.sampled_from([True, True, None, False]))
    if kind in ("status", "reopened"):
        event["new_value"] = draw(st.sampled_from(STATES))
    if kind == "field":
        event |= {
            "field": draw(st.sampled_from(["IsStopped", "other"])),
            "new_value": draw(st.sampled_from(["true", "false"])),
        }
    if kind == "merged":
        event["new_value"] = draw(st.sampled_from(["a", "b", "c", "z"]))
    return event


one_target = st.fixed_dictionaries(
    {
        "ticket_id": st.sampled_from("abc"),
        "metric": st.sampled_from([metric.value for metric in ClockMetric]),
        "target_seconds": st.one_of(
            st.none(), st.integers(1, 40).map(lambda n: n * TICK), st.integers(1, 40).map(lambda n: n * TICK)
        ),
        "applied_at": st.one_of(st.just(0), ticks),
        "criteria_at": st.one_of(st.none(), ticks),
        "schedule_id": st.sampled_from([None, None, "early", "unknown"]),
        "business_hours": st.booleans(),
    }
)
any_rules = st.builds(
    ClockRules,
    clock_start=st.sampled_from(ClockStart),
    on_target_change=st.sampled_from(OnTargetChange),
    pause_when=st.lists(
        st.tuples(st.sampled_from(ClockMetric), st.frozensets(st.sampled_from(Pause))), unique_by=lambda one: one[0]
    ).map(tuple),
    pause_extends_due=st.booleans(),
    fulfil_by=st.sampled_from(FulfilBy),
    reply_cycles=st.sampled_from(ReplyCycles),
    on_reopen=st.sampled_from(OnReopen),
    calendar_policy=st.sampled_from(CalendarPolicy),
    merge_policy=st.sampled_from(MergePolicy),
    open_as_of=st.sampled_from(OpenAsOf),
)
all_rules = st.one_of(any_rules, st.sampled_from([preset.rules for preset in PRESETS.values()]))
SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "events": {"ticket_id": pl.String(), "at": pl.Int64(), "kind": pl.String(), "seq": pl.Int64(), "actor_type": pl.String(),
               "is_public": pl.Boolean(), "field": pl.String(), "new_value": pl.String()},
    "targets": {"ticket_id": pl.String(), "metric": pl.String(), "target_seconds": pl.Int64(), "applied_at": pl.Int64(),
                "criteria_at": pl.Int64(), "schedule_id": pl.String(), "business_hours": pl.Boolean()},
    "assigned": {"ticket_id": pl.String(), "schedule_id": pl.String(), "from_at": pl.Int64()},
}  # fmt: skip


@settings(max_examples=150)
@given(
    st.lists(ticks, min_size=3, max_size=3),
    st.lists(one_event(), max_size=14),
    st.lists(one_target, min_size=1, max_size=10),
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["early", "night", "unknown"]), ticks), max_size=4, unique_by=lambda one: (one[0], one[2])),
    all_rules,
    st.integers(20, 130).map(lambda n: n * TICK),
)  # fmt: skip
def test_the_clocks_equal_the_twin(
    created: list[int],
    events: list[dict[str, Any]],
    targets: list[dict[str, Any]],
    assigned: list[tuple[str, str, int]],
    rules: ClockRules,
    cutoff: int,
) -> None:
    tickets = [{"ticket_id": name, "created_at": at} for name, at in zip("abc", created, strict=True)]
    events = [{**event, "seq": place} for place, event in enumerate(events)]
    found = vendor_clocks(
        pl.DataFrame(tickets),
        pl.DataFrame(events, schema=SCHEMAS["events"]),
        pl.DataFrame(targets, schema=SCHEMAS["targets"]),
        Schedules(CALENDARS, pl.DataFrame(assigned, schema=SCHEMAS["assigned"], orient="row")),
        rules,
        cutoff=cutoff,
    )
    expected = naive_clocks.naive_clocks(tickets, events, targets, assigned, OPEN, rules, cutoff)
    assert sorted(found.select(CORE).rows()) == expected


def test_the_order_of_rows_does_not_matter() -> None:
    tickets = pl.DataFrame({"ticket_id": ["b", "a"], "created_at": [0, 0]})
    events = pl.DataFrame(
        {"ticket_id": ["a", "a", "b", "a"], "at": [60, 60, 90, 600], "seq": [2, 1, 1, 3], "kind": ["reply", "reply", "reply", "status"],
         "actor_type": ["agent", "customer", "agent", None], "new_value": [None, None, None, "solved"]}
    )  # fmt: skip
    targets = pl.DataFrame(
        {
            "ticket_id": ["a", "b", "a"],
            "metric": ["next_reply", "first_action", "resolve"],
            "target_seconds": [30, 60, 600],
        }
    )
    rules = PRESETS["zendesk"].rules
    straight = vendor_clocks(tickets, events, targets, None, rules, cutoff=1000)
    turned = vendor_clocks(tickets[::-1], events[::-1], targets[::-1], None, rules, cutoff=1000)
    assert straight.equals(turned)
    assert straight["ticket_id"].to_list() == ["a", "b"]


def test_what_lies_after_the_cutoff_is_not_seen() -> None:
    tickets = pl.DataFrame({"ticket_id": ["a", "later"], "created_at": [0, 500]})
    events = pl.DataFrame({"ticket_id": ["a"], "at": [300], "kind": ["reply"], "actor_type": ["agent"]})
    targets = pl.DataFrame({"ticket_id": ["a", "later"], "metric": ["first_action"] * 2, "target_seconds": [250, 10]})
    for cutoff, state, elapsed in (
        (200, "open", 200),
        (250, "breached", 250),
        (299, "breached", 299),
        (300, "breached", 300),
    ):
        clocks = vendor_clocks(tickets, events, targets, None, ClockRules(), cutoff=cutoff)
        assert clocks.select("ticket_id", "state", "elapsed_seconds").rows() == [("a", state, elapsed)]
    waits = dataclasses.replace(ClockRules(), open_as_of=OpenAsOf.BREACHED_WHEN_ENDED)
    assert vendor_clocks(tickets, events, targets, None, waits, cutoff=299)["state"].to_list() == ["open"]


def test_the_log_tells_the_schedules_of_tickets_where_nobody_else_does() -> None:
    tickets = pl.DataFrame({"ticket_id": ["a"], "created_at": [0]})
    events = pl.DataFrame(
        {"ticket_id": ["a", "a", "a"], "at": [0, 10_800, 21_600], "kind": ["field", "field", "status"], "field": ["schedule", "Schedule", None],
         "new_value": ["early", "never", "solved"]}
    )  # fmt: skip
    targets = pl.DataFrame({"ticket_id": ["a"], "metric": ["resolve"], "target_seconds": [90_000]})
    rules = dataclasses.replace(PRESETS["zendesk"].rules, calendar_policy=CalendarPolicy.IN_FORCE)
    found = vendor_clocks(tickets, events, targets, Schedules(CALENDARS), rules, cutoff=50_000)
    # an hour after midnight it opens; two of its hours, then three round the clock, as nobody knows the second schedule
    assert found.select("elapsed_seconds", "schedule_known").rows() == [(5 * 3600, False)]
    known = vendor_clocks(tickets, events.head(1), targets, Schedules(CALENDARS), rules, cutoff=50_000)
    assert known.select("elapsed_seconds", "schedule_known").rows() == [(340 * 60, True)]
    plain = vendor_clocks(tickets, events, targets, None, rules, cutoff=50_000)
    assert plain.select("elapsed_seconds", "schedule_known").rows() == [(21_600, False)]


def test_empty_tables_give_no_clocks_of_the_same_schema() -> None:
    tickets = pl.DataFrame({"ticket_id": ["a"], "created_at": [0]})
    events = pl.DataFrame(schema={"ticket_id": pl.String, "at": pl.Int64, "kind": pl.String})
    targets = pl.DataFrame({"ticket_id": ["a"], "metric": ["resolve"], "target_seconds": [60]})
    some = vendor_clocks(tickets, events, targets, None, ClockRules(), cutoff=10)
    assert some["state"].to_list() == ["open"]
    for parts in (
        (tickets.clear(), events, targets),
        (tickets, events, targets.clear()),
        (tickets, events, targets.with_columns(metric=pl.lit("csat"))),
    ):
        none = vendor_clocks(*parts, None, ClockRules(), cutoff=10)
        assert none.height == 0
        assert none.schema == some.schema


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ReplayError, match="targets without the column target_seconds"):
        vendor_clocks(
            pl.DataFrame({"ticket_id": ["a"], "created_at": [0]}),
            pl.DataFrame({"ticket_id": ["a"], "at": [0], "kind": ["created"]}),
            pl.DataFrame({"ticket_id": ["a"], "metric": ["resolve"]}),
            None, ClockRules(), cutoff=10,
        )  # fmt: skip


def test_times_may_come_as_the_store_gives_them() -> None:
    start = datetime(2026, 3, 1, 8, 0, 0, 900_000)  # noqa: DTZ001 - stored times carry no zone
    tickets = pl.DataFrame({"ticket_id": ["7"], "created_at": [start]})
    events = pl.DataFrame(
        {"ticket_id": ["7"], "at": [start + timedelta(minutes=5)], "kind": ["reply"], "actor_type": ["agent"]}
    )
    targets = pl.DataFrame({"ticket_id": ["7"], "metric": ["first_action"], "target_seconds": [300]})
    seconds = int(start.replace(tzinfo=UTC).timestamp())
    clocks = vendor_clocks(tickets, events, targets, None, ClockRules(), cutoff=seconds + 900)
    assert clocks.select("started_at", "due_at", "fulfilled_at", "state").rows() == [
        (seconds, seconds + 300, seconds + 300, "met")
    ]
