"""The Great Expectations runner: the same gates, asked of the same store by another engine."""

# SQL is put together from typed gates, checked names and quoted literals; see sqltext.
# ruff: noqa: S608
from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triage_lab.domain.enums import GateState
from triage_lab.domain.errors import UsageError
from triage_lab.domain.gate import Gate, GateResult
from triage_lab.quality.plans import (
    Plan,
    Scalar,
    context_sql,
    is_table_key,
    listing_sql,
    newest_rows,
    unique_columns,
)
from triage_lab.quality.runner import make_plans, with_sample
from triage_lab.quality.sessions import open_session, reading
from triage_lab.quality.states import Counts, Value, in_error, judge_rows, judge_value

_NOT_INSTALLED = UsageError(
    "Great Expectations is not installed",
    "the extra gx",
    'pip install "triage-lab[gx]", or run the gates with --engine sql',
)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One expectation on one asset; ``role`` says what its answer is for: counts, offenders, context or value."""

    gate_id: str
    role: str
    query: str
    expectation: Any


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back; ``error`` is what the engine said if it could not answer."""

    result: Mapping[str, Any]
    error: str = ""


def run_gx(con: Any, gates: Sequence[Gate], *, cutoff: int) -> tuple[GateResult, ...]:
    """Run gates through Great Expectations, in the database, on the store's own connection.

    Parameters
    ----------
    con : open duckdb connection
        The store's; nothing is written. What is committed is judged.
    gates : sequence of Gate
    cutoff : int
        UTC epoch seconds.

    Returns
    -------
    tuple of GateResult
        In the order of ``gates``, engine ``gx``; an exception of the engine is an ``error``, never a fail.

    Raises
    ------
    UsageError
        The extra ``gx`` is not installed.
    GateError
        A query in a gate file does not parse or is not allowed.

    Notes
    -----
    Null, set, range, pair, uniqueness and row-count gates become stock expectations; the others are
    UnexpectedRowsExpectation on the query of the offenders, and an expectation of ours on a query's one row.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        # The libraries' own deprecations are theirs to mend.
        warnings.simplefilter("ignore")
        try:
            import great_expectations as gx  # noqa: F401

            from triage_lab.quality import dialect, expectations  # noqa: F401
        except ImportError as error:
            raise _NOT_INSTALLED from error
        with reading(con, cutoff) as session:
            plans, results = make_plans(session, gates, cutoff, "gx")
            answers = _ask_all(con, session, [ask for plan in plans.values() for ask in _asks(plan)], cutoff)
            for gate_id, plan in plans.items():
                results[gate_id] = _judge(plan, {role: answers[gate_id, role] for role in _roles(plan)})
                if not isinstance(plan, Scalar) and results[gate_id].state in (GateState.WARN, GateState.FAIL):
                    results[gate_id] = with_sample(session, plan, results[gate_id])
    return tuple(results[gate.gate_id] for gate in gates)


def _roles(plan: Plan) -> tuple[str, ...]:
    """The roles of a plan's questions."""
    return tuple(ask.role for ask in _asks(plan))


def _asks(plan: Plan) -> list[_Ask]:
    """Turn a plan into questions: one stock expectation where there is one, else our own."""
    import great_expectations.expectations as gxe

    from triage_lab.quality.expectations import ExpectFirstValueToBeBetween

    gate, meta = plan.gate, {"gate": plan.gate.gate_id}
    if isinstance(plan, Scalar):
        if gate.check == "row_count":
            rows = gxe.ExpectTableRowCountToBeBetween(
                min_value=_whole(gate.low, up=True), max_value=_whole(gate.high), meta=meta
            )
            return [_Ask(gate.gate_id, "rows", f"SELECT * FROM {gate.table}", rows)]
        inside = ExpectFirstValueToBeBetween(min_value=gate.low, max_value=gate.high, meta=meta)
        return [_Ask(gate.gate_id, "value", f"SELECT * FROM ({plan.sql})", inside)]
    stock = _stock(gate, meta)
    if stock is not None:
        key = gate.check == "unique" and is_table_key(gate)
        query = newest_rows(gate) if key else f"SELECT * FROM {gate.table}"
        return [_Ask(gate.gate_id, "counts", query, stock)]
    none = gxe.UnexpectedRowsExpectation(unexpected_rows_query="SELECT * FROM {batch}", meta=meta)
    row = ExpectFirstValueToBeBetween(meta=meta)
    return [
        _Ask(gate.gate_id, "offenders", f"SELECT * FROM ({listing_sql(plan)})", none),
        _Ask(gate.gate_id, "context", context_sql(plan), row),
    ]


def _whole(bound: float | None, *, up: bool = False) -> int | None:
    """A bound on a count as the whole number that says the same."""
    if bound is None:
        return None
    return -int(-bound // 1) if up else int(bound // 1)


def _stock(gate: Gate, meta: dict[str, str]) -> Any:
    """The stock expectation for a check, or None."""
    import great_expectations.expectations as gxe

    params = gate.params
    if gate.check == "not_null":
        return gxe.ExpectColumnValuesToNotBeNull(column=str(params["column"]), meta=meta)
    if gate.check == "unique" and len(unique_columns(gate)) == 1:
        return gxe.ExpectColumnValuesToBeUnique(column=unique_columns(gate)[0], meta=meta)
    if gate.check == "allowed_values":
        values = params["values"]
        listed = list(values) if isinstance(values, Sequence) else []
        return gxe.ExpectColumnValuesToBeInSet(column=str(params["column"]), value_set=listed, meta=meta)
    if gate.check == "range":
        return gxe.ExpectColumnValuesToBeBetween(
            column=str(params["column"]), min_value=gate.low, max_value=gate.high, meta=meta
        )
    if gate.check == "order":
        return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=str(params["later"]),
            column_B=str(params["earlier"]),
            or_equal=True,
            ignore_row_if="either_value_is_missing",
            meta=meta,
        )
    return None


def _ask_all(con: Any, reader: Any, asks: Sequence[_Ask], cutoff: int) -> dict[tuple[str, str], _Answer]:
    """Ask every question, those on one view together; the sessions are closed at the end."""
    import great_expectations as gx

    from triage_lab.quality import dialect

    by_query: dict[str, list[_Ask]] = {}
    for ask in asks:
        by_query.setdefault(ask.query, []).append(ask)
    # The engine would read colons in a query as its own parameters, so it is only ever given the name of a view.
    views = {f"triage_gate_{number}": query for number, query in enumerate(by_query)}
    answers: dict[tuple[str, str], _Answer] = {}
    for view, error in _refused(reader, views).items():
        answers |= {(ask.gate_id, ask.role): _Answer({}, error) for ask in by_query[views.pop(view)]}
    sessions: list[Any] = []

    def session() -> Any:
        """A session with our views, which we can close."""
        opened = open_session(con, cutoff)
        sessions.append(opened)
        for view, query in views.items():
            opened.execute(_create(view, query))
        return opened

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_sql(
        "lab", connection_string=dialect.URL, kwargs={"creator": dialect.creator(session)}
    )
    try:
        for view, query in views.items():
            answers |= _ask_asset(source, view, by_query[query])
    finally:
        source.get_engine().dispose()
        for opened in sessions:
            opened.close()
    return answers


def _create(view: str, query: str) -> str:
    """The statement that makes a query a view of one session."""
    return f"CREATE TEMP VIEW {view} AS {query}"


def _refused(reader: Any, views: Mapping[str, str]) -> dict[str, str]:
    """The views that the engine will not have, each with what it says against it."""
    out: dict[str, str] = {}
    for view, query in views.items():
        try:
            reader.execute(_create(view, query))
        except Exception as error:
            # Only the engine speaks here; its error classes belong to the store.
            out[view] = str(error) or type(error).__name__
    return out


def _ask_asset(source: Any, view: str, asks: Sequence[_Ask]) -> dict[tuple[str, str], _Answer]:
    """Ask the questions on one view as one suite."""
    import great_expectations as gx

    try:
        asset = source.add_query_asset(view, f"SELECT * FROM {view}")
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        suite = gx.ExpectationSuite(name=view, expectations=[ask.expectation for ask in asks])
        results = batch.validate(suite, result_format="BASIC").results
    except Exception as error:
        # Whatever breaks inside the engine is an error of these gates; the others go on.
        return {(ask.gate_id, ask.role): _Answer({}, str(error) or type(error).__name__) for ask in asks}
    roles = {ask.gate_id: ask.role for ask in asks}
    answers: dict[tuple[str, str], _Answer] = {}
    for result in results:
        gate_id = result.expectation_config.meta["gate"]
        answers[gate_id, roles[gate_id]] = _Answer(result.result or {}, _exception(result))
    return answers


def _exception(result: Any) -> str:
    """What the engine raised, from either of the two shapes in which it says so; '' if it answered."""
    info = result.exception_info or {}
    if info.get("raised_exception") is False:
        return ""
    if "raised_exception" in info:
        return str(info.get("exception_message") or "unknown error")
    messages = sorted({str(part.get("exception_message")) for part in info.values() if isinstance(part, dict)})
    return "; ".join(messages) or ("" if result.result else "no answer")


def _judge(plan: Plan, answers: Mapping[str, _Answer]) -> GateResult:
    """Turn the answers on one gate into our record."""
    gate = plan.gate
    errors = [answer.error for answer in answers.values() if answer.error]
    if errors:
        return in_error(gate, errors[0], "gx")
    if "rows" in answers:
        rows = int(answers["rows"].result["observed_value"])
        return judge_value(gate, Value(float(rows), rows), "gx")
    if "value" in answers:
        value, n = answers["value"].result["details"]["row"]
        return judge_value(gate, Value(None if value is None else float(value), int(n or 0)), "gx")
    if "counts" in answers:
        result = answers["counts"].result
        total, missing = int(result["element_count"]), int(result.get("missing_count") or 0)
        return judge_rows(gate, Counts(total, total - missing, int(result.get("unexpected_count") or 0)), "gx")
    failed = int(answers["offenders"].result["observed_value"])
    total, n, ready = answers["context"].result["details"]["row"]
    needs = getattr(plan, "needs", None)
    return judge_rows(gate, Counts(int(total), int(n), failed, None if ready else needs), "gx")
