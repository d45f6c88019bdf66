"""The small plot of a first-screen tile: two lanes and the limit."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.measure import Comparison
from triage_lab.report.charts.axis import spanning
from triage_lab.report.charts.interval import Lane, lane
from triage_lab.report.numbers import Scale, show


@dataclass(frozen=True, slots=True)
class TilePlot:
    """Two lanes and an optional limit line; ``label`` is the drawing in words."""

    label: str
    lanes: tuple[Lane, ...]
    limit_x: str | None
    limit_text: str
    limit_left: bool


def geometry(comparison: Comparison, scale: Scale, *, name: str, limit: float | None, limit_text: str) -> TilePlot:
    """Place both arms of a comparison and its limit.

    Parameters
    ----------
    comparison : Comparison
    scale : Scale
        How values are written.
    name : str
        Label of the metric.
    limit : float or None
        In the metric's unit, on the same axis as the arms.
    limit_text : str
        What stands beside the limit line.

    Returns
    -------
    TilePlot
    """
    arms = (comparison.baseline, comparison.candidate)
    measures = [measure for measure in arms if measure is not None]
    values = [value for measure in measures for value in (measure.value, measure.low, measure.high)]
    axis = spanning([*values, limit], margin=0.1)
    lanes = (
        lane(comparison.baseline, axis, name="today", tone="ba", y=20, radius=4, scale=scale),
        lane(comparison.candidate, axis, name="new policy", tone="ca", y=34, radius=4.5, scale=scale),
    )
    words = [
        f"{arm} {show(measure, scale).text}"
        for arm, measure in zip(("today", "new policy"), arms, strict=True)
        if measure
    ]
    if limit is not None:
        words.append(f"limit {limit_text}")
    return TilePlot(
        f"{name}: {', '.join(words)}",
        tuple(item for item in lanes if item is not None),
        axis.at(limit) if limit is not None else None,
        limit_text,
        limit is not None and axis.share(limit) > 0.55,
    )
