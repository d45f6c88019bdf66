"""Facts about a ticket's account as of arrival, read system by system: the first that has a value is believed."""

# ruff: noqa: S608 - table names and ticket columns come from closed lists.

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb
import polars as pl

from triage_lab.domain.desk import ColumnKind, ContextColumn, LookupChain
from triage_lab.domain.tables import CANONICAL
from triage_lab.store.chains import usual_order
from triage_lab.store.columns import TABLES, Fact, Origin
from triage_lab.store.frames import query_frame
from triage_lab.store.kinds import typed, typed_text, unknown
from triage_lab.store.schema import FACTS, loaded_systems, quoted
from triage_lab.store.statements import statement
from triage_lab.store.transactions import cleanup

_SUMS = (Origin.SUBSCRIPTION, Origin.INVOICE, Origin.OPPORTUNITY)


@dataclass(frozen=True, slots=True)
class Found:
    """A column as it was found: values, and for a fact that systems are asked for, who answered and how old it is.

    ``answered`` and ``as_of`` are as in `triage_lab.store.lookups.FieldLookups`; None where nobody is asked, or nobody
    wants to know.
    """

    value: pl.Series
    sources: tuple[str, ...] = ()
    answered: pl.Series | None = None
    as_of: pl.Series | None = None

    def overruled(self, value: pl.Series, where: pl.Series) -> Found:
        """Return the column with other values in some rows, in which no system was asked then."""
        value = value.zip_with(where, self.value)
        if self.answered is None:
            return replace(self, value=value)
        nobody = unknown(self.answered.dtype, where.len())
        return replace(self, value=value, answered=nobody.zip_with(where, self.answered))


def read_facts(
    con: duckdb.DuckDBPyConnection,
    wanted: Mapping[str, tuple[ContextColumn, Fact]],
    enrichment: Mapping[str, LookupChain],
    *,
    timezone: str,
    currency: str,
    asked: bool,
) -> dict[str, Found]:
    """Return each wanted column as tickets and dimension rows tell it.

    Parameters
    ----------
    con : duckdb connection
        Holds the temporary tables ``triage_arrivals``, ``triage_spans`` and ``triage_fx``.
    wanted : mapping of name to (column, where it comes from)
        None of them follows from another.
    enrichment : mapping of field to LookupChain
        The order in which systems are asked; for other fields the usual one.
    timezone, currency : str
        Of the lab.
    asked : bool
        Whether the systems that answered and the age of their values are wanted, too.
    """
    origins = dict.fromkeys(fact.origin for _, fact in wanted.values())
    found: dict[str, Found] = {}
    with _one_system_at_a_time(con) as systems:
        reader = _Reader(con, systems, timezone, currency)
        for origin in origins:
            for name, (column, fact) in wanted.items():
                if fact.origin is not origin:
                    continue
                if origin.is_of_ticket:
                    found[name] = Found(reader.ticket_value(fact, column))
                else:
                    found[name] = _ask(reader, fact, column, enrichment.get(name), asked)
            reader.forget(origin)
    return found


def _ask(reader: _Reader, fact: Fact, column: ContextColumn, chain: LookupChain | None, asked: bool) -> Found:
    """Ask one system after the other; a system that has nothing loaded always misses.

    Without an account there is nothing to ask with.
    """
    loaded = reader.systems_of(fact)
    sources = tuple(dict.fromkeys(chain.sources)) if chain is not None else usual_order(loaded)
    places = [place for place, source in enumerate(sources) if source in loaded]
    values = [reader.value(fact, column, sources[place]) for place in places]
    if not values:
        values = [typed(unknown(pl.String, reader.height), column.kind)]
    both = pl.DataFrame([value.alias(str(turn)) for turn, value in enumerate(values)])
    value = both.select(pl.coalesce(both.columns)).to_series() if len(values) > 1 else values[0]
    if not asked:
        return Found(value)
    answered, as_of = pl.lit(len(sources)), pl.lit(None, pl.Int64)
    dates = {}
    for turn, place in reversed(list(enumerate(places))):
        dates[f"as of {turn}"] = reader.as_of(fact, sources[place])
        said = pl.col(str(turn)).is_not_null()
        answered = pl.when(said).then(pl.lit(place)).otherwise(answered)
        as_of = pl.when(said).then(pl.col(f"as of {turn}")).otherwise(as_of)
    told = both.with_columns(**dates, named=reader.named).select(
        pl.when("named").then(answered.cast(pl.UInt16)).alias("answered"), as_of.alias("as of")
    )
    return Found(value, sources, told["answered"], told["as of"])


@contextmanager
def _one_system_at_a_time(con: duckdb.DuckDBPyConnection) -> Iterator[dict[str, tuple[str, ...]]]:
    """Hold a view ``triage_T`` of every table of facts: what the system of the variable ``triage_system`` says.

    Yields the systems of each table. A table of one system is read as it is: there is nothing to choose from.
    """
    systems: dict[str, tuple[str, ...]] = {}
    for name in FACTS:
        rows = con.execute(loaded_systems(CANONICAL[name])).fetchall()
        systems[name] = tuple(str(row[0]) for row in rows)
        chosen = " WHERE source_system = getvariable('triage_system')" if len(rows) > 1 else ""
        con.execute(f"CREATE OR REPLACE TEMP VIEW triage_{name} AS SELECT * FROM {name}_by_system{chosen}")
    con.execute(statement("contract_owners"))
    try:
        yield systems
    finally:
        with cleanup():
            for name in (*FACTS, "contract_owners"):
                con.execute(f"DROP VIEW IF EXISTS temp.triage_{name}")
            con.execute("RESET VARIABLE triage_system")


class _Reader:
    """Reads facts of one system, row-aligned, and keeps what several columns share until it is told to forget it."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, systems: Mapping[str, tuple[str, ...]], timezone: str, currency: str
    ) -> None:
        self.con, self.systems = con, systems
        self.timezone, self.currency = timezone, currency
        self.named = query_frame(con, "SELECT account_id IS NOT NULL AS named FROM triage_arrivals ORDER BY row")[
            "named"
        ]
        self.height = self.named.len()
        self._frames: dict[tuple[Origin, str, str], pl.DataFrame] = {}
        self._known: dict[str, pl.Series] = {}
        self._days: pl.Series | None = None

    def systems_of(self, fact: Fact) -> tuple[str, ...]:
        """Return the systems that have something to say about a fact at all."""
        if fact.origin is not Origin.CLAUSE:
            return self.systems[TABLES[fact.origin]]
        return tuple(str(row[0]) for row in self.con.execute(statement("clause_systems"), [fact.field]).fetchall())

    def forget(self, origin: Origin) -> None:
        """Let go of a group of facts."""
        self._frames = {key: frame for key, frame in self._frames.items() if key[0] is not origin}

    def value(self, fact: Fact, column: ContextColumn, system: str) -> pl.Series:
        """Return what a system says of a fact."""
        if fact.origin is Origin.CLAUSE:
            return _clause(self._group(fact, system), column)
        return typed(self._group(fact, system)[fact.field], column.kind)

    def as_of(self, fact: Fact, system: str) -> pl.Series:
        """Return since when a system has said so, UTC epoch seconds; NULL where it does not tell."""
        if fact.origin is Origin.ACCOUNT_STATIC:
            return unknown(pl.Int64, self.height)
        if fact.origin not in _SUMS:
            return self._group(fact, system)["value_as_of"]
        changes = self._read(fact.origin, "as_of", system, f"as_of_{fact.origin.value}", ())
        return changes["dispute_as_of" if fact.field == "open_dispute" else "value_as_of"]

    def ticket_value(self, fact: Fact, column: ContextColumn) -> pl.Series:
        """Return what the ticket itself tells."""
        if fact.origin in (Origin.TICKET_COLUMN, Origin.TICKET_CUSTOM):
            return self._ticket_column(fact, column)
        return typed(self._read(fact.origin, "", "", f"context_{fact.origin.value}", ())[fact.field], column.kind)

    def _read(self, origin: Origin, key: str, system: str, name: str, parameters: Sequence[object]) -> pl.DataFrame:
        """Run a query on what one system says, once."""
        if (origin, key, system) not in self._frames:
            self.con.execute("SET VARIABLE triage_system = $1", [system])
            frame = self._frames[origin, key, system] = query_frame(self.con, statement(name), parameters)
            if origin is Origin.ACCOUNT:
                self._known[system] = frame["known"]
        return self._frames[origin, key, system]

    def _group(self, fact: Fact, system: str) -> pl.DataFrame:
        """Return one group of facts as one system tells it."""
        origin = fact.origin
        parameters: dict[Origin, list[object]] = {
            Origin.CONTRACT: [self.timezone],
            Origin.SUBSCRIPTION: [self.currency],
            Origin.INVOICE: [self.timezone, self.currency],
            Origin.OPPORTUNITY: [self.currency],
            Origin.CLAUSE: [fact.field],
        }
        if origin in (Origin.INVOICE, Origin.OPPORTUNITY) and (origin, "", system) not in self._frames:
            raw = self._read(origin, "raw", system, f"context_{origin.value}", parameters[origin])
            self._frames[origin, "", system] = self._owed_or_open(origin, raw, system)
        key = fact.field if origin is Origin.CLAUSE else ""
        return self._read(origin, key, system, f"context_{origin.value}", parameters.get(origin, ()))

    def _known_to(self, system: str) -> pl.Series:
        """Tell for each ticket whether a system knew its account.

        A system without accounts knows those that any system knew; without an accounts table any named account is.
        """
        listed = self.systems["accounts"]
        if not listed:
            return self.named
        known = pl.repeat(False, self.height, eager=True)
        for name in (system,) if system in listed else listed:
            if name not in self._known:
                self._group(Fact(Origin.ACCOUNT, "known"), name)
            known = known | self._known[name]
        return known

    def _owed_or_open(self, origin: Origin, frame: pl.DataFrame, system: str) -> pl.DataFrame:
        """Invoices or opportunities: nothing owed or open is 0 for an account that the system knows."""
        if origin is Origin.INVOICE:
            if self._days is None:
                self._days = query_frame(self.con, statement("context_local_days"), [self.timezone])["local_on"]
            days = (self._days - frame["oldest_due_on"]).dt.total_days().clip(lower_bound=0)
            frame = frame.with_columns(overdue_days=days)
            money, empty = "balance_due", {"balance_due": 0.0, "overdue_days": 0, "open_dispute": False}
        else:
            money, empty = "open_opportunity_amount", {"open_opportunity_amount": 0.0, "open_opportunity_count": 0}
        told = pl.lit(self._known_to(system) | frame["has_history"])
        priced = {name: told & ~pl.col("unpriced") if name == money else told for name in empty}
        return frame.select(
            pl.when(priced[name]).then(pl.col(name).fill_null(value)).alias(name) for name, value in empty.items()
        )

    def _ticket_column(self, fact: Fact, column: ContextColumn) -> pl.Series:
        """Read a text of the ticket, or a key of its custom columns."""
        parameters: list[object] = []
        source = f"CAST(k.{quoted(fact.field)} AS VARCHAR)"
        if fact.origin is Origin.TICKET_CUSTOM:
            source = "json_extract_string(k.custom, $1)"
            parameters = ["/" + fact.field.replace("~", "~0").replace("/", "~1")]
        sql = f"SELECT {source} AS value FROM triage_arrivals AS t JOIN tickets AS k USING (ticket_id) ORDER BY t.row"
        return typed_text(query_frame(self.con, sql, parameters)["value"], column.kind)


def _clause(frame: pl.DataFrame, column: ContextColumn) -> pl.Series:
    """Read one clause: a flag is TRUE if any contract says so, a number or text that of the newest."""
    if column.kind is ColumnKind.BOOLEAN:
        flag = pl.when("any_true").then(pl.lit(True)).when("any_false").then(pl.lit(False))
        return frame.select(flag.alias(column.name)).to_series()
    from_text = typed_text(frame["value"], column.kind)
    if column.kind in (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.NUMBER):
        number = typed(frame["value_num"], column.kind)
        return number.zip_with(number.is_not_null(), from_text)
    return from_text
