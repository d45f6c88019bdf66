"""Makes the desks beside these tests importable, and one demo lab for all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import triage_lab as tl
from triage_lab.lab.recorded import Run

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo lab of 1,500 tickets with its first run."""
    folder = tmp_path_factory.mktemp("demo") / "lab"
    tl.demo(folder, tickets=1500)
    return folder


@pytest.fixture(scope="session")
def demo_run(demo_folder: Path) -> Run:
    """The demo's run."""
    lab = tl.open_lab(demo_folder)
    return lab.run(lab.runs()[0].run_id)
