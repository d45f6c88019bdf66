"""The store: the only room that knows DuckDB. Schema, load versions, typed reads and writes, as-of context, runs."""

from triage_lab.store.context import arrivals, read_context
from triage_lab.store.history import read_enrichment, read_events, read_history, read_labels, read_ticket
from triage_lab.store.inventory import inventory
from triage_lab.store.ledger import ArmTables, RunTables
from triage_lab.store.loads import (
    Appended,
    append,
    append_rejects,
    begin_load,
    cutoff,
    data_digest,
    finish_load,
    latest_load,
    list_loads,
    set_as_of,
)
from triage_lab.store.opening import open_store
from triage_lab.store.runs import (
    find_run,
    list_runs,
    read_run,
    run_table,
    save_run,
    ticket_decisions,
    ticket_records,
)
from triage_lab.store.tables import read_table
from triage_lab.store.transactions import transaction

__all__ = [
    "Appended",
    "ArmTables",
    "RunTables",
    "append",
    "append_rejects",
    "arrivals",
    "begin_load",
    "cutoff",
    "data_digest",
    "find_run",
    "finish_load",
    "inventory",
    "latest_load",
    "list_loads",
    "list_runs",
    "open_store",
    "read_context",
    "read_enrichment",
    "read_events",
    "read_history",
    "read_labels",
    "read_run",
    "read_table",
    "read_ticket",
    "run_table",
    "save_run",
    "set_as_of",
    "ticket_decisions",
    "ticket_records",
    "transaction",
]
