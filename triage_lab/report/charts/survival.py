"""Kaplan–Meier steps with bands over a logarithmic time axis, medians labelled on the curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.enums import Arm
from triage_lab.domain.result import Curve
from triage_lab.report.charts.axis import per_cent, plain
from triage_lab.report.charts.rows import Tick
from triage_lab.report.numbers import scale_for

TOP, HEIGHT = 16, 300
_ROUND = (
    1 / 6, 0.5, 1, 2, 5, 15, 30, 60, 120, 240, 480, 1440, 2880, 4 * 1440, 7 * 1440, 14 * 1440, 30 * 1440, 60 * 1440,
    120 * 1440, 365 * 1440,
)  # fmt: skip
_TONES = {Arm.BASELINE: "ba", Arm.OBSERVED: "ba", Arm.LIVE: "ca", Arm.CANDIDATE: "ca"}
_NAMES = {Arm.BASELINE: "today", Arm.OBSERVED: "observed", Arm.LIVE: "live", Arm.CANDIDATE: "new"}


@dataclass(frozen=True, slots=True)
class CurveShape:
    """One arm: path of the steps, path of the band (empty without one), and its median point."""

    tone: str
    name: str
    line: str
    band: str
    median_x: str | None
    median_text: str
    label_y: float
    anchor: str
    dx: int
    end: float


@dataclass(frozen=True, slots=True)
class Survival:
    """The drawing of all arms; ``grid`` are the heights of 25, 50, 75 and 100 %."""

    curves: tuple[CurveShape, ...]
    ticks: tuple[Tick, ...]
    grid: tuple[tuple[float, str], ...]
    label: str


def tick_text(minutes: float) -> str:
    """A round time as ``5 min``, ``4 h``, ``2 d``."""
    if minutes < 1:
        return f"{round(minutes * 60)} s"
    if minutes < 60:
        return f"{minutes:g} min"
    return f"{minutes / 60:g} h" if minutes < 2880 else f"{minutes / 1440:g} d"


@dataclass(frozen=True, slots=True)
class _Log:
    """Minutes to a share of the width, logarithmically."""

    low: float
    high: float

    def share(self, minutes: float) -> float:
        """Position 0..1."""
        held = min(max(minutes, self.low), self.high)
        return math.log(held / self.low) / math.log(self.high / self.low)


def _log_axis(curves: Sequence[Curve]) -> _Log:
    """From the earliest drop of any curve to the last time given."""
    times = [minutes for curve in curves for minutes in curve.minutes if minutes > 0]
    if not times:
        return _Log(1.0, 60.0)
    low, high = min(times), max(times)
    fallen = [
        minutes
        for curve in curves
        for minutes, waiting in zip(curve.minutes, curve.waiting, strict=True)
        if minutes > 0 and waiting < 0.995
    ]
    low = max(low, min(fallen) / 1.5) if fallen else low
    return _Log(low, high if high > low else low * 10)


def _steps(axis: _Log, minutes: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    """Corners of a step curve in a 1000 × 1000 box, held before the axis at its last value there."""
    corners: list[tuple[float, float]] = []
    height = 1.0
    for at, value in zip(minutes, values, strict=True):
        if at <= axis.low:
            height = value
            continue
        if not corners:
            corners.append((0.0, (1 - height) * 1000))
        x = axis.share(at) * 1000
        corners.append((x, (1 - height) * 1000))
        corners.append((x, (1 - value) * 1000))
        height = value
    if not corners:
        corners.append((0.0, (1 - height) * 1000))
    if corners[-1][0] < 1000:
        corners.append((1000.0, (1 - height) * 1000))
    return corners


def _path(corners: Sequence[tuple[float, float]]) -> str:
    """SVG path of straight pieces."""
    return "M" + "L".join(f"{plain(x)} {plain(y)}" for x, y in corners)


def _shape(axis: _Log, curve: Curve, *, left: bool) -> CurveShape:
    """Paths of one arm and the label of its median."""
    band = ""
    if curve.low and curve.high:
        upper = _steps(axis, curve.minutes, curve.high)
        lower = _steps(axis, curve.minutes, curve.low)
        band = _path([*upper, *reversed(lower)]) + "Z"
    name = _NAMES.get(Arm(curve.arm), curve.arm)
    share = axis.share(curve.median) if curve.median is not None else None
    text = ""
    if curve.median is not None:
        text = f"{name}: {scale_for('minutes', [curve.median]).text(curve.median)}"
    if share is not None and (share < 0.12 or share > 0.88):
        left = share > 0.5
    return CurveShape(
        _TONES.get(Arm(curve.arm), "ca"), name, _path(_steps(axis, curve.minutes, curve.waiting)), band,
        per_cent(share) if share is not None else None, text,
        TOP + HEIGHT / 2 + (18 if left else -8), "end" if left else "", -7 if left else 7,
        TOP + HEIGHT * (1 - (curve.waiting[-1] if curve.waiting else 1.0)),
    )  # fmt: skip


def geometry(curves: Sequence[Curve], *, name: str) -> Survival:
    """Place the curves of one metric.

    Parameters
    ----------
    curves : sequence of Curve
        All of one metric; ``waiting``, ``low`` and ``high`` are shares 0..1 at ascending ``minutes``.
    name : str
        Label of the metric, for the description.

    Returns
    -------
    Survival

    Notes
    -----
    The curve that drops earlier carries its label to the left below the line, the other one to the right above it,
    so that labels never cross a curve.
    """
    axis = _log_axis(curves)
    medians = [curve.median for curve in curves if curve.median is not None]
    first = min(medians, default=None)
    twin = len(medians) > 1
    shapes = []
    labelled_left = False
    for curve in curves:
        left = twin and curve.median == first and not labelled_left
        labelled_left = labelled_left or left
        shapes.append(_shape(axis, curve, left=left))
    words = [shape.median_text for shape in shapes if shape.median_text]
    return Survival(
        tuple(shapes), _ticks(axis),
        tuple((TOP + HEIGHT * (1 - share / 100), f"{share}") for share in (25, 50, 75, 100)),
        f"{name}: " + ("median " + ", ".join(words) if words else "fewer than half reach it before the cutoff"),
    )  # fmt: skip


def _ticks(axis: _Log) -> tuple[Tick, ...]:
    """Round times at least 7 % of the width apart."""
    drawn: list[Tick] = []
    last = -1.0
    for minutes in _ROUND:
        share = axis.share(minutes)
        if not axis.low <= minutes <= axis.high or share - last < 0.07:
            continue
        anchor = "" if share < 0.03 else "end" if share > 0.97 else "mid"
        drawn.append(Tick(per_cent(share), tick_text(minutes), anchor))
        last = share
    return tuple(drawn)


def round_times(curves: Sequence[Curve], wanted: int = 6) -> tuple[float, ...]:
    """Round times inside the axis, evenly chosen, for the table under the chart."""
    axis = _log_axis(curves)
    inside = [minutes for minutes in _ROUND if axis.low <= minutes <= axis.high]
    if len(inside) <= wanted:
        return tuple(inside)
    return tuple(inside[round((len(inside) - 1) * step / (wanted - 1))] for step in range(wanted))


def waiting_at(curve: Curve, minutes: float) -> float:
    """Share still waiting after ``minutes``: the step of the curve that holds there.

    Examples
    --------
    >>> waiting_at(Curve("candidate", "m", (1.0, 2.0), (0.9, 0.4), (), (), (), None), 1.5)
    0.9
    """
    held = 1.0
    for at, share in zip(curve.minutes, curve.waiting, strict=True):
        if at > minutes:
            break
        held = share
    return held
