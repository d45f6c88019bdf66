"""Numbers and times as the evidence writes them."""

from __future__ import annotations

from datetime import date, timedelta

from triage_lab.domain.desk import WEEKDAYS, Span

EPOCH = date(1970, 1, 1)


def count(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 ticket``, ``2,000 tickets``.

    Examples
    --------
    >>> count(1, "person", "people"), count(2000, "ticket")
    ('1 person', '2,000 tickets')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percent(share: float) -> str:
    """Return a share as whole percent; what is above 99 but not all shows a decimal.

    Examples
    --------
    >>> percent(0.5), percent(0.9931), percent(1.0)
    ('50 %', '99.3 %', '100 %')
    """
    return f"{share:.1%}".replace("%", " %") if 0.99 <= share < 1 else f"{share:.0%}".replace("%", " %")


def duration(seconds: int) -> str:
    """Return a duration that operations.yaml reads: the largest unit that divides it.

    Examples
    --------
    >>> duration(90), duration(3600), duration(172800), duration(1800)
    ('90s', '1h', '2d', '30m')
    """
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def length(seconds: float) -> str:
    """Return a duration for people: ``45 s``, ``12 min``, ``3.5 h``, ``2 d``.

    Examples
    --------
    >>> length(45), length(754), length(12600), length(172800)
    ('45 s', '13 min', '3.5 h', '2 d')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.3g} h" if seconds < 172_800 else f"{seconds / 86_400:.3g} d"


def day(number: int) -> date:
    """Return the date of a day counted from 1970-01-01."""
    return EPOCH + timedelta(days=number)


def clock(minutes: int) -> str:
    """Return minutes of a day as ``HH:MM``; 1440 is 24:00, beyond it the next day's time."""
    minutes = minutes - 1440 if minutes > 1440 else minutes
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def weekly_hours(spans: tuple[Span, ...]) -> dict[str, list[str]]:
    """Return weekly spans as operations.yaml writes them; neighbouring weekdays with equal hours share a key.

    Examples
    --------
    >>> weekly_hours((Span(0, 480, 960), Span(1, 480, 960), Span(4, 1320, 1800)))
    {'mon-tue': ['08:00-16:00'], 'fri': ['22:00-06:00']}
    """
    of_day = {
        weekday: [f"{clock(span.start)}-{clock(span.end)}" for span in spans if span.weekday == weekday]
        for weekday in range(7)
    }
    runs: list[list[int]] = []
    for weekday in range(7):
        if not of_day[weekday]:
            continue
        if runs and runs[-1][-1] == weekday - 1 and of_day[runs[-1][-1]] == of_day[weekday]:
            runs[-1].append(weekday)
        else:
            runs.append([weekday])
    return {_days(run): of_day[run[0]] for run in runs}


def _days(run: list[int]) -> str:
    """Name consecutive weekdays: ``mon`` or ``mon-fri``."""
    return WEEKDAYS[run[0]] if len(run) == 1 else f"{WEEKDAYS[run[0]]}-{WEEKDAYS[run[-1]]}"


def hours_text(spans: tuple[Span, ...]) -> str:
    """Return weekly spans in one line: ``mon-thu 08:00-18:00, fri 08:00-16:30``."""
    return ", ".join(f"{days} {' and '.join(hours)}" for days, hours in weekly_hours(spans).items())
