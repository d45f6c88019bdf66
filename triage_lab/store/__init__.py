"""The store: the only room that knows DuckDB. Schema, load versions, typed reads and writes, as-of context, runs."""

from triage_lab.store.context import arrivals, read_context, read_context_and_lookups
from triage_lab.store.history import read_enrichment, read_events, read_history, read_labels, read_ticket
from triage_lab.store.inventory import inventory, inventory_by_system
from triage_lab.store.kinds_of_events import event_kinds
from triage_lab.store.ledger import ArmTables, RunTables
from triage_lab.store.left_out import read_left_out
from triage_lab.store.links import LINKS, read_account_identities, read_given_links, write_account_links
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
from triage_lab.store.lookups import FieldLookups, Lookups
from triage_lab.store.opening import open_store
from triage_lab.store.runs import (
    find_run,
    list_runs,
    read_run,
    read_run_lookups,
    run_table,
    save_run,
    ticket_decisions,
    ticket_records,
)
from triage_lab.store.shown import lookups_shown
from triage_lab.store.signals import read_arrival_stream, read_repeated_tickets
from triage_lab.store.tables import read_table
from triage_lab.store.transactions import transaction

__all__ = [
    "LINKS",
    "Appended",
    "ArmTables",
    "FieldLookups",
    "Lookups",
    "RunTables",
    "append",
    "append_rejects",
    "arrivals",
    "begin_load",
    "cutoff",
    "data_digest",
    "event_kinds",
    "find_run",
    "finish_load",
    "inventory",
    "inventory_by_system",
    "latest_load",
    "list_loads",
    "list_runs",
    "lookups_shown",
    "open_store",
    "read_account_identities",
    "read_arrival_stream",
    "read_context",
    "read_context_and_lookups",
    "read_enrichment",
    "read_events",
    "read_given_links",
    "read_history",
    "read_labels",
    "read_left_out",
    "read_repeated_tickets",
    "read_run",
    "read_run_lookups",
    "read_table",
    "read_ticket",
    "run_table",
    "save_run",
    "set_as_of",
    "ticket_decisions",
    "ticket_records",
    "transaction",
    "write_account_links",
]
