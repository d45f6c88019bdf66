"""What vendor exports say of a customer as of a ticket's arrival is what was true, read row by row."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from naive_vendor import Billing, Crm, metadata_of, read_rows, seconds
from synthetic_desks import desk_of
from vendor_desks import SEED, TICKETS, exported

RATE = Fraction("0.92")
EVERY = 7  # one ticket in so many is read by hand


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory)


@pytest.fixture(scope="module")
def ids(folder: Path) -> dict[tuple[str, str], list[str]]:
    """Ids of an account in a system."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in read_rows(folder / "truth" / "account_links.csv"):
        found[row["source"], row["account_id"]].append(row["source_id"])
    return found


@pytest.fixture(scope="module")
def asked() -> list[tuple[str, int, dict[str, str | None]]]:
    """Account, second of arrival and true facts of some tickets."""
    desk = desk_of(TICKETS, SEED)
    rows = desk.tables["tickets"].select("ticket_id", "account_id", at=pl.col("created_at").dt.epoch("s"))
    told = rows.join(desk.truth["enrichment"], on="ticket_id", maintain_order="left").filter(
        pl.col("account_id").is_not_null()
    )
    return [(row["account_id"], row["at"], row) for row in told.gather_every(EVERY).iter_rows(named=True)]


def major(minor: Fraction | int, currency: str) -> float:
    """Major units of the lab's currency."""
    return float(Fraction(minor) / 100 * (RATE if currency == "usd" else 1))


def test_recurring_revenue_and_debt(folder: Path, ids: dict, asked: list) -> None:
    billing = Billing(folder / "stripe")
    currency = {row["id"]: row["currency"] for row in read_rows(folder / "stripe" / "customer.csv")}
    rhythms = {(row["recurring_interval"], row["recurring_interval_count"]) for row in billing.prices.values()}
    assert rhythms == {("month", "1"), ("month", "3"), ("year", "1")}
    for account, at, truth in asked:
        customers = ids["stripe", account]
        money = currency[customers[0]]
        mrr = billing.mrr(customers, at)
        assert mrr is not None
        assert mrr.denominator == 1, "a month's revenue is whole minor units"
        assert major(mrr, money) == pytest.approx(float(truth["mrr"]), abs=0.005_01)
        assert major(billing.owed(customers, at), money) == pytest.approx(float(truth["balance_due"]), abs=0.005_01)


def test_contract_facts(folder: Path, ids: dict, asked: list) -> None:
    contracts = Crm(folder / "salesforce", "Contract", "ContractHistory", "ContractId")
    for account, at, truth in asked:
        made = [
            name for name in contracts.of_account[ids["salesforce", account][0]]
            if contracts.value(name, "Status", at) is not None
        ]  # fmt: skip
        ranked = sorted(
            made,
            key=lambda name: (
                contracts.value(name, "Status", at) == "Activated",
                contracts.value(name, "StartDate", at),
            ),
        )
        best = ranked[-1]
        assert contracts.value(best, "Tier__c", at) == truth["contract_tier"]
        assert contracts.value(best, "EndDate", at) == truth["contract_end"]
        flags = {contracts.value(name, "Legal_Flag__c", at) for name in made}
        assert ("true" in flags) == (truth["legal_flag"] == "true")


def test_contract_facts_of_the_repository(folder: Path, ids: dict, asked: list) -> None:
    records: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_rows(folder / "contracts" / "record.csv"):
        records[row["salesforce_account_id"] or row["counterparty_name"]].append(row)
    flags: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_rows(folder / "contracts" / "record_property.csv"):
        if row["name"] == "Legal Flag":
            flags[row["record_id"]].append(row)
    assert any(row["status"] == "draft" for rows in records.values() for row in rows)
    assert any(row["amends_id"] for rows in records.values() for row in rows)
    for account, at, truth in asked:
        signed = [row for row in records[ids["contracts", account][0]] if row["status"] in {"signed", "expired"}]
        made = [row for row in signed if seconds(row["signed_at"]) <= at]
        bases = [row for row in made if not row["amends_id"]]
        base = max(bases, key=lambda row: row["effective_date"])
        changed = [row for row in made if row["amends_id"] == base["id"]]
        assert max([base, *changed], key=lambda row: row["signed_at"])["contract_tier"] == truth["contract_tier"]
        assert base["expiration_date"] == truth["contract_end"]
        told = {row["value"] for base in bases for row in flags[base["id"]] if holds(row, at)}
        assert ("Yes" in told) == (truth["legal_flag"] == "true")


def holds(row: dict[str, str], at: int) -> bool:
    """Whether a property holds at an instant; a day is meant with its end."""
    until = row["effective_to"]
    if not until:
        return seconds(row["effective_from"]) <= at
    end = seconds(until) if "T" in until else seconds(f"{until}T00:00:00Z") + 86_400
    return seconds(row["effective_from"]) <= at < end


def test_the_contracts_table_tells_the_true_tier() -> None:
    desk = desk_of(20_000)
    tickets = desk.tables["tickets"].select("ticket_id", "account_id", "created_at")
    told = tickets.join(desk.tables["contracts"], on="account_id").filter(
        (pl.col("valid_from") <= pl.col("created_at"))
        & (pl.col("valid_to").is_null() | (pl.col("created_at") < pl.col("valid_to")))
    )
    told = told.sort("ticket_id", "starts_on").unique("ticket_id", keep="last", maintain_order=True)
    both = told.join(desk.truth["enrichment"], on="ticket_id", maintain_order="left")
    assert len(both) == tickets["account_id"].count()
    assert both["tier"].equals(both["contract_tier"])
    assert both["ends_on"].cast(pl.String).equals(both["contract_end"])


def test_churn_risk_and_deals(folder: Path, ids: dict, asked: list) -> None:
    accounts = Crm(folder / "salesforce", "Account", "AccountHistory", "AccountId")
    deals = Crm(folder / "salesforce", "Opportunity", "OpportunityFieldHistory", "OpportunityId")
    open_deals = 0
    for account, at, truth in asked:
        crm_id = ids["salesforce", account][0]
        assert float(accounts.value(crm_id, "Churn_Risk__c", at) or "nan") == float(truth["churn_risk"])
        total = 0.0
        for name in deals.of_account[crm_id]:
            stage = deals.value(name, "StageName", at)
            if stage is not None and not stage.startswith("Closed"):
                minor = Fraction(deals.value(name, "Amount", at) or "0") * 100
                total += major(minor, deals.records[name]["CurrencyIsoCode"].lower())
                open_deals += 1
        assert total == pytest.approx(float(truth["open_opportunity_amount"]), abs=0.005_01)
    assert open_deals > 0


def test_histories_are_those_of_the_vendor(folder: Path) -> None:
    rows = read_rows(folder / "salesforce" / "AccountHistory.csv")
    for field in ("Owner", "Parent"):
        told: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in rows:
            if row["Field"] == field:
                told[row["AccountId"], row["CreatedDate"]].append(row["NewValue"])
        assert told
        for values in told.values():
            assert len(values) == 2, "a look-up writes its name and its id"
            assert sum(value[:3] in {"001", "005"} and len(value) == 18 for value in values) == 1
    assert {len(row["NewValue"]) for row in rows if row["Field"] == "Description"} == {255}
    stamps = [seconds(row["CreatedDate"]) for row in rows]
    assert stamps == sorted(stamps, reverse=True)
    created = [row for row in rows if row["Field"] == "created"]
    assert len(created) == len(read_rows(folder / "salesforce" / "Account.csv"))
    assert all(row["NewValue"] == row["OldValue"] == "" for row in created)
    for row in read_rows(folder / "salesforce" / "Contract.csv"):
        assert row["LastModifiedDate"] >= row["CreatedDate"]


def test_refunds_and_credits_belong_to_their_tickets(folder: Path, ids: dict) -> None:
    desk = desk_of(TICKETS, SEED)
    account_of = {name: account for (system, account), names in ids.items() if system == "stripe" for name in names}
    charges = {row["id"]: row for row in read_rows(folder / "stripe" / "charge.csv")}
    bills = {row["id"]: row for row in read_rows(folder / "stripe" / "invoice.csv")}
    told = []
    for row in read_rows(folder / "stripe" / "refund.csv"):
        charge = charges[row["charge_id"]]
        assert seconds(charge["created"]) <= seconds(row["created"])
        assert int(charge["amount_refunded"]) <= int(charge["amount"])
        assert charge["currency"] == row["currency"]
        told.append((metadata_of(row)["zendesk_ticket_id"], account_of[charge["customer_id"]], int(row["amount"])))
    truth = desk.tables["refunds"]
    assert sorted(told) == sorted(
        zip(truth["ticket_id"].str.replace("T-", "1"), truth["account_id"], truth["amount_minor"], strict=True)
    )
    told = [
        (metadata_of(row)["zendesk_ticket_id"], account_of[bills[row["invoice_id"]]["customer_id"]], int(row["amount"]))
        for row in read_rows(folder / "stripe" / "credit_note.csv")
    ]
    truth = desk.tables["credits"]
    assert sorted(told) == sorted(
        zip(truth["ticket_id"].str.replace("T-", "1"), truth["account_id"], truth["amount_minor"], strict=True)
    )


def test_disputes_hang_on_charges_of_their_invoice(folder: Path) -> None:
    desk = desk_of(TICKETS, SEED)
    truth = desk.tables["invoices"].filter(pl.col("disputed_at").is_not_null())
    charges = {row["id"]: row for row in read_rows(folder / "stripe" / "charge.csv")}
    bills = {row["id"]: row for row in read_rows(folder / "stripe" / "invoice.csv")}
    disputes = read_rows(folder / "stripe" / "dispute.csv")
    begun = {bills[charges[row["charge_id"]]["invoice_id"]]["number"]: seconds(row["created"]) for row in disputes}
    assert begun == dict(zip(truth["invoice_id"], truth["disputed_at"].dt.epoch("s"), strict=True))
    over = {row["id"] for row in disputes if row["status"] == "lost"}
    events = read_rows(folder / "stripe" / "event.csv")
    assert {row["type"] for row in events} == {"charge.dispute.closed"}
    assert len(events) == len(over) == truth["dispute_closed_at"].count()
