"""Dot and interval: the lanes of tiles, segment rows, harms and fields."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.measure import Measure
from triage_lab.report.charts.axis import Axis
from triage_lab.report.numbers import STROKE, Scale, show


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane: interval from ``x1`` to ``x2`` (None without one), dot at ``cx``; positions in per cent."""

    tone: str
    stroke: str
    x1: str | None
    x2: str | None
    cx: str
    y: float
    radius: float
    title: str


def lane(
    measure: Measure | None, axis: Axis, *, name: str, tone: str, y: float, radius: float, scale: Scale
) -> Lane | None:
    """Place one measure on an axis.

    Parameters
    ----------
    measure : Measure or None
        None or a measure without value gives no lane.
    name : str
        Arm, for the mark's title.
    tone : str
        ``ba`` (today), ``ca`` (new policy), ``be``, ``wo`` or ``un``.
    y, radius : float
        Pixels.

    Returns
    -------
    Lane or None
    """
    if measure is None or measure.value is None:
        return None
    shown = show(measure, scale)
    span = f" ({shown.interval})" if shown.interval else ", no interval"
    x1 = x2 = None
    if measure.low is not None and measure.high is not None:
        x1, x2 = axis.at(measure.low), axis.at(measure.high)
    return Lane(
        tone, STROKE[measure.grade], x1, x2, axis.at(measure.value), y, radius,
        f"{name} {shown.text}{span}, {shown.grade}, n {shown.n}, {shown.accounts}",
    )  # fmt: skip
