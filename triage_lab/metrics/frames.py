"""Sums and clocks on a layout, and the same as long frames for readers that know nothing of layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.canonical import canonical_json
from triage_lab.metrics.catalogue import CATALOGUE
from triage_lab.metrics.layout import Layout, Parting

_NAMES = list(CATALOGUE)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Whole-number sums of one metric, by cell of the layout; the numerator is in units of 1/``scale``."""

    numerator: npt.NDArray[Any]
    denominator: npt.NDArray[Any]
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """Seconds of every scored ticket and whether the event has happened (None: all of them)."""

    seconds: npt.NDArray[np.int64]
    event: npt.NDArray[np.bool_] | None

    def alike(self, other: Clock) -> bool:
        """Whether the same tickets wait the same time."""
        if (self.event is None) != (other.event is None) or not np.array_equal(self.seconds, other.seconds):
            return False
        return self.event is None or other.event is None or np.array_equal(self.event, other.event)


def rates_frame(layout: Layout, sums: Mapping[tuple[str, str], Sums]) -> pl.DataFrame:
    """One row per metric, segment and account with a denominator above 0; see ``Tallies.rates``."""
    variants = sorted({"", *(variant for _, variant in sums)})
    words = _vocabulary(layout.partings, variants)
    offsets = np.cumsum([0, *(cut.cells.size for cut in layout.cuts)]).tolist()
    parts: list[dict[str, npt.NDArray[Any]]] = []
    for name, parting, place in _each(layout):
        cut, begin = layout.cuts[place], offsets[place]
        code = np.repeat(np.arange(cut.cell_starts.size), np.diff(cut.cell_starts, append=cut.cells.size))
        for variant in variants:
            one = sums.get((name, variant))
            if one is None:
                continue
            numerator, denominator = (side[begin : begin + cut.cells.size] for side in (one.numerator, one.denominator))
            keep = denominator > 0
            parts.append(
                {
                    "metric": np.full(int(keep.sum()), _NAMES.index(name)),
                    "segment": _places(words, parting, variant)[code[keep]],
                    "cluster": cut.cells[keep],
                    "numerator": numerator[keep] / one.scale,
                    "denominator": denominator[keep].astype(np.float64),
                }
            )
    return _typed(parts, words, layout, {"numerator": pl.Float64(), "denominator": pl.Float64()})


def durations_frame(layout: Layout, clocks: Mapping[str, Clock]) -> pl.DataFrame:
    """One row per clock and ticket, overall and by single columns; see ``Tallies.durations``."""
    words = _vocabulary(layout.partings, [""])
    parts: list[dict[str, npt.NDArray[Any]]] = []
    for name, parting, place in _each(layout):
        if name in clocks and len(parting.columns) <= 1:
            clock, order = clocks[name], layout.cuts[place].order
            order = order[clock.seconds[order] >= 0]
            parts.append(
                {
                    "metric": np.full(order.size, _NAMES.index(name)),
                    "segment": _places(words, parting, "")[parting.codes[order]],
                    "cluster": layout.cluster[order],
                    "minutes": clock.seconds[order] / 60.0,
                    "event": np.ones(order.size, dtype=np.bool_) if clock.event is None else clock.event[order],
                }
            )
    return _typed(parts, words, layout, {"minutes": pl.Float64(), "event": pl.Boolean()})


def _each(layout: Layout) -> list[tuple[str, Parting, int]]:
    """Every metric with every parting and the place of its cut, in the order of the rows."""
    return [
        (name, parting, place) for name in _NAMES for parting, place in zip(layout.partings, layout.cut_of, strict=True)
    ]


def _texts(parting: Parting, variant: str) -> tuple[str, ...]:
    """Canonical JSON of each segment; further SLA metrics are segments of their own."""
    extra = {"sla_metric": variant} if variant else {}
    return tuple(canonical_json({**segment, **extra}) for segment in parting.segments)


def _vocabulary(partings: Sequence[Parting], variants: Sequence[str]) -> dict[str, int]:
    """Every segment that a tally of these tickets may have, in the order in which its rows stand."""
    texts = [text for parting in partings for variant in variants for text in _texts(parting, variant)]
    return {text: place for place, text in enumerate(dict.fromkeys(texts))}


def _places(words: Mapping[str, int], parting: Parting, variant: str) -> npt.NDArray[np.int64]:
    """Place of each segment of a parting in the vocabulary."""
    return np.array([words[text] for text in _texts(parting, variant)], dtype=np.int64)


def _typed(
    parts: Sequence[Mapping[str, npt.NDArray[Any]]],
    words: Mapping[str, int],
    layout: Layout,
    values: Mapping[str, pl.DataType],
) -> pl.DataFrame:
    """The parts under each other, with codes turned into metric, segment and cluster."""
    closed = {"metric": pl.Enum(_NAMES), "segment": pl.Enum(list(words)), "cluster": pl.Enum(layout.names())}
    if not parts:
        return pl.DataFrame(schema={**closed, **values})
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return pl.DataFrame(columns).select(
        *(pl.col(name).cast(pl.UInt32).cat.to(kind) for name, kind in closed.items()),
        *(pl.col(name).cast(kind) for name, kind in values.items()),
    )
