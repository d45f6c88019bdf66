"""The typed form of a condition: a closed set of frozen nodes that every back end reads.

Text becomes this form in ``policy.parse`` and nowhere else. A predicate is TRUE, FALSE or UNKNOWN (SQL's
three-valued logic). All numbers compare and compute as the nearest double; an arithmetic result that is
not finite (a division by zero) is NULL. Texts compare by code point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from triage_lab.domain.desk import ColumnKind

Value = str | bool | int | Decimal | date


class Op(StrEnum):
    """Comparison operators."""

    EQ = "="
    NE = "<>"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    @property
    def opposite(self) -> Op:
        """The operator that is TRUE exactly where this one is FALSE."""
        return _OPPOSITE[self]


_OPPOSITE = {Op.EQ: Op.NE, Op.NE: Op.EQ, Op.LT: Op.GE, Op.GE: Op.LT, Op.GT: Op.LE, Op.LE: Op.GT}


@dataclass(frozen=True, slots=True)
class Column:
    """A context column and its declared kind."""

    name: str
    kind: ColumnKind


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: whole numbers are ``int``, other numbers ``Decimal``; texts are NFC."""

    value: Value


@dataclass(frozen=True, slots=True)
class Param:
    """A named threshold, written ``:name``; its value may depend on the day a ticket arrived."""

    name: str
    kind: ColumnKind


@dataclass(frozen=True, slots=True)
class SetRef:
    """A named list of texts, written ``IN (:name)``; replaced by its members before compilation."""

    name: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` on numbers; ``op`` is ``+ - * /``."""

    op: str
    left: Scalar
    right: Scalar


@dataclass(frozen=True, slots=True)
class Function:
    """A call from the allowlist: lower, coalesce, abs, length (of text), contains (TRUE or FALSE)."""

    name: str
    args: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right``, both of one kind; UNKNOWN if a side is NULL."""

    op: Op
    left: Scalar
    right: Scalar


@dataclass(frozen=True, slots=True)
class Between:
    """``operand >= low AND operand <= high``."""

    operand: Scalar
    low: Scalar
    high: Scalar


@dataclass(frozen=True, slots=True)
class In:
    """``operand IN (members)``; members are constants, never NULL, never none at all."""

    operand: Scalar
    members: tuple[Literal, ...] | SetRef


@dataclass(frozen=True, slots=True)
class IsNull:
    """``operand IS NULL``; never UNKNOWN."""

    operand: Scalar


@dataclass(frozen=True, slots=True)
class Like:
    """``operand LIKE pattern``: ``%`` any run of characters, ``_`` one character, no escape character.

    ``ignore_case`` (ILIKE) compares both sides in lower case.
    """

    operand: Scalar
    pattern: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two predicates, none of them an ``And`` itself."""

    items: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of at least two predicates, none of them an ``Or`` itself."""

    items: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; UNKNOWN stays UNKNOWN."""

    item: Predicate


Scalar = Column | Literal | Param | Arithmetic | Function
Atom = Compare | Between | In | IsNull | Like | Column | Literal | Param | Function
"""A condition without AND, OR, NOT; columns, literals, params and functions only where they are boolean."""
Predicate = And | Or | Not | Atom
Node = Predicate | Arithmetic | SetRef


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct parts of a node, in writing order."""
    match node:
        case Arithmetic(_, left, right) | Compare(_, left, right):
            return (left, right)
        case Function(_, args):
            return args
        case Between(operand, low, high):
            return (operand, low, high)
        case In(operand, members):
            return (operand, members) if isinstance(members, SetRef) else (operand, *members)
        case IsNull(operand) | Like(operand):
            return (operand,)
        case And(items) | Or(items):
            return items
        case Not(item):
            return (item,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, in writing order.

    Examples
    --------
    >>> [type(n).__name__ for n in walk(IsNull(Column("mrr", ColumnKind.DECIMAL)))]
    ['IsNull', 'Column']
    """
    yield node
    for child in children(node):
        yield from walk(child)


def columns_of(node: Node) -> tuple[str, ...]:
    """Return the names of the columns that a predicate reads, each once, in writing order."""
    return tuple(dict.fromkeys(part.name for part in walk(node) if isinstance(part, Column)))


def rebuild(node: Predicate, leaf: Callable[[Scalar | SetRef], Scalar | tuple[Literal, ...] | SetRef]) -> Predicate:  # noqa: PLR0911
    """Return the predicate with every column, literal, param and set reference replaced by ``leaf`` of it."""
    match node:
        case And(items):
            return And(tuple(rebuild(item, leaf) for item in items))
        case Or(items):
            return Or(tuple(rebuild(item, leaf) for item in items))
        case Not(item):
            return Not(rebuild(item, leaf))
        case Compare(op, left, right):
            return Compare(op, _scalar(left, leaf), _scalar(right, leaf))
        case Between(operand, low, high):
            return Between(_scalar(operand, leaf), _scalar(low, leaf), _scalar(high, leaf))
        case In(operand, members):
            new = leaf(members) if isinstance(members, SetRef) else members
            return In(_scalar(operand, leaf), new)  # type: ignore[arg-type]
        case IsNull(operand):
            return IsNull(_scalar(operand, leaf))
        case Like(operand, pattern, ignore_case):
            return Like(_scalar(operand, leaf), pattern, ignore_case)
        case _:
            return _scalar(node, leaf)  # type: ignore[return-value]


def _scalar(node: Scalar, leaf: Callable[[Scalar | SetRef], Scalar | tuple[Literal, ...] | SetRef]) -> Scalar:
    """Rebuild a scalar."""
    match node:
        case Arithmetic(op, left, right):
            return Arithmetic(op, _scalar(left, leaf), _scalar(right, leaf))
        case Function(name, args):
            return Function(name, tuple(_scalar(arg, leaf) for arg in args))
        case _:
            return leaf(node)  # type: ignore[return-value]


def plain(node: Node) -> list[object]:  # noqa: PLR0911
    """Return the canonical plain form of a node: nested lists of texts, numbers and truth values.

    Equal predicates have equal forms whatever spaces, brackets or case of keywords they were written with;
    this is what digests are built on. Members of ``IN`` are sorted, since their order means nothing.

    Examples
    --------
    >>> plain(Compare(Op.GE, Column("mrr", ColumnKind.DECIMAL), Literal(5000)))
    ['compare', '>=', ['column', 'mrr', 'decimal'], ['number', Decimal('5000')]]
    """
    match node:
        case Column(name, kind):
            return ["column", name, kind.value]
        case Param(name, kind):
            return ["param", name, kind.value]
        case SetRef(name):
            return ["set", name]
        case Literal(value):
            return _plain_literal(value)
        case Arithmetic(op, left, right):
            return ["arithmetic", op, plain(left), plain(right)]
        case Function(name, args):
            return ["function", name, *(plain(arg) for arg in args)]
        case Compare(op, left, right):
            return ["compare", op.value, plain(left), plain(right)]
        case In(operand, members):
            listed = plain(members) if isinstance(members, SetRef) else sorted((plain(m) for m in members), key=repr)
            return ["in", plain(operand), listed]
        case Like(operand, pattern, ignore_case):
            return ["ilike" if ignore_case else "like", plain(operand), pattern]
        case _:
            return [type(node).__name__.lower(), *(plain(child) for child in children(node))]


def _plain_literal(value: Value) -> list[object]:
    """Tag a constant with its kind; every number is a Decimal here, so 5000 and 5000.0 are one."""
    if isinstance(value, bool):
        return ["boolean", value]
    if isinstance(value, int | Decimal):
        return ["number", Decimal(value)]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    return ["text", value]
