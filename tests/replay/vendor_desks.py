"""Vendor exports that several tests look at; written once per run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from synthetic_desks import desk_of

from triage_lab.replay.synthetic import write_vendor_desk

TICKETS, SEED = 3_000, 5
_WRITTEN: dict[tuple[int, int, float], Path] = {}


def exported(factory: pytest.TempPathFactory, tickets: int = TICKETS, seed: int = SEED, faults: float = 0.0) -> Path:
    """Folder of an export of all systems as CSV."""
    arguments = (tickets, seed, faults)
    if arguments not in _WRITTEN:
        folder = factory.mktemp("vendor") / "export"
        write_vendor_desk(desk_of(*arguments), folder)
        _WRITTEN[arguments] = folder
    return _WRITTEN[arguments]


def as_texts(path: Path) -> pl.DataFrame:
    """A table with all cells as text, empty ones NULL."""
    return pl.read_csv(path, infer_schema=False)
