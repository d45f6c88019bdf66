"""The reference interpreter: one ticket at a time, in plain Python, with every reason.

It shares the typed form and the merging of actions with the compiled policy, and nothing else: the two must
agree on every ticket, which a property test holds them to.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from triage_lab.domain.canonical import canonical_json
from triage_lab.domain.enums import Outcome, Priority
from triage_lab.domain.policy import (
    DEFAULT_ID,
    MANUAL_TRIAGE,
    Actions,
    Default,
    Item,
    ItemKind,
    OnUnknown,
    Policy,
    Rule,
)
from triage_lab.domain.predicate import (
    And,
    Arithmetic,
    Between,
    Column,
    Compare,
    Function,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Op,
    Or,
    Param,
    Predicate,
    Scalar,
    SetRef,
    Value,
    columns_of,
    walk,
)
from triage_lab.policy.actions import actions_plain, manual_actions, merge_actions
from triage_lab.policy.kinds import bind
from triage_lab.policy.normal import Truth, atoms, fewest_flips, normal_form
from triage_lab.policy.patterns import fold, like_regex
from triage_lab.policy.text import predicate_text
from triage_lab.policy.tickets import context_value
from triage_lab.policy.wording import why_false, why_true, why_unknown

Known = str | bool | float | date
Row = Mapping[str, Known | None]
_WORDS = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True, slots=True)
class AtomTrace:
    """One condition for one ticket: ``truth`` is true, false or unknown; ``values`` what its columns held."""

    text: str
    truth: str
    values: tuple[tuple[str, Known | None], ...]


@dataclass(frozen=True, slots=True)
class ItemTrace:
    """One item for one ticket.

    ``why`` names the conditions that decided its value; ``asked`` says whether the item took part: an override
    that does not list the winner, or comes after one that applied, and a rule after the winner do not.
    ``near_miss`` holds what would make it true if a single condition changed.
    """

    item_id: str
    kind: str
    when: str
    truth: str
    why: str
    asked: bool
    in_force: bool
    atoms: tuple[AtomTrace, ...]
    near_miss: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """The decision for one ticket and how it came about; ``actions`` is canonical JSON.

    ``fired`` and ``unknown`` list item ids in mask order; ``overrides_considered`` those that were looked at.
    ``near_misses`` lists items of several conditions that are one condition away: every other one holds already.
    """

    rule_id: str
    overridden_rule_id: str | None
    outcome: Outcome
    owner_team: str
    priority: Priority
    actions: str
    fired: tuple[str, ...]
    unknown: tuple[str, ...]
    items: tuple[ItemTrace, ...]
    near_misses: tuple[str, ...]
    overrides_considered: tuple[str, ...]
    columns_read: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    """What evaluation settled on."""

    rule_id: str
    overridden: str | None
    outcome: Outcome
    then: Actions
    asked: frozenset[str]


def interpret(
    policy: Policy,
    ticket: Mapping[str, object],
    *,
    arrived_on: date,
    manual_triage_team: str = MANUAL_TRIAGE,
) -> Trace:
    """Decide one ticket and say why.

    Parameters
    ----------
    policy : Policy
        Parsed and resolved.
    ticket : mapping of column to value
        Its context; missing columns are NULL, numbers may be int, float or Decimal.
    arrived_on : date
        Day of arrival in the lab's zone; picks dated thresholds and items in force.
    manual_triage_team : str
        Owner of what may not be decided without a person.

    Raises
    ------
    ContextError
        A value is not of its column's kind, or not finite.
    """
    bound = {item.item_id: _bound(policy, item, arrived_on) for item in policy.items}
    row = _row(policy, ticket)
    truths: dict[str, Truth] = {}
    for item in policy.items:
        truths[item.item_id] = evaluate(bound[item.item_id], row) if _in_force(item, arrived_on) else False
    choice = _choose(policy, truths, ticket, manual_triage_team)
    merged = merge_actions(choice.then, [also.then for also in policy.also if truths[also.item_id]])
    items = tuple(
        _trace(item, bound[item.item_id], row, truths[item.item_id], choice, arrived_on) for item in policy.items
    )
    return Trace(
        rule_id=choice.rule_id,
        overridden_rule_id=choice.overridden,
        outcome=choice.outcome,
        owner_team=str(merged.route),
        priority=merged.priority or _own_priority(ticket),
        actions=canonical_json(actions_plain(merged)),
        fired=tuple(name for name, value in truths.items() if value is True),
        unknown=tuple(name for name, value in truths.items() if value is None),
        items=items,
        near_misses=tuple(
            f"{item.item_id}: {text}" for item in items if len(item.atoms) > 1 for text in item.near_miss
        ),
        overrides_considered=tuple(o.item_id for o in policy.overrides if o.item_id in choice.asked),
        columns_read=_columns_read(policy),
    )


def evaluate(node: Predicate, row: Row) -> Truth:
    """Return the value of a bound predicate for one ticket: True, False, or None where it is unknown."""
    match node:
        case And(items):
            values = [evaluate(item, row) for item in items]
            return False if False in values else None if None in values else True
        case Or(items):
            values = [evaluate(item, row) for item in items]
            return True if True in values else None if None in values else False
        case Not(item):
            value = evaluate(item, row)
            return None if value is None else not value
        case _:
            return _atom(node, row)


def _atom(node: Predicate, row: Row) -> Truth:
    """The value of a single condition."""
    match node:
        case Compare(op, left, right):
            return _compare(op, _value(left, row), _value(right, row))
        case Between(operand, low, high):
            value = _value(operand, row)
            above, below = _compare(Op.GE, value, _value(low, row)), _compare(Op.LE, value, _value(high, row))
            if above is False or below is False:
                return False
            return None if above is None or below is None else True
        case In(operand, members) if not isinstance(members, SetRef):
            value = _value(operand, row)
            return None if value is None else any(value == _constant(member.value) for member in members)
        case IsNull(operand):
            return _value(operand, row) is None
        case Like(operand, pattern, ignore_case):
            return _like(_value(operand, row), pattern, ignore_case=ignore_case)
        case Column() | Literal() | Param() | Function():
            value = _value(node, row)
            return value if value is None else bool(value)
        case _:
            raise TypeError(f"{type(node).__name__} is no single bound condition")


def _value(node: Scalar, row: Row) -> Known | None:
    """The value of a column, constant or calculation."""
    match node:
        case Column(name):
            return row[name]
        case Literal(value):
            return _constant(value)
        case Param():
            return None
        case Arithmetic(op, left, right):
            return _calculate(op, _value(left, row), _value(right, row))
        case Function(name, args):
            return _call(name, [_value(arg, row) for arg in args])


def _constant(value: Value) -> Known:
    """A constant; every number as the nearest double."""
    return value if isinstance(value, bool | str | date) else float(value)


def _compare(op: Op, left: Known | None, right: Known | None) -> Truth:
    """Compare two values of one kind."""
    if left is None or right is None:
        return None
    if op is Op.EQ:
        return left == right
    if op is Op.NE:
        return left != right
    smaller = left < right  # type: ignore[operator]  # checked when parsed: both are of one kind
    if op is Op.LT:
        return bool(smaller)
    if op is Op.GE:
        return not smaller
    return bool(smaller or left == right) if op is Op.LE else not (smaller or left == right)


def _calculate(op: str, left: Known | None, right: Known | None) -> float | None:
    """A calculation on doubles; what is not finite is NULL."""
    if left is None or right is None:
        return None
    one, other = float(left), float(right)  # type: ignore[arg-type]  # checked when parsed: numbers
    if op == "/":
        found = one / other if other else math.inf
    else:
        found = one + other if op == "+" else one - other if op == "-" else one * other
    return found if math.isfinite(found) else None


def _call(name: str, args: list[Known | None]) -> Known | None:
    """A function of the allowlist."""
    if name == "coalesce":
        return next((arg for arg in args if arg is not None), None)
    first = args[0]
    if first is None:
        return None
    if name == "abs":
        return abs(float(first))  # type: ignore[arg-type]  # checked when parsed: a number
    text = str(first)
    if name == "lower":
        return fold(text)
    return float(len(text)) if name == "length" else str(args[1]) in text


def _like(value: Known | None, pattern: str, *, ignore_case: bool) -> Truth:
    """LIKE and ILIKE."""
    if value is None:
        return None
    text, wanted = (fold(str(value)), fold(pattern)) if ignore_case else (str(value), pattern)
    return re.fullmatch(like_regex(wanted), text, re.DOTALL) is not None


def _bound(policy: Policy, item: Item, day: date) -> Predicate:
    """The item's condition with the thresholds in force on a day."""
    return bind(item.when, {name: param.on(day) for name, param in policy.params.items()}, policy.sets)


def _in_force(item: Item, day: date) -> bool:
    """Whether an item is valid on a day."""
    started = item.valid_from is None or item.valid_from <= day
    return started and (item.valid_to is None or day < item.valid_to)


def _row(policy: Policy, ticket: Mapping[str, object]) -> dict[str, Known | None]:
    """The ticket's values of every column that the policy reads."""
    found: dict[str, Known | None] = {}
    for item in policy.items:
        for node in walk(item.when):
            if isinstance(node, Column):
                found[node.name] = context_value(ticket.get(node.name), node.name, node.kind)
    return found


def _choose(policy: Policy, truths: Mapping[str, Truth], ticket: Mapping[str, object], team: str) -> _Choice:
    """Evaluation steps 1 to 3: ordinary winner, overrides, requires."""
    winner: Rule | Default = policy.default
    asked: set[str] = set()
    for rule in policy.rules:
        asked.add(rule.item_id)
        stuck = truths[rule.item_id] is None and _absent(rule.requires, ticket)
        if truths[rule.item_id] or stuck:
            winner = rule
            break
    winner_id = winner.item_id if isinstance(winner, Rule) else DEFAULT_ID
    for override in policy.overrides:
        if not override.lists(winner_id):
            continue
        asked.add(override.item_id)
        if truths[override.item_id]:
            return _Choice(override.item_id, winner_id, Outcome.OVERRIDE, override.then, frozenset(asked))
        if truths[override.item_id] is None and override.on_unknown is OnUnknown.MANUAL_TRIAGE:
            manual = manual_actions(team)
            return _Choice(override.item_id, winner_id, Outcome.MANUAL_UNKNOWN, manual, frozenset(asked))
    if _absent(winner.requires, ticket):
        return _Choice(winner_id, None, Outcome.MANUAL_REQUIRES, manual_actions(team), frozenset(asked))
    outcome = Outcome.RULE if isinstance(winner, Rule) else Outcome.DEFAULT
    return _Choice(winner_id, None, outcome, winner.then, frozenset(asked))


def _absent(requires: tuple[str, ...], ticket: Mapping[str, object]) -> bool:
    """Whether a required column is NULL."""
    return any(ticket.get(name) is None for name in requires)


def _own_priority(ticket: Mapping[str, object]) -> Priority:
    """The ticket's first recorded priority if it is one of the four, else normal."""
    recorded = ticket.get("priority_at_creation")
    return Priority(recorded) if isinstance(recorded, str) and recorded in tuple(Priority) else Priority.NORMAL


def _trace(item: Item, bound: Predicate, row: Row, truth: Truth, choice: _Choice, day: date) -> ItemTrace:
    """Say why an item has its value."""
    normal = normal_form(bound)
    shown = [AtomTrace(predicate_text(atom), _WORDS[evaluate(atom, row)], _held(atom, row)) for atom in atoms(normal)]
    in_force = _in_force(item, day)
    flips: tuple[Predicate, ...] = ()
    if truth is not True and in_force:
        flips = fewest_flips(normal, lambda atom: evaluate(atom, row))[1]
    return ItemTrace(
        item_id=item.item_id,
        kind=str(item.kind),
        when=predicate_text(item.when),
        truth=_WORDS[truth],
        why=_why(normal, row, truth) if in_force else f"not in force on {day.isoformat()}",
        asked=item.kind is ItemKind.ALSO or item.item_id in choice.asked,
        in_force=in_force,
        atoms=tuple(shown),
        near_miss=tuple(_reason(atom, row) for atom in flips),
    )


def _why(normal: Predicate, row: Row, truth: Truth) -> str:
    """The conditions that decided a value, in words."""
    relevant = [atom for atom in atoms(normal) if evaluate(atom, row) is truth]
    return "; ".join(_reason(atom, row) for atom in relevant) or predicate_text(normal)


def _reason(atom: Predicate, row: Row) -> str:
    """One condition in words: what was there, and what it needs."""
    value = evaluate(atom, row)
    held = _held(atom, row)
    if value is None:
        return why_unknown(atom, held)
    return why_true(atom, held) if value else why_false(atom, held)


def _held(atom: Predicate, row: Row) -> tuple[tuple[str, Known | None], ...]:
    """The columns of a condition with their values."""
    return tuple((name, row[name]) for name in columns_of(atom))


def _columns_read(policy: Policy) -> tuple[str, ...]:
    """Every column that an item or a requires reads, in file order."""
    found: list[str] = []
    for item in policy.items:
        found += columns_of(item.when)
        if isinstance(item, Rule):
            found += item.requires
    return tuple(dict.fromkeys((*found, *policy.default.requires)))
