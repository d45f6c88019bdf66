"""From arrays to canonical tables: column names, order and types as ``domain.tables`` declares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from triage_lab.domain.tables import CANONICAL, Kind
from triage_lab.replay.synthetic.parameters import FAR
from triage_lab.replay.synthetic.streams import Bools, Ints

TYPES: dict[Kind, pl.DataType] = {
    Kind.TEXT: pl.String(),
    Kind.TIMESTAMP: pl.Datetime("us"),
    Kind.DATE: pl.Date(),
    Kind.INTEGER: pl.Int64(),
    Kind.DOUBLE: pl.Float64(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.JSON: pl.String(),
}
Cells = pl.Series | Ints | Bools | np.ndarray | Sequence[object] | str | bool | int | None


def times(seconds: Ints) -> pl.Series:
    """UTC epoch seconds as timestamps; FAR becomes NULL."""
    stamps = pl.Series(np.where(seconds >= FAR, 0, seconds) * 1_000_000).cast(pl.Datetime("us"))
    missing = pl.Series(seconds >= FAR)
    return masked(stamps, missing)


def dates(days: Ints) -> pl.Series:
    """Days since 1970-01-01 as dates."""
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def masked(values: pl.Series, missing: pl.Series | Bools) -> pl.Series:
    """The values, NULL where ``missing``."""
    gone = missing if isinstance(missing, pl.Series) else pl.Series(missing)
    empty = pl.Series([None], dtype=values.dtype)
    return values.zip_with(~gone, empty.new_from_index(0, len(values))) if len(values) else values


def words(vocabulary: Sequence[str | None], codes: Ints) -> pl.Series:
    """The word at each code."""
    return pl.Series(list(vocabulary), dtype=pl.String).gather(pl.Series(codes.astype(np.uint32)))


def numbered(prefix: str, numbers: Ints, width: int) -> pl.Series:
    """Ids such as ``A-00042`` (zero-padded, so that text order is number order)."""
    digits = pl.Series(numbers).cast(pl.String).str.zfill(width)
    return (pl.Series([prefix]) + digits).rename("id") if len(numbers) else pl.Series("id", [], dtype=pl.String)


def money(minor: Ints) -> pl.Series:
    """Minor units as text in major units with two decimals, ``-12.05``."""
    frame = pl.DataFrame({"v": minor})
    size = pl.col("v").abs()
    text = pl.concat_str(
        pl.when(pl.col("v") < 0).then(pl.lit("-")).otherwise(pl.lit("")),
        (size // 100).cast(pl.String),
        pl.lit("."),
        (size % 100).cast(pl.String).str.zfill(2),
    )
    return frame.select(text.alias("value")).to_series()


def canonical(name: str, columns: Mapping[str, Cells], rows: int) -> pl.DataFrame:
    """Return a canonical table from the columns given; the others are NULL.

    Parameters
    ----------
    name : str
        Canonical table.
    columns : mapping
        Series, arrays or one value for all rows.
    rows : int
        Number of rows.

    Raises
    ------
    KeyError
        A column that the table does not have.
    """
    table = CANONICAL[name]
    unknown = set(columns) - {column.name for column in table.columns}
    if unknown:
        raise KeyError(f"{name} has no columns {sorted(unknown)}")
    return pl.DataFrame(
        [_series(column.name, columns.get(column.name), TYPES[column.kind], rows) for column in table.columns]
    )


def _series(name: str, cells: Cells, kind: pl.DataType, rows: int) -> pl.Series:
    """One column of the right type."""
    if isinstance(cells, pl.Series):
        return cells.cast(kind).rename(name)
    if cells is None or isinstance(cells, str | bool | int):
        return pl.Series(name, [cells], dtype=kind).new_from_index(0, rows)
    return pl.Series(name, cells).cast(kind)
