"""A study: both arms, what was observed, and everything needed to judge them; ``assemble`` turns it into a Result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from triage_lab import __version__, evidence, metrics, replay
from triage_lab.domain.desk import Operations
from triage_lab.domain.enums import Arm, Flag, Grade
from triage_lab.domain.gate import GateResult
from triage_lab.domain.measure import Comparison, Measure
from triage_lab.domain.result import (
    SCHEMA_VERSION,
    Curve,
    FieldQuality,
    NotPossible,
    Provenance,
    QueueLoad,
    Result,
    Scope,
    SlaCounts,
)
from triage_lab.lab.arms import ArmRun
from triage_lab.lab.config import Config
from triage_lab.lab.judgement import Judged, judge
from triage_lab.lab.launch import LaunchFile
from triage_lab.lab.population import account_counts, facts, flow
from triage_lab.lab.scope import Window, iso
from triage_lab.lab.snapshot import Snapshot

DESK, ROUTING = "desk", "routing"
FIRST_ACTION = "time_to_first_action"
NO_ACCOUNTS = "no ticket carries an account: intervals are naive and too narrow"
CAVEATS = (
    "How customers and agents would behave differently under the new routing: a replay keeps their behaviour.",
    "Whether the simulated desk reproduces history: calibration has not been run, so waits are no forecast.",
    "Holds, reminders, automated replies, reopened tickets and waiting for the customer are not replayed yet.",
)


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that one backtest produced before it was measured; ``desk`` is None in routing-only mode.

    ``lookups`` = what the replay asked the systems for, of the columns that some rule reads.
    """

    config: Config
    snapshot: Snapshot
    lookups: pl.DataFrame
    operations: Operations | None
    desk: Operations | None
    why_no_desk: str
    window: Window
    scored: np.ndarray
    where: str | None
    by: tuple[str, ...]
    baseline: ArmRun
    candidate: ArmRun
    observed: tuple[pl.DataFrame, pl.DataFrame | None]
    world: Any
    gates: tuple[GateResult, ...]
    launch: LaunchFile
    notices: tuple[str, ...]

    @property
    def mode(self) -> str:
        """``desk`` if queues were simulated, else ``routing``."""
        return DESK if self.desk is not None else ROUTING

    @property
    def segmentations(self) -> tuple[tuple[str, ...], ...]:
        """How numbers are broken down: by deciding item, by MRR tier, by both, and by every ``--by`` column."""
        fixed = (("rule_id",), ("mrr_tier",), ("rule_id", "mrr_tier"))
        return fixed + tuple((name,) for name in self.by if name != "mrr_tier")


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers of a study: comparisons of both arms, observed measures, enrichment, what could not be measured."""

    comparisons: tuple[Comparison, ...]
    observed: tuple[Measure, ...]
    enrichment: tuple[FieldQuality, ...]
    curves: tuple[Curve, ...]
    counts: tuple[SlaCounts, ...]
    absent: tuple[NotPossible, ...]
    headline: str | None


def assemble(study: Study, run_id: str, manifest: str) -> Result:
    """Measure, judge and gather a study into a Result."""
    del manifest
    table = facts(study.snapshot, study.candidate.decided.decisions, study.by)
    measured = _measure(study, table)
    known, unknown = account_counts(table, study.scored)
    judged = judge(study, measured, run_id)
    scored = pl.Series("scored", study.scored)
    cells, changes = metrics.route_matrix(
        study.baseline.records,
        study.candidate.records,
        study.candidate.decided.decisions,
        study.snapshot.context["ticket_id"],
        scored,
    )
    policy = study.candidate.decided.policy
    of_desk = study.world.notices if study.world is not None else ()
    notices = (*study.notices, *of_desk, *((NO_ACCOUNTS,) if known == 0 else ()))
    return Result(
        schema_version=SCHEMA_VERSION,
        kind="backtest",
        run_id=run_id,
        lab=study.config.name,
        currency=study.config.currency,
        timezone=study.config.timezone,
        candidate=study.candidate.decided.ref,
        baseline=study.baseline.decided.ref,
        scope=_scope(study, known, unknown),
        verdict=judged.verdict,
        tiles=judged.tiles,
        kpis=judged.kpis,
        harms=judged.harms,
        comparisons=measured.comparisons,
        observed=measured.observed,
        sla_counts=measured.counts,
        curves=measured.curves,
        routes=cells,
        changes=changes[:20],
        rules=metrics.rule_use(study.candidate.decided.decisions, policy, scored) if policy is not None else (),
        queues=_queues(study),
        enrichment=measured.enrichment,
        gates=study.gates,
        flow=flow(study.snapshot, study.window, study.scored, study.where, study.candidate.sla_states),
        vendor_clocks=metrics.vendor_flags(
            study.snapshot.history["sla_met"], study.observed[1], scored=scored, cutoff=study.snapshot.cutoff
        ),
        not_possible=_labelled(measured.absent),
        glossary=tuple(metrics.CATALOGUE.values()),
        provenance=_provenance(study, run_id, judged),
        notices=notices,
    )


def _scope(study: Study, accounts: int, without: int) -> Scope:
    """What was scored."""
    return Scope(
        start=iso(study.window.start),
        end=iso(study.window.end),
        cutoff=iso(study.snapshot.cutoff),
        where=study.where,
        by=study.by,
        replications=max(len(study.candidate.played), 1),
        seed=study.config.seed,
        mode=study.mode,
        scored=int(study.scored.sum()),
        accounts=accounts,
        without_account=without,
    )


def _measure(study: Study, table: pl.DataFrame) -> Measured:
    """Tally every replication of both arms, compare them, and measure what was observed."""
    layout = metrics.prepare(table, study.scored, study.segmentations)
    before, after = (_tallies(study, arm, table, layout) for arm in (study.baseline, study.candidate))
    grades = _grades(study)
    flags = {Flag.NOT_CALIBRATED} if study.mode == DESK else set()
    comparisons = evidence.compare(before, after, catalogue=metrics.CATALOGUE, grade_of=grades, flags=flags)
    records, states = study.observed
    seen = metrics.tally(
        records,
        states,
        table,
        layout=layout.restrict((("mrr_tier",),)),
        cutoff=study.snapshot.cutoff,
        vendor_met=study.snapshot.history["sla_met"],
    )
    observed = evidence.estimate([seen], arm=str(Arm.OBSERVED), catalogue=metrics.CATALOGUE)
    facts_found = metrics.tally_enrichment(
        study.snapshot.enrichment,
        study.snapshot.labels,
        table,
        pl.Series("scored", study.scored),
        replayed=study.lookups,
        context=study.snapshot.context,
        columns=study.snapshot.columns,
    )
    looked_up = evidence.compare([facts_found], [facts_found], catalogue=metrics.CATALOGUE)
    absent = [*after[0].absent, *facts_found.absent]
    return Measured(
        comparisons=(*comparisons, *looked_up),
        observed=observed,
        enrichment=_fields(facts_found, looked_up),
        curves=_curves(study, before[0], after[0]),
        counts=_counts(study, table),
        absent=tuple(_reasoned(absent, study)),
        headline=after[0].headline,
    )


def _tallies(study: Study, arm: ArmRun, table: pl.DataFrame, layout: metrics.Layout) -> list[metrics.Tallies]:
    """One tally a replication (one in routing-only mode)."""
    plays = arm.played or (arm,)
    headline: str | None = None
    out = []
    for play in plays:
        tallied = metrics.tally(
            play.records,
            play.sla_states,
            table,
            layout=layout,
            cutoff=study.snapshot.cutoff,
            headline=headline,
            outcome=arm.decided.decisions["outcome"],
            desk=study.mode == DESK,
        )
        headline = tallied.headline
        out.append(tallied)
    return out


def _grades(study: Study) -> dict[str, Grade]:
    """Grades weaker than a metric's ceiling: what rests on inferred operations is extrapolated until calibrated."""
    inferred = study.operations is not None and bool(study.operations.inferred)
    if not inferred:
        return {}
    return {name: Grade.EXTRAPOLATED for name, metric in metrics.CATALOGUE.items() if metric.ceiling is Grade.SIMULATED}


def _fields(found: Any, comparisons: tuple[Comparison, ...]) -> tuple[FieldQuality, ...]:
    """Coverage and accuracy per field and source."""
    by_key = {
        (item.metric, item.segment.get("field"), item.segment.get("source")): item.candidate for item in comparisons
    }
    return tuple(
        FieldQuality(
            counts.field,
            counts.source,
            by_key.get(("enrichment_coverage", counts.field, counts.source)),
            by_key.get(("enrichment_accuracy", counts.field, counts.source)),
            counts.stale_share,
            counts.lookups,
            counts.labelled,
        )
        for counts in found.fields
    )


def _curves(study: Study, before: Any, after: Any) -> tuple[Curve, ...]:
    """How long tickets wait for their first action, both arms."""
    if study.mode != DESK:
        return ()
    first = evidence.curve(before, metric=FIRST_ACTION, arm=str(Arm.BASELINE))
    same = before.clocks.get(FIRST_ACTION) is after.clocks.get(FIRST_ACTION)
    if same and first is not None:
        return first, replace(first, arm=str(Arm.CANDIDATE))
    second = evidence.curve(after, metric=FIRST_ACTION, arm=str(Arm.CANDIDATE))
    return tuple(one for one in (first, second) if one is not None)


def _counts(study: Study, table: pl.DataFrame) -> tuple[SlaCounts, ...]:
    """Four numbers an arm."""
    scored = pl.Series("scored", study.scored)
    arms = (
        (Arm.OBSERVED, study.observed[1]),
        (Arm.BASELINE, study.baseline.sla_states),
        (Arm.CANDIDATE, study.candidate.sla_states),
    )
    out: list[SlaCounts] = []
    for arm, states in arms:
        if states is not None and states.height:
            out.extend(
                metrics.sla_counts(
                    states, scored, table, arm=str(arm), cutoff=study.snapshot.cutoff, segmentations=(("mrr_tier",),)
                )
            )
    return tuple(out)


def _queues(study: Study) -> tuple[QueueLoad, ...]:
    """Load of every team in both arms."""
    if study.world is None:
        return ()
    out: list[QueueLoad] = []
    for arm in (study.baseline, study.candidate):
        out.extend(replay.queue_load(arm.played[0], study.world, arm=str(arm.decided.arm)))
    return tuple(out)


def _reasoned(absent: list[NotPossible], study: Study) -> list[NotPossible]:
    """Each metric once, with the run's own reason where the desk is missing."""
    seen: dict[str, str] = {}
    for item in absent:
        reason = study.why_no_desk if item.reason == metrics.NO_DESK and study.why_no_desk else item.reason
        seen.setdefault(item.subject, reason)
    return [NotPossible(subject, reason) for subject, reason in seen.items()]


def _labelled(absent: tuple[NotPossible, ...]) -> tuple[NotPossible, ...]:
    """Metrics by the name that a reader knows."""
    catalogue = metrics.CATALOGUE
    return tuple(
        NotPossible(catalogue[item.subject].label if item.subject in catalogue else item.subject, item.reason)
        for item in absent
    )


def _provenance(study: Study, run_id: str, judged: Judged) -> Provenance:
    """What a rerun needs, and what this page cannot know."""
    tzdata, holidays = replay.calendar_versions()
    played = study.candidate.played
    caveats = (
        CAVEATS
        if study.mode == DESK
        else (CAVEATS[0], "Waits, queues and SLA under the new routing: no desk was replayed.")
    )
    assumed = sorted(name for name, column in study.snapshot.columns.items() if column.as_of == "assume_static")
    if assumed:
        caveats = (*caveats, f"Taken as never changing: {', '.join(assumed)}.")
    return Provenance(
        version=__version__,
        data_digest=study.snapshot.data_digest,
        policy_digest=study.candidate.decided.ref.digest,
        baseline_digest=study.baseline.decided.ref.digest,
        operations_digest=study.operations.digest if study.operations else "",
        seed=study.config.seed,
        as_of_load=study.snapshot.as_of_load,
        tzdata=tzdata,
        holidays=holidays,
        sources=study.snapshot.sources,
        audit=tuple(played[0].audit.checks) if played else (),
        donors={key: int(value) for key, value in played[0].donors.items()} if played else {},
        caveats=(*caveats, *judged.caveats),
        reproduce=_reproduce(study),
    )


def _reproduce(study: Study) -> str:
    """The command that gives the same run again."""
    parts = [
        "triage-lab backtest",
        study.candidate.decided.ref.name,
        f"--baseline {study.baseline.decided.ref.name}",
        f"--from {iso(study.window.start)}",
        f"--to {iso(study.window.end)}",
        f"--seed {study.config.seed}",
    ]
    if study.where:
        quoted = study.where.replace('"', '\\"')
        parts.append(f'--where "{quoted}"')
    if study.by:
        parts.append(f"--by {','.join(study.by)}")
    if study.mode == DESK:
        parts.append(f"--replications {len(study.candidate.played)}")
    return " ".join(parts)
