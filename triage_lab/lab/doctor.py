"""Which metrics this lab's data can show: possible, approximate, or impossible and why."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab import store
from triage_lab.domain.desk import Operations
from triage_lab.lab.config import Config
from triage_lab.lab.policies import load_operations, policy_files, shown

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
class DoctorReport:
    """One screen: what is loaded, what is possible, what is missing."""

    lab: str
    database: str
    first_at: str | None
    last_at: str | None
    tables: tuple[TableFacts, ...]
    findings: tuple[Finding, ...]
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


def doctor(config: Config) -> DoctorReport:
    """Look at the store, the operations and the policies, and say what can be measured."""
    with store.open_store(config.database, write=False) as con:
        store.set_as_of(con, store.latest_load(con))
        frame = store.inventory(con)
    rows: dict[str, int] = {}
    filled: dict[Cell, int] = {}
    span: dict[str, tuple[str | None, str | None]] = {}
    for line in frame.iter_rows(named=True):
        rows[line["table"]] = int(line["rows"])
        filled[(line["table"], line["column"])] = int(line["non_null"])
        if (line["table"], line["column"]) == ("tickets", "created_at"):
            span["tickets"] = (_text(line["first_at"]), _text(line["last_at"]))
    inventory = _Inventory(rows, filled)
    operations = load_operations(config)
    findings = tuple(_findings(inventory, operations))
    first, last = span.get("tickets", (None, None))
    return DoctorReport(
        lab=config.name,
        database=shown(config, config.database),
        first_at=first,
        last_at=last,
        tables=_table_facts(inventory),
        findings=findings,
        policies=tuple(policy_files(config)),
        operations=shown(config, config.operations) if operations else None,
        next_commands=_next(config, inventory),
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


def _findings(inventory: _Inventory, operations: Operations | None) -> list[Finding]:
    """Judge every metric family by the columns it needs."""
    handle = inventory.has(("tickets", "handle_minutes"))
    return [
        _need("routing decisions", inventory, (("tickets", "created_at"),), "no tickets are loaded"),
        _need("baseline history", inventory, (("tickets", "first_team_id"),), "no first_team_id: name a --baseline"),
        _need(
            "misroute (resolver)", inventory, (("tickets", "resolver_team_id"),),
            "no resolver_team_id: nobody knows who solved the tickets",
        ),
        _need("misroute (labelled)", inventory, (("labels", "value"),), "no labels of field truth_team"),
        _first_action(inventory),
        _need("time to resolution, observed", inventory, (("tickets", "resolved_at"),), "no resolved_at"),
        _need("vendor SLA", inventory, (("tickets", "sla_met"),), "no sla_met flag from the vendor"),
        _desk(operations, handle),
        _sla(operations, inventory, handle),
        _money(inventory),
        _need("enrichment coverage", inventory, (("enrichment_log", "field"),), "no enrichment_log"),
        _need(
            "enrichment accuracy", inventory, (("enrichment_log", "field"), ("labels", "value")),
            "needs enrichment_log and labels of the same fields",
        ),
        _intervals(inventory),
    ]  # fmt: skip


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


def _first_action(inventory: _Inventory) -> Finding:
    """Time to first action needs a stamp or events."""
    if inventory.has(("ticket_events", "kind")):
        return Finding("time to first action, observed", POSSIBLE, "from ticket_events")
    if inventory.has(("tickets", "first_action_at")):
        return Finding(
            "time to first action, observed", APPROXIMATE, "from tickets.first_action_at; who acted is unknown"
        )
    return Finding("time to first action, observed", IMPOSSIBLE, "no first_action_at and no ticket_events")


def _desk(operations: Operations | None, handle: bool) -> Finding:
    """A simulated desk needs rosters and handle times."""
    subject = "waits, queues, escalations (simulated)"
    if operations is None:
        return Finding(subject, IMPOSSIBLE, "no operations.yaml: teams and agents are unknown")
    if not handle:
        return Finding(subject, IMPOSSIBLE, "no handle_minutes in tickets: work cannot be replayed")
    if operations.inferred:
        return Finding(subject, APPROXIMATE, f"{len(operations.inferred)} values of operations.yaml are inferred")
    return Finding(subject, POSSIBLE, f"{len(operations.teams)} teams in operations.yaml; not calibrated yet")


def _sla(operations: Operations | None, inventory: _Inventory, handle: bool) -> Finding:
    """SLA compliance of a candidate needs targets and a desk."""
    subject = "SLA compliance of a candidate (simulated)"
    due = inventory.has(("tickets", "due_at"))
    if operations is None or not handle:
        return Finding(subject, IMPOSSIBLE, "needs operations.yaml and handle_minutes")
    if not operations.sla and not due:
        return Finding(subject, IMPOSSIBLE, "no sla targets in operations.yaml and no due_at")
    return Finding(subject, POSSIBLE, f"{len(operations.sla)} targets" + (" and the vendor's due_at" if due else ""))


def _money(inventory: _Inventory) -> Finding:
    """MRR needs accounts on tickets and subscriptions."""
    subject = "MRR, tiers, revenue at risk"
    if not inventory.has(("subscriptions", "mrr_minor")) and not inventory.has(("enrichment_log", "field")):
        return Finding(subject, IMPOSSIBLE, "no subscriptions: load --table subscriptions")
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
        return ("triage-lab ingest --table tickets tickets.csv",)
    names = list(policy_files(config))
    policy = names[0] if names else "my-rules.yaml"
    return ("triage-lab check", f"triage-lab policy test {policy}", f"triage-lab backtest {policy}")
