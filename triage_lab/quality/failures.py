"""Which rows failed: all of them, in one table, and a view that leaves them out."""

# SQL is put together from typed gates, checked names and quoted literals; see sqltext.
# ruff: noqa: S608
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.errors import GateError
from triage_lab.domain.gate import Gate, GateResult
from triage_lab.domain.tables import CANONICAL
from triage_lab.quality.plans import Plan, Scalar, described, listing_sql, make_plan
from triage_lab.quality.sandbox import vet
from triage_lab.quality.sessions import reading, writing
from triage_lab.quality.sqltext import key_text, text, timestamp

_TEXTS = {"key": pl.String, "column": pl.String, "value": pl.String}


def save_failures(
    con: Any, results: Mapping[str, GateResult], plans: Mapping[str, Plan], run_id: str, cutoff: int
) -> None:
    """Write every failing row of the gates to ``gate_failures``, replacing what the run id held of them.

    Parameters
    ----------
    con : open duckdb connection
        The store's, writable; joins an open transaction.
    results, plans : mapping of gate id
        Gates that warned or failed are listed.
    run_id : str
    cutoff : int
        UTC epoch seconds.
    """
    with writing(con):
        con.execute(f"SET VARIABLE cutoff = {timestamp(cutoff)}")
        con.execute("DELETE FROM gate_failures WHERE run_id = ? AND list_contains(?, gate)", [run_id, list(results)])
        for gate_id, plan in plans.items():
            if isinstance(plan, Scalar) or results[gate_id].state not in (GateState.WARN, GateState.FAIL):
                continue
            con.execute(
                'INSERT INTO gate_failures (run_id, gate, key, "column", value) '
                f'SELECT ?, ?, key, "column", value FROM ({listing_sql(plan)}) ORDER BY ALL',
                [run_id, gate_id],
            )


def failures(con: Any, gate: Gate, *, cutoff: int) -> pl.DataFrame:
    """Return every failing row of a rows gate, without writing anything.

    Parameters
    ----------
    con : open duckdb connection
        The store's, read-only or not.
    gate : Gate
        Of kind ``rows``.
    cutoff : int
        UTC epoch seconds.

    Returns
    -------
    polars.DataFrame
        gate, key, column, value (all String), sorted.

    Raises
    ------
    GateError
        The gate gives one number and has no rows, or its query is refused or cannot be run.
    """
    if gate.kind != "rows":
        raise GateError(f"gate '{gate.gate_id}' measures one value", "a gate of kind rows", place=gate.place)
    with reading(con, cutoff) as session:
        columns: tuple[str, ...] = ()
        if gate.sql is not None:
            vet(session, gate)
            columns = tuple(str(row[0]).lower() for row in _fetched(session, described(gate), gate))
        plan = make_plan(gate, cutoff=cutoff, columns=columns)
        rows = [] if isinstance(plan, Scalar) else _fetched(session, f"{listing_sql(plan)} ORDER BY ALL", gate)
    frame = pl.DataFrame(rows, schema=["key", "column", "value"], orient="row", schema_overrides=_TEXTS)
    return frame.select(pl.lit(gate.gate_id).alias("gate"), "key", "column", "value")


def _fetched(session: Any, sql: str, gate: Gate) -> list[tuple[Any, ...]]:
    """The rows of a query; what the engine refuses becomes a GateError."""
    try:
        rows: list[tuple[Any, ...]] = session.execute(sql).fetchall()
    except Exception as error:
        # Only the engine speaks here; its error classes belong to the store.
        found = f"gate '{gate.gate_id}': {' '.join(str(error).split())[:300]}"
        raise GateError(found, "a query that runs", "correct it", place=gate.place) from error
    return rows


def clean_view_sql(table: str, gates: Sequence[Gate], run_id: str) -> str:
    """Return CREATE VIEW for ``T_clean``: the rows of a table that fail no critical gate of a run.

    Parameters
    ----------
    table : str
        Canonical table.
    gates : sequence of Gate
        Those that ran; used are the critical ones on this table whose key is the table's.
    run_id : str
        The run whose ``gate_failures`` count.

    Returns
    -------
    str
        Every row of the table is either in this view or has its key in ``gate_failures``.

    Raises
    ------
    GateError
        No such table.
    """
    if table not in CANONICAL:
        raise GateError(f"unknown table '{table[:60]}'", "one of " + ", ".join(sorted(CANONICAL)))
    keys = CANONICAL[table].key
    critical = [
        gate.gate_id
        for gate in gates
        if gate.table == table and gate.severity is Severity.CRITICAL and gate.kind == "rows" and gate.keys == keys
    ]
    listed = ", ".join(text(gate_id) for gate_id in critical) or "NULL"
    failed = f"SELECT key FROM gate_failures WHERE run_id = {text(run_id)} AND gate IN ({listed})"
    return (
        f"CREATE OR REPLACE VIEW {table}_clean AS SELECT t.* FROM {table} AS t ANTI JOIN "
        f"({failed}) AS f ON {key_text(keys, 't')} = f.key"
    )
