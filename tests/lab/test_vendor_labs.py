"""A lab from the exports of several systems: loading, linking, looking up, judging; and what stays as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import triage_lab as tl
from triage_lab.domain.errors import ExportError, UsageError
from triage_lab.lab import Lab

TICKETS = 2500
SYSTEMS = ("zendesk", "salesforce", "stripe")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vendor") / "exports"
    tl.generate(folder, tickets=TICKETS, shape="zendesk+salesforce+stripe")
    return folder


@pytest.fixture(scope="module")
def loaded(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    root = tmp_path_factory.mktemp("vendorlab") / "lab"
    tl.init(root, template="billing")
    lab = tl.open_lab(root)
    for system in SYSTEMS:
        lab.ingest([exports / system], source=system)
    lab.accounts.link()
    return lab


def truth_of(exports: Path) -> dict[tuple[str, str], str]:
    truth = pl.read_csv(exports / "truth" / "account_links.csv", infer_schema=False)
    return {(row["source"], row["source_id"]): row["account_id"] for row in truth.iter_rows(named=True)}


def test_an_export_is_one_load_and_a_second_time_none(loaded: Lab, exports: Path) -> None:
    (report,) = loaded.ingest([exports / "zendesk"], source="zendesk").files
    assert report.state == "unchanged"
    assert {part[1] for part in report.parts} >= {"ticket", "ticket_field_history", "ticket_comment", "user", "group"}
    assert loaded.table("tickets").height == TICKETS


def test_links_are_right_and_nearly_complete(loaded: Lab, exports: Path) -> None:
    truth = truth_of(exports)
    links = loaded.table("account_links").filter(pl.col("method") != "own")
    hub = {source_id: account for (source, source_id), account in truth.items() if source == "salesforce"}
    pairs = [
        (truth[row["source"], row["source_id"]], hub.get(row["account_id"])) for row in links.iter_rows(named=True)
    ]
    assert all(own == linked for own, linked in pairs if linked is not None)  # precision 1
    findable = [key for key, account in truth.items() if key[0] != "salesforce" and account in hub.values()]
    assert len(pairs) >= 0.97 * len(findable)  # recall


def test_doubts_are_listed_and_a_persons_word_holds(loaded: Lab, tmp_path: Path) -> None:
    file = tmp_path / "doubts.csv"
    strict = loaded.accounts.link(min_confidence=1.0, dry_run=True, doubts=file)
    assert strict.load_id is None
    rows = pl.read_csv(file, infer_schema=False)
    assert rows.height == len(strict.doubts) > 50
    assert not [name for name in rows["name"].drop_nulls() if name.startswith(("=", "+", "-", "@"))]
    copy = tl.open_lab(shutil.copytree(loaded.root, tmp_path / "lab"))
    first = rows.row(0, named=True)
    said = tmp_path / "said.csv"
    said.write_text(f"source,source_id,account_id,method\n{first['source']},{first['source_id']},A-by-hand,given\n")
    copy.ingest([said], table="account_links")
    after = copy.accounts.link()
    assert [link.account_id for link in after.links if link.source_id == first["source_id"]] == ["A-by-hand"]
    stored = copy.table("account_links").filter(pl.col("source_id") == first["source_id"])
    assert stored["account_id"].to_list() == ["A-by-hand"]


def test_a_link_that_no_longer_holds_is_taken_back(loaded: Lab, tmp_path: Path) -> None:
    copy = tl.open_lab(shutil.copytree(loaded.root, tmp_path / "lab"))
    before = copy.table("accounts")["account_id"].n_unique()
    copy.accounts.link(min_confidence=1.0)
    assert copy.table("accounts")["account_id"].n_unique() > before
    copy.accounts.link()
    assert copy.table("accounts")["account_id"].n_unique() == before
    assert copy.accounts.link().load_id is None  # nothing new


def test_facts_come_from_the_right_system_as_of_arrival(loaded: Lab, exports: Path) -> None:
    run = loaded.backtest("billing-protection", baseline="current", replications=1)
    coverage = {(field.field, field.source): field for field in run.result.enrichment}
    assert coverage["mrr", "stripe"].lookups > 0
    assert coverage["contract_tier", "salesforce"].lookups > 0
    assert coverage["mrr", "*"].coverage is not None
    assert coverage["mrr", "*"].coverage.value > 0.9
    assert [step.tickets for step in run.result.flow if step.step == "in"] == [TICKETS]
    gates = {gate.gate_id: str(gate.state) for gate in run.result.gates}
    assert gates["enrichment-coverage-mrr"] == "pass"
    assert gates["enrichment-no-lookahead"] == "pass"
    assert gates["signals-every-inbox"] == "pass"


def test_check_judges_the_lookups_of_the_labs_policies(loaded: Lab) -> None:
    report = loaded.check(engine="both")
    assert report.disagreements == ()
    states = {item.gate_id: str(item.state) for item in report.results if item.engine == "sql"}
    assert states["enrichment-coverage-contract-tier"] == "pass"
    assert report.exit_code() == 0


def test_doctor_counts_systems_arrivals_and_promises(loaded: Lab, exports: Path, tmp_path: Path) -> None:
    report = loaded.doctor(differences=tmp_path / "differences.csv")
    assert {facts.system for facts in report.systems} >= set(SYSTEMS)
    assert sum(report.arrivals.channels.values()) >= TICKETS
    assert report.clocks is not None
    assert report.clocks.compared == loaded.table("sla_instances").height
    assert report.clocks.agree == report.clocks.compared  # the planted clocks, computed anew from events
    expected = json.loads((exports / "truth" / "expected.json").read_text())["clocks"]["first_action"]
    instances = loaded.table("sla_instances").filter(pl.col("metric") == "first_action")
    found = dict(instances["state"].value_counts().iter_rows())
    assert found.get("met") == expected["met"]
    assert found.get("breached") == expected["breached"]
    assert (tmp_path / "differences.csv").read_text().startswith("ticket_id,metric,cycle")
    assert {finding.subject: finding.state for finding in report.findings}["enrichment coverage"] == "possible"


@pytest.mark.parametrize(
    ("source", "files", "error", "text"),
    [
        ("salesforce", ["zendesk"], ExportError, "zendesk"),
        ("zendesk", ["nowhere"], ExportError, "nowhere"),
        ("zendesk", ["ticket=zendesk/ticket.csv", "user=zendesk/group.csv"], ExportError, "role"),
        ("zendesk", ["bogus=zendesk/ticket.csv"], UsageError, "bogus"),
        ("zendesk", [], UsageError, "no file"),
    ],
)
def test_a_refused_export_leaves_no_trace(
    exports: Path, tmp_path: Path, source: str, files: list[str], error: type[Exception], text: str
) -> None:
    tl.init(tmp_path / "lab")
    lab = tl.open_lab(tmp_path / "lab")
    given = [
        f"{name.partition('=')[0]}={exports / name.partition('=')[2]}" if "=" in name else exports / name
        for name in files
    ]
    with pytest.raises(error) as refused:
        lab.ingest(given, source=source)
    assert text in str(refused.value)
    assert not lab.config.database.exists()


def test_columns_are_for_single_tables(exports: Path, tmp_path: Path) -> None:
    tl.init(tmp_path / "lab")
    with pytest.raises(UsageError, match="several objects"):
        tl.open_lab(tmp_path / "lab").ingest([exports / "zendesk"], source="zendesk", columns={"a": "b"})


def test_a_folder_stands_for_its_files_for_a_single_table_too(tmp_path: Path) -> None:
    tl.init(tmp_path / "lab")
    folder = tmp_path / "parts"
    folder.mkdir()
    for part in (1, 2):
        (folder / f"p{part}.csv").write_text(f"ticket_id,created_at\nT{part},2026-01-0{part}T00:00:00Z\n")
    lab = tl.open_lab(tmp_path / "lab")
    assert len(lab.ingest([folder], table="tickets").files) == 2
    assert lab.table("tickets").height == 2


@pytest.mark.parametrize("shape", ["zendesk+nothing", "zendesk+zendesk", ""])
def test_a_shape_names_known_systems_once(tmp_path: Path, shape: str) -> None:
    with pytest.raises(UsageError):
        tl.generate(tmp_path / "x", tickets=1000, shape=shape)
    assert not (tmp_path / "x").exists()


def test_the_terminal_shows_links_desk_and_promises(loaded: Lab, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from triage_lab.cli.main import app

    def say(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--lab", str(loaded.root), "--no-color"])
        assert done.exit_code == 0, done.output
        return " ".join(done.stdout.split())

    links = say("accounts", "show")
    assert "its ids name" in links
    assert "nothing was stored" in links
    desk = say("operations", "show")
    assert "high-touch" in desk
    assert "mon" in desk
    told = say("doctor")
    assert "Zendesk-like rules" in told
    assert "salesforce" in told
    proposed = tmp_path / "proposed.yaml"
    assert "only a guess" not in say("operations", "propose", "--out", str(proposed))
    text = proposed.read_text("utf-8")
    assert "inferred: true" in text
    assert "evidence:" in text
    document = json.loads(CliRunner().invoke(app, ["accounts", "show", "--lab", str(loaded.root), "--json"]).stdout)
    assert document["data"]["hub"] == "salesforce"


def test_a_webhook_delivered_twice_is_one(tmp_path: Path) -> None:
    tl.init(tmp_path / "lab")
    lab = tl.open_lab(tmp_path / "lab")
    rows = ["signal_id,received_at,channel,dedup_key,ticket_id"]
    rows += [f"w{n},2026-03-0{n}T10:00:00Z,webhook,delivery-{n},T{n}" for n in (1, 2, 3)]
    rows.append("w9,2026-03-02T10:00:07Z,webhook,delivery-2,T9")  # the second delivery of w2 made a ticket of its own
    (tmp_path / "signals.csv").write_text("\n".join(rows) + "\n")
    tickets = [f"T{n},2026-03-0{n}T10:00:00Z" for n in (1, 2, 3)] + ["T9,2026-03-02T10:00:07Z"]
    (tmp_path / "tickets.csv").write_text("ticket_id,created_at\n" + "\n".join(tickets) + "\n")
    lab.ingest([tmp_path / "signals.csv"], table="signals")
    lab.ingest([tmp_path / "tickets.csv"], table="tickets")
    assert lab.table("signals").filter(pl.col("duplicate_of").is_not_null()).select(
        "signal_id", "duplicate_of"
    ).rows() == [("w9", "w2")]
    arrivals = lab.doctor().arrivals
    assert (arrivals.signals, arrivals.repeated, arrivals.repeated_tickets) == (4, 1, 1)
    assert dict(arrivals.channels) == {"webhook": 3}
    run = lab.backtest("starter", baseline="starter")
    assert run.result.scope.scored == 3
    assert [step.tickets for step in run.result.flow if "delivered twice" in step.reason] == [1]
