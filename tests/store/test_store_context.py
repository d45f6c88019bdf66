"""The context's rules one by one, and the columns it refuses."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_worlds import BUILT_IN, at, lab, load, ticket

from triage_lab import store
from triage_lab.domain.desk import ColumnKind, ContextColumn, FxRate
from triage_lab.domain.errors import ContextError
from triage_lab.store.columns import OUTCOMES, locate
from triage_lab.store.kinds import typed, typed_text
from triage_lab.store.money import fx_periods, minor_digits

K = ColumnKind
USD = FxRate("USD", "EUR", Decimal("0.92"), date(2026, 1, 1))


def context(con, *names, columns=None, fx=(USD,), latency=60, zone="Europe/Berlin", tiers=(("high", Decimal(5000)),)):
    chosen = columns or [column for column in BUILT_IN if column.name in names]
    found = store.read_context(
        con, chosen, timezone=zone, currency="EUR", mrr_tiers=tiers, fx=fx, decision_latency_seconds=latency
    )
    return found.drop("ticket_id", "ticket_key", "arrived_at").rows()


def column(name, kind, source, as_of="created_at"):
    return ContextColumn(name, kind, "", True, source, as_of)


def test_types_and_order_are_as_asked(tmp_path):
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01")]) as con:
        found = store.read_context(
            con, BUILT_IN, timezone="UTC", currency="EUR", mrr_tiers=(), fx=(), decision_latency_seconds=0
        )
    types = {
        K.TEXT: pl.String, K.INTEGER: pl.Int64, K.DECIMAL: pl.Float64, K.NUMBER: pl.Float64, K.BOOLEAN: pl.Boolean,
        K.DATE: pl.Date,
    }  # fmt: skip
    expected = {"ticket_id": pl.String, "ticket_key": pl.UInt64, "arrived_at": pl.Int64}
    assert dict(found.schema) == expected | {c.name: types[c.kind] for c in BUILT_IN}
    assert found.drop("ticket_id", "ticket_key", "arrived_at").row(0) == (None,) * len(BUILT_IN)


def test_an_empty_store_has_an_empty_context(tmp_path):
    with lab(tmp_path) as con:
        assert context(con, *(c.name for c in BUILT_IN)) == []
        assert store.read_history(con, 0).is_empty()


def subscription(number, account="a", **columns):
    return {"subscription_id": f"s{number}", "account_id": account, "mrr_minor": 100_000, "currency": "EUR", **columns}


def mrr(tmp_path, subscriptions, *, fx=(USD,)):
    with lab(tmp_path, tickets=[ticket("t", "2026-06-01", account_id="a")]) as con:
        if subscriptions:
            load(con, "subscriptions", subscriptions)
        return context(con, "mrr", fx=fx)[0][0]


def test_mrr_is_the_sum_of_active_subscriptions(tmp_path):
    assert mrr(tmp_path, [subscription(1), subscription(2, mrr_minor=10_005), subscription(3, "b")]) == 1100.05


def test_mrr_is_null_without_any_subscription_and_zero_when_all_have_ended(tmp_path):
    assert mrr(tmp_path / "1", []) is None
    assert mrr(tmp_path / "2", [subscription(1, account="b")]) is None
    assert mrr(tmp_path / "3", [subscription(1, started_at=at("2026-07-01"))]) is None
    assert mrr(tmp_path / "4", [subscription(1, ended_at=at("2026-06-01"))]) == 0
    assert mrr(tmp_path / "5", [subscription(1, status="canceled"), subscription(2, status="paused")]) == 0
    assert mrr(tmp_path / "6", [subscription(1, status="past_due")]) == 1000


def test_mrr_converts_exactly_and_is_null_without_a_rate(tmp_path):
    dollars = subscription(1, currency="USD", mrr_minor=33_333)
    assert mrr(tmp_path / "1", [dollars, subscription(2, mrr_minor=1)]) == float(Decimal("306.6736"))
    assert mrr(tmp_path / "2", [dollars], fx=()) is None
    later = FxRate("USD", "EUR", Decimal("0.92"), date(2026, 6, 2))
    assert mrr(tmp_path / "3", [dollars], fx=(later,)) is None
    assert mrr(tmp_path / "4", [{**dollars, "status": "canceled"}, subscription(2)], fx=()) == 1000
    assert mrr(tmp_path / "5", [subscription(1, mrr_minor=None), subscription(2)]) is None
    yen = FxRate("JPY", "EUR", Decimal("0.006"), date(2026, 1, 1))
    assert mrr(tmp_path / "6", [subscription(1, currency="JPY", mrr_minor=1000)], fx=(yen,)) == 6
    assert mrr(tmp_path / "7", [subscription(1, mrr_minor=2**62)]) is None


def test_a_fact_of_tomorrow_is_not_known_today(tmp_path):
    versions = [
        subscription(1, valid_from=at("2026-01-01"), valid_to=at("2026-06-01 12:00")),
        subscription(1, valid_from=at("2026-06-01 12:00"), mrr_minor=900_000),
    ]
    times = ["2025-12-31", "2026-06-01 11:59:59.999", "2026-06-01 12:00"]
    tickets = [ticket(str(n), time, account_id="a") for n, time in enumerate(times)]
    with lab(tmp_path, tickets=tickets, subscriptions=versions) as con:
        assert context(con, "mrr", "mrr_tier") == [(None, None), (1000.0, None), (9000.0, "high")]


def test_days_to_renewal_are_days_of_the_labs_zone(tmp_path):
    contracts = [
        {"contract_id": "k", "account_id": "a", "tier": "pro", "ends_on": date(2026, 6, 10), "auto_renew": True}
    ]
    times = ["2026-06-09 21:59", "2026-06-09 22:00", "2026-06-11 12:00"]
    tickets = [ticket(str(n), time, account_id="a") for n, time in enumerate(times)]
    with lab(tmp_path, tickets=tickets, contracts=contracts) as con:
        assert [row[0] for row in context(con, "days_to_renewal")] == [1, 0, -1]
        assert [row[0] for row in context(con, "days_to_renewal", zone="UTC")] == [1, 1, -1]


def test_the_contract_in_force_comes_before_newer_ended_ones(tmp_path):
    def contract(number, tier, **columns):
        return {"contract_id": f"k{number}", "account_id": "a", "tier": tier, **columns}

    contracts = [
        contract(1, "running", starts_on=date(2025, 1, 1), ends_on=date(2026, 12, 31)),
        contract(2, "over", starts_on=date(2026, 1, 1), ends_on=date(2026, 2, 1)),
        contract(3, "cancelled", starts_on=date(2026, 3, 1), ends_on=date(2027, 1, 1), status="ended"),
        contract(4, "draft", starts_on=date(2026, 4, 1), status="draft"),
        contract(5, "future", starts_on=date(2026, 8, 1)),
    ]
    tickets = [ticket("t", "2026-06-01", account_id="a"), ticket("u", "2027-06-01", account_id="a")]
    with lab(tmp_path, tickets=tickets, contracts=contracts[:4]) as con:
        assert [row[0] for row in context(con, "contract_tier")] == ["running", "cancelled"]
        load(con, "contracts", contracts)
        assert [row[0] for row in context(con, "contract_tier")] == ["running", "future"]


def test_a_contract_starts_at_the_first_midnight_of_a_day_that_begins_twice(tmp_path):
    contracts = [{"contract_id": "k", "account_id": "a", "tier": "pro", "starts_on": date(2026, 11, 1)}]
    times = ["2026-11-01 03:59:59", "2026-11-01 04:00", "2026-11-01 05:30"]  # Havana: 01:00 becomes 00:00 at 05:00 UTC
    tickets = [ticket(str(n), time, account_id="a") for n, time in enumerate(times)]
    with lab(tmp_path, tickets=tickets, contracts=contracts) as con:
        assert [row[0] for row in context(con, "contract_tier", zone="America/Havana")] == [None, "pro", "pro"]


def test_nothing_owed_is_zero_for_a_known_account_and_null_for_an_unknown_one(tmp_path):
    names = ("balance_due", "overdue_days", "open_dispute", "open_opportunity_amount", "open_opportunity_count")
    tickets = [ticket("1", "2026-06-01", account_id="a"), ticket("2", "2026-06-01", account_id="ghost")]
    tickets += [ticket("3", "2026-06-01"), ticket("4", "2026-06-01", account_id="b")]
    with lab(tmp_path, tickets=tickets, accounts=[{"account_id": "a"}]) as con:
        assert context(con, *names) == [(None,) * 5] * 4  # no source at all
        bill = {"invoice_id": "i", "account_id": "b", "total_minor": 500, "issued_at": at("2026-05-01")}
        load(con, "invoices", [{**bill, "due_at": at("2026-05-22 23:00"), "disputed_at": at("2026-05-30")}])
        load(con, "opportunities", [{"opportunity_id": "o", "account_id": "b", "amount_minor": 700}])
        known, unknown = (0.0, 0, False, 0.0, 0), (None,) * 5
        assert context(con, *names) == [known, unknown, unknown, (5.0, 9, True, 7.0, 1)]


def test_lookups_replace_facts_with_what_the_decision_saw(tmp_path):
    def lookup(ticket_id, when, status, value=None, *, source="crm", field="mrr"):
        return {
            "ticket_id": ticket_id, "field": field, "source": source, "status": status, "value": value,
            "looked_up_at": at(when),
        }  # fmt: skip

    log = [
        lookup("fallback", "2026-06-01", "miss"),
        lookup("fallback", "2026-06-01", "hit", "6000", source="billing"),
        lookup("only-miss", "2026-06-01", "miss"),
        lookup("first-source", "2026-06-01", "hit", "1"),
        lookup("first-source", "2026-06-01", "hit", "2", source="billing"),
        lookup("stale", "2026-06-01", "stale", "3"),
        lookup("stale", "2026-06-01", "hit", "4", source="billing"),
        lookup("latest", "2026-06-01 00:00:30", "hit", "5"),
        lookup("latest", "2026-06-01 00:01:00", "stale", "6", source="billing"),
        lookup("too-late", "2026-06-01 00:01:01", "hit", "7"),
        lookup("garbage", "2026-06-01", "hit", "inf"),
        lookup("tier", "2026-06-01", "hit", "special", field="mrr_tier"),
    ]
    names = ["fallback", "only-miss", "first-source", "stale", "latest", "too-late", "garbage", "tier"]
    tickets = [ticket(name, "2026-06-01", account_id="a") for name in names]
    with lab(tmp_path, tickets=tickets, subscriptions=[subscription(1)], enrichment_log=log) as con:
        found = dict(zip(sorted(names), context(con, "mrr", "mrr_tier"), strict=True))
    assert found == {
        "fallback": (6000.0, "high"), "only-miss": (None, None), "first-source": (1.0, None), "stale": (4.0, None),
        "latest": (6.0, None), "too-late": (1000.0, None), "garbage": (None, None), "tier": (1000.0, "special"),
    }  # fmt: skip


def test_repeats_look_back_seven_days_of_the_same_account_and_category(tmp_path):
    times = ["2026-06-01 10:00", "2026-06-08 10:00", "2026-06-15 10:00:01", "2026-06-15 10:00:01"]
    tickets = [ticket(f"t{n}", time, account_id="a", category="c") for n, time in enumerate(times)]
    tickets += [ticket("u", "2026-06-15 10:00:02", account_id="a", category="d"), ticket("v", "2026-06-15 10:00:03")]
    with lab(tmp_path, tickets=tickets) as con:
        assert [row[0] for row in context(con, "is_repeat_7d")] == [False, True, False, True, False, None]


def test_a_lab_may_add_columns_of_accounts_and_of_the_ticket(tmp_path):
    rows = [
        ticket("1", "2026-06-01", account_id="a", subject="Hi", custom='{"seats": "12", "a/b~c": true, "x": 1.0}'),
        ticket("2", "2026-07-01", account_id="a", custom='{"seats": "many"}'),
    ]
    accounts = [
        {"account_id": "a", "owner_id": "old", "valid_to": at("2026-06-15")},
        {"account_id": "a", "owner_id": "new", "valid_from": at("2026-06-15")},
    ]
    columns = [
        column("seats", K.INTEGER, "tickets.custom.seats"), column("odd", K.BOOLEAN, "tickets.custom.a/b~c"),
        column("whole", K.INTEGER, "tickets.custom.x"), column("subject", K.TEXT, "tickets.subject"),
        column("kind", K.TEXT, "tickets.type"), column("owner", K.TEXT, "accounts.owner_id", "valid_from"),
        column("owner_now", K.TEXT, "accounts.owner_id", "assume_static"),
        column("filed_on", K.DATE, "tickets.created_at"),
    ]  # fmt: skip
    with lab(tmp_path, tickets=rows, accounts=accounts) as con:
        assert context(con, columns=columns) == [
            (12, True, 1, "Hi", None, "old", "new", date(2026, 6, 1)),
            (None, None, None, None, None, "new", "new", date(2026, 7, 1)),
        ]


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_outcomes_are_look_ahead(name):
    for source in (f"tickets.{name}", f"tickets.custom.{name}"):
        with pytest.raises(ContextError, match="look-ahead") as caught:
            locate(column("x", K.TEXT, source))
        assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("source", "as_of", "message"),
    [
        ("accounts.custom.seats", "valid_from", "'accounts.custom.seats' is not stored"),
        ("tickets.nonsense", "created_at", "is not stored"),
        ("tickets.custom.", "created_at", "is not stored"),
        ("contracts.tier", "valid_from", "is not stored"),
        ("", "", "is not stored"),
        ("accounts.tier", "created_at", "as_of 'created_at' does not date accounts.tier"),
    ],
)
def test_what_cannot_be_dated_or_is_not_stored_is_refused(source, as_of, message):
    with pytest.raises(ContextError, match=re.escape(message)):
        locate(column("x", K.TEXT, source, as_of))


def test_an_unknown_zone_is_refused_and_nothing_is_left_behind(tmp_path):
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01")]) as con:
        with pytest.raises(ContextError, match="unknown time zone"):
            context(con, "mrr", zone="Mars/Base")
        context(con, *(c.name for c in BUILT_IN))
        assert con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall() == []


def test_minor_digits_and_rate_periods():
    assert [minor_digits(code) for code in ("EUR", "JPY", "KWD")] == [2, 0, 3]
    later = FxRate("USD", "EUR", Decimal("0.9"), date(2026, 2, 1))
    periods = fx_periods("EUR", [(USD, at("2026-01-01")), (later, at("2026-02-01"))])
    assert periods["currency"].to_list() == ["EUR", "USD", "USD"]
    assert periods["factor"].to_list() == [Decimal("0.01"), Decimal("0.0092"), Decimal("0.009")]
    assert periods["until"][1] == at("2026-02-01")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_as_text(number):
    assert typed_text(pl.Series("value", [repr(number)]), K.DECIMAL).to_list() == [number]


def test_values_that_do_not_fit_are_null():
    text = pl.Series("value", ["1e400", "nan", "-inf", " 7 ", "7.0", "7.5", "x", None, "9223372036854775808"])
    whole = [None, None, None, 7, 7, None, None, None, None]
    assert typed_text(text, K.INTEGER).to_list() == whole
    assert typed_text(text, K.NUMBER).to_list()[:5] == [None, None, None, 7.0, 7.0]
    assert typed(pl.Series([1.0, float("nan"), float("inf")]), K.NUMBER).to_list() == [1.0, None, None]
    dates = pl.Series(["2026-01-02", "2026-01-02T10:00:00Z", "2026-13-01", "02.01.2026"])
    assert typed_text(dates, K.DATE).to_list() == [date(2026, 1, 2), date(2026, 1, 2), None, None]


def test_todays_value_of_a_custom_field_is_refused_as_look_ahead() -> None:
    column = ContextColumn("plan", ColumnKind.TEXT, "", True, "tickets.custom.plan__current", "created_at")
    with pytest.raises(ContextError, match="look-ahead"):
        locate(column)
