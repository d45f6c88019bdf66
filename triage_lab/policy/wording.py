"""A condition and a ticket's values in words: ``days_to_renewal 61, needs ≤ 60``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from triage_lab.domain.predicate import (
    Between,
    Column,
    Compare,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Op,
    Predicate,
    Scalar,
)
from triage_lab.policy.text import literal_text, predicate_text, scalar_text

Held = Sequence[tuple[str, str | bool | float | date | None]]
_SIGNS = {Op.EQ: "", Op.NE: "other than ", Op.LT: "< ", Op.LE: "≤ ", Op.GT: "> ", Op.GE: "≥ "}
_MIRRORED = {Op.EQ: Op.EQ, Op.NE: Op.NE, Op.LT: Op.GT, Op.LE: Op.GE, Op.GT: Op.LT, Op.GE: Op.LE}


def value_text(value: str | bool | float | date | None) -> str:
    """Return a context value as a person writes it.

    Examples
    --------
    >>> value_text(61.0), value_text(None), value_text("billing")
    ('61', 'unknown', "'billing'")
    """
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return value.isoformat() if isinstance(value, date) else literal_text(value)


def why_true(atom: Predicate, held: Held) -> str:
    """Say that a condition holds."""
    return f"{predicate_text(atom)} ({_values(held)})" if held and not _plain(atom) else predicate_text(atom)


def why_unknown(atom: Predicate, held: Held) -> str:
    """Say which value a condition lacks."""
    lacking = [name for name, value in held if value is None]
    if len(held) == 1 and lacking:
        return f"{lacking[0]} unknown, needs {_needs(atom, held)}"
    if lacking:
        return f"{' and '.join(lacking)} unknown, needs {predicate_text(atom)}"
    return f"{predicate_text(atom)} has no value here"


def why_false(atom: Predicate, held: Held) -> str:
    """Say what was there and what a condition needs."""
    return f"{_values(held)}, needs {_needs(atom, held)}" if held else f"needs {predicate_text(atom)}"


def _plain(atom: Predicate) -> bool:
    """Whether the condition's text already says the value."""
    return isinstance(atom, Column | IsNull) or (isinstance(atom, Compare) and atom.op is Op.EQ)


def _values(held: Held) -> str:
    """Columns and their values."""
    return ", ".join(f"{name} {value_text(value)}" for name, value in held)


def _needs(atom: Predicate, held: Held) -> str:  # noqa: PLR0911
    """What would make a false condition true."""
    match atom:
        case Compare(op, Column(), right):
            return f"{_SIGNS[op]}{_constant(right)}"
        case Compare(op, left, Column()) if isinstance(left, Literal):
            return f"{_SIGNS[_MIRRORED[op]]}{_constant(left)}"
        case Between(Column(), Literal() as low, Literal() as high):
            return _end(low, high, held[0][1])
        case In(Column(), tuple() as members):
            return f"one of {', '.join(literal_text(member.value) for member in members)}"
        case Not(In(Column(), tuple() as members)):
            return f"none of {', '.join(literal_text(member.value) for member in members)}"
        case IsNull(Column()):
            return "no value"
        case Not(IsNull(Column())):
            return "a value"
        case Like(Column(), pattern, ignore_case):
            return f"{'ILIKE' if ignore_case else 'LIKE'} {literal_text(pattern)}"
        case Column():
            return "true"
        case Not(Column()):
            return "false"
        case _:
            return predicate_text(atom)


def _end(low: Literal, high: Literal, value: object) -> str:
    """The end of a range that a value misses."""
    if isinstance(value, float) and isinstance(low.value, int | Decimal) and isinstance(high.value, int | Decimal):
        return f"≥ {literal_text(low.value)}" if value < float(low.value) else f"≤ {literal_text(high.value)}"
    return f"between {literal_text(low.value)} and {literal_text(high.value)}"


def _constant(node: Scalar) -> str:
    """The other side of a comparison; true and false as values are written."""
    if isinstance(node, Literal) and isinstance(node.value, bool):
        return value_text(node.value)
    return scalar_text(node)
