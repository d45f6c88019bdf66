"""Panels straight from the sums of tallies that share one layout: nothing is looked up, nothing is text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

from triage_lab.domain.canonical import canonical_json
from triage_lab.domain.errors import UsageError
from triage_lab.evidence.intervals import Floats
from triage_lab.evidence.panel import Key, Panel, Tallied, frame_panel

Flags = npt.NDArray[np.bool_]


class Cut(Protocol):
    """One way to part the tickets: their order by segment and account, and the first place of each segment in it."""

    @property
    def order(self) -> npt.NDArray[np.intp]:
        """Tickets by segment, then account, then row."""
        ...

    @property
    def starts(self) -> npt.NDArray[np.intp]:
        """First place of each segment."""
        ...


class Layout(Protocol):
    """What this room reads of ``metrics.Layout``."""

    @property
    def starts(self) -> npt.NDArray[np.intp]:
        """First cell of each group."""
        ...

    @property
    def cells(self) -> npt.NDArray[np.int64]:
        """Account of each cell (a cell is one segment and account)."""
        ...

    @property
    def cluster(self) -> npt.NDArray[np.int64]:
        """Account of each ticket."""
        ...

    @property
    def unknown(self) -> Flags:
        """Whether a cluster is a ticket whose account is unknown."""
        ...

    @property
    def cuts(self) -> Sequence[Cut]:
        """Distinct ways to part the tickets; groups number their segments through."""
        ...

    @property
    def segments(self) -> Sequence[tuple[int, Mapping[str, str]]]:
        """Every segment wanted, with its group."""
        ...


class Sums(Protocol):
    """Sums of one metric by cell; the numerator is in units of 1/``scale``."""

    @property
    def numerator(self) -> npt.NDArray[Any]:
        """Sums by cell."""
        ...

    @property
    def denominator(self) -> npt.NDArray[Any]:
        """Counts by cell; a cell counts where it is above 0."""
        ...

    @property
    def scale(self) -> float:
        """Divisor of the numerators."""
        ...


class Clock(Protocol):
    """Seconds of every ticket (negative: left out) and whether the event has happened (None: all)."""

    @property
    def seconds(self) -> npt.NDArray[np.int64]:
        """Seconds from arrival, by ticket."""
        ...

    @property
    def event(self) -> Flags | None:
        """Whether it has happened, by ticket."""
        ...


class LaidOut(Protocol):
    """A tally on a layout, as ``metrics.Tallies``."""

    @property
    def layout(self) -> Layout:
        """Whose cells and tickets the numbers stand for."""
        ...

    @property
    def sums(self) -> Mapping[tuple[str, str], Sums]:
        """By metric and SLA metric (empty for the headline)."""
        ...

    @property
    def clocks(self) -> Mapping[str, Clock]:
        """By metric; equal clocks are one object."""
        ...


def share_layout(arms: Sequence[Sequence[object]]) -> TypeGuard[Sequence[Sequence[LaidOut]]]:
    """Whether all tallies stand on one layout."""
    layouts = {id(getattr(one, "layout", None)) for arm in arms for one in arm}
    return len(layouts) == 1 and id(None) not in layouts


def build_panels(arms: Sequence[Sequence[Tallied]]) -> Iterator[Panel]:
    """Panels of one or more arms, each with the same number of replications: one a metric on a common layout, else one.

    Raises
    ------
    UsageError
        No replication, or arms with different numbers of them.
    """
    counts = {len(arm) for arm in arms}
    if len(counts) != 1 or counts == {0}:
        raise UsageError(
            f"arms of {sorted(counts)} replications", "the same number, at least 1", "replay both arms alike"
        )
    if share_layout(arms):
        yield from cell_panels(arms)
    elif (panel := frame_panel(arms)) is not None:
        yield panel


def cell_panels(arms: Sequence[Sequence[LaidOut]]) -> Iterator[Panel]:
    """One panel a metric, over all segments."""
    layout = arms[0][0].layout
    starts, unknown = layout.starts, layout.unknown[layout.cells]
    if not unknown.size:
        return
    for name in dict.fromkeys(name for arm in arms for one in arm for name in one.sums):
        found = [[one.sums.get(name) for one in arm] for arm in arms]
        extra = {"sla_metric": name[1]} if name[1] else {}
        texts = [(group, (name[0], canonical_json({**segment, **extra}))) for group, segment in layout.segments]
        panel = _panel(found, starts, unknown, name[0], texts)
        if panel is not None:
            yield panel


def _panel(
    found: Sequence[Sequence[Sums | None]],
    starts: npt.NDArray[np.intp],
    unknown: Flags,
    metric: str,
    texts: Sequence[tuple[int, Key]],
) -> Panel | None:
    """Sums of one metric, without the cells that count nowhere."""
    counted = np.zeros(unknown.size, dtype=np.bool_)
    for one in {id(one.denominator): one for arm in found for one in arm if one is not None}.values():
        counted |= one.denominator > 0
    alive = np.add.reduceat(counted, starts, dtype=np.int64)
    if not alive.any():
        return None
    whole = bool(counted.all())
    keep = None if whole else np.flatnonzero(counted)
    groups = np.flatnonzero(alive)
    begin = np.cumsum(alive[groups]) - alive[groups]
    same = len(found) == 2 and all(_equal(*pair) for pair in zip(*found, strict=True))
    arms = [_sides(arm, keep, begin, counted.size) for arm in (found[:1] if same else found)]
    arms = arms * 2 if same else arms
    y, m, totals = (_stacked([arm[part] for arm in arms]) for part in range(3))
    naive = np.logical_and.reduceat(unknown if keep is None else unknown[keep], begin)
    place = {int(group): at for at, group in enumerate(groups)}
    keys = tuple((place[group], key) for group, key in texts if group in place)
    return Panel((metric,) * groups.size, keys, begin, y, m, totals, naive, same=same)


def _stacked(arms: Sequence[Floats]) -> Floats:
    """Arms above each other; an arm beside itself is not copied."""
    if len(arms) == 2 and arms[0] is arms[1]:
        return np.broadcast_to(arms[0], (2, *arms[0].shape))
    return np.stack(arms)


def _equal(first: Sums | None, second: Sums | None) -> bool:
    """Whether two arms are known to have the same sums, because they are the same arrays."""
    if first is None or second is None:
        return first is second
    return (
        first.numerator is second.numerator and first.denominator is second.denominator and first.scale == second.scale
    )


def _sides(
    arm: Sequence[Sums | None], keep: npt.NDArray[np.intp] | None, starts: npt.NDArray[np.intp], cells: int
) -> tuple[Floats, Floats, Floats]:
    """Mean numerators and denominators by cell, and totals of each replication (replications, groups, 2)."""
    totals = np.zeros((len(arm), starts.size, 2))
    out = []
    for side in (0, 1):
        size = cells if keep is None else keep.size
        mean = np.zeros(size)
        last: tuple[Any, Any, Any] = (None, None, None)
        for at, one in enumerate(arm):
            if one is None:
                continue
            values = one.denominator if side else one.numerator
            if values is not last[0]:
                dense = values if keep is None else values[keep]
                dense = dense / (1.0 if side else one.scale)
                last = (values, dense, np.add.reduceat(dense, starts))
            mean += last[1]
            totals[at, :, side] = last[2]
        out.append(mean / len(arm))
    return out[0], out[1], totals
