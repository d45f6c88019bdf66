"""The files of one export, of a source with several objects, become canonical rows in temp tables."""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from triage_lab.domain.canonical import digest
from triage_lab.domain.errors import ExportError, UsageError
from triage_lab.domain.tables import Column
from triage_lab.sources.casts import Reading, identifier, literal
from triage_lab.sources.derive import derive_tables, drop_objects
from triage_lab.sources.fit import advice
from triage_lab.sources.identify import Identified, ObjectFile, identify
from triage_lab.sources.mapping import Layout, SourceObject, TableMapping
from triage_lab.sources.mapping import Mapping as Source
from triage_lab.sources.plans import EXTRA, Plan, plan_object
from triage_lab.sources.relation import count
from triage_lab.sources.rows import Wanted, read_rows
from triage_lab.sources.stage import UTC_NOTICE, Counts, Part, Staged, about_nulls, fill_of, stage, version_of, zone_of
from triage_lab.sources.typed import REJECT_COLUMNS
from triage_lab.sources.zones import read_zone

Progress = Callable[[str, float], None]
_NAMES_SHOWN = 3
_COLUMNS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Call:
    """What the call asks for, and with what cells are read."""

    source: Source
    timezone: str | None
    snapshot_at: int | None
    layout: Layout
    base: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class _Read:
    """One file that was read: its view of good rows (empty if it has no row), and what there is to say."""

    part: Part
    view: str
    rejects: str
    plan: Plan | None
    spared: Mapping[str, int]
    notices: tuple[str, ...]


def stage_source(
    con: Any,
    *,
    files: Sequence[Path | str] | Identified,
    source: Source,
    timezone: str | None,
    snapshot_at: int | None,
    layout: str | None = None,
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> Staged:
    """Read the files of one export into typed temp tables on a lent connection.

    Parameters
    ----------
    con : DuckDB connection
        Open, with external access; only temp objects are made.
    files : sequence of Path or str, or Identified
        Files, ``OBJECT=FILE`` texts, or folders; or what ``identify`` found, if it has been called for them.
    source : Mapping
        The source. One with a single object takes a single file, as ``stage`` does.
    timezone : str or None
        IANA zone of times that name none.
    snapshot_at : int or None
        When the export was taken, epoch seconds.
    layout : str, optional
        Layout of the source; default the first.
    delimiter : str, optional
        Column separator of CSV; default comma, or tab for ``.tsv``.
    progress : callable, optional
        Called with what is being done and the share that is done, 0 to 1.

    Returns
    -------
    Staged
        With one part a file. ``row_no`` of a table is that of its query, or counts its rows in the query's order.

    Raises
    ------
    ExportError
        A file cannot be used or told (see ``identify``), ends within a row, or has no valid row; the main object has a
        header only; or no table can be derived from what is there.
    UsageError
        No such zone, layout or object.

    Notes
    -----
    An object that is absent is an empty view. A table is derived if all objects that it is made from are there, with
    rows; else a notice says what is missing.
    """
    chosen = source.layout(layout)
    zone = zone_of(source, timezone)
    if not source.many:
        path = _only_file(files, source)
        return stage(
            con, file=path, target=source, timezone=timezone, snapshot_at=snapshot_at, layout=layout,
            delimiter=delimiter,
        )  # fmt: skip
    found = files if isinstance(files, Identified) else identify(files, source, delimiter=delimiter)
    tables, unmade = _tables(source, found)
    hashes = sorted((part.object, part.facts.content_sha256) for part in found.parts)
    version = version_of(source, None, [part.facts for part in found.parts])
    names = [str(part.path) for part in found.parts]
    base = "staged_" + digest([source.name, hashes, names, version, zone, chosen.name, snapshot_at])[:16]
    call = _Call(source, zone, snapshot_at, chosen, base, progress or _silent)
    made: list[tuple[str, str]] = []
    with _dropped(con, made):
        nths = [(place, len(names)) for place in range(1, len(names) + 1)]
        reads = [_read(con, call, part, nth, made) for part, nth in zip(found.parts, nths, strict=True)]
        call.progress("deriving tables", 0.8)
        views = {f"src_{item.name}": _union(item, reads) for item in source.objects}
        fill = fill_of(source, snapshot_at)
        views["src_call"] = _call_view(zone, fill.get("snapshot_at", "NULL"))
        derived = derive_tables(con, source, views, base, fill, tables)
        rejects = _gather_rejects(con, base, reads)
    call.progress("staged", 1.0)
    said = [UTC_NOTICE] if zone is not None and timezone is None else []
    said += [*found.notices, *_about_columns(source, reads), *unmade]
    return Staged(
        file=_files(found.parts),
        source=source.name,
        target=source.name,
        layout=chosen.name,
        mapping_version=version,
        timezone=zone,
        snapshot_at=snapshot_at,
        content_hash=digest([list(pair) for pair in hashes]),
        tables=derived.tables,
        rejects=rejects,
        counts=_sum([read.part.counts for read in reads]),
        rows={name: count(con, view) for name, view in derived.tables.items()},
        notices=(*said, *derived.notices),
        objects=(*derived.objects, ("TABLE", rejects)),
        parts=tuple(read.part for read in reads),
    )


def _silent(_what: str, _share: float) -> None:
    """Progress that nobody wants to see."""


def _only_file(files: Sequence[Path | str] | Identified, source: Source) -> Path:
    """The one file that a source of one object takes at a time."""
    paths = [part.path for part in files.parts] if isinstance(files, Identified) else [Path(file) for file in files]
    if len(paths) != 1:
        raise UsageError(f"{len(paths)} files for {source.name}", "one file at a time", "stage each file by itself")
    return paths[0]


@contextmanager
def _dropped(con: Any, made: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Drop what was made on the way, whatever happens."""
    try:
        yield
    finally:
        drop_objects(con, tuple(made))


def _tables(source: Source, found: Identified) -> tuple[list[TableMapping], list[str]]:
    """The tables that can be derived, and a sentence for each that cannot.

    Raises
    ------
    ExportError
        An object of the first table has a header only, or there is no table to derive.
    """
    there = {part.object for part in found.parts}
    filled = {part.object for part in found.parts if not part.facts.empty}
    for part in found.parts:
        first = source.tables[0]
        if part.object not in filled and first.wants(part.object) and first.lacking(filled):
            raise ExportError(
                "the file has a header only, no row", f"at least one row of {part.object}",
                "export it again, or leave the file out", place=part.facts.place, object=part.object,
            )  # fmt: skip
    tables = [mapped for mapped in source.tables if not mapped.lacking(filled)]
    if not tables:
        needs = "; ".join(f"{mapped.table} from {', '.join(mapped.from_objects)}" for mapped in source.tables)
        raise ExportError(
            f"no table can be derived from {', '.join(sorted(there))} alone", f"files for one of: {needs}",
            advice([*(part.facts for part in found.parts), *found.left], source)[1]
            or "name the other files of the export, or its folder",
            place=found.parts[0].facts.place, objects=tuple(sorted(there)),
        )  # fmt: skip
    said = []
    for mapped in source.tables:
        absent = mapped.lacking(there)
        hollow = [need for need in mapped.lacking(filled) if need not in absent]
        if absent:
            said.append(f"{mapped.table} not derived: needs {', '.join(absent)}")
        elif hollow:
            said.append(f"{mapped.table} not derived: {', '.join(hollow)} has a header only")
    return tables, said


def _read(con: Any, call: _Call, file: ObjectFile, nth: tuple[int, int], made: list[tuple[str, str]]) -> _Read:
    """Type one file, the nth of so many; what was made for it is noted in ``made``."""
    place, files = nth
    call.progress(f"reading {file.path.name}", 0.8 * (place - 1) / files)
    facts, item = file.facts, call.source.object(file.object)
    if facts.empty:
        part = Part(str(file.path), file.object, facts.content_sha256, Counts(0, 0, 0))
        return _Read(part, "", "", None, {}, (f"{file.path.name} has a header only: no {file.object}",))
    reading = Reading(
        zone=read_zone(call.timezone) if call.timezone is not None else None,
        date_order=call.layout.date_order,
        null_tokens=call.source.null_tokens,
        nul=facts.nul or facts.format == "parquet",
    )
    plan = partial(plan_object, source=call.source, item=item, given=None)
    wanted = Wanted(plan, reading, call.source.layouts, call.layout, {})
    rows, planned = read_rows(con, facts, wanted, f"{call.base}_{place}")
    made[:0] = rows.objects
    counts = Counts(rows.rows, rows.rows - rows.rejected, rows.rejected)
    part = Part(str(file.path), file.object, facts.content_sha256, counts)
    return _Read(part, rows.view, rows.rejects if rows.rejected else "", planned, rows.spared, ())


def _union(item: SourceObject, reads: Sequence[_Read]) -> str:
    """SQL of the view of an object: the rows of all its files, numbered through; of an absent object, no row."""
    columns = [*(Column(spec.name, spec.kind, "") for spec in item.columns), *([EXTRA] if item.extra else [])]
    names = ", ".join(identifier(column.name) for column in columns)
    parts, before, nth = [], 0, 0
    for read in reads:
        if read.part.object != item.name:
            continue
        nth += 1
        if read.view:
            parts.append(f"SELECT {names}, row_no + {before} AS row_no, {nth} AS file_no FROM {read.view}")
        before += read.part.counts.read
    nothing = ", ".join(f"CAST(NULL AS {column.kind.value}) AS {identifier(column.name)}" for column in columns)
    numbers = "CAST(NULL AS BIGINT) AS row_no, CAST(NULL AS INTEGER) AS file_no"
    return " UNION ALL ".join(parts) or f"SELECT {nothing}, {numbers} WHERE FALSE"


def _call_view(timezone: str | None, snapshot_at: str) -> str:
    """SQL of the one row that says when the export was taken and in which zone it was read."""
    zone = literal(timezone) if timezone is not None else "NULL"
    return f"SELECT CAST({snapshot_at} AS TIMESTAMP) AS snapshot_at, CAST({zone} AS VARCHAR) AS timezone"


def _gather_rejects(con: Any, base: str, reads: Sequence[_Read]) -> str:
    """Write the rejects of all files into one table, in the order of the files."""
    rejects = f"{base}_rejects"
    con.execute(f"CREATE OR REPLACE TEMP TABLE {rejects} ({REJECT_COLUMNS})")
    for read in reads:
        if read.rejects:
            con.execute(f"INSERT INTO {rejects} SELECT * FROM {read.rejects}")
    return rejects


def _about_columns(source: Source, reads: Sequence[_Read]) -> Iterator[str]:
    """What there is to say about files without rows, and about the columns of all objects."""
    yield from (notice for read in reads for notice in read.notices)
    absent, ignored = [], []
    nulls: Counter[str] = Counter()
    for read in reads:
        nulls.update({f"{read.part.object}.{name}": times for name, times in read.spared.items()})
    yield from about_nulls(nulls)
    for item in source.objects:
        plans = [read.plan for read in reads if read.part.object == item.name and read.plan]
        missing = [name for name in (plans[0].absent if plans else ()) if all(name in plan.absent for plan in plans)]
        unread = list(dict.fromkeys(name for plan in plans for name in plan.ignored))
        absent += [f"{item.name}: {_some(missing)}"] if missing else []
        ignored += [f"{item.name}: {_some(unread)}"] if unread else []
    if absent:
        yield f"columns not in the export ({'; '.join(absent)})"
    if ignored:
        yield f"columns not read ({'; '.join(ignored)})"


def _some(names: Sequence[str]) -> str:
    """Names for a notice, cut where there are too many."""
    more = len(names) - _COLUMNS_SHOWN
    return ", ".join(names[:_COLUMNS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _files(parts: Sequence[ObjectFile]) -> str:
    """The files as a short text."""
    if len(parts) == 1:
        return str(parts[0].path)
    shown = ", ".join(part.path.name for part in parts[:_NAMES_SHOWN])
    return f"{len(parts)} files: {shown}" + (", …" if len(parts) > _NAMES_SHOWN else "")


def _sum(counts: Sequence[Counts]) -> Counts:
    """Rows of several files."""
    return Counts(
        sum(each.read for each in counts), sum(each.staged for each in counts), sum(each.rejected for each in counts)
    )
