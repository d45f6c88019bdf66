"""The shipped operations.yaml, and desks of other sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic_desks import DATA, desk_operations

from triage_lab.domain.desk import Operations, Span
from triage_lab.domain.errors import NOWHERE, UsageError
from triage_lab.lab.documents import parse_document
from triage_lab.lab.operations import read_operations
from triage_lab.replay.synthetic import operations_text, scaled_operations
from triage_lab.replay.synthetic.parameters import TEAMS
from triage_lab.replay.synthetic.roster import SHORTEST_SHARE, needed_agents, staff


def weekly_hours(operations: Operations, team: str) -> float:
    """Hours a week that a team's agents are on shift (168 each round the clock)."""
    calendar = operations.calendars[operations.teams[team].calendar]
    hours = 0.0
    for agent in operations.teams[team].agents:
        spans = agent.shifts or calendar.spans
        hours += sum(span.end - span.start for span in spans) / 60 if spans else 168.0
    return hours


def test_the_shipped_file_is_the_text_for_20000_tickets() -> None:
    assert (DATA / "operations.yaml").read_text("utf-8") == operations_text()
    assert operations_text() == operations_text(20_000)


def test_the_shipped_desk_has_what_the_demo_needs() -> None:
    operations = read_operations(DATA / "operations.yaml")
    assert set(operations.teams) == set(TEAMS)
    assert operations.manual_triage_team == "triage"
    assert operations.calendars["always"].always
    assert {operations.teams[team].calendar for team in TEAMS} == {"always", "berlin", "newyork", "singapore"}
    assert {team.discipline.value for team in operations.teams.values()} == {"first_come", "priority", "earliest_due"}
    metrics = {target.target_id: (target.metric.value, target.limit_seconds) for target in operations.sla}
    assert metrics["ack-high"] == ("acknowledge", 900)
    assert {f"first-{tier}" for tier in ("high", "mid", "low")} <= set(metrics)
    assert {window.match for window in operations.escalation} == {
        f"mrr_tier = '{tier}'" for tier in ("high", "mid", "low")
    }
    assert set(operations.templates) == {
        "payment-reminder-1",
        "payment-reminder-2",
        "deal-alert",
        "legal-handoff",
        "sales-handoff",
    }
    assert operations.authorities
    assert any(agent.skills and agent.shifts for team in operations.teams.values() for agent in team.agents)


@pytest.mark.parametrize("tickets", [100, 1_000, 2_000, 20_000, 33_333, 250_000, 1_000_000])
def test_text_and_object_scale_alike(tickets: int) -> None:
    scaled, parsed = scaled_operations(desk_operations(20_000), tickets), desk_operations(tickets)
    assert scaled.teams == parsed.teams
    for one, other in zip((*scaled.sla, *scaled.escalation), (*parsed.sla, *parsed.escalation), strict=True):
        assert replace(one, place=NOWHERE) == replace(other, place=NOWHERE)
    assert scaled.calendars == parsed.calendars
    assert scaled.digest in ("", parsed.digest)


def test_weekly_hours_grow_with_the_volume_but_less_than_in_proportion() -> None:
    base = desk_operations(20_000)
    for team in TEAMS:
        hours = [weekly_hours(scaled_operations(base, size), team) for size in (500, 2_000, 20_000, 200_000, 2_000_000)]
        assert hours == sorted(hours), team
        assert hours[-1] < 100 * hours[2], team
        assert hours[-1] > 85 * hours[2], team


def test_square_root_staffing() -> None:
    assert needed_agents(8, 20_000) == pytest.approx(8)
    assert needed_agents(10, 80_000) == pytest.approx(10 * (0.88 * 4 + 0.12 * 2))
    hours = (Span(0, 480, 1080), Span(1, 480, 990))
    assert staff(8, hours, 20_000) == (8, hours)
    assert staff(10, hours, 80_000) == (38, hours)
    assert staff(1, (), 100) == (1, ()), "round the clock somebody is always there"
    count, spans = staff(1, hours, 100)
    assert count == 1
    assert spans == (Span(0, 480, 480 + 240), Span(1, 480, 480 + 210)), f"two fifths: {SHORTEST_SHARE}"


def test_a_small_desk_plays() -> None:
    """Every size that may be asked for has a desk on which each team works at least once a week."""
    for tickets in (100, 1_000):
        assert all(weekly_hours(desk_operations(tickets), team) >= 6 for team in TEAMS)


@pytest.mark.parametrize("tickets", [0, 99, 2_000_001])
def test_other_sizes_are_refused(tickets: int) -> None:
    with pytest.raises(UsageError):
        operations_text(tickets)
    with pytest.raises(UsageError):
        scaled_operations(desk_operations(), tickets)


def test_templates_are_named_with_their_files() -> None:
    document = parse_document(operations_text(), "operations.yaml")
    templates = document.data["templates"]
    assert isinstance(templates, dict)
    for name, entry in templates.items():
        text = (DATA / entry["file"]).read_text("utf-8")
        assert text.startswith("Subject: "), name
