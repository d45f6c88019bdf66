"""The house: floors and rooms, sizes, names, and what may be imported on the way to --help."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "triage_lab"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = ("store", "sources", "policy", "replay", "metrics", "evidence", "quality", "report")
HOMES = {
    "duckdb": {"store"},
    "typer": {"cli"},
    "great_expectations": {"quality"},
    "sqlalchemy": {"quality"},
    "duckdb_engine": {"quality"},
    "jinja2": {"report"},
    "matplotlib": {"report"},
    "sqlglot": {"policy"},
    "z3": {"policy"},
    "numba": {"replay"},
    "sklearn": {"policy", "metrics"},
}
HEAVY = ("duckdb", "polars", "numpy", "pandas", "numba", "scipy", "sqlglot", "pydantic", "jinja2", "ruamel", "holidays")


def imports(path: Path) -> set[str]:
    """Every module named in an import of a file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "triage_lab":
                found.update(f"triage_lab.{alias.name}" for alias in node.names)
    return found


def room(path: Path) -> str:
    """First folder below the package."""
    return path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    for name in imports(path):
        top = name.split(".", maxsplit=1)[0]
        if top in HOMES:
            assert room(path) in HOMES[top], f"{path} imports {top}"


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) in ROOMS], ids=str)
def test_rooms_meet_only_on_the_ground(path: Path) -> None:
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "triage_lab" and len(parts) > 1:
            assert parts[1] in (room(path), "domain"), f"{path} imports {name}"


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) == "domain"], ids=str)
def test_the_ground_stands_on_the_standard_library(path: Path) -> None:
    for name in imports(path):
        top = name.split(".", maxsplit=1)[0]
        assert top == "triage_lab" or top in sys.stdlib_module_names, f"{path} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_small_and_well_named(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    limit = 900 if path.name == "kernel.py" else 450
    assert lines <= limit, f"{path.name} has {lines} lines"
    for drawer in ("utils", "helpers", "manager", "common", "misc"):
        assert drawer not in path.stem


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; sys.argv=['triage-lab','--help']\nfrom triage_lab.cli.main import app\n" + (
        f"try: app()\nexcept SystemExit: pass\nprint('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "LOADED []" in done.stdout


def test_importing_the_package_is_light() -> None:
    code = f"import sys, triage_lab; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
