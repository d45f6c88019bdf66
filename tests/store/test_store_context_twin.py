"""The as-of context equals the slow twin on random small worlds."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import naive_store
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from store_worlds import BUILT_IN, load

from triage_lab import store
from triage_lab.domain.desk import FxRate, LookupChain
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

HOURS = [START + timedelta(hours=6 * n) for n in range(10)]
DAYS = [None, *(date(2026, 3, 27) + timedelta(days=n) for n in range(-1, 4))]
AMOUNTS = [1, 49_999, 50_000, 123_457, 500_000, 7, 0, None, 10**15]
CURRENCIES = ["EUR", "EUR", "EUR", None, "USD", "USD", "JPY", "GBP"]
FLAGS = [False, None, True]
SYSTEMS = ["canonical", "zendesk", "stripe", "salesforce", "acme"]
CHAINED = ["mrr", "account_tier", "contract_end", "contract_tier", "balance_due", "open_dispute", "legal_flag"]


class Dice:
    """Draws of one seed: dense worlds, in which rules meet (strategies of their own leave most tables empty)."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def time(self):
        return self.random.choice(HOURS)

    def maybe(self):
        return self.random.choice([*HOURS, None, None, None])

    def day(self):
        return self.random.choice(DAYS)

    def account(self):
        return self.one("a1", "a1", "a1", "a2")

    def valid(self):
        return {"valid_from": self.maybe(), "valid_to": self.maybe()}


def ticket(d):
    return {
        "ticket_id": d.one("t1", "t2", "t3", "t4", "t10", "T1", "tä"),
        "created_at": d.time() + timedelta(milliseconds=d.one(0, 0, 700)),
        "account_id": d.one("a1", "a1", "a1", "a2", "ghost", None), "category": d.one("billing", "access", None),
    }  # fmt: skip


def account(d):
    return {
        "account_id": d.account(), "tier": d.one("pro", "basic", None), "region": d.one("emea", None),
        "churn_risk": d.one(None, 0.0, 0.25), **d.valid(),
    }  # fmt: skip


def contract(d):
    number = d.one(1, 2, 3)
    return {
        "contract_id": f"k{number}", "account_id": "a2" if number == 3 else "a1", "tier": d.one("gold", "iron", None),
        "starts_on": d.day(), "ends_on": d.day(), "auto_renew": d.one(*FLAGS),
        "status": d.one("active", "active", None, "ended", "draft"), **d.valid(),
    }  # fmt: skip


def clause(d):
    return {
        "contract_id": d.one("k1", "k2", "k3"), "account_id": d.one(d.account(), None),
        "clause_key": d.one("legal_flag", "legal_flag", "support_hours", "service_credit_pct"),
        "value": d.one(None, "true", " FALSE ", "12.5", "maybe"), "value_num": d.one(None, 3.5), **d.valid(),
    }  # fmt: skip


def subscription(d):
    return {
        "subscription_id": d.one("s1", "s2", "s3"), "account_id": d.account(), "currency": d.one(*CURRENCIES),
        "mrr_minor": d.one(*AMOUNTS), "status": d.one("active", "active", None, "past_due", "paused", "canceled"),
        "started_at": d.one(None, None, d.time()), "ended_at": d.one(None, None, d.time()), **d.valid(),
    }  # fmt: skip


def invoice(d):
    return {
        "invoice_id": d.one("i1", "i2", "i3", "i4"), "account_id": d.account(), "issued_at": d.time(),
        "due_at": d.maybe(), "paid_at": d.maybe(), "total_minor": d.one(*AMOUNTS), "currency": d.one(*CURRENCIES),
        "status": d.one("open", "open", None, "paid", "void"), "disputed_at": d.one(None, d.time()),
        "dispute_closed_at": d.maybe(),
    }  # fmt: skip


def opportunity(d):
    return {
        "opportunity_id": d.one("o1", "o2", "o3"), "account_id": d.account(), "amount_minor": d.one(*AMOUNTS),
        "currency": d.one(*CURRENCIES), "is_won": d.one(*FLAGS), "is_closed": d.one(*FLAGS), **d.valid(),
    }  # fmt: skip


def lookup(d):
    return {
        "ticket_id": d.one("t1", "t2", "T1"),
        "field": d.one("mrr", "mrr", "contract_tier", "contract_end", "legal_flag", "mrr_tier"), "source": d.one("crm", "billing", "clm"), "value": d.one(None, "4999.995", "true", "2026-04-01", "nonsense", "0"),
        "status": d.one("hit", "hit", "stale", "miss", "error"), "looked_up_at": d.one(*HOURS[:3]),
    }  # fmt: skip


def link(d):
    return {
        "source": d.one(*SYSTEMS), "source_id": d.account(), "account_id": d.one("a1", "a2", "b"), "method": "given",
    }  # fmt: skip


ROWS = {
    "tickets": ticket, "accounts": account, "contracts": contract, "contract_clauses": clause,
    "subscriptions": subscription, "invoices": invoice, "opportunities": opportunity, "enrichment_log": lookup, "account_links": link,
}  # fmt: skip


def chain(d, field):
    """A chain of some systems, one of them perhaps not loaded."""
    sources = d.random.sample([*SYSTEMS, "servicenow"], d.one(1, 2, 3))
    return LookupChain(field, tuple(sources), d.one(None, 0, 43_200))


def wave(dice, size):
    """Up to ``size`` rows of each table; a table is left out at times."""
    return {
        table: [row(dice) for _ in range(dice.one(0, size, size, size + 2))] if table != "tickets" else
        [row(dice) for _ in range(size + 1)]
        for table, row in ROWS.items()
    }  # fmt: skip


def seen(loads, end):
    """The newest linked rows of each table; log rows also know their place in the store."""
    tables = {}
    for table, files in loads.items():
        placed = [
            (load_id, system, [{**row, "place": (load_id, place)} for place, row in enumerate(rows)])
            for load_id, system, rows in files
        ]
        tables[table] = naive_store.newest(placed, table, CANONICAL[table].key, end)
    links = tables.pop("account_links")
    return {table: naive_store.linked(rows, links) for table, rows in tables.items()}


@settings(deadline=None, max_examples=8)
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 6),
    latency=st.sampled_from([0, 60, 14_400]),
    systems=st.sampled_from([1, 2, 3]),
)
def test_context_and_lookups_equal_the_row_by_row_twin(seed, size, latency, systems):
    dice = Dice(seed)
    con = duckdb.connect()
    con.execute("SET threads = 1")  # a handful of rows: more would only wait for each other
    migrate(con, "memory")
    loads = {table: [] for table in ROWS}
    ends = []
    for number in range(2 if systems == 1 else 3):
        for table, rows in wave(dice, size).items():
            system = dice.one(*SYSTEMS[:systems], *SYSTEMS[-1:] * (systems - 1))
            source = None if system == "canonical" else system
            done = load(con, table, rows, content=f"{number}:{table}", source=source) if rows else None
            if done:
                loads[table].append((done[0], system, rows))
        ends.append(store.latest_load(con))
    chains = {field: chain(dice, field) for field in CHAINED if dice.one(False, True)}
    for end in (ends[0], ends[-1]):
        store.set_as_of(con, end)
        setting = {
            "timezone": "Europe/Berlin", "currency": "EUR", "mrr_tiers": TIERS, "fx": FX,
            "decision_latency_seconds": latency, "enrichment": chains, "systems": [*SYSTEMS, "servicenow"],
        }  # fmt: skip
        context, lookups = naive_store.World(
            seen(loads, end), zone="Europe/Berlin", currency="EUR", tiers=TIERS, fx=FX, latency=latency, chains=chains
        ).context(NAMES)
        found, asked = store.read_context_and_lookups(con, BUILT_IN, **setting)
        assert found.drop("ticket_key", "arrived_at").to_dicts() == context
        assert asked.frame(NAMES).rows() == lookups
        history = store.read_history(con, 2**40)
        assert history["ticket_id"].equals(found["ticket_id"])
        assert history["account_id"].equals(found["account_id"])
        assert found["arrived_at"].is_sorted()
        assert found.schema["mrr"] == pl.Float64
    assert store.read_context(con, BUILT_IN, **setting).equals(found)
    con.close()
