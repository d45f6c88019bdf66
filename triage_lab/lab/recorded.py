"""Recorded runs: result.json, scorecard and manifest on disk, and the Run that a notebook shows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triage_lab import store
from triage_lab.domain.errors import ConfigError, InternalError, Place, StoreError
from triage_lab.domain.result import Result
from triage_lab.lab.atomic import write_text
from triage_lab.lab.config import Config

if TYPE_CHECKING:
    import polars as pl

RESULT, SCORECARD, MANIFEST = "result.json", "scorecard.html", "manifest.json"


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """A recorded run: its result, its folder, its tables in the store.

    In a notebook a run shows its summary; ``measures()`` and ``records()`` are Polars frames.
    """

    result: Result
    folder: Path
    database: Path

    @property
    def run_id(self) -> str:
        """First 12 hex digits of the manifest's digest."""
        return self.result.run_id

    def measures(self) -> pl.DataFrame:
        """Every number of the run: one row per metric, arm and segment, with interval, n, accounts, grade, flags."""
        return self._table("measures")

    def records(self) -> pl.DataFrame:
        """What happened to each ticket in each arm (replication 0); times are UTC."""
        return self._table("records")

    def decisions(self) -> pl.DataFrame:
        """What each arm decided for each ticket, with the rules that fired and those that were unknown."""
        return self._table("decisions")

    def _table(self, name: str) -> pl.DataFrame:
        """Rows of this run in one of the store's run tables."""
        with store.open_store(self.database, write=False) as con:
            return store.run_table(con, name, self.run_id)

    def scorecard(self, path: str | Path | None = None) -> Path:
        """Write the page to ``path`` (default: the run's folder) and return where it is."""
        from triage_lab import report

        target = Path(path) if path is not None else self.folder / SCORECARD
        return write_text(target, report.render_scorecard(self.result))

    def figure(self, name: str) -> Any:
        """A matplotlib figure for slides and notebooks, e.g. ``first_action_curve``."""
        from triage_lab import report

        return report.figure(self.result, name)

    def __repr__(self) -> str:
        """One line; a notebook shows the summary instead."""
        result = self.result
        return f"<Run {self.run_id}: {result.candidate.name} against {result.baseline.name}, {result.verdict.word}>"

    def _repr_html_(self) -> str:
        """The summary, for a notebook."""
        from triage_lab import report

        return report.render_summary(self.result)


@dataclass(frozen=True, slots=True)
class RunLine:
    """One line of the list of runs; ``started_at`` is ISO 8601 UTC text."""

    run_id: str
    started_at: str
    candidate: str
    baseline: str
    tickets: int | None
    verdict: str | None
    wall_seconds: float | None


@contextmanager
def files_of(config: Config, result: Result, manifest: str) -> Iterator[Path]:
    """Write result.json, scorecard.html and manifest.json of a run around the block that stores it; gives the folder.

    If the block fails, a folder that was not there before is gone again.

    Raises
    ------
    InternalError
        The run was recorded before with another result: equal inputs did not give equal bytes. Nothing is written.
    """
    from triage_lab import report

    folder = config.reports / result.run_id
    text = report.to_json(result)
    _check_equal(folder / RESULT, text)
    existed = folder.exists()
    try:
        write_text(folder / RESULT, text)
        write_text(folder / MANIFEST, manifest)
        write_text(folder / SCORECARD, report.render_scorecard(result))
        yield folder
    except BaseException:
        if not existed:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _check_equal(path: Path, text: str) -> None:
    """Hold a rerun to the bytes that are recorded."""
    try:
        recorded = path.read_bytes()
    except OSError:
        return
    if recorded != text.encode():
        raise InternalError(
            f"this run gives another {RESULT} than the one recorded",
            "equal inputs give equal bytes",
            f"report it with both; to record the run anew, move {path.parent} away",
            place=Place(str(path)),
        )


def list_runs(config: Config) -> tuple[RunLine, ...]:
    """Recorded runs, newest first."""
    import json

    with store.open_store(config.database, write=False) as con:
        frame = store.list_runs(con)
    lines = []
    for row in frame.iter_rows(named=True):
        manifest = json.loads(row["manifest"])
        result = _result_or_none(config, row["run_id"])
        lines.append(
            RunLine(
                row["run_id"],
                str(row["started_at"]),
                str(manifest.get("candidate", {}).get("name", "")),
                str(manifest.get("baseline", {}).get("name", "")),
                result.scope.scored if result else None,
                str(result.verdict.word) if result else None,
                row["wall_seconds"],
            )
        )
    return tuple(sorted(lines, key=lambda line: (line.started_at, line.run_id), reverse=True))


def _result_or_none(config: Config, run_id: str) -> Result | None:
    """The result on disk, or None if its file is gone."""
    path = config.reports / run_id / RESULT
    return _read_result(path) if path.is_file() else None


def _read_result(path: Path) -> Result:
    """Parse a result.json."""
    from triage_lab import report

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("cannot be read", "the result.json of a run", place=Place(str(path))) from error
    return report.from_json(text)


def read_run(config: Config, run: str | None) -> Run:
    """Return a run by the beginning of its id, or the newest one.

    Raises
    ------
    StoreError
        There is no such run, or its result.json is gone.
    """
    with store.open_store(config.database, write=False) as con:
        if run is None:
            frame = store.list_runs(con)
            if frame.is_empty():
                raise StoreError("no run is recorded yet", "a recorded run", "triage-lab backtest POLICY")
            run_id = str(frame.sort("started_at", "run_id")["run_id"][-1])
        else:
            run_id = str(store.read_run(con, run)["run_id"])
    folder = config.reports / run_id
    if not (folder / RESULT).is_file():
        raise StoreError(
            f"run {run_id} has no {RESULT} in {folder}", "the files of the run", "run the same backtest again"
        )
    return Run(_read_result(folder / RESULT), folder, config.database)


def write_scorecard(config: Config, run: str | None, *, md: bool, out: Path | None) -> tuple[Path, ...]:
    """Write the page of a run again from its result.json; returns the files written."""
    from triage_lab import report

    found = read_run(config, run)
    written = [found.scorecard(out)]
    if md:
        written.append(write_text(written[0].with_suffix(".md"), report.render_markdown(found.result)))
    return tuple(written)
