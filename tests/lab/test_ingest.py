"""Files in through the lab: all or nothing, twice is once, and the real log's known facts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest

import triage_lab as tl
from triage_lab.domain.errors import ConfigError, ExportError, UsageError
from triage_lab.lab import Lab

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    tl.init(tmp_path / "lab")
    return tl.open_lab(tmp_path / "lab")


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


GOOD = "ticket_id,created_at,category\nT1,2026-01-01T10:00:00Z,billing\nT2,2026-01-02T10:00:00Z,access\n"
MIXED = GOOD + "T3,not a time,billing\n,2026-01-03T10:00:00Z,billing\n"


def bytes_of(lab: Lab) -> str:
    return hashlib.sha256(lab.config.database.read_bytes()).hexdigest()


def test_rows_in_and_rejects_told(lab: Lab, tmp_path: Path) -> None:
    report = lab.ingest([write(tmp_path, "tickets.csv", MIXED)], table="tickets")
    assert (report.files[0].read, report.rejected) == (4, 2)
    assert lab.table("tickets")["ticket_id"].sort().to_list() == ["T1", "T2"]
    assert any("created_at" in reason for reason in report.files[0].reasons)


def test_the_same_content_twice_is_no_new_load(lab: Lab, tmp_path: Path) -> None:
    path = write(tmp_path, "tickets.csv", GOOD)
    assert lab.ingest([path], table="tickets").files[0].state == "loaded"
    assert lab.ingest([write(tmp_path, "renamed.csv", GOOD)], table="tickets").files[0].state == "unchanged"
    assert lab.table("tickets").height == 2


def test_strict_refuses_everything(lab: Lab, tmp_path: Path) -> None:
    lab.ingest([write(tmp_path, "first.csv", GOOD)], table="tickets")
    before = lab.table("tickets")
    with pytest.raises(ExportError, match="--strict") as caught:
        lab.ingest(
            [write(tmp_path, "a.csv", GOOD.replace("\nT", "\nU")), write(tmp_path, "b.csv", MIXED)],
            table="tickets",
            strict=True,
        )
    assert caught.value.exit_code == 3
    assert lab.table("tickets").equals(before)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.csv", None, "no such file"),
        ("empty.csv", b"", "empty"),
        ("header.csv", b"ticket_id,created_at\n", ""),
        ("binary.csv", bytes(range(256)) * 20, ""),
        ("latin.csv", "ticket_id,created_at\nT\xe41,2026-01-01T00:00:00Z\n".encode("latin-1"), "UTF-8"),
        ("semicolon.csv", b"ticket_id;created_at\nT1;2026-01-01T00:00:00Z\n", ";"),
        ("nocreated.csv", b"ticket_id,opened\nT1,2026-01-01T00:00:00Z\n", "created_at"),
        ("allbad.csv", b"ticket_id,created_at\nT1,yesterday\n", "created_at"),
        ("zoneless.csv", b"ticket_id,created_at\nT1,2026-01-01 10:00:00\n", "--timezone"),
        ("broken.parquet", b"PAR1 this is no parquet PAR1", ""),
    ],
)
def test_bad_files_leave_nothing_behind(lab: Lab, tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ExportError) as caught:
        lab.ingest([path], table="tickets")
    assert caught.value.exit_code == 3
    assert words in str(caught.value)
    assert not lab.config.database.exists()


def test_an_interrupted_load_leaves_the_store_as_it_was(lab: Lab, tmp_path: Path) -> None:
    lab.ingest([write(tmp_path, "first.csv", GOOD)], table="tickets")
    before = lab.table("tickets")

    def interrupt(step: str, share: float) -> None:
        if step == "writing the store":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.ingest([write(tmp_path, "second.csv", GOOD.replace("\nT", "\nU"))], table="tickets", progress=interrupt)
    assert lab.table("tickets").equals(before)


def test_calls_that_make_no_sense(lab: Lab, tmp_path: Path) -> None:
    path = write(tmp_path, "tickets.csv", GOOD)
    for arguments in ({}, {"source": "servicenow", "table": "tickets"}, {"table": "tikets"}):
        with pytest.raises(UsageError):
            lab.ingest([path], **arguments)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        lab.ingest([], table="tickets")


def test_columns_of_other_names(lab: Lab, tmp_path: Path) -> None:
    path = write(tmp_path, "export.csv", "Case Number,Opened At,Kind\nA,2026-01-01T00:00:00Z,billing\n")
    proposal = lab.propose(path)
    assert ("ticket_id", "Case Number") in [(name, column) for name, column, _ in proposal.columns]
    mapping = write(
        tmp_path,
        "columns.yaml",
        proposal.yaml + "category: Kind\n" if "category:" not in proposal.yaml else proposal.yaml,
    )
    lab.ingest([path], table="tickets", columns=mapping)
    assert lab.table("tickets")["ticket_id"].to_list() == ["A"]
    with pytest.raises(ConfigError):
        lab.ingest([path], table="tickets", columns=write(tmp_path, "bad.yaml", "ticket_id: 3\n"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public ticket logs are not beside this checkout")
def test_the_servicenow_slice_has_its_known_facts(lab: Lab) -> None:
    log = next((SHARED / "servicenow_incidents").glob("*.csv.gz"))
    lab.ingest([log], source="servicenow")
    tickets = lab.table("tickets")
    assert tickets.height == 2468
    assert int(tickets["sla_met"].sum()) == 1541
    assert int((tickets["reassignment_count"] > 0).sum()) == 1165
    custom = "".join(tickets["custom"].drop_nulls().to_list())
    for outcome in ("closed_code", "resolved_by", "resolved_at", "closed_at", "made_sla"):
        assert f'"{outcome}"' not in custom, "an outcome must not be readable by a rule"
    assert lab.ingest([log], source="servicenow").files[0].state == "unchanged"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public ticket logs are not beside this checkout")
def test_the_context_of_a_rule_holds_no_outcome(lab: Lab) -> None:
    log = next((SHARED / "servicenow_incidents").glob("*.csv.gz"))
    lab.ingest([log], source="servicenow")
    readable = {column.name for column in lab.policy.columns()}
    assert not readable & {
        "resolver_team_id",
        "resolved_at",
        "closed_at",
        "sla_met",
        "reassignment_count",
        "first_team_id",
    }
    assert lab.context().select(pl.len()).item() == 2468


CALLS = "Call Id,Agent,Date,Time,Topic,AvgTalkDuration\nC1,Joe,2021-01-01,09:12:58,Payment,00:02:24\n"


def test_a_call_log_in_two_columns_goes_in_as_its_proposal_says(lab: Lab, tmp_path: Path) -> None:
    path = write(tmp_path, "calls.csv", CALLS)
    proposal = lab.propose(path)
    assert "created_at: {join: ['Date', 'Time']}  # unsure" in proposal.yaml
    assert "# handle_minutes: {column: 'AvgTalkDuration', unit: " in proposal.yaml
    assert "due_at" not in proposal.yaml
    more = "handle_minutes: {column: AvgTalkDuration, unit: hh:mm:ss}\nfirst_team_id: {value: phones}\n"
    columns = write(tmp_path, "columns.yaml", proposal.yaml + more)
    lab.ingest([path], table="tickets", columns=columns, timezone="UTC")
    (row,) = lab.table("tickets").to_dicts()
    assert str(row["created_at"]) == "2021-01-01 09:12:58"
    assert (row["handle_minutes"], row["first_team_id"], row["agent_id"]) == (2.4, "phones", "Joe")


def test_a_recipe_of_another_form_is_refused_with_its_place(lab: Lab, tmp_path: Path) -> None:
    path = write(tmp_path, "calls.csv", CALLS)
    columns = write(tmp_path, "columns.yaml", "ticket_id: Call Id\ncreated_at: {joined: [Date, Time]}\n")
    with pytest.raises(ConfigError, match="unknown key 'joined'") as caught:
        lab.ingest([path], table="tickets", columns=columns, timezone="UTC")
    assert caught.value.place.line == 2
    with pytest.raises(ConfigError, match="created_at is 3"):
        lab.ingest([path], table="tickets", columns={"ticket_id": "Call Id", "created_at": 3}, timezone="UTC")
    assert not lab.config.database.exists()
