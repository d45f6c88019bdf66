"""Salesforce: accounts, opportunities and contracts as they were at any time, and never as they became later."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from salesforce_export import Row, at, load, select, short, sid

from triage_lab.domain.errors import ExportError
from triage_lab.sources import read_mapping, stage_source

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "fivetran_salesforce_seeds"
ANN, BEN = sid("005", 1), sid("005", 2)
SPAN = "valid_from, valid_to"


def account(number: int, **cells: Any) -> Row:
    """One row of Account.csv, created on the 1st, last changed on the 20th."""
    return {
        "Id": sid("001", number), "Name": f"Account {number}", "OwnerId": ANN, "IsDeleted": "false",
        "CreatedDate": at("00:00:00", 1), "LastModifiedDate": at("09:00:00", 20), "SystemModstamp": at("10:00:00", 20),
        **cells,
    }  # fmt: skip


def opportunity(number: int, **cells: Any) -> Row:
    """One row of Opportunity.csv, open, created on the 1st, last changed on the 20th."""
    return {
        "Id": sid("006", number), "AccountId": sid("001", 1), "StageName": "Proposal", "Amount": "1200.50",
        "CloseDate": "2026-02-01", "IsWon": "false", "IsClosed": "false", "Type": "New Business", "IsDeleted": "false",
        "CreatedDate": at("00:00:00", 1), "SystemModstamp": at("10:00:00", 20), **cells,
    }  # fmt: skip


def contract(number: int, **cells: Any) -> Row:
    """One row of Contract.csv, created on the 1st, last changed on the 20th."""
    return {
        "Id": sid("800", number), "AccountId": sid("001", 1), "Status": "Activated", "StartDate": "2026-01-31",
        "ContractTerm": "12", "IsDeleted": "false", "CreatedDate": at("00:00:00", 1), "SystemModstamp": at("10:00:00", 20),
        **cells,
    }  # fmt: skip


def change(number: int, owner: str, of: str, day: int, field: str, old: str, new: str, clock: str = "12:00:00") -> Row:
    """One row of AccountHistory.csv and its like."""
    return {
        "Id": sid("017", number), owner: of, "Field": field, "OldValue": old, "NewValue": new, "CreatedDate": at(clock, day),
        "CreatedById": ANN, "IsDeleted": "false",
    }  # fmt: skip


def test_without_history_facts_count_only_from_the_last_change_on(con: Any, tmp_path: Path) -> None:
    rows = [
        account(1, Tier__c="Gold", Website="https://www.Acme.com/de?x=1", BillingCountry="DE", Churn_Risk__c="0.35")
    ]
    staged = load(con, tmp_path, {"Account": rows})
    assert select(con, staged, "accounts", f"name, domain, tier, region, churn_risk, owner_id, {SPAN}") == [
        ("Account 1", "acme.com", None, None, None, None, "01 00:00:00", "20 10:00:00"),
        ("Account 1", "acme.com", "Gold", "DE", 0.35, ANN, "20 10:00:00", None),
    ]
    assert any("1 of 1 accounts have facts without a history" in notice for notice in staged.notices)


def test_an_account_never_changed_is_one_row(con: Any, tmp_path: Path) -> None:
    made = at("00:00:00", 1)
    staged = load(con, tmp_path, {"Account": [account(1, Tier__c="Gold", LastModifiedDate=made, SystemModstamp=made)]})
    assert select(con, staged, "accounts", f"tier, {SPAN}") == [("Gold", "01 00:00:00", None)]


def test_without_any_time_of_change_the_snapshot_counts(con: Any, tmp_path: Path) -> None:
    row = {"Id": sid("001", 1), "Name": "Acme", "Tier__c": "Gold"}
    staged = load(con, tmp_path, {"Account": [row]}, 1767520800)  # 2026-01-04 10:00:00
    assert select(con, staged, "accounts", f"name, tier, {SPAN}") == [
        ("Acme", None, None, "04 10:00:00"), ("Acme", "Gold", "04 10:00:00", None),
    ]  # fmt: skip
    alone = load(con, tmp_path / "alone", {"Account": [row]})
    assert select(con, alone, "accounts", f"name, tier, {SPAN}") == [("Acme", None, None, None)]


def test_history_gives_dated_rows_and_guards_the_other_fields(con: Any, tmp_path: Path) -> None:
    one, two = sid("001", 1), sid("001", 2)
    rows = [account(1, Tier__c="Gold", Region__c="EMEA", OwnerId=BEN), account(2, Tier__c="Silver", Region__c="APAC")]
    history = [
        change(1, "AccountId", one, 5, "Tier__c", "Bronze", "Silver"),
        change(2, "AccountId", one, 9, "Tier__c", "Silver", "Gold"),
        change(3, "AccountId", one, 9, "Owner", "Ann Lee", "Ben Ode"),
        change(4, "AccountId", one, 9, "Owner", ANN, BEN),
        change(5, "AccountId", one, 12, "Tier__c", "Gold", "Lead") | {"IsDeleted": "true"},
    ]
    staged = load(con, tmp_path, {"Account": rows, "AccountHistory": history})
    assert select(con, staged, "accounts", f"account_id, tier, region, owner_id, {SPAN}") == [
        (one, "Bronze", None, ANN, "01 00:00:00", "05 12:00:00"),
        (one, "Silver", None, ANN, "05 12:00:00", "09 12:00:00"),
        (one, "Gold", None, BEN, "09 12:00:00", "20 10:00:00"),
        (one, "Gold", "EMEA", BEN, "20 10:00:00", None),
        # tier and owner are tracked, so the second account has never changed them
        (two, "Silver", None, ANN, "01 00:00:00", "20 10:00:00"),
        (two, "Silver", "APAC", ANN, "20 10:00:00", None),
    ]


def test_history_older_than_the_vendor_keeps_is_not_known(con: Any, tmp_path: Path) -> None:
    rows = [account(1, Tier__c="Gold", CreatedDate="2020-01-01T00:00:00.000Z"), account(2, Tier__c="Silver")]
    history = [change(1, "AccountId", sid("001", 1), 5, "Tier__c", "Bronze", "Gold")]
    staged = load(con, tmp_path, {"Account": rows, "AccountHistory": history})
    found = con.execute(
        f"SELECT tier, CAST(valid_from AS VARCHAR) FROM {staged.tables['accounts']} ORDER BY row_no LIMIT 3"
    ).fetchall()
    # 18 months before the newest time of the export
    assert found == [
        (None, "2020-01-01 00:00:00"), ("Bronze", "2024-07-20 10:00:00"), ("Gold", "2026-01-05 12:00:00"),
    ]  # fmt: skip


def test_two_changes_in_one_second_end_with_the_last(con: Any, tmp_path: Path) -> None:
    one = sid("001", 1)
    history = [
        change(1, "AccountId", one, 5, "Tier__c", "Silver", "Gold"),
        change(2, "AccountId", one, 5, "Tier__c", "Bronze", "Silver"),
        change(3, "AccountId", one, 7, "Tier__c", "Gold", ""),
    ]
    staged = load(con, tmp_path, {"Account": [account(1, Tier__c="")], "AccountHistory": history})
    assert select(con, staged, "accounts", f"tier, {SPAN}")[:3] == [
        ("Bronze", "01 00:00:00", "05 12:00:00"),
        ("Gold", "05 12:00:00", "07 12:00:00"),
        (None, "07 12:00:00", "20 10:00:00"),
    ]


def test_a_cut_value_gives_way_to_the_whole_one_of_today(con: Any, tmp_path: Path) -> None:
    whole = "x" * 300
    history = [change(1, "AccountId", sid("001", 1), 5, "Tier__c", "Gold", "x" * 255)]
    staged = load(con, tmp_path, {"Account": [account(1, Tier__c=whole)], "AccountHistory": history})
    assert [row[0] for row in select(con, staged, "accounts", f"tier, {SPAN}")][:2] == ["Gold", whole]
    assert any("1 values of AccountHistory" in notice for notice in staged.notices)


def test_fivetran_versions_are_spans(con: Any, tmp_path: Path) -> None:
    def version(number: int, start: str, end: str, tier: str, deleted: str = "false") -> Row:
        return {
            "id": sid("001", number), "name": "Acme", "tier__c": tier, "is_deleted": deleted, "_fivetran_start": start,
            "_fivetran_end": end, "_fivetran_active": "true" if end > "9" else "false",
        }  # fmt: skip

    rows = [
        version(1, "2026-01-03 00:00:00", "2026-01-04 23:59:59.999", "Bronze"),
        version(1, "2026-01-05 00:00:00", "2026-01-06 23:59:59.999", "Gold"),
        version(1, "2026-01-09 00:00:00", "9999-12-31 23:59:59", "Gold"),
        version(2, "2026-01-03 00:00:00", "2026-01-04 23:59:59.999", "Silver"),
        version(2, "2026-01-05 00:00:00", "9999-12-31 23:59:59", "Silver", "true"),
    ]
    expected = [
        (sid("001", 1), None, None, "03 00:00:00"),
        (sid("001", 1), "Bronze", "03 00:00:00", "05 00:00:00"),
        (sid("001", 1), "Gold", "05 00:00:00", "06 23:59:59"),
        (sid("001", 1), "Gold", "09 00:00:00", None),
        (sid("001", 2), None, None, "03 00:00:00"),
        (sid("001", 2), "Silver", "03 00:00:00", "05 00:00:00"),
    ]
    today = [
        {key: value for key, value in row.items() if key not in {"_fivetran_start", "_fivetran_end"}}
        for row in rows[2:3]
    ]
    staged = load(con, tmp_path / "both", {"account": today, "account_history": rows})
    assert select(con, staged, "accounts", f"account_id, tier, {SPAN}") == expected
    alone = load(con, tmp_path / "alone", {"account": rows})
    assert select(con, alone, "accounts", f"account_id, tier, {SPAN}") == expected


def test_identity_of_accounts(con: Any, tmp_path: Path) -> None:
    rows = [
        account(1, Website="http://acme.com; www.acme.de/shop", Stripe_Customer_Id__c="cus_9", Zendesk_Organization_Id__c="4711",
                External_Id__c="X-1", Mood__c="blue", Paid__c="y", Churn_Risk__c="35"),
        account(2, Id=short("001", 2), ParentId=short("001", 1), Website="none", Churn_Risk__c="high"),
        account(3, IsDeleted="true", MasterRecordId=sid("001", 1)),
    ]  # fmt: skip
    staged = load(con, tmp_path, {"Account": rows})
    found = select(
        con, staged, "accounts", "account_id, domain, external_id, parent_id, churn_risk", "valid_to IS NULL"
    )
    assert found == [
        (sid("001", 1), "acme.com|acme.de", "4711|X-1|cus_9", None, 0.35),
        (sid("001", 2), None, None, sid("001", 1), None),
    ]
    assert "1 account is deleted or in the recycle bin, left out" in staged.notices


@pytest.mark.parametrize(
    ("cells", "tier", "named"),
    [
        ({"Type": "Customer", "Rating": "Hot", "Segment__c": "SMB", "Tier__c": "Gold"}, "Gold", "Tier__c"),
        ({"Type": "Customer", "Rating": "Hot", "Segment__c": "SMB", "Tier__c": ""}, "SMB", "Segment__c"),
        ({"Type": "Customer", "Rating": "Hot"}, "Customer", "Type"),
        ({"Rating": "Hot"}, "Hot", "Rating"),
    ],
)
def test_the_first_field_that_is_filled_is_the_tier(
    con: Any, tmp_path: Path, cells: Row, tier: str, named: str
) -> None:
    staged = load(con, tmp_path, {"Account": [account(1, **cells), account(2, Type="", Rating="")]})
    assert select(con, staged, "accounts", "tier", "valid_to IS NULL") == [(tier,), (None,)]
    assert f"accounts.tier is read from {named}" in staged.notices


def test_opportunities_by_field_history(con: Any, tmp_path: Path) -> None:
    one = sid("006", 1)
    history = [
        change(1, "OpportunityId", one, 5, "StageName", "Prospecting", "Proposal"),
        change(2, "OpportunityId", one, 8, "StageName", "Proposal", "Closed Won"),
        change(3, "OpportunityId", one, 8, "Amount", "1000.0", "1200.5"),
    ]
    rows = [
        opportunity(1, StageName="Closed Won", IsWon="true", IsClosed="true", CurrencyIsoCode="EUR"),
        opportunity(2, StageName="Lost for good", IsClosed="true", Amount="", CurrencyIsoCode="EUR"),
    ]
    staged = load(con, tmp_path, {"Opportunity": rows, "OpportunityFieldHistory": history})
    columns = f"opportunity_id, stage, amount_minor, is_won, is_closed, CAST(close_date AS VARCHAR), {SPAN}"
    assert select(con, staged, "opportunities", columns) == [
        (one, "Prospecting", 100000, False, False, None, "01 00:00:00", "05 12:00:00"),
        (one, "Proposal", 100000, False, False, None, "05 12:00:00", "08 12:00:00"),
        (one, "Closed Won", 120050, True, True, None, "08 12:00:00", "20 10:00:00"),
        (one, "Closed Won", 120050, True, True, "2026-02-01", "20 10:00:00", None),
        (sid("006", 2), "Lost for good", None, False, True, None, "01 00:00:00", "20 10:00:00"),
        (sid("006", 2), "Lost for good", None, False, True, "2026-02-01", "20 10:00:00", None),
    ]


def test_opportunities_by_snapshots(con: Any, tmp_path: Path) -> None:
    def step(number: int, day: int, stage: str, amount: str, clock: str = "00:00:00") -> Row:
        return {
            "Id": sid("008", number), "OpportunityId": sid("006", 1), "StageName": stage, "Amount": amount,
            "CloseDate": "2026-03-01", "CreatedDate": at(clock, day), "IsDeleted": "false",
        }  # fmt: skip

    snapshots = [
        step(1, 1, "Prospecting", "10"),
        step(2, 4, "Proposal", "10"),
        step(3, 4, "Proposal", "12"),
        step(4, 9, "Closed Lost", "12"),
    ]
    rows = [opportunity(1, StageName="Closed Lost", IsClosed="true", Amount="12", CloseDate="2026-03-01")]
    staged = load(con, tmp_path, {"Opportunity": rows, "OpportunityHistory": snapshots})
    assert select(con, staged, "opportunities", f"stage, amount_minor, is_closed, {SPAN}") == [
        ("Prospecting", 1000, False, "01 00:00:00", "04 00:00:00"),
        ("Proposal", 1200, False, "04 00:00:00", "09 00:00:00"),
        ("Closed Lost", 1200, True, "09 00:00:00", None),
    ]


def test_opportunities_without_history_are_not_known_before_their_last_change(con: Any, tmp_path: Path) -> None:
    rows = [
        opportunity(1, StageName="Closed Won", IsWon="true", IsClosed="true"),
        opportunity(2, AccountId=""),
        opportunity(3, IsDeleted="1"),
    ]
    staged = load(con, tmp_path, {"Opportunity": rows})
    assert select(con, staged, "opportunities", f"opportunity_id, is_won, currency, {SPAN}") == [
        (sid("006", 1), True, None, "20 10:00:00", None)
    ]
    notices = " | ".join(staged.notices)
    assert "1 opportunities without an account, left out" in notices
    assert "1 opportunity is deleted" in notices
    assert "2 opportunities without CurrencyIsoCode" in notices


def test_minor_units(con: Any, tmp_path: Path) -> None:
    told = [
        ("1200.5", "USD", 120050), ("1200.5", "eur", 120050), ("1200", "JPY", 1200), ("1.2345", "KWD", 1235), ("1.2E7", "USD", 1200000000),
        ("0.285", "USD", 29), ("12", "", 1200), ("twelve", "USD", None), ("90071992547409.93", "USD", 9007199254740993),
    ]  # fmt: skip
    rows = [opportunity(n, Amount=amount, CurrencyIsoCode=currency) for n, (amount, currency, _) in enumerate(told)]
    staged = load(con, tmp_path, {"Opportunity": rows})
    expected = [(minor, currency.upper() or None) for _, currency, minor in told]
    assert select(con, staged, "opportunities", "amount_minor, currency") == expected


def test_kinds_of_opportunity(con: Any, tmp_path: Path) -> None:
    told = {
        "New Business": "new", "New Customer": "new", "Existing Customer - Upgrade": "expansion", "Expansion": "expansion",
        "Renewal": "renewal", "Existing Business Renewal": "renewal", "Services": None, "": None,
    }  # fmt: skip
    staged = load(con, tmp_path, {"Opportunity": [opportunity(number, Type=word) for number, word in enumerate(told)]})
    assert select(con, staged, "opportunities", "kind") == [(kind,) for kind in told.values()]


def test_contracts_and_their_clauses(con: Any, tmp_path: Path) -> None:
    one = sid("800", 1)
    rows = [
        contract(1, Tier__c="Enterprise", Auto_Renew__c="1", Notice_Days__c="30.0", Contract_Value__c="5000", CurrencyIsoCode="USD",
                 Legal_Flag__c="TRUE", Service_Credit_Pct__c="7.5", Memo__c=""),
        contract(2, EndDate="2026-12-30", ContractTerm="", Status="Draft", Legal_Flag__c="false", Memo__c="x"),
    ]  # fmt: skip
    history = [
        change(1, "ContractId", one, 5, "Status", "Draft", "Activated"),
        change(2, "ContractId", one, 7, "Legal_Flag__c", "false", "true"),
        change(3, "ContractId", one, 9, "Memo__c", "call first", ""),
    ]
    staged = load(con, tmp_path, {"Contract": rows, "ContractHistory": history})
    columns = f"contract_id, tier, CAST(ends_on AS VARCHAR), auto_renew, notice_days, value_minor, status, {SPAN}"
    assert select(con, staged, "contracts", columns) == [
        (one, None, None, None, None, None, "draft", "01 00:00:00", "05 12:00:00"),
        (one, None, None, None, None, None, "active", "05 12:00:00", "20 10:00:00"),
        (one, "Enterprise", "2027-01-30", True, 30, 500000, "active", "20 10:00:00", None),
        (sid("800", 2), None, None, None, None, None, "draft", "01 00:00:00", "20 10:00:00"),
        (sid("800", 2), None, "2026-12-30", None, None, None, "draft", "20 10:00:00", None),
    ]
    assert select(con, staged, "contract_clauses", f"contract_id, clause_key, value, value_num, {SPAN}") == [
        (one, "legal_flag", "false", None, "01 00:00:00", "07 12:00:00"),
        (one, "legal_flag", "true", None, "07 12:00:00", None),
        (one, "memo", "call first", None, "01 00:00:00", "09 12:00:00"),
        (one, "service_credit_pct", "7.5", 7.5, "20 10:00:00", None),
        (sid("800", 2), "legal_flag", "false", None, "01 00:00:00", None),
        (sid("800", 2), "memo", "x", None, "01 00:00:00", None),
    ]
    assert select(con, staged, "contract_clauses", "account_id, extracted_by")[0] == (sid("001", 1), "import")


def test_last_day_by_term(con: Any, tmp_path: Path) -> None:
    told = [
        ("2026-01-01", "12", "2026-12-31"),
        ("2026-01-31", "1", "2026-02-27"),
        ("2026-03-15", "", None),
        ("", "12", None),
    ]
    rows = [contract(number, StartDate=start, ContractTerm=months) for number, (start, months, _) in enumerate(told)]
    staged = load(con, tmp_path, {"Contract": rows})
    assert select(con, staged, "contracts", "CAST(ends_on AS VARCHAR)") == [(last,) for _, _, last in told]


def test_accounts_and_opportunities_without_cases(con: Any, tmp_path: Path) -> None:
    staged = load(con, tmp_path, {"Account": [account(1)], "Opportunity": [opportunity(1)]})
    assert set(staged.tables) == {"accounts", "opportunities"}
    assert not any("CaseHistory" in notice for notice in staged.notices)


def test_no_fact_is_known_before_it_is_sure(con: Any, tmp_path: Path) -> None:
    """Whatever the history holds, no row before a change tells the value after it."""
    one = sid("001", 1)
    tiers = ["T0", "T1", "T2", "T3", "T4"]
    history = [
        change(n, "AccountId", one, 2 + 3 * n, "Tier__c", old, new)
        for n, (old, new) in enumerate(itertools.pairwise(tiers), start=1)
    ]
    for kept in range(len(history) + 1):
        staged = load(
            con, tmp_path / str(kept), {"Account": [account(1, Tier__c="T4"), account(2)], "AccountHistory": history[kept:] or
            [change(9, "AccountId", sid("001", 2), 3, "Name", "a", "b")]},
        )  # fmt: skip
        spans = select(con, staged, "accounts", f"tier, {SPAN}", f"account_id = '{one}' AND tier IS NOT NULL")
        first = {tier: since for tier, since, _ in reversed(spans)}
        assert set(first) == set(tiers[kept:])
        for tier, since in first.items():
            place = tiers.index(tier)
            sure = (
                f"{2 + 3 * place:02d} 12:00:00"
                if place > kept
                else "01 00:00:00"
                if kept < len(history)
                else "20 10:00:00"
            )
            assert since == sure


def test_fivetran_seeds_load(con: Any) -> None:
    if not SEEDS.is_dir():
        pytest.skip("the Fivetran tables of ../shared/data are not here")
    staged = stage_source(con, files=[SEEDS], source=read_mapping("salesforce"), timezone=None, snapshot_at=None)
    assert staged.counts.rejected == 0
    assert staged.counts.read == 60
    assert select(con, staged, "accounts", "account_id, name, tier, owner_id", "valid_to IS NULL") == [
        ("0015500000Xyy06AAB", "Eric's Test", "ziZgHawN6hOLcpXwK3Ygpw==", "tqs6UXPA/Lm7W+0dX0+syw==")
    ]
    notices = " | ".join(staged.notices)
    assert "9 accounts are deleted or in the recycle bin, left out" in notices
    assert "10 opportunities are deleted or in the recycle bin, left out" in notices
    assert "sf_product_2_data.csv" in notices


def test_fivetran_seeds_brought_back_to_life(con: Any, tmp_path: Path) -> None:
    """The same tables with no row deleted: every id is a hash, and all of them are dated."""
    if not SEEDS.is_dir():
        pytest.skip("the Fivetran tables of ../shared/data are not here")
    import polars as pl

    for name in ("account", "account_history", "opportunity", "opportunity_history"):
        frame = pl.read_csv(SEEDS / f"sf_{name}_data.csv", infer_schema_length=0)
        frame.with_columns(is_deleted=pl.lit("false")).write_csv(tmp_path / f"sf_{name}_data.csv")
    staged = stage_source(con, files=[tmp_path], source=read_mapping("salesforce"), timezone=None, snapshot_at=None)
    counted = (
        "count(DISTINCT account_id), count(*) FILTER (tier IS NOT NULL), min(valid_from) FILTER (tier IS NOT NULL)"
    )
    found = con.execute(f"SELECT {counted} FROM {staged.tables['accounts']}").fetchone()
    assert found[:2] == (10, 10)
    assert str(found[2]) == "2019-04-04 18:36:06"
    rows = select(
        con, staged, "opportunities", "amount_minor, is_won, is_closed", "opportunity_id = '006q000000HddohAAB'"
    )
    assert rows == [(2412000000, True, True)]
    assert staged.rows["opportunities"] == 10


def test_a_report_with_labels_and_without_ids(con: Any, tmp_path: Path) -> None:
    text = (
        '"Case Number","Account ID","Date/Time Opened","Date/Time Closed","Case Owner","Case Origin","Status"\n'
        '"00001001","001xx000003DGb2","1/31/2024, 9:05\u202fAM","1/31/2024, 2:10 PM","Ann Lee","Email","Closed"\n'
    )
    path = tmp_path / "report1706700000000.csv"
    path.write_text(text, encoding="utf-8")
    source = read_mapping("salesforce")
    with pytest.raises(ExportError) as caught:
        stage_source(con, files=[path], source=source, timezone="UTC", snapshot_at=None)
    assert "--layout month_first" in caught.value.action
    staged = stage_source(con, files=[path], source=source, timezone="UTC", snapshot_at=None, layout="month_first")
    names = "ticket_id, account_id, created_at, resolved_at, agent_id, channel"
    found = con.execute(f"SELECT {names} FROM {staged.tables['tickets']}").fetchall()
    assert [tuple(map(str, row)) for row in found] == [
        ("00001001", "001xx000003DGb2AAG", "2024-01-31 09:05:00", "2024-01-31 14:10:00", "Ann Lee", "email")
    ]
