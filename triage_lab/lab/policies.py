"""Policies of a lab: found by name or file, parsed, shown, tested, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage_lab import policy
from triage_lab.domain.desk import ContextColumn, Operations
from triage_lab.domain.documents import Document
from triage_lab.domain.errors import ConfigError, Place, PolicyError
from triage_lab.domain.policy import Policy
from triage_lab.lab.config import Config
from triage_lab.lab.documents import read_document
from triage_lab.lab.fields import nearest
from triage_lab.lab.operations import read_operations
from triage_lab.lab.snapshot import context_columns

MANUAL_TRIAGE = "manual-triage"


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """A policy's test outcome: the cases, and what the parser warned about."""

    policy: Policy
    digest: str
    cases: tuple[Any, ...]

    @property
    def failed(self) -> int:
        """Cases that did not give what was expected."""
        return sum(not case.passed for case in self.cases)


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A policy as ``policy show`` prints it: its items in evaluation order and what the parser warned about."""

    name: str
    version: str
    stage: str
    digest: str
    file: str
    rows: tuple[Any, ...]
    warnings: tuple[str, ...]


def load_operations(config: Config) -> Operations | None:
    """Read the lab's operations.yaml, or return None if there is none."""
    if not config.operations.exists():
        return None
    return read_operations(config.operations, name=shown(config, config.operations))


def shown(config: Config, path: Path) -> str:
    """A path as errors and reports name it: relative to the lab where it lies inside."""
    try:
        return str(path.resolve().relative_to(config.root))
    except ValueError:
        return str(path)


def policy_files(config: Config) -> dict[str, Path]:
    """Names and files of the lab's policies, sorted by name."""
    if not config.policies.is_dir():
        return {}
    return {path.stem: path for path in sorted(config.policies.glob("*.yaml"))}


def find_policy(config: Config, name: str) -> Path:
    """Return the file of a policy given by its file's name, by the name inside it, or by path.

    Raises
    ------
    PolicyError
        There is no such policy.
    """
    known = policy_files(config)
    if name in known:
        return known[name]
    if name.endswith((".yaml", ".yml")) or "/" in name:
        path = Path(name)
        if path.exists():
            return path
        raise PolicyError("no such policy file", "a YAML file", "check the path", place=Place(name[:200]))
    for path in known.values():
        if _named(config, path) == name:
            return path
    hint = nearest(name, known) if known else f"no policy lies in {shown(config, config.policies)}/"
    raise PolicyError(f"unknown policy '{name[:80]}'", hint, "name one of the lab's policies, or a .yaml file")


def _named(config: Config, path: Path) -> object:
    """The name that a policy file gives itself; None for a file that is refused."""
    try:
        return read_document(path, name=shown(config, path)).data.get("policy")
    except ConfigError:
        return None


def load_policy(config: Config, name: str, operations: Operations | None) -> Policy:
    """Read, resolve and check a policy against this lab's columns, teams and templates."""
    path = find_policy(config, name)
    document = read_document(path, name=shown(config, path))
    return parse(config, document, operations, context_columns(config, operations))


def parse(
    config: Config, document: Document, operations: Operations | None, columns: dict[str, ContextColumn]
) -> Policy:
    """Parse a policy document against this lab."""

    def parent(name: str) -> Document:
        path = find_policy(config, name)
        return read_document(path, name=shown(config, path))

    return policy.parse_policy(
        document,
        columns,
        parents=parent,
        teams=tuple(operations.teams) if operations else None,
        templates=tuple(operations.templates) if operations else None,
    )


def show(config: Config, name: str) -> PolicyView:
    """Return the policy and its items in evaluation order."""
    parsed = load_policy(config, name, load_operations(config))
    return PolicyView(
        parsed.name,
        parsed.version,
        str(parsed.stage),
        policy.policy_digest(parsed),
        shown(config, find_policy(config, name)),
        tuple(policy.describe(parsed)),
        tuple(str(warning) for warning in parsed.warnings),
    )


def test(config: Config, names: Sequence[str] = ()) -> tuple[PolicyReport, ...]:
    """Run the ``tests:`` of the named policies, or of all."""
    operations = load_operations(config)
    chosen = list(names) or list(policy_files(config))
    if not chosen:
        raise PolicyError("no policy to test", f"YAML files in {shown(config, config.policies)}/", "write one there")
    reports = []
    for name in chosen:
        parsed = load_policy(config, name, operations)
        reports.append(PolicyReport(parsed, policy.policy_digest(parsed), tuple(policy.run_cases(parsed))))
    return tuple(reports)


def columns(config: Config) -> tuple[ContextColumn, ...]:
    """Every column that a rule of this lab may read."""
    return tuple(context_columns(config, load_operations(config)).values())


def manual_triage(operations: Operations | None) -> str:
    """Owner of what a policy dares not decide."""
    return operations.manual_triage_team if operations else MANUAL_TRIAGE
