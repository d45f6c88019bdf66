"""Values in the types of context columns."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from triage_lab.domain.desk import ColumnKind

_TYPES: dict[ColumnKind, type[pl.DataType]] = {
    ColumnKind.TEXT: pl.String,
    ColumnKind.INTEGER: pl.Int64,
    ColumnKind.DECIMAL: pl.Float64,
    ColumnKind.NUMBER: pl.Float64,
    ColumnKind.BOOLEAN: pl.Boolean,
    ColumnKind.DATE: pl.Date,
}
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")


def typed(values: pl.Series, kind: ColumnKind) -> pl.Series:
    """Return typed values in the type of a column's kind; what does not fit is NULL."""
    if values.dtype == pl.String and kind is not ColumnKind.TEXT:
        return typed_text(values, kind)
    if values.dtype == _TYPES[kind]:
        return _finite(values)
    return _finite(values.cast(_TYPES[kind], strict=False))


def typed_text(values: pl.Series, kind: ColumnKind) -> pl.Series:
    """Read text as a column's kind; what cannot be read is NULL.

    Notes
    -----
    Booleans: true, t, yes, y, 1 and their opposites, in any case. Dates: ISO, a time after the day is dropped. Whole
    numbers may be written with a zero fraction (12.0). Infinite and undefined numbers are NULL.
    """
    if kind is ColumnKind.TEXT:
        return values
    text = pl.col("value").str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    expression = number
    if kind is ColumnKind.BOOLEAN:
        lower = text.str.to_lowercase()
        expression = pl.when(lower.is_in(_TRUE)).then(True).when(lower.is_in(_FALSE)).then(False).otherwise(None)
    elif kind is ColumnKind.DATE:
        expression = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    elif kind is ColumnKind.INTEGER:
        whole = pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False)
        expression = pl.coalesce(text.cast(pl.Int64, strict=False), whole)
    return _finite(values.alias("value").to_frame().select(expression.alias("value")).to_series())


def unknown(dtype: pl.DataType | type[pl.DataType], length: int) -> pl.Series:
    """Return a column of NULLs."""
    return pl.Series([None], dtype=dtype).new_from_index(0, length)


def _finite(values: pl.Series) -> pl.Series:
    """Return floating numbers with infinities and NaN as NULL; other types as they are."""
    if not values.dtype.is_float():
        return values
    name = values.name
    return values.to_frame().select(pl.when(pl.col(name).is_finite()).then(pl.col(name))).to_series()


def as_text(values: pl.Series) -> pl.Series:
    """Write typed values as a lookup log does: numbers plain and without trailing zeros, true and false, ISO dates.

    Examples
    --------
    >>> as_text(pl.Series([1000.0, 0.25, None])).to_list()
    ['1000', '0.25', None]
    """
    text = values.cast(pl.String)
    if not values.dtype.is_float():
        return text
    text = text.str.strip_suffix(".0").replace("-0", "0")
    powers = text.filter(text.str.contains("e", literal=True)).unique()
    plain = [format(Decimal(power), "f") for power in powers.to_list()]
    return text.replace(powers, pl.Series(plain, dtype=pl.String)) if plain else text
