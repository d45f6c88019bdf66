"""Files of a synthetic desk: equal bytes for equal arguments, complete or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from synthetic_desks import DATA, desk_of, desk_operations
from synthetic_sample import sample_tables

from triage_lab.domain.errors import UsageError
from triage_lab.domain.tables import CANONICAL
from triage_lab.replay.synthetic import generate_desk, write_desk

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from synthetic_desks import desk_operations
from triage_lab.replay.synthetic import generate_desk, write_desk
desk = generate_desk(tickets=3_000, seed=11, faults=0.3, operations=desk_operations(3_000))
for format in ("parquet", "csv"):
    write_desk(desk, Path(sys.argv[2]) / format, format)
"""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_equal_bytes_for_any_hash_seed_thread_count_and_zone(tmp_path: Path) -> None:
    found = []
    for run, (hash_seed, threads, zone) in enumerate((("0", "1", "UTC"), ("4711", "2", "Asia/Kolkata"))):
        environment = os.environ | {
            "PYTHONHASHSEED": hash_seed, "POLARS_MAX_THREADS": threads, "TZ": zone, "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        target = tmp_path / str(run)
        command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(target)]
        subprocess.run(command, env=environment, check=True, cwd=tmp_path)
        found.append(digests(target))
    assert found[0] == found[1]
    assert len(found[0]) == 2 * (len(CANONICAL) + 5 + 2 + 1)
    here = tmp_path / "here"
    write_desk(desk_of(3_000, 11, 0.3), here)
    assert digests(here) == {name[8:]: value for name, value in found[0].items() if name.startswith("parquet/")}


def test_other_seeds_and_sizes_give_other_tickets() -> None:
    one, other = desk_of(1_000, 1), desk_of(1_000, 2)
    assert not one.tables["tickets"]["created_at"].equals(other.tables["tickets"]["created_at"])
    again = generate_desk(tickets=1_000, seed=1, operations=desk_operations(1_000))
    for name, table in one.tables.items():
        assert table.equals(again.tables[name]), name


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_files_hold_the_tables(tmp_path: Path, format: str) -> None:
    desk = desk_of(1_000)
    files = write_desk(desk, tmp_path / "deep" / "export", format)
    assert [path.name for path in files] == sorted(f"{name}.{format}" for name in CANONICAL)
    for path in files:
        table = desk.tables[path.stem]
        if format == "parquet":
            read = pl.read_parquet(path).with_columns(pl.col(pl.Datetime).dt.replace_time_zone(None))
        else:
            text = {name: pl.String if kind == pl.Datetime else kind for name, kind in table.schema.items()}
            read = pl.read_csv(path, schema=text).with_columns(
                pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
                for name, kind in table.schema.items()
                if kind == pl.Datetime
            )
        assert read.equals(table), path.name
    truth = tmp_path / "deep" / "export" / "truth"
    assert {path.stem for path in truth.glob(f"*.{format}")} == {
        "tickets",
        "waits",
        "enrichment",
        "duplicates",
        "faults",
    }
    assert json.loads((truth / "expected.json").read_text("utf-8")) == desk.expected
    planted = json.loads((truth / "parameters.json").read_text("utf-8"))
    assert (planted["tickets"], planted["synthetic"]) == (1_000, True)
    assert planted["rates"]["wrong_first_team"] == 0.06
    assert "SYNTHETIC" in (tmp_path / "deep" / "export" / "README.txt").read_text("utf-8")


def test_a_used_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "export"
    target.mkdir()
    (target / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="not an empty folder"):
        write_desk(desk_of(1_000), target)
    assert [path.name for path in target.iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match="not an empty folder"):
        write_desk(desk_of(1_000), target / "mine.txt")


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    write_desk(desk_of(1_000), tmp_path / "export")
    assert (tmp_path / "export" / "tickets.parquet").is_file()


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="xlsx"):
        write_desk(desk_of(1_000), tmp_path / "export", "xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_no_half_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("triage_lab.replay.synthetic.export.write_json", broken)
        with pytest.raises(OSError, match="disk full"):
            write_desk(desk_of(1_000), tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / ".export.partial"
    left.mkdir()
    (left / "tickets.parquet").write_bytes(b"half")
    write_desk(desk_of(1_000), tmp_path / "export")
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_the_shipped_sample_is_what_the_generator_writes() -> None:
    folder = DATA / "sample"
    tables = sample_tables()
    assert {path.stem for path in folder.glob("*.csv")} == set(tables)
    for name, table in tables.items():
        written = table.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ")
        assert (folder / f"{name}.csv").read_text("utf-8") == written, name
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 200_000
    assert "synthetic" in (folder / "README.md").read_text("utf-8").lower()
