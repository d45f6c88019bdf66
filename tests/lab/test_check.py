"""Gates through the lab: clean data passes, planted faults turn the right gates red and list exactly the right rows."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import triage_lab as tl
from triage_lab import store
from triage_lab.domain.errors import GateError, StoreError, UsageError
from triage_lab.lab import Lab

BROKEN = """\
ticket_id,created_at,resolved_at,category,account_id
A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,billing,acc-1
A,2026-01-01T10:00:00Z,2026-01-01T12:00:00Z,billing,acc-1
B,2026-01-02T10:00:00Z,2026-01-01T10:00:00Z,billing,acc-2
C,2026-01-03T10:00:00Z,2026-01-04T10:00:00Z,billing,acc-1
C,2026-01-03T10:00:00Z,2026-01-04T10:00:00Z,billing,acc-1
"""


@pytest.fixture
def broken(tmp_path: Path) -> Lab:
    tl.init(tmp_path / "lab")
    lab = tl.open_lab(tmp_path / "lab")
    (tmp_path / "tickets.csv").write_text(BROKEN)
    report = lab.ingest([tmp_path / "tickets.csv"], table="tickets")
    assert report.files[0].tables["tickets"] == (4, 1, 1), "4 stored, 1 identical collapsed, 1 differing"
    return lab


def failing(lab: Lab, gate: str) -> list[str]:
    """Keys that a gate listed in the last check."""
    with store.open_store(lab.config.database, write=False) as con:
        rows = con.execute("SELECT key FROM gate_failures WHERE run_id = 'check' AND gate = ? ORDER BY key", [gate])
        return [key for (key,) in rows.fetchall()]


def test_duplicates_and_resolved_before_created_load_and_are_listed(broken: Lab) -> None:
    report = broken.check()
    by_id = {result.gate_id: result for result in report.results}
    red = {name for name, result in by_id.items() if result.state == "fail" and result.severity == "critical"}
    unique = next(name for name in red if "unique" in name or "duplicate" in name)
    order = next(name for name in red if "resolved" in name)
    assert set(failing(broken, unique)) == {"A"}
    assert by_id[unique].failed == 2
    assert failing(broken, order) == ["B"]
    assert report.exit_code() == 1
    assert broken.table("tickets").height == 3


def test_both_engines_agree_and_files_for_ci_are_written(broken: Lab, tmp_path: Path) -> None:
    pytest.importorskip("great_expectations", reason="the gx extra is not installed")
    report = broken.check(engine="both", junit=tmp_path / "out" / "j.xml", sarif=tmp_path / "s.sarif")
    assert report.disagreements == ()
    assert {result.engine for result in report.results} == {"sql", "gx"}
    assert ET.parse(tmp_path / "out" / "j.xml").getroot().tag in ("testsuites", "testsuite")
    sarif = json.loads((tmp_path / "s.sarif").read_text())
    assert sarif["version"] == "2.1.0"
    places = [result["locations"][0]["physicalLocation"] for result in sarif["runs"][0]["results"]]
    assert all(place["artifactLocation"]["uri"].startswith("gates/") for place in places)


def test_a_clean_desk_fails_no_critical_gate(demo_folder: Path) -> None:
    report = tl.open_lab(demo_folder).check()
    assert not [r for r in report.results if r.severity == "critical" and r.state != "pass"]
    assert report.exit_code() == 0


def test_mistakes(broken: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no gate"):
        broken.check(gate="nope")
    with pytest.raises(UsageError):
        broken.check(engine="spark")
    (broken.root / "gates" / "extra.yaml").write_text('version: "1"\ngates: [{id: x, tabel: tickets}]\n')
    with pytest.raises(GateError) as caught:
        broken.check()
    assert caught.value.place.line == 2
    tl.init(tmp_path / "empty")
    with pytest.raises(StoreError, match="no store"):
        tl.open_lab(tmp_path / "empty").check()
