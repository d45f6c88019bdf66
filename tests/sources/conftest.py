"""Connections, files and a small source for the tests of sources; makes the slow twins in tests/ importable."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpdesk_source import HELPDESK, HELPDESK_SQL, SHOP, SHOP_SQL, write_source

from triage_lab.sources import mapping as mapping_module
from triage_lab.sources.mapping import Mapping, read_mapping


@pytest.fixture
def con() -> Iterator[Any]:
    """An open in-memory connection, as the store would lend it."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def made_up_mappings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of mappings with two made-up sources, ``helpdesk`` and ``shop``."""
    folder = tmp_path_factory.mktemp("mappings")
    write_source(folder, HELPDESK, HELPDESK_SQL)
    write_source(folder, SHOP, SHOP_SQL)
    return folder


@pytest.fixture
def helpdesk(monkeypatch: pytest.MonkeyPatch, made_up_mappings: Path) -> Iterator[Mapping]:
    """A made-up source with several objects; besides it there is only one more, ``shop``."""
    monkeypatch.setattr(mapping_module, "_folder", lambda: made_up_mappings)
    read_mapping.cache_clear()
    yield read_mapping("helpdesk")
    read_mapping.cache_clear()
