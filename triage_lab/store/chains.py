"""Which systems are asked for a fact, and in which order."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from triage_lab.domain.desk import LookupChain
from triage_lab.domain.errors import ContextError
from triage_lab.store.columns import BASES, Fact
from triage_lab.store.schema import OWN_SYSTEM

USUAL_ORDER = ("salesforce", "stripe", "contracts", "zendesk", "servicenow")
"""Who is asked first where nothing is said; then other systems by name, the lab's own tables last."""


def usual_order(systems: Iterable[str]) -> tuple[str, ...]:
    """Return systems in the order in which they are asked where the desk says nothing.

    Examples
    --------
    >>> usual_order(["canonical", "zendesk", "acme", "stripe"])
    ('stripe', 'zendesk', 'acme', 'canonical')
    """
    rank = {name: place for place, name in enumerate(USUAL_ORDER)}
    return tuple(sorted(systems, key=lambda name: (name == OWN_SYSTEM, rank.get(name, len(rank)), name)))


def check_chains(enrichment: Mapping[str, LookupChain], facts: Mapping[str, Fact], known: Collection[str]) -> None:
    """Refuse chains that could not mean anything.

    Parameters
    ----------
    enrichment : mapping of field to LookupChain
        As operations.yaml has it.
    facts : mapping of column name to Fact
        The columns that are read; chains of other fields are held against the known systems only.
    known : collection of str
        Systems with a mapping, and those that something was loaded from.

    Raises
    ------
    ContextError
        A chain names a system that is neither known nor loaded, or belongs to a column that no system is asked for.
    """
    for name, chain in enrichment.items():
        fact = facts.get(name)
        if fact is not None and fact.origin in BASES:
            base = BASES[fact.origin]
            raise ContextError(
                f"enrichment.{name}: {name} follows from {base}", f"a chain for {base}",
                f"write it under `enrichment.{base}` in operations.yaml", column=name,
            )  # fmt: skip
        if fact is not None and fact.origin.is_of_ticket:
            raise ContextError(
                f"enrichment.{name}: {name} comes with the ticket, no system is asked for it",
                "a chain for a fact about the account", f"drop `enrichment.{name}` from operations.yaml", column=name,
            )  # fmt: skip
        for source in chain.sources:
            if source not in known:
                raise _unknown_system(name, source, known)


def _unknown_system(field: str, source: str, known: Collection[str]) -> ContextError:
    """Return the error of a chain that names nobody."""
    nearest = difflib.get_close_matches(source, sorted(known), n=1, cutoff=0.5)
    meant = f"write {nearest[0]!r}" if nearest else "correct the name"
    return ContextError(
        f"enrichment.{field}: there is no system {source!r}", f"one of {', '.join(usual_order(known))}",
        f"{meant} in operations.yaml, or ingest an export of it first", column=field, nearest=nearest,
    )  # fmt: skip
