"""Planned and true owners against a slow twin that reads the exported tables row by row."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from synthetic_desks import desk_of

BERLIN = ZoneInfo("Europe/Berlin")


def planned(category: str, subcategory: str) -> str:
    """Today's rules, as a person would say them."""
    if subcategory in {"dunning", "payment_failed"}:
        return "collections"
    if category == "contract":
        return "legal-ops" if subcategory in {"termination", "dpa"} else "support"
    return {"billing": "billing", "technical": "technical", "access": "technical", "onboarding": "onboarding"}.get(
        category, "support"
    )


def true_team(category: str, subcategory: str, arrived: datetime, facts: dict[str, str | None]) -> str:
    """The hidden truth, as a person would say it."""
    if category in {"billing", "contract", "renewal"} and facts["mrr"] is not None:
        mrr = float(facts["mrr"])
        days = (date.fromisoformat(str(facts["contract_end"])) - arrived.astimezone(BERLIN).date()).days
        if facts["legal_flag"] == "true":
            return "legal-ops"
        if 0 <= days <= 60 and mrr >= 500:
            return "renewal-sme"
        if mrr >= 5000 and facts["contract_tier"] in {"business", "enterprise"}:
            return "high-touch"
    if category == "contract":
        return "support" if subcategory == "amendment" else "legal-ops"
    if category == "renewal":
        return "renewal-sme"
    return planned(category, subcategory)


@pytest.mark.parametrize("seed", [20261123, 12])
def test_owners_equal_the_twin(seed: int) -> None:
    desk = desk_of(5_000, seed)
    rows = desk.tables["tickets"].select("ticket_id", "category", "subcategory", "created_at")
    everything = rows.join(desk.truth["enrichment"], on="ticket_id").join(desk.truth["tickets"], on="ticket_id")
    seen = set()
    for row in everything.iter_rows(named=True):
        arrived = row["created_at"].replace(tzinfo=ZoneInfo("UTC"))
        assert row["planned_team"] == planned(row["category"], row["subcategory"]), row
        assert row["truth_team"] == true_team(row["category"], row["subcategory"], arrived, row), row
        seen.add(row["truth_team"])
    assert seen == set(desk.truth["tickets"]["first_team"]) - {"triage"}


def as_of(rows: pl.DataFrame, at: datetime) -> list[dict[str, object]]:
    """Rows valid at an instant."""
    return rows.filter(
        (pl.col("valid_from") <= at) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > at))
    ).to_dicts()


def test_true_values_equal_the_dated_tables_as_of_arrival() -> None:
    """What the generator calls true is what the exported rows say, read one ticket at a time."""
    desk = desk_of(5_000)
    tables = {name: dict(desk.tables[name].partition_by("account_id", as_dict=True)) for name in (
        "accounts", "contracts", "contract_clauses", "subscriptions", "invoices", "opportunities"
    )}  # fmt: skip
    sample = desk.tables["tickets"].filter(pl.col("account_id").is_not_null()).gather_every(9)
    truth = {row["ticket_id"]: row for row in desk.truth["enrichment"].iter_rows(named=True)}
    for ticket_id, account, at in sample.select("ticket_id", "account_id", "created_at").iter_rows():
        expected, key = truth[ticket_id], (account,)
        (person,) = as_of(tables["accounts"][key], at)
        assert f"{person['churn_risk']:.2f}" == expected["churn_risk"]
        contracts = as_of(tables["contracts"][key], at)
        newest = max(contracts, key=lambda row: row["starts_on"])
        assert (newest["tier"], str(newest["ends_on"])) == (expected["contract_tier"], expected["contract_end"])
        flags = as_of(tables["contract_clauses"][key].filter(pl.col("clause_key") == "legal_flag"), at)
        assert [row["value"] for row in flags] == [expected["legal_flag"]]
        paying = [row for row in as_of(tables["subscriptions"][key], at) if row["status"] == "active"]
        assert in_euro(paying, "mrr_minor") == pytest.approx(float(expected["mrr"]), abs=0.006)
        bills = tables["invoices"].get(key, desk.tables["invoices"].clear())
        owed = bills.filter((pl.col("issued_at") <= at) & (pl.col("paid_at").is_null() | (pl.col("paid_at") > at)))
        assert in_euro(owed.to_dicts(), "total_minor") == pytest.approx(float(expected["balance_due"]), abs=0.006)
        deals = as_of(tables["opportunities"].get(key, desk.tables["opportunities"].clear()), at)
        still = [row for row in deals if not row["is_closed"]]
        assert in_euro(still, "amount_minor") == pytest.approx(float(expected["open_opportunity_amount"]), abs=0.006)


def in_euro(rows: list[dict[str, object]], column: str) -> float:
    """Sum in major units of the lab's currency."""
    return sum(float(row[column]) * (0.92 if row["currency"] == "USD" else 1.0) for row in rows) / 100  # type: ignore[arg-type]


def test_tickets_without_account_have_no_facts_and_go_by_subject() -> None:
    desk = desk_of()
    unknown = desk.tables["tickets"].filter(pl.col("account_id").is_null())["ticket_id"]
    facts = desk.truth["enrichment"].filter(pl.col("ticket_id").is_in(unknown.implode()))
    assert len(facts) == len(unknown) > 0
    assert facts.drop("ticket_id").null_count().row(0) == (len(unknown),) * 7
    assert desk.tables["enrichment_log"].filter(pl.col("ticket_id").is_in(unknown.implode())).is_empty()


def test_a_desk_without_dollar_rate_has_only_euro_accounts() -> None:
    from dataclasses import replace

    from synthetic_desks import desk_operations

    from triage_lab.replay.synthetic import generate_desk

    desk = generate_desk(tickets=1_000, operations=replace(desk_operations(1_000), fx=()))
    assert desk.tables["subscriptions"]["currency"].unique().to_list() == ["EUR"]
    assert "USD" in desk_of(1_000).tables["subscriptions"]["currency"].unique().to_list()
