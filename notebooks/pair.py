"""Write the .ipynb beside each notebook source: no outputs, no paths, the same bytes every time.

    python notebooks/pair.py

The sources are the ``NN_name.py`` files in this folder (Jupytext's percent format); edit those, or edit the .ipynb in Jupyter with
Jupytext, which keeps both in step. Cell ids are made from position and text, so that an unchanged cell keeps its id.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).resolve().parent


def sources() -> list[Path]:
    """Notebook sources, in order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def read(source: Path) -> nbformat.NotebookNode:
    """A source as a notebook with stable cell ids and no outputs."""
    notebook = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"{number:02d}-{hashlib.sha256(cell.source.encode()).hexdigest()[:8]}"
    return notebook


def paired(source: Path) -> str:
    """The text of the .ipynb that belongs to a source."""
    notebook = read(source)
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4, indent=1, sort_keys=True).rstrip("\n") + "\n"


def main() -> None:
    """Write all of them."""
    for source in sources():
        source.with_suffix(".ipynb").write_text(paired(source), encoding="utf-8")


if __name__ == "__main__":
    main()
