"""Files of vendor exports: equal bytes for equal arguments, complete or not there at all, in every format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from synthetic_desks import desk_of
from test_synthetic_export import digests
from vendor_desks import exported

from triage_lab.domain.errors import UsageError
from triage_lab.replay.synthetic import SHAPES, write_vendor_desk
from triage_lab.replay.synthetic.vendor import zendesk

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from synthetic_desks import desk_of
from triage_lab.replay.synthetic import write_vendor_desk
write_vendor_desk(desk_of(1_500, 11, 0.3), Path(sys.argv[2]))
"""
TABLES = {
    "zendesk": {
        "group", "organization", "ticket", "ticket_comment", "ticket_field_history", "ticket_metric_event", "user",
    },
    "salesforce": {
        "Account", "AccountHistory", "Contract", "ContractHistory", "Opportunity", "OpportunityFieldHistory", "User",
    },
    "stripe": {
        "charge", "coupon", "credit_note", "customer", "discount", "dispute", "event", "invoice", "price", "product",
        "refund", "subscription", "subscription_history", "subscription_item",
    },
}  # fmt: skip
TABLES |= {"contracts": {"record", "record_property"}}
TRUTH = {"tickets", "waits", "enrichment", "duplicates", "faults", "agents", "account_links"}


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
    here = tmp_path / "here"
    write_vendor_desk(desk_of(1_500, 11, 0.3), here)
    assert digests(here) == found[0]


def test_each_system_has_its_folder_and_truth_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = exported(tmp_path_factory)
    for system, names in TABLES.items():
        assert {path.stem for path in (folder / system).iterdir()} == names
        assert {path.suffix for path in (folder / system).iterdir()} == {".csv"}
    assert {path.stem for path in (folder / "truth").glob("*.csv")} == TRUTH
    planted = json.loads((folder / "truth" / "parameters.json").read_text("utf-8"))
    assert (planted["tickets"], planted["shape"], planted["synthetic"]) == (3_000, list(SHAPES), True)
    text = (folder / "README.txt").read_text("utf-8")
    assert "SYNTHETIC" in text
    for system in SHAPES:
        assert f"triage-lab ingest --source {system} --snapshot-at 2026-11-01T00:00:00Z {system}\n" in text


@pytest.mark.parametrize("shape", [("zendesk",), ("stripe", "salesforce")])
def test_a_system_is_the_same_whatever_the_others_are(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, shape: tuple[str, ...]
) -> None:
    whole = digests(exported(tmp_path_factory))
    files = write_vendor_desk(desk_of(3_000, 5, 0.0), tmp_path / "part", shape)
    part = digests(tmp_path / "part")
    assert {path.split(os.sep)[0] for path in part} == {*shape, "truth", "README.txt"}
    own = {name: value for name, value in part.items() if name.split(os.sep)[0] in shape}
    assert own == {name: whole[name] for name in own}
    assert sorted(own) == sorted(str(path.relative_to(tmp_path / "part")) for path in files)
    links = pl.read_csv(tmp_path / "part" / "truth" / "account_links.csv")
    assert set(links["source"]) == set(shape)
    tables = json.loads((tmp_path / "part" / "truth" / "expected.json").read_text("utf-8"))["tables"]
    assert {name.split("/")[0] for name in tables} == set(shape)


def test_all_formats_hold_the_same(tmp_path: Path) -> None:
    desk = desk_of(1_000)
    folders = {name: tmp_path / name for name in ("csv", "jsonl", "parquet")}
    for name, folder in folders.items():
        files = write_vendor_desk(desk, folder, format=name)
        assert {path.suffix for path in files} == {f".{name}"}
    for path in sorted(folders["csv"].rglob("*.csv")):
        part = path.relative_to(folders["csv"]).with_suffix("")
        rows = pl.read_parquet(folders["parquet"] / f"{part}.parquet")
        stamp = "%Y-%m-%dT%H:%M:%S.000+0000" if part.parts[0] == "salesforce" else "%Y-%m-%dT%H:%M:%SZ"
        texts = rows.with_columns(pl.col(pl.Datetime).dt.strftime(stamp))
        assert texts.write_csv() == path.read_text("utf-8"), part
        lines = (folders["jsonl"] / f"{part}.jsonl").read_text("utf-8").splitlines()
        assert len(lines) == len(rows)
        assert [json.loads(line) for line in lines[:20]] == json.loads(
            "[" + ",".join(texts.head(20).write_ndjson().splitlines()) + "]"
        )


def test_large_exports_come_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(1_000)
    write_vendor_desk(desk, tmp_path / "whole", ("zendesk",))
    monkeypatch.setattr(zendesk, "BLOCK", 300)
    write_vendor_desk(desk, tmp_path / "parts", ("zendesk",))
    for name in ("ticket", "ticket_field_history", "ticket_comment"):
        parts = sorted((tmp_path / "parts" / "zendesk").glob(f"{name}-[0-9][0-9].csv"))
        assert [path.name for path in parts] == [f"{name}-{number:02d}.csv" for number in range(1, 5)]
        whole = pl.read_csv(tmp_path / "whole" / "zendesk" / f"{name}.csv", infer_schema=False)
        assert pl.concat([pl.read_csv(path, infer_schema=False) for path in parts]).equals(whole)
    events = pl.concat(
        [
            pl.read_csv(path, infer_schema=False)
            for path in (tmp_path / "parts" / "zendesk").glob("ticket_metric_event-*")
        ]
    )
    whole = pl.read_csv(tmp_path / "whole" / "zendesk" / "ticket_metric_event.csv", infer_schema=False)
    assert events.sort("id", "type").equals(whole.sort("id", "type"))
    expected = [
        json.loads((tmp_path / name / "truth" / "expected.json").read_text("utf-8")) for name in ("whole", "parts")
    ]
    assert expected[0] == expected[1]


@pytest.mark.parametrize(
    ("shape", "format", "said"),
    [
        (("zendesk", "jira"), "csv", "zendesk\\+jira"),
        ((), "csv", "shape"),
        (("stripe", "stripe"), "csv", "stripe\\+stripe"),
        (("stripe",), "xlsx", "xlsx"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, shape: tuple[str, ...], format: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        write_vendor_desk(desk_of(1_000), tmp_path / "export", shape, format)
    assert list(tmp_path.iterdir()) == []


def test_a_used_folder_is_refused_and_an_empty_one_filled(tmp_path: Path) -> None:
    target = tmp_path / "export"
    target.mkdir()
    write_vendor_desk(desk_of(1_000), target, ("contracts",))
    before = digests(target)
    with pytest.raises(UsageError, match="not an empty folder"):
        write_vendor_desk(desk_of(1_000), target, ("contracts",))
    assert digests(target) == before


def test_a_failure_leaves_no_half_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("triage_lab.replay.synthetic.vendor.export.write_json", broken)
        with pytest.raises(OSError, match="disk full"):
            write_vendor_desk(desk_of(1_000), tmp_path / "export", ("stripe",))
    assert list(tmp_path.iterdir()) == []
