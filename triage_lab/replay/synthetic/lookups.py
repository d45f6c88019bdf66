"""Enrichment as it really went: which system was asked, what it said, how old and how right that was; and labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.accounts import Customers
from triage_lab.replay.synthetic.facts import FIELDS, NO_ACCOUNT, read_field
from triage_lab.replay.synthetic.frames import Cells, canonical, dates, masked, money, times, words
from triage_lab.replay.synthetic.parameters import (
    DAY,
    FAR,
    HOUR,
    LEGAL_FALSE_NEGATIVE,
    LEGAL_FALSE_POSITIVE,
    LOOKUPS,
    RATES,
    TIERS,
    WINDOW_END,
    Source,
)
from triage_lab.replay.synthetic.streams import Bools, Ints, between, chance, pick

SOURCES = ("crm", "billing", "clm")
STATUSES = ("hit", "miss", "error", "stale")
HIT, MISS, ERROR, STALE = range(4)
UNKNOWN = -(2**40)  # a value that no source gave
LEAST_LABELLED_ACCOUNTS = 120
FRESH = {"crm": 12 * HOUR, "billing": HOUR, "clm": 12 * HOUR}  # greatest age of a hit, seconds


@dataclass(frozen=True, slots=True)
class Lookup:
    """Look-ups of one field in one source; ``row`` is the ticket, values as whole numbers (UNKNOWN = none)."""

    field: str
    source: str
    row: Ints
    status: Ints
    value: Ints
    truth: Ints
    value_as_of: Ints


@dataclass(frozen=True, slots=True)
class Enrichment:
    """All look-ups in the order of fields and fallbacks, and what a decision could see of each field."""

    lookups: tuple[Lookup, ...]
    seen: dict[str, Ints]
    truth: dict[str, Ints]


def draw_enrichment(rng: np.random.Generator, customers: Customers, account: Ints, arrived_at: Ints) -> Enrichment:
    """Ask the sources of every field for every ticket with an account, one after the other until one answers.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream to draw from.
    customers : Customers
        The truth.
    account, arrived_at : int64 arrays, shape (n,)
        Tickets; look-ups happen in the second of arrival.
    """
    lookups: list[Lookup] = []
    seen: dict[str, Ints] = {}
    truth: dict[str, Ints] = {}
    for field, chain in LOOKUPS.items():
        truth[field] = np.where(account == NO_ACCOUNT, UNKNOWN, read_field(customers, field, account, arrived_at))
        seen[field] = np.full(len(account), UNKNOWN, dtype=np.int64)
        pending = np.flatnonzero(account != NO_ACCOUNT)
        for source in chain:
            lookup = _ask(rng, customers, field, source, pending, account[pending], arrived_at[pending], truth[field])
            lookups.append(lookup)
            answered = (lookup.status == HIT) | (lookup.status == STALE)
            seen[field][lookup.row[answered]] = lookup.value[answered]
            pending = pending[~answered]
    return Enrichment(tuple(lookups), seen, truth)


def _ask(
    rng: np.random.Generator,
    customers: Customers,
    field: str,
    source: Source,
    rows: Ints,
    account: Ints,
    asked_at: Ints,
    truth: Ints,
) -> Lookup:
    """One source's answers: a hit was true some time today, a stale value some days or weeks ago."""
    count = len(rows)
    answer = 1.0 - source.miss - source.error
    shares = (answer * (1.0 - source.stale), source.miss, source.error, answer * source.stale)
    status = pick(rng, shares, count)
    age = np.where(status == STALE, between(rng, 3 * DAY, 45 * DAY, count), between(rng, 0, FRESH[source.name], count))
    as_of = asked_at - age
    value = read_field(customers, field, account, as_of)
    if field == "legal_flag":
        flips = np.where(value == 1, LEGAL_FALSE_NEGATIVE, LEGAL_FALSE_POSITIVE)
        value = value ^ chance(rng, flips, count)
    else:
        value = np.where(chance(rng, source.wrong, count), _wrong(rng, field, value), value)
    silent = (status == MISS) | (status == ERROR)
    return Lookup(
        field=field,
        source=source.name,
        row=rows,
        status=status,
        value=np.where(silent, UNKNOWN, value),
        truth=truth[rows],
        value_as_of=np.where(silent, FAR, as_of),
    )


def _wrong(rng: np.random.Generator, field: str, value: Ints) -> Ints:
    """A value that differs from the right one in the way such systems err."""
    count = len(value)
    if field == "contract_tier":
        return (value + 1 + pick(rng, (1, 1, 1), count)) % len(TIERS)
    if field == "contract_end":  # a former or the next term
        shifts: Ints = np.asarray((-365, -31, 30, 365), dtype=np.int64)[pick(rng, (1, 1, 1, 1), count)]
        return value + shifts
    if field == "churn_risk":
        return (value + 10 + between(rng, 0, 80, count)) % 100
    if field == "mrr":  # a yearly figure read as a monthly one, or half of the subscriptions
        other = np.where(chance(rng, 0.4, count), value * 12, value // 2)
        return np.where(other == value, value + 4_900, other)
    other = np.where(chance(rng, 0.5, count), 0, value + 100 * between(rng, 20, 900, count))
    return np.where(other == value, value + 12_300, other)


def value_text(field: str, value: Ints) -> pl.Series:
    """The value as a source writes it; NULL where it is UNKNOWN."""
    known = np.where(value == UNKNOWN, 0, value)
    if field in {"mrr", "balance_due", "open_opportunity_amount", "churn_risk"}:  # hundredths, like money
        text = money(known)
    elif field == "contract_tier":
        text = words(TIERS, known)
    elif field == "contract_end":
        text = dates(known).cast(pl.String)
    else:
        text = words(("false", "true"), known)
    return masked(text, value == UNKNOWN)


def enrichment_table(enrichment: Enrichment, ids: pl.Series, arrived_at: Ints) -> pl.DataFrame:
    """Return the enrichment log, ordered by ticket, field and fallback."""
    parts = enrichment.lookups
    row = np.concatenate([part.row for part in parts])
    order = np.argsort(row, kind="stable")  # parts are in the order of fields and fallbacks
    fields = np.repeat([list(FIELDS).index(part.field) for part in parts], [len(part.row) for part in parts])
    sources = np.repeat([SOURCES.index(part.source) for part in parts], [len(part.row) for part in parts])
    value = pl.concat([value_text(part.field, part.value) for part in parts])
    row = row[order]
    columns: dict[str, Cells] = {
        "ticket_id": ids.gather(pl.Series(row.astype(np.uint32))),
        "field": words(tuple(FIELDS), fields[order]),
        "source": words(SOURCES, sources[order]),
        "value": value.gather(pl.Series(order.astype(np.uint32))),
        "status": words(STATUSES, np.concatenate([part.status for part in parts])[order]),
        "looked_up_at": times(arrived_at[row]),
        "value_as_of": times(np.concatenate([part.value_as_of for part in parts])[order]),
    }
    return canonical("enrichment_log", columns, len(row))


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """Which tickets were adjudicated: ``truth`` for the owner, shape (n,), ``fields`` (rows) for all facts."""

    truth: Bools
    fields: Ints


def draw_labels(rng: np.random.Generator, account: Ints) -> LabelPlan:
    """Choose a random sample for the owner, and for the facts one that reaches many accounts.

    The sample of facts starts with one ticket of each of up to 120 accounts, then takes tickets at random.
    """
    count = len(account)
    truth = chance(rng, RATES.labelled_truth, count)
    shuffled = rng.permutation(count)
    shuffled = shuffled[account[shuffled] != NO_ACCOUNT]
    wanted = min(len(shuffled), max(RATES.labelled_fields_least, round(RATES.labelled_fields * count)))
    first_of_account = np.sort(np.unique(account[shuffled], return_index=True)[1])[:LEAST_LABELLED_ACCOUNTS]
    others = np.setdiff1d(np.arange(len(shuffled)), first_of_account)
    return LabelPlan(truth, np.sort(shuffled[np.concatenate([first_of_account, others])[:wanted]]))


def label_table(
    rng: np.random.Generator,
    plan: LabelPlan,
    teams: pl.Series,
    enrichment: Enrichment,
    ids: pl.Series,
    arrived_at: Ints,
) -> pl.DataFrame:
    """Return the labels; ``teams`` holds the acceptable owner teams of every ticket, ``team`` or ``team|team``."""
    owners = np.flatnonzero(plan.truth)
    rows = np.concatenate([owners, *(plan.fields for _ in FIELDS)])
    values = [teams.gather(pl.Series(owners.astype(np.uint32)))]
    values += [value_text(field, enrichment.truth[field][plan.fields]) for field in FIELDS]
    field = np.concatenate(
        [np.zeros(len(owners), dtype=np.int64), np.repeat(np.arange(len(FIELDS)), len(plan.fields)) + 1]
    )
    labelled_at = np.minimum(arrived_at[rows] + between(rng, 2 * HOUR, 14 * DAY, len(rows)), WINDOW_END - 1)
    order = np.argsort(rows, kind="stable")
    columns: dict[str, Cells] = {
        "ticket_id": ids.gather(pl.Series(rows[order].astype(np.uint32))),
        "field": words(("truth_team", *FIELDS), field[order]),
        "value": pl.concat(values).gather(pl.Series(order.astype(np.uint32))),
        "labelled_by": words(("reviewer-1", "reviewer-2", "reviewer-3"), pick(rng, (0.4, 0.35, 0.25), len(rows))),
        "labelled_at": times(labelled_at[order]),
    }
    return canonical("labels", columns, len(rows))
