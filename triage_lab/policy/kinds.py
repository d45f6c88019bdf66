"""Names, kinds and closed domains: what makes a condition meaningful, checked before anything is compiled."""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from triage_lab.domain.desk import ColumnKind, ContextColumn
from triage_lab.domain.errors import NOWHERE, Place, PolicyError
from triage_lab.domain.policy import ParamDef
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
    rebuild,
)

MAX_EXPONENT = 400
NUMBERS = frozenset({ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.NUMBER})


def suggest(name: str, allowed: Collection[str], what: str = "allowed") -> str:
    """Return ``did you mean 'x'?``, or the allowed names where none is near."""
    close = difflib.get_close_matches(name, sorted(allowed), n=1) or difflib.get_close_matches(
        name.lower(), sorted(allowed), n=1
    )
    if close:
        return f"did you mean '{close[0]}'?"
    return f"{what}: {', '.join(sorted(allowed))}" if allowed else f"{what}: none"


def number(value: int | float | Decimal, place: Place = NOWHERE) -> int | Decimal:
    """Return a number in its one form: ``int`` if whole, else ``Decimal``.

    Raises
    ------
    PolicyError
        It is not finite as a double, or smaller than any double.
    """
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite() or abs(exact.adjusted()) > MAX_EXPONENT or not math.isfinite(float(exact)):
        raise PolicyError(
            f"the number {str(value)[:40]}", "a number that fits a double", "use a smaller number", place=place
        )
    if exact == exact.to_integral_value():
        return int(exact)
    return Decimal(format(exact, "f").rstrip("0"))


def plain_text(value: str, place: Place = NOWHERE) -> str:
    """Return a text in Unicode NFC, the form that digests use.

    Raises
    ------
    PolicyError
        It holds a NUL or half of a surrogate pair.
    """
    if "\x00" in value or any(0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise PolicyError("a text with a NUL or a lone surrogate", "plain text", "remove it", place=place)
    return unicodedata.normalize("NFC", value)


@dataclass(frozen=True, slots=True)
class Names:
    """What the names in one condition mean, and where it stands."""

    columns: Mapping[str, ContextColumn]
    params: Mapping[str, ParamDef]
    sets: Mapping[str, tuple[str, ...]]
    place: Place

    def column(self, name: str) -> Column:
        """Resolve a column."""
        found = self.columns.get(name)
        if found is None:
            hint = "texts stand in single quotes" if name not in self.params else f"write :{name} for the param"
            raise self.error(f"unknown column '{name}'", suggest(name, self.columns, "columns"), hint)
        return Column(name, found.kind)

    def param(self, name: str) -> Param:
        """Resolve a threshold."""
        found = self.params.get(name)
        if found is None:
            if name in self.sets:
                raise self.error(f":{name} is a set", f"IN (:{name})", "a set may only stand alone in IN (…)")
            raise self.error(f"unknown param ':{name}'", suggest(name, self.params, "params"), "declare it in params:")
        return Param(name, found.kind)

    def members(self, name: str) -> tuple[str, ...]:
        """Resolve a set."""
        found = self.sets.get(name)
        if found is None:
            if name in self.params:
                raise self.error(f":{name} is a param", f"= :{name}", "IN takes constants or one set")
            raise self.error(f"unknown set ':{name}'", suggest(name, self.sets, "sets"), "declare it in sets:")
        return found

    def text(self, value: str) -> str:
        """Normalise a text constant."""
        return plain_text(value, self.place)

    def error(self, found: str, expected: str, action: str = "") -> PolicyError:
        """Build an error at the condition's place."""
        return PolicyError(found, expected, action, place=self.place)


def check_predicate(node: Predicate, names: Names) -> Predicate:  # noqa: PLR0911
    """Check kinds and domains; date constants become dates.

    Raises
    ------
    PolicyError
        Mixed kinds, a value where a condition is needed, a constant outside a closed domain.
    """
    match node:
        case And(items):
            return And(tuple(check_predicate(item, names) for item in items))
        case Or(items):
            return Or(tuple(check_predicate(item, names) for item in items))
        case Not(item):
            return Not(check_predicate(item, names))
        case Compare():
            return _compare(node, names)
        case Between(operand, low, high):
            return _between(operand, low, high, names)
        case In():
            return _membership(node, names)
        case IsNull(operand):
            scalar_kind(operand, names)
            if isinstance(operand, Literal):
                raise names.error("a constant IS NULL", "a column", "remove the comparison")
            return node
        case Like(operand):
            _need(operand, {ColumnKind.TEXT}, "LIKE", names)
            return node
        case _:
            if scalar_kind(node, names) is not ColumnKind.BOOLEAN:
                raise names.error(
                    f"{_say(node)} is a {scalar_kind(node, names).value}, not a condition",
                    "a comparison, or a column that is true or false",
                    "compare it with something",
                )
            return node


def scalar_kind(node: Scalar, names: Names) -> ColumnKind:
    """Return the kind of a value; integers, decimals and doubles are all ``number`` once computed."""
    match node:
        case Column(_, kind) | Param(_, kind):
            return kind
        case Literal(value):
            return value_kind(value)
        case Arithmetic(op, left, right):
            _need(left, NUMBERS, op, names)
            _need(right, NUMBERS, op, names)
            return ColumnKind.NUMBER
        case Function(name, args):
            return _call_kind(name, args, names)


def value_kind(value: Value) -> ColumnKind:
    """Return the kind of a constant."""
    if isinstance(value, bool):
        return ColumnKind.BOOLEAN
    if isinstance(value, int):
        return ColumnKind.INTEGER
    if isinstance(value, Decimal):
        return ColumnKind.DECIMAL
    return ColumnKind.DATE if isinstance(value, date) else ColumnKind.TEXT


def same_kind(left: ColumnKind, right: ColumnKind) -> bool:
    """Whether two kinds may be compared."""
    return left is right or (left in NUMBERS and right in NUMBERS)


def bind(
    node: Predicate, params: Mapping[str, Value | None], sets: Mapping[str, tuple[str, ...]] | None = None
) -> Predicate:
    """Return the predicate with params and sets replaced by constants.

    Parameters
    ----------
    params : mapping of name to value
        A param that is missing or None stays a reference (it has no value in force, or several).
    sets : mapping of name to members, or None
        Missing sets stay references.
    """

    def leaf(part: Scalar | SetRef) -> Scalar | tuple[Literal, ...] | SetRef:
        if isinstance(part, Param):
            value = params.get(part.name)
            return part if value is None else Literal(value)
        if isinstance(part, SetRef) and sets is not None and part.name in sets:
            return tuple(Literal(member) for member in sets[part.name])
        return part

    return rebuild(node, leaf)


def _compare(node: Compare, names: Names) -> Predicate:
    """Check ``left op right``."""
    left, right = _dated(node.left, node.right, names), _dated(node.right, node.left, names)
    kinds = scalar_kind(left, names), scalar_kind(right, names)
    _same(left, right, names)
    if ColumnKind.BOOLEAN in kinds and node.op not in {Op.EQ, Op.NE}:
        raise names.error(f"{_say(left)} {node.op} {_say(right)}", "= or <> for true and false", "use = or <>")
    for one, other in ((left, right), (right, left)):
        _domain(one, other, names)
    return Compare(node.op, left, right)


def _between(operand: Scalar, low: Scalar, high: Scalar, names: Names) -> Predicate:
    """Check ``operand BETWEEN low AND high``."""
    low, high = _dated(low, operand, names), _dated(high, operand, names)
    if scalar_kind(operand, names) is ColumnKind.BOOLEAN:
        raise names.error(f"{_say(operand)} BETWEEN", "a number, date or text", "use = TRUE or = FALSE")
    for bound in (low, high):
        _same(operand, bound, names)
    return Between(operand, low, high)


def _membership(node: In, names: Names) -> Predicate:
    """Check ``operand IN …``."""
    if isinstance(node.members, SetRef):
        _need(node.operand, {ColumnKind.TEXT}, f"IN (:{node.members.name})", names)
        for text in names.members(node.members.name):
            _domain(node.operand, Literal(text), names)
        return node
    members: list[Literal] = []
    for member in node.members:
        dated = _dated(member, node.operand, names)
        _same(node.operand, dated, names)
        _domain(node.operand, dated, names)
        members.append(dated)  # type: ignore[arg-type]  # a constant stays a constant
    return In(node.operand, tuple(dict.fromkeys(members)))


def _dated(node: Scalar, other: Scalar, names: Names) -> Scalar:
    """Read a text constant beside a date as the date it writes."""
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        return node
    if scalar_kind(other, names) is not ColumnKind.DATE:
        return node
    try:
        if len(node.value) != 10:
            raise ValueError(node.value)
        return Literal(date.fromisoformat(node.value))
    except ValueError as error:
        raise names.error(f"'{node.value[:40]}' beside {_say(other)}", "a date 'YYYY-MM-DD'") from error


def _same(left: Scalar, right: Scalar, names: Names) -> None:
    """Refuse to compare different kinds."""
    one, other = scalar_kind(left, names), scalar_kind(right, names)
    if not same_kind(one, other):
        raise names.error(
            f"{_say(left)} is a {one.value}, {_say(right)} is a {other.value}",
            "both sides of one kind",
            "texts stand in single quotes, numbers and TRUE/FALSE do not",
        )


def _need(node: Scalar, kinds: Collection[ColumnKind], what: str, names: Names) -> None:
    """Refuse a value of another kind."""
    found = scalar_kind(node, names)
    if found not in kinds:
        wanted = "a number" if kinds == NUMBERS else f"a {min(kinds)}"
        raise names.error(f"{what} on {_say(node)}, a {found.value}", wanted, "use a column of that kind")


def _call_kind(name: str, args: tuple[Scalar, ...], names: Names) -> ColumnKind:
    """Check a call and return its kind."""
    if name == "coalesce":
        for arg in args[1:]:
            _same(args[0], arg, names)
        first = scalar_kind(args[0], names)
        return ColumnKind.NUMBER if first in NUMBERS else first
    if name == "abs":
        _need(args[0], NUMBERS, "abs", names)
        return ColumnKind.NUMBER
    _need(args[0], {ColumnKind.TEXT}, name, names)
    if name == "lower":
        return ColumnKind.TEXT
    if name == "length":
        return ColumnKind.INTEGER
    if not isinstance(args[1], Literal) or not isinstance(args[1].value, str):
        raise names.error(f"contains with {_say(args[1])}", "a text in quotes as its second argument")
    return ColumnKind.BOOLEAN


def _domain(column: Scalar, constant: Scalar, names: Names) -> None:
    """Refuse a constant, or a value of a param, that a closed column can never have."""
    if not isinstance(column, Column) or not names.columns[column.name].values:
        return
    closed = names.columns[column.name].values
    for value in _constants(constant, names):
        if isinstance(value, str) and value not in closed:
            raise names.error(
                f"'{value[:60]}' is no value of {column.name}",
                suggest(value, closed, f"{column.name} is one of"),
                "correct the text",
            )


def _constants(node: Scalar, names: Names) -> tuple[Value, ...]:
    """The constants that a node may stand for."""
    if isinstance(node, Literal):
        return (node.value,)
    if isinstance(node, Param):
        return tuple(dated.value for dated in names.params[node.name].values)
    return ()


def _say(node: Scalar | Predicate) -> str:
    """Name a value in an error."""
    match node:
        case Column(name):
            return name
        case Param(name):
            return f":{name}"
        case Literal(value):
            return f"'{value[:40]}'" if isinstance(value, str) else str(value).upper()[:40]
        case Function(name):
            return f"{name}(…)"
        case _:
            return "a calculation"
