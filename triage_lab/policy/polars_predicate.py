"""Predicates on Polars frames: columns prepared once, every distinct condition evaluated once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from zoneinfo import ZoneInfo

import polars as pl

from triage_lab.domain.desk import ColumnKind
from triage_lab.domain.errors import ContextError, PolicyError
from triage_lab.domain.policy import ParamDef
from triage_lab.domain.predicate import (
    And,
    Arithmetic,
    Atom,
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
    children,
    walk,
)
from triage_lab.policy.kinds import NUMBERS
from triage_lab.policy.patterns import fold, like_regex

ARRIVED = "arrived_at"
ROW = ":row"
_FEW = 8
_DTYPES = {ColumnKind.TEXT: pl.String, ColumnKind.BOOLEAN: pl.Boolean, ColumnKind.DATE: pl.Date}
_COMPARE: dict[Op, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    Op.EQ: lambda a, b: a == b,
    Op.NE: lambda a, b: a != b,
    Op.LT: lambda a, b: a < b,
    Op.LE: lambda a, b: a <= b,
    Op.GT: lambda a, b: a > b,
    Op.GE: lambda a, b: a >= b,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frame whose columns have the language's types, and the values that text columns may take."""

    frame: pl.DataFrame
    texts: Mapping[str, pl.Series]


@dataclass(frozen=True, slots=True)
class Dated:
    """What changes with the day of arrival: thresholds, and the zone that says when a day begins."""

    params: Mapping[str, ParamDef]
    timezone: str = "UTC"

    def start(self, day: date) -> int:
        """Return the first instant of a day in the zone, as epoch seconds."""
        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone)).timestamp())

    def expr(self, name: str) -> pl.Expr:
        """Return the threshold in force at each ticket's arrival."""
        param = self.params[name]
        dtype = pl.Float64() if param.kind in NUMBERS else _DTYPES[param.kind]()
        found = pl.lit(None, dtype=dtype)
        for dated in param.values:
            value = _literal(dated.value)
            if dated.valid_from is None:
                found = value
            else:
                found = pl.when(pl.col(ARRIVED) >= self.start(dated.valid_from)).then(value).otherwise(found)
        return found

    def valid(self, start: date | None, end: date | None) -> pl.Expr | None:
        """Return where an item is in force, None = everywhere."""
        parts = []
        if start is not None:
            parts.append(pl.col(ARRIVED) >= self.start(start))
        if end is not None:
            parts.append(pl.col(ARRIVED) < self.start(end))
        return reduce(lambda one, other: one & other, parts) if parts else None


NOTHING_DATED = Dated({})


def columns_with_kinds(predicates: Iterable[Predicate]) -> dict[str, ColumnKind]:
    """Return every column that the predicates read, with its kind, in order of first use."""
    found: dict[str, ColumnKind] = {}
    for predicate in predicates:
        found.update({node.name: node.kind for node in walk(predicate) if isinstance(node, Column)})
    return found


def prepare(context: pl.DataFrame, kinds: Mapping[str, ColumnKind], also: Iterable[str] = ()) -> Prepared:
    """Return the needed columns in the language's types: text as categories, every number as a double.

    Parameters
    ----------
    context : polars.DataFrame
        One row a ticket.
    kinds : mapping of column to kind
        What conditions read.
    also : iterable of str
        Further columns, taken as they are (``arrived_at``, those that are only tested for NULL).

    Raises
    ------
    ContextError
        A column is missing, cannot be read as its kind, or holds NaN or infinity.
    """
    missing = [name for name in dict.fromkeys((*kinds, *also)) if name not in context.columns]
    if missing:
        raise ContextError(
            f"the context has no column {', '.join(missing)}",
            "every column that the policy reads",
            "add it to the context, or to context: in operations.yaml",
        )
    columns = [_typed(context[name], kind) for name, kind in kinds.items()]
    columns += [context[name] for name in dict.fromkeys(also) if name not in kinds]
    frame = pl.DataFrame([pl.int_range(context.height, dtype=pl.UInt32, eager=True).alias(ROW), *columns])
    texts = {name: _values(frame[name]) for name, kind in kinds.items() if kind is ColumnKind.TEXT}
    return Prepared(frame, texts)


def evaluate(
    prepared: Prepared, items: Mapping[str, pl.Expr | Predicate], dated: Dated = NOTHING_DATED
) -> pl.DataFrame:
    """Return one Boolean column per item; NULL = unknown.

    Conditions that several items share are evaluated once.
    """
    leaves: dict[Atom, str] = {}
    trees: dict[str, pl.Expr] = {}
    for name, item in items.items():
        trees[name] = item if isinstance(item, pl.Expr) else _tree(item, leaves)
    exprs = [_leaf(atom, prepared, dated).cast(pl.Boolean).alias(name) for atom, name in leaves.items()]
    return prepared.frame.with_columns(exprs).with_columns(**trees).select(list(trees))


def truth(predicate: Predicate, context: pl.DataFrame) -> pl.Series:
    """Return the value of a predicate for every row: true, false, or NULL where it is unknown.

    Parameters
    ----------
    predicate : Predicate
        Bound: no params or sets left.
    context : polars.DataFrame
        Holds the columns that it reads.

    Raises
    ------
    ContextError
        A column is missing or of another type.
    PolicyError
        A param or set is not bound.
    """
    for node in walk(predicate):
        if isinstance(node, Param | SetRef):
            raise PolicyError(f":{node.name} has no value here", "a condition without params", "write the value")
    prepared = prepare(context, columns_with_kinds([predicate]))
    return evaluate(prepared, {"truth": predicate})["truth"]


def mask(predicate: Predicate, context: pl.DataFrame) -> pl.Series:
    """Return where a predicate is true, never NULL (unknown counts as not true).

    Raises
    ------
    ContextError, PolicyError
        As ``truth``.
    """
    return truth(predicate, context).fill_null(False).alias("mask")


def _typed(series: pl.Series, kind: ColumnKind) -> pl.Series:
    """One column in its kind's type."""
    dtype = series.dtype
    if dtype == pl.Null:
        series, dtype = series.cast(pl.String if kind is ColumnKind.TEXT else _dtype(kind)), _dtype(kind)
    if kind is ColumnKind.TEXT and dtype == pl.String:
        return series.cast(pl.Categorical)
    fits = {
        ColumnKind.TEXT: isinstance(dtype, pl.Categorical | pl.Enum),
        ColumnKind.BOOLEAN: dtype == pl.Boolean,
        ColumnKind.DATE: dtype == pl.Date,
    }.get(kind, dtype.is_numeric())
    if not fits:
        raise ContextError(
            f"the context column '{series.name}' holds {dtype}", f"a {kind}", "give it the type of columns.yaml"
        )
    if kind not in NUMBERS:
        return series
    number = series.cast(pl.Float64)
    if not dtype.is_integer() and not number.is_finite().all():
        raise ContextError(f"{series.name} holds NaN or infinity", "finite numbers", "correct the export")
    return number


def _dtype(kind: ColumnKind) -> pl.DataType:
    """The Polars type of a kind."""
    return pl.Float64() if kind in NUMBERS else _DTYPES[kind]()


def _values(series: pl.Series) -> pl.Series:
    """The texts that a column may hold, without NULL."""
    if isinstance(series.dtype, pl.Enum):
        return series.dtype.categories.cast(pl.String)
    return series.unique().drop_nulls().cast(pl.String)


def _tree(node: Predicate, leaves: dict[Atom, str]) -> pl.Expr:
    """AND, OR and NOT over leaf columns."""
    match node:
        case And(items):
            return reduce(lambda one, other: one & other, [_tree(item, leaves) for item in items])
        case Or(items):
            return reduce(lambda one, other: one | other, [_tree(item, leaves) for item in items])
        case Not(item):
            return ~_tree(item, leaves)
        case _:
            return pl.col(leaves.setdefault(node, f":leaf{len(leaves)}"))


def _leaf(atom: Atom, prepared: Prepared, dated: Dated) -> pl.Expr:
    """One condition; those on a single text column look at its distinct texts only."""
    nodes = [node for node in walk(atom) if isinstance(node, Column | Param)]
    if len({node.name for node in nodes}) == 1 and isinstance(nodes[0], Column) and nodes[0].kind is ColumnKind.TEXT:
        found = _by_dictionary(atom, nodes[0].name, prepared.texts[nodes[0].name])
        if found is not None:
            return found
    return _generic(atom, dated)


def _by_dictionary(atom: Atom, name: str, texts: pl.Series) -> pl.Expr | None:
    """A condition on one text column as membership; None if it is unknown for a text that is known."""
    sample = pl.DataFrame({name: pl.concat([texts, pl.Series([None], dtype=pl.String)])}).with_row_index(ROW)
    values = sample.with_columns(_generic(atom, NOTHING_DATED).cast(pl.Boolean).alias(":truth"))[":truth"]
    known, if_null = values.head(len(texts)), values[len(texts)]
    if known.null_count():
        return None
    yes = texts.filter(known)
    if len(yes) * 2 > len(texts):
        found = ~_member(pl.col(name), texts.filter(~known).to_list())
    else:
        found = _member(pl.col(name), yes.to_list())
    return found if if_null is None else found.fill_null(if_null)


def _member(column: pl.Expr, values: list[str]) -> pl.Expr:
    """Membership in a list of texts; NULL stays NULL."""
    if not values:
        return pl.when(column.is_not_null()).then(pl.lit(False))
    if len(values) <= _FEW:
        return reduce(lambda one, other: one | other, [column == value for value in values])
    return column.is_in(values)


def _generic(atom: Atom, dated: Dated) -> pl.Expr:
    """One condition as an expression over the columns themselves, one value a row.

    Polars gives a single row where a constant meets a column that is one value throughout; the guard spreads it.
    """
    found = _condition(atom, dated)
    starts_with_column = isinstance(atom, Column) or isinstance(next(iter(children(atom)), None), Column)
    return found if starts_with_column else pl.when(pl.col(ROW) >= 0).then(found)


def _condition(atom: Atom, dated: Dated) -> pl.Expr:
    """One condition as Polars sees it."""
    match atom:
        case Compare(op, left, right):
            return _COMPARE[op](_scalar(left, dated), _scalar(right, dated))
        case Between(operand, low, high):
            value = _scalar(operand, dated)
            return (value >= _scalar(low, dated)) & (value <= _scalar(high, dated))
        case In(operand, members) if not isinstance(members, SetRef):
            value = _scalar(operand, dated)
            return reduce(lambda one, other: one | other, [value == _literal(member.value) for member in members])
        case IsNull(operand):
            return _scalar(operand, dated).is_null()
        case Like(operand, pattern, ignore_case):
            return _like(_scalar(operand, dated), pattern, ignore_case=ignore_case)
        case Column() | Literal() | Param() | Function():
            return _scalar(atom, dated)
        case _:
            raise PolicyError(f"the set :{_set_name(atom)} is not bound", "its members", "bind it first")


def _set_name(atom: Predicate) -> str:
    """Name the first set that a predicate refers to."""
    return next(node.name for node in walk(atom) if isinstance(node, SetRef))


def _like(value: pl.Expr, pattern: str, *, ignore_case: bool) -> pl.Expr:
    """LIKE; plain beginnings, ends and middles need no regular expression."""
    if ignore_case:
        value, pattern = value.str.to_lowercase(), fold(pattern)
    inner = pattern.strip("%")
    if "%" in inner or "_" in inner or not inner:
        return value.str.contains(f"(?s)^{like_regex(pattern)}$")
    starts, ends = not pattern.startswith("%"), not pattern.endswith("%")
    if starts and ends:
        return value == pl.lit(inner)
    if starts:
        return value.str.starts_with(inner)
    return value.str.ends_with(inner) if ends else value.str.contains(inner, literal=True)


def _scalar(node: Scalar, dated: Dated) -> pl.Expr:
    """A value as an expression: texts as strings, numbers as doubles."""
    match node:
        case Column(name, kind):
            return pl.col(name).cast(pl.String) if kind is ColumnKind.TEXT else pl.col(name)
        case Literal(value):
            return _literal(value)
        case Param(name):
            return dated.expr(name)
        case Arithmetic(op, left, right):
            return _arithmetic(op, _scalar(left, dated), _scalar(right, dated))
        case Function(name, args):
            return _call(name, [_scalar(arg, dated) for arg in args])


def _literal(value: Value) -> pl.Expr:
    """A constant."""
    if isinstance(value, bool):
        return pl.lit(value)
    if isinstance(value, str | date):
        return pl.lit(value)
    return pl.lit(float(value))


def _arithmetic(op: str, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """A calculation on doubles; what is not finite is NULL."""
    found = {"+": left + right, "-": left - right, "*": left * right, "/": left / right}[op]
    return pl.when(found.is_finite()).then(found)


def _call(name: str, args: list[pl.Expr]) -> pl.Expr:
    """A function of the allowlist."""
    if name == "coalesce":  # not pl.coalesce, which gives one row for a column of nothing but NULL
        return reduce(lambda later, first: pl.when(first.is_not_null()).then(first).otherwise(later), reversed(args))
    if name == "abs":
        return args[0].abs()
    if name == "lower":
        return args[0].str.to_lowercase()
    if name == "length":
        return args[0].str.len_chars().cast(pl.Float64)
    return args[0].str.contains(args[1], literal=True)
