"""The notebooks: the pair is in step, and every cell runs on a fresh lab without a warning."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import triage_lab as tl

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))

# Jupyter's own libraries warn about themselves (event loops, ports, schemas); what the notebook warns about is in its outputs.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_core"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq"),
]


@pytest.fixture(scope="module")
def pair() -> ModuleType:
    """The module notebooks/pair.py."""
    pytest.importorskip("jupytext", reason="jupytext is in the extra 'notebooks'")
    spec = importlib.util.spec_from_file_location("notebook_pair", ROOT / "notebooks" / "pair.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo lab, made once."""
    folder = tmp_path_factory.mktemp("notebooks") / "desk"
    tl.demo(folder, tickets=1000)
    return folder


@pytest.fixture
def environment(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a kernel sees: our lab, our package, plots in the page."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("TRIAGE_LAB_NOTEBOOK_LAB", str(desk))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    yield


def outputs(notebook: Any, kind: str) -> list[Any]:
    """All outputs of one kind."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [output for cell in cells for output in cell.outputs if output.output_type == kind]


def test_there_are_notebooks() -> None:
    assert SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_pair_is_in_step(source: Path, pair: ModuleType) -> None:
    written = source.with_suffix(".ipynb").read_text("utf-8")
    assert written == pair.paired(source), "run `python notebooks/pair.py`"
    assert '"outputs": []' in written
    assert '"output_type"' not in written
    assert str(ROOT) not in written


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_calls_only_the_face_of_the_package(source: Path) -> None:
    text = source.read_text("utf-8")
    assert "import triage_lab as tl" in text
    assert "from triage_lab" not in text
    assert "import triage_lab." not in text


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
@pytest.mark.usefixtures("environment")
def test_a_notebook_runs(source: Path, pair: ModuleType, tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is in the extra 'notebooks'")
    pytest.importorskip("ipykernel", reason="ipykernel is in the extra 'notebooks'")
    notebook = pair.read(source)
    resources = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
    client.execute()
    assert not outputs(notebook, "error")
    printed = [output.text for output in outputs(notebook, "stream") if output.name == "stderr"]
    assert not printed, "a cell warns: " + "".join(printed)
    pictures = [output for output in outputs(notebook, "display_data") if "image/png" in output.data]
    assert len(pictures) >= 5
    last = outputs(notebook, "execute_result")[-1].data["text/markdown"]
    assert last.startswith("1. **Start with ")
    assert "NOT ENOUGH EVIDENCE" in last
