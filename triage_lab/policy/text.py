"""The typed form as text again: one spelling for each condition."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

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
    Or,
    Param,
    Predicate,
    Scalar,
    SetRef,
    Value,
)

_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2}


def predicate_text(node: Predicate) -> str:  # noqa: PLR0911
    """Return the normalised SQL text of a predicate; parsing it again gives an equal predicate.

    Examples
    --------
    >>> from triage_lab.domain.desk import ColumnKind
    >>> predicate_text(Not(IsNull(Column("mrr", ColumnKind.DECIMAL))))
    'mrr IS NOT NULL'
    """
    match node:
        case And(items):
            return " AND ".join(_inside(item, (Or,)) for item in items)
        case Or(items):
            return " OR ".join(_inside(item, ()) for item in items)
        case Not(item):
            return _negated(item)
        case Compare(op, left, right):
            return f"{scalar_text(left)} {op} {scalar_text(right)}"
        case Between(operand, low, high):
            return f"{scalar_text(operand)} BETWEEN {scalar_text(low)} AND {scalar_text(high)}"
        case In(operand, members):
            return f"{scalar_text(operand)} IN ({_members(members)})"
        case IsNull(operand):
            return f"{scalar_text(operand)} IS NULL"
        case Like(operand, pattern, ignore_case):
            return f"{scalar_text(operand)} {'ILIKE' if ignore_case else 'LIKE'} {literal_text(pattern)}"
        case _:
            return scalar_text(node)


def scalar_text(node: Scalar) -> str:
    """Return the text of a value."""
    match node:
        case Column(name):
            return name
        case Literal(value):
            return literal_text(value)
        case Param(name):
            return f":{name}"
        case Function(name, args):
            return f"{name}({', '.join(scalar_text(arg) for arg in args)})"
        case Arithmetic(op, left, right):
            strength = _STRENGTH[op]
            return f"{_operand(left, strength)} {op} {_operand(right, strength + 1)}"


def literal_text(value: Value) -> str:
    """Return the text of a constant, quotes doubled inside texts."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return f"'{value.isoformat()}'"
    return "'" + value.replace("'", "''") + "'"


def _inside(item: Predicate, weaker: tuple[type, ...]) -> str:
    """A part of AND or OR, in brackets if it binds weaker."""
    return f"({predicate_text(item)})" if weaker and isinstance(item, weaker) else predicate_text(item)


def _negated(item: Predicate) -> str:
    """The text of NOT item, in the form people write."""
    match item:
        case IsNull(operand):
            return f"{scalar_text(operand)} IS NOT NULL"
        case Between(operand, low, high):
            return f"{scalar_text(operand)} NOT BETWEEN {scalar_text(low)} AND {scalar_text(high)}"
        case In(operand, members):
            return f"{scalar_text(operand)} NOT IN ({_members(members)})"
        case Like(operand, pattern, ignore_case):
            return f"{scalar_text(operand)} NOT {'ILIKE' if ignore_case else 'LIKE'} {literal_text(pattern)}"
        case And() | Or():
            return f"NOT ({predicate_text(item)})"
        case _:
            return f"NOT {predicate_text(item)}"


def _members(members: tuple[Literal, ...] | SetRef) -> str:
    """The inside of IN (…)."""
    if isinstance(members, SetRef):
        return f":{members.name}"
    return ", ".join(literal_text(member.value) for member in members)


def _operand(node: Scalar, strength: int) -> str:
    """A side of a calculation, in brackets if it binds weaker."""
    negative = isinstance(node, Literal) and scalar_text(node).startswith("-")
    if negative or (isinstance(node, Arithmetic) and _STRENGTH[node.op] < strength):
        return f"({scalar_text(node)})"
    return scalar_text(node)
