"""Truth of a policy's items as Polars columns, and the fired and unknown masks packed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

BITS = 64
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Words = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True)
class Truths:
    """Truth of the items that may matter: ``frame`` has a Boolean column an item, NULL = unknown.

    It also has, for every column that some rule requires, whether it is NULL. ``items``: which have a column;
    ``doubtful``: which are unknown somewhere.
    """

    frame: pl.DataFrame
    items: frozenset[int]
    doubtful: frozenset[int]

    def fired(self, index: int) -> Bools | None:
        """Where an item is true; None = nowhere."""
        if index not in self.items:
            return None
        series = self.frame[item_column(index)]
        return (series.fill_null(False) if index in self.doubtful else series).to_numpy()

    def unknown(self, index: int) -> Bools | None:
        """Where an item is unknown; None = nowhere."""
        return self.frame[item_column(index)].is_null().to_numpy() if index in self.doubtful else None


def item_column(index: int) -> str:
    """Name the column of an item."""
    return f":item{index}"


def masks(truths: Truths, items: int) -> tuple[tuple[Words, ...], tuple[Words, ...]]:
    """Fired and unknown as 64-bit words, item i in bit i % 64 of word i // 64; at least one word each.

    Bytes first: Polars chooses among bytes several times faster than among words.
    """
    bits = {
        ":fired": {index: pl.col(item_column(index)) for index in truths.items},
        ":unknown": {index: pl.col(item_column(index)).is_null() for index in truths.doubtful},
    }
    exprs = []
    for name, flags in bits.items():
        for first in sorted({index // 8 for index in flags}):
            byte = [
                pl.when(flags[index]).then(pl.lit(1 << index % 8, dtype=pl.UInt8)).otherwise(pl.lit(0, dtype=pl.UInt8))
                for index in range(first * 8, first * 8 + 8)
                if index in flags
            ]
            exprs.append(reduce(lambda one, other: one | other, byte).alias(f"{name}{first}"))
    found, rows = truths.frame.select(exprs), truths.frame.height

    def words(name: str) -> tuple[Words, ...]:
        places = [range(start, min(start + BITS, items), 8) for start in range(0, max(items, 1), BITS)]
        columns = [[f"{name}{place // 8}" for place in word] for word in places]
        return tuple(
            _word([found[column].to_numpy() if column in found.columns else None for column in word], rows)
            for word in columns
        )

    return words(":fired"), words(":unknown")


def _word(places: Sequence[np.ndarray[Any, np.dtype[np.uint8]] | None], rows: int) -> Words:
    """Put up to eight bytes together, the lowest first; in a type that is no wider than it has to be."""
    held = [(8 * place, byte) for place, byte in enumerate(places) if byte is not None]
    if not held:
        return np.zeros(rows, dtype=np.uint64)
    dtype = np.min_scalar_type((1 << held[-1][0] + 8) - 1)
    word = np.zeros(rows, dtype=dtype)
    for shift, byte in held:
        word |= byte.astype(dtype) << dtype.type(shift)
    return word.astype(np.uint64)
