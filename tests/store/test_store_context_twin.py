"""The as-of context equals the slow twin on random small worlds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import naive_store
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from store_worlds import BUILT_IN, load

from triage_lab import store
from triage_lab.domain.desk import FxRate
from triage_lab.domain.tables import CANONICAL
from triage_lab.store.migrations import migrate

START = datetime(2026, 3, 27, 22, 30)  # noqa: DTZ001 - two days before Berlin's clocks change
TIERS = (("high", Decimal(5000)), ("mid", Decimal(500)), ("low", Decimal(0)))
FX = (
    FxRate("USD", "EUR", Decimal("0.92"), date(2026, 3, 28)),
    FxRate("USD", "EUR", Decimal("0.9137"), date(2026, 3, 30)),
    FxRate("JPY", "EUR", Decimal("0.00613"), date(2026, 1, 1)),
    FxRate("EUR", "USD", Decimal("1.1"), date(2026, 1, 1)),
)
NAMES = [column.name for column in BUILT_IN]

instants = st.integers(0, 9).map(lambda n: START + timedelta(hours=6 * n))
maybe_instant = instants | st.none()
days = st.none() | st.integers(-1, 3).map(lambda n: date(2026, 3, 27) + timedelta(days=n))
# Few accounts and instants, mostly usable values: rules meet only where rows do.
accounts = st.sampled_from(["a1", "a1", "a1", "a2", "a3"])
amounts = st.sampled_from([1, 49_999, 50_000, 123_457, 500_000, 7, 0, None, 10**15])
currencies = st.sampled_from(["EUR", "EUR", "EUR", None, "USD", "USD", "JPY", "GBP"])
flags = st.sampled_from([False, None, True])


def rows_of(**columns):
    return st.lists(st.fixed_dictionaries(columns), max_size=4)


def ids(stem):
    return st.sampled_from([f"{stem}1", f"{stem}2"])


validity = {"valid_from": maybe_instant, "valid_to": maybe_instant}
WORLD = {
    "tickets": st.lists(
        st.fixed_dictionaries({
            "ticket_id": st.sampled_from(["t1", "t2", "t10", "T1", "tä", "t3"]),
            "created_at": instants.flatmap(lambda t: st.sampled_from([t, t + timedelta(milliseconds=700)])),
            "account_id": accounts | st.none(),
            "category": st.sampled_from([None, "billing", "access"]),
        }),
        min_size=3, max_size=6,
    ),
    "accounts": rows_of(
        account_id=accounts, tier=st.sampled_from([None, "pro", "basic"]), region=st.sampled_from([None, "emea"]),
        churn_risk=st.sampled_from([None, 0.0, 0.25]), **validity,
    ),
    "contracts": rows_of(
        contract_id=ids("k"), account_id=accounts, tier=st.sampled_from([None, "gold", "iron"]), starts_on=days,
        ends_on=days, auto_renew=flags, status=st.sampled_from(["active", "active", None, "ended", "draft"]), **validity,
    ),
    "contract_clauses": rows_of(
        contract_id=ids("k"), account_id=st.none() | accounts,
        clause_key=st.sampled_from(["legal_flag", "support_hours", "service_credit_pct"]),
        value=st.sampled_from([None, "true", " FALSE ", "12.5", "maybe"]),
        value_num=st.sampled_from([None, 3.5]), **validity,
    ),
    "subscriptions": rows_of(
        subscription_id=ids("s"), account_id=accounts, currency=currencies, mrr_minor=amounts,
        status=st.sampled_from(["active", "active", None, "past_due", "paused", "canceled"]), started_at=maybe_instant,
        ended_at=maybe_instant, **validity,
    ),
    "invoices": rows_of(
        invoice_id=ids("i"), account_id=accounts, issued_at=instants, due_at=maybe_instant, paid_at=maybe_instant,
        total_minor=amounts, currency=currencies, status=st.sampled_from(["open", "open", None, "paid", "void"]),
        disputed_at=maybe_instant, dispute_closed_at=maybe_instant,
    ),
    "opportunities": rows_of(
        opportunity_id=ids("o"), account_id=accounts, amount_minor=amounts, currency=currencies, is_won=flags,
        is_closed=flags, **validity,
    ),
    "enrichment_log": rows_of(
        ticket_id=st.sampled_from(["t1", "t2", "T1"]),
        field=st.sampled_from(["mrr", "contract_tier", "contract_end", "legal_flag"]),
        source=st.sampled_from(["crm", "billing"]),
        value=st.sampled_from([None, "4999.995", "true", "2026-04-01", "nonsense", "0"]),
        status=st.sampled_from(["hit", "stale", "miss", "error"]),
        looked_up_at=instants,
    ),
}  # fmt: skip
wave = st.fixed_dictionaries(WORLD)


def stored_rows(waves, table):
    """(load id, rows) of a table over both waves; log rows also know their place in the store."""
    out = []
    for load_id, rows in waves[table]:
        out.append((load_id, [{**row, "place": (load_id, place)} for place, row in enumerate(rows)]))
    return out


@settings(deadline=None, max_examples=12)
@given(first=wave, second=wave, latency=st.sampled_from([0, 60, 14_400]))
def test_context_equals_the_row_by_row_twin(first, second, latency):
    con = duckdb.connect()
    migrate(con, "memory")
    loads = {table: [] for table in WORLD}
    ends = []
    for number, world in enumerate((first, second)):
        for table, rows in world.items():
            # A key's own dates: the account of a contract or subscription does not change.
            fixed = [
                {**row, "account_id": "a1"} if table == "contracts" and row["contract_id"] == "k1" else row
                for row in rows
            ]
            done = load(con, table, fixed, content=f"{number}:{table}") if fixed else None
            if done:
                loads[table].append((done[0], fixed))
        ends.append(store.latest_load(con))
    for end in ends:
        store.set_as_of(con, end)
        found = store.read_context(
            con, BUILT_IN, timezone="Europe/Berlin", currency="EUR", mrr_tiers=TIERS, fx=FX,
            decision_latency_seconds=latency,
        )  # fmt: skip
        tables = {
            table: naive_store.newest(stored_rows(loads, table), CANONICAL[table].key, end) for table in WORLD
        }  # fmt: skip
        twin = naive_store.World(
            tables, zone="Europe/Berlin", currency="EUR", tiers=TIERS, fx=FX, latency=latency
        ).context(NAMES)
        assert found.drop("ticket_key", "arrived_at").to_dicts() == twin
        history = store.read_history(con, 2**40)
        assert history["ticket_id"].equals(found["ticket_id"])
        assert found["arrived_at"].is_sorted()
        assert found.schema["mrr"] == pl.Float64
    con.close()
