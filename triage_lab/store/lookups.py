"""What every system was asked for when a ticket arrived, and what it said: the lookups of a replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.store.kinds import as_text

STATUSES = ("hit", "stale", "miss", "error")
"""Answers of a lookup; ``error`` is only ever logged, never replayed."""

_HIT, _STALE, _MISS = range(3)
_UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class FieldLookups:
    """How one field was looked up, ticket by ticket.

    Parameters
    ----------
    sources : tuple of str
        Systems in the order in which they are asked.
    answered : polars.Series
        UInt16, row-aligned: place in ``sources`` of the system that answered; their number if none did; NULL where
        nobody was asked, because the ticket has no account or the log tells what the field was.
    value : polars.Series
        Row-aligned, in the type of the column; read where a system answered.
    value_as_of : polars.Series
        Int64 UTC epoch seconds, row-aligned; NULL where a system does not date the value.
    stale_after_seconds : int or None
        Age beyond which a value is stale; None = never.
    """

    sources: tuple[str, ...]
    answered: pl.Series
    value: pl.Series
    value_as_of: pl.Series
    stale_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Lookups:
    """The lookups of all fields in compact form; `frame` writes them out.

    ``arrived_at`` is Int64 UTC epoch seconds, row-aligned with the context; ``fields`` are by column name.
    """

    arrived_at: pl.Series
    fields: Mapping[str, FieldLookups]

    def frame(self, columns: Sequence[str], rows: int | None = None) -> pl.DataFrame:
        """Return one row per ticket, field and system asked until one answered.

        Parameters
        ----------
        columns : sequence of str
            Fields that were needed, in the order in which they are listed; those that come with the ticket itself,
            and unknown names, give no rows.
        rows : int or None
            Only the first tickets of the run's order.

        Returns
        -------
        polars.DataFrame
            row UInt32 (index into the run's ticket order), field Enum, source Enum, value String (numbers plain,
            booleans true and false, dates ISO; NULL for a miss), status Enum (hit, stale, miss, error), looked_up_at,
            value_as_of Int64 (UTC epoch seconds). Ordered by row, field as given, system as asked.

        Notes
        -----
        ``stale`` = older than ``stale_after_seconds`` at arrival; the value was used all the same. A value that a
        system does not date never is.
        """
        n = self.arrived_at.len() if rows is None else min(rows, self.arrived_at.len())
        names = [name for name in dict.fromkeys(columns) if name in self.fields]
        found = [self.fields[name] for name in names]
        systems = sorted({source for field in found for source in field.sources})
        asked = np.zeros((n, len(found)), dtype=np.int64)
        for place, field in enumerate(found):
            most = len(field.sources)
            asked[:, place] = (field.answered.head(n).cast(pl.Int64) + 1).clip(0, most).fill_null(0).to_numpy()
        ends = np.cumsum(asked.ravel()).reshape(asked.shape)
        lines = _Lines(int(asked.sum()))
        arrived = self.arrived_at.head(n).to_numpy()
        for place, field in enumerate(found):
            numbers = np.array([systems.index(source) for source in field.sources], dtype=np.uint16)
            lines.fill(place, field, numbers, ends[:, place] - asked[:, place], asked[:, place], arrived)
        texts = [as_text(field.value.head(n)) for field in found]
        values = pl.concat(texts) if texts else pl.Series([], dtype=pl.String)
        row = np.repeat(np.arange(n, dtype=np.uint32), asked.sum(axis=1))
        return pl.DataFrame({
            "row": pl.Series(row, dtype=pl.UInt32),
            "field": _words(lines.field, names),
            "source": _words(lines.source, systems),
            "value": values.gather(pl.Series(lines.value).set(pl.Series(lines.status == _MISS), None)),
            "status": _words(lines.status, STATUSES),
            "looked_up_at": pl.Series(arrived[row], dtype=pl.Int64),
            "value_as_of": pl.Series(lines.as_of).set(pl.Series(lines.as_of == _UNKNOWN), None),
        })  # fmt: skip


class _Lines:
    """The columns of the frame as they are filled, field by field."""

    def __init__(self, total: int) -> None:
        self.field: npt.NDArray[Any] = np.zeros(total, dtype=np.uint32)
        self.source: npt.NDArray[Any] = np.zeros(total, dtype=np.uint32)
        self.status: npt.NDArray[Any] = np.full(total, _MISS, dtype=np.uint32)
        self.value: npt.NDArray[Any] = np.zeros(total, dtype=np.uint32)
        self.as_of: npt.NDArray[Any] = np.full(total, _UNKNOWN, dtype=np.int64)

    def fill(
        self,
        place: int,
        field: FieldLookups,
        numbers: npt.NDArray[Any],
        starts: npt.NDArray[Any],
        asked: npt.NDArray[Any],
        arrived: npt.NDArray[Any],
    ) -> None:
        """Write the lines of one field: ``asked`` systems of each ticket, from line ``starts`` on."""
        n = len(asked)
        for turn, number in enumerate(numbers):
            lines = (starts + turn)[asked > turn]
            self.field[lines] = place
            self.source[lines] = number
        answered = field.answered.head(n) < len(field.sources)
        rows = np.flatnonzero((answered & field.value.head(n).is_not_null()).fill_null(value=False).to_numpy())
        lines = starts[rows] + asked[rows] - 1
        as_of = field.value_as_of.head(n).fill_null(_UNKNOWN).to_numpy()[rows]
        self.value[lines] = place * n + rows
        self.as_of[lines] = as_of
        limit = field.stale_after_seconds
        old = (
            np.zeros(len(rows), dtype=bool) if limit is None else (as_of != _UNKNOWN) & (as_of < arrived[rows] - limit)
        )
        self.status[lines] = np.where(old, _STALE, _HIT)


def _words(codes: npt.NDArray[Any], words: Sequence[str]) -> pl.Series:
    """Return codes as the words they stand for."""
    return pl.Series(list(words), dtype=pl.Enum(list(words))).gather(pl.Series(codes))
