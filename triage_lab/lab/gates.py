"""The lab's data-quality gates, run by direct SQL, by Great Expectations, or by both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from triage_lab import policy, quality, store
from triage_lab.domain.canonical import digest
from triage_lab.domain.desk import Operations
from triage_lab.domain.errors import GateError, TriageLabError, UsageError
from triage_lab.domain.gate import Gate, GateResult
from triage_lab.lab.atomic import write_text
from triage_lab.lab.config import Config
from triage_lab.lab.documents import read_document
from triage_lab.lab.policies import load_operations, load_policy, policy_files, shown
from triage_lab.lab.snapshot import context_columns, read_facts

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
    declared = tuple(operations.inboxes.values()) if operations else ()
    channels = Counter(inbox.channel for inbox in declared)
    names = tuple(inbox.inbox_id for inbox in declared)
    spellings = tuple((inbox.inbox_id, address) for inbox in declared for address in inbox.addresses)
    # arrivals that name no inbox came by the only one of their channel
    only = tuple((inbox.inbox_id, inbox.channel) for inbox in declared if channels[inbox.channel] == 1)
    for gate in gates:
        if gate.check == "channel_coverage" and "inboxes" not in gate.params:
            yield replace(gate, params={**gate.params, "inboxes": names, "spellings": spellings, "channels": only})
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
    with store.open_store(config.database, write=True) as con, _lookups_shown(con, config, as_of, gates):
        results: tuple[GateResult, ...] = ()
        disagreements: tuple[Any, ...] = ()
        if engine in ("sql", "both"):
            results = tuple(quality.run_sql(con, gates, cutoff=cutoff, run_id="check"))
        if engine in ("gx", "both"):
            by_gx = tuple(quality.run_gx(con, gates, cutoff=cutoff))
            disagreements = tuple(quality.parity(results, by_gx)) if engine == "both" else ()
            results = (*results, *by_gx)
    return CheckReport(results, disagreements)


@contextmanager
def _lookups_shown(con: Any, config: Config, as_of: int, gates: tuple[Gate, ...]) -> Iterator[None]:
    """Show what the lab's policies would look up, so that gates judge it where no system logs its look-ups."""
    store.set_as_of(con, as_of)
    asked = any(gate.table == "enrichment_log" for gate in gates)
    if not asked or store.cutoff(con, as_of) is None:
        yield
        return
    operations = load_operations(config)
    known = context_columns(config, operations)
    columns = {name: known[name] for name in _columns_read(config, operations) if name in known}
    context, lookups = read_facts(con, config, operations, columns)
    with store.lookups_shown(con, lookups.frame(tuple(columns)), context["ticket_id"]):
        yield


def _columns_read(config: Config, operations: Operations | None) -> tuple[str, ...]:
    """The columns that some policy of the lab reads; a policy that is refused is `policy test`'s to tell."""
    found: set[str] = set()
    for name in policy_files(config):
        with suppress(TriageLabError):
            parsed = load_policy(config, name, operations)
            found |= {column for columns in policy.columns_read(parsed).values() for column in columns}
    return tuple(sorted(found))


def write_reports(report: CheckReport, *, junit: Path | None, sarif: Path | None) -> tuple[Path, ...]:
    """Write the results for CI systems; returns the files written."""
    from triage_lab import report as pages

    written = []
    if junit is not None:
        written.append(write_text(junit, pages.junit(report.results)))
    if sarif is not None:
        written.append(write_text(sarif, pages.sarif(report.results)))
    return tuple(written)
