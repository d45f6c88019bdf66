"""Connections and files for the tests of sources; makes the slow twins in tests/ importable."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@pytest.fixture
def con() -> Iterator[Any]:
    """An open in-memory connection, as the store would lend it."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    yield connection
    connection.close()
