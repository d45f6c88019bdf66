"""The context of every ticket as known at arrival: point-in-time joins, and what the lookups of the day really said."""

# ruff: noqa: S608 - the only built text reads a ticket column from a closed list.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import polars as pl

from triage_lab.domain.desk import ColumnKind, ContextColumn, FxRate
from triage_lab.domain.errors import ContextError
from triage_lab.store.columns import Fact, Origin, locate, locate_all
from triage_lab.store.frames import query_frame
from triage_lab.store.kinds import typed, typed_text
from triage_lab.store.money import fx_periods
from triage_lab.store.schema import quoted
from triage_lab.store.statements import statement
from triage_lab.store.transactions import cleanup

_NEEDS = {Origin.MRR_TIER: ("mrr",), Origin.DAYS_TO_RENEWAL: ("contract_end",)}
_DERIVED = frozenset(_NEEDS)
_HELPERS = {
    "mrr": ContextColumn("mrr", ColumnKind.DECIMAL, "", True, "subscriptions.mrr_minor", "valid_from"),
    "contract_end": ContextColumn("contract_end", ColumnKind.DATE, "", True, "contracts.ends_on", "valid_from"),
}


@dataclass(frozen=True, slots=True)
class _Setting:
    """What the facts depend on besides the data."""

    timezone: str
    currency: str
    tiers: tuple[tuple[str, Decimal], ...]
    latency_seconds: int


def read_context(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[ContextColumn],
    *,
    timezone: str,
    currency: str,
    mrr_tiers: Sequence[tuple[str, Decimal]],
    fx: Sequence[FxRate],
    decision_latency_seconds: int,
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

    Returns
    -------
    polars.DataFrame
        ticket_id String, ticket_key UInt64, arrived_at Int64 (UTC epoch seconds), then the columns: text String,
        integer Int64, decimal and number Float64, boolean Boolean, date Date. Sorted by arrival (floored to the
        second), then ticket id bytewise.

    Raises
    ------
    ContextError
        A column that cannot be given as of arrival (see `triage_lab.store.columns.locate`), or an unknown zone.

    Notes
    -----
    A fact is what the dimension rows valid at arrival say (valid_from ≤ arrival < valid_to; of overlapping versions
    the one that began last). Where enrichment_log holds lookups of a ticket's field, their answer replaces the fact:
    the latest hit or stale value, NULL if there were only misses and errors, because that is what a decision would
    have seen. ``mrr_tier`` and ``days_to_renewal`` follow from the mrr and contract end so found.
    """
    facts = locate_all(columns)
    wanted = {column.name: column for column in columns}
    for fact in facts.values():
        for name in _NEEDS.get(fact.origin, ()):
            wanted.setdefault(name, _HELPERS[name])
    setting = _Setting(timezone, currency, tuple(mrr_tiers), decision_latency_seconds)
    with _scratch(con, timezone, currency, fx):
        frame = query_frame(con, statement("context_tickets"))
        series = _dimension_facts(con, wanted, setting)
        _replace_by_lookups(con, wanted, series, setting)
        _derive(con, wanted, series, setting)
    values = [series[column.name].alias(column.name) for column in columns]
    return frame.select("ticket_id", "ticket_key", "arrived_at").with_columns(values)


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
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ContextError(
            f"unknown time zone {timezone!r}", "an IANA name such as Europe/Berlin", "correct `lab.timezone`"
        ) from error

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


def _dimension_facts(
    con: duckdb.DuckDBPyConnection, wanted: dict[str, ContextColumn], setting: _Setting
) -> dict[str, pl.Series]:
    """Return each wanted column but the derived ones as the dimension rows tell it."""
    located = {name: locate(column) for name, column in wanted.items()}
    frames: dict[Origin, pl.DataFrame] = {}
    series: dict[str, pl.Series] = {}
    for name, fact in located.items():
        if fact.origin in _DERIVED:
            continue
        if fact.origin is Origin.CLAUSE:
            series[name] = _clause(con, fact, wanted[name])
        elif fact.origin in (Origin.TICKET_COLUMN, Origin.TICKET_CUSTOM):
            series[name] = _ticket_column(con, fact, wanted[name])
        else:
            _read_group(con, fact.origin, setting, frames)
            series[name] = typed(frames[fact.origin][fact.field], wanted[name].kind)
    return series


def _read_group(
    con: duckdb.DuckDBPyConnection, origin: Origin, setting: _Setting, frames: dict[Origin, pl.DataFrame]
) -> pl.DataFrame:
    """Read one group of facts, row-aligned, once."""
    if origin in frames:
        return frames[origin]
    parameters: dict[Origin, list[object]] = {
        Origin.CONTRACT: [setting.timezone],
        Origin.SUBSCRIPTION: [setting.currency],
        Origin.INVOICE: [setting.timezone, setting.currency],
        Origin.OPPORTUNITY: [setting.currency],
    }
    frame = query_frame(con, statement(f"context_{origin.value}"), parameters.get(origin, ()))
    if origin in (Origin.INVOICE, Origin.OPPORTUNITY):
        known = _known_accounts(con, setting, frames) | frame["has_history"]
        frame = _owed_or_open(con, origin, setting, frame, known)
    frames[origin] = frame
    return frame


def _known_accounts(con: duckdb.DuckDBPyConnection, setting: _Setting, frames: dict[Origin, pl.DataFrame]) -> pl.Series:
    """Tell for each ticket whether its account was known; without an accounts table any named account is."""
    if _has_rows(con, "accounts"):
        return _read_group(con, Origin.ACCOUNT, setting, frames)["known"]
    return query_frame(con, "SELECT account_id IS NOT NULL AS known FROM triage_arrivals ORDER BY row")["known"]


def _has_rows(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Tell whether a table holds anything as of the load in view."""
    return bool(con.execute(f"SELECT count(*) > 0 FROM {table}").fetchall()[0][0])


def _owed_or_open(
    con: duckdb.DuckDBPyConnection, origin: Origin, setting: _Setting, frame: pl.DataFrame, known: pl.Series
) -> pl.DataFrame:
    """Invoices or opportunities: nothing owed or open is 0 for a known account; without any source all is NULL."""
    if origin is Origin.INVOICE:
        local = query_frame(con, statement("context_local_days"), [setting.timezone])["local_on"]
        days = (local - frame["oldest_due_on"]).dt.total_days().clip(lower_bound=0)
        frame = frame.with_columns(overdue_days=days)
        money, empty = "balance_due", {"balance_due": 0.0, "overdue_days": 0, "open_dispute": False}
    else:
        money, empty = "open_opportunity_amount", {"open_opportunity_amount": 0.0, "open_opportunity_count": 0}
    told = pl.lit(known) & _has_rows(con, origin.value)
    priced = {name: told & ~pl.col("unpriced") if name == money else told for name in empty}
    return frame.select(
        pl.when(priced[name]).then(pl.col(name).fill_null(value)).alias(name) for name, value in empty.items()
    )


def _clause(con: duckdb.DuckDBPyConnection, fact: Fact, column: ContextColumn) -> pl.Series:
    """Read one clause: a flag is TRUE if any contract says so, a number or text that of the newest."""
    frame = query_frame(con, statement("context_clause"), [fact.field])
    if column.kind is ColumnKind.BOOLEAN:
        flag = pl.when("any_true").then(pl.lit(True)).when("any_false").then(pl.lit(False))
        return frame.select(flag.alias(column.name)).to_series()
    from_text = typed_text(frame["value"], column.kind)
    if column.kind in (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.NUMBER):
        number = typed(frame["value_num"], column.kind)
        return number.zip_with(number.is_not_null(), from_text)
    return from_text


def _ticket_column(con: duckdb.DuckDBPyConnection, fact: Fact, column: ContextColumn) -> pl.Series:
    """Read a text of the ticket, or a key of its custom columns."""
    parameters: list[object] = []
    source = f"CAST(k.{quoted(fact.field)} AS VARCHAR)"
    if fact.origin is Origin.TICKET_CUSTOM:
        source = "json_extract_string(k.custom, $1)"
        parameters = ["/" + fact.field.replace("~", "~0").replace("/", "~1")]
    sql = f"SELECT {source} AS value FROM triage_arrivals AS t JOIN tickets AS k USING (ticket_id) ORDER BY t.row"
    return typed_text(query_frame(con, sql, parameters)["value"], column.kind)


def _replace_by_lookups(
    con: duckdb.DuckDBPyConnection,
    wanted: dict[str, ContextColumn],
    series: dict[str, pl.Series],
    setting: _Setting,
) -> None:
    """Put the logged answer in place of the fact wherever a field of a ticket was looked up."""
    fields = {row[0] for row in con.execute("SELECT DISTINCT field FROM enrichment_log").fetchall()}
    for name, column in wanted.items():
        if name in fields:
            found = query_frame(con, statement("context_logged"), [name, setting.latency_seconds])
            answer = typed_text(found["value"], column.kind)
            fact = series.get(name)
            series[name] = answer if fact is None else answer.zip_with(found["looked_up"], fact)
            if fact is None:
                series[f"{name} looked up"] = found["looked_up"]


def _derive(
    con: duckdb.DuckDBPyConnection, wanted: dict[str, ContextColumn], series: dict[str, pl.Series], setting: _Setting
) -> None:
    """Work out mrr_tier and days_to_renewal from what was found, where they were not looked up themselves."""
    for name, column in wanted.items():
        origin = locate(column).origin
        if origin is Origin.MRR_TIER:
            derived = _tier(series["mrr"], setting.tiers)
        elif origin is Origin.DAYS_TO_RENEWAL:
            local = query_frame(con, statement("context_local_days"), [setting.timezone])["local_on"]
            derived = (series["contract_end"] - local).dt.total_days()
        else:
            continue
        looked_up = series.get(f"{name} looked up")
        series[name] = typed(derived, column.kind) if looked_up is None else series[name].zip_with(looked_up, derived)


def _tier(mrr: pl.Series, tiers: Sequence[tuple[str, Decimal]]) -> pl.Series:
    """Return the tier with the highest lower bound that mrr reaches; NULL for unknown mrr or one below every bound."""
    tier = pl.lit(None, pl.String)
    for name, bound in sorted(tiers, key=lambda tier: tier[1]):
        tier = pl.when(pl.col("mrr") >= float(bound)).then(pl.lit(name)).otherwise(tier)
    return mrr.alias("mrr").to_frame().select(tier.alias("mrr_tier")).to_series()
