"""Chains of systems and the lookups they make: who is asked, who answers, how old the answer is."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_worlds import BUILT_IN, at, lab, load, ticket

from triage_lab import store
from triage_lab.domain.desk import ColumnKind, ContextColumn, LookupChain
from triage_lab.domain.errors import ContextError
from triage_lab.store.chains import usual_order
from triage_lab.store.kinds import as_text

DAY = 86_400
NOW = int((at("2026-06-01") - at("1970-01-01")).total_seconds())


def chosen(*names):
    return [column for name in names for column in BUILT_IN if column.name == name]


def setting(enrichment=(), systems=()):
    return {
        "timezone": "UTC", "currency": "EUR", "mrr_tiers": (("high", Decimal(5000)), ("low", Decimal(0))), "fx": (),
        "decision_latency_seconds": 60, "enrichment": {chain.field: chain for chain in enrichment}, "systems": systems,
    }  # fmt: skip


def values(con, *names, enrichment=(), systems=()):
    found = store.read_context(con, chosen(*names), **setting(enrichment, systems))
    return found.drop("ticket_id", "ticket_key", "arrived_at").rows()


def lookups_of(con, columns, **settings):
    _, lookups = store.read_context_and_lookups(con, columns, **settings)
    return lookups.frame([column.name for column in columns])


def asked(con, *names, enrichment=(), systems=()):
    found = lookups_of(con, chosen(*names), **setting(enrichment, systems))
    return found.drop("looked_up_at").rows()


def subscription(number, mrr, account="a", **columns):
    return {
        "subscription_id": f"s{number}",
        "account_id": account,
        "mrr_minor": mrr * 100,
        "currency": "EUR",
        **columns,
    }


@pytest.fixture
def con(tmp_path):
    """Tickets of accounts a (both systems), b (stripe alone), c (the log knows its mrr), of none, and of a stranger."""
    rows = [ticket(name, "2026-06-01", account_id=name) for name in "abce"] + [ticket("d", "2026-06-01")]
    with lab(tmp_path, tickets=rows) as opened:
        load(opened, "subscriptions", [subscription(1, 100, valid_from=at("2026-05-01"))], source="salesforce")
        load(
            opened, "subscriptions",
            [subscription(1, 7000, valid_from=at("2026-01-01")), subscription(2, 1, valid_from=at("2026-04-01")),
             subscription(3, 42, "b", started_at=at("2026-03-01")), subscription(4, 9, "c")],
            source="stripe",
        )  # fmt: skip
        log = {"ticket_id": "c", "field": "mrr", "source": "crm", "status": "hit", "value": "5"}
        load(opened, "enrichment_log", [{**log, "looked_up_at": at("2026-06-01")}])
        yield opened


def test_the_first_system_with_a_value_is_believed_and_nothing_is_added_up(con):
    assert values(con, "mrr", "mrr_tier") == [(100.0, "low"), (42.0, "low"), (5.0, "low"), (None, None), (None, None)]
    stripe_first = LookupChain("mrr", ("stripe", "salesforce"))
    assert values(con, "mrr", "mrr_tier", enrichment=[stripe_first])[:2] == [(7001.0, "high"), (42.0, "low")]
    salesforce = LookupChain("mrr", ("salesforce",))
    assert values(con, "mrr", enrichment=[salesforce]) == [(100.0,), (None,), (5.0,), (None,), (None,)]
    assert values(con, "mrr_tier", enrichment=[stripe_first])[0] == ("high",)


def test_every_system_is_asked_until_one_answers(con):
    day = {name: int((at(f"2026-0{name}-01") - at("1970-01-01")).total_seconds()) for name in (3, 4, 5)}
    assert asked(con, "mrr") == [
        (0, "mrr", "salesforce", "100", "hit", day[5]),
        (1, "mrr", "salesforce", None, "miss", None), (1, "mrr", "stripe", "42", "hit", day[3]),
        (4, "mrr", "salesforce", None, "miss", None), (4, "mrr", "stripe", None, "miss", None),
    ]  # fmt: skip
    chain = LookupChain("mrr", ("zendesk", "stripe"), 60 * DAY)
    assert asked(con, "mrr_tier", enrichment=[chain], systems=["zendesk"]) == [
        (0, "mrr_tier", "zendesk", None, "miss", None), (0, "mrr_tier", "stripe", "high", "stale", day[4]),
        (1, "mrr_tier", "zendesk", None, "miss", None), (1, "mrr_tier", "stripe", "low", "stale", day[3]),
        (4, "mrr_tier", "zendesk", None, "miss", None), (4, "mrr_tier", "stripe", None, "miss", None),
    ]  # fmt: skip


def test_a_value_is_stale_when_it_is_older_than_the_limit(con):
    for days, status in ((62, "hit"), (61, "hit"), (60, "stale")):  # 1 April to 1 June
        chain = LookupChain("mrr", ("stripe",), days * DAY)
        assert asked(con, "mrr", enrichment=[chain])[0][4] == status


def test_lookups_are_those_of_the_columns_asked_for_in_their_order(con):
    columns = chosen("category", "is_repeat_7d", "mrr", "mrr_tier", "balance_due")
    context, lookups = store.read_context_and_lookups(con, columns, **setting())
    assert context.equals(store.read_context(con, columns, **setting()))
    assert set(lookups.fields) == {"mrr", "mrr_tier", "balance_due"}
    frame = lookups.frame(["mrr_tier", "category", "balance_due", "mrr", "unknown"])
    assert frame.select("row", "field").unique(maintain_order=True).rows()[:3] == [
        (0, "mrr_tier"), (0, "mrr"), (1, "mrr_tier"),
    ]  # fmt: skip
    assert frame["looked_up_at"].to_list() == [NOW] * frame.height
    assert lookups.frame(["mrr"], rows=2).equals(lookups.frame(["mrr"]).filter(pl.col("row") < 2))
    none = lookups.frame([])
    assert (none.height, none.columns) == (0, frame.columns)
    assert none.schema["value"] == pl.String
    both = pl.concat([store.read_enrichment(con, 2**40), frame], how="vertical_relaxed")
    assert both.columns == frame.columns
    assert both.schema["status"] == pl.String


def test_a_group_that_nobody_fills_asks_nobody_unless_a_chain_says_so(con):
    assert asked(con, "balance_due", "legal_flag") == []
    chain = LookupChain("legal_flag", ("salesforce",))
    assert asked(con, "legal_flag", enrichment=[chain])[0] == (0, "legal_flag", "salesforce", None, "miss", None)
    assert values(con, "legal_flag", enrichment=[chain]) == [(None,)] * 5


def test_nothing_owed_is_told_by_a_system_that_knows_the_account(tmp_path):
    tickets = [ticket(name, "2026-06-01", account_id=name) for name in ("both", "crm", "nobody")]
    bill = {"total_minor": 500, "issued_at": at("2026-05-01")}
    with lab(tmp_path, tickets=tickets) as con:
        load(con, "accounts", [{"account_id": "both"}, {"account_id": "crm"}], source="salesforce")
        load(con, "accounts", [{"account_id": "both"}], source="stripe")
        load(con, "invoices", [{**bill, "invoice_id": "i", "account_id": "else"}], source="stripe")
        assert values(con, "balance_due") == [(0.0,), (None,), (None,)]
        load(con, "invoices", [{**bill, "invoice_id": "j", "account_id": "crm"}], source="netsuite")
        assert values(con, "balance_due") == [(0.0,), (5.0,), (None,)]  # netsuite has no accounts of its own
        assert asked(con, "balance_due") == [
            (0, "balance_due", "stripe", "0", "hit", None), (1, "balance_due", "stripe", None, "miss", None),
            (1, "balance_due", "netsuite", "5", "hit", NOW - 31 * DAY), (2, "balance_due", "stripe", None, "miss", None),
            (2, "balance_due", "netsuite", None, "miss", None),
        ]  # fmt: skip


def test_links_bring_the_facts_of_every_system_to_the_ticket(tmp_path):
    with lab(tmp_path) as con:
        load(con, "tickets", [ticket("t", "2026-06-01", account_id="42")], source="zendesk")
        load(con, "accounts", [{"account_id": "42", "region": "emea"}], source="zendesk")
        load(con, "accounts", [{"account_id": "001", "tier": "gold"}], source="salesforce")
        load(con, "subscriptions", [subscription(1, 10, "cus")], source="stripe")
        contract = {"contract_id": "k", "account_id": "001", "tier": "pro", "ends_on": date(2026, 7, 1)}
        load(con, "contracts", [contract], source="salesforce")
        load(con, "contract_clauses", [{"contract_id": "k", "clause_key": "legal_flag", "value": "true"}], source="clm")
        names = ("account_id", "account_tier", "region", "mrr", "contract_tier", "days_to_renewal", "legal_flag")
        assert values(con, *names) == [("42", None, "emea", None, None, None, None)]
        linked = [{"source": s, "source_id": i, "account_id": "001"} for s, i in (("zendesk", "42"), ("stripe", "cus"))]
        load(con, "account_links", linked, source="links")
        assert values(con, *names) == [("001", "gold", "emea", 10.0, "pro", 30, True)]
        assert [row[1:4] for row in asked(con, "region", "legal_flag")] == [
            ("region", "salesforce", None), ("region", "zendesk", "emea"), ("legal_flag", "clm", "true"),
        ]  # fmt: skip


def test_two_accounts_linked_to_one_tell_by_the_one_itself(tmp_path):
    accounts = [{"account_id": name, "tier": name} for name in ("b", "z", "a")]
    with lab(tmp_path, tickets=[ticket("t", "2026-06-01", account_id="a")], accounts=accounts) as con:
        links = [{"source": "canonical", "source_id": name, "account_id": "b"} for name in "az"]
        load(con, "account_links", links)
        assert values(con, "account_tier") == [("b",)]
        load(con, "account_links", [{"source": "canonical", "source_id": "b", "account_id": "elsewhere"}])
        assert values(con, "account_tier") == [("z",)]  # neither is the account: the last id bytewise


def test_what_is_assumed_to_be_static_has_no_age(tmp_path):
    column = ContextColumn("owner", ColumnKind.TEXT, "", True, "accounts.owner_id", "assume_static")
    accounts = [{"account_id": "a", "owner_id": "later", "valid_from": at("2027-01-01")}]
    with lab(tmp_path, tickets=[ticket("t", "2026-06-01", account_id="a")], accounts=accounts) as con:
        chain = LookupChain("owner", ("canonical",), 0)
        found = lookups_of(con, [column], **setting([chain]))
        assert found.rows() == [(0, "owner", "canonical", "later", "hit", NOW, None)]


@pytest.mark.parametrize(
    ("chain", "message", "action"),
    [
        (LookupChain("mrr", ("strpe",)), "enrichment.mrr: there is no system 'strpe'", "write 'stripe'"),
        (LookupChain("mrr", ("stripe", "qqqq")), "no system 'qqqq'", "correct the name"),
        (LookupChain("elsewhere", ("zendsk",)), "no system 'zendsk'", "write 'zendesk'"),
        (LookupChain("mrr_tier", ("stripe",)), "mrr_tier follows from mrr", "`enrichment.mrr`"),
        (LookupChain("days_to_renewal", ("stripe",)), "follows from contract_end", "`enrichment.contract_end`"),
        (LookupChain("category", ("stripe",)), "category comes with the ticket", "drop"),
        (LookupChain("is_repeat_7d", ("stripe",)), "comes with the ticket", "drop"),
    ],
)
def test_a_chain_that_means_nothing_is_refused(con, chain, message, action):
    with pytest.raises(ContextError, match=message) as caught:
        values(con, "mrr", "mrr_tier", "category", "is_repeat_7d", "days_to_renewal", enrichment=[chain],
               systems=["zendesk"])  # fmt: skip
    assert action in caught.value.action
    assert caught.value.exit_code == 3
    assert values(con, "mrr", enrichment=[LookupChain("mrr", ("zendesk",))], systems=["zendesk"]) == [
        (None,), (None,), (5.0,), (None,), (None,),
    ]  # fmt: skip


def test_nothing_is_left_behind(con):
    with pytest.raises(ContextError, match="unknown time zone"):
        lookups_of(con, chosen("mrr"), **setting() | {"timezone": "Mars/Base"})
    asked(con, "mrr", "balance_due")
    for kind in ("tables", "views"):
        assert con.execute(f"SELECT * FROM duckdb_{kind}() WHERE temporary AND NOT internal").fetchall() == []
    assert con.execute("SELECT getvariable('triage_system')").fetchall() == [(None,)]


def test_the_usual_order_is_crm_billing_contracts_desk_others_own():
    names = ["canonical", "zendesk", "netsuite", "contracts", "servicenow", "stripe", "acme", "salesforce"]
    expected = ("salesforce", "stripe", "contracts", "zendesk", "servicenow", "acme", "netsuite", "canonical")
    assert usual_order(names) == expected


def test_values_are_written_as_a_log_writes_them():
    numbers = pl.Series([1000.0, 1100.05, 0.25, 1e16, 1e-7, -0.0, None, -12.5])
    assert as_text(numbers).to_list() == [
        "1000",
        "1100.05",
        "0.25",
        "10000000000000000",
        "0.0000001",
        "0",
        None,
        "-12.5",
    ]
    assert as_text(pl.Series([True, False, None])).to_list() == ["true", "false", None]
    assert as_text(pl.Series([date(2026, 4, 1), None])).to_list() == ["2026-04-01", None]
    assert as_text(pl.Series(["x", None, "-0"])).to_list() == ["x", None, "-0"]
    assert as_text(pl.Series([7, None])).to_list() == ["7", None]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_in_text_are_plain_and_exact(number):
    (text,) = as_text(pl.Series([number]))
    assert float(text) == number
    assert "e" not in text
    assert not text.endswith((".0", "."))
