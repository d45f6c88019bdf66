"""Bars: four-part counts of a clock, net effects on both sides of zero, and shares of offenders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.result import SlaCounts
from triage_lab.report.charts.axis import Axis, per_cent


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle from ``x``, ``width`` wide; ``css`` is its fill class."""

    css: str
    x: str
    width: str
    title: str


def four(counts: SlaCounts, largest: int) -> tuple[Piece, ...]:
    """Met, breached, open and no target as one bar, as long as its share of the largest total."""
    parts = (
        ("f-met", "met", counts.met), ("f-br", "breached", counts.breached), ("f-op", "still open", counts.open),
        ("f-na", "no target", counts.not_applicable),
    )  # fmt: skip
    start, pieces = 0.0, []
    for css, word, value in parts:
        share = value / largest if largest else 0.0
        if value:
            # A hair of paper between the parts keeps neighbours apart without colour.
            pieces.append(Piece(css, per_cent(start), per_cent(max(share - 0.0025, 0.001)), f"{word}: {value:,}"))
        start += share
    return tuple(pieces)


@dataclass(frozen=True, slots=True)
class NetBar:
    """A bar from zero to a net effect; ``zero`` is the position of the axis line."""

    zero: str
    x: str
    width: str
    css: str
    dot: str
    tone: str


def net(value: int, nets: Sequence[int]) -> NetBar:
    """Place one net effect on the axis of all of them, zero always in view."""
    low, high = min([0, *nets]), max([0, *nets])
    room = max(high - low, 1) * 0.04
    axis = Axis(low - room, high + room)
    zero, end = axis.share(0), axis.share(value)
    tone = "be" if value > 0 else "wo" if value < 0 else "un"
    return NetBar(
        per_cent(zero), per_cent(min(zero, end)), per_cent(abs(end - zero)), "tb" if value >= 0 else "tw",
        per_cent(end), tone,
    )  # fmt: skip


def share_width(value: float, top: float) -> str:
    """Width of a bar of ``value`` on an axis from 0 to ``top``."""
    return per_cent(min(1.0, value / top) if top > 0 else 0.0)


def round_top(values: Sequence[float]) -> float:
    """The first round share at or above all values, at least 1 %."""
    top = max(values, default=0.0)
    return next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if top <= step), 1.0)
