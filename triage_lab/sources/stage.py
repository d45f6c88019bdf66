"""A file becomes canonical rows in temp tables, for the store to append."""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from triage_lab.domain.canonical import digest
from triage_lab.domain.errors import ExportError, Place
from triage_lab.domain.tables import Column, Kind, Table
from triage_lab.sources.bytestream import has_blank_lines
from triage_lab.sources.casts import NO_ZONE, Cell, Reading, literal
from triage_lab.sources.columns import match, require_source, require_table
from triage_lab.sources.derive import derive_tables, drop_objects, refuse_empty
from triage_lab.sources.facts import FileFacts, probe
from triage_lab.sources.line_ends import has_mixed_line_ends, write_cleaned
from triage_lab.sources.mapping import TABLE_LAYOUTS, Layout, Mapping, choose_layout
from triage_lab.sources.orders import refuse_other_order
from triage_lab.sources.relation import Relation, count, relate
from triage_lab.sources.typed import TypedRows, finish, load
from triage_lab.sources.zones import read_zone

CANONICAL_VERSION = "1"
CANONICAL_LAYOUT = "canonical"
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - stored times are UTC without a zone
_UTC_NOTICE = "times without a zone are taken as UTC; pass --timezone if they are local times"


@dataclass(frozen=True, slots=True)
class Counts:
    """Data rows of the file: ``read`` = ``staged`` + ``rejected``; blank lines are not rows."""

    read: int
    staged: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that is ready to be appended.

    Parameters
    ----------
    file : str
        The file as the caller named it.
    source : str
        Source of the mapping, or ``canonical``.
    target : str
        Name of the source, or of the canonical table.
    layout, mapping_version : str
        What the rows were read with; a user's own column names are part of the version.
    timezone : str or None
        The zone in which times without one were read; None if there could be none.
    snapshot_at : int or None
        Epoch seconds, as given.
    content_hash : str
        SHA-256 of the file's bytes.
    tables : mapping of str to str
        Canonical table to the temp table or view with all its columns, typed, and ``row_no``.
    rejects : str
        Temp table (file, row, column, value, reason): one row a bad cell or broken line.
    counts : Counts
        Data rows of the file.
    rows : mapping of str to int
        Rows in each of ``tables``.
    notices : tuple of str
        What the user should know, one sentence each.
    objects : tuple of (str, str)
        Temp objects behind all this, for ``discard``.
    """

    file: str
    source: str
    target: str
    layout: str
    mapping_version: str
    timezone: str | None
    snapshot_at: int | None
    content_hash: str
    tables: MappingType[str, str]
    rejects: str
    counts: Counts
    rows: MappingType[str, int]
    notices: tuple[str, ...]
    objects: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the columns of one file are typed."""

    cells: tuple[Cell, ...]
    columns: tuple[Column, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the call asks for, whatever the file holds."""

    target: Mapping | Table
    given: MappingType[str, str] | None
    reading: Reading
    fill: MappingType[str, str]


@dataclass(frozen=True, slots=True)
class _Check:
    """With what the rows were read, to judge what was rejected."""

    target: Mapping | Table
    layouts: tuple[Layout, ...]
    chosen: Layout
    reading: Reading


def stage(
    con: Any,
    *,
    file: Path,
    target: Mapping | Table,
    timezone: str | None,
    snapshot_at: int | None,
    columns: MappingType[str, str] | None = None,
    layout: str | None = None,
    delimiter: str | None = None,
) -> Staged:
    """Read a file into typed temp tables on a lent connection.

    Parameters
    ----------
    con : DuckDB connection
        Open, with external access; only temp objects are made.
    file : Path
        CSV, CSV.gz, Parquet, JSON Lines or JSON Lines.gz.
    target : Mapping or Table
        A source, or the canonical table whose column names the file uses.
    timezone : str or None
        IANA zone of times that name none; a time that occurs twice when clocks go back is the first of the two, one
        that clocks skip is read with the offset before the change.
    snapshot_at : int or None
        When the export was taken, epoch seconds.
    columns : mapping of str to str, optional
        Target column to file column, for files with other names.
    layout : str, optional
        Layout of the source, or ``day_first`` or ``month_first`` for a table; default the first.
    delimiter : str, optional
        Column separator of CSV; default comma, or tab for ``.tsv``.

    Returns
    -------
    Staged

    Raises
    ------
    ExportError
        The file cannot be used (see ``probe``), lacks required columns, has no valid row, or has times without a
        zone while ``timezone`` is None.
    UsageError
        No such zone, layout or column.

    Notes
    -----
    Cells: the empty text is NULL. Times: ISO 8601, epoch seconds (9 to 11 digits) or milliseconds (12 or 13).
    Booleans: true, false, yes, no, t, f, 1, 0 in any case. Whole numbers may end in ``.0``. NaN and infinities are
    refused. Columns that a table does not know go to ``tickets.custom`` as text, for other tables they are ignored.
    A row with a bad cell, without a required value or broken as CSV becomes rejects; implausible values stay.
    """
    facts = probe(file, delimiter=delimiter)
    layouts = target.layouts if isinstance(target, Mapping) else TABLE_LAYOUTS
    chosen = choose_layout(target.name, layouts, layout)
    zone = timezone
    if zone is None and isinstance(target, Mapping) and target.timezone == "required_or_utc":
        zone = "UTC"
    reading = Reading(
        zone=read_zone(zone) if zone is not None else None,
        date_order=chosen.date_order,
        null_tokens=target.null_tokens if isinstance(target, Mapping) else (),
        nul=facts.nul or facts.format == "parquet",
    )
    version = _version(target, columns, facts.delimiter)
    base = "staged_" + digest([str(file), facts.content_sha256, target.name, version, zone, layout, snapshot_at])[:16]
    fill = _fill(target, snapshot_at)
    rows, notices = _read(con, facts, _Wanted(target, columns, reading, fill), base)
    _check_rows(con, rows, _Check(target, layouts, chosen, reading), facts.place)
    if zone is not None and timezone is None:
        notices = (_UTC_NOTICE, *notices)
    tables, objects = {target.name: rows.view}, rows.objects
    if isinstance(target, Mapping):
        tables, made, said = derive_tables(con, target, rows.view, base, fill)
        drop_objects(con, tuple(item for item in rows.objects if item[1] != rows.rejects))
        objects, notices = (*made, ("TABLE", rows.rejects)), (*notices, *said)
    return Staged(
        file=str(file),
        source=target.name if isinstance(target, Mapping) else CANONICAL_LAYOUT,
        target=target.name,
        layout=chosen.name,
        mapping_version=version,
        timezone=zone,
        snapshot_at=snapshot_at,
        content_hash=facts.content_sha256,
        tables=tables,
        rejects=rows.rejects,
        counts=Counts(rows.rows, rows.rows - rows.rejected, rows.rejected),
        rows={name: count(con, view) for name, view in tables.items()},
        notices=notices,
        objects=objects,
    )


def discard(con: Any, staged: Staged) -> None:
    """Drop the temp objects of a staged file."""
    drop_objects(con, staged.objects)


def _version(target: Mapping | Table, columns: MappingType[str, str] | None, delimiter: str) -> str:
    """Version of the mapping; the user's own column names and a rare delimiter make it another one."""
    version = target.version if isinstance(target, Mapping) else CANONICAL_VERSION
    if columns:
        version += "+" + digest(dict(columns))[:12]
    return version if delimiter in {",", "\t", ""} else f"{version}+{ord(delimiter)}"


def _fill(target: Mapping | Table, snapshot_at: int | None) -> dict[str, str]:
    """SQL for columns that the call knows and the file may not."""
    fill = {}
    if snapshot_at is not None and (isinstance(target, Mapping) or target.column("snapshot_at")):
        fill["snapshot_at"] = f"TIMESTAMP '{EPOCH + timedelta(seconds=snapshot_at)}'"
    if isinstance(target, Mapping):
        fill["source"] = literal(target.name)
    return fill


def _read(con: Any, facts: FileFacts, wanted: _Wanted, base: str) -> tuple[TypedRows, tuple[str, ...]]:
    """Load the file; one whose line ends the reader would refuse or miscount goes through a cleaned copy."""
    csv = facts.format.startswith("csv")
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
    return rows, plan.notices


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


def _load(con: Any, facts: FileFacts, path: Path, wanted: _Wanted, base: str) -> tuple[Relation, _Plan, int]:
    """Plan the columns and type the rows once."""
    relation = relate(con, facts, path, base)
    target = wanted.target
    plan = _plan_source(relation, target, wanted, facts.place) if isinstance(target, Mapping) else (
        _plan_table(relation, target, wanted, facts.place)
    )  # fmt: skip
    return relation, plan, load(con, relation, plan.cells, wanted.reading, base, facts.place)


def _plan_source(relation: Relation, source: Mapping, wanted: _Wanted, place: Place) -> _Plan:
    """Columns of a source; others are left alone, because nobody knows when they were written."""
    found = match(relation.columns, {column.name: column.aliases for column in source.columns}, wanted.given, place)
    require_source(source, relation.columns, found, place)
    columns, cells = [], []
    for spec in source.columns:
        column = Column(spec.name, spec.kind, "", required=spec.required)
        columns.append(column)
        if spec.name in found:
            cells.append(Cell(column, *relation.at(found[spec.name]), codes=spec.codes))
    known = {*found.values(), *source.never_in_rules}
    ignored = [name for name in relation.columns if name not in known]
    absent = [spec.name for spec in source.columns if spec.name not in found]
    notices = []
    if absent:
        notices.append(f"columns not in this file: {', '.join(absent)}")
    if ignored:
        notices.append(f"columns not read: {', '.join(ignored)}")
    return _Plan(tuple(cells), tuple(columns), tuple(notices))


def _plan_table(relation: Relation, table: Table, wanted: _Wanted, place: Place) -> _Plan:
    """Columns of a canonical table; others go to ``custom`` where the table has it."""
    found = match(relation.columns, {column.name: () for column in table.columns}, wanted.given, place)
    require_table(table, relation.columns, found, place)
    extras = [name for name in relation.columns if name not in found.values()]
    custom = table.column("custom")
    cells = []
    for column in table.columns:
        if column is custom and extras:
            cells.append(Cell(column, *_custom(relation, extras, found.get("custom"))))
        elif column.name in found:
            cells.append(Cell(column, *relation.at(found[column.name])))
    notices = []
    shown = ", ".join(_called(relation, name) for name in extras)
    if extras and custom is None:
        notices.append(f"{table.name} has no place for these columns, they are ignored: {shown}")
    elif extras:
        notices.append(f"kept in {table.name}.custom: {shown}")
    return _Plan(tuple(cells), table.columns, tuple(notices))


def _called(relation: Relation, name: str) -> str:
    """A column's name, or its place in the file if it has none."""
    return name or f"column_{relation.columns.index(name) + 1}"


def _custom(relation: Relation, extras: Sequence[str], own: str | None) -> tuple[str, str]:
    """SQL and type: the extra columns as one JSON object of texts, sorted by name, NULLs left out."""
    pairs = []
    for name in sorted(extras):
        source, _ = relation.at(name)
        key = json.dumps(_called(relation, name), ensure_ascii=False)
        pairs.append(f"{literal(key + ':')} || to_json(nullif(CAST({source} AS VARCHAR), ''))")
    # NULL || text is NULL, and concat_ws leaves NULLs out
    found = f"nullif('{{' || concat_ws(',', {', '.join(pairs)}) || '}}', '{{}}')"
    if own is None:
        return found, "JSON"
    # a custom column of the file itself wins over columns of the same name
    text = f"nullif(CAST({relation.at(own)[0]} AS VARCHAR), '')"
    merged = f"CAST(json_merge_patch(coalesce({found}, '{{}}'), {text}) AS VARCHAR)"
    return f"CASE WHEN {text} IS NULL THEN {found} WHEN json_valid({text}) THEN {merged} ELSE {text} END", "VARCHAR"


def _check_rows(con: Any, rows: TypedRows, check: _Check, place: Place) -> None:
    """Refuse a file with times that nobody can place or that another layout reads, or without a valid row."""
    reading = check.reading
    try:
        if rows.rejected:
            times = tuple(column.name for column in check.target.columns if column.kind is Kind.TIMESTAMP)
            refuse_other_order(con, rows, times, check.layouts, check.chosen, place)
        if reading.zone is None and rows.rejected:
            found = con.execute(
                f'SELECT "row", "column", value FROM {rows.rejects} WHERE reason = ? ORDER BY "row" LIMIT 1', [NO_ZONE]
            ).fetchall()
            for row, column, value in found:
                raise ExportError(
                    f"{column} {value!r} has no time zone", "times such as 2026-01-31T09:30:00Z or with an offset",
                    "say in which zone the file was written: --timezone Europe/Berlin (or another IANA name)",
                    place=Place(place.file, row=row), column=column, value=value,
                )  # fmt: skip
        if rows.rows == rows.rejected:
            refuse_empty(con, rows.rejects, rows.rejected, place)
    except ExportError:
        drop_objects(con, rows.objects)
        raise
