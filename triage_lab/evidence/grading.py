"""How far a number may be trusted: its grade and its flags."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from triage_lab.domain.enums import Arm, Flag, Grade, weakest
from triage_lab.domain.measure import Metric

_LOWERING = frozenset({Flag.LOOKAHEAD, Flag.NO_SUPPORT})


def grade(metric: Metric, arm: str, grade_of: Mapping[str, Grade], flags: Collection[Flag]) -> Grade:
    """Return the grade of a metric: its weakest input, and in a replayed arm never above the metric's ceiling.

    Look-ahead and missing support lower it to extrapolated (docs/method/evidence.md).
    """
    if _LOWERING & set(flags):
        return Grade.EXTRAPOLATED
    if arm in (Arm.OBSERVED, Arm.LIVE):
        return grade_of.get(metric.name, Grade.OBSERVED)
    given = grade_of.get(metric.name, metric.ceiling)
    return given if given is metric.ceiling else weakest(metric.ceiling, given)


def flags_of(common: Collection[Flag], graded: Grade, own: Collection[Flag]) -> tuple[Flag, ...]:
    """Return the flags of a measure in the order of the enum; calibration concerns simulated numbers only."""
    simulated = graded in (Grade.SIMULATED, Grade.EXTRAPOLATED)
    kept = {flag for flag in common if flag is not Flag.NOT_CALIBRATED or simulated} | set(own)
    return tuple(flag for flag in Flag if flag in kept)
