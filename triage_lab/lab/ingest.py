"""Files in, canonical rows out: all files of a call land together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from triage_lab import sources, store
from triage_lab.domain.errors import ExportError, Place, StoreError, UsageError
from triage_lab.domain.tables import CANONICAL
from triage_lab.lab.config import Config
from triage_lab.lab.fields import nearest
from triage_lab.lab.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file, or of the files of one export that were read together.

    ``parts``: (file, object, rows read, rows rejected) of each file of an export; empty for a single file. ``state``:
    ``loaded``, or ``unchanged`` if the same content was loaded before. ``tables``: canonical table → (inserted,
    identical rows collapsed, differing rows of one key). ``reasons``: reject reasons with their counts.
    """

    file: str
    state: str
    load_id: int | None
    read: int
    rejected: int
    tables: Mapping[str, tuple[int, int, int]]
    reasons: Mapping[str, int]
    notices: tuple[str, ...]
    parts: tuple[tuple[str, str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ``ingest`` did."""

    files: tuple[FileReport, ...]

    @property
    def rejected(self) -> int:
        """Rows rejected in all files."""
        return sum(report.rejected for report in self.files)


def ingest(
    config: Config,
    files: Sequence[str | Path],
    *,
    source: str | None = None,
    table: str | None = None,
    columns: Mapping[str, sources.Given] | None = None,
    layout: str | None = None,
    delimiter: str | None = None,
    timezone: str | None = None,
    snapshot_at: str | None = None,
    strict: bool = False,
    progress: Progress = silent,
) -> IngestReport:
    """Load files into the lab's store in one transaction.

    Parameters
    ----------
    files : sequence of str or Path
        Files; folders stand for the files in them. For a source whose export has several objects also
        ``OBJECT=FILE``; all its files are read together, as one load.
    source, table : str or None
        Exactly one: a source mapping (``zendesk``), or a canonical table for files that use its column names.
    columns : mapping or None
        canonical column → column of the file, or a recipe for its value; not for a source with several objects.
    layout : str or None
        Layout of the source, or ``day_first`` or ``month_first`` for a table; default the first.
    delimiter : str or None
        Column separator of CSV; default a comma, or a tab for .tsv.
    timezone : str or None
        IANA zone of times that carry none.
    snapshot_at : str or None
        When the export was taken, ISO 8601; without a zone it is in ``timezone``.
    strict : bool
        Refuse the whole call if any row is rejected.

    Raises
    ------
    UsageError, ExportError, StoreError
        The store is then as it was before.
    """
    target = _target(source, table)
    taken = _snapshot(snapshot_at, timezone)
    if not files:
        raise UsageError("no file given", "one or more files", "triage-lab ingest --source zendesk EXPORT_FOLDER")
    units = _units(files, target, columns, delimiter)
    reading = {"columns": columns, "layout": layout, "delimiter": delimiter, "timezone": timezone}
    existed, had_folder = config.database.exists(), config.database.parent.exists()
    try:
        with store.open_store(config.database, write=True) as con, store.transaction(con):
            reports = []
            for number, unit in enumerate(units):
                part = partial(_step, progress, number / len(units), 1 / len(units))
                reports.append(_load(con, unit, target, reading, taken, strict, part))
            progress("writing the store", 1.0)
    except BaseException as error:
        # a lock says that another process made the file meanwhile: it is not ours to remove
        if not existed and not (isinstance(error, StoreError) and "pid" in error.values):
            _forget(config.database, folder=not had_folder)
        raise
    return IngestReport(tuple(reports))


def _target(source: str | None, table: str | None) -> Any:
    """The mapping or canonical table to load into."""
    if (source is None) == (table is None):
        raise UsageError(
            "give either --source or --table",
            f"--source {' | '.join(sources.list_sources())}, or --table NAME for files with canonical column names",
            "e.g. triage-lab ingest --table tickets tickets.csv",
        )
    if source is not None:
        return sources.read_mapping(source)
    if table not in CANONICAL:
        raise UsageError(
            f"unknown table '{str(table)[:60]}'", nearest(str(table), CANONICAL), "see docs/reference/tables.md"
        )
    return CANONICAL[table]


def _snapshot(text: str | None, timezone: str | None) -> int | None:
    """ISO 8601 time → epoch seconds; without a zone it is in that of the files, else in UTC."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--snapshot-at {text[:60]!r} is no time", "ISO 8601, e.g. 2026-11-01T00:00:00Z", "correct --snapshot-at"
        ) from error
    if when.tzinfo is None:
        try:
            when = when.replace(tzinfo=ZoneInfo(timezone) if timezone else UTC)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageError(
                f"no time zone '{str(timezone)[:60]}'",
                "an IANA name such as Europe/Berlin or UTC",
                "correct --timezone",
            ) from error
    return int(when.timestamp())


Unit = Path | sources.Identified
"""What one load reads: a file, or the files of an export with several objects."""


def _units(
    files: Sequence[str | Path], target: Any, columns: Mapping[str, sources.Given] | None, delimiter: str | None
) -> list[Unit]:
    """Group the files into loads, and refuse what cannot be read before anything is opened."""
    if isinstance(target, sources.Mapping) and target.many:
        if columns:
            raise UsageError(
                f"--columns for {target.name}, whose export has several objects", "no --columns",
                "rename the columns in the files, or load a single table with --table and --columns",
            )  # fmt: skip
        return [sources.identify(files, target, delimiter=delimiter)]
    paths = [path for file in files for path in sources.expand(file)]
    for path in paths:
        sources.probe(path, delimiter=delimiter)
    return list(paths)


def _step(progress: Progress, start: float, width: float, text: str, share: float) -> None:
    """Report a share of one load as a share of the whole call."""
    progress(text, start + width * share)


def _load(
    con: Any,
    unit: Unit,
    target: Any,
    reading: Mapping[str, Any],
    snapshot_at: int | None,
    strict: bool,
    progress: Progress,
) -> FileReport:
    """Stage one file, or one export, and append what is new."""
    if isinstance(unit, Path):
        progress(f"reading {unit.name}", 0.0)
        staged = sources.stage(con, file=unit, target=target, snapshot_at=snapshot_at, **reading)
        file, shown = unit.name, str(unit)
        parts: tuple[tuple[str, str, int, int], ...] = ()
    else:
        options = {name: value for name, value in reading.items() if name != "columns"}
        staged = sources.stage_source(
            con, files=unit, source=target, snapshot_at=snapshot_at, progress=progress, **options
        )
        file, shown = staged.file, staged.file
        parts = tuple((part.file, part.object, part.counts.read, part.counts.rejected) for part in staged.parts)
    counts = staged.counts
    if strict and counts.rejected:
        first = sources.first_rejects(con, staged, limit=3)
        raise ExportError(
            f"{counts.rejected:,} of {counts.read:,} rows rejected (--strict); first: {first}",
            "a file without bad rows",
            "correct the rows, or load without --strict and read them in the table rejects",
            place=Place(shown),
        )
    load_id = store.begin_load(
        con,
        content_hash=staged.content_hash,
        file=file,
        source=staged.source,
        target=staged.target,
        layout=staged.layout,
        mapping_version=staged.mapping_version,
        timezone=staged.timezone,
        snapshot_at=snapshot_at,
    )
    notices = tuple(staged.notices)
    if load_id is None:
        sources.discard(con, staged)
        return FileReport(shown, "unchanged", None, counts.read, counts.rejected, {}, {}, notices, parts)
    progress("writing the store", 0.9)
    appended = {
        table: store.append(con, CANONICAL[table], relation, load_id) for table, relation in staged.tables.items()
    }
    store.append_rejects(con, staged.rejects, load_id, file if isinstance(unit, Path) else None)
    store.finish_load(
        con,
        load_id,
        rows=sum(done.inserted for done in appended.values()),
        rejected=counts.rejected,
        collapsed=sum(done.collapsed for done in appended.values()),
        differing=sum(done.differing for done in appended.values()),
        loaded_at=int(datetime.now(UTC).timestamp()),
    )
    reasons = sources.reject_reasons(con, staged)
    stored = {table: (done.inserted, done.collapsed, done.differing) for table, done in appended.items()}
    sources.discard(con, staged)
    return FileReport(shown, "loaded", load_id, counts.read, counts.rejected, stored, reasons, notices, parts)


def _forget(database: Path, *, folder: bool) -> None:
    """Remove a store that this failed call created, and its folder if the call made that, too."""
    for leftover in (database, database.with_name(database.name + ".wal")):
        leftover.unlink(missing_ok=True)
    if folder:
        with suppress(OSError):
            database.parent.rmdir()
