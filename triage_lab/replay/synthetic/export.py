"""Writing a synthetic desk: one file a table, the truth in a folder of its own, all or nothing."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import polars as pl

from triage_lab.domain.errors import UsageError
from triage_lab.replay.synthetic.desk import Desk

FORMATS = ("parquet", "csv")
README = """\
This is a SYNTHETIC export of an invented support desk. No person, company or event in it is real.

{tickets:,} tickets, seed {seed}, fault rate {faults}. The same arguments give the same bytes.
One file per table, names and columns as in the reference of the canonical tables; times are UTC.
Ingest a table with: triage-lab ingest --table tickets {example}

truth/ holds what a real export never has: the team that should have owned each ticket, true touch times and waits,
true values of every looked-up field, near-duplicates, planted faults, what was planted (parameters.json) and what a
good tool must find (expected.json). Never feed it to a policy.
"""


def write_desk(desk: Desk, folder: Path, format: str = "parquet") -> tuple[Path, ...]:
    """Write the desk's tables to ``folder`` and its truth to ``folder/truth``.

    Parameters
    ----------
    desk : Desk
        From ``generate_desk``.
    folder : Path
        New or empty folder; it appears complete or not at all.
    format : str
        ``parquet`` (timestamps in UTC) or ``csv`` (ISO 8601 with ``Z``, empty = NULL).

    Returns
    -------
    tuple of Path
        Files of the tables, by name of the table.

    Raises
    ------
    UsageError
        Unknown format, or the folder holds something.
    """
    if format not in FORMATS:
        raise UsageError(f"format {format!r}", " or ".join(FORMATS), "choose one of them", format=format)
    check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a run that was killed
    try:
        _write_all(desk, partial, format)
        if folder.exists():
            folder.rmdir()
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return tuple(folder / f"{name}.{format}" for name in sorted(desk.tables))


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something, or is none.

    Raises
    ------
    UsageError
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} is not an empty folder", "a folder that is new or empty", "name another one", folder=str(folder)
        )


def _write_all(desk: Desk, folder: Path, format: str) -> None:
    """Write every file of an export into a new folder."""
    (folder / "truth").mkdir(parents=True)
    for name, table in desk.tables.items():
        _write_frame(table, folder / f"{name}.{format}")
    for name, table in desk.truth.items():
        _write_frame(table, folder / "truth" / f"{name}.{format}")
    write_json(desk.parameters, folder / "truth" / "parameters.json")
    write_json(desk.expected, folder / "truth" / "expected.json")
    text = README.format(tickets=desk.tickets, seed=desk.seed, faults=desk.faults, example=f"tickets.{format}")
    (folder / "README.txt").write_text(text, encoding="utf-8", newline="\n")


def _write_frame(table: pl.DataFrame, path: Path) -> None:
    """Write one table; timestamps say that they are UTC."""
    stamped = table.with_columns(pl.col(pl.Datetime).dt.replace_time_zone("UTC"))
    if path.suffix == ".csv":
        stamped.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    else:
        stamped.write_parquet(path, compression="zstd")


def write_json(values: object, path: Path) -> None:
    """Write plain values, keys sorted."""
    text = json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
