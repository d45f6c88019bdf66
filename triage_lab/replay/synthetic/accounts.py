"""The customers: accounts with contracts, subscriptions, invoices and deals, and how they change over time.

Every fact is a step function of time with few steps, kept as arrays by account, so that it can be read for
a million tickets at once, as of any instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from triage_lab.replay.synthetic.parameters import DAY, FAR, RATES, REGION_SHARE, WINDOW_DAYS, WINDOW_END, WINDOW_START
from triage_lab.replay.synthetic.streams import Bools, Floats, Ints, between, chance, pick, pick_by

# What happens to an account inside the window, at most one thing.
STEADY, UPGRADED, RESCORED, CANCELLED = 0, 1, 2, 3
INVOICE_MONTHS = ("2026-02", "2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10")
_TIER_EDGES = (0.35, 1.25, 2.1)  # of a score that grows with size: basic | pro | business | enterprise
_MRR_MEDIAN = (110.0, 600.0, 2_200.0, 7_000.0)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts as arrays, shape (accounts,); times are UTC epoch seconds, FAR where a thing never happens."""

    size: Floats  # relative ticket volume, heavy-tailed
    region: Ints
    zone: Ints
    opened_at: Ints
    tier: Ints  # position in TIERS before the change
    tier_after: Ints
    churn_risk: Ints  # hundredths
    churn_risk_after: Ints
    change: Ints
    change_at: Ints

    def __len__(self) -> int:
        return len(self.size)


@dataclass(frozen=True, slots=True)
class Contracts:
    """One contract per account, the one that may follow it, and its legal clause."""

    signed_at: Ints
    starts_on: Ints  # days since 1970-01-01
    ends_on: Ints
    ended_at: Ints  # the instant after its last day if that is in the window, else FAR
    renewed: Bools
    next_ends_on: Ints
    auto_renew: Bools
    legal: Bools
    legal_after: Bools
    legal_change_at: Ints


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Recurring revenue in minor units of the account's own currency: main plan and, for some, an add-on."""

    dollars: Bools
    main: Ints
    main_after: Ints  # from the account's change on; 0 = cancelled
    addon: Ints  # 0 = none


@dataclass(frozen=True, slots=True)
class Invoices:
    """Monthly invoices, shape (accounts, months); FAR = not (yet)."""

    issued_at: Ints
    total: Ints
    paid_at: Ints
    disputed_at: Ints
    settled_at: Ints


@dataclass(frozen=True, slots=True)
class Deals:
    """At most one opportunity per account; ``opened_at`` is FAR where there is none."""

    opened_at: Ints
    revised_at: Ints
    closed_at: Ints
    amount: Ints  # minor units of the account's own currency
    amount_after: Ints
    won: Bools
    kind: Ints


@dataclass(frozen=True, slots=True)
class Customers:
    """Everything about the accounts; ``rate`` turns a dollar into the lab's currency."""

    accounts: Accounts
    contracts: Contracts
    subscriptions: Subscriptions
    invoices: Invoices
    deals: Deals
    rate: Fraction


def draw_customers(streams: dict[str, np.random.Generator], count: int, rate: Fraction | None) -> Customers:
    """Draw ``count`` accounts and all that hangs on them.

    Parameters
    ----------
    streams : dict of generator
        From ``open_streams``.
    count : int
        Accounts, at least 1.
    rate : Fraction or None
        Lab currency per dollar; None = no account pays in dollars.

    Returns
    -------
    Customers
        Arrays by account.
    """
    accounts = _draw_accounts(streams["accounts"], count)
    contracts = _draw_contracts(streams["contracts"], accounts)
    subscriptions = _draw_subscriptions(streams["subscriptions"], accounts, dollars=rate is not None)
    invoices = _draw_invoices(streams["invoices"], accounts, subscriptions)
    deals = _draw_deals(streams["opportunities"], subscriptions)
    return Customers(accounts, contracts, subscriptions, invoices, deals, rate or Fraction(1))


def _draw_accounts(rng: np.random.Generator, count: int) -> Accounts:
    """Sizes by a capped Pareto law; tier follows size; at most one change inside the window."""
    size = np.minimum(1.0 + rng.pareto(RATES.pareto_shape, count), RATES.largest_account)
    tier = np.searchsorted(_TIER_EDGES, 0.45 * np.log(size) + rng.normal(0.0, 0.8, count)).astype(np.int64)
    churn = np.round(100 * rng.beta(2.0, 6.0, count)).astype(np.int64)
    steady = 1.0 - RATES.upgraded - RATES.churn_rescored - RATES.cancelled
    change = pick(rng, (steady, RATES.upgraded, RATES.churn_rescored, RATES.cancelled), count)
    change[(change == UPGRADED) & (tier == 3)] = STEADY
    change_at = WINDOW_START + between(rng, DAY, (WINDOW_DAYS - 1) * DAY, count)
    rescored = np.clip(churn + np.round(rng.normal(15.0, 20.0, count)).astype(np.int64), 1, 99)
    after = np.select([change == RESCORED, change == CANCELLED], [rescored, np.full(count, 97)], churn)
    region = pick(rng, REGION_SHARE, count)
    return Accounts(
        size=size,
        region=region,
        zone=np.where(region == 0, pick(rng, (0.6, 0.15, 0.25), count), 0),
        opened_at=WINDOW_START - between(rng, 45 * DAY, 5 * 365 * DAY, count),
        tier=tier,
        tier_after=np.where(change == UPGRADED, tier + 1, tier),
        churn_risk=churn,
        churn_risk_after=after,
        change=change,
        change_at=np.where(change == STEADY, FAR, change_at),
    )


def _draw_contracts(rng: np.random.Generator, accounts: Accounts) -> Contracts:
    """End dates spread over the term, so that about one ticket in six falls into the renewal window."""
    count = len(accounts)
    term = np.asarray((365, 730, 1095))[pick(rng, (0.86, 0.11, 0.03), count)]
    first_day = WINDOW_START // DAY
    ends_on = first_day + (rng.random(count) * term).astype(np.int64)
    ended_at = (ends_on + 1) * DAY
    auto_renew = chance(rng, 0.55, count)
    flagged = chance(rng, np.asarray(RATES.legal_flagged)[accounts.tier], count)
    amended = chance(rng, RATES.legal_amended, count)
    amended_at = WINDOW_START + between(rng, DAY, (WINDOW_DAYS - 1) * DAY, count)
    return Contracts(
        signed_at=accounts.opened_at,
        starts_on=np.minimum(accounts.opened_at // DAY, ends_on - 30),
        ends_on=ends_on,
        ended_at=np.where(ended_at < WINDOW_END, ended_at, FAR),
        renewed=~chance(rng, RATES.not_renewed, count) & (accounts.change != CANCELLED),
        next_ends_on=ends_on + 365,
        auto_renew=auto_renew,
        legal=flagged,
        legal_after=flagged ^ amended,
        legal_change_at=np.where(amended, amended_at, FAR),
    )


def _draw_subscriptions(rng: np.random.Generator, accounts: Accounts, *, dollars: bool) -> Subscriptions:
    """Log-normal revenue whose median follows tier and size."""
    count = len(accounts)
    level = np.asarray(_MRR_MEDIAN)[accounts.tier] * accounts.size**0.2
    main = np.maximum(np.round(level * np.exp(rng.normal(0.0, 0.55, count))).astype(np.int64), 19) * 100
    grown = np.round(main / 100 * rng.uniform(1.3, 2.2, count)).astype(np.int64) * 100
    after = np.select([accounts.change == UPGRADED, accounts.change == CANCELLED], [grown, np.zeros_like(main)], main)
    addon = np.where(chance(rng, 0.15, count), np.round(main * 0.002) * 100, 0).astype(np.int64)
    pays_dollars = (accounts.region == 1) & chance(rng, RATES.dollars_in_amer, count)
    return Subscriptions(pays_dollars & dollars, main, after, np.where(accounts.change == CANCELLED, 0, addon))


def _draw_invoices(rng: np.random.Generator, accounts: Accounts, subscriptions: Subscriptions) -> Invoices:
    """One invoice a month over what the subscription costs then; most are paid in time, some late, few never."""
    count, months = len(accounts), len(INVOICE_MONTHS)
    starts = np.array(INVOICE_MONTHS, dtype="datetime64[M]").astype("datetime64[s]").astype(np.int64)
    mid_month = np.where(chance(rng, 0.3, count), 14 * DAY, 0)
    issued = starts[None, :] + (mid_month + between(rng, 5 * 3600, 7 * 3600, count))[:, None]
    changed = issued >= accounts.change_at[:, None]
    total = np.where(changed, subscriptions.main_after[:, None], subscriptions.main[:, None])
    total = total + subscriptions.addon[:, None]
    shape = (count, months)
    fate = pick(rng, (1 - RATES.invoice_late - 0.015, RATES.invoice_late, 0.015), count * months).reshape(shape)
    prompt = np.round(np.clip(rng.normal(24.0, 5.0, shape), 2.0, 30.0) * DAY).astype(np.int64)
    late = rng.integers(32 * DAY, 80 * DAY, shape, dtype=np.int64)
    paid = issued + np.where(fate == 1, late, prompt)
    disputed = chance(rng, RATES.invoice_disputed, count * months).reshape(shape)
    disputed_at = issued + rng.integers(DAY, 20 * DAY, shape, dtype=np.int64)
    settled_at = disputed_at + rng.integers(5 * DAY, 45 * DAY, shape, dtype=np.int64)
    paid = np.where(fate == 2, FAR, np.where(disputed, settled_at + 2 * DAY, paid))
    exists = (issued < WINDOW_END) & (total > 0) & (issued > accounts.opened_at[:, None])
    return Invoices(
        issued_at=np.where(exists, issued, FAR),
        total=np.where(exists, total, 0),
        paid_at=np.where(exists, paid, FAR),
        disputed_at=np.where(exists & disputed, disputed_at, FAR),
        settled_at=np.where(exists & disputed, settled_at, FAR),
    )


def _draw_deals(rng: np.random.Generator, subscriptions: Subscriptions) -> Deals:
    """Deals opened before and during the window; some are revised while open."""
    count = len(subscriptions.main)
    opened = WINDOW_START + rng.integers(-120 * DAY, WINDOW_DAYS * DAY, count, dtype=np.int64)
    life = rng.integers(20 * DAY, 120 * DAY, count, dtype=np.int64)
    amount = np.round(subscriptions.main / 10_000 * rng.uniform(2.0, 12.0, count)).astype(np.int64) * 10_000
    amount = np.maximum(amount, 10_000)
    revised = chance(rng, 0.3, count)
    exists = chance(rng, RATES.with_opportunity, count)
    revised_amount = np.maximum(np.round(amount / 10_000 * rng.uniform(0.6, 1.5, count)).astype(np.int64), 1) * 10_000
    return Deals(
        opened_at=np.where(exists, opened, FAR),
        revised_at=np.where(exists & revised, opened + (life * 2) // 5, FAR),
        closed_at=np.where(exists, opened + life, FAR),
        amount=amount,
        amount_after=np.where(revised, revised_amount, amount),
        won=chance(rng, 0.45, count),
        kind=pick_by(rng, np.asarray(((0.25, 0.45, 0.30),)), np.zeros(count, dtype=np.int64)),
    )
