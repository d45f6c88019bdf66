"""Desks that several tests of the synthetic desk look at; generated once per run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from triage_lab.domain.desk import Operations
from triage_lab.lab.documents import parse_document
from triage_lab.lab.operations import parse_operations
from triage_lab.replay.synthetic import Desk, generate_desk, operations_text

DATA = Path(__file__).resolve().parents[2] / "data"


@cache
def desk_operations(tickets: int = 20_000) -> Operations:
    """The demo desk as the lab would read it."""
    return parse_operations(parse_document(operations_text(tickets), "operations.yaml"), DATA)


@cache
def desk_of(tickets: int = 20_000, seed: int = 20261123, faults: float = 0.0) -> Desk:
    """A desk staffed for its size."""
    return generate_desk(tickets=tickets, seed=seed, faults=faults, operations=desk_operations(tickets))
