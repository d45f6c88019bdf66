"""A linear axis across 100 % of a drawing's width, and its round ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


def per_cent(share: float) -> str:
    """Position as SVG text with at most two decimals.

    Examples
    --------
    >>> per_cent(0.5), per_cent(1 / 3)
    ('50%', '33.33%')
    """
    return f"{plain(share * 100)}%"


def plain(value: float) -> str:
    """Shortest text of a coordinate with at most two decimals, never ``-0``."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from ``low`` (left edge) to ``high`` (right edge)."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Position 0..1 of a value, held inside the drawing."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def at(self, value: float) -> str:
        """Position of a value as SVG text."""
        return per_cent(self.share(value))


def spanning(
    values: Iterable[float | None], margin: float = 0.08, floor: float | None = None, roof: float | None = None
) -> Axis:
    """The axis that shows all values with a margin; equal values get room of their own.

    Parameters
    ----------
    values : iterable of float or None
    margin : float
        Share of the span left free on both sides.
    floor, roof : float or None
        Bounds that the axis does not pass, such as 0 and 1 for rates.
    """
    given = [value for value in values if value is not None and math.isfinite(value)]
    if not given:
        return Axis(0.0, 1.0)
    low, high = min(given), max(given)
    room = (high - low) * margin if high > low else max(abs(high) * 0.1, 0.01)
    left, right = low - room, high + room
    if floor is not None:
        left = max(floor, left)
    if roof is not None:
        right = min(roof, right)
    return Axis(left, right) if right > left else Axis(left - 0.5, left + 0.5)


def ticks(axis: Axis, wanted: int = 5) -> tuple[float, ...]:
    """Round values (1, 2, 2.5 or 5 times a power of ten) inside the axis, about ``wanted`` of them."""
    raw = (axis.high - axis.low) / max(1, wanted)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= raw * 0.999)
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    return tuple(round(index * step, 10) for index in range(first, last + 1))
