"""One customer in several systems: find the links, store them, and list what a person has to decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from triage_lab import sources, store
from triage_lab.domain.errors import StoreError
from triage_lab.lab.atomic import write_text
from triage_lab.lab.config import Config

FOUND = ("exact", "domain", "name")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class SystemLinks:
    """How the ids of one system came out: linked by method, in doubt, alone; and the tickets behind the linked ones."""

    system: str
    identities: int
    linked: Mapping[str, int]
    doubts: int
    alone: int
    tickets: int
    tickets_in_doubt: int


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What linking found. ``load_id`` is None if nothing was stored: a dry run, or all of it was known."""

    hub: str
    systems: tuple[SystemLinks, ...]
    links: tuple[sources.Link, ...]
    doubts: tuple[sources.Doubt, ...]
    stored: int
    load_id: int | None
    file: str | None


def link(
    config: Config,
    *,
    min_confidence: float = 0.85,
    hub: str | None = None,
    dry_run: bool = False,
    doubts: Path | None = None,
) -> LinkReport:
    """Find which ids of the loaded systems are the same account, and store the links.

    Parameters
    ----------
    min_confidence : float
        0..1; less sure links are listed as doubts and not stored.
    hub : str or None
        System whose ids name the accounts; default the CRM where there is one.
    dry_run : bool
        Store nothing.
    doubts : Path or None
        CSV file for what a person has to decide; fill in its column ``account_id`` and load it with
        ``ingest --table account_links``.

    Raises
    ------
    StoreError
        No system has accounts.
    UsageError
        ``hub`` is no loaded system, or ``min_confidence`` is not within 0..1.
    """
    with store.open_store(config.database, write=not dry_run) as con:
        store.set_as_of(con, store.latest_load(con))
        identities = store.read_account_identities(con)
        if identities.is_empty():
            raise StoreError(
                "no system has accounts or tickets of one", "exports with accounts",
                "triage-lab ingest --source salesforce|stripe|zendesk|contracts FOLDER",
            )  # fmt: skip
        given = store.read_given_links(con)
        before = store.read_table(con, "account_links")
        found = sources.link_accounts(identities, given, min_confidence=min_confidence, hub=hub)
        load_id, stored = None, 0
        if not dry_run:
            frame = _to_store(found, before, given)
            stored = frame.join(before, on=list(frame.columns), how="anti", nulls_equal=True).height
            now = int(datetime.now(UTC).timestamp())
            load_id = store.write_account_links(con, frame, file="accounts link", loaded_at=now)
    file = None if doubts is None else str(write_text(doubts, _doubts_csv(found)))
    hubs = list(found.identities)
    return LinkReport(hubs[0], _systems(found, identities), found.links, found.doubts, stored, load_id, file)


def show(config: Config) -> LinkReport:
    """Say how accounts are linked now and what is in doubt, without storing anything."""
    return link(config, dry_run=True)


def _to_store(found: sources.Linking, before: pl.DataFrame, given: tuple[tuple[str, str, str], ...]) -> pl.DataFrame:
    """The links found; one that no longer holds is taken back by linking the id to itself."""
    rows = [
        (item.source, item.source_id, item.account_id, item.method, item.confidence)
        for item in found.links
        if item.method != "given"
    ]
    held = {(row[0], row[1]) for row in rows} | {(system, name) for system, name, _ in given}
    for row in before.iter_rows(named=True):
        key = (row["source"], row["source_id"])
        if key not in held and row["method"] in FOUND:
            rows.append((*key, row["source_id"], "own", 1.0))
    schema = {"source": pl.String, "source_id": pl.String, "account_id": pl.String, "method": pl.String}
    return pl.DataFrame(rows, schema={**schema, "confidence": pl.Float64}, orient="row")


def _systems(found: sources.Linking, identities: pl.DataFrame) -> tuple[SystemLinks, ...]:
    """Counts of every system, in the order in which they joined."""
    tickets = {(row["source"], row["source_id"]): int(row["tickets"]) for row in identities.iter_rows(named=True)}
    out = []
    for system, count in found.identities.items():
        mine = [item for item in found.links if item.source == system]
        doubts = [item for item in found.doubts if item.source == system]
        out.append(
            SystemLinks(
                system,
                count,
                dict(sorted(Counter(item.method for item in mine).items())),
                len(doubts),
                found.alone.get(system, 0),
                sum(number for (source, _), number in tickets.items() if source == system),
                sum(item.tickets for item in doubts),
            )
        )
    return tuple(out)


def _doubts_csv(found: sources.Linking) -> str:
    """What a person has to decide, the ids with the most tickets first; no cell starts a formula."""
    rows = sorted(found.doubts, key=lambda item: (-item.tickets, item.source, item.source_id))
    frame = pl.DataFrame(
        [
            {
                "source": item.source, "source_id": item.source_id, "account_id": None, "method": "given",
                "confidence": None, "name": _plain(item.name), "tickets": item.tickets, "reason": item.reason,
                "candidates": _plain("; ".join(f"{i} {n} ({c:.2f})" for i, n, c in item.candidates)),
            }
            for item in rows
        ],
        schema={
            "source": pl.String, "source_id": pl.String, "account_id": pl.String, "method": pl.String,
            "confidence": pl.Float64, "name": pl.String, "tickets": pl.Int64, "reason": pl.String,
            "candidates": pl.String,
        },
    )  # fmt: skip
    return frame.write_csv()


def _plain(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return "'" + text if text.startswith(_FORMULA) else text
