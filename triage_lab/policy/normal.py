"""Normal form and atoms: NOT pushed down to single conditions, so that each can be shown and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from triage_lab.domain.policy import Policy
from triage_lab.domain.predicate import (
    And,
    Atom,
    Compare,
    Literal,
    Not,
    Or,
    Predicate,
    columns_of,
)
from triage_lab.policy.text import predicate_text

Truth = bool | None


@dataclass(frozen=True, slots=True)
class AtomRow:
    """One condition of one item: its text and the columns that it reads."""

    item_id: str
    atom: int
    text: str
    columns: tuple[str, ...]


def normal_form(node: Predicate, *, negated: bool = False) -> Predicate:
    """Return an equal predicate (in all three truth values) with NOT only in front of single conditions.

    Examples
    --------
    >>> from triage_lab.policy import parse_predicate, predicate_text, read_columns
    >>> predicate_text(normal_form(parse_predicate("NOT (mrr < 5 OR legal_flag)", read_columns())))
    'mrr >= 5 AND NOT legal_flag'
    """
    match node:
        case Not(item):
            return normal_form(item, negated=not negated)
        case And(items) | Or(items):
            parts = [normal_form(item, negated=negated) for item in items]
            as_and = isinstance(node, And) is not negated
            return _flat(And if as_and else Or, parts)
        case Compare(op, left, right) if negated:
            return Compare(op.opposite, left, right)
        case Literal(bool(value)) if negated:
            return Literal(not value)
        case _:
            return Not(node) if negated else node


def atoms(node: Predicate) -> tuple[Predicate, ...]:
    """Return the single conditions of a normal form (with their NOT), each once, in writing order."""
    if isinstance(node, And | Or):
        return tuple(dict.fromkeys(atom for item in node.items for atom in atoms(item)))
    return (node,)


def leaf_of(atom: Predicate) -> Atom:
    """Return an atom of a normal form without its NOT."""
    inner = atom.item if isinstance(atom, Not) else atom
    if isinstance(inner, And | Or | Not):
        raise TypeError("not an atom of a normal form")
    return inner


def fewest_flips(node: Predicate, truth_of: Callable[[Predicate], Truth]) -> tuple[int, tuple[Predicate, ...]]:
    """Return how many atoms must change for a normal form to be TRUE, and the atoms that alone would do.

    Parameters
    ----------
    node : Predicate
        A normal form.
    truth_of : callable
        Value of an atom (with its NOT) for one ticket.

    Returns
    -------
    (int, tuple of Predicate)
        0 = it is TRUE; with 1, every atom that would make it TRUE by itself.
    """
    if isinstance(node, And):
        parts = [fewest_flips(item, truth_of) for item in node.items]
        total = sum(count for count, _ in parts)
        single = tuple(atom for count, found in parts if count == 1 for atom in found)
        return total, single if total == 1 else ()
    if isinstance(node, Or):
        parts = [fewest_flips(item, truth_of) for item in node.items]
        least = min(count for count, _ in parts)
        single = tuple(atom for count, found in parts if count == 1 for atom in found)
        return least, single if least == 1 else ()
    return (0, ()) if truth_of(node) is True else (1, (node,))


def explain_atoms(policy: Policy) -> tuple[AtomRow, ...]:
    """Return the atom table of a policy: every single condition of every item, in file order.

    Examples
    --------
    A rule ``category = 'billing' AND mrr < 500`` gives two rows, one a condition.
    """
    found: list[AtomRow] = []
    for item in policy.items:
        for number, atom in enumerate(atoms(normal_form(item.when))):
            found.append(AtomRow(item.item_id, number, predicate_text(atom), columns_of(atom)))
    return tuple(found)


def _flat(kind: type[And] | type[Or], parts: list[Predicate]) -> Predicate:
    """One level of AND or OR, each part once."""
    found: dict[Predicate, None] = {}
    for part in parts:
        found.update(dict.fromkeys(part.items) if isinstance(part, kind) else {part: None})
    return next(iter(found)) if len(found) == 1 else kind(tuple(found))
