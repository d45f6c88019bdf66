"""One file as typed rows: columns planned, cells typed once, and what makes the whole file unusable refused."""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from triage_lab.domain.errors import ExportError, Place
from triage_lab.domain.tables import Kind
from triage_lab.sources.bytestream import has_blank_lines
from triage_lab.sources.casts import NO_ZONE, Reading
from triage_lab.sources.cut_off import refuse_cut_off
from triage_lab.sources.derive import drop_objects, refuse_empty
from triage_lab.sources.facts import FileFacts
from triage_lab.sources.line_ends import has_mixed_line_ends, write_cleaned
from triage_lab.sources.mapping import Layout
from triage_lab.sources.orders import refuse_other_order
from triage_lab.sources.plans import Plan
from triage_lab.sources.relation import Relation, relate
from triage_lab.sources.typed import TypedRows, finish, load


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a call asks for, whatever the file holds.

    Parameters
    ----------
    plan : callable
        From the file as a relation and its place to the plan; raises for a file that lacks what is required.
    reading : Reading
        How cells are read.
    layouts : tuple of Layout
        All that the target has.
    layout : Layout
        The one chosen.
    fill : mapping of str to str
        SQL for columns that the call knows and the file may not.
    """

    plan: Callable[[Relation, Place], Plan]
    reading: Reading
    layouts: tuple[Layout, ...]
    layout: Layout
    fill: Mapping[str, str]


def read_rows(con: Any, facts: FileFacts, wanted: Wanted, base: str) -> tuple[TypedRows, Plan]:
    """Type one file into temp objects; one whose line ends the reader would miscount goes through a cleaned copy.

    Parameters
    ----------
    con : DuckDB connection
        Open, with external access.
    facts : FileFacts
        What ``probe`` found.
    wanted : Wanted
        What the call asks for.
    base : str
        Start of the names of temp objects.

    Returns
    -------
    rows : TypedRows
    plan : Plan
        Which columns were read and which were not.

    Raises
    ------
    ExportError
        The file lacks required columns, ends within a row, has times that nobody can place or that another layout
        reads, or has no valid row. Nothing is left behind then.
    """
    csv = facts.format.startswith("csv")
    source = facts
    copy = csv and facts.mixed_line_ends and has_mixed_line_ends(facts.path, facts.delimiter, packed=facts.packed)
    if not copy:
        relation, plan, broken = _load(con, facts, facts.path, wanted, base)
        # a blank line is no row, but the reader counts it when it numbers broken lines, or takes it as one empty cell
        suspect = csv and (broken > 0 or len(facts.columns) == 1)
        copy = suspect and has_blank_lines(facts.path, packed=facts.packed)
    if copy:
        with tempfile.TemporaryDirectory(prefix="triage-lab-") as folder:
            path = Path(folder) / "cleaned.csv"
            _copy_cleaned(facts, path)
            facts = replace(facts, format="csv", skip=0)
            relation, plan, _ = _load(con, facts, path, wanted, base)
    first_line = facts.skip + 2 if csv else 1
    rows = finish(
        con, relation, plan.cells, wanted.reading, base, facts.place, columns=plan.columns, fill=wanted.fill,
        first_line=first_line,
    )  # fmt: skip
    _check_rows(con, rows, plan, wanted, source)
    return rows, plan


def _copy_cleaned(facts: FileFacts, path: Path) -> None:
    """Write the cleaned copy, which needs as much room as the unpacked file."""
    try:
        write_cleaned(facts.path, path, facts.delimiter, packed=facts.packed)
    except OSError as error:
        raise ExportError(
            f"its line ends need a cleaned copy, which cannot be written ({error.strerror})",
            f"room for the unpacked file in {tempfile.gettempdir()}",
            "make room, set TMPDIR to a larger disk, or export with one kind of line end", place=facts.place,
        ) from error  # fmt: skip


def _load(con: Any, facts: FileFacts, path: Path, wanted: Wanted, base: str) -> tuple[Relation, Plan, int]:
    """Plan the columns and type the rows once."""
    relation = relate(con, facts, path, base)
    plan = wanted.plan(relation, facts.place)
    return relation, plan, load(con, relation, plan.cells, wanted.reading, base, facts.place)


def _check_rows(con: Any, rows: TypedRows, plan: Plan, wanted: Wanted, facts: FileFacts) -> None:
    """Refuse the file where its rejects say that it is cut off, misread or useless."""
    try:
        if rows.rejected:
            refuse_cut_off(con, rows, facts)
            times = tuple(column.name for column in plan.columns if column.kind is Kind.TIMESTAMP)
            refuse_other_order(con, rows, times, wanted.layouts, wanted.layout, facts.place)
        if rows.rejected and wanted.reading.zone is None:
            _refuse_no_zone(con, rows, facts.place)
        if rows.rows == rows.rejected:
            refuse_empty(con, rows.rejects, rows.rejected, facts.place)
    except ExportError:
        drop_objects(con, rows.objects)
        raise


def _refuse_no_zone(con: Any, rows: TypedRows, place: Place) -> None:
    """Refuse times without a zone where none was given."""
    found = con.execute(
        f'SELECT "row", "column", value FROM {rows.rejects} WHERE reason = ? ORDER BY "row" LIMIT 1', [NO_ZONE]
    ).fetchall()
    for row, column, value in found:
        raise ExportError(
            f"{column} {value!r} has no time zone", "times such as 2026-01-31T09:30:00Z or with an offset",
            "say in which zone the file was written: --timezone Europe/Berlin (or another IANA name)",
            place=Place(place.file, row=row), column=column, value=value,
        )  # fmt: skip
