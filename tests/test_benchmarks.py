"""The benchmarks run: peers and limits agree with us (they check that themselves), and the table is complete."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORK = (
    "decisions with full trail", "M/M/8: the kernel", "M/M/8: run_queue", "open seconds", "full desk", "backtest",
    "ingest of a tickets CSV", "25 gates", "triage-lab --help",
)  # fmt: skip


def load_timing() -> ModuleType:
    """The module benchmarks/timing.py, wherever pytest was started."""
    spec = importlib.util.spec_from_file_location("benchmarks_timing", ROOT / "benchmarks" / "timing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TIMING = load_timing()
Goal = TIMING.Goal


def test_ratios_are_taken_per_piece_and_turn_by_turn() -> None:
    ticks = iter([0.0, 2.0, 2.0, 3.0, 10.0, 12.0, 20.0, 23.0])
    row = TIMING.compare("w", "x", int, int, size=20, other_size=5, repeats=2, clock=lambda: next(ticks))
    assert (row.ours, row.other) == (2.0, 2.0)
    assert row.spread == pytest.approx((2.0, 6.0))
    assert row.ratio == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("goal", "ratio", "reached", "broken"),
    [
        (Goal(1.3, 2.0, at_most=True), 1.3, True, False),
        (Goal(1.3, 2.0, at_most=True), 1.7, False, False),
        (Goal(1.3, 2.0, at_most=True), 2.1, False, True),
        (Goal(100, 60), 60.0, False, False),
        (Goal(100, 60), 59.9, False, True),
        (Goal(), 0.0, True, False),
    ],
)
def test_goals_and_floors(goal: Any, ratio: float, reached: bool, broken: bool) -> None:
    assert goal.reached(ratio) is reached
    assert goal.broken(ratio) is broken


@pytest.mark.slow
def test_a_quick_run_prints_the_whole_table() -> None:
    pytest.importorskip("simpy", reason="simpy is in the extra 'dev'")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    for work in WORK:
        assert any(line.startswith(f"| {work}") for line in table), work
    for line in table[1:]:
        ours, other, ratio = (float(line.split("|")[column]) for column in (3, 5, 6))
        assert min(ours, other, ratio) > 0
