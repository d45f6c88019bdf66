"""Who should own a ticket, who gets it by today's rules, and who really got and solved it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage_lab.replay.synthetic.facts import Facts, days_to_renewal
from triage_lab.replay.synthetic.inflow import Inflow
from triage_lab.replay.synthetic.parameters import (
    DUNNING_SUBCATEGORIES,
    LEGAL_SUBCATEGORIES,
    MRR_HIGH_MINOR,
    MRR_MID_MINOR,
    PROTECTED,
    RATES,
    RENEWAL_WINDOW_DAYS,
    SUBJECTS,
    TEAMS,
    TIERS,
)
from triage_lab.replay.synthetic.streams import Bools, Ints, chance

TEAM = {name: code for code, name in enumerate(TEAMS)}
_UPPER_TIERS = TIERS.index("business")


@dataclass(frozen=True, slots=True)
class Routing:
    """Teams as positions in TEAMS, shape (n,).

    ``truth`` should own the ticket; ``planned`` is what today's rules say; ``first`` got it (planned, with noise);
    ``resolver`` solved it (truth, or another team for a few tickets that went wrong).
    """

    truth: Ints
    planned: Ints
    first: Ints
    resolver: Ints


def _subjects(*names: str) -> Bools:
    """Which subcategories are meant, shape (subjects,)."""
    return np.array([subject.name in names for subject in SUBJECTS])


def _categories(*names: str) -> Bools:
    """Which subcategories belong to the categories, shape (subjects,)."""
    return np.array([subject.category in names for subject in SUBJECTS])


def planned_team(subject: Ints) -> Ints:
    """Return the owner by today's rules, which look at category and subcategory only.

    Notes
    -----
    dunning and payment_failed → collections, before all else; billing → billing; contract → legal-ops for
    termination and dpa, else support; technical and access → technical; onboarding → onboarding; else support.
    """
    table = np.full(len(SUBJECTS), TEAM["support"])
    table[_categories("billing")] = TEAM["billing"]
    table[_subjects(*LEGAL_SUBCATEGORIES)] = TEAM["legal-ops"]
    table[_categories("technical", "access")] = TEAM["technical"]
    table[_categories("onboarding")] = TEAM["onboarding"]
    table[_subjects(*DUNNING_SUBCATEGORIES)] = TEAM["collections"]
    return table[subject]


def truth_team(subject: Ints, facts: Facts, local_day: Ints) -> Ints:
    """Return the team that should own each ticket, given what was really true about the account.

    Notes
    -----
    In this order, the first that holds: a legal flag on a billing, contract or renewal ticket → legal-ops; such a
    ticket within 60 days before the contract's end and from 500 a month on → renewal-sme; from 5,000 a month on
    with a business or enterprise contract → high-touch; then by subject. A ticket without account goes by subject.
    """
    table = planned_team(np.arange(len(SUBJECTS)))
    table[_subjects("clause_question")] = TEAM["legal-ops"]
    table[_categories("renewal")] = TEAM["renewal-sme"]
    protected = _categories(*PROTECTED)[subject] & facts.known
    days = days_to_renewal(facts, local_day)
    renewing = (days >= 0) & (days <= RENEWAL_WINDOW_DAYS) & (facts.mrr >= MRR_MID_MINOR)
    large = (facts.mrr >= MRR_HIGH_MINOR) & (facts.tier >= _UPPER_TIERS)
    owner = table[subject]
    owner = np.where(protected & large, TEAM["high-touch"], owner)
    owner = np.where(protected & renewing, TEAM["renewal-sme"], owner)
    return np.where(protected & facts.legal, TEAM["legal-ops"], owner)


def draw_routing(rng: np.random.Generator, inflow: Inflow, facts: Facts, local_day: Ints, moved_to: Bools) -> Routing:
    """Draw what happened in history.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream to draw from.
    inflow, facts, local_day
        The tickets, what was true at their arrival, and the local day of it.
    moved_to : bool array, shape (teams,)
        Teams that escalation windows move tickets to. A ticket whose true team is among them is always solved
        there: had another team solved it, an escalation could have brought it to the true team after all.

    Notes
    -----
    Resolver noise concerns tickets that started at a wrong team: two in three of them are solved by that team
    itself, the others by a third one. A ticket that started at its true team is solved there.
    """
    truth = truth_team(inflow.subject, facts, local_day)
    planned = planned_team(inflow.subject)
    count = len(inflow)
    shift = 1 + np.floor(rng.random(count) * (len(TEAMS) - 1)).astype(np.int64)
    first = np.where(chance(rng, RATES.wrong_first_team, count), (planned + shift) % len(TEAMS), planned)
    noisy = chance(rng, RATES.resolver_noise_of_misrouted, count) & (first != truth) & ~moved_to[truth]
    third = (truth + 1 + np.floor(rng.random(count) * (len(TEAMS) - 1)).astype(np.int64)) % len(TEAMS)
    other = np.where(chance(rng, 2 / 3, count), first, third)
    return Routing(truth, planned, first, np.where(noisy, other, truth))
