"""The store: the only room that knows DuckDB. Schema, load versions, typed reads and writes, as-of context, runs."""

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
from triage_lab.store.transactions import transaction

__all__ = [
    "Appended",
    "append",
    "append_rejects",
    "begin_load",
    "cutoff",
    "data_digest",
    "finish_load",
    "latest_load",
    "list_loads",
    "open_store",
    "set_as_of",
    "transaction",
]
