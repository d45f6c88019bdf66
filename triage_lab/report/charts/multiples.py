"""Small multiples by hour: agents needed, today and new, against agents on shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.result import QueueLoad
from triage_lab.report.charts.axis import per_cent, plain

HOURS = 24


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands: per cent, pixels, shift in pixels and anchor class."""

    x: str
    y: str
    dx: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One team: paths in a 1000 × 1000 box; ``short`` are the hours in which open shifts do not suffice."""

    roof: str
    cap: str
    today: str
    new: str
    excess: tuple[str, ...]
    place: Place
    label_text: str
    label: str


def short_hours(load: QueueLoad) -> int:
    """Hours of the average day with people on shift, but fewer than the arriving work needs."""
    return sum(1 for need, have in zip(load.demand, load.capacity, strict=True) if have > 0 and need > have + 1e-9)


def _stairs(values: Sequence[float], top: float) -> list[tuple[float, float]]:
    """Corners of an hourly step line."""
    corners = []
    for hour, value in enumerate(values):
        y = 1000 * (1 - value / top)
        corners.append((hour * 1000 / HOURS, y))
        corners.append(((hour + 1) * 1000 / HOURS, y))
    return corners


def _line(corners: Sequence[tuple[float, float]]) -> str:
    """SVG path through corners, without repeated points."""
    kept = [corner for index, corner in enumerate(corners) if index == 0 or corner != corners[index - 1]]
    return "M" + "L".join(f"{plain(x)} {plain(y)}" for x, y in kept)


def geometry(today: QueueLoad | None, new: QueueLoad | None) -> Panel:
    """Lay out the panel of one team; its scale starts at 0 and is its own.

    Parameters
    ----------
    today, new : QueueLoad or None
        The same team in both arms; at least one of them.

    Returns
    -------
    Panel
    """
    shown = [load for load in (today, new) if load is not None]
    main = shown[-1]
    top = max([*(value for load in shown for value in load.demand), *main.capacity, 0.1]) * 1.08
    roof = _stairs(main.capacity, top)
    peak = max(main.capacity)
    label = _label([hour for hour, value in enumerate(main.capacity) if value == peak], shown, peak, top)
    words = [
        f"{name} needs at most {max(load.demand):.1f}"
        for name, load in (("today", today), ("new policy", new))
        if load is not None
    ]
    return Panel(
        "M0 1000L" + _line(roof)[1:] + "L1000 1000Z", _line(roof),
        _line(_stairs(today.demand, top)) if today else "", _line(_stairs(new.demand, top)) if new else "",
        _excess(main, top), label, f"{_agents(peak)} on shift",
        f"{main.team}: {' and '.join(words)} agents by hour, at most {_agents(peak)} on shift",
    )  # fmt: skip


def _agents(value: float) -> str:
    """A number of agents; a mean over days may have a fraction."""
    return f"{value:.1f}".removesuffix(".0")


def _label(at: Sequence[int], shown: Sequence[QueueLoad], peak: float, top: float) -> Place:
    """Put the roof's label above its plateau, or beside it where a line of demand would cross the text."""
    roof = 14 + 104 * (1 - peak / top)
    first, last = at[0], at[-1] + 1
    crossed = any(need > peak * 0.97 for load in shown for need in load.demand)
    if crossed and last <= 18:
        return Place(per_cent(last / HOURS), plain(roof + 12), 4, "")
    if crossed and first >= 6:
        return Place(per_cent(first / HOURS), plain(roof + 12), -4, "end")
    middle = (first + last) / 2 if last - first == len(at) else first + 1.5
    return Place(per_cent(min(0.84, max(0.16, middle / HOURS))), plain(roof - 5), 0, "mid")


def _excess(load: QueueLoad, top: float) -> tuple[str, ...]:
    """Boxes of demand above the roof, in hours with people on shift."""
    boxes = []
    for hour, (need, have) in enumerate(zip(load.demand, load.capacity, strict=True)):
        if have <= 0 or need <= have + 1e-9:
            continue
        left, right = plain(hour * 1000 / HOURS), plain((hour + 1) * 1000 / HOURS)
        boxes.append(f"M{left} {plain(1000 * (1 - have / top))}H{right}V{plain(1000 * (1 - need / top))}H{left}Z")
    return tuple(boxes)
