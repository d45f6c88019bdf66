"""What was true about an account at an instant: the as-of reading of the customers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from triage_lab.replay.synthetic.accounts import Customers
from triage_lab.replay.synthetic.streams import Bools, Ints

NO_ACCOUNT = -1


def _mrr(customers: Customers, where: Ints, at: Ints) -> Ints:
    """Recurring revenue: the sum of the active subscriptions."""
    plan = customers.subscriptions
    main = np.where(at >= customers.accounts.change_at[where], plan.main_after[where], plan.main[where])
    return to_lab_currency(customers, main + plan.addon[where], plan.dollars[where])


def _tier(customers: Customers, where: Ints, at: Ints) -> Ints:
    """Contract tier, a position in TIERS."""
    accounts = customers.accounts
    return np.where(at >= accounts.change_at[where], accounts.tier_after[where], accounts.tier[where])


def _contract_end(customers: Customers, where: Ints, at: Ints) -> Ints:
    """Last day of the contract in force, else of the last one, as days since 1970-01-01."""
    contracts = customers.contracts
    renewed = (at >= contracts.ended_at[where]) & contracts.renewed[where]
    return np.where(renewed, contracts.next_ends_on[where], contracts.ends_on[where])


def _legal(customers: Customers, where: Ints, at: Ints) -> Ints:
    """Legal flag of the contract, 0 or 1."""
    contracts = customers.contracts
    amended = at >= contracts.legal_change_at[where]
    return np.where(amended, contracts.legal_after[where], contracts.legal[where]).astype(np.int64)


def _balance(customers: Customers, where: Ints, at: Ints) -> Ints:
    """Open invoices: issued and not paid."""
    invoices = customers.invoices
    owed = np.zeros(len(where), dtype=np.int64)
    for month in range(invoices.total.shape[1]):
        is_open = (invoices.issued_at[where, month] <= at) & (at < invoices.paid_at[where, month])
        owed += np.where(is_open, invoices.total[where, month], 0)
    return to_lab_currency(customers, owed, customers.subscriptions.dollars[where])


def _opportunity(customers: Customers, where: Ints, at: Ints) -> Ints:
    """Amount of the open opportunity, 0 if there is none."""
    deals = customers.deals
    amount = np.where(at >= deals.revised_at[where], deals.amount_after[where], deals.amount[where])
    is_open = (deals.opened_at[where] <= at) & (at < deals.closed_at[where])
    return to_lab_currency(customers, np.where(is_open, amount, 0), customers.subscriptions.dollars[where])


def _churn_risk(customers: Customers, where: Ints, at: Ints) -> Ints:
    """Churn risk in hundredths."""
    accounts = customers.accounts
    return np.where(at >= accounts.change_at[where], accounts.churn_risk_after[where], accounts.churn_risk[where])


# Every fact that is looked up for a ticket, as whole numbers: money in minor units of the lab's currency.
FIELDS: dict[str, Callable[[Customers, Ints, Ints], Ints]] = {
    "mrr": _mrr,
    "contract_tier": _tier,
    "contract_end": _contract_end,
    "legal_flag": _legal,
    "balance_due": _balance,
    "open_opportunity_amount": _opportunity,
    "churn_risk": _churn_risk,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """True values per ticket at its arrival, shape (n,); meaningless where ``known`` is False."""

    known: Bools
    mrr: Ints
    tier: Ints
    contract_end: Ints
    legal: Bools


def read_field(customers: Customers, field: str, account: Ints, at: Ints) -> Ints:
    """Read one fact of ``account[i]`` as of ``at[i]``; a change at that very second already counts.

    Parameters
    ----------
    customers : Customers
        From ``draw_customers``.
    field : str
        One of FIELDS.
    account : int64 array, shape (n,)
        Positions of accounts; NO_ACCOUNT reads the first account's value, which the caller must not use.
    at : int64 array, shape (n,)
        UTC epoch seconds.
    """
    return FIELDS[field](customers, np.maximum(account, 0), at)


def facts_at(customers: Customers, account: Ints, at: Ints) -> Facts:
    """Read what decides a ticket's true owner, as of each instant."""
    return Facts(
        known=account != NO_ACCOUNT,
        mrr=read_field(customers, "mrr", account, at),
        tier=read_field(customers, "contract_tier", account, at),
        contract_end=read_field(customers, "contract_end", account, at),
        legal=read_field(customers, "legal_flag", account, at) == 1,
    )


def to_lab_currency(customers: Customers, amount: Ints, dollars: Bools) -> Ints:
    """Convert minor units to the lab's currency, rounded half up to whole minor units."""
    top, bottom = customers.rate.numerator, customers.rate.denominator
    return np.where(dollars, (2 * amount * top + bottom) // (2 * bottom), amount)


def days_to_renewal(facts: Facts, local_day: Ints) -> Ints:
    """Whole local days until the contract ends; negative = past."""
    return facts.contract_end - local_day
