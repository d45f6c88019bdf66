"""Text to instants, in layers: common spellings by fixed formats first, everything else by its exact form.

DuckDB's own cast would take ``10:00+02:00`` for 10:00 UTC, ``10:00 PM`` for 10:00 and the year 24 for a year, so a
value is only handed to it once its whole form is known.
"""

from __future__ import annotations

from triage_lab.sources.zones import Zone, to_utc

_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
_OFFSET = r"(Z|UTC|GMT|[+-](0\d|1[0-5])(:?[0-5]\d)?)"
DAY = r"[1-9]\d{3}-\d{1,2}-\d{1,2}"
MIDNIGHT = rf"\s*{DAY}[T ]0?0:00(:00(\.0+)?)?( ?{_OFFSET})?\s*"
_ZONED = rf"\s*{DAY}[T ]{_CLOCK} ?{_OFFSET}\s*"
_NAIVE = rf"\s*{DAY}([T ]{_CLOCK})?\s*"
# 1/31/2024, 9:30 AM: the blank before AM may be one that does not break
_ORDERED = r"\s*\d{1,2}[/.-]\d{1,2}[/.-][1-9]\d{3}(,? \d{1,2}:\d{2}(:\d{2})?([ \x{A0}\x{202F}]?[AaPp][Mm])?)?\s*"
_SECONDS, _MILLISECONDS = r"\s*\d{9,11}(\.0*)?\s*", r"\s*\d{12,13}(\.0*)?\s*"
_ORDERS = {"day_first": ("%d", "%m"), "month_first": ("%m", "%d")}
# what systems write that have no NULL for times
_NEVER = (
    r"\s*(1900-0?1-0?1|0?1[/.-]0?1[/.-]1900)"
    r"([T ](0?0:00(:00([.,]0+)?)?( ?[Aa][Mm])?|12:00(:00)? ?[Aa][Mm]))?( ?(Z|UTC|GMT|[+-]\d\d(:?\d\d)?))?\s*"
)
OLDEST, NEWEST = "TIMESTAMP '1000-01-01'", "TIMESTAMP '9999-12-31 23:59:59.999999'"
NO_TIME = "CAST(NULL AS TIMESTAMP)"


def matches(value: str, pattern: str) -> str:
    """SQL: the whole value has this form."""
    return f"regexp_full_match({value}, '{pattern}')"


def quick_instant(text: str) -> str:
    """SQL: UTC instant of the common spellings that name their zone, told apart by length; else NULL."""
    day, clock = "%Y-%m-%d", "%H:%M:%S"
    offset = f"try_strptime({text}, ['{day}T{clock}%z', '{day} {clock}%z'])"
    fraction = f"try_strptime({text}, ['{day}T{clock}.%f%z', '{day} {clock}.%f%z'])"
    return (
        f"CASE WHEN contains({text}, ':') THEN CASE length({text}) "
        f"WHEN 20 THEN try_strptime({text}, '{day}T{clock}Z') "
        f"WHEN 24 THEN try_strptime({text}, '{day}T{clock}.%fZ') "
        f"WHEN 25 THEN CASE WHEN substr({text}, 21, 2) < '16' THEN make_timestamp(epoch_us({offset})) END "
        f"WHEN 32 THEN CASE WHEN substr({text}, 28, 2) < '16' THEN make_timestamp(epoch_us({fraction})) END END END"
    )


def quick_wall(text: str, date_order: str) -> str:
    """SQL: wall-clock time of the common spellings without a zone; else NULL."""
    formats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
    if date_order == "iso":
        return f"CASE WHEN length({text}) = 19 AND contains({text}, ':') THEN try_strptime({text}, {formats}) END"
    # no ISO 8601 text has one of these forms: its year comes first and has four digits
    ordered = [form for form in _formats(date_order) if ":" in form]
    return f"CASE WHEN contains({text}, ':') THEN try_strptime({text}, {[*ordered, *formats]}) END"


def slow_instant(text: str) -> str:
    """SQL: UTC instant of every other ISO 8601 spelling with a zone, and of epoch numbers; else NULL."""
    upper = _dashed(text)
    wall = rf"try_cast(replace(regexp_replace({upper}, ' ?{_OFFSET}\s*$', ''), ',', '.') AS TIMESTAMP)"
    sign = rf"CASE WHEN regexp_matches({upper}, '-[0-9:]+\s*$') THEN -60 ELSE 60 END"
    hours = rf"coalesce(try_cast(regexp_extract({upper}, '[+-](\d\d)(:?\d\d)?\s*$', 1) AS INTEGER), 0)"
    minutes = rf"coalesce(try_cast(regexp_extract({upper}, '[+-]\d\d:?(\d\d)\s*$', 1) AS INTEGER), 0)"
    number = rf"try_cast(regexp_extract({text}, '\d+') AS BIGINT)"
    return (
        f"CASE WHEN contains({text}, ':') THEN CASE WHEN {matches(upper, _ZONED)} "
        f"THEN {wall} - to_seconds({sign} * (60 * {hours} + {minutes})) END "
        f"WHEN {matches(text, _SECONDS)} THEN make_timestamp({number} * 1000000) "
        f"WHEN {matches(text, _MILLISECONDS)} THEN make_timestamp({number} * 1000) END"
    )


def _dashed(text: str) -> str:
    """SQL: the text in capitals, a day that is written year/month/day, as map services do, as in ISO 8601."""
    return rf"upper(regexp_replace({text}, '^(\s*[1-9]\d{{3}})/(\d{{1,2}})/(\d{{1,2}})', '\1-\2-\3'))"


def ordered_wall(text: str, date_order: str) -> str:
    """SQL: wall-clock time of d/m/yyyy (``day_first``) or m/d/yyyy (``month_first``) only; else NULL."""
    plain = f"trim(translate({text}, chr(160) || chr(8239) || ',', '  '))"
    return f"CASE WHEN {matches(text, _ORDERED)} THEN try_strptime({plain}, {_formats(date_order)}) END"


def slow_wall(text: str, date_order: str) -> str:
    """SQL: wall-clock time of every other spelling without a zone that ISO 8601 or the date order allows; else NULL."""
    upper = _dashed(text)
    forms = f"WHEN {matches(upper, _NAIVE)} THEN try_cast(replace({upper}, ',', '.') AS TIMESTAMP)"
    if date_order != "iso":
        forms += f" WHEN {matches(text, _ORDERED)} THEN {ordered_wall(text, date_order)}"
    return f"CASE {forms} END"


def _formats(date_order: str) -> list[str]:
    """The strptime formats of a date order; as text a Python list of them is a SQL list."""
    first, second = _ORDERS[date_order]
    clocks = (" %H:%M", " %H:%M:%S", "", " %I:%M:%S %p", " %I:%M %p", " %I:%M:%S%p", " %I:%M%p")
    return [f"{first}{mark}{second}{mark}%Y{clock}" for mark in "/-." for clock in clocks]


def in_utc(instant: str, wall: str, zone: Zone | None) -> str:
    """SQL: the instant, or the wall-clock time read in the zone; both are column names."""
    if zone is None:
        return instant
    return f"coalesce({instant}, {to_utc(wall, zone)})"


def plausible(value: str) -> str:
    """SQL: the time if its year has four digits; the end of time (9999-12-31) stays there in every zone."""
    return f"CASE WHEN {value} >= {OLDEST} THEN least({value}, {NEWEST}) END"


def never_written(value: str, sql_type: str) -> str:
    """SQL: the time or date is 1900-01-01 at midnight, which stands for none; empty for types that hold no time."""
    if sql_type == "VARCHAR":
        return f"CASE WHEN contains({value}, '1900') THEN {matches(value, _NEVER)} ELSE FALSE END"
    return f"{value} = CAST('1900-01-01' AS {sql_type})" if sql_type.startswith(("TIMESTAMP", "DATE")) else ""
