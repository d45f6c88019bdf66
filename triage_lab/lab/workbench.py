"""Lab: a folder, its settings, and a method for every command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triage_lab.domain.desk import ContextColumn
from triage_lab.lab.config import Config, find_lab, read_config, setting_names
from triage_lab.lab.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl

    from triage_lab.lab.accounts import LinkReport
    from triage_lab.lab.doctor import DoctorReport
    from triage_lab.lab.explain import Explanation
    from triage_lab.lab.gates import CheckReport
    from triage_lab.lab.ingest import IngestReport
    from triage_lab.lab.operations_proposal import OperationsView
    from triage_lab.lab.operations_proposal import Proposal as OperationsProposal
    from triage_lab.lab.policies import PolicyReport, PolicyView
    from triage_lab.lab.propose import Proposal
    from triage_lab.lab.recorded import Run, RunLine


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its value and where it comes from."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """The commands of ``triage-lab policy``."""

    config: Config

    def show(self, name: str) -> PolicyView:
        """Return a policy in evaluation order."""
        from triage_lab.lab import policies

        return policies.show(self.config, name)

    def test(self, names: Sequence[str] = ()) -> tuple[PolicyReport, ...]:
        """Run the tests that stand in the policy files; default all of the lab's policies."""
        from triage_lab.lab import policies

        return policies.test(self.config, tuple(names))

    def columns(self) -> tuple[ContextColumn, ...]:
        """Return the columns that a rule may read."""
        from triage_lab.lab import policies

        return policies.columns(self.config)


@dataclass(frozen=True, slots=True)
class AccountGroup:
    """The commands of ``triage-lab accounts``."""

    config: Config

    def link(
        self,
        *,
        min_confidence: float = 0.85,
        hub: str | None = None,
        dry_run: bool = False,
        doubts: Path | None = None,
    ) -> LinkReport:
        """Find which ids of the loaded systems are one account, and store the links."""
        from triage_lab.lab import accounts

        return accounts.link(self.config, min_confidence=min_confidence, hub=hub, dry_run=dry_run, doubts=doubts)

    def show(self) -> LinkReport:
        """Say how accounts are linked and which ids are in doubt; stores nothing."""
        from triage_lab.lab import accounts

        return accounts.show(self.config)


@dataclass(frozen=True, slots=True)
class OperationsGroup:
    """The commands of ``triage-lab operations``."""

    config: Config

    def propose(self, *, out: Path | None = None) -> OperationsProposal:
        """Infer the desk from the log and write it as an operations file."""
        from triage_lab.lab import operations_proposal

        return operations_proposal.propose(self.config, out=out)

    def show(self) -> OperationsView:
        """Return the desk as it can be drawn: who is on duty hour by hour."""
        from triage_lab.lab import operations_proposal

        return operations_proposal.show(self.config)


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab: holds a path and settings, never an open connection.

    Examples
    --------
    >>> lab = open_lab("triage-lab-demo")  # doctest: +SKIP
    >>> lab.backtest("billing-protection").measures()  # doctest: +SKIP
    """

    config: Config

    @property
    def root(self) -> Path:
        """The lab's folder."""
        return self.config.root

    @property
    def policy(self) -> PolicyGroup:
        """The policy commands."""
        return PolicyGroup(self.config)

    @property
    def accounts(self) -> AccountGroup:
        """The commands on accounts."""
        return AccountGroup(self.config)

    @property
    def operations(self) -> OperationsGroup:
        """The commands on the desk."""
        return OperationsGroup(self.config)

    def ingest(
        self,
        files: Sequence[str | Path],
        *,
        source: str | None = None,
        table: str | None = None,
        columns: str | Path | Mapping[str, Any] | None = None,
        layout: str | None = None,
        delimiter: str | None = None,
        timezone: str | None = None,
        snapshot_at: str | None = None,
        strict: bool = False,
        progress: Progress = silent,
    ) -> IngestReport:
        """Load files into the store; see `triage_lab.lab.ingest.ingest`."""
        from triage_lab.lab import ingest, propose

        return ingest.ingest(
            self.config,
            files,
            source=source,
            table=table,
            columns=propose.read_columns(columns),
            layout=layout,
            delimiter=delimiter,
            timezone=timezone,
            snapshot_at=snapshot_at,
            strict=strict,
            progress=progress,
        )

    def propose(self, file: str | Path, *, table: str = "tickets", delimiter: str | None = None) -> Proposal:
        """Propose which column of a file is which canonical column; loads nothing."""
        from triage_lab.lab import propose

        return propose.propose(Path(file), table, delimiter)

    def doctor(self, *, clocks: bool = True, differences: Path | None = None) -> DoctorReport:
        """Say which metrics are possible and why the others are not, and how the vendor's clocks compare with ours."""
        from triage_lab.lab import doctor

        return doctor.doctor(self.config, clocks=clocks, differences=differences)

    def check(
        self,
        *,
        engine: str = "sql",
        gate: str | None = None,
        junit: Path | None = None,
        sarif: Path | None = None,
    ) -> CheckReport:
        """Run the data-quality gates, and write them as JUnit XML or SARIF if asked."""
        from triage_lab.lab import gates

        report = gates.check(self.config, engine=engine, gate=gate)
        gates.write_reports(report, junit=junit, sarif=sarif)
        return report

    def backtest(
        self,
        candidate: str,
        *,
        baseline: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        where: str | None = None,
        by: Sequence[str] = (),
        replications: int | None = None,
        progress: Progress = silent,
        notice: Callable[[str], None] = lambda _text: None,
    ) -> Run:
        """Replay candidate and baseline in paired worlds and record the run."""
        from triage_lab.lab import backtest

        request = backtest.Request(
            candidate, baseline or self.config.baseline, from_, to, where, tuple(dict.fromkeys(by)), replications
        )
        return backtest.backtest(self.config, request, progress=progress, notice=notice)

    def scorecard(self, run: str | None = None, *, md: bool = False, out: Path | None = None) -> tuple[Path, ...]:
        """Write the scorecard page of a run (default the newest) and return the files written."""
        from triage_lab.lab import recorded

        return recorded.write_scorecard(self.config, run, md=md, out=out)

    def explain(self, ticket: str, *, run: str | None = None, policy: str | None = None) -> Explanation:
        """Say why a ticket went where it went."""
        from triage_lab.lab import explain

        return explain.explain(self.config, ticket, run=run, policy=policy)

    def runs(self) -> tuple[RunLine, ...]:
        """List the recorded runs, newest first."""
        from triage_lab.lab import recorded

        return recorded.list_runs(self.config)

    def run(self, run: str) -> Run:
        """Return a recorded run by its id or the beginning of it."""
        from triage_lab.lab import recorded

        return recorded.read_run(self.config, run)

    def table(self, name: str) -> pl.DataFrame:
        """Return a canonical table as of the newest load, one row per key; times are UTC.

        Raises
        ------
        UsageError
            There is no such table.
        """
        from triage_lab import store
        from triage_lab.domain.errors import UsageError
        from triage_lab.domain.tables import CANONICAL
        from triage_lab.lab.fields import nearest

        if name not in CANONICAL:
            raise UsageError(f"unknown table '{name[:60]}'", nearest(name, CANONICAL))
        with store.open_store(self.config.database, write=False) as con:
            store.set_as_of(con, store.latest_load(con))
            return store.read_table(con, name)

    def context(self) -> pl.DataFrame:
        """Return what a rule may read, one row a ticket, as known when it arrived."""
        from triage_lab import store
        from triage_lab.lab.policies import load_operations
        from triage_lab.lab.snapshot import read_snapshot

        with store.open_store(self.config.database, write=False) as con:
            return read_snapshot(con, self.config, load_operations(self.config)).context

    def settings(self) -> tuple[Setting, ...]:
        """Every setting, its value and its origin (the command ``config``)."""
        out = []
        for name in setting_names():
            value: Any = getattr(self.config, name)
            if name == "mrr_tiers":
                value = ", ".join(f"{tier} ≥ {bound}" for tier, bound in value)
            out.append(Setting(name, str(value), self.config.origins[name]))
        return tuple(out)


def open_lab(path: str | Path | None = None, *, seed: int | None = None) -> Lab:
    """Open a lab.

    Parameters
    ----------
    path : str, Path or None
        The lab's folder; None looks for triage_lab.toml from the working directory upward.
    seed : int or None
        Seed to use instead of the lab's.

    Raises
    ------
    ConfigError
        There is no lab, or its settings are wrong.
    """
    folder = Path(path) if path is not None else find_lab(Path.cwd())
    return Lab(read_config(folder, {"seed": seed}))
