"""Values that a file has in another shape than a canonical column: in two columns, in words of its own, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triage_lab.domain.errors import ExportError, Place, UsageError
from triage_lab.domain.tables import Column, Kind
from triage_lab.sources.casts import literal
from triage_lab.sources.columns import listed, nearest, plain

UNITS = ("seconds", "minutes", "hours", "hh:mm:ss", "mm:ss", "hh:mm")
_KEYS = ("column", "join", "format", "unit", "nulls", "plus", "value")
_SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}
_CLOCKS = {"hh:mm:ss": (3600, 60, 1), "mm:ss": (60, 1), "hh:mm": (3600, 60)}
_TIMES = frozenset({Kind.TIMESTAMP, Kind.DATE})
_DIRECTIVES = re.compile(r"%(.?)")
_KNOWN_DIRECTIVES = frozenset("YymdHIMSpfbBjaA%")
_DAYS = ("date", "day", "call_date", "arrival_date", "start_date", "opened_date", "date_opened")
_TIMES_OF_DAY = (
    "time",
    "time_of_day",
    "call_time",
    "arrival_time",
    "start_time",
    "entry_time",
    "opened_time",
    "vru_entry",
)
_WORK = re.compile(r"(^|_)(talk|handl|service|ser|work|wrap)[a-z]*_(time|duration|length|seconds|minutes|hours)\b")


@dataclass(frozen=True, slots=True)
class Span:
    """A duration in a column of the file, in one of ``UNITS``."""

    column: str
    unit: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a value is made of the cells of a row.

    Parameters
    ----------
    columns : tuple of str
        Columns of the file; several are joined with a blank, and are NULL together.
    format : str
        Of a time or date: its spelling with the directives of strptime; empty for what is read anyway.
    unit : str
        Of a duration: one of ``UNITS``; empty for minutes.
    nulls : tuple of str
        Cells that stand for no value.
    plus : tuple of Span
        Durations to add to a time.
    value : str
        The value of all rows; then there is nothing else.
    """

    columns: tuple[str, ...] = ()
    format: str = ""
    unit: str = ""
    nulls: tuple[str, ...] = ()
    plus: tuple[Span, ...] = ()
    value: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """All columns of the file that it reads."""
        return (*self.columns, *(span.column for span in self.plus))

    def described(self) -> dict[str, object]:
        """Return it as plain values, for a digest."""
        plus = [[span.column, span.unit] for span in self.plus]
        return {
            "columns": self.columns, "format": self.format, "unit": self.unit, "nulls": self.nulls, "plus": plus,
            "value": self.value,
        }  # fmt: skip


Given = str | Recipe
"""What the user says of a target column: a column of the file, or how its value is made."""


def read_recipe(target: str, given: Mapping[str, Any]) -> Recipe:
    """Return the recipe that a mapping from YAML means.

    Parameters
    ----------
    target : str
        The canonical column, for errors.
    given : mapping
        ``{join: [date, time]}``, ``{column: talk, unit: hh:mm:ss}``, ``{value: call centre}`` and the like.

    Raises
    ------
    UsageError
        An unknown key, or a value of another form.

    Examples
    --------
    >>> read_recipe("created_at", {"join": ["date", "time"], "format": "%y%m%d %H:%M:%S"}).columns
    ('date', 'time')
    """
    unknown = [str(key) for key in given if key not in _KEYS]
    if unknown:
        raise _misread(target, f"has an unknown key '{unknown[0][:40]}'", f"one of {', '.join(_KEYS)}")
    if sum(key in given for key in ("column", "join", "value")) != 1 or ("value" in given and len(given) > 1):
        raise _misread(target, "needs one of column, join and value", "value alone, or column or join with the rest")
    if "value" in given:
        if isinstance(given["value"], bool | int | float) or (
            isinstance(given["value"], str) and given["value"].strip()
        ):
            return Recipe(value=str(given["value"]))
        raise _misread(target, f"has the value {given['value']!r}", "a text or a number")
    columns = _texts(target, "join", given["join"]) if "join" in given else _texts(target, "column", [given["column"]])
    form = given.get("format", "")
    if not isinstance(form, str) or not set(_DIRECTIVES.findall(form)) <= _KNOWN_DIRECTIVES:
        raise _misread(target, f"has the format {form!r}", "directives of strptime such as %d.%m.%Y %H:%M:%S, no zone")
    nulls = given.get("nulls", [])
    return Recipe(
        columns=columns,
        format=form,
        unit=_unit(target, given["unit"]) if "unit" in given else "",
        nulls=_texts(target, "nulls", [nulls] if isinstance(nulls, str) else nulls),
        plus=_spans(target, given.get("plus", [])),
    )


def day_and_time(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the columns that are called like a date and a time of day, to be joined to one instant; else None.

    Examples
    --------
    >>> day_and_time(["Call Id", "Agent", "Date", "Time"])
    ('Date', 'Time')
    """
    by_plain = {plain(name): name for name in reversed(names)}
    days = [by_plain[day] for day in _DAYS if day in by_plain]
    times = [by_plain[time] for time in _TIMES_OF_DAY if time in by_plain]
    return (days[0], times[0]) if days and times else None


def time_worked(names: Sequence[str]) -> str:
    """Return the first column that is called like the time of work on a ticket or call; else an empty text.

    Examples
    --------
    >>> time_worked(["Call Id", "AvgTalkDuration"])
    'AvgTalkDuration'
    """
    return next((name for name in names if _WORK.search(plain(name))), "")


def check_recipes(recipes: Mapping[str, Recipe], wanted: Sequence[Column], names: Sequence[str], place: Place) -> None:
    """Refuse recipes for columns that do not exist, of columns that the file lacks, or of the wrong kind.

    Raises
    ------
    UsageError, ExportError
    """
    kinds = {column.name: column.kind for column in wanted}
    for target, recipe in recipes.items():
        if target not in kinds:
            near = nearest(target, kinds)
            raise UsageError(
                f"no column '{target}' to map to", f"one of {', '.join(kinds)}",
                f"did you mean {near}?" if near else "correct the mapping file", column=target,
            )  # fmt: skip
        if (recipe.format or recipe.plus) and kinds[target] not in _TIMES:
            raise _misread(target, "is no time", "format and plus for times and dates only")
        if recipe.unit and target != "handle_minutes":
            raise _misread(target, "is no duration", "unit for handle_minutes, or in plus")
        for name in recipe.reads:
            if name not in names:
                near = nearest(name, names)
                raise ExportError(
                    f"no column '{name}' (for {target})", f"one of {listed(names)}",
                    f"did you mean '{near}'?" if near else "correct the mapping file", place=place, column=name,
                )  # fmt: skip


def recipe_sql(recipe: Recipe, column: Column, at: Callable[[str], tuple[str, str]]) -> str:
    """SQL of the value as text; what cannot be made stays as it is written, so that the row is refused with it.

    Parameters
    ----------
    recipe : Recipe
        A checked one.
    column : Column
        What it becomes.
    at : callable
        Column of the file → SQL and type of its cell.
    """
    if recipe.value:
        return literal(recipe.value)
    cells = [_cell(at(name)[0], recipe.nulls) for name in recipe.columns]
    text = " || ' ' || ".join(cells) if len(cells) > 1 else cells[0]
    if recipe.unit:
        return f"coalesce(CAST({_seconds(text, recipe.unit)} / 60 AS VARCHAR), {text})"
    if not recipe.format and not recipe.plus:
        return text
    made = f"try_strptime({text}, {literal(recipe.format)})" if recipe.format else f"try_cast({text} AS TIMESTAMP)"
    # a span that is NULL makes the time unknown, one that cannot be read makes the row a reject
    unread = []
    for span in recipe.plus:
        cell = _cell(at(span.column)[0], recipe.nulls)
        made = f"{made} + to_microseconds(CAST(round({_seconds(cell, span.unit)} * 1000000) AS BIGINT))"
        unread.append(f"WHEN {cell} IS NULL THEN NULL WHEN {_seconds(cell, span.unit)} IS NULL THEN {cell}")
    shown = "%Y-%m-%d" if column.kind is Kind.DATE else "%Y-%m-%dT%H:%M:%S.%f"
    value = f"coalesce(strftime({made}, '{shown}'), {text})"
    return f"CASE {' '.join(unread)} ELSE {value} END" if unread else value


def _cell(source: str, nulls: Sequence[str]) -> str:
    """SQL: a cell as text without blanks around it, NULL where it is empty or stands for none."""
    text = f"nullif(trim(CAST({source} AS VARCHAR)), '')"
    for token in nulls:
        text = f"nullif({text}, {literal(token.strip())})"
    return text


def _seconds(text: str, unit: str) -> str:
    """SQL: a duration in seconds as DOUBLE, NULL where it is not in this unit."""
    if unit in _SECONDS:
        return (
            rf"CASE WHEN regexp_full_match({text}, '\d+([.]\d+)?') THEN CAST({text} AS DOUBLE) * {_SECONDS[unit]} END"
        )
    worths = _CLOCKS[unit]
    last = r"[0-5]?\d([.]\d+)?" if worths[-1] == 1 else r"[0-5]?\d"
    form = ":".join([r"\d+", *[r"[0-5]?\d"] * (len(worths) - 2), last])
    parts = (f"CAST(split_part({text}, ':', {nth}) AS DOUBLE) * {worth}" for nth, worth in enumerate(worths, start=1))
    return f"CASE WHEN regexp_full_match({text}, '{form}') THEN {' + '.join(parts)} END"


def _texts(target: str, key: str, given: object) -> tuple[str, ...]:
    """A list of texts from YAML."""
    if not isinstance(given, Sequence) or isinstance(given, str) or not all(isinstance(item, str) for item in given):
        raise _misread(
            target, f"has {key}: {given!r}", "nulls: texts in quotes" if key == "nulls" else f"{key}: names of columns"
        )
    if not given and key != "nulls":
        raise _misread(target, f"has {key} without a column", f"{key}: names of columns")
    return tuple(given)


def _spans(target: str, given: object) -> tuple[Span, ...]:
    """Durations to add, from YAML."""
    items = [given] if isinstance(given, Mapping) else given
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise _misread(target, f"has plus: {given!r}", "plus: [{column: talk_time, unit: seconds}]")
    spans = []
    for item in items:
        if not isinstance(item, Mapping) or set(item) != {"column", "unit"} or not isinstance(item["column"], str):
            raise _misread(target, f"has plus: {item!r}", "plus: [{column: talk_time, unit: seconds}]")
        spans.append(Span(item["column"], _unit(target, item["unit"])))
    return tuple(spans)


def _unit(target: str, given: object) -> str:
    """A unit of durations."""
    if given not in UNITS:
        raise _misread(target, f"has the unit {given!r}", f"one of {', '.join(UNITS)}")
    return str(given)


def _misread(target: str, found: str, expected: str) -> UsageError:
    """The error for a recipe of another form."""
    return UsageError(f"{target} {found}", expected, "see docs/first-lab.md, files with other names", column=target)
