"""Whole desks: the synthetic one whose roster is known, and logs of other kinds, down to one ticket."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from inferred_logs import CUTOFF, DAY, HOUR, MONDAY, call_log, city_log, csv_log, infer, stamps, table
from synthetic_desks import desk_of, desk_operations

from triage_lab.domain.errors import ReplayError
from triage_lab.replay import build_world, history_decisions, in_ticket_order, play
from triage_lab.replay.inference import InferredDesk, InferredTeam, infer_desk
from triage_lab.replay.inference.touch import quantiles_of
from triage_lab.replay.service import handle_seconds

TICKETS = 5_000
END = int(datetime(2026, 11, 1, tzinfo=ZoneInfo("UTC")).timestamp())
WEDNESDAY = date(2026, 9, 16)


@cache
def synthetic(touched: bool = True) -> InferredDesk:
    """The desk inferred from the synthetic log, with its touch times or without."""
    tables = desk_of(TICKETS).tables
    tickets = tables["tickets"]
    if not touched:
        tickets = tickets.with_columns(handle_minutes=pl.lit(None, pl.Float64))
    others = (tables[name] for name in ("ticket_events", "sla_instances", "signals"))
    return infer_desk(tickets, *others, timezone="Europe/Berlin", cutoff=END)


def by_team(desk: InferredDesk) -> dict[str, InferredTeam]:
    """Teams by name."""
    return {item.team.team_id: item for item in desk.teams}


def test_the_teams_are_found() -> None:
    assert set(by_team(synthetic())) == set(desk_operations(TICKETS).teams)
    assert [item.tickets for item in synthetic().teams] == sorted(
        (item.tickets for item in synthetic().teams), reverse=True
    )


@pytest.mark.parametrize(
    "team", ["billing", "collections", "legal-ops", "onboarding", "renewal-sme", "support", "technical"]
)
def test_the_hours_are_found_within_an_hour(team: str) -> None:
    """True working hours on an ordinary Wednesday, in their own zones, against the calendar in the lab's zone."""
    truth = desk_operations(TICKETS)
    calendar = truth.calendars[truth.teams[team].calendar]
    spans = [
        span
        for agent in truth.teams[team].agents
        for span in (agent.shifts or calendar.spans)
        if span.weekday == WEDNESDAY.weekday()
    ]
    zone = ZoneInfo(calendar.timezone)
    midnight = datetime(WEDNESDAY.year, WEDNESDAY.month, WEDNESDAY.day, tzinfo=zone)
    berlin = datetime(WEDNESDAY.year, WEDNESDAY.month, WEDNESDAY.day, tzinfo=ZoneInfo("Europe/Berlin"))
    opens, closes = (
        (midnight + timedelta(minutes=minutes) - berlin).total_seconds() / 60
        for minutes in (min(span.start for span in spans), max(span.end for span in spans))
    )
    desk = synthetic()
    hours = {item.calendar.calendar_id: item.calendar for item in desk.calendars}
    found = hours[by_team(desk)[team].team.calendar]
    own = next(span for span in found.spans if span.weekday == 2)
    assert abs(own.start - opens) <= 60
    assert abs(own.end - closes) <= 60
    assert {span.weekday for span in found.spans} == {0, 1, 2, 3, 4}


def test_the_agents_are_found() -> None:
    truth = desk_operations(TICKETS)
    for name, found in by_team(synthetic()).items():
        true, agents = len(truth.teams[name].agents), len(found.team.agents)
        assert abs(agents - true) <= max(1, 0.25 * true), name
        assert found.people == true, name


def test_public_holidays_show() -> None:
    """New York's teams rest on Labor Day and Columbus Day."""
    desk = synthetic()
    calendar = by_team(desk)["support"].team.calendar
    dates = next(item.calendar.holiday_dates for item in desk.calendars if item.calendar.calendar_id == calendar)
    assert dates == (date(2026, 9, 7), date(2026, 10, 12))


def test_recorded_handle_times_are_the_donors() -> None:
    tickets = desk_of(TICKETS).tables["tickets"]
    for item in synthetic().handle_times:
        own = tickets.filter(pl.col("resolver_team_id") == item.times.team_id)["handle_minutes"].drop_nulls()
        if own.len() < 20:
            continue
        assert item.times.donors == own.len()
        assert item.times.quantiles == quantiles_of(handle_seconds(own.to_numpy()))
        assert not item.needed


def test_handle_times_without_touch_times_are_near() -> None:
    """The median handle time from activity alone is within a factor of 1.4 of the true one."""
    truth = desk_of(TICKETS).truth["tickets"]
    true = dict(truth.group_by("resolver_team").agg(pl.col("handle_minutes").median() * 60).iter_rows())
    factors = {}
    for item in synthetic(touched=False).handle_times:
        assert item.needed
        if item.method == "activity":
            factors[item.times.team_id] = item.times.quantiles[10] / true[item.times.team_id]
    print({team: round(factor, 2) for team, factor in sorted(factors.items())})
    assert len(factors) >= 7
    assert all(1 / 1.4 <= factor <= 1.4 for factor in factors.values())


def test_promises_of_the_synthetic_desk() -> None:
    desk = synthetic()
    assert [(item.target.metric.value, item.target.limit_seconds) for item in desk.sla] == [("acknowledge", 900)]
    assert "3 h, 6 h, 10 h" in desk.notes["sla"]
    assert {item.inbox.inbox_id for item in desk.inboxes} == set(desk_operations().inboxes)


def test_row_order_does_not_matter() -> None:
    tables = desk_of(TICKETS).tables
    tickets, events, sla, signals = (
        tables[name].sample(fraction=1.0, shuffle=True, seed=3)
        for name in ("tickets", "ticket_events", "sla_instances", "signals")
    )
    assert infer_desk(tickets, events, sla, signals, timezone="Europe/Berlin", cutoff=END) == synthetic()


def test_what_happened_after_the_cutoff_is_not_seen() -> None:
    tables = desk_of(TICKETS).tables
    cutoff = END - 30 * DAY
    limit = stamps([cutoff])[0]
    cut = [
        tables["tickets"]
        .filter(pl.col("created_at") <= limit)
        .with_columns(
            pl.when((pl.col("resolved_at") <= limit).fill_null(True)).then(pl.col(name)).alias(name)
            for name in ("resolver_team_id", "handle_minutes")
        )
        .with_columns(pl.when(pl.col(name) <= limit).then(pl.col(name)) for name in ("first_action_at", "resolved_at")),
        tables["ticket_events"].filter(pl.col("at") <= limit),
        tables["sla_instances"],
        tables["signals"],
    ]
    early = infer_desk(*cut, timezone="Europe/Berlin", cutoff=cutoff)
    late = infer_desk(
        *(tables[name] for name in ("tickets", "ticket_events", "sla_instances", "signals")),
        timezone="Europe/Berlin",
        cutoff=cutoff,
    )
    assert late == early


def replayed(desk: InferredDesk, tickets: pl.DataFrame) -> dict[str, int]:
    """Play a log's own owners on its inferred desk; where handle times came from."""
    history = in_ticket_order(
        tickets.select(
            "ticket_id",
            ticket_key=pl.int_range(pl.len()).cast(pl.UInt64),
            arrived_at=pl.col("created_at").dt.timestamp("us") // 1_000_000,
            first_team_id=pl.col("first_team_id") if "first_team_id" in tickets.columns else pl.lit(None, pl.String),
            resolver_team_id=pl.col("resolver_team_id")
            if "resolver_team_id" in tickets.columns
            else pl.lit(None, pl.String),
        )
    )
    operations = desk.operations()
    owners = history["first_team_id"].fill_null(operations.manual_triage_team)
    cutoff = int(history["arrived_at"].max()) + 60 * DAY
    world = build_world(history, operations, cutoff=cutoff, seed=1, sla_masks={})
    decisions = pl.DataFrame({"owner_team": owners, "priority": "normal"})
    return dict(play(world, decisions, escalation_masks={}).donors)


def test_a_log_without_touch_times_replays_on_its_inferred_desk() -> None:
    tickets = desk_of(TICKETS).tables["tickets"].with_columns(handle_minutes=pl.lit(None, pl.Float64))
    desk = synthetic(touched=False)
    desk = replace(desk, sla=(), escalation=())
    donors = replayed(desk, tickets)
    assert donors["operations"] > 0.98 * TICKETS
    assert sum(donors.values()) == donors["operations"]
    assert history_decisions(tickets, desk.operations()).height == TICKETS


def test_a_call_log_gives_agents_hours_and_times() -> None:
    log, _ = call_log()
    desk = infer(log)
    assert [item.team.team_id for item in desk.teams] == ["desk"]
    assert len(desk.teams[0].team.agents) == 4
    assert desk.teams[0].flat
    spans = desk.calendars[0].calendar.spans
    assert {(span.weekday, span.start, span.end) for span in spans} == {(day, 540, 1020) for day in range(5)}
    assert any("names no team" in text for text in desk.warnings)
    assert desk.guesses == ()
    assert replayed(desk, log)["operations"] == log.height


def test_a_city_has_queues_but_no_people() -> None:
    desk = infer(city_log())
    assert {item.team.team_id for item in desk.teams} == {"Public Works", "Parks: #1 'Süd'"}
    assert all("a guess" in item.evidence for item in desk.teams)
    assert all(
        item.evidence == "no trace of work in this log: 15 minutes is a guess, change it" for item in desk.handle_times
    )
    assert len(desk.guesses) == 2
    assert [item.target.limit_seconds for item in desk.sla] == [10 * DAY]
    assert replayed(replace(desk, sla=()), city_log())["operations"] == 600


def test_guessed_agents_keep_pace_with_the_guess() -> None:
    many = pl.concat([city_log(seed=seed).with_columns(pl.col("ticket_id") + f"/{seed}") for seed in range(40)])
    desk = infer(many)
    assert all(item.utilisation is not None and item.utilisation <= 0.85 for item in desk.teams)
    assert any(len(item.team.agents) > 1 for item in desk.teams)
    assert desk.warnings == ()


def test_dates_without_a_time_of_day_tell_no_hours() -> None:
    log = csv_log().with_columns(pl.col("resolved_at").dt.truncate("1d") + pl.duration(days=1))
    desk = infer(log)
    assert desk.calendars == ()
    assert desk.teams[0].team.calendar == "always"
    assert len(desk.teams[0].team.agents) == 3
    assert any("dates without a time of day" in text for text in desk.warnings)
    assert any("round the clock" in text for text in desk.guesses)
    assert desk.handle_times[0].method == "guess"


def test_an_overloaded_team_is_named_and_not_staffed_up() -> None:
    """Two people, one hour of recorded work a ticket, and more tickets than they can do."""
    log = csv_log().with_columns(handle_minutes=pl.lit(200.0))
    desk = infer(log)
    assert len(desk.teams[0].team.agents) == 3
    assert desk.teams[0].utilisation > 0.95
    assert any("its queue will grow in a replay" in text for text in desk.warnings)


def one_ticket(**columns: object) -> pl.DataFrame:
    """A single ticket."""
    return table(ticket_id=["1"], created_at=stamps([MONDAY]), **columns)


@pytest.mark.parametrize(
    "log",
    [
        one_ticket(),
        one_ticket(first_team_id="a"),
        one_ticket(agent_id="somebody", resolved_at=stamps([MONDAY + HOUR])),
        one_ticket(resolver_team_id="a", handle_minutes=5.0),
        one_ticket(resolver_team_id="a", handle_minutes=float("nan"), due_at=stamps([MONDAY - DAY])),
    ],
)
def test_one_ticket_is_enough_for_a_desk(log: pl.DataFrame) -> None:
    desk = infer(log)
    assert len(desk.teams) == len(desk.handle_times) == 1
    assert len(desk.teams[0].team.agents) == 1
    assert desk.guesses
    replayed(desk, log)


def test_no_ticket_is_refused() -> None:
    for log in (one_ticket().clear(), one_ticket().with_columns(created_at=pl.lit(stamps([CUTOFF + 1])[0]))):
        with pytest.raises(ReplayError, match="no ticket by the cutoff"):
            infer(log)


def test_a_column_of_another_kind_is_refused() -> None:
    with pytest.raises(ReplayError, match="tickets has the wrong type"):
        infer(one_ticket(handle_minutes="long"))
    with pytest.raises(ReplayError, match="ticket_events has the wrong type"):
        infer(one_ticket(), events=table(ticket_id=["1"], at=["yesterday"]))


def test_times_that_no_calendar_can_place_are_left_out() -> None:
    far = stamps([253_402_214_400])  # 9999-12-31
    log = pl.concat([csv_log(), csv_log().head(1).with_columns(ticket_id=pl.lit("x"), created_at=pl.lit(far[0]))])
    assert infer(log).basis == infer(csv_log()).basis
    odd = csv_log().with_columns(due_at=pl.lit(far[0]))
    assert infer(odd).sla == ()


HOSTILE = ["\u202eevil", "a\nb", " outer", "x" * 101, "tab\tbed", "", "nbsp\u00a0name"]


def test_names_that_no_file_can_hold_are_named_and_left_out() -> None:
    n = len(HOSTILE)
    log = table(
        ticket_id=[str(number) for number in range(2 * n)],
        created_at=stamps(MONDAY + np.arange(2 * n)),
        first_team_id=HOSTILE + ["fine"] * n,
    )
    desk = infer(log)
    assert [item.team.team_id for item in desk.teams] == ["fine"]
    (warning,) = [text for text in desk.warnings if "cannot be declared" in text]
    assert warning.isprintable()
    assert warning.startswith(f"{n} teams")


def test_small_teams_stay_on_the_desk() -> None:
    log = csv_log().with_columns(
        first_team_id=pl.when(pl.col("ticket_id") == "7").then(pl.lit("attic")).otherwise(pl.lit("front"))
    )
    desk = infer(log)
    attic = by_team(desk)["attic"]
    assert len(attic.team.agents) == 1
    assert attic.evidence.startswith("few tickets: ")
    assert attic.team.calendar == by_team(desk)["front"].team.calendar


def test_the_team_that_hands_on_is_manual_triage() -> None:
    n = 300
    first = ["gate"] * 100 + ["a"] * 200
    last = ["a", "b"] * 45 + ["gate"] * 10 + ["a"] * 180 + ["b"] * 20
    log = table(
        ticket_id=[str(number) for number in range(n)],
        created_at=stamps(MONDAY + np.arange(n) * HOUR),
        resolved_at=stamps(MONDAY + np.arange(n) * HOUR + 60),
        first_team_id=first,
        resolver_team_id=last,
    )
    desk = infer(log)
    assert desk.manual_triage_team == "gate"
    assert "90 tickets of the 100 that it owned first (90 %)" in desk.manual_triage_evidence
    calm = infer(log.with_columns(resolver_team_id=pl.col("first_team_id")))
    assert calm.manual_triage_team == "a"
    assert "200 tickets of 300 first" in calm.manual_triage_evidence


def test_people_are_never_named() -> None:
    log, _ = call_log(weeks=2)
    desk = infer(log.with_columns(agent_id=pl.lit("Erika Mustermann ") + pl.col("agent_id")))
    assert "Mustermann" not in repr(desk)


DIGEST = """
import hashlib, sys
sys.path[:0] = [r"{tests}", r"{tests}/replay"]
import numpy as np
from inferred_logs import DAY, MONDAY, call_log, city_log, csv_log, infer, stamps, table
rng = np.random.default_rng(8)
events = table(
    ticket_id=rng.integers(0, 900, 6000).astype(str).tolist(), at=stamps(MONDAY + rng.integers(0, 80 * DAY, 6000)),
    kind=rng.choice(["assigned", "reply", "note", "escalated", "resolved"], 6000).tolist(),
    actor_type=rng.choice(["agent", "customer", "automation"], 6000).tolist(),
    actor_id=rng.integers(0, 30, 6000).astype(str).tolist(), team_id=rng.integers(0, 9, 6000).astype(str).tolist(),
)
found = [infer(csv_log(), events), infer(call_log(weeks=3)[0]), infer(city_log()), infer(csv_log())]
print(hashlib.sha256(repr(found).encode()).hexdigest())
"""


def test_threads_and_hash_seeds_change_nothing() -> None:
    tests = Path(__file__).resolve().parents[1]
    digests = set()
    for threads, seed in (("1", "1"), ("4", "2")):
        done = subprocess.run(
            [sys.executable, "-c", DIGEST.format(tests=tests)],
            env={**os.environ, "PYTHONPATH": str(tests.parent), "POLARS_MAX_THREADS": threads, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout)
    assert len(digests) == 1


def test_robots_are_pointed_out() -> None:
    at = MONDAY + np.arange(0, 20 * 24) * HOUR
    events = table(ticket_id="1", at=stamps(at), kind="note", actor_type="agent", actor_id="bot", team_id="a")
    desk = infer(one_ticket(first_team_id="a"), events)
    assert "robots or shared accounts?" in desk.teams[0].evidence
    assert desk.teams[0].team.calendar == "always"
