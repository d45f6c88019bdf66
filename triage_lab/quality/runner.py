"""The direct runner: all conditions of a table in one pass, one statement for each comparison, results gate by gate."""

# SQL is put together from typed gates, checked names and quoted literals; see sqltext.
# ruff: noqa: S608
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from triage_lab.domain.enums import GateState
from triage_lab.domain.gate import Gate, GateResult
from triage_lab.quality.failures import save_failures as save
from triage_lab.quality.plans import (
    Listing,
    Plan,
    Scalar,
    Scan,
    counts_sql,
    described,
    listing_sql,
    make_plan,
    scan_sql,
)
from triage_lab.quality.sandbox import vet
from triage_lab.quality.sessions import reading
from triage_lab.quality.states import Counts, Value, in_error, judge_rows, judge_value

_SAMPLE = 5


def run_sql(
    con: Any, gates: Sequence[Gate], *, cutoff: int, run_id: str | None = None, save_failures: bool = True
) -> tuple[GateResult, ...]:
    """Run gates by direct SQL on the store.

    Parameters
    ----------
    con : open duckdb connection
        The store's; the views are read as of its ``as_of_load``. What is committed is judged.
    gates : sequence of Gate
    cutoff : int
        UTC epoch seconds.
    run_id : str or None
        Under which the failing rows are written to ``gate_failures``; rows that an earlier run of the same gates wrote
        under it are replaced. None: nothing is written.
    save_failures : bool
        False on a read-only connection; `failures` then gives the rows.

    Returns
    -------
    tuple of GateResult
        In the order of ``gates``. A statement that the engine refuses makes its gate an ``error``; the others go on.

    Raises
    ------
    GateError
        A query in a gate file does not parse or is not allowed; before anything is run.

    Examples
    --------
    >>> run_sql(con, gates, cutoff=1_767_225_600)  # doctest: +SKIP
    (GateResult(gate_id='tickets-id-unique', ...),)
    """
    with reading(con, cutoff) as session:
        plans, results = make_plans(session, gates, cutoff, "sql")
        results |= _run_scans(session, [plan for plan in plans.values() if isinstance(plan, Scan)])
        for gate_id, plan in plans.items():
            if isinstance(plan, Listing):
                results[gate_id] = _run_listing(session, plan)
            elif isinstance(plan, Scalar):
                results[gate_id] = _run_scalar(session, plan)
        for gate_id, plan in plans.items():
            if not isinstance(plan, Scalar) and results[gate_id].state in (GateState.WARN, GateState.FAIL):
                results[gate_id] = with_sample(session, plan, results[gate_id])
    if run_id is not None and save_failures:
        save(con, results, plans, run_id, cutoff)
    return tuple(results[gate.gate_id] for gate in gates)


def make_plans(
    session: Any, gates: Sequence[Gate], cutoff: int, engine: str
) -> tuple[dict[str, Plan], dict[str, GateResult]]:
    """Return the plans of all gates, and the results of those whose own query cannot even be prepared.

    Raises
    ------
    GateError
        A query in a gate file does not parse or is not allowed.
    """
    for gate in gates:
        if gate.sql is not None:
            vet(session, gate)
    plans: dict[str, Plan] = {}
    refused: dict[str, GateResult] = {}
    for gate in gates:
        columns: tuple[str, ...] = ()
        if gate.sql is not None:
            named, error = _rows(session, described(gate))
            if error:
                refused[gate.gate_id] = in_error(gate, error, engine)
                continue
            columns = tuple(str(row[0]).lower() for row in named)
        plans[gate.gate_id] = make_plan(gate, cutoff=cutoff, columns=columns)
    return plans, refused


def _rows(session: Any, sql: str) -> tuple[list[tuple[Any, ...]], str]:
    """Return (rows, '') or ([], what the engine said)."""
    try:
        return session.execute(sql).fetchall(), ""
    except Exception as error:
        # Only the engine speaks here; its error classes belong to the store. An interrupt is no fault of the gate.
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from error
        return [], str(error) or type(error).__name__


def _run_scans(session: Any, plans: Sequence[Scan]) -> dict[str, GateResult]:
    """Count the scans of each table in one pass; if it fails, one by one, so that only the culprit is in error."""
    by_table: dict[str, list[Scan]] = {}
    for plan in plans:
        by_table.setdefault(plan.gate.table, []).append(plan)
    out: dict[str, GateResult] = {}
    for group in by_table.values():
        out |= _run_pass(session, group)
    return out


def _run_pass(session: Any, group: Sequence[Scan]) -> Mapping[str, GateResult]:
    """One pass over one table."""
    rows, error = _rows(session, scan_sql(group))
    if error and len(group) == 1:
        return {group[0].gate.gate_id: in_error(group[0].gate, error, "sql")}
    if error:
        return {gate_id: result for plan in group for gate_id, result in _run_pass(session, [plan]).items()}
    total, *counts = rows[0]
    return {
        plan.gate.gate_id: judge_rows(plan.gate, Counts(total, counts[2 * i], counts[2 * i + 1]), "sql")
        for i, plan in enumerate(group)
    }


def _run_listing(session: Any, plan: Listing) -> GateResult:
    """One comparison."""
    rows, error = _rows(session, counts_sql(plan))
    if error:
        return in_error(plan.gate, error, "sql")
    total, n, ready, failed = rows[0]
    return judge_rows(plan.gate, Counts(total, n, failed, None if ready else plan.needs), "sql")


def _run_scalar(session: Any, plan: Scalar) -> GateResult:
    """One number."""
    rows, error = _rows(session, plan.sql)
    if not error and len(rows) != 1:
        error = f"the query returned {len(rows):,} rows, one is expected"
    if error:
        return in_error(plan.gate, error, "sql")
    value, n = rows[0]
    return judge_value(plan.gate, Value(value, int(n or 0)), "sql")


def with_sample(session: Any, plan: Scan | Listing, result: GateResult) -> GateResult:
    """Return the result with its first failing keys, in the order of their text."""
    rows, error = _rows(
        session, f"SELECT DISTINCT key FROM ({listing_sql(plan)}) ORDER BY key NULLS LAST LIMIT {_SAMPLE}"
    )
    if error:
        return in_error(plan.gate, error, result.engine)
    counts = Counts(result.n, result.n, result.failed)
    return judge_rows(plan.gate, counts, result.engine, tuple("NULL" if key is None else str(key) for (key,) in rows))
