"""Condition text → typed form; the only module that sees sqlglot.

Text that passed ``lexical.check_text`` is parsed, and then every node, the root included, must be of a class
and shape on the list below; whatever is not on it is refused. Names, kinds and domains are checked in ``kinds``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from triage_lab.domain.desk import ColumnKind, ContextColumn
from triage_lab.domain.enums import Priority
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
    Predicate,
    Scalar,
    SetRef,
)
from triage_lab.policy.kinds import Names, check_predicate, number
from triage_lab.policy.lexical import MAX_DEPTH, check_text

_FRAMES = 20_000
_RECURSION = threading.Lock()
_ALLOWED = "only columns, constants, :params, :sets and the functions lower, coalesce, abs, length, contains"
_COMPARISONS = {"EQ": Op.EQ, "NEQ": Op.NE, "LT": Op.LT, "LTE": Op.LE, "GT": Op.GT, "GTE": Op.GE}
_ARITHMETIC = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
_REFUSED_WORDS = {
    "Subquery": "a subquery",
    "Select": "a query",
    "Exists": "a subquery",
    "Cast": "a cast",
    "TryCast": "a cast",
    "Alias": "a name after a value",
    "Lambda": "a lambda",
    "Case": "CASE",
    "If": "CASE",
    "Placeholder": "a placeholder without a name",
    "Parameter": "a numbered placeholder",
    "Dot": "a qualified name",
    "Tuple": "a list of values outside IN",
    "Null": "NULL outside IS NULL",
    "Escape": "LIKE … ESCAPE",
    "Command": "a statement",
    "Star": "*",
    "Interval": "an interval",
    "Anonymous": "an unknown function",
}
_REFUSED_PARTS = {
    "table": "a qualified name",
    "query": "a subquery",
    "field": "IN without brackets",
    "symmetric": "BETWEEN SYMMETRIC",
    "quoted": "a quoted name",
}


def parse_predicate(
    text: str,
    columns: Mapping[str, ContextColumn],
    *,
    params: Mapping[str, ParamDef] | None = None,
    sets: Mapping[str, tuple[str, ...]] | None = None,
    place: Place = NOWHERE,
    extra_columns: Iterable[ContextColumn | str] = (),
) -> Predicate:
    """Parse and check a condition.

    Parameters
    ----------
    text : str
        The condition, e.g. ``category = 'billing' AND mrr >= :high_mrr``.
    columns : mapping of name to ContextColumn
        What it may read (``read_columns()``).
    params, sets : mapping
        What ``:name`` may mean.
    place : Place
        Where the text stands, for errors.
    extra_columns : iterable of ContextColumn, or str
        Further columns of this place only; the name ``priority`` alone stands for the decided priority.

    Returns
    -------
    Predicate
        Params and sets stay references; ``bind`` replaces them.

    Raises
    ------
    PolicyError
        Anything outside the language, unknown names (with the nearest known one), mixed kinds, constants outside
        a closed domain.

    Examples
    --------
    >>> from triage_lab.policy import predicate_text, read_columns
    >>> predicate_text(parse_predicate("mrr>=5000 and not legal_flag", read_columns()))
    'mrr >= 5000 AND NOT legal_flag'
    """
    check_text(text, place)
    extra = [_extra(column) for column in extra_columns]
    known = {**columns, **{column.name: column for column in extra}}
    names = Names(known, dict(params or {}), dict(sets or {}), place)
    try:
        with _deep_stack():
            tree = _Reader(names, text).predicate(_tree(text, place))
    except RecursionError as error:
        raise PolicyError(
            "a condition nested too deeply", f"at most {MAX_DEPTH} levels", "split the rule", place=place
        ) from error
    return check_predicate(tree, names)


def _extra(column: ContextColumn | str) -> ContextColumn:
    """A column given by name is a text; the decided priority is one of the four."""
    if isinstance(column, ContextColumn):
        return column
    values = tuple(Priority) if column == "priority" else ()
    return ContextColumn(column, ColumnKind.TEXT, "", False, "", "", "decided", tuple(str(value) for value in values))


@contextmanager
def _deep_stack() -> Iterator[None]:
    """Give the parser the frames that 64 levels need, wherever in the stack it is called.

    The nesting was bounded before, so this cannot run away; the lock keeps two threads from resetting each
    other's limit.
    """
    import sys

    with _RECURSION:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, _FRAMES))
        try:
            yield
        finally:
            sys.setrecursionlimit(limit)


def _tree(text: str, place: Place) -> Any:
    """Parse with sqlglot; exactly one expression comes back."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        found = sqlglot.parse(text, dialect="duckdb")
    except SqlglotError as error:
        raise PolicyError(
            f"'{_short(text)}' cannot be read as a condition",
            "a condition such as category = 'billing' AND mrr >= 500",
            "look for a missing operator, value or bracket",
            place=place,
        ) from error
    if len(found) != 1 or found[0] is None:
        raise PolicyError("more than one statement", "one condition", "remove what follows it", place=place)
    return found[0]


def _short(text: str) -> str:
    """The beginning of a text on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "…"


@cache
def _classes() -> dict[str, type]:
    """The sqlglot classes that the language is made of, by name."""
    from sqlglot import exp

    names = (
        "Column Identifier Literal Boolean Placeholder Null Paren And Or Not Neg EQ NEQ LT LTE GT GTE Between In Is "
        "Like ILike Add Sub Mul Div Lower Coalesce Abs Length Contains"
    )
    return {name: getattr(exp, name) for name in names.split()}


class _Reader:
    """Turns a checked sqlglot tree into the typed form; knows the names that are allowed."""

    def __init__(self, names: Names, text: str) -> None:
        self.names = names
        self.text = text

    def name_of(self, node: Any) -> str:
        """The listed class that a node is exactly of; subclasses are not on the list."""
        name = type(node).__name__
        if _classes().get(name) is not type(node):
            raise self.refused(node)
        return name

    def refused(self, node: Any, reason: str = "") -> PolicyError:
        """Build the error for a node that is not in the language."""
        name = type(node).__name__
        shown = _short(_source_of(node)) if not reason else ""
        what = reason or _REFUSED_WORDS.get(name, f"'{shown}'")
        return PolicyError(
            f"{what} is not part of the language: {_short(self.text)}", _ALLOWED, place=self.names.place, node=name
        )

    def parts(self, node: Any, *allowed: str) -> None:
        """Refuse a node that carries anything but the given parts (flags of dialects hide there)."""
        for key, value in node.args.items():
            if key not in allowed and value not in (None, False, []):
                raise self.refused(node, _REFUSED_PARTS.get(key, f"'{key}'"))
        if node.comments:
            raise self.refused(node, "a comment")

    def predicate(self, node: Any) -> Predicate:
        """Read a condition."""
        node = _without_empty_alias(node)
        name = self.name_of(node)
        if name == "Paren":
            self.parts(node, "this")
            return self.predicate(node.this)
        if name in {"And", "Or"}:
            return self.chain(node, name)
        if name == "Not":
            self.parts(node, "this")
            return Not(self.predicate(node.this))
        if name in _COMPARISONS:
            self.parts(node, "this", "expression")
            return Compare(_COMPARISONS[name], self.scalar(node.this), self.scalar(node.expression))
        readers: dict[str, Callable[[Any], Predicate]] = {
            "Between": self.between,
            "In": self.membership,
            "Is": self.is_null,
            "Like": self.like,
            "ILike": self.like,
        }
        if name in readers:
            return readers[name](node)
        return self.scalar(node)  # type: ignore[return-value]  # kinds.check_predicate refuses what is not boolean

    def chain(self, node: Any, name: str) -> Predicate:
        """Read a AND b AND c … as one node, without recursion along the chain."""
        parts: list[Predicate] = []
        pending: list[Any] = [node]
        while pending:
            part = pending.pop()
            while _is(part, "Paren") and not part.comments:
                part = _without_empty_alias(part.this)
            if _is(part, name):
                self.parts(part, "this", "expression")
                pending += [part.expression, part.this]
            else:
                parts.append(self.predicate(part))
        return And(tuple(parts)) if name == "And" else Or(tuple(parts))

    def between(self, node: Any) -> Predicate:
        """Read x BETWEEN a AND b."""
        self.parts(node, "this", "low", "high")
        return Between(self.scalar(node.this), self.scalar(node.args["low"]), self.scalar(node.args["high"]))

    def membership(self, node: Any) -> Predicate:
        """Read x IN (constants) or x IN (:set)."""
        self.parts(node, "this", "expressions")
        members = node.expressions
        if not members:
            raise self.refused(node, "an empty IN ()")
        operand = self.scalar(node.this)
        if any(_is(member, "Placeholder") for member in members):
            if len(members) > 1:
                raise self.refused(node, "a :set beside other members of IN")
            return In(operand, SetRef(self.placeholder(members[0])))
        read = [self.scalar(member) for member in members]
        if not all(isinstance(member, Literal) for member in read):
            raise self.refused(node, "IN with anything but constants")
        return In(operand, tuple(read))  # type: ignore[arg-type]  # all are constants

    def is_null(self, node: Any) -> Predicate:
        """Read x IS NULL (IS NOT NULL arrives as NOT … IS NULL)."""
        self.parts(node, "this", "expression")
        if not _is(node.expression, "Null"):
            raise self.refused(node, "IS with anything but NULL")
        return IsNull(self.scalar(node.this))

    def like(self, node: Any) -> Predicate:
        """Read x [NOT] LIKE 'pattern' and ILIKE."""
        self.parts(node, "this", "expression", "negate")
        pattern = self.scalar(node.expression)
        if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
            raise self.refused(node, "LIKE with anything but a text in quotes")
        found = Like(self.scalar(node.this), pattern.value, _is(node, "ILike"))
        return Not(found) if node.args.get("negate") else found

    def scalar(self, node: Any) -> Scalar:
        """Read a value."""
        name = self.name_of(node)
        if name in _ARITHMETIC:
            return self.arithmetic(node)
        readers: dict[str, Callable[[Any], Scalar]] = {
            "Paren": self.paren,
            "Column": self.column,
            "Literal": self.literal,
            "Boolean": lambda found: Literal(bool(found.this)),
            "Placeholder": lambda found: self.names.param(self.placeholder(found)),
            "Neg": self.negative,
            "Lower": lambda found: self.call("lower", found, 1),
            "Abs": lambda found: self.call("abs", found, 1),
            "Length": lambda found: self.call("length", found, 1),
            "Coalesce": lambda found: self.call("coalesce", found, None),
            "Contains": lambda found: self.call("contains", found, 2),
        }
        if name not in readers:
            reason = "NULL outside IS NULL" if name == "Null" else "a condition where a value is needed"
            raise self.refused(node, reason)
        return readers[name](node)

    def paren(self, node: Any) -> Scalar:
        """Read a value in brackets."""
        self.parts(node, "this")
        return self.scalar(node.this)

    def column(self, node: Any) -> Column:
        """Read a bare column name."""
        self.parts(node, "this")
        identifier = node.this
        self.name_of(identifier)
        self.parts(identifier, "this")
        return self.names.column(str(identifier.this))

    def literal(self, node: Any) -> Literal:
        """Read a constant."""
        self.parts(node, "this", "is_string")
        text = str(node.this)
        if node.args["is_string"]:
            return Literal(self.names.text(text))
        try:
            value = Decimal(text)
        except InvalidOperation as error:
            raise self.refused(node, f"the number {_short(text)}") from error
        return Literal(number(value, self.names.place))

    def placeholder(self, node: Any) -> str:
        """Read :name."""
        self.parts(node, "this")
        if not isinstance(node.this, str) or not node.this.isidentifier():
            raise self.refused(node, "a placeholder without a name")
        return node.this

    def negative(self, node: Any) -> Scalar:
        """Read a sign; in front of a number it becomes part of it."""
        self.parts(node, "this")
        inner = self.scalar(node.this)
        if isinstance(inner, Literal) and isinstance(inner.value, int | Decimal) and not isinstance(inner.value, bool):
            return Literal(-inner.value)
        return Arithmetic("-", Literal(0), inner)

    def arithmetic(self, node: Any) -> Scalar:
        """Read + - * /, left-deep chains in a loop."""
        chain: list[tuple[str, Any]] = []
        while type(node).__name__ in _ARITHMETIC:
            self.name_of(node)
            self.parts(node, "this", "expression", "typed", "safe")
            chain.append((_ARITHMETIC[type(node).__name__], node.expression))
            node = node.this
        if len(chain) > MAX_DEPTH:
            raise self.refused(node, f"a sum of more than {MAX_DEPTH} parts")
        left = self.scalar(node)
        for sign, right in reversed(chain):
            left = Arithmetic(sign, left, self.scalar(right))
        return left

    def call(self, name: str, node: Any, size: int | None) -> Function:
        """Read a call of an allowed function."""
        self.parts(node, "this", "expression", "expressions")
        raw: Collection[Any] = [
            part for part in (node.this, node.args.get("expression"), *(node.args.get("expressions") or [])) if part
        ]
        if (size is not None and len(raw) != size) or (size is None and len(raw) < 2):
            raise self.refused(node, f"{name} with {len(raw)} arguments")
        return Function(name, tuple(self.scalar(part) for part in raw))


def _without_empty_alias(node: Any) -> Any:
    """Take away the alias without a name that the parser wraps around a leading ``NOT :param``."""
    if type(node).__name__ == "Alias" and [key for key, value in node.args.items() if value] == ["this"]:
        return node.this
    return node


def _is(node: Any, name: str) -> bool:
    """Whether a node is exactly of a listed class."""
    return type(node) is _classes()[name]


def _source_of(node: Any) -> str:
    """What a refused node looks like as SQL, for the error only."""
    try:
        return str(node.sql(dialect="duckdb", comments=False))
    except (ValueError, AttributeError, RecursionError):
        return type(node).__name__
