"""A file becomes canonical rows in temp tables, for the store to append."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from triage_lab.domain.canonical import digest
from triage_lab.domain.errors import UsageError
from triage_lab.domain.tables import Table
from triage_lab.sources.casts import Reading, literal
from triage_lab.sources.derive import derive_tables, drop_objects
from triage_lab.sources.facts import FileFacts, probe
from triage_lab.sources.mapping import TABLE_LAYOUTS, Mapping, choose_layout
from triage_lab.sources.plans import Plan, plan_object, plan_table
from triage_lab.sources.recipes import Given
from triage_lab.sources.relation import count
from triage_lab.sources.rows import Wanted, read_rows
from triage_lab.sources.zones import read_zone

CANONICAL_VERSION = "1"
CANONICAL_LAYOUT = "canonical"
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - stored times are UTC without a zone
TEXT_NULLS = ("NULL", "\\N", "?")
UTC_NOTICE = "times without a zone are taken as UTC, where there are any; pass --timezone if they are local times"


@dataclass(frozen=True, slots=True)
class Counts:
    """Data rows of the file: ``read`` = ``staged`` + ``rejected``; blank lines are not rows."""

    read: int
    staged: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Part:
    """One file of what was staged: as the caller named it, its object (``rows`` if there is but one), SHA-256, rows."""

    file: str
    object: str
    content_hash: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Staged:
    """A file, or the files of one export, ready to be appended.

    Parameters
    ----------
    file : str
        The file as the caller named it, or how many there are and the first names.
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
        SHA-256 of the file's bytes; of several files, of their objects and hashes in a fixed order.
    tables : mapping of str to str
        Canonical table to the temp table or view with all its columns, typed, and ``row_no``.
    rejects : str
        Temp table (file, row, column, value, reason): one row a bad cell or broken line.
    counts : Counts
        Data rows of all files.
    rows : mapping of str to int
        Rows in each of ``tables``.
    notices : tuple of str
        What the user should know, one sentence each.
    objects : tuple of (str, str)
        Temp objects behind all this, for ``discard``.
    parts : tuple of Part
        The files, in the order in which their rows are numbered.
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
    parts: tuple[Part, ...]


def stage(
    con: Any,
    *,
    file: Path,
    target: Mapping | Table,
    timezone: str | None,
    snapshot_at: int | None,
    columns: MappingType[str, Given] | None = None,
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
    columns : mapping of str to str or Recipe, optional
        Target column to file column, or to how its value is made, for files with other names.
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
    Cells: the empty text is NULL; in columns that hold no text so are ``?``, NULL, None and N/A, in those of times and
    dates also 1900-01-01; in text columns of a table only NULL and ``?`` exactly. Times: ISO 8601, epoch seconds (9 to
    11 digits) or milliseconds (12 or 13).
    Booleans: true, false, yes, no, t, f, 1, 0 in any case. Whole numbers may end in ``.0``. NaN and infinities are
    refused. Columns that a table does not know go to ``tickets.custom`` as text, for other tables they are ignored.
    A row with a bad cell, without a required value or broken as CSV becomes rejects; implausible values stay.
    """
    if isinstance(target, Mapping) and target.many:
        raise UsageError(
            f"{target.name} comes in several objects", "the files of one export together", "use stage_source"
        )
    facts = probe(file, delimiter=delimiter)
    layouts = target.layouts if isinstance(target, Mapping) else TABLE_LAYOUTS
    chosen = choose_layout(target.name, layouts, layout)
    zone = zone_of(target, timezone)
    reading = Reading(
        zone=read_zone(zone) if zone is not None else None,
        date_order=chosen.date_order,
        null_tokens=target.null_tokens if isinstance(target, Mapping) else (),
        text_nulls=() if isinstance(target, Mapping) else TEXT_NULLS,
        nul=facts.nul or facts.format == "parquet",
    )
    version = version_of(target, columns, [facts])
    base = "staged_" + digest([str(file), facts.content_sha256, target.name, version, zone, layout, snapshot_at])[:16]
    fill = fill_of(target, snapshot_at)
    if isinstance(target, Mapping):
        plan = partial(plan_object, source=target, item=target.objects[0], given=columns)
    else:
        plan = partial(plan_table, table=target, given=columns)
    rows, planned = read_rows(con, facts, Wanted(plan, reading, layouts, chosen, fill), base)
    notices = (*_about_columns(target, planned), *about_nulls(rows.spared))
    if zone is not None and timezone is None:
        notices = (UTC_NOTICE, *notices)
    tables, objects = {target.name: rows.view}, rows.objects
    if isinstance(target, Mapping):
        derived = derive_tables(con, target, {"source_rows": rows.view}, base, fill)
        drop_objects(con, tuple(item for item in rows.objects if item[1] != rows.rejects))
        tables, objects = dict(derived.tables), (*derived.objects, ("TABLE", rows.rejects))
        notices = (*notices, *derived.notices)
    counts = Counts(rows.rows, rows.rows - rows.rejected, rows.rejected)
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
        counts=counts,
        rows={name: count(con, view) for name, view in tables.items()},
        notices=notices,
        objects=objects,
        parts=(Part(str(file), "rows", facts.content_sha256, counts),),
    )


def discard(con: Any, staged: Staged) -> None:
    """Drop the temp objects of what was staged."""
    drop_objects(con, staged.objects)


def zone_of(target: Mapping | Table, timezone: str | None) -> str | None:
    """Return the zone of times that name none: the given one, UTC where a source allows it, or None to refuse them."""
    if timezone is None and isinstance(target, Mapping) and target.timezone == "required_or_utc":
        return "UTC"
    return timezone


def version_of(target: Mapping | Table, columns: MappingType[str, Given] | None, files: Sequence[FileFacts]) -> str:
    """Return the version of the mapping; the user's own column names and rare delimiters make it another one."""
    version = target.version if isinstance(target, Mapping) else CANONICAL_VERSION
    if columns:
        said = {name: given if isinstance(given, str) else given.described() for name, given in columns.items()}
        version += "+" + digest(said)[:12]
    rare = sorted({ord(facts.delimiter) for facts in files if facts.delimiter not in {",", "\t", ""}})
    return "+".join([version, *(str(code) for code in rare)])


def fill_of(target: Mapping | Table, snapshot_at: int | None) -> dict[str, str]:
    """Return SQL for columns that the call knows and the file may not."""
    fill = {}
    if snapshot_at is not None and (isinstance(target, Mapping) or target.column("snapshot_at")):
        fill["snapshot_at"] = f"TIMESTAMP '{EPOCH + timedelta(seconds=snapshot_at)}'"
    if isinstance(target, Mapping):
        fill["source"] = literal(target.name)
    return fill


def about_nulls(spared: MappingType[str, int]) -> tuple[str, ...]:
    """Return a sentence about cells that were taken for NULL, column by column; none if there was none."""
    if not spared:
        return ()
    shown = ", ".join(f"{name} {times:,}" for name, times in spared.items())
    return (f"cells read as NULL for '?', NULL, None, N/A, \\N or 1900-01-01: {shown}",)


def _about_columns(target: Mapping | Table, plan: Plan) -> tuple[str, ...]:
    """Which columns of one file were not read, or went elsewhere."""
    said = []
    if plan.absent:
        said.append(f"columns not in this file: {', '.join(plan.absent)}")
    if plan.kept:
        said.append(f"kept in {target.name}.custom: {', '.join(plan.kept)}")
    if plan.ignored:
        what = "columns not read" if isinstance(target, Mapping) else (
            f"{target.name} has no place for these columns, they are ignored"
        )  # fmt: skip
        said.append(f"{what}: {', '.join(plan.ignored)}")
    return tuple(said)
