"""The lab's data-quality gates, run by direct SQL, by Great Expectations, or by both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from triage_lab import quality, store
from triage_lab.domain.canonical import digest
from triage_lab.domain.desk import Operations
from triage_lab.domain.errors import GateError, UsageError
from triage_lab.domain.gate import Gate, GateResult
from triage_lab.lab.atomic import write_text
from triage_lab.lab.config import Config
from triage_lab.lab.documents import read_document
from triage_lab.lab.policies import load_operations, shown

ENGINES = ("sql", "gx", "both")


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Results of one ``check``; ``disagreements`` between the two engines (empty unless both ran)."""

    results: tuple[GateResult, ...]
    disagreements: tuple[Any, ...]

    @property
    def compared(self) -> bool:
        """Whether both engines ran."""
        return len({result.engine for result in self.results}) > 1

    def exit_code(self, warn_as_error: bool = False) -> int:
        """Exit code by contract: 70 gate in error, 1 critical failed, 4 critical skipped, else 0."""
        if self.disagreements:
            return 70
        return quality.exit_code(self.results, warn_as_error)


def load_gates(config: Config) -> tuple[Gate, ...]:
    """Read every gate file of the lab.

    Raises
    ------
    GateError
        A file is refused, or there is none.
    """
    files = sorted(config.gates.glob("*.yaml")) if config.gates.is_dir() else []
    if not files:
        raise GateError(
            f"no gate file in {shown(config, config.gates)}/", "YAML files", "copy the default suite: triage-lab init"
        )
    gates = quality.read_gates([read_document(path, name=shown(config, path)) for path in files])
    return tuple(_with_inboxes(gates, load_operations(config)))


def _with_inboxes(gates: Iterable[Gate], operations: Operations | None) -> Iterator[Gate]:
    """Tell the gates on channel coverage which inboxes are declared, unless the gate names its own."""
    declared = tuple(operations.inboxes) if operations else ()
    for gate in gates:
        if gate.check == "channel_coverage" and "inboxes" not in gate.params:
            yield replace(gate, params={**gate.params, "inboxes": declared})
        else:
            yield gate


def gates_digest(gates: tuple[Gate, ...]) -> str:
    """Digest of what the gates demand (not of where they stand in a file)."""
    plain = [
        [g.gate_id, g.table, g.kind, g.check, g.severity, g.keys, g.params, g.sql, g.tolerance, g.low, g.high, g.min_n]
        for g in gates
    ]
    return digest(plain)


def check(config: Config, *, engine: str = "sql", gate: str | None = None) -> CheckReport:
    """Run the gates on the newest data; failing ids go to gate_failures under run id ``check``.

    Parameters
    ----------
    engine : {"sql", "gx", "both"}
    gate : str or None
        Only this gate.
    """
    if engine not in ENGINES:
        raise UsageError(f"unknown engine '{engine}'", " | ".join(ENGINES))
    gates = load_gates(config)
    if gate is not None:
        gates = tuple(item for item in gates if item.gate_id == gate)
        if not gates:
            raise UsageError(f"no gate '{gate[:60]}'", "an id from the gates folder", "triage-lab check lists them")
    with store.open_store(config.database, write=False) as con:
        as_of = store.latest_load(con)
        cutoff = store.cutoff(con, as_of) or 0
    with store.open_store(config.database, write=True) as con:
        store.set_as_of(con, as_of)
        results: tuple[GateResult, ...] = ()
        disagreements: tuple[Any, ...] = ()
        if engine in ("sql", "both"):
            results = tuple(quality.run_sql(con, gates, cutoff=cutoff, run_id="check"))
        if engine in ("gx", "both"):
            by_gx = tuple(quality.run_gx(con, gates, cutoff=cutoff))
            disagreements = tuple(quality.parity(results, by_gx)) if engine == "both" else ()
            results = (*results, *by_gx)
    return CheckReport(results, disagreements)


def write_reports(report: CheckReport, *, junit: Path | None, sarif: Path | None) -> tuple[Path, ...]:
    """Write the results for CI systems; returns the files written."""
    from triage_lab import report as pages

    written = []
    if junit is not None:
        written.append(write_text(junit, pages.junit(report.results)))
    if sarif is not None:
        written.append(write_text(sarif, pages.sarif(report.results)))
    return tuple(written)
