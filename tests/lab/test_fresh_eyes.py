"""What a new user trips over: names and files that differ, changed policies, failed recordings, odd exports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import triage_lab as tl
from triage_lab import store
from triage_lab.domain.errors import ConfigError, ExportError, InternalError, PolicyError, StoreError, UsageError
from triage_lab.lab import Lab
from triage_lab.lab.documents import parse_document
from triage_lab.lab.operations import parse_operations
from triage_lab.lab.propose import read_columns

TICKETS = "ticket_id,created_at,category,first_team_id\n" + "".join(
    f"T{number:02d},2026-01-{number:02d}T10:00:00Z,{('billing', 'access')[number % 2]},support\n"
    for number in range(1, 29)
)
POLICY = """policy: inner
version: "1"
stage: draft
rules: [{id: bill, when: "category = 'billing'", then: {route: billing}}]
default: {then: {route: support}}
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab with 28 tickets and a policy whose file has another name than the policy."""
    tl.init(tmp_path / "lab")
    (tmp_path / "tickets.csv").write_text(TICKETS)
    (tmp_path / "lab" / "policies" / "outer.yaml").write_text(POLICY)
    made = tl.open_lab(tmp_path / "lab")
    made.ingest([tmp_path / "tickets.csv"], table="tickets")
    return made


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_policy_is_found_by_the_name_inside_its_file(lab: Lab) -> None:
    run = lab.backtest("outer")
    assert run.result.candidate.name == "inner"
    assert lab.explain("T02").rule_id == "bill"
    assert lab.policy.show("inner").file == "policies/outer.yaml"
    with pytest.raises(PolicyError, match="unknown policy"):
        lab.explain("T02", policy="neither")


def test_explain_says_that_the_policy_has_changed_since_the_run(lab: Lab) -> None:
    run = lab.backtest("outer")
    assert lab.explain("T02").notices == ()
    (lab.root / "policies" / "outer.yaml").write_text(POLICY.replace("'billing'", "'access'"))
    now = lab.explain("T02")
    assert now.owner_team == "support"
    assert any(run.run_id in text and "bill, to billing" in text for text in now.notices)
    assert any(event.arm == "candidate" for event in now.timeline)


def test_another_policy_does_not_borrow_the_candidates_timeline(lab: Lab) -> None:
    lab.backtest("outer")
    other = lab.explain("T02", policy="starter")
    assert {event.arm for event in other.timeline} == {"baseline"}
    assert len(other.notices) == 1


def test_explain_of_a_run_of_history_asks_for_a_policy(lab: Lab) -> None:
    lab.backtest("history")
    with pytest.raises(StoreError, match="no policy"):
        lab.explain("T02")
    assert lab.explain("T02", policy="starter").rule_id == "billing"


@pytest.mark.parametrize("error", [KeyboardInterrupt, StoreError])
def test_a_run_that_is_not_stored_leaves_no_files(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    before = files(lab.root)

    def refuse(*_args: Any) -> None:
        raise error("full")

    monkeypatch.setattr(store, "save_run", refuse)
    with pytest.raises(error):
        lab.backtest("outer")
    assert files(lab.root) == before
    assert lab.runs() == ()


def test_failing_ids_and_run_are_stored_together(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from triage_lab import quality

    honest = quality.run_sql

    def interrupted(*args: Any, **options: Any) -> Any:
        if options.get("run_id"):
            raise KeyboardInterrupt
        return honest(*args, **options)

    monkeypatch.setattr(quality, "run_sql", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lab.backtest("outer")
    assert lab.runs() == ()


def test_a_rerun_keeps_the_bytes_and_refuses_others(lab: Lab) -> None:
    run = lab.backtest("outer")
    page = run.folder / "result.json"
    kept = page.read_bytes()
    assert lab.backtest("outer").run_id == run.run_id
    assert page.read_bytes() == kept
    page.write_bytes(kept.replace(b'"inner"', b'"other"', 1))
    with pytest.raises(InternalError, match=r"another result\.json") as caught:
        lab.backtest("outer")
    assert caught.value.exit_code == 70
    assert page.read_bytes() != kept


def test_a_segment_named_twice_is_one_and_an_empty_filter_is_refused(lab: Lab) -> None:
    assert lab.backtest("outer", by=["category", "category"]).result.scope.by == ("category",)
    with pytest.raises(PolicyError, match="empty"):
        lab.backtest("outer", where="")


def test_a_first_load_that_fails_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tl.init(tmp_path / "lab")
    fresh = tl.open_lab(tmp_path / "lab")
    (tmp_path / "tickets.csv").write_text(TICKETS)
    before = files(fresh.root)

    def interrupt(*_args: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "finish_load", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fresh.ingest([tmp_path / "tickets.csv"], table="tickets")
    assert files(fresh.root) == before
    assert not fresh.config.database.parent.exists()


def test_a_store_that_another_process_made_meanwhile_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tl.init(tmp_path / "lab")
    fresh = tl.open_lab(tmp_path / "lab")
    (tmp_path / "tickets.csv").write_text(TICKETS)

    def locked(database: Path, *, write: bool) -> None:
        database.parent.mkdir()
        database.write_bytes(b"theirs")
        raise StoreError("locked by another process", pid=1)

    monkeypatch.setattr(store, "open_store", locked)
    with pytest.raises(StoreError, match="locked"):
        fresh.ingest([tmp_path / "tickets.csv"], table="tickets")
    assert fresh.config.database.read_bytes() == b"theirs"


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-02-01T12:00:00", "America/New_York", datetime(2026, 2, 1, 17, tzinfo=UTC)),
        ("2026-02-01T12:00:00", None, datetime(2026, 2, 1, 12, tzinfo=UTC)),
        ("2026-02-01T12:00:00+01:00", "America/New_York", datetime(2026, 2, 1, 11, tzinfo=UTC)),
    ],
)
def test_a_snapshot_without_a_zone_is_in_the_zone_of_the_files(
    lab: Lab, tmp_path: Path, text: str, zone: str | None, expected: datetime
) -> None:
    lab.ingest([tmp_path / "tickets.csv"], table="tickets", snapshot_at=text, timezone=zone)
    assert lab.table("tickets")["snapshot_at"][0].replace(tzinfo=UTC) == expected


def test_a_snapshot_in_no_zone_is_a_usage_error(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no time zone 'Mars/X'"):
        lab.ingest([tmp_path / "tickets.csv"], table="tickets", snapshot_at="2026-02-01", timezone="Mars/X")


def test_a_proposal_reads_semicolons_and_loads_what_it_says(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "city.csv"
    path.write_text("ServiceRequestNum;CreatedDate;SRType;SLA met?\n1;2/29/2016 1:00:00 PM;it's: #1;ONTIME\n")
    with pytest.raises(ExportError, match="semicolons"):
        lab.propose(path)
    proposal = lab.propose(path, delimiter=";")
    (tmp_path / "columns.yaml").write_text(proposal.yaml)
    columns = read_columns(tmp_path / "columns.yaml")
    assert columns is not None
    assert (columns["ticket_id"], columns["created_at"]) == ("ServiceRequestNum", "CreatedDate")
    report = lab.ingest(
        [path], table="tickets", columns=columns, delimiter=";", timezone="UTC", layout="month_first"
    )  # fmt: skip
    assert (report.files[0].read, report.rejected) == (1, 0)


def test_a_proposal_doubts_a_unit_that_no_name_tells(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("call_id,call_time,handle_time\n1,2026-01-01T00:00:00Z,300\n")
    assert "handle_minutes: 'handle_time'  # unsure: must be in minutes" in lab.propose(path).yaml


def test_a_proposal_names_what_is_required_and_was_not_found(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("zzz,created_at\n1,2026-01-01T00:00:00Z\n")
    assert "# ticket_id: required" in lab.propose(path).yaml


def test_a_desk_without_known_handle_times_names_the_cutoff(lab: Lab, tmp_path: Path) -> None:
    lines = TICKETS.splitlines()
    rows = [lines[0] + ",handle_minutes,resolved_at"] + [line + ",5,2027-01-01T00:00:00Z" for line in lines[1:]]
    (tmp_path / "late.csv").write_text("\n".join(rows).replace(",T", ",L").replace("\nT", "\nL") + "\n")
    lab.ingest([tmp_path / "late.csv"], table="tickets")
    (lab.root / "operations.yaml").write_text(
        "manual_triage_team: support\nteams:\n  support: {calendar: always, agents: 2}\n"
        "  billing: {calendar: always, agents: 2}\n"
    )
    said: list[str] = []
    lab.backtest("outer", notice=said.append)
    assert any("by the data's cutoff, 2026-01-28T10:00:00Z" in text for text in said)
    manifest = next((lab.root / "reports").glob("*/manifest.json"))
    assert json.loads(manifest.read_text())["kind"] == "backtest"


def test_the_desk_says_what_it_could_not_use(lab: Lab, tmp_path: Path) -> None:
    header, *rows = TICKETS.splitlines()
    timed = [f"{row},{0 if number == 3 else 5}" for number, row in enumerate(rows)]
    (tmp_path / "timed.csv").write_text("\n".join([f"{header},handle_minutes", *timed]) + "\n")
    lab.ingest([tmp_path / "timed.csv"], table="tickets")
    (lab.root / "operations.yaml").write_text(
        "manual_triage_team: support\nteams:\n  support: {calendar: always, agents: 2}\n"
        "  billing: {calendar: always, agents: 2}\n"
    )
    run = lab.backtest("outer", baseline="outer")
    assert any("not positive" in notice for notice in run.result.notices)


@pytest.mark.parametrize(
    ("name", "right"), [("Group 56", True), ("Büro Süd (2)", True), (" x", False), ("a\u202eb", False)]
)
def test_teams_are_called_what_the_log_calls_them(name: str, right: bool) -> None:
    text = f'teams:\n  "{name}": {{calendar: always, agents: 2}}\n'
    if right:
        operations = parse_operations(parse_document(text, "operations.yaml"), Path())
        assert tuple(operations.teams) == (operations.manual_triage_team,) == (name,)
    else:
        with pytest.raises(ConfigError, match="is no name"):
            parse_operations(parse_document(text, "operations.yaml"), Path())
