"""The documents: generated pages are current, links resolve, and every example is what the program accepts."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from triage_lab import policy, quality
from triage_lab.cli.main import app
from triage_lab.lab.documents import parse_document
from triage_lab.lab.operations import parse_operations, read_operations
from triage_lab.metrics import CATALOGUE
from triage_lab.policy.actions import ACTION_NAMES, AUTOMATION

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def load_reference() -> ModuleType:
    """The module scripts/reference.py."""
    spec = importlib.util.spec_from_file_location("docs_reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = load_reference()
COMMANDS = sorted(name for name, _ in REFERENCE.commands())
GROUPS = {name.split()[0] for name in COMMANDS if " " in name}


def blocks(path: Path, language: str) -> list[str]:
    """Fenced blocks of one language."""
    return [body for word, body in FENCE.findall(path.read_text("utf-8")) if word == language]


def anchors(path: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", path.read_text("utf-8"))
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in found}


def lines_of_shell() -> Iterator[tuple[Path, str]]:
    """Every triage-lab command in the documents' shell blocks."""
    for path in PAGES:
        for body in blocks(path, "sh"):
            for line in body.splitlines():
                for part in line.split("#")[0].split("&&"):
                    if part.strip().startswith("triage-lab"):
                        yield path, part.strip()


def full_name(words: list[str]) -> str:
    """The command that a line calls, with its group."""
    rest = words[1:]
    return " ".join(rest[:2]) if rest[0] in GROUPS else rest[0]


@pytest.mark.parametrize("path", REFERENCE.pages(), ids=lambda path: path.name)
def test_generated_pages_are_current(path: Path) -> None:
    assert path.read_text("utf-8") == REFERENCE.pages()[path], "run `python scripts/reference.py`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_with_an_example(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text("utf-8")
    section = page.split(f"## triage-lab {name}\n")[1].split("\n## ")[0]
    assert f"triage-lab {name}" in "".join(body for _, body in FENCE.findall(section))


def test_the_readme_lists_every_command() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    listed = set()
    for row in re.findall(r"^\| (`triage-lab.*?) \|", text.replace("\\|", "/"), re.MULTILINE):
        for word, rest in re.findall(r"triage-lab (\w+)(?: ([\w/]+))?", row):
            listed |= {f"{word} {name}" for name in rest.split("/")} if word in GROUPS else {word}
    assert listed == set(COMMANDS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_resolve(path: Path) -> None:
    for target in LINK.findall(FENCE.sub("", path.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), f"{path.name} links to {target}"
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{path.name} links to {target}"


def test_shell_blocks_call_commands_that_exist() -> None:
    called = {full_name(shlex.split(line)) for _, line in lines_of_shell()}
    assert {"demo", "init", "ingest", "backtest"} <= called
    assert called <= set(COMMANDS), called - set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str) -> None:
    result = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 0
    assert "Examples" in result.output


def test_options_in_shell_blocks_exist() -> None:
    sections = REFERENCE.commands_page().split("\n## ")
    shared = sections[-1]
    for path, line in lines_of_shell():
        words = shlex.split(line.split(">")[0].split("|")[0])
        section = next(text for text in sections if text.startswith(f"triage-lab {full_name(words)}\n"))
        for word in words:
            if word.startswith("--") and word != "--help":
                assert f"`{word}`" in section + shared, f"{path.name}: {line}"


def test_the_policy_of_the_readme_passes_its_test_on_the_shipped_desk() -> None:
    (text,) = blocks(ROOT / "README.md", "yaml")
    operations = read_operations(ROOT / "data" / "operations.yaml")
    columns = policy.read_columns(operations.context)
    found = policy.parse_policy(
        parse_document(text, "README.md"),
        columns,
        teams=tuple(operations.teams),
        templates=tuple(operations.templates),
    )
    cases = policy.run_cases(found)
    assert [(case.passed, case.message) for case in cases] == [(True, "")]


def test_the_operations_of_the_tutorial_parse(tmp_path: Path) -> None:
    (text,) = blocks(ROOT / "docs" / "tutorial.md", "yaml")
    operations = parse_operations(parse_document(text, "tutorial.md"), tmp_path)
    assert set(operations.teams) == {"triage", "billing", "support"}
    assert operations.sla[0].limit_seconds == 4 * 3600


def test_the_gate_of_the_reference_parses() -> None:
    (text,) = blocks(ROOT / "docs" / "reference" / "checks.md", "yaml")
    (gate,) = quality.read_gates([parse_document(text, "checks.md")])
    assert gate.tolerance == 0.01
    assert gate.min_n == 30


@pytest.mark.parametrize("name", ACTION_NAMES)
def test_the_example_of_every_action_parses(name: str) -> None:
    example = REFERENCE.ACTIONS[name][2]
    words = {"route": "route: billing", name: example}
    if name in ("queue", "with"):
        words |= {"queue": REFERENCE.ACTIONS["queue"][2], "with": REFERENCE.ACTIONS["with"][2]}
    then = ", ".join(words.values())
    requires = "requires: [mrr], " if name in AUTOMATION else ""
    text = (
        'policy: example\nversion: "1"\nstage: draft\n'
        f"rules: [{{id: one, when: \"category = 'billing'\", {requires}then: {{{then}}}}}]\n"
        "default: {then: {route: support}}\n"
    )
    found = policy.parse_policy(parse_document(text, "example.yaml"), policy.read_columns())
    assert name in policy.set_names(found.rules[0].then)


def test_metric_pages_name_every_metric() -> None:
    assert anchors(ROOT / "docs" / "method" / "metrics.md") >= set(CATALOGUE)
