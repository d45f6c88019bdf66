"""Decide and play: what a policy, or history, does with every ticket of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from triage_lab import policy, replay
from triage_lab.domain.desk import Operations
from triage_lab.domain.enums import Arm
from triage_lab.domain.errors import Place
from triage_lab.domain.policy import Policy
from triage_lab.domain.result import PolicyRef
from triage_lab.lab.config import Config
from triage_lab.lab.policies import load_policy, manual_triage
from triage_lab.lab.progress import Progress
from triage_lab.lab.snapshot import Snapshot

HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions of one arm, row-aligned with the snapshot.

    ``items``: (item id, kind) in mask order; ``action_sets``: canonical JSON, indexed by action_set_id.
    """

    arm: Arm
    ref: PolicyRef
    policy: Policy | None
    decisions: pl.DataFrame
    items: tuple[tuple[str, str], ...]
    action_sets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArmRun:
    """One arm after the desk: replication 0 in full, all replications for the measures.

    ``played`` holds one entry a replication (empty in routing-only mode); ``records`` and ``sla_states`` are
    replication 0.
    """

    decided: Decided
    records: pl.DataFrame
    sla_states: pl.DataFrame | None
    played: tuple[Any, ...]


def decide(config: Config, name: str, arm: Arm, snapshot: Snapshot, operations: Operations | None) -> Decided:
    """Decide every ticket by a policy, or by what really happened if ``name`` is ``history``."""
    if name == HISTORY:
        decisions = replay.history_decisions(snapshot.history, operations)
        return Decided(arm, PolicyRef(HISTORY, "", "", ""), None, decisions, ((HISTORY, "rule"),), ("{}",))
    parsed = load_policy(config, name, operations)
    compiled = policy.compile_policy(parsed, manual_triage_team=manual_triage(operations), timezone=config.timezone)
    decisions = with_recorded_priority(compiled.decide(snapshot.context), snapshot.history)
    ref = PolicyRef(parsed.name, parsed.version, str(parsed.stage), policy.policy_digest(parsed))
    return Decided(arm, ref, parsed, decisions, tuple(compiled.items), tuple(compiled.action_sets))


def with_recorded_priority(decisions: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """Fill priorities that the policy leaves open with the ticket's own first priority, else ``normal``."""
    if decisions["priority"].null_count() == 0:
        return decisions
    recorded = history["priority_at_creation"].cast(pl.String)
    usable = recorded.is_in(["urgent", "high", "normal", "low"]).fill_null(False)
    own = pl.select(pl.when(usable).then(recorded).otherwise(pl.lit("normal"))).to_series()
    return decisions.with_columns(pl.coalesce(pl.col("priority").cast(pl.String), own).alias("priority"))


def match_masks(
    matches: Mapping[str, tuple[str | None, Place]],
    frame: pl.DataFrame,
    snapshot: Snapshot,
    extra: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """Boolean array, shape (n,), per target: TRUE where its ``match`` predicate is true.

    ``extra`` names columns of ``frame`` that a match may read besides the context (the decided priority).
    """
    masks: dict[str, np.ndarray] = {}
    for name, (text, place) in matches.items():
        if text is None:
            masks[name] = np.ones(frame.height, dtype=np.bool_)
            continue
        parsed = policy.parse_predicate(text, snapshot.columns, place=place, extra_columns=extra)
        masks[name] = policy.mask(parsed, frame).to_numpy().astype(np.bool_)
    return masks


def where_mask(text: str, snapshot: Snapshot) -> np.ndarray:
    """Boolean array, shape (n,): where ``--where`` is true."""
    parsed = policy.parse_predicate(text, snapshot.columns, place=Place("--where"))
    return policy.mask(parsed, snapshot.context).to_numpy().astype(np.bool_)


def escalation_masks(decided: Decided, snapshot: Snapshot, operations: Operations) -> dict[str, np.ndarray]:
    """Which tickets each escalation window watches; windows may read the decided priority."""
    frame = snapshot.context.with_columns(decided.decisions["priority"].cast(pl.String).alias("priority"))
    matches = {window.window_id: (window.match, window.place) for window in operations.escalation}
    return match_masks(matches, frame, snapshot, ("priority",))


def sla_masks(snapshot: Snapshot, operations: Operations) -> dict[str, np.ndarray]:
    """Which tickets each SLA target covers; targets see context columns only, so both arms share them."""
    matches = {target.target_id: (target.match, target.place) for target in operations.sla}
    return match_masks(matches, snapshot.context, snapshot)


def play(
    world: Any,
    decided: Decided,
    snapshot: Snapshot,
    operations: Operations,
    replications: int,
    progress: Progress,
    share: tuple[float, float],
) -> ArmRun:
    """Play one arm on the desk, every replication with its own draws."""
    masks = escalation_masks(decided, snapshot, operations)
    played = []
    for number in range(replications):
        progress(
            f"replaying {decided.ref.name} ({number + 1} of {replications})",
            share[0] + (share[1] - share[0]) * number / replications,
        )
        played.append(replay.play(world, decided.decisions, escalation_masks=masks, replication=number))
    return ArmRun(decided, played[0].records, played[0].sla_states, tuple(played))


def route(decided: Decided, snapshot: Snapshot) -> ArmRun:
    """Routing only: owners and misroutes, no queue."""
    records = replay.route_only(
        snapshot.history, decided.decisions, decision_latency_seconds=60, cutoff=snapshot.cutoff
    )
    return ArmRun(decided, records, None, ())


def local_day(seconds: int, timezone: str) -> date:
    """The lab's calendar day of an instant."""
    return datetime.fromtimestamp(seconds, ZoneInfo(timezone)).date()
