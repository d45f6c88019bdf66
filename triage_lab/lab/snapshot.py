"""What a run may see: one load version of the store, as of one cutoff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from triage_lab import policy, sources, store
from triage_lab.domain.canonical import digest
from triage_lab.domain.desk import ContextColumn, Operations
from triage_lab.domain.errors import StoreError
from triage_lab.lab.config import Config


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Row-aligned context and history at one load version; ``cutoff`` in epoch seconds UTC.

    Tickets that arrived after the cutoff are stored but not seen; ``after_cutoff`` counts them. ``enrichment`` is what
    the systems logged, ``lookups`` what the replay asked them; ``left_out`` says why a ticket is not scored.
    """

    as_of_load: int
    data_digest: str
    cutoff: int
    after_cutoff: int
    context: pl.DataFrame
    history: pl.DataFrame
    enrichment: pl.DataFrame
    lookups: store.Lookups
    left_out: pl.Series
    labels: pl.DataFrame
    columns: dict[str, ContextColumn]
    sources: tuple[dict[str, str], ...]


def context_columns(config: Config, operations: Operations | None) -> dict[str, ContextColumn]:
    """Columns that a rule may read in this lab: the built-in ones and those of operations.yaml."""
    extra = tuple(operations.context.values()) if operations else ()
    return dict(policy.read_columns(extra))


def read_facts(
    con: Any, config: Config, operations: Operations | None, columns: Mapping[str, ContextColumn]
) -> tuple[pl.DataFrame, store.Lookups]:
    """Read the context of every ticket, and the lookups that brought it, with the settings of this lab."""
    return store.read_context_and_lookups(
        con,
        list(columns.values()),
        timezone=config.timezone,
        currency=config.currency,
        mrr_tiers=config.mrr_tiers,
        fx=operations.fx if operations else (),
        decision_latency_seconds=operations.decision_latency_seconds if operations else 60,
        enrichment=operations.enrichment if operations else {},
        systems=sources.list_sources(),
    )


def read_snapshot(con: Any, config: Config, operations: Operations | None) -> Snapshot:
    """Read everything a replay needs from an open store.

    Raises
    ------
    StoreError
        The store holds no ticket.
    """
    as_of = store.latest_load(con)
    store.set_as_of(con, as_of)
    cutoff = store.cutoff(con, as_of)
    if cutoff is None:
        raise StoreError("the store holds no tickets", "at least one ticket", "triage-lab ingest --table tickets FILE")
    columns = context_columns(config, operations)
    with store.arrivals(con):
        context, lookups = read_facts(con, config, operations, columns)
        left_out = store.read_left_out(con)
        history = store.read_history(con, cutoff)
        enrichment = store.read_enrichment(con, cutoff)
        labels = store.read_labels(con, cutoff)
    loads = store.list_loads(con)
    seen = int((context["arrived_at"] <= cutoff).sum())
    if seen == 0:
        raise StoreError(
            "every ticket arrived after the cutoff", "a snapshot taken after some ticket", "check --snapshot-at"
        )
    return Snapshot(
        as_of_load=as_of,
        data_digest=store.data_digest(con, as_of),
        cutoff=cutoff,
        after_cutoff=context.height - seen,
        context=context.head(seen),
        history=history.head(seen),
        enrichment=enrichment.filter(pl.col("row") < seen),
        lookups=lookups,
        left_out=left_out.head(seen),
        labels=labels.filter(pl.col("row") < seen),
        columns=columns,
        sources=tuple(
            {
                "load": str(row["load_id"]),
                "file": str(row["file"]),
                "source": str(row["source"] or row["target"]),
                "rows": str(row["rows"]),
                "rejected": str(row["rejected"]),
                "sha256": str(row["content_hash"]),
            }
            for row in loads.iter_rows(named=True)
        ),
    )


def settings_digest(config: Config, columns: dict[str, ContextColumn]) -> str:
    """Digest of the lab's settings that change a run's numbers."""
    return digest(
        {
            "timezone": config.timezone,
            "currency": config.currency,
            "mrr_tiers": [[name, bound] for name, bound in config.mrr_tiers],
            "columns": {name: [column.kind, column.source, column.as_of] for name, column in columns.items()},
        }
    )
