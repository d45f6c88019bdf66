"""Numbers as the launch limits and the verdict write them: narrow space before %, true minus, comma in thousands."""

from __future__ import annotations

from triage_lab.domain.measure import Measure

THIN = "\u202f"
MINUS = "−"  # a true minus
_RELATION = {"at_least": "≥", "at_most": "≤", "above": ">", "below": "<"}


def plain(value: float, digits: int = 1) -> str:
    """Write a number with a true minus and no sign on zero.

    Examples
    --------
    >>> plain(1234.5), plain(-0.04)
    ('1,234.5', '0.0')
    """
    text = f"{abs(value):,.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and any(digit in "123456789" for digit in text) else text


def signed(value: float, digits: int = 1) -> str:
    """Write a change with its sign; no sign on zero."""
    text = plain(value, digits)
    return f"+{text}" if value > 0 and any(digit in "123456789" for digit in text) else text


def _digits(unit: str, value: float) -> int:
    """Decimals that suit the unit and the size."""
    if unit == "money":
        return 0
    if unit == "per_ticket":
        return 2
    return 0 if unit == "minutes" and abs(value) >= 100 else 1


def amount(value: float, unit: str, currency: str = "") -> str:
    """Write a value in its unit.

    Examples
    --------
    >>> amount(64.2, "minutes"), amount(4180.0, "money", "EUR")
    ('64.2 minutes', 'EUR 4,180')
    """
    if unit == "fraction":
        return f"{plain(value * 100)}{THIN}%"
    if unit == "money":
        return f"{currency} {plain(value, 0)}".strip()
    suffix = {"minutes": " minutes", "tickets": " tickets"}.get(unit, "")
    return plain(value, _digits(unit, value)) + suffix


def change(measure: Measure, currency: str = "") -> str:
    """Write a difference with its unit: points for shares."""
    value, unit = measure.value or 0.0, measure.unit
    if unit == "fraction":
        return f"{signed(value * 100)} points"
    if unit == "money":
        sign = "+" if value > 0 else MINUS if value < 0 else ""
        return sign + amount(abs(value), unit, currency)
    suffix = {"minutes": " minutes", "tickets": " tickets"}.get(unit, "")
    return signed(value, _digits(unit, value)) + suffix


def interval(measure: Measure) -> str:
    """Write the 95 % interval of a difference in the unit's numbers, or why there is none."""
    if measure.low is None or measure.high is None:
        return "no interval"
    scale = 100 if measure.unit == "fraction" else 1
    digits = _digits(measure.unit, measure.value or 0.0)
    low, high = (signed(bound * scale, digits) for bound in (measure.low, measure.high))
    return f"95{THIN}% interval {low} to {high}"


def limit_text(relation: str, limit: float, unit: str, *, on_difference: bool) -> str:
    """Write a limit as printed: ``≥ 90 %``, ``no rise``.

    Examples
    --------
    >>> limit_text("at_most", 0.0, "money", on_difference=True)
    'no rise'
    """
    if on_difference and limit == 0:
        return {"at_most": "no rise", "at_least": "no fall", "above": "a rise", "below": "a fall"}[relation]
    if unit == "fraction":
        number = f"{limit * 100:.4f}".rstrip("0").rstrip(".").replace("-", MINUS)
        return f"{_RELATION[relation]} {number}" + (" points" if on_difference else f"{THIN}%")
    number = f"{limit:,.4f}".rstrip("0").rstrip(".").replace("-", MINUS)
    return f"{_RELATION[relation]} {number}"


def plural(count: int, word: str) -> str:
    """Write a count with its noun: ``1 ticket``, ``2,468 tickets``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def listed(names: list[str], at_most: int = 3) -> str:
    """Write names as a sentence does: ``a, b and c``; what is over is counted."""
    if len(names) > at_most:
        rest = len(names) - at_most + 1
        return f"{', '.join(names[: at_most - 1])} and {rest} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
