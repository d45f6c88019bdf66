"""A clean desk, built once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from quality_desk import clean_desk, opened

from triage_lab import store


@pytest.fixture(scope="session")
def clean_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    with opened(folder, clean_desk()):
        return folder / "lab.duckdb"


@pytest.fixture
def con(clean_file: Path, tmp_path: Path) -> Iterator[Any]:
    shutil.copy(clean_file, tmp_path / "lab.duckdb")
    with store.open_store(tmp_path / "lab.duckdb", write=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    with opened(folder, {}):
        return folder / "lab.duckdb"


@pytest.fixture
def empty(empty_file: Path, tmp_path: Path) -> Iterator[Any]:
    shutil.copy(empty_file, tmp_path / "empty.duckdb")
    with store.open_store(tmp_path / "empty.duckdb", write=True) as connection:
        yield connection
