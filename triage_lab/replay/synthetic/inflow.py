"""The tickets as they arrive: who writes, about what, by which channel, when, and which ones repeat another."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from triage_lab.replay.synthetic.accounts import Customers
from triage_lab.replay.synthetic.facts import NO_ACCOUNT
from triage_lab.replay.synthetic.parameters import (
    CATEGORIES,
    CATEGORY_SHARE,
    CHANNEL_SHARE,
    CHANNELS,
    HOUR,
    LANGUAGE_SHARE,
    MODULE_SHARE,
    RATES,
    REGION_SHARE,
    REGIONS,
    SUBJECTS,
    WINDOW_END,
)
from triage_lab.replay.synthetic.seasons import CHANNEL_RHYTHM, draw_arrivals
from triage_lab.replay.synthetic.streams import Ints, between, chance, pick, pick_by

_FIRST_SUBJECT = np.array([min(i for i, s in enumerate(SUBJECTS) if s.category == name) for name in CATEGORIES])
_SUBJECT_SHARE = np.array([[s.share if s.category == name else 0.0 for s in SUBJECTS] for name in CATEGORIES])
SUBJECT_CATEGORY = np.array([CATEGORIES.index(subject.category) for subject in SUBJECTS])


@dataclass(frozen=True, slots=True)
class Inflow:
    """Tickets in order of arrival, shape (n,); positions refer to the vocabularies in ``parameters``.

    ``original`` is the position of the ticket that a duplicate repeats, -1 for the others.
    """

    account: Ints
    region: Ints
    subject: Ints
    channel: Ints
    module: Ints
    language: Ints
    type: Ints
    priority: Ints
    arrived_at: Ints
    original: Ints

    def __len__(self) -> int:
        return len(self.account)

    @property
    def category(self) -> Ints:
        """Position in CATEGORIES."""
        return SUBJECT_CATEGORY[self.subject]


def draw_inflow(streams: dict[str, np.random.Generator], customers: Customers, tickets: int) -> Inflow:
    """Draw ``tickets`` tickets, near-duplicates included, sorted by arrival."""
    repeats = round(tickets * RATES.duplicates)
    fresh = _draw_fresh(streams, customers, tickets - repeats)
    return _in_order(_with_repeats(streams["duplicates"], fresh, repeats))


def _draw_fresh(streams: dict[str, np.random.Generator], customers: Customers, count: int) -> Inflow:
    """Tickets that repeat nothing."""
    rng = streams["identity"]
    unknown = chance(rng, RATES.without_account, count)
    account = pick(rng, customers.accounts.size, count)
    region = np.where(unknown, pick(rng, REGION_SHARE, count), customers.accounts.region[account])
    category = pick_by(rng, np.array([CATEGORY_SHARE[name] for name in REGIONS]), region)
    subject = pick_by(rng, _SUBJECT_SHARE, category)
    channel = pick_by(rng, np.array([CHANNEL_SHARE[name] for name in CATEGORIES]), category)
    rhythm = np.array([CHANNEL_RHYTHM[name] for name in CHANNELS])[channel]
    billing = (category == CATEGORIES.index("billing")).astype(np.int64)
    attributes = streams["attributes"]
    return Inflow(
        account=np.where(unknown, NO_ACCOUNT, account),
        region=region,
        subject=subject,
        channel=channel,
        module=pick_by(attributes, np.array([MODULE_SHARE[name] for name in CATEGORIES]), category),
        language=pick_by(attributes, np.array([LANGUAGE_SHARE[name] for name in REGIONS]), region),
        type=pick_by(attributes, np.array([item.types for item in SUBJECTS]), subject),
        priority=pick_by(attributes, np.array([item.urgency for item in SUBJECTS]), subject),
        arrived_at=draw_arrivals(streams["arrivals"], region, rhythm, billing),
        original=np.full(count, -1, dtype=np.int64),
    )


def _with_repeats(rng: np.random.Generator, fresh: Inflow, repeats: int) -> Inflow:
    """Append tickets that file the problem of an earlier one again, within hours and often by another channel."""
    able = np.flatnonzero((fresh.arrived_at < WINDOW_END - 7 * HOUR) & (fresh.account != NO_ACCOUNT))
    chosen = np.sort(rng.choice(able, size=min(repeats, len(able)), replace=False))
    if len(chosen) < repeats:
        chosen = np.concatenate([chosen, np.resize(chosen, repeats - len(chosen))])
    switched = chance(rng, 0.6, repeats)
    channel = np.where(switched, pick(rng, (0.5, 0.2, 0.1, 0.2), repeats), fresh.channel[chosen])
    later = fresh.arrived_at[chosen] + between(rng, 300, 6 * HOUR, repeats)
    copies = {field.name: getattr(fresh, field.name)[chosen] for field in fields(Inflow)}
    copies |= {"channel": channel, "arrived_at": later, "original": chosen}
    return Inflow(**{name: np.concatenate([getattr(fresh, name), values]) for name, values in copies.items()})


def _in_order(inflow: Inflow) -> Inflow:
    """Sort by arrival (ties keep their drawn order) and let ``original`` follow."""
    order = np.argsort(inflow.arrived_at, kind="stable")
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    moved = {field.name: getattr(inflow, field.name)[order] for field in fields(Inflow)}
    original = moved["original"]
    moved["original"] = np.where(original >= 0, position[np.maximum(original, 0)], -1)
    return Inflow(**moved)
