"""Interval rows: a table in which each row has two lanes on one common axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.measure import Comparison, Measure
from triage_lab.report.charts.axis import Axis, spanning, ticks
from triage_lab.report.charts.interval import Lane, lane
from triage_lab.report.numbers import Scale, show


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of the common axis; ``anchor`` is the text class that keeps it inside the drawing."""

    x: str
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class RowAxis:
    """The axis of all rows of one table; ``limit_x`` is a gate's line."""

    axis: Axis
    ticks: tuple[Tick, ...]
    label: str
    limit_x: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The drawing of one row and what it says in words."""

    lanes: tuple[Lane, ...]
    label: str


def axis_of(measures: Sequence[Measure | None], scale: Scale, *, name: str, limit: float | None = None) -> RowAxis:
    """The axis that shows every measure of a table; rates stay inside 0 and 1.

    Parameters
    ----------
    measures : sequence of Measure or None
    scale : Scale
    name : str
        What the axis shows, for its description.
    limit : float or None
        A line drawn through every row.
    """
    given = [measure for measure in measures if measure is not None and measure.value is not None]
    values = [value for measure in given for value in (measure.value, measure.low, measure.high)]
    rate = bool(given) and all(measure.unit == "fraction" for measure in given)
    axis = spanning([*values, limit], 0.05, 0.0 if rate else None, 1.0 if rate else None)
    places = ticks(Axis(axis.low * scale.factor, axis.high * scale.factor))
    digits = 0 if all(float(place).is_integer() for place in places) else 1
    drawn = []
    for place in places:
        share = axis.share(place / scale.factor)
        anchor = "" if share < 0.04 else "end" if share > 0.96 else "mid"
        drawn.append(Tick(axis.at(place / scale.factor), f"{place:,.{digits}f}".replace("-", "\u2212"), anchor))
    label = f"axis, {name}" + (f", {drawn[0].text} to {drawn[-1].text}{scale.suffix}" if drawn else "")
    return RowAxis(axis, tuple(drawn), label, axis.at(limit) if limit is not None else None)


def geometry(comparison: Comparison, axis: RowAxis, scale: Scale, *, tone: str = "ca", height: int = 30) -> Row:
    """Place today (upper lane) and new policy (lower lane) of one comparison.

    Parameters
    ----------
    comparison : Comparison
    axis : RowAxis
    scale : Scale
    tone : str
        Colour of the lower lane.
    height : int
        Pixels of the drawing.
    """
    arms = (("today", comparison.baseline), ("new policy", comparison.candidate))
    upper = lane(comparison.baseline, axis.axis, name="today", tone="ba", y=height * 0.3, radius=3.5, scale=scale)
    lower = lane(comparison.candidate, axis.axis, name="new policy", tone=tone, y=height * 0.7, radius=4, scale=scale)
    words = [f"{name} {show(measure, scale).text}" for name, measure in arms if measure is not None]
    return Row(tuple(item for item in (upper, lower) if item is not None), ", ".join(words))


def single(measure: Measure | None, axis: RowAxis, scale: Scale, *, name: str) -> Row:
    """Place one measure on the common axis."""
    placed = lane(measure, axis.axis, name=name, tone="ca", y=12, radius=4.5, scale=scale)
    words = show(measure, scale).text if measure is not None else "not measured"
    return Row((placed,) if placed else (), f"{name} {words}")
