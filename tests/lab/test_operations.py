"""operations.yaml: a full desk is read, every mistake is named with its line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from triage_lab.domain.desk import Discipline, Span
from triage_lab.domain.enums import SlaMetric
from triage_lab.domain.errors import ConfigError
from triage_lab.lab.assets import asset
from triage_lab.lab.documents import parse_document
from triage_lab.lab.operations import parse_operations, read_operations

DESK = """\
manual_triage_team: triage
decision_latency: 60s
inboxes: {billing-mail: {channel: email, source: zendesk, intake_owner: triage}}
calendars:
  berlin:
    timezone: Europe/Berlin
    hours: {mon-thu: ["09:00-13:00", "14:00-18:00"], sat: ["22:00-06:00"]}
    holidays: {country: DE, dates: ["2026-12-24"]}
teams:
  triage: {calendar: always, agents: 8}
  billing:
    calendar: berlin
    discipline: priority
    agents: [{id: a1, skills: [refunds], shifts: {mon-fri: ["09:00-13:00"]}}]
sla: [{id: first-high, match: "mrr_tier = 'high'", metric: first_action, limit: 4h, calendar: berlin, pause_when: [pending]}]
escalation: [{id: esc-high, after: 30m, calendar: always, to: triage}]
authorities: [{who: billing, may: [approve_credit], up_to: {amount: "500", currency: EUR}}]
fx: [{from: USD, to: EUR, rate: "0.92", valid_from: 2026-01-01}]
context: {seats: {type: integer, unit: seats, source: accounts.custom.seats, as_of: valid_from}}
"""


def read(text: str, base: Path = Path()) -> object:
    return parse_operations(parse_document(text, "operations.yaml"), base)


def test_a_full_desk() -> None:
    desk = parse_operations(parse_document(DESK, "operations.yaml"), Path())
    assert len(desk.teams["triage"].agents) == 8
    assert desk.teams["billing"].discipline is Discipline.PRIORITY
    assert desk.teams["billing"].agents[0].shifts[0] == Span(0, 540, 780)
    assert desk.calendars["berlin"].spans[-1] == Span(5, 1320, 1800), "a span past midnight belongs to its start day"
    assert desk.sla[0].metric is SlaMetric.FIRST_ACTION
    assert desk.sla[0].limit_seconds == 14400
    assert desk.sla[0].place.line == 15
    assert desk.escalation[0].after_seconds == 1800
    assert desk.fx[0].rate == Decimal("0.92")
    assert "always" in desk.calendars


def test_the_only_team_takes_manual_triage() -> None:
    desk = parse_operations(parse_document("teams: {a: {agents: 1}}", "o.yaml"), Path())
    assert desk.manual_triage_team == "a"
    assert desk.teams["a"].calendar == "always"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("calendar: berlin\n    discipline", "calendar: berln\n    discipline", "did you mean 'berlin'?"),
        ("to: triage}", "to: triaje}", "did you mean 'triage'?"),
        ("limit: 4h", "limit: 4 hours", "a duration"),
        ("agents: 8", "agents: 0", "from 1"),
        ("agents: 8", "agents: []", "no agents"),
        ("discipline: priority", "discipline: lifo", "not allowed"),
        ("timezone: Europe/Berlin", "timezone: Mars/Base", "unknown time zone"),
        ('"14:00-18:00"', '"12:00-18:00"', "overlap"),
        ('"14:00-18:00"', '"14-18"', "no hours"),
        ("mon-thu", "mo-thu", "no weekday"),
        ("country: DE", "country: Germania", "no holidays known"),
        ("metric: first_action", "metric: first_reply", "not allowed"),
        ("teams:\n", "teems: 1\nteams:\n", "unknown key 'teems'"),
        ("manual_triage_team: triage", "manual_triage_team: triag", "did you mean 'triage'?"),
        ("who: billing", "who: nobody", "unknown team or role"),
        ('rate: "0.92"', 'rate: "-1"', "above 0"),
        ("type: integer", "type: int", "not allowed"),
    ],
)
def test_a_mistake_is_named_with_its_line(before: str, after: str, words: str) -> None:
    assert before in DESK
    with pytest.raises(ConfigError) as caught:
        read(DESK.replace(before, after, 1))
    assert words in str(caught.value)
    assert caught.value.place.file == "operations.yaml"
    assert caught.value.place.line is not None
    assert caught.value.place.column is not None


def test_digest_ignores_layout_and_sees_meaning() -> None:
    first = parse_operations(parse_document(DESK, "a.yaml"), Path()).digest
    moved = parse_operations(parse_document("# a comment\n" + DESK, "b.yaml"), Path()).digest
    other = parse_operations(parse_document(DESK.replace("agents: 8", "agents: 9"), "a.yaml"), Path()).digest
    assert first == moved
    assert first != other


def test_templates_stay_inside_the_lab(tmp_path: Path) -> None:
    text = "teams: {a: {agents: 1}}\ntemplates: {t: {file: ../secret.md}}"
    with pytest.raises(ConfigError, match="leaves the lab"):
        read(text, tmp_path)
    (tmp_path / "t.md").write_text("Dear customer")
    desk = parse_operations(
        parse_document("teams: {a: {agents: 1}}\ntemplates: {t: {file: t.md, approved_by: null}}", "o.yaml"), tmp_path
    )
    assert len(desk.templates["t"].content_sha256) == 64
    assert desk.templates["t"].approved_by is None


def test_the_shipped_desk_is_valid() -> None:
    desk = read_operations(asset("operations.yaml"))
    assert len(desk.teams) >= 8
    assert len({calendar.timezone for calendar in desk.calendars.values()}) >= 3
