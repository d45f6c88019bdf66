"""Slow twins of inference: gaps between what people did, hours and shifts, walked row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence


def summed_gaps(
    actions: Sequence[tuple[int, int, int, int, int]], worked: Mapping[int, Callable[[int, int], int]], cap: int
) -> dict[tuple[int, int], int]:
    """Seconds by (ticket, team); actions are (person, ticket, second, since when it was there, team)."""
    of_person: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    for person, ticket, at, available, team in actions:
        of_person[person].append((at, ticket, available, team))
    total: dict[tuple[int, int], int] = defaultdict(int)
    for own in of_person.values():
        seen = {}
        for at, ticket, _, _ in sorted(own):
            seen.setdefault(ticket, at)
        previous = None
        for at, ticket, available, team in sorted(own, key=lambda item: (item[0], seen[item[1]] == item[0], item[1])):
            if previous is not None:
                total[ticket, team] += min(cap, worked[team](max(previous, available), at))
            previous = at
    return dict(total)


def held(counts: Mapping[tuple[int, int], int], spans: Sequence[tuple[int, int, int]]) -> float:
    """Share of actions by (weekday, minute) inside spans (weekday, start, end), minute by minute."""
    inside = 0
    for (weekday, minute), number in counts.items():
        for day, start, end in spans:
            since = (weekday - day) % 7 * 1440 + minute
            if start <= since < end:
                inside += number
                break
    return inside / sum(counts.values())


def people_there(shifts: Sequence[tuple[int, int]], slots: int) -> list[int]:
    """People by half hour of the day."""
    return [sum(start <= slot < stop for start, stop in shifts) for slot in range(slots)]
