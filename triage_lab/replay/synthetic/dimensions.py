"""The customers as dated tables: accounts, contracts, clauses, subscriptions, invoices, opportunities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.accounts import CANCELLED, UPGRADED, Customers
from triage_lab.replay.synthetic.frames import Cells, canonical, dates, masked, numbered, times, words
from triage_lab.replay.synthetic.parameters import DAY, FAR, REGION_ZONES, REGIONS, TIERS, WINDOW_END
from triage_lab.replay.synthetic.streams import Bools, Ints, chance, pick

_FIRST = (
    "Alder", "Basalt", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Harbor", "Indigo", "Juniper", "Kestrel",
    "Lumen", "Meridian", "Nimbus", "Orchid", "Pioneer", "Quartz", "River", "Summit", "Tundra", "Umber", "Vertex",
    "Willow", "Zephyr",
)  # fmt: skip
_SECOND = (
    "Analytics", "Bakery", "Cargo", "Clinics", "Devices", "Energy", "Foods", "Freight", "Garden", "Hotels", "Labs",
    "Logistics", "Media", "Mills", "Mobility", "Outfitters", "Press", "Robotics", "Schools", "Textiles", "Travel",
    "Works",
)  # fmt: skip
_ZONES = tuple(zone for zones in REGION_ZONES for zone in zones)
_ZONE_START = (0, 3, 4)


def account_ids(accounts: Ints) -> pl.Series:
    """Ids of accounts by position."""
    return numbered("A-", accounts + 1, 6)


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of a dated table: which accounts, from when, until when (FAR = still), and a code that travels along."""

    account: Ints
    since: Ints
    until: Ints
    code: Ints


def spans(*pieces: tuple[Bools, Ints, Ints, Ints]) -> Span:
    """Stack (which, since, until, code) by account; spans that are empty or start after the window are left out."""
    parts = []
    for order, (which, since, until, code) in enumerate(pieces):
        keep = which & (since < until) & (since < WINDOW_END)
        account = np.flatnonzero(keep)
        closed = np.where(until[keep] < WINDOW_END, until[keep], FAR)
        parts.append((account, since[keep], closed, code[keep], np.full(len(account), order)))
    stacked = [np.concatenate(column) for column in zip(*parts, strict=True)]
    rank = np.lexsort((stacked[4], stacked[1], stacked[0]))
    return Span(*(column[rank] for column in stacked[:4]))


def dimension_tables(customers: Customers, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """Return the dated tables of all accounts, as an export taken at the window's end would hold them."""
    return {
        "accounts": _accounts(customers),
        "account_links": _links(customers, rng),
        "contracts": _contracts(customers),
        "contract_clauses": _clauses(customers, rng),
        "subscriptions": _subscriptions(customers),
        "invoices": _invoices(customers),
        "opportunities": _opportunities(customers),
    }


def _accounts(customers: Customers) -> pl.DataFrame:
    """Accounts; a second row where tier or churn risk changed inside the window."""
    accounts = customers.accounts
    everyone = np.ones(len(accounts), dtype=np.bool_)
    opened, change_at = accounts.opened_at, accounts.change_at
    far = np.full(len(accounts), FAR)
    before, after = np.zeros(len(accounts), dtype=np.int64), np.ones(len(accounts), dtype=np.int64)
    rows = spans((everyone, opened, change_at, before), (everyone, change_at, far, after))
    who, changed = rows.account, rows.code == 1
    name = words(_FIRST, who % len(_FIRST)) + " " + words(_SECOND, (who // len(_FIRST)) % len(_SECOND))
    serial = who // (len(_FIRST) * len(_SECOND))
    suffix = masked(numbered(" ", serial + 1, 1), serial == 0)
    label = name + suffix.fill_null("")
    region = accounts.region[who]
    columns: dict[str, Cells] = {
        "account_id": account_ids(who),
        "name": label,
        "domain": label.str.to_lowercase().str.replace_all(" ", "-") + ".example",
        "tier": words(TIERS, np.where(changed, accounts.tier_after[who], accounts.tier[who])),
        "region": words(REGIONS, region),
        "timezone": words(_ZONES, np.asarray(_ZONE_START)[region] + accounts.zone[who]),
        "owner_id": numbered("owner-", who % 40 + 1, 2),
        "churn_risk": np.where(changed, accounts.churn_risk_after[who], accounts.churn_risk[who]) / 100.0,
        "valid_from": times(rows.since),
        "valid_to": times(rows.until),
    }
    return canonical("accounts", columns, len(who))


def _links(customers: Customers, rng: np.random.Generator) -> pl.DataFrame:
    """Identity of each account in CRM and billing; some were matched by name only."""
    count = len(customers.accounts)
    who = np.tile(np.arange(count), 2)
    by_name = chance(rng, 0.08, 2 * count)
    source = np.repeat(np.arange(2), count)
    columns: dict[str, Cells] = {
        "source": words(("crm", "billing"), source),
        "source_id": words(("001", "cus_"), source) + numbered("", who * 7 + 10_000, 8),
        "account_id": account_ids(who),
        "method": words(("exact", "name"), by_name.astype(np.int64)),
        "confidence": np.where(by_name, 0.8, 1.0),
    }
    return canonical("account_links", columns, 2 * count)


def _contract_spans(customers: Customers) -> Span:
    """Code = 4 * (0 first, 1 first but ended, 2 successor) + tier."""
    accounts, contracts = customers.accounts, customers.contracts
    tier, grown = accounts.tier, accounts.tier_after
    far = np.full(len(accounts), FAR)
    upgrade = np.where(accounts.change == UPGRADED, accounts.change_at, FAR)
    end = contracts.ended_at
    everyone = np.ones(len(accounts), dtype=np.bool_)
    last_tier = np.where(upgrade <= end, grown, tier)
    # what an account without a successor pays for may still be raised: the last contract tells its tier
    later = np.where(contracts.renewed, far, np.maximum(upgrade, end))
    return spans(
        (everyone, contracts.signed_at, np.minimum(upgrade, end), tier),
        (everyone, upgrade, end, grown),
        (everyone, end, np.where(later > end, later, far), 4 + last_tier),
        (everyone & (later > end), later, far, 4 + grown),
        (contracts.renewed, end, np.maximum(upgrade, end), 8 + tier),
        (contracts.renewed, np.maximum(upgrade, end), far, 8 + grown),
    )


def _contracts(customers: Customers) -> pl.DataFrame:
    """Contracts with their tier over time; one that ended and was renewed is followed by a successor."""
    contracts, subscriptions = customers.contracts, customers.subscriptions
    rows = _contract_spans(customers)
    who, successor = rows.account, rows.code >= 8
    starts = np.where(successor, contracts.ends_on[who] + 1, contracts.starts_on[who])
    ends = np.where(successor, contracts.next_ends_on[who], contracts.ends_on[who])
    months = np.maximum((ends - starts) // 30, 1)
    columns: dict[str, Cells] = {
        "contract_id": _contract_ids(who, successor),
        "account_id": account_ids(who),
        "tier": words(TIERS, rows.code % 4),
        "starts_on": dates(starts),
        "ends_on": dates(ends),
        "auto_renew": contracts.auto_renew[who],
        "notice_days": np.asarray((30, 30, 60, 90))[rows.code % 4],
        "value_minor": subscriptions.main[who] * months,
        "currency": words(("EUR", "USD"), subscriptions.dollars[who].astype(np.int64)),
        "status": words(("active", "ended", "active"), rows.code // 4),
        "valid_from": times(rows.since),
        "valid_to": times(rows.until),
    }
    return canonical("contracts", columns, len(who))


def _contract_ids(account: Ints, successor: Bools) -> pl.Series:
    """``C-000001-1``, and ``-2`` for the successor."""
    return numbered("C-", account + 1, 6) + words(("-1", "-2"), successor.astype(np.int64))


def _clauses(customers: Customers, rng: np.random.Generator) -> pl.DataFrame:
    """The legal flag of every contract over time, and other clauses where a contract has them."""
    accounts, contracts = customers.accounts, customers.contracts
    count, everyone = len(accounts), np.ones(len(accounts), dtype=np.bool_)
    far, end = np.full(count, FAR), contracts.ended_at
    first_end = np.where(contracts.renewed, end, FAR)
    change = contracts.legal_change_at
    before, after = contracts.legal.astype(np.int64), contracts.legal_after.astype(np.int64)
    flags = spans(
        (everyone, contracts.signed_at, np.minimum(change, first_end), before),
        (everyone, change, first_end, after),
        (contracts.renewed, end, np.maximum(change, end), 2 + before),
        (contracts.renewed, np.maximum(change, end), far, 2 + after),
    )
    parts = [_clause_rows(flags.account, flags.code >= 2, flags.since, flags.until, "legal_flag", rng, flags.code % 2)]
    others = (  # clause, share by tier, value as a number and its unit (None = yes or no)
        ("service_credit_pct", (0.0, 0.1, 0.5, 0.8), (5, 10, 15), "percent"),
        ("termination_notice", (0.3, 0.5, 0.9, 1.0), (30, 60, 90), "days"),
        ("resolution_target", (0.0, 0.05, 0.3, 0.6), (8, 24, 48), "hours"),
        ("data_residency", (0.02, 0.08, 0.2, 0.4), None, None),
        ("named_contact_or_team", (0.0, 0.0, 0.2, 0.7), None, None),
        ("ai_or_automation_restriction", (0.01, 0.02, 0.06, 0.12), None, None),
    )
    for key, shares, numbers, unit in others:
        who = np.flatnonzero(chance(rng, np.asarray(shares)[accounts.tier], count))
        code = pick(rng, (1, 1, 1), len(who)) if numbers else np.ones(len(who), dtype=np.int64)
        successor = np.zeros(len(who), dtype=np.bool_)
        since, until = contracts.signed_at[who], np.full(len(who), FAR)
        parts.append(_clause_rows(who, successor, since, until, key, rng, code, numbers, unit))
    return pl.concat(parts).sort("contract_id", "clause_key", "valid_from", maintain_order=True)


def _clause_rows(
    who: Ints,
    successor: Bools,
    since: Ints,
    until: Ints,
    key: str,
    rng: np.random.Generator,
    code: Ints,
    numbers: tuple[int, ...] | None = None,
    unit: str | None = None,
) -> pl.DataFrame:
    """Rows of one clause; ``code`` is false/true, or the position in ``numbers``."""
    by = pick(rng, (0.55, 0.35, 0.10), len(who))
    value = np.asarray(numbers or (0, 1), dtype=np.float64)[code]
    columns: dict[str, Cells] = {
        "contract_id": _contract_ids(who, successor),
        "account_id": account_ids(who),
        "clause_key": key,
        "value": words([str(number) for number in numbers] if numbers else ("false", "true"), code),
        "value_num": value if numbers else None,
        "unit": unit,
        "extracted_by": words(("human", "ai", "import"), by),
        "confidence": np.round(np.where(by == 0, 1.0, 0.8 + 0.19 * rng.random(len(who))), 2),
        "valid_from": times(since),
        "valid_to": times(until),
    }
    return canonical("contract_clauses", columns, len(who))


def _subscriptions(customers: Customers) -> pl.DataFrame:
    """Subscriptions over time: the main plan (upgraded or cancelled for some) and an add-on for a few."""
    accounts, plan = customers.accounts, customers.subscriptions
    count = len(accounts)
    far, opened = np.full(count, FAR), accounts.opened_at
    money_changes = (accounts.change == UPGRADED) | (accounts.change == CANCELLED)
    change = np.where(money_changes, accounts.change_at, FAR)
    everyone = np.ones(count, dtype=np.bool_)
    kind = np.zeros(count, dtype=np.int64)
    rows = spans(
        (everyone, opened, change, kind), (everyone, change, far, kind + 1), (plan.addon > 0, opened, far, kind + 2)
    )
    who = rows.account
    gone = (rows.code == 1) & (accounts.change[who] == CANCELLED)
    main = np.where(rows.code == 1, plan.main_after[who], plan.main[who])
    tier = np.where(rows.code == 1, accounts.tier_after[who], accounts.tier[who])
    columns: dict[str, Cells] = {
        "subscription_id": numbered("S-", who + 1, 6) + words(("-1", "-1", "-2"), rows.code),
        "account_id": account_ids(who),
        "plan": words((*TIERS, "add-on"), np.where(rows.code == 2, 4, tier)),
        "status": words(("active", "canceled"), gone.astype(np.int64)),
        "quantity": np.maximum(main // 2_500, 1),
        # A cancelled plan keeps its last price: only its status says that nothing is earned any more.
        "mrr_minor": np.where(rows.code == 2, plan.addon[who], np.where(gone, plan.main[who], main)),
        "currency": words(("EUR", "USD"), plan.dollars[who].astype(np.int64)),
        "started_at": times(opened[who]),
        "ended_at": times(np.where(gone, accounts.change_at[who], FAR)),
        "valid_from": times(rows.since),
        "valid_to": times(rows.until),
    }
    return canonical("subscriptions", columns, len(who))


def _invoices(customers: Customers) -> pl.DataFrame:
    """Invoices; payments, disputes and recognition after the export are not known yet."""
    invoices = customers.invoices
    who, month = np.nonzero(invoices.total > 0)
    issued = invoices.issued_at[who, month]
    paid, disputed = invoices.paid_at[who, month], invoices.disputed_at[who, month]
    settled = invoices.settled_at[who, month]
    recognised = np.maximum(issued + 30 * DAY, np.where(settled < FAR, settled, 0))
    columns: dict[str, Cells] = {
        "invoice_id": numbered("I-", who + 1, 6) + words([f"-{number:02d}" for number in range(1, 13)], month),
        "account_id": account_ids(who),
        "issued_at": times(issued),
        "due_at": times(issued + 30 * DAY),
        "total_minor": invoices.total[who, month],
        "currency": words(("EUR", "USD"), customers.subscriptions.dollars[who].astype(np.int64)),
        "paid_at": times(_known(paid)),
        "status": words(("open", "paid"), (paid < WINDOW_END).astype(np.int64)),
        "recognised_at": times(_known(recognised)),
        "disputed_at": times(_known(disputed)),
        "dispute_closed_at": times(_known(settled)),
    }
    return canonical("invoices", columns, len(who))


def _known(instants: Ints) -> Ints:
    """What lies at or after the export is not known."""
    return np.where(instants < WINDOW_END, instants, FAR)


def _opportunities(customers: Customers) -> pl.DataFrame:
    """Opportunities over time: opened, perhaps revised, perhaps closed."""
    deals = customers.deals
    exists = deals.opened_at < FAR
    kind = np.zeros(len(exists), dtype=np.int64)
    far = np.full(len(exists), FAR)
    rows = spans(
        (exists, deals.opened_at, np.minimum(deals.revised_at, deals.closed_at), kind),
        (exists, deals.revised_at, deals.closed_at, kind + 1),
        (exists, deals.closed_at, far, kind + 2),
    )
    who, closed = rows.account, rows.code == 2
    revised = (rows.code == 1) | (closed & (deals.revised_at[who] < FAR))
    columns: dict[str, Cells] = {
        "opportunity_id": numbered("O-", who + 1, 6),
        "account_id": account_ids(who),
        "kind": words(("new", "expansion", "renewal"), deals.kind[who]),
        "stage": words(("proposal", "negotiation", "lost", "won"), rows.code + (closed & deals.won[who])),
        "amount_minor": np.where(revised, deals.amount_after[who], deals.amount[who]),
        "currency": words(("EUR", "USD"), customers.subscriptions.dollars[who].astype(np.int64)),
        "close_date": dates(deals.closed_at[who] // DAY),
        "is_won": closed & deals.won[who],
        "is_closed": closed,
        "valid_from": times(rows.since),
        "valid_to": times(rows.until),
    }
    return canonical("opportunities", columns, len(who))
