"""Tallies as long frames, for readers that know nothing of layouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.canonical import canonical_json
from triage_lab.metrics.catalogue import CATALOGUE
from triage_lab.metrics.layout import Layout, Parting


class _Sums(Protocol):
    numerator: npt.NDArray[Any]
    denominator: npt.NDArray[Any]
    scale: float


class _Clock(Protocol):
    seconds: npt.NDArray[np.int64]
    event: npt.NDArray[np.bool_] | None


def rates_frame(layout: Layout, sums: Mapping[tuple[str, str], Any]) -> pl.DataFrame:
    """One row per metric, segment and account with a denominator above 0; see ``Tallies.rates``."""
    variants = sorted({variant for _, variant in sums})
    words = _vocabulary(layout.partings, variants)
    spans = _cell_spans(layout)
    parts: list[pl.DataFrame] = []
    clusters = pl.Enum(layout.names())
    for name in CATALOGUE:
        for parting in layout.partings:
            begin, starts, accounts = spans[_shared(layout, parting)]
            for variant in variants:
                one = sums.get((name, variant))
                if one is None:
                    continue
                cells = slice(begin, begin + accounts.size)
                keep = one.denominator[cells] > 0
                code = np.repeat(np.arange(starts.size), np.diff(starts, append=accounts.size))
                texts = np.array([words[text] for text in _texts(parting, variant)])
                parts.append(
                    pl.DataFrame(
                        {
                            "metric": np.full(int(keep.sum()), list(CATALOGUE).index(name), dtype=np.uint8),
                            "segment": texts[code[keep]].astype(np.uint32),
                            "cluster": accounts[keep].astype(np.uint32),
                            "numerator": one.numerator[cells][keep] / one.scale,
                            "denominator": one.denominator[cells][keep].astype(np.float64),
                        }
                    )
                )
    return _typed(parts, words, clusters, {"numerator": pl.Float64(), "denominator": pl.Float64()})


def durations_frame(layout: Layout, clocks: Mapping[str, Any]) -> pl.DataFrame:
    """One row per clock and ticket, overall and by single columns; see ``Tallies.durations``."""
    words = _vocabulary(layout.partings, [""])
    parts: list[pl.DataFrame] = []
    clusters = pl.Enum(layout.names())
    for name in CATALOGUE:
        if name not in clocks:
            continue
        clock = clocks[name]
        for parting in layout.partings:
            if len(parting.columns) > 1:
                continue
            order = layout.cuts[_shared(layout, parting)].order
            order = order[clock.seconds[order] >= 0]
            texts = np.array([words[text] for text in _texts(parting, "")])
            event = np.ones(order.size, dtype=np.bool_) if clock.event is None else clock.event[order]
            parts.append(
                pl.DataFrame(
                    {
                        "metric": np.full(order.size, list(CATALOGUE).index(name), dtype=np.uint8),
                        "segment": texts[parting.codes[order]].astype(np.uint32),
                        "cluster": layout.cluster[order].astype(np.uint32),
                        "minutes": clock.seconds[order] / 60.0,
                        "event": event,
                    }
                )
            )
    return _typed(parts, words, clusters, {"minutes": pl.Float64(), "event": pl.Boolean()})
