"""Tallies of arms and replications laid out side by side: one row per metric, segment and account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.errors import UsageError
from triage_lab.evidence.intervals import Floats

UNKNOWN_ACCOUNT = "ticket:"
Codes = npt.NDArray[np.int64]
Key = tuple[str, str]


class Tallied(Protocol):
    """What this room needs of a tally: the frames described at ``metrics.Tallies``."""

    @property
    def rates(self) -> pl.DataFrame:
        """Columns metric, segment, cluster, numerator, denominator."""
        ...

    @property
    def durations(self) -> pl.DataFrame:
        """Columns metric, segment, cluster, minutes, event."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """Common codes of several frames: one key per row, and what the codes stand for."""

    keys: tuple[Codes, ...]
    metrics: tuple[str, ...]
    segments: tuple[str, ...]
    clusters: int
    unknown: npt.NDArray[np.bool_]

    def name(self, group: int) -> Key:
        """Metric and segment text of a group code (key // clusters)."""
        return self.metrics[group // len(self.segments)], self.segments[group % len(self.segments)]


@dataclass(frozen=True, slots=True)
class Panel:
    """Sums per account, averaged over replications, and totals of each replication.

    ``y`` and ``m`` have shape (arms, rows); ``totals`` (arms, replications, groups, 2) holds Σy and Σm; ``starts`` is
    the first row of each group; ``naive`` marks groups in which no account is known. ``metrics`` is each group's metric
    and ``keys`` the segments that it stands for (several if they hold the same tickets). ``same`` says
    that both arms are known to be equal throughout.
    """

    metrics: tuple[str, ...]
    keys: tuple[tuple[int, Key], ...]
    starts: npt.NDArray[np.intp]
    y: Floats
    m: Floats
    totals: Floats
    naive: npt.NDArray[np.bool_]
    same: bool = False

    @property
    def accounts(self) -> npt.NDArray[np.intp]:
        """Rows (accounts) of each group."""
        return np.diff(self.starts, append=self.y.shape[1])

    def sum(self, rows: Floats) -> Floats:
        """Sum rows by group, in row order."""
        return np.asarray(np.add.reduceat(rows, self.starts), dtype=np.float64)

    def spread(self, values: Floats) -> Floats:
        """Repeat a value per group on each of its rows."""
        return np.repeat(values, self.accounts)


def layout(frames: Sequence[pl.DataFrame]) -> Layout:
    """Give every row of every frame a key (metric, segment, cluster) in one common vocabulary."""
    metrics, metric_codes = _codes([frame["metric"] for frame in frames])
    segments, segment_codes = _codes([frame["segment"] for frame in frames])
    clusters, cluster_codes = _codes([frame["cluster"] for frame in frames])
    count = max(len(clusters), 1)
    keys = tuple(
        (metric * max(len(segments), 1) + segment) * count + cluster
        for metric, segment, cluster in zip(metric_codes, segment_codes, cluster_codes, strict=True)
    )
    unknown = clusters.str.starts_with(UNKNOWN_ACCOUNT).to_numpy()
    return Layout(keys, tuple(metrics.to_list()), tuple(segments.to_list()), count, unknown)


def _codes(columns: Sequence[pl.Series]) -> tuple[pl.Series, list[Codes]]:
    """Code text columns against one list of words: those of the first column in their order, then the others'."""
    if any(column.null_count() for column in columns):
        raise UsageError(
            "a tally with an empty metric, segment or cluster", "no missing keys", "fill them before tallying"
        )
    coded = [column if isinstance(column.dtype, pl.Enum) else _as_enum(column) for column in columns]
    lists = [_words(column) for column in coded]
    physical = [column.to_physical().cast(pl.Int64).to_numpy() for column in coded]
    if all(column.dtype == coded[0].dtype for column in coded):
        return lists[0], physical
    words = pl.concat(lists).unique(maintain_order=True)
    places = words.cast(pl.Enum(words)).dtype
    maps = [one.cast(places).to_physical().cast(pl.Int64).to_numpy() for one in lists]
    return words, [mapping[codes] for mapping, codes in zip(maps, physical, strict=True)]


def _as_enum(column: pl.Series) -> pl.Series:
    """A text column over its own sorted words."""
    text = column.cast(pl.String)
    return text.cast(pl.Enum(text.unique().sort()))


def _words(column: pl.Series) -> pl.Series:
    """Words of an Enum column in the order of their codes."""
    dtype = column.dtype
    return dtype.categories if isinstance(dtype, pl.Enum) else column.unique().sort()


def frame_panel(arms: Sequence[Sequence[Tallied]]) -> Panel | None:
    """Lay out the rates of tallies that are frames; None without any row. Every arm has as many replications."""
    replications = len(arms[0])
    if len(arms) == 2 and all(first is second for first, second in zip(*arms, strict=True)):
        alone = frame_panel(arms[:1])
        return None if alone is None else _twice(alone)
    frames = [one.rates for arm in arms for one in arm]
    plan = layout(frames)
    union = _union(plan.keys)
    if union.size == 0:
        return None
    group_codes = union // plan.clusters
    starts = np.flatnonzero(np.diff(group_codes, prepend=-1))
    sums = np.zeros((2, len(arms), union.size))
    totals = np.zeros((len(arms), replications, starts.size, 2))
    for at, (frame, key) in enumerate(zip(frames, plan.keys, strict=True)):
        arm, replication = divmod(at, replications)
        whole = np.array_equal(key, union)
        place = None if whole else np.searchsorted(union, key)
        for side, column in enumerate(("numerator", "denominator")):
            dense = frame[column].to_numpy() if place is None else np.zeros(union.size)
            if place is not None:
                dense[place] = frame[column].to_numpy()
            sums[side, arm] += dense
            totals[arm, replication, :, side] = np.add.reduceat(dense, starts)
    sums /= replications
    naive = np.logical_and.reduceat(plan.unknown[union % plan.clusters], starts)
    groups = tuple(plan.name(int(code)) for code in group_codes[starts])
    metrics = tuple(metric for metric, _ in groups)
    return Panel(metrics, tuple(enumerate(groups)), starts, sums[0], sums[1], totals, naive)


def _twice(panel: Panel) -> Panel:
    """The panel of an arm against itself."""
    y, m, totals = (np.concatenate([part, part]) for part in (panel.y, panel.m, panel.totals))
    return replace(panel, y=y, m=m, totals=totals, same=True)


def _union(keys: Iterable[Codes]) -> Codes:
    """Sorted distinct keys; frames of one layout, and keys that are in order already, cost nothing."""
    distinct: list[Codes] = []
    for key in keys:
        if not any(np.array_equal(key, other) for other in distinct):
            distinct.append(key)
    if len(distinct) == 1 and bool(np.all(distinct[0][1:] > distinct[0][:-1])):
        return distinct[0]
    ordered = np.sort(np.concatenate(distinct), kind="stable")
    return ordered[np.flatnonzero(np.diff(ordered, prepend=-1))]
