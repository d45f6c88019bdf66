"""One ticket's context as plain values: checked against the columns it claims to fill."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

from triage_lab.domain.desk import ColumnKind, ContextColumn
from triage_lab.domain.errors import NOWHERE, ContextError, Place, PolicyError
from triage_lab.domain.predicate import Value
from triage_lab.policy.kinds import NUMBERS, suggest


def check_value(value: Value | None, column: ContextColumn, place: Place = NOWHERE) -> Value | None:
    """Return a test's value for a column, or raise PolicyError if the column can never have it."""
    if value is None:
        return None
    if not _fits(value, column.kind):
        raise PolicyError(f"{column.name} is {str(value)[:60]!r}", f"a {column.kind}", "correct the value", place=place)
    if column.values and value not in column.values:
        raise PolicyError(
            f"'{str(value)[:60]}' is no value of {column.name}",
            suggest(str(value), column.values, f"{column.name} is one of"),
            place=place,
        )
    return value


def context_value(value: object, name: str, kind: ColumnKind) -> str | bool | float | date | None:
    """Return a context value as the interpreter computes with it: every number a double.

    Raises
    ------
    ContextError
        The value is not of the column's kind, or not finite.
    """
    if value is None:
        return None
    if isinstance(value, str | bool | int | float | Decimal | date) and _fits(value, kind):
        if kind in NUMBERS:
            double = float(value)  # type: ignore[arg-type]  # _fits left only numbers
            if not math.isfinite(double):
                raise ContextError(f"{name} is {value}", "a finite number", "correct the value in the export")
            return double
        return value  # type: ignore[return-value]
    raise ContextError(f"{name} is {str(value)[:60]!r}", f"a {kind}", "correct the value or the column's type")


def _fits(value: object, kind: ColumnKind) -> bool:
    """Whether a value is of a kind."""
    if kind is ColumnKind.BOOLEAN:
        return isinstance(value, bool)
    if kind in NUMBERS:
        whole = isinstance(value, int) or (isinstance(value, float | Decimal) and value == value // 1)
        number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        return number and (whole or kind is not ColumnKind.INTEGER)
    if kind is ColumnKind.DATE:
        return isinstance(value, date)
    return isinstance(value, str)
