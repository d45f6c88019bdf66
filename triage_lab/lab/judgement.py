"""What may be concluded from a study: limits, tiles, harms, the nine items, the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from triage_lab import evidence, metrics, policy
from triage_lab.domain.policy import Policy
from triage_lab.domain.result import Harm, KpiResult, Tile
from triage_lab.domain.verdict import Verdict
from triage_lab.lab.arms import match_masks

if TYPE_CHECKING:
    from triage_lab.lab.study import Measured, Study


@dataclass(frozen=True, slots=True)
class Judged:
    """Conclusions of a study; ``caveats`` are sentences for the method section."""

    verdict: Verdict
    tiles: tuple[Tile, ...]
    kpis: tuple[KpiResult, ...]
    harms: tuple[Harm, ...]
    caveats: tuple[str, ...]


def judge(study: Study, measured: Measured, run_id: str) -> Judged:
    """Judge every limit of launch.yaml, the checklist, and reach the verdict."""
    plan = study.launch.plan
    kpis = evidence.judge_kpis(
        plan,
        measured.comparisons,
        catalogue=metrics.CATALOGUE,
        measures=measured.observed,
        not_possible=measured.absent,
    )
    items = evidence.readiness_items(_facts(study, kpis))
    subject = evidence.Subject(
        policy=study.candidate.decided.ref.name,
        run_id=run_id,
        example_ticket=_example(study),
        headline=measured.headline,
        currency=study.config.currency,
    )
    return Judged(
        verdict=evidence.verdict(items, study.gates, kpis, measured.comparisons, plan, subject),
        tiles=evidence.tiles(measured.comparisons, kpis, catalogue=metrics.CATALOGUE, not_possible=measured.absent),
        kpis=kpis,
        harms=evidence.harms(measured.comparisons),
        caveats=_unplayed(study),
    )


def _facts(study: Study, kpis: tuple[KpiResult, ...]) -> evidence.ReadinessFacts:
    """Plain facts for the checklist."""
    candidate = study.candidate.decided
    cases = policy.run_cases(candidate.policy) if candidate.policy is not None else ()
    scored = pl.Series(study.scored)
    owners = study.candidate.records["owner_team"].cast(pl.String).filter(scored)
    teams = set(study.operations.teams) if study.operations else set()
    used = _templates(candidate.policy) if candidate.policy is not None else ()
    approved = study.operations.templates if study.operations else {}
    return evidence.ReadinessFacts(
        policy=candidate.ref.name,
        gates=study.gates,
        kpis=kpis,
        findings=(),
        tests_passed=sum(case.passed for case in cases),
        tests_failed=sum(not case.passed for case in cases),
        approved_by=None,
        has_operations=study.operations is not None,
        tickets=int(study.scored.sum()),
        without_owner=owners.null_count(),
        off_desk=tuple(sorted(set(owners.drop_nulls().unique()) - teams)) if study.operations else (),
        tiers_seen=_tiers(study, study.scored),
        tiers_with_window=_covered_tiers(study),
        authorities=len(study.operations.authorities) if study.operations else 0,
        templates_used=used,
        templates_approved=tuple(name for name in used if name in approved and approved[name].approved_by),
    )


def _templates(parsed: Policy) -> tuple[str, ...]:
    """Templates that the policy's items use, each once, in file order."""
    named = [name for item in parsed.items for name in policy.templates_of(item.then)]
    return tuple(dict.fromkeys(named))


def _tiers(study: Study, mask: np.ndarray) -> tuple[str, ...]:
    """MRR tiers among some tickets, sorted."""
    tiers = study.snapshot.context["mrr_tier"].cast(pl.String).filter(pl.Series(mask))
    return tuple(sorted(tiers.drop_nulls().unique()))


def _covered_tiers(study: Study) -> tuple[str, ...]:
    """MRR tiers whose scored tickets are all watched by some escalation window."""
    if study.operations is None or not study.operations.escalation:
        return ()
    decided = study.candidate.decided.decisions["priority"].cast(pl.String).alias("priority")
    frame = study.snapshot.context.with_columns(decided)
    matches = {window.window_id: (window.match, window.place) for window in study.operations.escalation}
    masks = list(match_masks(matches, frame, study.snapshot, ("priority",)).values())
    watched = pl.Series(masks[0])
    for mask in masks[1:]:
        watched = watched | pl.Series(mask)
    bare = set(_tiers(study, study.scored & ~watched.to_numpy()))
    return tuple(tier for tier in _tiers(study, study.scored) if tier not in bare)


def _example(study: Study) -> str | None:
    """A scored ticket whose owner the candidate changes, else the first scored one."""
    ids = study.snapshot.context["ticket_id"]
    scored = pl.Series(study.scored)
    before = study.baseline.records["owner_team"].cast(pl.String)
    after = study.candidate.records["owner_team"].cast(pl.String)
    moved = ids.filter(scored & (before != after).fill_null(value=False))
    chosen = moved if moved.len() else ids.filter(scored)
    return str(chosen[0]) if chosen.len() else None


def _unplayed(study: Study) -> tuple[str, ...]:
    """Actions that the candidate takes and that this version does not play."""
    parsed = study.candidate.decided.policy
    if parsed is None:
        return ()
    found = sorted(set(_unplayed_names(parsed)))
    return (f"Actions of the policy that are stored but change no wait here: {', '.join(found)}.",) if found else ()


def _unplayed_names(parsed: Policy) -> Iterator[str]:
    """Names of actions other than route and priority."""
    for item in parsed.items:
        yield from (name for name in policy.set_names(item.then) if name not in ("route", "priority"))
