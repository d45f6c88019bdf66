"""Which metrics this lab's data can show: possible, approximate, or impossible and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from triage_lab import store
from triage_lab.domain.desk import Operations
from triage_lab.lab.clock_report import ClockReport, read_clocks
from triage_lab.lab.config import Config
from triage_lab.lab.policies import load_operations, policy_files, shown

_DIMENSIONS = ("accounts", "contracts", "contract_clauses", "subscriptions", "invoices", "opportunities")
POSSIBLE, APPROXIMATE, IMPOSSIBLE = "possible", "approximate", "impossible"
Cell = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One metric (or feature): its state, and why."""

    subject: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What a canonical table holds; times are ISO 8601 UTC text."""

    table: str
    rows: int
    filled: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """What one system tells in one table: rows, how full its columns are, and how fresh it is.

    ``filled`` = share of cells with a value over the columns that hold any; ``newest_at`` and ``snapshot_at`` are
    ISO 8601 UTC text.
    """

    system: str
    table: str
    rows: int
    columns: int
    filled: float
    newest_at: str | None
    snapshot_at: str | None


@dataclass(frozen=True, slots=True)
class ArrivalFacts:
    """What came in: signals, repeated deliveries, tickets that exist only through one, tickets that are not scored."""

    signals: int
    repeated: int
    repeated_tickets: int
    left_out: Mapping[str, int]
    channels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """One screen: what is loaded, what is possible, what is missing."""

    lab: str
    database: str
    first_at: str | None
    last_at: str | None
    tables: tuple[TableFacts, ...]
    findings: tuple[Finding, ...]
    systems: tuple[SystemFacts, ...]
    arrivals: ArrivalFacts
    clocks: ClockReport | None
    policies: tuple[str, ...]
    operations: str | None
    next_commands: tuple[str, ...]


class _Inventory:
    """Rows and filled cells by table and column."""

    def __init__(self, rows: dict[str, int], filled: dict[Cell, int]) -> None:
        self.rows, self.filled = rows, filled

    def share(self, table: str, column: str) -> float:
        """Share of a table's rows in which a column has a value; 0 for an empty table."""
        return self.filled.get((table, column), 0) / max(self.rows.get(table, 0), 1)

    def has(self, *cells: Cell) -> bool:
        """Whether every one of the columns has a value somewhere."""
        return all(self.filled.get(cell, 0) > 0 for cell in cells)


def doctor(config: Config, *, clocks: bool = True, differences: Path | None = None) -> DoctorReport:
    """Look at the store, the operations and the policies, and say what can be measured.

    Parameters
    ----------
    clocks : bool
        Count the vendor's promises and set its clocks beside ours.
    differences : Path or None
        CSV file for every vendor clock that differs from ours, with the reason.
    """
    operations = load_operations(config)
    with store.open_store(config.database, write=False) as con:
        as_of = store.latest_load(con)
        store.set_as_of(con, as_of)
        frame = store.inventory(con)
        by_system = store.inventory_by_system(con)
        cutoff = store.cutoff(con, as_of)
        came_in = _arrivals(con, config)
        kinds = store.event_kinds(con)
        promised = read_clocks(con, operations, cutoff, out=differences) if clocks and cutoff is not None else None
    rows: dict[str, int] = {}
    filled: dict[Cell, int] = {}
    span: dict[str, tuple[str | None, str | None]] = {}
    for line in frame.iter_rows(named=True):
        rows[line["table"]] = int(line["rows"])
        filled[(line["table"], line["column"])] = int(line["non_null"])
        if (line["table"], line["column"]) == ("tickets", "created_at"):
            span["tickets"] = (_text(line["first_at"]), _text(line["last_at"]))
    inventory = _Inventory(rows, filled)
    findings = tuple(_findings(inventory, operations, kinds))
    first, last = span.get("tickets", (None, None))
    return DoctorReport(
        lab=config.name,
        database=shown(config, config.database),
        first_at=first,
        last_at=last,
        tables=_table_facts(inventory),
        findings=findings,
        systems=_systems(by_system),
        arrivals=came_in,
        clocks=promised,
        policies=tuple(policy_files(config)),
        operations=shown(config, config.operations) if operations else None,
        next_commands=_next(config, inventory),
    )


def _systems(frame: pl.DataFrame) -> tuple[SystemFacts, ...]:
    """One line per system and table, over the columns in which the system tells anything."""
    told = frame.filter(pl.col("non_null") > 0).group_by("system", "table", maintain_order=True)
    lines = told.agg(
        pl.col("rows").max(),
        pl.len().alias("columns"),
        (pl.col("non_null").sum() / (pl.col("rows").max() * pl.len())).alias("filled"),
        pl.col("newest_at").max(),
        pl.col("snapshot_at").max(),
    ).sort("system", maintain_order=True)
    return tuple(
        SystemFacts(
            row["system"], row["table"], row["rows"], row["columns"], row["filled"], _text(row["newest_at"]),
            _text(row["snapshot_at"]),
        )
        for row in lines.iter_rows(named=True)
    )  # fmt: skip


def _arrivals(con: Any, config: Config) -> ArrivalFacts:
    """Signals and tickets as they came in, and what of them is counted twice or not at all."""
    signals = store.read_table(con, "signals").select("signal_id", "duplicate_of")
    stream = store.read_arrival_stream(con, timezone=config.timezone)
    reasons = store.read_left_out(con).drop_nulls()
    counts = {str(reason): int(n) for reason, n in reasons.value_counts(sort=True).iter_rows()}
    channels = (
        stream.group_by("channel").agg(pl.col("arrivals").sum()).sort("arrivals", "channel", descending=[True, False])
    )
    return ArrivalFacts(
        signals=signals.height,
        repeated=signals.height - signals["duplicate_of"].null_count(),
        repeated_tickets=counts.get("repeated", 0),
        left_out=counts,
        channels={str(name or "unknown"): int(n) for name, n in channels.iter_rows()},
    )


def _text(value: object) -> str | None:
    """A time as text."""
    return None if value is None else str(value)


def _table_facts(inventory: _Inventory) -> tuple[TableFacts, ...]:
    """Filled columns of the tables that hold rows."""
    facts = []
    for table, count in inventory.rows.items():
        if count:
            columns = tuple((name, n) for (owner, name), n in inventory.filled.items() if owner == table)
            facts.append(TableFacts(table, count, columns))
    return tuple(facts)


def _findings(inventory: _Inventory, operations: Operations | None, kinds: Mapping[str, int]) -> list[Finding]:
    """Judge every metric family by the columns and events it needs."""
    handle = inventory.has(("tickets", "handle_minutes"))
    return [
        _need("routing decisions", inventory, (("tickets", "created_at"),), "no tickets are loaded"),
        _need("baseline history", inventory, (("tickets", "first_team_id"),), "no first_team_id: name a --baseline"),
        _need(
            "misroute (resolver)", inventory, (("tickets", "resolver_team_id"),),
            "no resolver_team_id: nobody knows who solved the tickets",
        ),
        _need("misroute (labelled)", inventory, (("labels", "value"),), "no labels of field truth_team"),
        _first_action(inventory, kinds),
        _need("time to resolution, observed", inventory, (("tickets", "resolved_at"),), "no resolved_at"),
        _chain(inventory, kinds),
        _events("escalations, observed", kinds, ("escalated",), "the log has no event of kind escalated"),
        _events("reopened tickets", kinds, ("reopened",), "the log has no event of kind reopened"),
        _events(
            "rollbacks and rescinded replies", kinds, ("rollback", "rescind"), "no event of kind rollback or rescind"
        ),
        _events("satisfaction", kinds, ("csat",), "no event of kind csat"),
        _need("vendor SLA", inventory, (("tickets", "sla_met"),), "no sla_met flag from the vendor"),
        _need("vendor clocks against ours", inventory, (("sla_instances", "state"),),
              "the vendor's own clocks are not in the export (sla_instances)"),
        _desk(operations, handle),
        _sla(operations, inventory, handle),
        _money(inventory),
        _need("renewal window", inventory, (("contracts", "ends_on"),), "no contracts with an end"),
        _need("legal flag", inventory, (("contract_clauses", "clause_key"),), "no contract_clauses"),
        _need("open deals", inventory, (("opportunities", "opportunity_id"),), "no opportunities"),
        _need(
            "refunds and credits beside a ticket", inventory, (("refunds", "account_id"),), "no refunds with an account"
        ),
        _need("duplicates by text", inventory, (("tickets", "subject"),), "tickets carry no text"),
        _coverage(inventory),
        _accuracy(inventory),
        _intervals(inventory),
    ]  # fmt: skip


def _chain(inventory: _Inventory, kinds: Mapping[str, int]) -> Finding:
    """The chain of owners comes from assignments; a count of changes tells less."""
    subject = "ownership chain and hand-offs"
    if kinds.get("assigned"):
        return Finding(subject, POSSIBLE, f"{kinds['assigned']:,} assignments in ticket_events")
    if inventory.has(("tickets", "reassignment_count")):
        return Finding(subject, APPROXIMATE, "tickets.reassignment_count: how many, not who and when")
    return Finding(subject, IMPOSSIBLE, "no event of kind assigned and no reassignment_count")


def _events(subject: str, kinds: Mapping[str, int], wanted: tuple[str, ...], reason: str) -> Finding:
    """Possible if the log has events of one of the kinds."""
    found = sum(kinds.get(kind, 0) for kind in wanted)
    return Finding(subject, POSSIBLE, f"{found:,} events") if found else Finding(subject, IMPOSSIBLE, reason)


def _coverage(inventory: _Inventory) -> Finding:
    """Look-ups are logged, or replayed from dated dimension rows."""
    subject = "enrichment coverage"
    if inventory.has(("enrichment_log", "field")):
        return Finding(subject, POSSIBLE, "from the logged look-ups; fields not logged are looked up by the replay")
    dated = [table for table in _DIMENSIONS if inventory.rows.get(table)]
    if dated:
        return Finding(subject, POSSIBLE, f"looked up by the replay, as of arrival, in {', '.join(dated)}")
    return Finding(subject, IMPOSSIBLE, "no enrichment_log and no accounts, contracts, subscriptions or the like")


def _accuracy(inventory: _Inventory) -> Finding:
    """Accuracy needs somebody who said what is true."""
    subject = "enrichment accuracy"
    if not inventory.has(("labels", "value")):
        return Finding(subject, IMPOSSIBLE, "no labels: load a reviewed sample with --table labels")
    if _coverage(inventory).state == IMPOSSIBLE:
        return Finding(subject, IMPOSSIBLE, "labels, but nothing that was looked up")
    return Finding(subject, POSSIBLE, f"{inventory.filled[('labels', 'value')]:,} labels")


def _need(subject: str, inventory: _Inventory, cells: tuple[Cell, ...], reason: str) -> Finding:
    """Possible if every cell has a value; the share says how complete the weakest is."""
    if not inventory.has(*cells):
        return Finding(subject, IMPOSSIBLE, reason)
    table, column = min(cells, key=lambda cell: inventory.share(*cell))
    share = inventory.share(table, column)
    if share >= 0.9:
        return Finding(subject, POSSIBLE, f"{table}.{column} filled in {share:.0%}")
    return Finding(
        subject, APPROXIMATE, f"{table}.{column} filled in {share:.0%} only; the rest is excluded and counted"
    )


def _first_action(inventory: _Inventory, kinds: Mapping[str, int]) -> Finding:
    """Time to first action needs a stamp, or events of somebody who acts."""
    if kinds.get("reply") or kinds.get("ack"):
        return Finding("time to first action, observed", POSSIBLE, "from ticket_events")
    if inventory.has(("tickets", "first_action_at")):
        return Finding(
            "time to first action, observed", APPROXIMATE, "from tickets.first_action_at; who acted is unknown"
        )
    return Finding("time to first action, observed", IMPOSSIBLE, "no first_action_at and no event of kind reply or ack")


def _desk(operations: Operations | None, handle: bool) -> Finding:
    """A simulated desk needs rosters and handle times."""
    subject = "waits, queues, escalations (simulated)"
    if operations is None:
        return Finding(subject, IMPOSSIBLE, "no operations.yaml: see `operations propose`")
    if not handle and len(operations.handle_times) < len(operations.teams):
        return Finding(
            subject, IMPOSSIBLE,
            "no handle_minutes in tickets and no handle_times for every team: see operations propose",
        )  # fmt: skip
    if operations.inferred:
        return Finding(subject, APPROXIMATE, f"{len(operations.inferred)} values of operations.yaml are inferred")
    return Finding(subject, POSSIBLE, f"{len(operations.teams)} teams in operations.yaml; not calibrated yet")


def _sla(operations: Operations | None, inventory: _Inventory, handle: bool) -> Finding:
    """SLA compliance of a candidate needs targets and a desk."""
    subject = "SLA compliance of a candidate (simulated)"
    due = inventory.has(("tickets", "due_at"))
    if operations is None or not (handle or len(operations.handle_times) == len(operations.teams)):
        return Finding(subject, IMPOSSIBLE, "needs operations.yaml, and handle_minutes or handle_times")
    if not operations.sla and not due:
        return Finding(subject, IMPOSSIBLE, "no sla targets in operations.yaml and no due_at")
    return Finding(subject, POSSIBLE, f"{len(operations.sla)} targets" + (" and the vendor's due_at" if due else ""))


def _money(inventory: _Inventory) -> Finding:
    """MRR needs accounts on tickets and subscriptions."""
    subject = "MRR, tiers, revenue at risk"
    if not inventory.has(("subscriptions", "mrr_minor")) and not inventory.has(("enrichment_log", "field")):
        return Finding(subject, IMPOSSIBLE, "no subscriptions: load --source stripe or --table subscriptions")
    if not inventory.has(("tickets", "account_id")):
        return Finding(subject, IMPOSSIBLE, "tickets carry no account_id")
    share = inventory.share("tickets", "account_id")
    state = POSSIBLE if share >= 0.8 else APPROXIMATE
    return Finding(subject, state, f"{share:.0%} of tickets have an account")


def _intervals(inventory: _Inventory) -> Finding:
    """Honest intervals are clustered by account."""
    subject = "intervals clustered by account"
    if not inventory.has(("tickets", "account_id")):
        return Finding(subject, APPROXIMATE, "no account_id: intervals are naive and too narrow, and say so")
    return Finding(subject, POSSIBLE, f"{inventory.share('tickets', 'account_id'):.0%} of tickets have an account")


def _next(config: Config, inventory: _Inventory) -> tuple[str, ...]:
    """What to try next."""
    if not inventory.rows.get("tickets"):
        return ("triage-lab ingest --table tickets tickets.csv", "triage-lab ingest --source zendesk EXPORT_FOLDER")
    if not config.operations.exists():
        return ("triage-lab check", "triage-lab operations propose", "triage-lab operations show")
    names = list(policy_files(config))
    policy = names[0] if names else "my-rules.yaml"
    return ("triage-lab check", f"triage-lab policy test {policy}", f"triage-lab backtest {policy}")
