"""Labs built from vendor-shaped exports, ticket by ticket against the truth of the desk that wrote them.

What cannot be equal, and why: the help desk keeps no language of a ticket, its inboxes are mail addresses, it calls a
request a task, moves a ticket to another group where the desk escalates it (so moves = handoffs + escalations), and does
not record when a clock that was met in business hours had been due.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

import triage_lab as tl
from triage_lab import store
from triage_lab.lab import Lab
from triage_lab.lab.accounts import LinkReport
from triage_lab.lab.documents import parse_document
from triage_lab.lab.operations import parse_operations
from triage_lab.lab.recorded import Run
from triage_lab.replay.synthetic import Desk, generate_desk
from triage_lab.replay.synthetic.parameters import WINDOW_END

TICKETS, SEED = 3_000, 5
TAKEN = "2026-11-01T00:00:00Z"
SHAPE = ("zendesk", "salesforce", "stripe", "contracts")
CONTRACT_FACTS = ("contract_tier", "contract_end", "legal_flag")


@dataclass(frozen=True)
class Exported:
    """An export of all systems, and the desk that it tells of."""

    folder: Path
    desk: Desk
    operations: str

    def truth(self, name: str) -> pl.DataFrame:
        """A table of the truth, cells as text."""
        return pl.read_csv(self.folder / "truth" / f"{name}.csv", infer_schema=False)

    @property
    def tickets(self) -> pl.DataFrame:
        """The desk's own tickets under the help desk's numbers."""
        return self.desk.tables["tickets"].with_columns(pl.col("ticket_id").str.replace("T-", "1"))

    @property
    def expected(self) -> dict:
        """What a good tool must find."""
        return json.loads((self.folder / "truth" / "expected.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """3,000 tickets in four systems."""
    folder = tmp_path_factory.mktemp("vendor") / "exports"
    made = tl.generate(folder, tickets=TICKETS, seed=SEED, shape="zendesk+salesforce+stripe+contracts")
    operations = parse_operations(parse_document(made.operations, "operations.yaml"), Path("data"))
    desk = generate_desk(tickets=TICKETS, seed=SEED, operations=operations)
    return Exported(folder, desk, made.operations)


@pytest.fixture(scope="module")
def unlinked(tmp_path_factory: pytest.TempPathFactory, exported: Exported) -> Lab:
    """A lab with the desk's operations and the exports of four systems, whose accounts are not linked yet."""
    folder = tmp_path_factory.mktemp("vendor") / "lab"
    tl.init(folder, timezone="Europe/Berlin")
    shutil.copytree(
        Path(__file__).resolve().parents[2] / "data" / "templates", folder / "templates", dirs_exist_ok=True
    )
    (folder / "operations.yaml").write_text(exported.operations)
    lab = tl.open_lab(folder)
    for system in SHAPE:
        report = lab.ingest([exported.folder / system], source=system, snapshot_at=TAKEN, strict=True)
        assert report.rejected == 0
    return lab


@pytest.fixture(scope="module")
def linking(unlinked: Lab) -> LinkReport:
    """What linking finds by itself; nothing is stored."""
    return unlinked.accounts.link(dry_run=True)


@pytest.fixture(scope="module")
def lab(unlinked: Lab, linking: LinkReport, exported: Exported) -> Lab:
    """The lab with perfect links."""
    assert linking.load_id is None
    unlinked.ingest([exported.folder / "truth" / "account_links.csv"], table="account_links")
    return unlinked


@pytest.fixture(scope="module")
def clm_lab(tmp_path_factory: pytest.TempPathFactory, lab: Lab, exported: Exported) -> Lab:
    """The same lab, but contracts are asked for in the contract repository."""
    folder = tmp_path_factory.mktemp("clm") / "lab"
    shutil.copytree(lab.root, folder)
    chains = "".join(f"  {field}: {{sources: [contracts]}}\n" for field in CONTRACT_FACTS)
    (folder / "operations.yaml").write_text(f"{exported.operations}\nenrichment:\n{chains}")
    return tl.open_lab(folder)


@pytest.fixture(scope="module")
def history(lab: Lab) -> pl.DataFrame:
    """What the lab takes for history."""
    with store.open_store(lab.config.database, write=False) as con:
        store.set_as_of(con, store.latest_load(con))
        return store.read_history(con, WINDOW_END)


@pytest.mark.parametrize(
    "column",
    [
        "created_at", "account_id", "category", "subcategory", "product_module", "channel", "priority_at_creation",
        "first_team_id", "resolver_team_id", "first_action_at", "resolved_at", "closed_at", "handle_minutes", "subject",
        "body", "snapshot_at",
    ],
)  # fmt: skip
def test_tickets_are_those_of_the_desk(lab: Lab, exported: Exported, column: str) -> None:
    told = exported.tickets.join(lab.table("tickets"), on="ticket_id", suffix="_told")
    assert len(told) == TICKETS
    wrong = told.filter(~pl.col(column).eq_missing(pl.col(f"{column}_told")))
    assert wrong.is_empty(), wrong.select("ticket_id", column, f"{column}_told").head()


def test_words_that_the_help_desk_uses_for_the_same_things(lab: Lab, exported: Exported) -> None:
    told = exported.tickets.join(lab.table("tickets"), on="ticket_id", suffix="_told")
    assert told["type"].replace({"request": "task"}).equals(told["type_told"])
    mailed = told.filter(pl.col("channel") == "email")
    assert (mailed["inbox"] + "@helpdesk.example").equals(mailed["inbox_told"])
    assert told.filter(pl.col("channel") != "email")["inbox_told"].is_null().all()
    now = dict(told["status_class_told"].value_counts().iter_rows())
    is_open = exported.tickets["resolved_at"].is_null().sum()
    assert now.get("new", 0) + now.get("open", 0) == is_open == exported.expected["open_at_the_end"]
    assert now["closed"] == exported.tickets["closed_at"].count()
    people = exported.truth("agents")
    solved = told.filter(pl.col("resolved_at").is_not_null())
    own = dict(zip(people["user_id"], people["team_id"], strict=True))
    assert solved["agent_id_told"].replace_strict(own).equals(solved["resolver_team_id"])


def test_times_and_moves_are_those_that_were_played(history: pl.DataFrame, exported: Exported) -> None:
    waits = exported.desk.truth["waits"].with_columns(pl.col("ticket_id").str.replace("T-", "1"))
    told = history.join(waits, on="ticket_id", suffix="_true")
    assert len(told) == TICKETS
    for column in ("owned_at", "resolved_at"):
        assert told[column].equals(told[f"{column}_true"]), column
    # the first answer is given when an agent first opens the ticket; starting on it may come later
    canonical = exported.tickets.select("ticket_id", first=pl.col("first_action_at").dt.epoch("s"))
    told = told.join(canonical, on="ticket_id")
    for column in ("first_action_at", "first_human_action_at"):
        assert told[column].equals(told["first"]), column
    moves = told["handoffs"]
    assert (moves >= told["handoffs_true"]).all()
    assert (moves <= told["handoffs_true"] + told["escalations_true"]).all()
    assert moves.sum() == exported.expected["tables"]["zendesk/ticket_field_history"]["group_changes"]


def check_facts(lab: Lab, exported: Exported, fields: tuple[str, ...]) -> None:
    """Facts of every ticket as of its arrival equal the truth; money to half a cent, which the truth is rounded to."""
    truth = exported.truth("enrichment")
    told = truth.join(lab.context(), on="ticket_id", suffix="_told")
    assert len(told) == TICKETS
    for field in fields:
        if told[f"{field}_told"].dtype.is_numeric():
            off = (pl.col(field).cast(pl.Float64) - pl.col(f"{field}_told")).abs() > 0.005_01
            wrong = told.filter(off | (pl.col(field).is_null() != pl.col(f"{field}_told").is_null()))
        else:
            wrong = told.filter(~pl.col(field).eq_missing(pl.col(f"{field}_told").cast(pl.String)))
        assert wrong.is_empty(), wrong.select("ticket_id", field, f"{field}_told").head()


def test_facts_from_crm_and_billing(lab: Lab, exported: Exported) -> None:
    fields = (
        "mrr", "contract_tier", "contract_end", "legal_flag", "balance_due", "open_opportunity_amount", "churn_risk",
    )  # fmt: skip
    check_facts(lab, exported, fields)
    accounts = exported.desk.tables["accounts"].unique("account_id", keep="first", maintain_order=True)
    region = exported.tickets.join(accounts.select("account_id", "region"), on="account_id", how="left")
    told = region.join(lab.context().select("ticket_id", told="region"), on="ticket_id")
    assert told["told"].cast(pl.String).equals(told["region"])


def test_facts_from_contracts(clm_lab: Lab, exported: Exported) -> None:
    check_facts(clm_lab, exported, CONTRACT_FACTS)


def test_the_vendors_clocks(lab: Lab, exported: Exported) -> None:
    kept = exported.desk.tables["sla_instances"].filter(pl.col("metric") != "acknowledge")
    kept = kept.with_columns(pl.col("ticket_id").str.replace("T-", "1"), pl.col("state").replace({"active": "open"}))
    told = kept.join(lab.table("sla_instances"), on=["ticket_id", "metric", "cycle"], how="full", suffix="_told")
    assert len(told) == len(kept)
    for column in ("state", "policy", "business_hours", "target_seconds", "started_at", "fulfilled_at", "breached_at"):
        assert told[column].equals(told[f"{column}_told"]), column
    unmet = told.filter(pl.col("state") != "met")
    assert unmet["due_at"].equals(unmet["due_at_told"])
    counted = {
        metric: {state: count for _, state, count in rows.iter_rows()}
        for (metric,), rows in lab.table("sla_instances").group_by("metric", "state").len().group_by("metric")
    }
    assert counted == exported.expected["clocks"]
    assert exported.expected["tables"]["zendesk/ticket_metric_event"]["doubled"] > 0


def test_what_was_paid_and_given_back(lab: Lab, exported: Exported) -> None:
    number = pl.col("ticket_id").str.replace("T-", "1")
    for table in ("refunds", "credits"):
        columns = ("account_id", "ticket_id", "amount_minor", "currency", "issued_at")
        true = exported.desk.tables[table].with_columns(number).select(columns).sort(columns)
        assert lab.table(table).select(columns).sort(columns).equals(true), table
    columns = (
        "account_id",
        "issued_at",
        "due_at",
        "total_minor",
        "currency",
        "paid_at",
        "disputed_at",
        "dispute_closed_at",
    )
    true = exported.desk.tables["invoices"].select(columns).sort(columns)
    assert lab.table("invoices").select(columns).sort(columns).equals(true)


def test_every_arrival_is_a_signal(lab: Lab, exported: Exported) -> None:
    signals = lab.table("signals")
    comments = pl.read_csv(exported.folder / "zendesk" / "ticket_comment.csv", infer_schema=False)
    writers = pl.read_csv(exported.folder / "zendesk" / "user.csv", infer_schema=False)
    guests = writers.filter(pl.col("role") == "end-user")["id"]
    assert len(signals) == comments.filter(pl.col("user_id").is_in(guests.implode())).height
    webhooks = signals.filter(pl.col("channel") == "webhook")
    assert webhooks["dedup_key"].drop_nulls().n_unique() == len(exported.tickets.filter(pl.col("channel") == "webhook"))


def test_links_are_found_and_doubts_are_told(linking: LinkReport, exported: Exported) -> None:
    assert linking.hub == "salesforce"
    truth = exported.truth("account_links")
    who = {(source, name): account for source, name, account, _ in truth.iter_rows()}
    how = {(source, name): found for source, name, _, found in truth.iter_rows()}
    hub = {name: account for (source, name), account in who.items() if source == "salesforce"}
    # where the contract repository files under the CRM's id there is nothing to link
    others = [key for key in who if key[0] != "salesforce" and key[1] not in hub]
    linked = {(link.source, link.source_id): hub.get(link.account_id) for link in linking.links}
    to_crm = [key for key, account in linked.items() if account is not None]
    right = {key for key in to_crm if linked[key] == who[key]}
    assert len(right) / len(to_crm) > 0.995, "precision"
    for kind, least in (("exact", 0.98), ("domain", 0.98), ("name", 0.9)):
        able = [key for key in others if how[key] == kind]
        found = sum(key in right for key in able)
        assert found / len(able) >= least, (kind, found, len(able))
    doubtful = {(doubt.source, doubt.source_id) for doubt in linking.doubts}
    alone = [key for key in others if key not in linked and key not in doubtful]
    # names that are cut too short to be recognised are few
    assert sum(how[key] != "not" for key in alone) <= 0.01 * len(others)


@pytest.fixture(scope="module")
def vendor_run(lab: Lab) -> Run:
    """History against the first policy of a new lab, on vendor exports."""
    return lab.backtest("starter")


def test_the_desk_replays_as_it_was_played(vendor_run: Run, exported: Exported) -> None:
    waits = exported.desk.truth["waits"].with_columns(pl.col("ticket_id").str.replace("T-", "1"))
    records = vendor_run.records().filter(pl.col("arm") == "baseline").join(waits, on="ticket_id", suffix="_true")
    assert len(records) == TICKETS
    same = records.filter(pl.col("started_at").dt.epoch("s").eq_missing(pl.col("started_at_true")))
    # tickets that were open at the end have no touch time in an export, and whoever waits behind them waits otherwise
    assert len(same) / TICKETS > 0.98


def test_planted_misroutes_are_found(vendor_run: Run, exported: Exported) -> None:
    planted = exported.expected["misroute"]["resolver"]
    measures = {item.metric: item.baseline for item in vendor_run.result.comparisons if not item.segment}
    found = measures["misroute_resolver"]
    assert found is not None
    assert found.low <= planted <= found.high
