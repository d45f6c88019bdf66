"""What the desk does with a ticket: queues, closing hours, misroutes, escalations, the cutoff."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from replay_desks import ALWAYS, MONDAY, OFFICE, PRIORITIES, decide, desk, log, played, random_case, team

from triage_lab.domain.desk import Agent, Discipline, EscalationWindow, SlaTarget, Span, Team
from triage_lab.domain.enums import SlaMetric
from triage_lab.domain.errors import InternalError, ReplayError
from triage_lab.replay import Played, all_traced, build_world, history_decisions, in_ticket_order
from triage_lab.replay.play import run_desk, run_kernel, trail_bound
from triage_lab.replay.service import donor_tables

HOUR = 3600
LATER = MONDAY + 30 * 86_400


def starts(arm: Played) -> list[int | None]:
    """Starts in hours after Monday midnight; None where not started."""
    return [None if stamp is None else (stamp - MONDAY) / HOUR for stamp in arm.records["started_at"]]


def hours(*values: float) -> list[int]:
    return [MONDAY + int(value * HOUR) for value in values]


def plain(*teams: Team, **more: object) -> object:
    """A desk without decision latency."""
    return desk(*teams, decision_latency_seconds=0, **more)


def test_a_ticket_joins_its_queue_after_the_decision_latency() -> None:
    _, arm = played(
        log(hours(9), handle_minutes=1.0), desk(team("a"), decision_latency_seconds=90), decide(["a"]), cutoff=LATER
    )
    record = arm.records.row(0, named=True)
    assert record["owned_at"] == record["started_at"] == MONDAY + 9 * HOUR + 90
    assert record["wait_minutes"] == 0.0
    assert record["resolved_at"] == record["started_at"] + 60


def test_work_stops_at_closing_and_goes_on_at_opening() -> None:
    history = log(hours(16.5, 16.75), handle_minutes=60.0)
    _, arm = played(history, plain(team("a", calendar="office")), decide(["a", "a"]), cutoff=LATER)
    assert starts(arm) == [16.5, 24 + 9.5]
    assert arm.records["resolved_at"].to_list() == hours(24 + 9.5, 24 + 10.5)
    assert arm.records["wait_minutes"].to_list() == [0.0, 16.75 * 60]


def test_work_done_exactly_at_closing_is_done_at_closing() -> None:
    _, arm = played(
        log(hours(16), handle_minutes=60.0), plain(team("a", calendar="office")), decide(["a"]), cutoff=LATER
    )
    assert arm.records["resolved_at"].to_list() == hours(17)


def test_a_closed_desk_opens_with_the_most_urgent_ticket() -> None:
    history = log(hours(1, 2, 3, 4), handle_minutes=30.0)
    operations = plain(team("a", calendar="office", discipline=Discipline.PRIORITY))
    _, arm = played(history, operations, decide(["a"] * 4, ["low", "high", "urgent", "high"]), cutoff=LATER)
    assert starts(arm) == [10.5, 9.5, 9.0, 10.0]


def test_first_come_takes_no_notice_of_priority() -> None:
    history = log(hours(1, 2), handle_minutes=30.0)
    _, arm = played(history, plain(team("a", calendar="office")), decide(["a", "a"], ["low", "urgent"]), cutoff=LATER)
    assert starts(arm) == [9.0, 9.5]


def test_earliest_due_serves_promises_first_and_those_without_last() -> None:
    history = log(hours(1, 2, 3, 4), handle_minutes=30.0)
    targets = (
        SlaTarget("quick", SlaMetric.FIRST_ACTION, HOUR, "always", match="x"),
        SlaTarget("slow", SlaMetric.FIRST_ACTION, 9 * HOUR, "always", match="y"),
    )
    operations = plain(team("a", calendar="office", discipline=Discipline.EARLIEST_DUE), sla=targets)
    masks = {"quick": np.array([False, False, True, True]), "slow": np.array([False, True, True, False])}
    _, arm = played(history, operations, decide(["a"] * 4), cutoff=LATER, sla_masks=masks)
    assert starts(arm) == [10.5, 10.0, 9.0, 9.5]


def test_tickets_of_one_second_go_by_ticket_id() -> None:
    history = log(hours(9, 9, 9), handle_minutes=30.0).with_columns(pl.Series("ticket_id", ["Z", "a", "ä"]))
    _, arm = played(history, plain(team("a")), decide(["a"] * 3), cutoff=LATER)
    assert starts(arm) == [9.0, 9.5, 10.0]
    with pytest.raises(ReplayError, match="out of order"):
        played(history.reverse(), plain(team("a")), decide(["a"] * 3), cutoff=LATER)
    assert in_ticket_order(history.reverse()).equals(history)


def test_who_has_been_idle_longest_takes_the_next_ticket() -> None:
    history = log(hours(9, 9, 10, 11), handle_minutes=[30.0, 20.0, 10.0, 10.0])
    world, arm = played(history, plain(team("a", 2)), decide(["a"] * 4), cutoff=LATER)
    events = arm.events(world).filter(pl.col("event") == "start").sort("row")
    assert events["agent"].to_list() == ["a0", "a1", "a1", "a0"]


def test_every_agent_gets_a_first_ticket_before_any_gets_a_second() -> None:
    history = log(hours(9, 9, 9, 9, 9), handle_minutes=60.0)
    world, arm = played(history, plain(team("a", 2, concurrency=2)), decide(["a"] * 5), cutoff=LATER)
    events = arm.events(world).filter(pl.col("event") == "start").sort("row")
    assert events["agent"].to_list()[:4] == ["a0", "a1", "a0", "a1"]
    assert starts(arm) == [9.0, 9.0, 9.0, 9.0, 10.0]


def test_shifts_replace_the_teams_hours() -> None:
    late = Agent("late", shifts=(Span(0, 18 * 60, 20 * 60),))
    operations = plain(Team("a", "office", (Agent("early"), late)))
    history = log(hours(16.5, 17.5, 18.5), handle_minutes=120.0)
    world, arm = played(history, operations, decide(["a"] * 3), cutoff=LATER)
    assert starts(arm) == [16.5, 18.0, 24 + 10.5]
    agents = arm.events(world).filter(pl.col("event") == "start").sort("row")["agent"].to_list()
    assert agents == ["early", "late", "early"]


def test_nothing_happens_after_the_cutoff() -> None:
    history = log(hours(9, 9.5, 10), handle_minutes=60.0)
    at_the_end = {"cutoff": MONDAY + 10 * HOUR}
    _, arm = played(history, plain(team("a")), decide(["a"] * 3), **at_the_end)
    records = arm.records
    assert records["resolved_at"].to_list() == [MONDAY + 10 * HOUR, None, None]  # at the cutoff still happens
    assert starts(arm) == [9.0, 10.0, None]
    assert records["censored_at"].to_list() == [None, MONDAY + 10 * HOUR, MONDAY + 10 * HOUR]
    assert records["wait_minutes"].to_list() == [0.0, 30.0, None]
    assert records["handle_minutes"].to_list() == [60.0, None, None]
    _, arm = played(history, desk(team("a")), decide(["a"] * 3), **at_the_end)
    assert arm.records["owned_at"].to_list() == [MONDAY + 9 * HOUR + 60, MONDAY + int(9.5 * HOUR) + 60, None]


def test_an_overloaded_desk_ends_with_open_tickets() -> None:
    history = log([MONDAY + 60 * number for number in range(500)], handle_minutes=60.0)
    _, arm = played(history, plain(team("a", calendar="office")), decide(["a"] * 500), cutoff=MONDAY + 86_400)
    assert arm.records["resolved_at"].drop_nulls().len() == 8
    assert arm.busy_seconds == {"a": 8 * HOUR}


def test_a_misrouted_ticket_is_inspected_and_handed_off() -> None:
    history = log(hours(9, 9), resolver_team_id=["b", "b"], handle_minutes=30.0)
    world, arm = played(history, plain(team("a"), team("b"), inspection_seconds=600), decide(["a", "b"]), cutoff=LATER)
    first = arm.records.row(0, named=True)
    assert first["started_at"] == first["first_human_action_at"] == first["acknowledged_at"] == MONDAY + 9 * HOUR
    assert first["resolved_at"] == MONDAY + 10 * HOUR
    assert (first["handoffs"], first["wait_minutes"], first["handle_minutes"]) == (1, 20.0, 30.0)
    assert arm.events(world).filter(pl.col("row") == 0)["event"].to_list() == [
        "join",
        "inspect",
        "handoff",
        "join",
        "start",
        "resolve",
    ]
    assert arm.busy_seconds == {"a": 600, "b": 3600}
    assert arm.records["misrouted_resolver"].to_list() == [True, False]
    assert arm.records["resolver_team"].to_list() == ["b", "b"]
    assert len(arm.trail.of_ticket(1)) == 3


def test_an_inspection_takes_at_least_a_second() -> None:
    history = log(hours(9), resolver_team_id=["b"], handle_minutes=30.0)
    _, arm = played(history, plain(team("a"), team("b"), inspection_seconds=0), decide(["a"]), cutoff=LATER)
    assert arm.records["resolved_at"].to_list() == [MONDAY + 9 * HOUR + 1801]


@pytest.mark.parametrize(
    ("resolver", "labelled", "worker", "handoffs"),
    [
        ("b", None, "b", 1),
        ("a", None, "a", 0),
        (None, None, "a", 0),
        ("b", ["c", "b"], "b", 1),
        ("x", ["c", "b"], "c", 1),
        (None, ["x", "b", "c"], "b", 1),
        ("b", ["a", "c"], "a", 0),
        ("b", [], "b", 1),
        ("x", None, "a", 0),
        ("b", ["x"], "a", 0),
    ],
)
def test_where_a_ticket_ends(resolver: str | None, labelled: list[str] | None, worker: str, handoffs: int) -> None:
    history = log(hours(9), handle_minutes=5.0).with_columns(
        pl.Series("resolver_team_id", [resolver], dtype=pl.String),
        pl.Series("truth_teams", [labelled], dtype=pl.List(pl.String)),
    )
    world, arm = played(history, plain(team("a"), team("b"), team("c")), decide(["a"]), cutoff=LATER)
    assert arm.events(world).filter(pl.col("event") == "resolve")["team"].to_list() == [worker]
    assert arm.records["handoffs"].to_list() == [handoffs]
    expected = None if resolver is None else resolver != "a"
    assert arm.records["misrouted_resolver"].to_list() == [expected]
    assert arm.records["misrouted_labelled"].to_list() == [None if not labelled else "a" not in labelled]


def test_truth_teams_that_are_not_on_the_desk_are_counted() -> None:
    history = log(hours(9, 10), resolver_team_id=["x", "a"], handle_minutes=5.0)
    _, arm = played(history, plain(team("a")), decide(["a", "a"]), cutoff=LATER)
    assert arm.notices == ("1 tickets have no truth team on this desk; their owner works them",)


WINDOW = EscalationWindow("w", HOUR, "always", "b", match="x")


def test_an_escalation_moves_a_waiting_ticket() -> None:
    history = log(hours(9, 9.5), handle_minutes=240.0)
    operations = plain(team("a"), team("b"), escalation=(WINDOW,))
    masks = {"w": np.array([True, True])}
    world, arm = played(history, operations, decide(["a", "a"]), cutoff=LATER, escalation_masks=masks)
    assert starts(arm) == [9.0, 10.5]
    assert arm.records["escalations"].to_list() == [0, 1]
    assert arm.records["wait_minutes"].to_list() == [0.0, 60.0]
    events = arm.events(world).filter(pl.col("row") == 1)
    assert events["event"].to_list() == ["join", "escalate", "join", "start", "resolve"]
    assert events["window"].to_list() == [None, "w", None, None, None]


def test_an_escalation_to_where_a_ticket_waits_leaves_it_in_place() -> None:
    history = log(hours(9, 9, 9.25, 9.5), handle_minutes=120.0)
    masks = {"w": np.array([False, False, True, False])}
    operations = plain(team("b", 2), escalation=(WINDOW,))
    _, arm = played(history, operations, decide(["b"] * 4), cutoff=LATER, escalation_masks=masks)
    assert starts(arm) == [9.0, 9.0, 11.0, 11.0]
    assert arm.records["escalations"].to_list() == [0, 0, 1, 0]
    assert arm.records["wait_minutes"].to_list()[2] == 105.0


def test_an_escalation_in_the_second_of_the_start_comes_first() -> None:
    history = log(hours(9, 9), handle_minutes=60.0)
    operations = plain(team("a"), team("b"), escalation=(WINDOW,))
    masks = {"w": np.array([False, True])}
    world, arm = played(history, operations, decide(["a", "a"]), cutoff=LATER, escalation_masks=masks)
    assert arm.events(world).filter(pl.col("event") == "start")["team"].to_list() == ["a", "b"]


def test_every_window_fires_once_and_moves_to_the_end_of_the_queue() -> None:
    windows = (WINDOW, EscalationWindow("v", 2 * HOUR, "always", "a", match="y"))
    history = log(hours(9, 9, 9, 9.5), handle_minutes=360.0)
    operations = plain(team("a"), team("b"), escalation=windows)
    masks = {"w": np.array([False, False, True, False]), "v": np.array([False, False, True, False])}
    _, arm = played(history, operations, decide(["a", "b", "a", "a"]), cutoff=LATER, escalation_masks=masks)
    assert arm.records["escalations"].to_list() == [0, 0, 2, 0]
    assert starts(arm) == [9.0, 9.0, 21.0, 15.0]  # back at a, behind the one that joined at 9:30


def test_an_escalation_never_fires_before_there_is_an_owner() -> None:
    window = EscalationWindow("w", 10, "always", "b")
    operations = desk(team("a"), team("b"), escalation=(window,))
    world, arm = played(log(hours(9), handle_minutes=1.0), operations, decide(["a"]), cutoff=LATER)
    assert arm.events(world)["time"].to_list()[:3] == [MONDAY + 9 * HOUR + 60] * 3
    assert arm.records["escalations"].to_list() == [1]


def test_an_escalated_ticket_is_inspected_where_it_does_not_belong() -> None:
    history = log(hours(9, 9), handle_minutes=240.0, resolver_team_id=["a", "a"])
    operations = plain(team("a"), team("b"), escalation=(WINDOW,))
    masks = {"w": np.array([True, True])}
    world, arm = played(history, operations, decide(["a", "a"]), cutoff=LATER, escalation_masks=masks)
    events = arm.events(world).filter(pl.col("row") == 1)
    assert events["event"].to_list() == ["join", "escalate", "join", "inspect", "handoff", "join", "start", "resolve"]
    assert arm.records["handoffs"].to_list() == [0, 1]


@pytest.mark.parametrize("seed", range(8))
def test_recorded_owners_and_times_reproduce_the_recorded_desk(seed: int) -> None:
    """Identity: what a desk wrote down, replayed as ``history``, happens again to the second."""
    case = random_case(1000 + seed, 120)
    names = list(case["operations"].teams)
    solver = pl.Series([names[number % len(names)] for number in range(120)])
    truth = case["history"].with_columns(resolver_team_id=solver, truth_teams=pl.lit(None, dtype=pl.List(pl.String)))
    case |= {"history": truth, "cutoff": MONDAY + 200 * 86_400}
    _, first = played(**case)
    assert first.records["resolved_at"].null_count() == 0
    assert first.donors["trace"] < 120  # some times were drawn, and are recorded now
    recorded = truth.with_columns(
        first_team_id=case["decisions"]["owner_team"],
        priority_at_creation=case["decisions"]["priority"],
        handle_minutes=first.records["handle_minutes"],
    )
    again = history_decisions(recorded, case["operations"])
    world, second = played(**{**case, "history": recorded, "decisions": again})
    assert all_traced(world, again)
    assert second.donors["trace"] == 120
    assert second.records.equals(first.records)
    assert second.sla_states.equals(first.sla_states)


def test_owners_must_be_on_the_desk() -> None:
    with pytest.raises(ReplayError, match=r"not on the desk: None, y, z") as raised:
        played(
            log(hours(1, 2, 3, 4), handle_minutes=1.0),
            plain(team("a")),
            decide(["z", "a", "y", None]),
            cutoff=LATER,
        )
    assert raised.value.exit_code == 3
    assert raised.value.values["owners"] == (None, "y", "z")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decisions": decide(["a"])}, "1 decisions for 2 tickets"),
        ({"decisions": decide(["a", "a"], ["high", "soon"])}, "unknown priorities: soon"),
        ({"cutoff": MONDAY + 9 * HOUR}, "1 tickets arrive after the cutoff"),
        ({"history": log(hours(9, 10))}, "no handle_minutes"),
        ({"history": log([])}, "holds no ticket"),
        ({"history": log(hours(9, 10), handle_minutes=1.0).drop("ticket_key")}, "no column ticket_key"),
        ({"history": log(hours(9, 10), handle_minutes="long")}, "wrong type"),
        ({"history": log(hours(10, 9), handle_minutes=1.0)}, "out of order"),
        ({"history": log(hours(9, 9), handle_minutes=1.0).with_columns(ticket_id=pl.lit("t"))}, "stored twice"),
        ({"history": log(hours(9, 10), handle_minutes=1.0).with_columns(arrived_at=pl.lit(None, pl.Int64))}, "NULL"),
        ({"operations": plain(Team("a", "always", ()))}, "has 0 agents"),
        ({"operations": plain(team("a", concurrency=0))}, "concurrency 0"),
        ({"operations": plain(team("a", calendar="lunar"))}, "unknown calendar 'lunar'"),
        ({"operations": plain(team("a"), escalation=(WINDOW,))}, "names team 'b'"),
        ({"escalation_masks": {"w": np.ones(2, dtype=bool)}}, "undeclared escalation windows: w"),
        ({"sla_masks": {"s": np.ones(2, dtype=bool)}}, "undeclared SLA targets: s"),
        ({"operations": plain(team("a"), team("b"), escalation=(WINDOW,))}, "no mask for 'w'"),
        (
            {
                "operations": plain(team("a"), team("b"), escalation=(WINDOW,)),
                "escalation_masks": {"w": np.ones(3, dtype=bool)},
            },
            r"shape \(3,\)",
        ),
    ],
)
def test_inputs_that_are_not_as_promised(change: dict[str, object], message: str) -> None:
    case = {
        "history": log(hours(9, 10), handle_minutes=1.0),
        "operations": plain(team("a")),
        "decisions": decide(["a", "a"]),
        "cutoff": LATER,
    }
    with pytest.raises(ReplayError, match=message):
        played(**{**case, **change})


def test_a_team_that_never_opens_is_refused_before_the_run() -> None:
    case = (log(hours(9), handle_minutes=1.0), decide(["a"]))
    shut = plain(team("a"), Team("b", "shut", (Agent("b0"),)))
    shut = type(shut)(shut.teams, "a", {**shut.calendars, "shut": type(OFFICE)("shut", "UTC")})
    with pytest.raises(ReplayError, match="'shut' never opens"):
        played(case[0], shut, case[1], cutoff=LATER)
    assert shut.calendars["always"] == ALWAYS


def test_handle_times_that_are_not_positive_are_counted_as_missing() -> None:
    history = log(hours(9, 10, 11, 12), handle_minutes=[5.0, 0.0, -1.0, float("nan")])
    world, arm = played(history, plain(team("a")), decide(["a"] * 4), cutoff=LATER)
    assert arm.notices == ("2 handle times are not positive and count as missing",)
    assert arm.donors == {"trace": 1, "team_category": 0, "team": 0, "operations": 0, "all": 3}
    assert arm.records["handle_minutes"].to_list() == [5.0] * 4
    assert world.trace.tolist() == [300, 0, 0, 0]


def test_categorical_columns_are_as_good_as_text() -> None:
    history = log(hours(9, 10), handle_minutes=5.0, resolver_team_id=["b", "a"], category=["x", "y"])
    as_enum = history.with_columns(
        pl.col("resolver_team_id").cast(pl.Enum(["b", "a"])), pl.col("category").cast(pl.Categorical)
    )
    decisions = decide(["a", "a"])
    as_words = decisions.with_columns(
        pl.col("owner_team").cast(pl.Categorical), pl.col("priority").cast(pl.Enum(PRIORITIES))
    )
    operations = plain(team("a"), team("b"))
    _, text = played(history, operations, decisions, cutoff=LATER)
    _, enum = played(as_enum, operations, as_words, cutoff=LATER)
    assert text.records.equals(enum.records)


def test_the_trail_never_outgrows_its_bound_and_a_full_one_stops_the_run() -> None:
    history = log(hours(9, 9), handle_minutes=5.0, resolver_team_id=["b", "b"])
    operations = plain(team("a"), team("b"), escalation=(WINDOW,))
    world, arm = played(history, operations, decide(["a", "a"]), cutoff=LATER, escalation_masks={"w": np.ones(2, bool)})
    assert len(arm.trail) == 12
    load = _load_of(world)
    assert trail_bound(load) >= 6
    for rows in range(6):
        with pytest.raises(InternalError, match="trail full"):
            run_kernel(world.roster.desk, load, rows)
    _, trail, _ = run_desk(world.roster, load)
    assert len(trail) == 6


def _load_of(world: object) -> object:
    """A load of two traced tickets on a world's desk."""
    from triage_lab.replay.arrays import DEADLINE, TICKET, Load, record_array

    tickets = record_array(
        TICKET, 2, owned=[10, 10], trace=[5, 5], draw=-1.0, owner=0, due_rank=0, resolver=-1, target=-1,
        truth=0, truth_stop=0, category=0, lane=0,
    )  # fmt: skip
    return Load(tickets, world.truth, world.donors, np.empty(0, dtype=DEADLINE), np.zeros(0, dtype=np.int32), 2**40, 1)


def test_a_time_that_was_not_drawn_stops_the_run() -> None:
    world = build_world(log(hours(9), handle_minutes=5.0), plain(team("a")), cutoff=LATER, seed=1, sla_masks={})
    load = _load_of(world)
    load.tickets["trace"] = 0
    with pytest.raises(InternalError, match="no draw"):
        run_kernel(world.roster.desk, load, 100)
    load.tickets["draw"] = 0.5
    empty = donor_tables(np.array([1]), np.array([0]), np.array([0]), teams=1, categories=1)
    empty.tables["count"] = 0
    with pytest.raises(InternalError, match="no draw"):
        run_kernel(world.roster.desk, load._replace(donors=empty), 100)
