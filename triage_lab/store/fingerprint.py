"""A digest of frames that depends on their values and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl


def frames_digest(head: str, frames: Mapping[str, pl.DataFrame]) -> str:
    """Return the SHA-256 over a text and named frames: names, types and values, row by row.

    Notes
    -----
    Numbers go in as memory with NULL as zero beside a NULL mask, text as its sorted distinct words and each row's place
    among them, lists as their lengths and flattened values.
    """
    found = hashlib.sha256(head.encode())
    for name in sorted(frames):
        found.update(f"\0{name}\0{frames[name].height}".encode())
        for column in frames[name].get_columns():
            _add(found, column)
    return found.hexdigest()


def _add(found: hashlib._Hash, column: pl.Series) -> None:
    """Add one column."""
    found.update(f"\0{column.name}\0{column.dtype}\0".encode())
    found.update(column.is_null().to_numpy().tobytes())
    if isinstance(column.dtype, pl.List):
        found.update(column.list.len().fill_null(0).to_numpy().tobytes())
        _add(found, column.explode(empty_as_null=False, keep_nulls=False))
    elif column.dtype == pl.String:
        words = column.drop_nulls().unique().sort()
        found.update(words.str.len_bytes().to_numpy().tobytes())
        found.update("".join(words.to_list()).encode())
        codes = column.cast(pl.Enum(words)).to_physical().cast(pl.UInt32)
        found.update(codes.fill_null(0).to_numpy().tobytes())
    else:
        zero: object = False if column.dtype == pl.Boolean else 0
        found.update(column.fill_null(zero).to_numpy().tobytes())
