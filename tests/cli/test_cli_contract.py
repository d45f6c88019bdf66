"""The command line and the Python API are one list; help, exit codes and messages keep the contract."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

import triage_lab as tl
from triage_lab.cli.main import app
from triage_lab.lab import Lab
from triage_lab.lab.workbench import AccountGroup, OperationsGroup, PolicyGroup

COMMON = {"json", "as_json", "quiet", "no_color", "lab", "seed", "traceback", "help"}
API_ONLY = {"progress", "notice"}
# Python properties and accessors that are no verbs of the command line.
GROUPS = {"policy": PolicyGroup, "accounts": AccountGroup, "operations": OperationsGroup}
NOT_COMMANDS = {"root", "policy", "accounts", "operations", "config", "run", "table", "context", "propose", "settings"}
RENAMED = {"config": "settings"}  # `config` prints the settings; Lab.config is the object itself


def commands() -> dict[str, object]:
    """Every command by its full name."""
    group = typer.main.get_command(app)
    found = {}
    for name, item in group.commands.items():  # type: ignore[attr-defined]
        if hasattr(item, "commands"):
            found.update({f"{name} {sub}": command for sub, command in item.commands.items()})
        else:
            found[name] = item
    return found


def parameters(command: object) -> set[str]:
    """Names of a command's own parameters."""
    return {p.name for p in command.params} - COMMON  # type: ignore[attr-defined]


def api(function: object) -> set[str]:
    """Names of a function's parameters that a user sets."""
    return {name for name in inspect.signature(function).parameters if name not in API_ONLY | {"self", "seed"}}  # type: ignore[arg-type]


def test_every_command_is_a_method_and_every_method_a_command() -> None:
    names = set(commands())
    methods = {name for name, _ in inspect.getmembers(Lab, inspect.isfunction) if not name.startswith("_")}
    module = {"demo", "init", "generate"}
    group = {
        f"{owner} {name}"
        for owner, kind in GROUPS.items()
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if name[0] != "_"
    }
    top = {name for name in names if " " not in name}
    assert {RENAMED.get(name, name) for name in top - module} == (methods - NOT_COMMANDS) | {"settings"}
    assert module <= top
    assert {name for name in names if " " in name} == group


@pytest.mark.parametrize("name", ["ingest", "check", "backtest", "scorecard", "explain", "doctor"])
def test_parameters_agree(name: str) -> None:
    extra = {"propose"} if name == "ingest" else {"warn_as_error"} if name == "check" else set()
    assert parameters(commands()[name]) - extra == api(getattr(Lab, name))


@pytest.mark.parametrize("name", sorted(name for name in commands() if " " in name))
def test_parameters_of_groups_agree(name: str) -> None:
    group, verb = name.split()
    assert parameters(commands()[name]) == api(getattr(GROUPS[group], verb))


@pytest.mark.parametrize("name", ["demo", "init", "generate"])
def test_module_verbs_agree(name: str) -> None:
    assert parameters(commands()[name]) == api(getattr(tl, name))


@pytest.mark.parametrize("name", sorted(commands()))
def test_help_has_examples(name: str) -> None:
    done = CliRunner().invoke(app, [*name.split(), "--help"])
    assert done.exit_code == 0
    assert "Examples" in done.stdout
    assert f"triage-lab {name}" in done.stdout


def run(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "triage_lab", *args], capture_output=True, text=True, cwd=cwd, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["doctor"], 3, "no triage_lab.toml"),
        (["doctor", "--lab", "nowhere"], 3, "no triage_lab.toml"),
        (["ingest"], 2, "Missing argument"),
        (["nonsense"], 2, "No such command"),
        (["generate", "x", "--tickets", "5"], 2, "1000"),
        (["--version"], 0, tl.__version__),
    ],
)
def test_exit_codes(tmp_path: Path, args: list[str], code: int, words: str) -> None:
    done = run(*args, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_as_json(tmp_path: Path) -> None:
    done = run("doctor", "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document["command"] == "doctor"
    assert document["error"]["exit_code"] == done.returncode == 3
    assert document["error"]["action"]


def test_traceback_only_when_asked(tmp_path: Path) -> None:
    assert "Traceback" in run("doctor", "--traceback", cwd=tmp_path).stderr
