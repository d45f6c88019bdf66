"""How numbers, dates and untrusted names are written on every page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from triage_lab.domain.enums import Flag, Grade
from triage_lab.domain.measure import Comparison, Measure

THIN = "\u202f"  # narrow no-break space: before % and between a number and its scale
MINUS = "\u2212"
DASH = "\u2013"
LABEL_LIMIT = 80  # longest name from the data that is shown whole
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "CAD": "CA$", "AUD": "A$"}
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
FLAG_WORDS = {
    Flag.FEW_ACCOUNTS: "carried by few accounts",
    Flag.IMMATURE: "not matured",
    Flag.NO_SUPPORT: "no support in the log",
    Flag.LOOKAHEAD: "saw the future",
    Flag.NOT_CALIBRATED: "not calibrated",
    Flag.INTERFERENCE: "arms share a queue",
    Flag.NAIVE_INTERVAL: "interval ignores accounts",
    Flag.NOT_REACHED: "not reached before the cutoff",
}


def clean(text: object, limit: int = LABEL_LIMIT) -> str:
    r"""Return text from the data so that it can be shown: no controls, no direction overrides, bounded length.

    Examples
    --------
    >>> clean("a\x00b")
    'a�b'
    >>> clean("x" * 100, 10)
    'xxxxxxxxx…'
    """
    raw = str(text)
    shown = raw if len(raw) <= limit else raw[: limit - 1] + "…"
    return "".join(_visible(character) for character in shown)


def prose(text: object, limit: int = 300) -> str:
    """Return a sentence made ready like `clean`, with the narrow space before each per cent sign.

    Examples
    --------
    >>> prose("at least 90 %") == f"at least 90{THIN}%"
    True
    """
    return re.sub(r"(?<=\d)[ \u00a0\u2009]%", f"{THIN}%", clean(text, limit))


def listed(names: Sequence[str], most: int = 2) -> str:
    """Join names as a sentence does, counting those beyond ``most``.

    Examples
    --------
    >>> listed(["a", "b", "c", "d"])
    'a, b and two more'
    """
    rest = len(names) - most
    parts = [*names[:most], f"{in_words(rest)} more"] if rest > 0 else list(names)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def _visible(character: str) -> str:
    """The character itself, or a replacement where it would be invisible or reorder its neighbours."""
    if character in "\n\t":
        return " "
    if character in _BIDI or unicodedata.category(character) in {"Cc", "Cs"}:
        return "\ufffd"
    return character


def count(value: float) -> str:
    """Whole number with thousands commas and a true minus."""
    return f"{round(value):,}".replace("-", MINUS)


def signed_count(value: float) -> str:
    """Whole number with its sign."""
    return f"{round(value):+,}".replace("-", MINUS) if round(value) else "0"


def plural(value: int, noun: str) -> str:
    """Count and noun: ``1 ticket``, ``2 tickets``."""
    return f"{count(value)} {noun if value == 1 else noun + 's'}"


_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def in_words(value: int) -> str:
    """Small numbers as words, larger ones as digits."""
    return _WORDS[value] if 0 <= value < len(_WORDS) else count(value)


@dataclass(frozen=True, slots=True)
class Scale:
    """One way of writing all values of a comparison, so that they can be compared by eye.

    Parameters
    ----------
    factor : float
        Multiplies a stored value into the shown one.
    decimals : int
        Digits after the point.
    prefix, suffix : str
        Currency symbol; unit after the value.
    change_suffix : str
        Unit after a difference (``points`` for rates).
    """

    factor: float
    decimals: int
    prefix: str
    suffix: str
    change_suffix: str

    def number(self, value: float) -> str:
        """The bare number, without unit."""
        shown = f"{abs(value) * self.factor:,.{self.decimals}f}"
        return (MINUS if value < 0 and float(shown.replace(",", "")) else "") + shown

    def text(self, value: float) -> str:
        """The number with its unit."""
        shown = self.number(value)
        sign = MINUS if shown.startswith(MINUS) else ""
        return f"{sign}{self.prefix}{shown.removeprefix(MINUS)}{self.suffix}"

    def signed(self, value: float) -> str:
        """The bare number with its sign; zero has none."""
        shown = self.number(value)
        return shown if shown.startswith(MINUS) or not float(shown.replace(",", "")) else f"+{shown}"

    def change(self, value: float) -> str:
        """A difference with sign and unit."""
        shown = self.signed(value)
        sign = shown[:1] if shown[:1] in {MINUS, "+"} else ""
        return f"{sign}{self.prefix}{shown[len(sign) :]}{self.change_suffix}"


def scale_for(unit: str, values: Iterable[float | None], currency: str = "") -> Scale:
    """Choose the scale in which the given values are written.

    Parameters
    ----------
    unit : str
        ``fraction``, ``minutes``, ``tickets``, ``per_ticket`` or ``money``.
    values : iterable of float or None
        All point values that will be written with it, differences included.
    currency : str
        ISO 4217 code for ``money``.

    Examples
    --------
    >>> scale_for("fraction", [0.869, 0.918]).text(0.918)
    '91.8\u202f%'
    >>> scale_for("money", [3_020_000.0], "EUR").text(3_020_000.0)
    '€3.02\u202fM'
    """
    given = [value for value in values if value is not None]
    top = max((abs(value) for value in given), default=0.0)
    if unit == "fraction":
        return Scale(100.0, _rate_decimals(given), "", f"{THIN}%", " points")
    if unit == "minutes":
        return _duration(given, top)
    if unit == "money":
        return _money(given, top, currency)
    if unit == "tickets":
        return Scale(1.0, _decimals(given, 0 if top >= 100 else 1), "", " tickets", " tickets")
    return Scale(1.0, _decimals(given, 2), "", " per ticket" if unit == "per_ticket" else "", "")


def _duration(given: list[float], top: float) -> Scale:
    """Minutes below two hours, hours below two days, else days."""
    if top < 120:
        return Scale(1.0, _decimals(given, 0 if top >= 10 else 1), "", " min", " min")
    if top < 48 * 60:
        return Scale(1 / 60, _decimals([value / 60 for value in given], 1), "", " h", " h")
    return Scale(1 / 1440, _decimals([value / 1440 for value in given], 1), "", " d", " d")


def _money(given: list[float], top: float, currency: str) -> Scale:
    """Whole units below ten thousand, then k and M."""
    prefix = _SYMBOLS.get(currency, f"{clean(currency, 8)} " if currency else "")
    if top >= 1e6:
        return Scale(1e-6, _decimals([value * 1e-6 for value in given], 2), prefix, f"{THIN}M", f"{THIN}M")
    if top >= 1e4:
        return Scale(1e-3, _decimals([value * 1e-3 for value in given], 1), prefix, f"{THIN}k", f"{THIN}k")
    return Scale(1.0, _decimals(given, 0), prefix, "", "")


def _decimals(values: list[float], start: int) -> int:
    """Digits from ``start`` up to 3 so that no value that is not zero is written as zero."""
    for digits in range(start, 3):
        if all(round(abs(value), digits) > 0 for value in values if value):
            return digits
    return 3


def _rate_decimals(values: list[float]) -> int:
    """As `_decimals`, and no rate below one is written as 100 %."""
    shown = [abs(value) * 100 for value in values]
    base = _decimals(shown, 1)
    for digits in range(base, 3):
        if all(round(value, digits) != 100 for value in shown if value != 100):
            return digits
    return 3


@dataclass(frozen=True, slots=True)
class Shown:
    """A measure as text: everything that must stand beside a number."""

    number: str
    text: str
    interval: str
    n: str
    accounts: str
    grade: str
    pips: int
    flags: str


def show(measure: Measure, scale: Scale, *, change: bool = False) -> Shown:
    """Write one measure; a value that does not exist is a dash, never a zero."""
    write = scale.signed if change else scale.number
    if measure.value is None:
        number = text = DASH
    else:
        number, text = write(measure.value), (scale.change if change else scale.text)(measure.value)
    interval = ""
    if measure.value is not None and measure.low is not None and measure.high is not None:
        interval = f"{write(measure.low)} to {write(measure.high)}"
    return Shown(
        number, text, interval, count(measure.n), plural(measure.accounts, "account"), measure.grade.value,
        measure.grade.pips, ", ".join(FLAG_WORDS[Flag(flag)] for flag in measure.flags),
    )  # fmt: skip


def comparison_scale(comparison: Comparison, currency: str) -> Scale:
    """The scale that fits baseline, candidate and difference at once."""
    parts = [comparison.baseline, comparison.candidate, comparison.difference]
    measures = [measure for measure in parts if measure is not None]
    unit = measures[0].unit if measures else "fraction"
    return scale_for(unit, [measure.value for measure in measures], currency)


STROKE = {Grade.OBSERVED: "obs", Grade.REPLAYED: "rep", Grade.SIMULATED: "sim", Grade.EXTRAPOLATED: "ext"}


def moment(text: str, zone: str) -> datetime | None:
    """Parse ISO 8601 UTC text and return it in the lab's zone; None if it is no time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        local = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        local = ZoneInfo("UTC")
    return at.replace(tzinfo=ZoneInfo("UTC")).astimezone(local) if at.tzinfo is None else at.astimezone(local)


def day(at: datetime) -> str:
    """A date as ``19 May 2026``."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def day_text(text: str, zone: str) -> str:
    """The local day of an ISO time, or the text itself."""
    at = moment(text, zone)
    return day(at) if at else clean(text)


def window(start: str, end: str, zone: str) -> str:
    """A half-open window as its first and last day: ``30 March to 21 June 2026``."""
    first, stop = moment(start, zone), moment(end, zone)
    if first is None or stop is None:
        return f"{clean(start)} to {clean(end)}"
    last = max(first, stop - timedelta(seconds=1))
    if first.date() == last.date():
        return day(first)
    if first.year != last.year:
        return f"{day(first)} to {day(last)}"
    if first.month == last.month:
        return f"{first.day} to {day(last)}"
    return f"{first.day} {_MONTHS[first.month - 1]} to {day(last)}"
