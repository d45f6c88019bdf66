"""What a run leaves in the store: its arms as narrow tables, its measures and gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from triage_lab.domain.errors import InternalError
from triage_lab.domain.gate import GateResult


@dataclass(frozen=True, slots=True)
class ArmTables:
    """One arm of a run in one scenario.

    Parameters
    ----------
    arm, scenario : str
        observed, baseline, candidate or live; ``base`` or a stress id.
    policy_digest, operations_digest : str
        What decided and on which desk; '' where there is none.
    items : sequence of (item_id, kind)
        The policy's items in mask order.
    action_sets : sequence of str
        Canonical JSON, indexed by ``action_set_id``.
    ticket_key : polars.Series
        UInt64, the ticket of each row of the frames.
    decisions : polars.DataFrame or None
        Row-aligned with ``ticket_key``: rule_id, overridden_rule_id, outcome, owner_team, priority, action_set_id,
        fired_0 …, unknown_0 … (UInt64).
    records : polars.DataFrame
        Row-aligned: the columns of the table ``records`` from owner_team on; times Int64 UTC epoch seconds.
    sla_states : polars.DataFrame or None
        One row per clock: row UInt32 (index into ``ticket_key``), sla_metric, target_id, cycle, state, due_at (Int64
        UTC epoch seconds), elapsed_minutes.
    """

    arm: str
    scenario: str
    policy_digest: str
    operations_digest: str
    items: Sequence[tuple[str, str]]
    action_sets: Sequence[str]
    ticket_key: pl.Series
    decisions: pl.DataFrame | None
    records: pl.DataFrame
    sla_states: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class RunTables:
    """Everything a run stores.

    Parameters
    ----------
    run_id, kind : str
        First 12 hex digits of the manifest digest; backtest, calibration …
    started_at : int
        UTC epoch seconds.
    wall_seconds : float
        Duration of the run.
    manifest : str
        JSON text.
    arms : sequence of ArmTables
    measures : polars.DataFrame
        The fields of `triage_lab.domain.measure.Measure`: arm, scenario, metric, segment (canonical JSON), value, low,
        high, n, accounts, unit, grade, flags List[String]; effective_accounts and simulation_error may be missing.
    gate_results : sequence of GateResult
    gate_failures : polars.DataFrame or None
        gate, key, column, value (String); None where they are written by other means.
    lookups : polars.DataFrame or None
        What the run looked up: the frame of `triage_lab.store.lookups.Lookups`, with row (UInt32) as an index into the
        ``ticket_key`` of the first arm; None if it looked nothing up.
    """

    run_id: str
    kind: str
    started_at: int
    wall_seconds: float
    manifest: str
    arms: Sequence[ArmTables]
    measures: pl.DataFrame
    gate_results: Sequence[GateResult] = ()
    gate_failures: pl.DataFrame | None = None
    lookups: pl.DataFrame | None = None


TIMES = (
    "arrived_at", "owned_at", "started_at", "first_action_at", "first_human_action_at", "acknowledged_at",
    "resolved_at",
)  # fmt: skip

_MEASURES: dict[str, pl.DataType | type[pl.DataType]] = {
    "arm": pl.String, "scenario": pl.String, "metric": pl.String, "segment": pl.String, "value": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "accounts": pl.Int64, "unit": pl.String, "grade": pl.String,
    "flags": pl.List(pl.String), "effective_accounts": pl.Float64, "simulation_error": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Encoded:
    """A run in the store's narrow form: table name → frame without run number, and the words its codes stand for."""

    terms: tuple[str, ...]
    frames: dict[str, pl.DataFrame]


def _words(frame: pl.DataFrame | None, columns: Sequence[str]) -> set[str]:
    """Return the distinct words in some columns of a frame."""
    if frame is None:
        return set()
    return {str(word) for name in columns for word in frame[name].unique().drop_nulls().to_list()}


def _terms(run: RunTables) -> tuple[str, ...]:
    """Return every team, item, target, field and system of the run, sorted."""
    words: set[str] = set()
    for arm in run.arms:
        words |= _words(arm.decisions, ("rule_id", "overridden_rule_id", "owner_team"))
        words |= _words(arm.records, ("owner_team", "resolver_team"))
        words |= _words(arm.sla_states, ("target_id",))
    words |= _words(run.lookups, ("field", "source"))
    return tuple(sorted(words))


def _coded(name: str, words: pl.Enum, alias: str) -> pl.Expr:
    """Return a text column as its index among the run's words."""
    return pl.col(name).cast(pl.String).cast(words).to_physical().cast(pl.Int32).alias(alias)


def _masks(frame: pl.DataFrame, stem: str) -> pl.Expr:
    """Return the mask words of a frame as one list column, lowest items first."""
    names = sorted((n for n in frame.columns if n.startswith(f"{stem}_")), key=lambda n: int(n.rsplit("_", 1)[1]))
    if not names:
        return pl.lit([], dtype=pl.List(pl.UInt64)).alias(stem)
    return pl.concat_list([pl.col(name).cast(pl.UInt64) for name in names]).alias(stem)


def _decision_rows(arm_no: int, arm: ArmTables, decisions: pl.DataFrame, words: pl.Enum) -> pl.DataFrame:
    """Return an arm's decisions in narrow form."""
    return decisions.select(
        pl.lit(arm_no, pl.Int16).alias("arm_no"),
        pl.lit(arm.ticket_key).alias("ticket_key"),
        _coded("rule_id", words, "rule_no"),
        _coded("overridden_rule_id", words, "overridden_no"),
        pl.col("outcome").cast(pl.String),
        _coded("owner_team", words, "owner_no"),
        pl.col("priority").cast(pl.String),
        pl.col("action_set_id").cast(pl.UInt32),
        _masks(decisions, "fired"),
        _masks(decisions, "unknown"),
    )


def _record_rows(arm_no: int, arm: ArmTables, words: pl.Enum) -> pl.DataFrame:
    """Return an arm's records in narrow form."""
    return arm.records.select(
        pl.lit(arm_no, pl.Int16).alias("arm_no"),
        pl.lit(arm.ticket_key).alias("ticket_key"),
        _coded("owner_team", words, "owner_no"),
        _coded("resolver_team", words, "resolver_no"),
        *(pl.col(name).cast(pl.Int64) for name in TIMES),
        pl.col("wait_minutes").cast(pl.Float64),
        pl.col("handle_minutes").cast(pl.Float64),
        pl.col("handoffs").cast(pl.Int32),
        pl.col("escalations").cast(pl.Int32),
        pl.col("misrouted_resolver").cast(pl.Boolean),
        pl.col("misrouted_labelled").cast(pl.Boolean),
        pl.col("censored_at").cast(pl.Int64),
        pl.col("scored").cast(pl.Boolean),
    )


def _sla_rows(arm_no: int, arm: ArmTables, states: pl.DataFrame, words: pl.Enum) -> pl.DataFrame:
    """Return an arm's SLA clocks in narrow form."""
    return states.select(
        pl.lit(arm_no, pl.Int16).alias("arm_no"),
        arm.ticket_key.gather(states["row"]).alias("ticket_key"),
        pl.col("sla_metric").cast(pl.String),
        _coded("target_id", words, "target_no"),
        pl.col("cycle").cast(pl.Int32),
        pl.col("state").cast(pl.String),
        pl.col("due_at").cast(pl.Int64),
        pl.col("elapsed_minutes").cast(pl.Float64),
    )


def _lookup_rows(run: RunTables, lookups: pl.DataFrame, words: pl.Enum) -> pl.DataFrame:
    """Return the lookups of a run in narrow form."""
    if not run.arms:
        raise InternalError("lookups of a run without arms", "at least one arm, whose tickets the lookups are about")
    return lookups.select(
        run.arms[0].ticket_key.gather(lookups["row"]).alias("ticket_key"),
        _coded("field", words, "field_no"),
        _coded("source", words, "source_no"),
        pl.col("status").cast(pl.String),
        pl.col("value").cast(pl.String),
        pl.col("looked_up_at").cast(pl.Int64),
        pl.col("value_as_of").cast(pl.Int64),
    )


def _arm_frames(run: RunTables) -> dict[str, pl.DataFrame]:
    """Return the small tables of the arms: what they are, their items, their action sets."""
    arms, items, actions = [], [], []
    for number, arm in enumerate(run.arms):
        name = (arm.arm, arm.scenario)
        arms.append((number, *name, arm.policy_digest, arm.operations_digest))
        items += [(*name, index, str(item), str(kind)) for index, (item, kind) in enumerate(arm.items)]
        actions += [(*name, index, text) for index, text in enumerate(arm.action_sets)]
    named = {"arm": pl.String, "scenario": pl.String}
    digests = {"policy_digest": pl.String, "operations_digest": pl.String}
    return {
        "run_arms": pl.DataFrame(arms, schema={"arm_no": pl.Int16, **named, **digests}, orient="row"),
        "run_items": pl.DataFrame(
            items, schema={**named, "idx": pl.Int32, "item_id": pl.String, "kind": pl.String}, orient="row"
        ),
        "action_sets": pl.DataFrame(
            actions, schema={**named, "action_set_id": pl.UInt32, "actions": pl.String}, orient="row"
        ),
    }


def _gate_frame(results: Sequence[GateResult]) -> pl.DataFrame:
    """Return gate results as rows of the table."""
    rows = [
        (
            r.gate_id, r.table, r.title, str(r.severity), r.owner, str(r.state), r.n, r.failed, r.value, r.limit,
            r.engine, r.reason, list(r.sample), str(r.place),
        )
        for r in results
    ]  # fmt: skip
    text = ("gate", "table", "title", "severity", "owner", "state")
    schema = dict.fromkeys(text, pl.String) | {"n": pl.Int64, "failed": pl.Int64, "value": pl.Float64}
    schema |= dict.fromkeys(("limit", "engine", "reason"), pl.String)
    return pl.DataFrame(rows, schema={**schema, "sample": pl.List(pl.String), "place": pl.String}, orient="row")


def _measure_frame(measures: pl.DataFrame) -> pl.DataFrame:
    """Return measures with every column of the table, missing ones NULL."""
    return measures.select(
        pl.col(name).cast(dtype) if name in measures.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in _MEASURES.items()
    )


def encode(run: RunTables) -> Encoded:
    """Bring a run into the store's narrow form; equal runs give equal frames, row for row."""
    terms = _terms(run)
    words = pl.Enum(list(terms))
    frames = _arm_frames(run)
    decided = [
        _decision_rows(n, arm, arm.decisions, words) for n, arm in enumerate(run.arms) if arm.decisions is not None
    ]
    clocks = [_sla_rows(n, arm, arm.sla_states, words) for n, arm in enumerate(run.arms) if arm.sla_states is not None]
    played = [_record_rows(n, arm, words) for n, arm in enumerate(run.arms)]
    for name, parts in (("decision_rows", decided), ("record_rows", played), ("sla_state_rows", clocks)):
        if parts:
            frames[name] = pl.concat(parts)
    frames["measures"] = _measure_frame(run.measures)
    frames["gate_results"] = _gate_frame(run.gate_results)
    if run.gate_failures is not None:
        frames["gate_failures"] = run.gate_failures.select(
            pl.col(name).cast(pl.String) for name in ("gate", "key", "column", "value")
        )
    if run.lookups is not None:
        frames["lookup_rows"] = _lookup_rows(run, run.lookups, words)
    return Encoded(terms, frames)
