"""`operations propose` and `operations show`: from the log to an operations.yaml, and from that file to a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from triage_lab import store
from triage_lab.domain.desk import Operations
from triage_lab.domain.errors import ConfigError, PolicyError, StoreError, UsageError
from triage_lab.lab.atomic import write_text
from triage_lab.lab.config import Config
from triage_lab.lab.documents import parse_document
from triage_lab.lab.fields import IDENTIFIER
from triage_lab.lab.operations import parse_operations
from triage_lab.lab.operations_text import operations_yaml
from triage_lab.lab.operations_view import OperationsView, show
from triage_lab.lab.policies import load_policy, policy_files, shown
from triage_lab.replay.inference import InferredDesk, infer_desk

__all__ = ["OperationsView", "Proposal", "propose", "show"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """An operations.yaml written from the log.

    ``warnings``: what to look at before relying on it; ``guesses``: values that nothing in the log supports.
    """

    text: str
    path: Path
    warnings: tuple[str, ...]
    guesses: tuple[str, ...]


def propose(config: Config, *, out: Path | None = None) -> Proposal:
    """Infer the desk from the lab's log and write it as operations.yaml.

    Parameters
    ----------
    config : Config
    out : Path or None
        Where to write; default the lab's operations file.

    Returns
    -------
    Proposal

    Raises
    ------
    UsageError
        The file is there already: nothing is overwritten.
    StoreError
        The store holds no ticket.
    ConfigError
        The file cannot be written.
    """
    path = config.operations if out is None else Path(out).resolve()
    if path.exists() or path.is_symlink():
        raise UsageError(
            f"{shown(config, path)} is there already, and is not overwritten",
            "a path where no file is",
            "write beside it with --out operations-proposed.yaml and compare",
        )
    desk = _infer(config)
    templates = _templates(config, path)
    text = operations_yaml(desk, templates=templates)
    operations = parse_operations(parse_document(text, shown(config, path)), path.parent)
    misfits = _policy_warnings(config, operations)
    if misfits:
        text = operations_yaml(desk, warnings=misfits, templates=templates)
    write_text(path, text)
    return Proposal(text, path, (*desk.warnings, *misfits), desk.guesses)


def _infer(config: Config) -> InferredDesk:
    """Read the log as of the newest load and infer the desk."""
    with store.open_store(config.database, write=False) as con:
        newest = store.latest_load(con)
        store.set_as_of(con, newest)
        cutoff = store.cutoff(con, newest)
        if cutoff is None:
            raise StoreError(
                "the store holds no tickets", "at least one ticket", "triage-lab ingest --table tickets FILE"
            )
        names = ("tickets", "ticket_events", "sla_instances", "signals")
        tables = [store.read_table(con, name) for name in names]
    return infer_desk(*tables, timezone=config.timezone, cutoff=cutoff)


def _templates(config: Config, path: Path) -> list[tuple[str, str]]:
    """Reply texts that lie beside the file, by the name that policies give them."""
    if path.parent != config.root:
        return []
    files = sorted((config.root / "templates").glob("*.md"))
    return [(file.stem, f"templates/{file.name}") for file in files if IDENTIFIER.match(file.stem)]


def _policy_warnings(config: Config, operations: Operations) -> Sequence[str]:
    """Say which policies of the lab do not fit this desk: they name a team that the log does not know."""
    out = []
    for name in policy_files(config):
        try:
            load_policy(config, name, operations)
        except (PolicyError, ConfigError) as error:
            out.append(f"policy {name} does not fit this desk: {error.found}")
    return tuple(out)
