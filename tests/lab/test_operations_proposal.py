"""`operations propose` and `operations show`: a file that parses, replays, never overwrites, and can be drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import triage_lab as tl
from triage_lab import replay, store
from triage_lab.domain.desk import Agent, Calendar, HandleTimes, Inbox, Operations, SlaTarget, Span, Team, is_name
from triage_lab.domain.enums import SlaMetric
from triage_lab.domain.errors import ConfigError, StoreError, UsageError
from triage_lab.lab import Lab
from triage_lab.lab.documents import parse_document
from triage_lab.lab.operations import parse_operations, read_operations
from triage_lab.lab.operations_proposal import propose, show
from triage_lab.lab.operations_text import operations_yaml, scalar
from triage_lab.lab.operations_view import on_duty, quartiles, view
from triage_lab.lab.snapshot import read_snapshot
from triage_lab.replay.inference import (
    InferredCalendar,
    InferredDesk,
    InferredInbox,
    InferredTarget,
    InferredTeam,
    InferredTimes,
)

SERVICENOW = (
    Path(__file__).resolve().parents[2].parent / "shared/data/servicenow_incidents/incident_event_log_10pct.csv.gz"
)
NASTY = [
    "Group 56",
    "56",
    "Büro: Süd #1",
    'it\'s "ours"',
    "- yes",
    "no",
    "null",
    "{a: b}",
    "北京",
    "a\\b",
    "&x *y !z %",
]


def bare(folder: Path) -> Lab:
    """A lab without operations.yaml, policies and templates."""
    tl.init(folder)
    lab = tl.open_lab(folder)
    lab.config.operations.unlink(missing_ok=True)
    for policy in lab.config.policies.glob("*.yaml"):
        policy.unlink()
    return tl.open_lab(folder)


def csv_of(folder: Path, teams: list[str]) -> Path:
    """A plain list of tickets of some teams, solved by people in an office week."""
    rows = []
    for number in range(60 * len(teams)):
        team = number % len(teams)
        day = number // (6 * len(teams))
        hour, minute = 9 + number // len(teams) % 6, 10 + team % 40
        solved = f"2026-06-{1 + day // 5 * 7 + day % 5:02d}T{hour:02d}:{minute:02d}:00Z"
        rows.append(
            (str(number), solved.replace(f"T{hour:02d}", "T08"), solved, teams[team], f"Erika Mustermann {team}")
        )
    rows.append(("last", "2026-06-30T10:00:00Z", None, None, None))
    path = folder / "tickets.csv"
    pl.DataFrame(
        rows, schema=["ticket_id", "created_at", "resolved_at", "resolver_team_id", "agent_id"], orient="row"
    ).write_csv(path)
    return path


def test_a_list_of_tickets_becomes_a_desk(tmp_path: Path) -> None:
    lab = bare(tmp_path / "lab")
    lab.ingest([csv_of(tmp_path, NASTY)], table="tickets")
    proposal = propose(lab.config)
    assert proposal.path == lab.config.operations
    assert proposal.path.read_text("utf-8") == proposal.text
    operations = read_operations(proposal.path)
    assert set(operations.teams) == set(NASTY)
    assert all(f"teams.{team}" in operations.inferred for team in NASTY)
    assert set(operations.handle_times) == set(NASTY)
    assert "Mustermann" not in proposal.text
    assert proposal.guesses == ()
    assert all(text in proposal.text for text in proposal.warnings)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    lab = bare(tmp_path / "lab")
    lab.ingest([csv_of(tmp_path, ["a"])], table="tickets")
    lab.config.operations.write_text("teams: {a: {agents: 1}}\n")
    with pytest.raises(UsageError, match="is there already") as raised:
        propose(lab.config)
    assert "--out" in raised.value.action
    assert lab.config.operations.read_text() == "teams: {a: {agents: 1}}\n"
    beside = tmp_path / "lab" / "proposed.yaml"
    proposal = propose(lab.config, out=beside)
    assert proposal.path == beside
    assert set(read_operations(beside).teams) == {"a"}
    with pytest.raises(UsageError, match=r"proposed\.yaml is there already"):
        propose(lab.config, out=beside)


def test_a_store_without_tickets_is_refused(tmp_path: Path) -> None:
    lab = bare(tmp_path / "lab")
    with pytest.raises(StoreError):
        propose(lab.config)
    assert not lab.config.operations.exists()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    lab = bare(tmp_path / "lab")
    lab.ingest([csv_of(tmp_path, ["a"])], table="tickets")
    with pytest.raises(ConfigError, match="cannot be written"):
        propose(lab.config, out=tmp_path / "tickets.csv" / "operations.yaml")


def test_policies_that_do_not_fit_are_named_and_templates_are_listed(tmp_path: Path) -> None:
    lab = bare(tmp_path / "lab")
    lab.ingest([csv_of(tmp_path, ["a", "b"])], table="tickets")
    default = 'policy: {name}\nversion: "1"\nstage: draft\nrules: []\ndefault: {{then: {{route: {team}}}}}\n'
    (lab.config.policies / "fits.yaml").write_text(default.format(name="fits", team="b"))
    (lab.config.policies / "other.yaml").write_text(default.format(name="other", team="nowhere"))
    (lab.root / "templates").mkdir(exist_ok=True)
    (lab.root / "templates" / "hello.md").write_text("Hello.\n")
    proposal = propose(lab.config)
    (misfit,) = [text for text in proposal.warnings if text.startswith("policy ")]
    assert misfit.startswith("policy other does not fit this desk: ")
    assert "nowhere" in misfit
    assert "hello" in read_operations(proposal.path).templates


def test_a_demo_proposes_a_desk_that_backtests(demo_folder: Path, tmp_path: Path) -> None:
    """The demo's own log, without its operations.yaml."""
    lab = tl.open_lab(demo_folder)
    proposal = propose(lab.config, out=tmp_path / "operations.yaml")
    operations = read_operations(proposal.path)
    assert set(operations.teams) == set(read_operations(lab.config.operations).teams)
    assert operations.handle_times == {}
    assert "none needed" in proposal.text
    with store.open_store(lab.config.database, write=False) as con:
        snapshot = read_snapshot(con, lab.config, operations)
    world = replay.build_world(
        snapshot.history, replace(operations, sla=()), cutoff=snapshot.cutoff, seed=1, sla_masks={}
    )
    decisions = replay.history_decisions(snapshot.history, operations)
    masks = {window.window_id: pl.Series([False] * len(decisions)).to_numpy() for window in operations.escalation}
    played = replay.play(world, decisions, escalation_masks=masks)
    assert played.donors["operations"] == 0
    assert played.records["resolved_at"].null_count() < 0.2 * len(decisions)


def test_a_real_log_proposes_a_desk_that_replays(tmp_path: Path) -> None:
    if not SERVICENOW.exists():
        pytest.skip("the ServiceNow slice is not here")
    lab = bare(tmp_path / "lab")
    lab.ingest([SERVICENOW], source="servicenow", timezone="Europe/Berlin")
    proposal = propose(lab.config)
    operations = read_operations(proposal.path)
    assert len(operations.teams) > 40
    assert set(operations.handle_times) == set(operations.teams)
    assert operations.inferred
    with store.open_store(lab.config.database, write=False) as con:
        snapshot = read_snapshot(con, lab.config, operations)
    world = replay.build_world(snapshot.history, operations, cutoff=snapshot.cutoff, seed=1, sla_masks={})
    played = replay.play(world, replay.history_decisions(snapshot.history, operations), escalation_masks={})
    assert played.donors["operations"] > 0.9 * snapshot.history.height
    assert played.donors["operations"] == sum(played.donors.values())


def desk(name: str, evidence: str) -> InferredDesk:
    """An inferred desk with one of everything, named by a hostile text."""
    hours = Calendar("hours-1", "Europe/Berlin", (Span(0, 1320, 1800), Span(2, 0, 1440)))
    agent = Agent("a-1", shifts=(Span(0, 1320, 1740),))
    return InferredDesk(
        basis=evidence,
        teams=(InferredTeam(Team(name, "hours-1", (agent,)), False, 3, 1, None, evidence),),
        manual_triage_team=name,
        manual_triage_evidence=evidence,
        calendars=(InferredCalendar(hours, evidence),),
        handle_times=(InferredTimes(HandleTimes(name, (1, 60, 3600, 90_000), 4), "activity", evidence),),
        sla=(
            InferredTarget(
                SlaTarget(
                    "resolve", SlaMetric.RESOLVE, 90, "hours-1", f"category = '{name.replace(chr(39), chr(39) * 2)}'"
                ),
                evidence,
            ),
        ),
        escalation=(),
        inboxes=(InferredInbox(Inbox("in", name, name, name), evidence),),
        notes={"escalation": evidence},
        warnings=(evidence,),
        guesses=(evidence,),
    )


@given(
    name=st.text(min_size=1, max_size=30).filter(is_name) | st.sampled_from(NASTY),
    evidence=st.text(max_size=60).filter(lambda text: "\x00" not in text and text.isprintable()) | st.just("a\nb: # c"),
)
@settings(deadline=None, max_examples=50)
def test_whatever_the_names_the_file_says_the_same_desk(name: str, evidence: str) -> None:
    inferred = desk(name, evidence)
    document = parse_document(operations_yaml(inferred, warnings=(evidence,)), "operations.yaml")
    operations = parse_operations(document, Path())
    wanted = inferred.operations()
    assert operations.teams == wanted.teams
    assert operations.calendars == wanted.calendars
    assert operations.handle_times == wanted.handle_times
    assert operations.inboxes == wanted.inboxes
    assert operations.manual_triage_team == name
    assert [replace(target, place=wanted.sla[0].place) for target in operations.sla] == list(wanted.sla)
    marked = {f"teams.{name}", "calendars.hours-1", f"handle_times.{name}", "sla.0", "inboxes.in"}
    assert operations.inferred == marked
    assert document.data["teams"][name]["evidence"] == evidence


@given(st.text(max_size=20))
@settings(deadline=None, max_examples=80)
def test_scalars_are_read_as_they_are(text: str) -> None:
    if "\x00" in text or any(0xD800 <= ord(char) <= 0xDFFF for char in text) or not (text.isprintable() and text):
        return
    assert parse_document(f"key: {scalar(text)}\n", "x").data == {"key": text}
    assert parse_document(f"{scalar(text)}: 1\n", "x").data == {text: 1}


def operations_of(text: str) -> tuple[Operations, dict[str, object]]:
    """Parsed operations and their document."""
    document = parse_document(text, "operations.yaml")
    return parse_operations(document, Path()), dict(document.data)


DRAWN = """
manual_triage_team: gate
calendars:
  nights: {timezone: UTC, hours: {sun: ["22:00-02:30"]}, holidays: {country: DE, dates: ["2026-12-24"]}, inferred: true, evidence: why}
teams:
  gate: {calendar: always, agents: 2}
  night: {calendar: nights, discipline: priority, agents: [{id: a}, {id: b, shifts: {mon: ["09:00-10:30"]}}], inferred: true, evidence: seen}
handle_times:
  night: {quantiles: [1m, 3m, 5m], donors: 30, inferred: true, evidence: gaps}
sla: [{id: s, metric: resolve, limit: 2h, calendar: nights, match: "type = 'x'"}]
escalation: [{id: e, after: 30m, to: gate, inferred: true, evidence: moved}]
inboxes: {mail: {channel: email, intake_owner: gate}}
"""


def test_a_desk_is_laid_out() -> None:
    operations, data = operations_of(DRAWN)
    drawn = view(operations, data, file="operations.yaml")
    gate, night = drawn.teams
    assert gate.manual_triage
    assert gate.on_duty == tuple((2.0,) * 24 for _ in range(7))
    assert (gate.hours, gate.quartiles, gate.origin.inferred) == ("round the clock", None, False)
    assert night.on_duty[6][22:] == (1.0, 1.0)
    assert night.on_duty[0][:4] == (1.0, 1.0, 0.5, 0.0)
    assert night.on_duty[0][9:11] == (1.0, 0.5)
    assert sum(sum(day) for day in night.on_duty) == 6.0
    assert night.quartiles == (120, 180, 240)
    assert (night.discipline, night.donors, night.agents) == ("priority", 30, 2)
    assert (night.origin.evidence, night.handle_origin.evidence) == ("seen", "gaps")
    calendars = {item.name: item for item in drawn.calendars}
    assert calendars["nights"].holidays == "DE, 2026-12-24"
    assert calendars["nights"].hours == "sun 22:00-02:30"
    assert calendars["nights"].origin.evidence == "why"
    assert calendars["always"].teams == ("gate",)
    assert drawn.sla[0].text == "if type = 'x': resolve within 2h of nights time"
    assert drawn.escalation[0].text == "what nobody started after 30m (always) goes to gate"
    assert drawn.escalation[0].origin.inferred
    assert drawn.inboxes[0].text == "email, gate owns it first"
    assert drawn.inferred == 4


def test_showing_needs_a_file(tmp_path: Path) -> None:
    lab = bare(tmp_path / "lab")
    with pytest.raises(ConfigError, match="no operations file") as raised:
        show(lab.config)
    assert "operations propose" in raised.value.action
    lab.config.operations.write_text(DRAWN)
    assert show(lab.config).file == "operations.yaml"


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((10, 20), (13, 15, 18)),
        ((1, 1, 1), (1, 1, 1)),
        (tuple(range(1, 22)), (6, 11, 16)),
        ((0, 4, 8, 100), (3, 6, 31)),
    ],
)
def test_quartiles_lie_on_the_quantile_function(times: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    assert quartiles(HandleTimes("a", times)) == expected


def test_people_on_duty_do_not_count_tickets_in_hand() -> None:
    team = Team("a", "always", (Agent("x"),), concurrency=3)
    assert on_duty(team, Calendar("always", always=True))[3][3] == 1.0
