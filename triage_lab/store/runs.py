"""The run ledger: saving a run once, finding it again, reading its tables."""

from __future__ import annotations

import difflib

import duckdb
import polars as pl

from triage_lab.domain.errors import InternalError, StoreError
from triage_lab.store.fingerprint import frames_digest
from triage_lab.store.frames import first_row, query_frame
from triage_lab.store.ledger import Encoded, RunTables, encode
from triage_lab.store.statements import statement
from triage_lab.store.transactions import cleanup, transaction

_BY_RUN_ID = ("run_items", "action_sets", "measures", "gate_results", "gate_failures")
_DECODED = {
    "decisions": "arm, scenario, ticket_id",
    "records": "arm, scenario, ticket_id",
    "sla_states": "arm, scenario, ticket_id, sla_metric, cycle",
}
_TABLES = (*_DECODED, "lookups", "measures", "gate_results", "gate_failures", "run_items", "action_sets")


def save_run(con: duckdb.DuckDBPyConnection, run: RunTables) -> bool:
    """Store a run, in one transaction, unless the same run is stored already.

    Returns
    -------
    bool
        True if it was stored, False if an equal run is there (it is kept).

    Raises
    ------
    InternalError
        A run with this id is stored and its content differs: the promise of reproducibility is broken.

    Notes
    -----
    Compared are arms, decisions, records, SLA states, lookups, measures and gates, not when and how long the run took.
    """
    encoded = encode(run)
    content = frames_digest("\0".join((run.kind, *encoded.terms)), encoded.frames)
    stored = first_row(con, "SELECT content_digest FROM runs WHERE run_id = ?", [run.run_id])
    if stored is not None:
        if stored[0] == content:
            return False
        raise InternalError(
            f"run {run.run_id} gave other numbers than when it was recorded",
            "equal inputs give equal bytes",
            "report this with the manifest of the run; the recorded run was kept",
            stored=stored[0], now=content,
        )  # fmt: skip
    with transaction(con):
        run_no = int(con.execute("SELECT coalesce(max(run_no), 0) + 1 FROM runs").fetchall()[0][0])
        con.execute(
            statement("insert_run"),
            [run.run_id, run.kind, run.started_at, run.wall_seconds, run.manifest, run_no, content],
        )
        _insert_all(con, run.run_id, run_no, encoded)
    return True


def _insert_all(con: duckdb.DuckDBPyConnection, run_id: str, run_no: int, encoded: Encoded) -> None:
    """Insert every frame of a run."""
    terms = pl.DataFrame(
        {"term_no": range(len(encoded.terms)), "term": encoded.terms}, schema={"term_no": pl.Int32, "term": pl.String}
    )
    for name, frame in {"run_terms": terms, **encoded.frames}.items():
        if name in _BY_RUN_ID:
            _insert(con, name, frame, "run_id", run_id)
        else:
            _insert(con, name, frame, "run_no", run_no)


def _insert(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame, key: str, value: object) -> None:
    """Insert a frame into a run table, with the run's key in front."""
    con.register("triage_rows", frame)
    try:
        con.execute(f"INSERT INTO {table} BY NAME SELECT ? AS {key}, * FROM triage_rows", [value])  # noqa: S608 - own names
    finally:
        with cleanup():
            con.unregister("triage_rows")


def list_runs(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the recorded runs, oldest first: run_id, kind, started_at, wall_seconds, manifest (JSON)."""
    return query_frame(con, statement("list_runs"))


def find_run(con: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """Return the full id of the run whose id begins with ``run_id``.

    Raises
    ------
    StoreError
        No run begins so (the message names the nearest), or several do.
    """
    known = [row[0] for row in con.execute("SELECT run_id FROM runs ORDER BY run_no DESC").fetchall()]
    if run_id in known:
        return run_id
    begun = [name for name in known if run_id and name.startswith(run_id)]
    if len(begun) == 1:
        return str(begun[0])
    if begun:
        raise StoreError(
            f"{len(begun)} runs begin with {run_id!r}: {', '.join(sorted(begun)[:5])}", "the beginning of one run id",
            "give more of its letters", runs=sorted(begun),
        )  # fmt: skip
    nearest = difflib.get_close_matches(run_id, known, n=3, cutoff=0.0)
    raise StoreError(
        f"no run {run_id!r} is recorded",
        f"a recorded run, such as {', '.join(nearest)}" if nearest else "a recorded run; there is none yet",
        "triage-lab backtest POLICY",
        nearest=nearest,
    )


def read_run(con: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, object]:
    """Return a run by its id or the beginning of it.

    Returns
    -------
    dict
        run_id, kind, started_at (naive UTC datetime), wall_seconds, manifest (JSON text), arms (list of dicts: arm,
        scenario, policy_digest, operations_digest), measures and gate_results (frames).

    Raises
    ------
    StoreError
        See `find_run`.
    """
    full = find_run(con, run_id)
    found: dict[str, object] = query_frame(con, statement("read_run"), [full]).row(0, named=True)
    found["arms"] = query_frame(con, statement("run_arms"), [full]).to_dicts()
    found["measures"] = run_table(con, "measures", full)
    found["gate_results"] = run_table(con, "gate_results", full)
    return found


def run_table(con: duckdb.DuckDBPyConnection, name: str, run_id: str) -> pl.DataFrame:
    """Return one run's rows of a run table; times are Datetime UTC.

    Parameters
    ----------
    name : str
        decisions, records, sla_states, lookups, measures, gate_results, gate_failures, run_items or action_sets.
    run_id : str
        Full id, or the beginning of it.

    Returns
    -------
    polars.DataFrame
        decisions, records and sla_states by arm, scenario and ticket id, the others as they were stored.
    """
    if name not in _TABLES:
        raise StoreError(f"no run table {name!r}", f"one of {', '.join(_TABLES)}", "correct the name")
    if name == "lookups":
        return read_run_lookups(con, run_id)
    order = _DECODED.get(name, "rowid")
    sql = f"SELECT * FROM {name} WHERE run_id = $1 ORDER BY {order}"  # noqa: S608 - from closed lists
    return query_frame(con, sql, [find_run(con, run_id)])


def ticket_records(con: duckdb.DuckDBPyConnection, run_id: str, ticket_id: str) -> pl.DataFrame:
    """Return what happened to one ticket in every arm of a run: rows of the table ``records``, arms in stored order."""
    return query_frame(con, statement("ticket_records"), [find_run(con, run_id), ticket_id])


def ticket_decisions(con: duckdb.DuckDBPyConnection, run_id: str, ticket_id: str) -> pl.DataFrame:
    """Return what every arm of a run decided for one ticket: rows of the table ``decisions``, arms in stored order."""
    return query_frame(con, statement("ticket_decisions"), [find_run(con, run_id), ticket_id])


def read_run_lookups(con: duckdb.DuckDBPyConnection, run_id: str, ticket_id: str | None = None) -> pl.DataFrame:
    """Return what a run looked up, for all of its tickets or for one.

    Parameters
    ----------
    run_id : str
        Full id, or the beginning of it.
    ticket_id : str or None
        One ticket; None = all.

    Returns
    -------
    polars.DataFrame
        run_id, ticket_id, field, source, value, status (hit, stale, miss), looked_up_at, value_as_of (Datetime UTC):
        one row per system asked until one answered; tickets in the run's order, then fields and systems as asked.
    """
    return query_frame(con, statement("run_lookups"), [find_run(con, run_id), ticket_id])
