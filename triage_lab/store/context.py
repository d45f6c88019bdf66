"""The context of every ticket as known at arrival: point-in-time joins, and what the lookups of the day really said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from types import MappingProxyType

import duckdb
import polars as pl

from triage_lab.domain.desk import ColumnKind, ContextColumn, FxRate, LookupChain
from triage_lab.store.chains import check_chains
from triage_lab.store.columns import BASES, Fact, Origin, locate, locate_all
from triage_lab.store.facts import Found, read_facts
from triage_lab.store.frames import query_frame
from triage_lab.store.kinds import typed, typed_text
from triage_lab.store.lookups import FieldLookups, Lookups
from triage_lab.store.money import fx_periods
from triage_lab.store.schema import OWN_SYSTEM
from triage_lab.store.statements import statement
from triage_lab.store.transactions import cleanup
from triage_lab.store.zones import lab_zone

_HELPERS = {
    "mrr": ContextColumn("mrr", ColumnKind.DECIMAL, "", True, "subscriptions.mrr_minor", "valid_from"),
    "contract_end": ContextColumn("contract_end", ColumnKind.DATE, "", True, "contracts.ends_on", "valid_from"),
}
_NO_CHAINS: Mapping[str, LookupChain] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Setting:
    """What the facts depend on besides the data."""

    timezone: str
    currency: str
    tiers: tuple[tuple[str, Decimal], ...]
    latency_seconds: int
    enrichment: Mapping[str, LookupChain]


def read_context(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[ContextColumn],
    *,
    timezone: str,
    currency: str,
    mrr_tiers: Sequence[tuple[str, Decimal]],
    fx: Sequence[FxRate],
    decision_latency_seconds: int,
    enrichment: Mapping[str, LookupChain] = _NO_CHAINS,
    systems: Collection[str] = (),
) -> pl.DataFrame:
    """Return what was known about each ticket when it arrived, one row per ticket.

    Parameters
    ----------
    con : duckdb connection
        The store; the load version is that of `set_as_of`.
    columns : sequence of ContextColumn
        What to read, in this order.
    timezone : str
        The lab's IANA zone, for whole-day arithmetic and the days from which exchange rates hold.
    currency : str
        The lab's currency; money comes in its major units.
    mrr_tiers : sequence of (name, lower bound)
        Lower bounds in major units a month, inclusive, in any order.
    fx : sequence of FxRate
        Rates into ``currency``; others are not used.
    decision_latency_seconds : int
        A lookup counts if it was made by arrival plus this, seconds.
    enrichment : mapping of field to LookupChain
        Which systems are asked for a fact, in order, as operations.yaml says; a fact without a chain is asked of all
        systems that have rows in its table, in the usual order (`triage_lab.store.chains.usual_order`).
    systems : collection of str
        Systems that may be named in a chain although nothing was loaded from them (those with a mapping).

    Returns
    -------
    polars.DataFrame
        ticket_id String, ticket_key UInt64, arrived_at Int64 (UTC epoch seconds), then the columns: text String,
        integer Int64, decimal and number Float64, boolean Boolean, date Date. Sorted by arrival (floored to the
        second), then ticket id bytewise.

    Raises
    ------
    ContextError
        A column that cannot be given as of arrival (see `triage_lab.store.columns.locate`), an unknown zone, or a
        chain that names no system or a column that no system is asked for.

    Notes
    -----
    A fact is what the dimension rows valid at arrival say (valid_from ≤ arrival < valid_to; of overlapping versions
    the one that began last). Systems are never mixed: the first in the chain that has a value as of arrival gives it,
    so the mrr of two billing systems is not added up. Where enrichment_log holds lookups of a ticket's field, their
    answer replaces the fact: the latest hit or stale value, NULL if there were only misses and errors, because that is
    what a decision would have seen. ``mrr_tier`` and ``days_to_renewal`` follow from the mrr and contract end so found.
    """
    setting = _Setting(timezone, currency, tuple(mrr_tiers), decision_latency_seconds, enrichment)
    context, _ = _read(con, columns, setting, fx, systems, asked=False)
    return context


def read_context_and_lookups(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[ContextColumn],
    *,
    timezone: str,
    currency: str,
    mrr_tiers: Sequence[tuple[str, Decimal]],
    fx: Sequence[FxRate],
    decision_latency_seconds: int,
    enrichment: Mapping[str, LookupChain] = _NO_CHAINS,
    systems: Collection[str] = (),
) -> tuple[pl.DataFrame, Lookups]:
    """Return the context, and the lookups that brought it, reading everything once.

    Parameters and errors are those of `read_context`.

    Returns
    -------
    polars.DataFrame
        As of `read_context`.
    Lookups
        One field for each column that systems were asked for; its method ``frame`` lists them for the columns that
        some rule reads.

    Notes
    -----
    Every system of a fact's chain is asked in turn until one answers. Nobody is asked about a ticket without an
    account, nor where a log tells what the lookups of the day said of a ticket's field, or of the field that it
    follows from. A value is dated by valid_from of the version used; sums (mrr, balance, open
    opportunities) by the last change of the account's rows in that system by arrival; what is assumed to be static
    has no date.
    """
    setting = _Setting(timezone, currency, tuple(mrr_tiers), decision_latency_seconds, enrichment)
    return _read(con, columns, setting, fx, systems, asked=True)


def _read(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[ContextColumn],
    setting: _Setting,
    fx: Sequence[FxRate],
    systems: Collection[str],
    *,
    asked: bool,
) -> tuple[pl.DataFrame, Lookups]:
    """Read the context, and the lookups if they are asked for."""
    facts = locate_all(columns)
    _check(con, setting.enrichment, facts, systems)
    wanted = {column.name: column for column in columns}
    for fact in facts.values():
        if fact.origin in BASES:
            wanted.setdefault(BASES[fact.origin], _HELPERS[BASES[fact.origin]])
    located = {name: (column, locate(column)) for name, column in wanted.items()}
    plain = {name: pair for name, pair in located.items() if pair[1].origin not in BASES}
    with _scratch(con, setting.timezone, setting.currency, fx):
        frame = query_frame(con, "SELECT ticket_id, ticket_key, arrived_at FROM triage_arrivals ORDER BY row")
        found = read_facts(
            con, plain, setting.enrichment, timezone=setting.timezone, currency=setting.currency, asked=asked
        )
        fields = _fields(con)
        logged = {name: _logged(con, column, setting) for name, column in wanted.items() if name in fields}
        for name in logged.keys() & found.keys():
            found[name] = found[name].overruled(*logged[name])
        for name, (column, fact) in located.items():
            if fact.origin in BASES:
                found[name] = _derive(con, column, fact, found[BASES[fact.origin]], setting)
                if name in logged:
                    found[name] = found[name].overruled(*logged[name])
    values = [found[column.name].value.alias(column.name) for column in columns]
    return frame.with_columns(values), Lookups(frame["arrived_at"], _lookups(facts, found, setting.enrichment))


def _check(
    con: duckdb.DuckDBPyConnection,
    enrichment: Mapping[str, LookupChain],
    facts: Mapping[str, Fact],
    systems: Collection[str],
) -> None:
    """Hold the chains against the systems that there are."""
    if enrichment:
        loaded = con.execute("SELECT DISTINCT source FROM loads WHERE source IS NOT NULL").fetchall()
        check_chains(enrichment, facts, {OWN_SYSTEM, *systems, *(str(row[0]) for row in loaded)})


def _lookups(
    facts: Mapping[str, Fact], found: Mapping[str, Found], enrichment: Mapping[str, LookupChain]
) -> dict[str, FieldLookups]:
    """Return how each column was looked up that systems were asked for."""
    fields = {}
    for name, fact in facts.items():
        column, chain = found[name], enrichment.get(BASES.get(fact.origin, name))
        if column.answered is not None and column.as_of is not None:
            stale_after = chain.stale_after_seconds if chain is not None else None
            fields[name] = FieldLookups(column.sources, column.answered, column.value, column.as_of, stale_after)
    return fields


@contextmanager
def arrivals(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Hold the temporary table ``triage_arrivals``, the row order of a run, within the block.

    Reads inside an outer block of the same connection share its table, so that a run sorts its tickets once; the load
    version must not change within it.
    """
    held = "SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = 'triage_arrivals'"
    if con.execute(held).fetchall():
        yield
        return
    con.execute(statement("arrivals"))
    try:
        yield
    finally:
        with cleanup():
            con.execute("DROP TABLE triage_arrivals")


@contextmanager
def _scratch(con: duckdb.DuckDBPyConnection, timezone: str, currency: str, fx: Sequence[FxRate]) -> Iterator[None]:
    """Hold the row order and the exchange rates within the block."""
    zone = lab_zone(timezone)

    def midnight(rate: FxRate) -> datetime:
        return datetime.combine(rate.valid_from, time(), zone).astimezone(UTC).replace(tzinfo=None)

    periods = fx_periods(currency, [(rate, midnight(rate)) for rate in fx])
    con.register("triage_fx_frame", periods)
    con.execute("CREATE OR REPLACE TEMP TABLE triage_fx AS SELECT * FROM triage_fx_frame")
    con.unregister("triage_fx_frame")
    try:
        with arrivals(con):
            con.execute(statement("spans"))
            yield
    finally:
        with cleanup():
            con.execute("DROP TABLE IF EXISTS triage_spans")
            con.execute("DROP TABLE triage_fx")


def _fields(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the fields that the enrichment log knows."""
    return {str(row[0]) for row in con.execute("SELECT DISTINCT field FROM enrichment_log").fetchall()}


def _logged(con: duckdb.DuckDBPyConnection, column: ContextColumn, setting: _Setting) -> tuple[pl.Series, pl.Series]:
    """Return what the log answered for a field, and for which tickets it was asked."""
    told = query_frame(con, statement("context_logged"), [column.name, setting.latency_seconds])
    return typed_text(told["value"], column.kind), told["looked_up"]


def _derive(con: duckdb.DuckDBPyConnection, column: ContextColumn, fact: Fact, base: Found, setting: _Setting) -> Found:
    """Work out mrr_tier or days_to_renewal from what was found of the column it follows from."""
    if fact.origin is Origin.MRR_TIER:
        derived = _tier(base.value, setting.tiers)
    else:
        local = query_frame(con, statement("context_local_days"), [setting.timezone])["local_on"]
        derived = (base.value - local).dt.total_days()
    return replace(base, value=typed(derived, column.kind))


def _tier(mrr: pl.Series, tiers: Sequence[tuple[str, Decimal]]) -> pl.Series:
    """Return the tier with the highest lower bound that mrr reaches; NULL for unknown mrr or one below every bound."""
    tier = pl.lit(None, pl.String)
    for name, bound in sorted(tiers, key=lambda tier: tier[1]):
        tier = pl.when(pl.col("mrr") >= float(bound)).then(pl.lit(name)).otherwise(tier)
    return mrr.alias("mrr").to_frame().select(tier.alias("mrr_tier")).to_series()
