"""Dates in an order that the layout does not read: refused with the layout that does, never taken for other days."""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triage_lab.domain.errors import ExportError, Place
from triage_lab.sources.casts import NOT_A_TIME, literal
from triage_lab.sources.mapping import Layout
from triage_lab.sources.times import ordered_wall
from triage_lab.sources.typed import TypedRows

# a wall-clock day of 13 may be the 12th or 14th in UTC, so only later days prove that the day was read as one
_SURELY_A_DAY = 14
_NAMES = {"day_first": "the day", "month_first": "the month"}


def refuse_other_order(
    con: Any, rows: TypedRows, times: Sequence[str], layouts: Sequence[Layout], chosen: Layout, place: Place
) -> None:
    """Refuse a file whose dates another layout reads and the chosen one rejects.

    Parameters
    ----------
    rows : TypedRows
        What was read with ``chosen``.
    times : sequence of str
        Columns of ``rows.view`` that hold times.

    Raises
    ------
    ExportError
        With the layout to name. A file in which some day after the 13th was read as the chosen layout reads it keeps
        its good rows: its other dates are plain rejects.

    Notes
    -----
    1/2/2026 has a meaning in both orders. Were 2/13/2026 only rejected, all the earlier days of its month would be
    stored as days of other months.
    """
    found = {
        other: dates
        for other in layouts
        if other.date_order not in {"iso", chosen.date_order}
        and (dates := _rejected_dates(con, rows, other.date_order))
    }
    if not found or _proven(con, rows, times, chosen):
        return
    most = max(count for *_, count in found.values())
    fits = [other for other, dates in found.items() if dates[-1] == most]
    row, column, value, count = found[fits[0]]
    names = " or ".join(f"--layout {other.name}" for other in fits)
    first = " or ".join(_NAMES[other.date_order] for other in fits)
    raise ExportError(
        f"{count:,} times such as {column} {value!r} put {first} first",
        f"times as the layout {chosen.name} reads them: {chosen.meaning.removeprefix('times as ')}",
        f"load it with {names}" + (" (every date fits both: you must know)" if len(fits) > 1 else ""),
        place=Place(place.file, row=row), column=column, value=value, layout=fits[0].name,
    )  # fmt: skip


def _rejected_dates(con: Any, rows: TypedRows, order: str) -> tuple[int, str, str, int] | None:
    """Row, column and text of the first rejected time that an order reads, and how many there are."""
    sql = (
        f'SELECT "row", "column", value, count(*) OVER () FROM {rows.rejects} '
        f"WHERE starts_with(reason, {literal(NOT_A_TIME)}) AND {ordered_wall('value', order)} IS NOT NULL "
        'ORDER BY "row", "column" LIMIT 1'
    )
    found = con.execute(sql).fetchall()
    return found[0] if found else None


def _proven(con: Any, rows: TypedRows, times: Sequence[str], chosen: Layout) -> bool:
    """Whether a good row shows the chosen order to be right: it holds a day that can be no month, or is ISO 8601."""
    if chosen.date_order == "iso":
        return rows.rows > rows.rejected
    late = " OR ".join(f'coalesce(day("{name}") >= {_SURELY_A_DAY}, FALSE)' for name in times)
    return bool(con.execute(f"SELECT count(*) FROM (SELECT 1 FROM {rows.view} WHERE {late} LIMIT 1)").fetchall()[0][0])
