"""Backtest: a paired replay of baseline and candidate, judged and recorded as a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from triage_lab import __version__, policy, quality, replay, store
from triage_lab.domain.canonical import canonical_json, digest
from triage_lab.domain.desk import Operations
from triage_lab.domain.enums import Arm, GateState
from triage_lab.domain.errors import UsageError
from triage_lab.domain.gate import Gate, GateResult
from triage_lab.lab.arms import ArmRun, Decided, decide, play, route, sla_masks, where_mask
from triage_lab.lab.config import Config
from triage_lab.lab.fields import nearest
from triage_lab.lab.gates import gates_digest, load_gates
from triage_lab.lab.launch import LaunchFile, load_launch
from triage_lab.lab.policies import load_operations
from triage_lab.lab.progress import Progress, silent
from triage_lab.lab.recorded import Run, files_of
from triage_lab.lab.scope import choose_window, iso, scored_mask
from triage_lab.lab.snapshot import Snapshot, read_snapshot, settings_digest
from triage_lab.lab.study import Study, assemble

DRAWN_REPLICATIONS = 30


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for; None means the default."""

    candidate: str
    baseline: str
    from_: str | None = None
    to: str | None = None
    where: str | None = None
    by: tuple[str, ...] = ()
    replications: int | None = None


def backtest(
    config: Config,
    request: Request,
    *,
    progress: Progress = silent,
    notice: Callable[[str], None] = lambda _text: None,
) -> Run:
    """Replay, measure, judge and record.

    Raises
    ------
    UsageError
        Empty window, unknown ``--by`` column.
    PolicyError, ConfigError, GateError
        A file is refused; nothing was recorded.
    ReplayError
        The log cannot be replayed so (no owners, no handle times for a desk, an undeclared team).
    """
    began = time.perf_counter()
    started = datetime.now(UTC)
    operations = load_operations(config)
    gates = load_gates(config)
    launch = load_launch(config)
    with store.open_store(config.database, write=False) as con:
        progress("reading the store", 0.05)
        snapshot = read_snapshot(con, config, operations)
        _check_by(request.by, snapshot)
        progress("deciding", 0.1)
        baseline = decide(config, request.baseline, Arm.BASELINE, snapshot, operations)
        candidate = decide(config, request.candidate, Arm.CANDIDATE, snapshot, operations)
        lookups = snapshot.lookups.frame(_fields_read(baseline, candidate), snapshot.context.height)
        progress("checking the data", 0.15)
        with store.lookups_shown(con, lookups, snapshot.context["ticket_id"]):
            results = tuple(quality.run_sql(con, gates, cutoff=snapshot.cutoff))
    notices = _guard_notices(candidate, snapshot)
    for text in notices:
        notice(text)
    desk, why_not = playable(operations, snapshot)
    if operations is not None and desk is None:
        notice(why_not)
    window = choose_window(
        snapshot.context["arrived_at"],
        start=request.from_,
        end=request.to,
        timezone=config.timezone,
        operations=desk,
    )
    where = where_mask(request.where, snapshot) if request.where is not None else None
    scored = scored_mask(snapshot.context, window, where, snapshot.left_out)
    arms, world, observed = _replay(config, snapshot, desk, baseline, candidate, request, progress)
    study = Study(
        config=config,
        snapshot=snapshot,
        lookups=lookups,
        operations=operations,
        desk=desk,
        why_no_desk=why_not,
        window=window,
        scored=scored,
        where=request.where,
        by=request.by,
        baseline=arms[0],
        candidate=arms[1],
        observed=observed,
        world=world,
        gates=results,
        launch=launch,
        notices=notices,
    )
    manifest = _manifest(config, study, gates, results, launch)
    run_id = digest(manifest)[:12]
    progress("measuring", 0.85)
    result = assemble(study, run_id, canonical_json(manifest))
    progress("recording the run", 0.95)
    with (
        files_of(config, result, canonical_json(manifest) + "\n") as folder,
        store.open_store(config.database, write=True) as con,
        store.lookups_shown(con, lookups, snapshot.context["ticket_id"]),
        store.transaction(con),
    ):
        store.set_as_of(con, snapshot.as_of_load)
        _save(con, study, result, manifest, started, time.perf_counter() - began, gates)
    progress("done", 1.0)
    return Run(result, folder, config.database)


def playable(operations: Operations | None, snapshot: Snapshot) -> tuple[Operations | None, str]:
    """The desk to play, or None and why not."""
    if operations is None:
        return None, "no operations.yaml"
    handle = snapshot.history["handle_minutes"]
    if handle.null_count() == handle.len():
        untold = [team for team in operations.teams if team not in operations.handle_times]
        if untold:
            known = f"by the data's cutoff, {iso(snapshot.cutoff)}"
            teams = ", ".join(untold[:5]) + (" …" if len(untold) > 5 else "")
            return None, (
                f"operations.yaml is here, but no ticket has handle_minutes {known}, and it declares no handle_times "
                f"for {teams}; routing only (`triage-lab operations propose` infers them)"
            )
    return operations, ""


def _fields_read(*arms: Decided) -> tuple[str, ...]:
    """The columns that some rule of the arms reads, sorted: only these had to be looked up."""
    found = {
        name
        for arm in arms
        if arm.policy is not None
        for columns in policy.columns_read(arm.policy).values()
        for name in columns
    }
    return tuple(sorted(found))


def _check_by(by: tuple[str, ...], snapshot: Snapshot) -> None:
    """Refuse a --by that is no context column."""
    for name in by:
        if name not in snapshot.columns:
            raise UsageError(f"--by: unknown column '{name[:60]}'", nearest(name, snapshot.columns))


def _guard_notices(candidate: Decided, snapshot: Snapshot) -> tuple[str, ...]:
    """Say first if a column that an override or a ``requires`` reads has no value at all."""
    if candidate.policy is None:
        return ()
    total = snapshot.context.height
    out = []
    for name in policy.guard_columns(candidate.policy):
        column = snapshot.context[name] if name in snapshot.context.columns else None
        if column is None or column.null_count() == total:
            manual = int(candidate.decisions["outcome"].cast(pl.String).str.starts_with("manual").sum())
            out.append(f"{name} has no source: {manual:,} of {total:,} tickets go to manual triage")
    return tuple(out)


def _replay(
    config: Config,
    snapshot: Snapshot,
    desk: Operations | None,
    baseline: Decided,
    candidate: Decided,
    request: Request,
    progress: Progress,
) -> tuple[tuple[ArmRun, ArmRun], Any, tuple[pl.DataFrame, pl.DataFrame | None]]:
    """Both arms in one world, and what was observed."""
    if desk is None:
        observed = replay.observe(snapshot.history, cutoff=snapshot.cutoff, operations=None, sla_masks={})
        return (route(baseline, snapshot), route(candidate, snapshot)), None, observed
    masks = sla_masks(snapshot, desk)
    progress("preparing the desk (compiling the kernel once)", 0.2)
    world = replay.build_world(snapshot.history, desk, cutoff=snapshot.cutoff, seed=config.seed, sla_masks=masks)
    traced = all(replay.all_traced(world, arm.decisions) for arm in (baseline, candidate))
    replications = request.replications or (1 if traced else DRAWN_REPLICATIONS)
    arms = (
        play(world, baseline, snapshot, desk, replications, progress, (0.2, 0.5)),
        play(world, candidate, snapshot, desk, replications, progress, (0.5, 0.8)),
    )
    observed = replay.observe(snapshot.history, cutoff=snapshot.cutoff, operations=desk, sla_masks=masks)
    return arms, world, observed


def _manifest(
    config: Config, study: Study, gates: tuple[Gate, ...], results: tuple[GateResult, ...], launch: LaunchFile
) -> dict[str, object]:
    """Everything that a rerun needs to give the same bytes; its digest names the run."""
    tzdata, holidays = replay.calendar_versions()
    return {
        "kind": "backtest",
        "version": __version__,
        "data": {"digest": study.snapshot.data_digest, "as_of_load": study.snapshot.as_of_load},
        "candidate": _ref(study.candidate.decided),
        "baseline": _ref(study.baseline.decided),
        "operations": study.operations.digest if study.operations else None,
        "settings": settings_digest(config, study.snapshot.columns),
        "lab": config.name,
        "seed": config.seed,
        "scope": {
            "from": iso(study.window.start),
            "to": iso(study.window.end),
            "where": study.where,
            "by": list(study.by),
            "replications": max(len(study.candidate.played), 1),
            "cutoff": iso(study.snapshot.cutoff),
        },
        "gates": gates_digest(gates),
        "launch": launch.digest,
        "evidence": digest([[item.gate_id, item.state, item.failed] for item in results]),
        "tzdata": tzdata,
        "holidays": holidays,
    }


def _ref(decided: Decided) -> dict[str, str]:
    """A policy as the manifest names it."""
    return {"name": decided.ref.name, "version": decided.ref.version, "digest": decided.ref.digest}


def _save(
    con: Any,
    study: Study,
    result: Any,
    manifest: dict[str, object],
    started: datetime,
    seconds: float,
    gates: tuple[Gate, ...],
) -> None:
    """Write the run's tables; equal reruns keep what is there, different ones are an internal error."""
    key = study.snapshot.context["ticket_key"]
    operations_digest = study.operations.digest if study.operations else ""
    arms = []
    for arm in (study.baseline, study.candidate):
        arms.append(
            store.ArmTables(
                arm=str(arm.decided.arm),
                scenario="base",
                policy_digest=arm.decided.ref.digest,
                operations_digest=operations_digest,
                items=arm.decided.items,
                action_sets=arm.decided.action_sets,
                ticket_key=key,
                decisions=arm.decided.decisions,
                records=_with_scored(arm.records, study.scored),
                sla_states=arm.sla_states,
            )
        )
    records, states = study.observed
    arms.append(
        store.ArmTables(
            arm=str(Arm.OBSERVED),
            scenario="base",
            policy_digest="",
            operations_digest=operations_digest,
            items=(),
            action_sets=(),
            ticket_key=key,
            decisions=None,
            records=_with_scored(records, study.scored),
            sla_states=states,
        )
    )
    store.save_run(
        con,
        store.RunTables(
            run_id=result.run_id,
            kind="backtest",
            started_at=int(started.timestamp()),
            wall_seconds=seconds,
            manifest=canonical_json(manifest),
            arms=tuple(arms),
            measures=study_measures(result),
            gate_results=result.gates,
            lookups=study.lookups,
        ),
    )
    open_gates = {item.gate_id for item in result.gates if item.state in (GateState.FAIL, GateState.WARN)}
    failing = [gate for gate in gates if gate.gate_id in open_gates]
    if failing:
        quality.run_sql(con, failing, cutoff=study.snapshot.cutoff, run_id=result.run_id)


def _with_scored(records: pl.DataFrame, scored: np.ndarray) -> pl.DataFrame:
    """Mark the rows of the window."""
    return records.with_columns(pl.Series("scored", scored))


def study_measures(result: Any) -> pl.DataFrame:
    """Every measure of a result as rows of the table ``measures``."""
    rows = []
    for measure in result.observed:
        rows.append(measure)
    for comparison in result.comparisons:
        rows.extend(m for m in (comparison.baseline, comparison.candidate, comparison.difference) if m is not None)
    return pl.DataFrame(
        [
            {
                "arm": measure.arm,
                "scenario": measure.scenario,
                "metric": measure.metric,
                "segment": canonical_json(measure.segment),
                "value": measure.value,
                "low": measure.low,
                "high": measure.high,
                "n": measure.n,
                "accounts": measure.accounts,
                "unit": measure.unit,
                "grade": str(measure.grade),
                "flags": [str(flag) for flag in measure.flags],
            }
            for measure in rows
        ],
        schema={
            "arm": pl.String, "scenario": pl.String, "metric": pl.String, "segment": pl.String, "value": pl.Float64,
            "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "accounts": pl.Int64, "unit": pl.String,
            "grade": pl.String, "flags": pl.List(pl.String),
        },
    )  # fmt: skip
