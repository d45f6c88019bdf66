"""Figures for notebooks and slides, in the colours of the page."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from triage_lab.domain.enums import Arm, Grade
from triage_lab.domain.errors import UsageError
from triage_lab.domain.measure import Measure
from triage_lab.domain.result import Curve, Result
from triage_lab.report import findings
from triage_lab.report.numbers import scale_for
from triage_lab.report.sections import segments, service
from triage_lab.report.wording import arm_name, missing_reason, overall, segment_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, QUIET, HAIR = "#fbfaf7", "#16191d", "#626972", "#e9e6de"
BASELINE, CANDIDATE = "#626a74", "#0b57a4"
WIDTH = 84  # letters of a title line
_DASHES: dict[Grade, Any] = {
    Grade.OBSERVED: "-", Grade.REPLAYED: "-", Grade.SIMULATED: (0, (3, 1.5)), Grade.EXTRAPOLATED: (0, (0.8, 1.6)),
}  # fmt: skip
NAMES = ("sla_by_segment", "first_action_curve")


def figure(result: Result, name: str) -> Figure:
    """Draw one figure of a result.

    Parameters
    ----------
    result : Result
    name : str
        ``sla_by_segment`` (dot and interval, two lanes a row) or ``first_action_curve`` (Kaplan–Meier with bands).

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to pyplot; show it in a notebook or call its ``savefig``.

    Raises
    ------
    UsageError
        There is no such figure, or this result holds no numbers for it.
    """
    if name == "sla_by_segment":
        return _segments(result)
    if name == "first_action_curve":
        return _curve(result)
    raise UsageError(f"no figure {name!r}", f"one of {', '.join(NAMES)}", f"run.figure({NAMES[0]!r})")


def _canvas(height: float, title: str) -> tuple[Figure, Axes]:
    """A figure with one plain axes and a title that states the finding."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(9.6, height), facecolor=PAPER, layout="constrained")
    axes = drawn.add_subplot()
    axes.set_facecolor(PAPER)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.tick_params(colors=QUIET, length=0, labelsize=9)
    # Names from the data may hold dollar signs, which matplotlib would read as formulas.
    # (Its own wrapping would measure them as formulas all the same, so lines are broken here.)
    lines = "\n".join(textwrap.wrap(title, WIDTH))
    axes.set_title(lines, loc="left", fontsize=12, fontweight="bold", color=INK, pad=14, parse_math=False)
    return drawn, axes


def _segments(result: Result) -> Figure:
    """Service levels by segment, today above and new policy below."""
    found = segments.foremost(segments.segmentation(result))
    total = overall(result, segments.HEADLINE)
    rows = [*found, *([total] if total is not None else [])]
    if not rows:
        raise UsageError(
            "this result has no SLA numbers", "a run with a desk", missing_reason(result, segments.HEADLINE)
        )
    drawn, axes = _canvas(1.2 + 0.42 * len(rows), findings.service_title(result))
    for index, item in enumerate(rows):
        _lane(axes, item.baseline, index - 0.16, BASELINE, hollow=True)
        _lane(axes, item.candidate, index + 0.16, CANDIDATE, hollow=False)
    axes.set_yticks(range(len(rows)), [segment_label(item.segment) for item in rows], parse_math=False)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="x", color=HAIR, linewidth=1)
    axes.set_axisbelow(True)
    axes.set_xlabel(
        "first-action targets met, per cent; bars are 95 % intervals; hollow: today, filled: new policy",
        fontsize=9,
        color=QUIET,
    )
    return drawn


def _lane(axes: Axes, measure: Measure | None, y: float, colour: str, *, hollow: bool) -> None:
    """One dot with its interval, in per cent; the stroke shows the grade."""
    if measure is None or measure.value is None:
        return
    if measure.low is not None and measure.high is not None:
        width = 3.0 if measure.grade is Grade.OBSERVED else 2.0
        axes.plot(
            [100 * measure.low, 100 * measure.high],
            [y, y],
            color=colour,
            linewidth=width,
            linestyle=_DASHES[measure.grade],
            zorder=2,
        )
    axes.plot(
        [100 * measure.value],
        [y],
        "o",
        markersize=6,
        markerfacecolor=PAPER if hollow else colour,
        markeredgecolor=colour,
        markeredgewidth=1.8,
        zorder=3,
    )


def _curve(result: Result) -> Figure:
    """Share of tickets still waiting for a first action."""
    curves = [curve for curve in result.curves if curve.metric == service.FIRST_ACTION and curve.minutes]
    if not curves:
        raise UsageError(
            "this result has no waiting curve", "a run with first actions", missing_reason(result, service.FIRST_ACTION)
        )
    drawn, axes = _canvas(4.6, findings.wait_title(result, service.FIRST_ACTION))
    for curve in curves:
        _steps(axes, curve)
    axes.set_xscale("log")
    axes.set_ylim(0, 100)
    axes.grid(axis="y", color=HAIR, linewidth=1)
    axes.set_axisbelow(True)
    ticks = [
        minutes
        for minutes in (1, 5, 15, 60, 240, 480, 1440, 2880, 10080)
        if min(curves[0].minutes) <= minutes <= max(curves[0].minutes)
    ]
    axes.set_xticks(ticks, [scale_for("minutes", [minutes]).text(minutes).replace(".0", "") for minutes in ticks])
    axes.minorticks_off()
    axes.set_xlabel(
        "time since arrival (logarithmic); bands are 95 % by account; per cent still waiting", fontsize=9, color=QUIET
    )
    return drawn


def _steps(axes: Axes, curve: Curve) -> None:
    """One arm with its band and its median."""
    colour = CANDIDATE if curve.arm == Arm.CANDIDATE else BASELINE
    points = [(minutes, index) for index, minutes in enumerate(curve.minutes) if minutes > 0]
    times = [minutes for minutes, _ in points]
    if curve.low and curve.high:
        low, high = ([100 * band[index] for _, index in points] for band in (curve.low, curve.high))
        axes.fill_between(times, low, high, step="post", color=colour, alpha=0.16, linewidth=0)
    axes.step(times, [100 * curve.waiting[index] for _, index in points], where="post", color=colour, linewidth=1.8)
    if curve.median is not None:
        left = curve.arm == Arm.CANDIDATE
        text = f"{arm_name(curve.arm).lower()}: {scale_for('minutes', [curve.median]).text(curve.median)}"
        axes.plot(
            [curve.median],
            [50],
            "o",
            markersize=7,
            color=colour,
            markerfacecolor=colour if left else PAPER,
            markeredgewidth=1.8,
        )
        axes.annotate(
            text, (curve.median, 50), xytext=(-8 if left else 8, -14 if left else 8), textcoords="offset points",
            ha="right" if left else "left", color=colour, fontsize=9, fontweight="bold",
        )  # fmt: skip
