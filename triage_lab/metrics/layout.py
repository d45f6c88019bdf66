"""Where every scored ticket is counted: segments and accounts as whole numbers, found once for all arms of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.errors import UsageError

NO_VALUE = "(none)"
UNKNOWN_ACCOUNT = "ticket:"
UNKNOWN_MRR = -1
FACTS = ("cluster", "account_known", "mrr", "mrr_tier")
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Parting:
    """The scored tickets parted by some columns: a code per ticket, and the segment that each code stands for."""

    columns: tuple[str, ...]
    segments: tuple[dict[str, str], ...]
    codes: Codes


@dataclass(frozen=True, slots=True)
class Cut:
    """A parting by segment and account.

    ``order`` lists the tickets by segment, then account, then row; ``starts`` is the first place of each segment in it.
    A cell is one segment and account: ``cell`` is the cell of each ticket, ``cells`` the account of each cell,
    ``cell_starts`` the first cell of each segment.
    """

    parting: Parting
    order: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    cell: Codes
    cells: Codes
    cell_starts: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Layout:
    """Codes of the scored tickets, alike in all arms and replications; made by `prepare`.

    Parameters
    ----------
    tickets : int
        Rows of the frames that belong to it, scored or not.
    places : array, shape (scored,)
        Row of each scored ticket.
    cluster : array, shape (scored,)
        Account of each scored ticket: its place among the sorted names.
    unknown : array, shape (clusters,)
        Whether a cluster is a ticket whose account is unknown.
    cents : array, shape (clusters,)
        Last known MRR of each account in cents; -1 = unknown.
    facts : polars.DataFrame
        The facts of the scored tickets.
    partings : tuple of Parting
        Every way to cut that was asked for, the overall first.
    cuts : tuple of Cut
        The distinct ones among them. Groups number their segments through, in this order; cells likewise.
    cut_of : tuple of int
        Place of each parting's cut among ``cuts``: partings that are alike share one.
    segments : tuple of (int, mapping)
        Every segment of every parting, with its group.
    last : dict
        What was counted last under each name: numbers that do not depend on the desk are the same in every replication
        and are then the same object, by which evidence sees that they are equal.
    """

    tickets: int
    places: Codes
    cluster: Codes
    unknown: Flags
    cents: Codes
    facts: pl.DataFrame
    partings: tuple[Parting, ...]
    cuts: tuple[Cut, ...]
    cut_of: tuple[int, ...]
    segments: tuple[tuple[int, Mapping[str, str]], ...]
    last: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def starts(self) -> npt.NDArray[np.intp]:
        """First cell of each group."""
        ends = np.cumsum([0, *(cut.cells.size for cut in self.cuts)])
        return np.concatenate([cut.cell_starts + end for cut, end in zip(self.cuts, ends, strict=False)])

    @property
    def cells(self) -> Codes:
        """Account of each cell."""
        return np.concatenate([cut.cells for cut in self.cuts])

    def names(self) -> pl.Series:
        """Names of the clusters, in the order of their codes."""
        first = np.zeros(self.unknown.size, dtype=np.int64)
        first[self.cluster[::-1]] = np.arange(self.cluster.size - 1, -1, -1)
        return self.facts["cluster"].cast(pl.String).gather(first)

    def sums(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sum whole numbers (or count flags) of the scored tickets by cell; equal values give the same array again."""
        last = self.last.get(name)
        if last is not None and np.array_equal(last[0], values):
            return last[1]  # type: ignore[no-any-return]
        found = np.concatenate([_cell_sums(cut, values) for cut in self.cuts])
        self.last[name] = (values, found)
        return found

    def restrict(self, segmentations: Sequence[tuple[str, ...]]) -> Layout:
        """The same tickets, cut in other ways."""
        known = {parting.columns: parting for parting in self.partings}
        wanted = [(), *_distinct(segmentations)]
        return _with_cuts(self, [known.get(columns) or _parting(self.facts, columns) for columns in wanted])


def prepare(
    facts: pl.DataFrame, scored: pl.Series | npt.NDArray[np.bool_], segmentations: Sequence[tuple[str, ...]] = ()
) -> Layout:
    """Find the codes of the scored tickets, once for all tallies of a study.

    Parameters
    ----------
    facts : polars.DataFrame
        Row-aligned: ``cluster`` (account, or ``ticket:<id>`` where unknown), ``account_known``, ``mrr`` (major units),
        ``mrr_tier`` and every column named in ``segmentations``; NULL shows as ``(none)``.
    scored : Series or array of Boolean, shape (tickets,)
        Which tickets count; NULL does not.
    segmentations : sequence of tuple of str
        Column combinations to cut by; the overall ``()`` is always there.

    Returns
    -------
    Layout
        For the argument ``layout`` of `tally`.

    Raises
    ------
    UsageError
        A column is missing, or the lengths differ.
    """
    missing = sorted({*FACTS, *(name for cut in segmentations for name in cut)} - set(facts.columns))
    if missing:
        raise UsageError(
            f"no column {', '.join(missing)}", "the columns of the frame contract", "add them to the frame"
        )
    if len(scored) != facts.height:
        raise UsageError(
            f"{len(scored)} marks for {facts.height} tickets", "row-aligned inputs", "build both from one run"
        )
    kept = pl.Series(scored).fill_null(value=False)
    inside = facts if kept.all() else facts.filter(kept)
    cluster = codes_of(inside["cluster"].cast(pl.String))
    count = int(cluster.max()) + 1 if cluster.size else 0
    unknown = np.zeros(count, dtype=np.bool_)
    unknown[cluster] = inside["cluster"].cast(pl.String).str.starts_with(UNKNOWN_ACCOUNT).to_numpy()
    bare = Layout(
        facts.height, kept.arg_true().to_numpy().astype(np.int64), cluster, unknown, _cents(inside, cluster, count),
        inside, (), (), (), (),
    )  # fmt: skip
    return _with_cuts(bare, [_parting(inside, columns) for columns in [(), *_distinct(segmentations)]])


def codes_of(text: pl.Series) -> Codes:
    """Place of each value among the sorted distinct values (bytewise); no value may be NULL."""
    words = text.unique()
    if words.len() <= 1:
        return np.zeros(text.len(), dtype=np.int64)
    if words.len() * 2 > text.len():
        return text.rank("dense").to_numpy().astype(np.int64) - 1
    table = pl.DataFrame({"text": words.sort()}).with_row_index("code")
    joined = pl.DataFrame({"text": text}).join(table, on="text", how="left", maintain_order="left")
    return joined["code"].to_numpy().astype(np.int64)


def _distinct(segmentations: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Every column combination once, without the overall."""
    return list(dict.fromkeys(tuple(cut) for cut in segmentations if cut))


def _cents(facts: pl.DataFrame, cluster: Codes, count: int) -> Codes:
    """Each account's last known MRR, the same in every arm and segment."""
    cents = (facts["mrr"].cast(pl.Float64) * 100).round().cast(pl.Int64)
    known = cents.is_not_null().to_numpy()
    out = np.full(count, UNKNOWN_MRR, dtype=np.int64)
    out[cluster[known]] = cents.drop_nulls().to_numpy()  # the last one of equal places stays
    return out


def _with_cuts(layout: Layout, partings: Sequence[Parting]) -> Layout:
    """The layout cut so; partings of the tickets that are alike share their groups."""
    kept = [parting for parting in partings if parting.segments]
    known = {id(cut.parting): cut for cut in layout.cuts}
    distinct: list[Cut] = []
    places: list[int] = []
    segments: list[tuple[int, Mapping[str, str]]] = []
    for parting in kept:
        place = next((at for at, other in enumerate(distinct) if _alike(parting, other.parting)), len(distinct))
        if place == len(distinct):
            distinct.append(known.get(id(parting)) or _cut(parting, layout.cluster, max(layout.unknown.size, 1)))
        places.append(place)
        offset = sum(len(one.parting.segments) for one in distinct[:place])
        segments += [(offset + at, segment) for at, segment in enumerate(parting.segments)]
    return replace(
        layout,
        partings=tuple(kept),
        cuts=tuple(distinct),
        cut_of=tuple(places),
        segments=tuple(segments),
        last={},
    )


def _alike(parting: Parting, other: Parting) -> bool:
    """Whether two ways to cut part the tickets alike, in the same order."""
    count = len(parting.segments)
    return count == len(other.segments) and (count == 1 or np.array_equal(parting.codes, other.codes))


def _parting(facts: pl.DataFrame, columns: tuple[str, ...]) -> Parting:
    """Segments of one column combination, in the order of their values."""
    if not columns:
        return Parting((), ({},), np.zeros(facts.height, dtype=np.int64))
    joint = np.zeros(facts.height, dtype=np.int64)
    texts = {name: facts[name].cast(pl.String).fill_null(NO_VALUE) for name in columns}
    for text in texts.values():
        values = codes_of(text)
        joint = joint * (int(values.max()) + 1 if values.size else 1) + values
    first, codes = _distinct_codes(joint)
    segments = tuple({name: text[at] for name, text in texts.items()} for at in first.tolist())
    return Parting(columns, segments, codes)


def _distinct_codes(joint: Codes) -> tuple[Codes, Codes]:
    """A row of each distinct value, in ascending order of values, and each row's place among them."""
    if joint.size and int(joint.max()) < 4 * joint.size:  # counting is cheaper than sorting
        present = np.flatnonzero(np.bincount(joint))
        place = np.zeros(int(present[-1]) + 1, dtype=np.int64)
        place[present] = np.arange(present.size)
        codes = place[joint]
        first = np.zeros(present.size, dtype=np.int64)
        first[codes] = np.arange(joint.size)
        return first, codes
    _, first, codes = np.unique(joint, return_index=True, return_inverse=True)
    return first.astype(np.int64), codes.astype(np.int64)


def _cut(parting: Parting, cluster: Codes, clusters: int) -> Cut:
    """Order the tickets by segment and account and number the cells."""
    key = parting.codes * clusters + cluster
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    edges = np.ones(key.size, dtype=np.bool_)
    edges[1:] = ordered[1:] != ordered[:-1]
    cell = np.empty(key.size, dtype=np.int64)
    cell[order] = np.cumsum(edges) - 1
    cells = ordered[edges]
    bounds = np.arange(len(parting.segments)) * clusters
    starts, cell_starts = np.searchsorted(ordered, bounds), np.searchsorted(cells, bounds)
    return Cut(parting, order, starts, cell, cells % clusters, cell_starts)


def _cell_sums(cut: Cut, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sums by cell of one cut, in the smallest of two types of whole numbers that holds them."""
    count = cut.cells.size
    if count == cut.cell.size:
        found = values[cut.order]
    elif values.dtype == np.bool_:
        found = np.bincount(cut.cell[values], minlength=count)
    else:
        found = np.bincount(cut.cell, weights=values, minlength=count)
    small = not found.size or float(np.abs(found).max()) < 2**31 if found.dtype != np.bool_ else True
    return found.astype(np.int32 if small else np.int64)
