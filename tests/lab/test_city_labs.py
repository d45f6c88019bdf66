"""Real city logs, loaded as a user would: the on-time counts that their publishers' data hold, by `doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest

import triage_lab as tl
from triage_lab.lab.clock_report import ClockReport

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def promises(folder: str, root: Path) -> ClockReport:
    file = DATA / folder / "cases.parquet"
    if not file.exists():
        pytest.skip(f"the real log {folder} is not on this machine")
    tl.init(root / "lab", timezone="America/New_York")
    lab = tl.open_lab(root / "lab")
    lab.ingest([file], source="service_requests", timezone="America/New_York")
    clocks = lab.doctor().clocks
    assert clocks is not None
    return clocks


def counts(clocks: ClockReport) -> dict[str, tuple[int, int]]:
    return {line.denominator: (line.n, line.met) for line in clocks.on_time}


def test_baltimore_from_dates_alone(tmp_path: Path) -> None:
    clocks = promises("baltimore311_sample", tmp_path)
    found = counts(clocks)
    assert found["closed"] == (9555, 7988)
    assert found["closed_plain"] == (7830 + 1507, 7830)
    assert found["flagged"] == (0, 0)
    teams = {team.team: (team.n, round(100 * (team.rate or 0), 2)) for team in clocks.teams}
    assert teams["Solid Waste"] == (4705, 87.99)
    assert teams["Transportation"] == (1542, 79.64)
    assert teams["Housing"] == (1158, 89.38)
    assert teams["Water Wastewater"] == (780, 60.77)
    assert teams["BGE"] == (353, 88.10)


def test_boston_by_flag_and_by_dates(tmp_path: Path) -> None:
    clocks = promises("boston311_sample_2015_2024", tmp_path)
    found = counts(clocks)
    assert found["flagged"] == (4994, 4520)
    assert found["closed"] == (4284, 3809)
    assert found["flagged_with_target"] == (4283, 3809)
    assert clocks.agree == 4283
    assert {(item.reason, item.n) for item in clocks.reasons} == {
        ("agree", 4283), ("no_computed_clock", 711), ("no_vendor_clock", 1),
    }  # fmt: skip
