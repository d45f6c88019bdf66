"""History is played: today's owners and true touch times go through the same kernel that replays them later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from triage_lab.domain.desk import Operations
from triage_lab.domain.errors import InternalError
from triage_lab.replay.play import Played, play
from triage_lab.replay.records import history_decisions
from triage_lab.replay.synthetic.inflow import Inflow
from triage_lab.replay.synthetic.matching import match_tickets
from triage_lab.replay.synthetic.parameters import (
    CATEGORIES,
    HANDLE_CV,
    HANDLE_FACTOR,
    HANDLE_MAX_SECONDS,
    HANDLE_MEAN,
    HANDLE_MIN_SECONDS,
    TEAMS,
    WINDOW_END,
    WINDOW_START,
)
from triage_lab.replay.synthetic.streams import Ints
from triage_lab.replay.world import World, build_world


def draw_handle_seconds(rng: np.random.Generator, team: Ints, category: Ints) -> Ints:
    """Draw touch times in whole seconds, log-normal with a mean by (team, category).

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream to draw from.
    team, category : int64 arrays, shape (n,)
        The team that does the work, and the ticket's category.

    Notes
    -----
    For a mean m and a coefficient of variation c, log-time is normal with variance log(1 + c²) and mean
    log m less half of it. Times are cut to one minute at least and five hours at most.
    """
    mean = np.array([[HANDLE_MEAN[name] * HANDLE_FACTOR[kind] for kind in CATEGORIES] for name in TEAMS]) * 60.0
    variance = np.log1p(HANDLE_CV**2)
    level = np.log(mean[team, category]) - variance / 2
    seconds = np.exp(level + np.sqrt(variance) * rng.standard_normal(len(team)))
    whole: Ints = np.clip(np.round(seconds), HANDLE_MIN_SECONDS, HANDLE_MAX_SECONDS).astype(np.int64)
    return whole


@dataclass(frozen=True, slots=True)
class PlayedHistory:
    """What the desk did: records, SLA states and decoded trail, rows in order of arrival.

    ``utilisation`` is the share of each team's open time inside the window that its agents spent on tickets.
    """

    records: pl.DataFrame
    sla_states: pl.DataFrame
    steps: pl.DataFrame
    utilisation: Mapping[str, float]


def play_history(
    operations: Operations, history: pl.DataFrame, columns: Mapping[str, pl.Series], seed: int
) -> PlayedHistory:
    """Play the owners of ``history`` on the desk.

    Parameters
    ----------
    operations : Operations
        The desk, already staffed for this number of tickets.
    history : polars.DataFrame
        Frame "history" with the true handle time and resolver of every ticket.
    columns : mapping
        Context columns that SLA targets and escalation windows may match, as decisions saw them.
    seed : int
        Seed of the replay; without effect on times, since every handle time is given.
    """
    count = len(history)
    sla_masks = {
        target.target_id: match_tickets(target.match, columns, count, f"SLA target {target.target_id}")
        for target in operations.sla
    }
    escalation_masks = {
        window.window_id: match_tickets(window.match, columns, count, f"escalation window {window.window_id}")
        for window in operations.escalation
    }
    world = build_world(history, operations, cutoff=WINDOW_END, seed=seed, sla_masks=sla_masks)
    played = play(world, history_decisions(history, operations), escalation_masks=escalation_masks)
    if played.donors["trace"] != sum(played.donors.values()):
        raise InternalError(
            f"touch times were drawn for {sum(played.donors.values()) - played.donors['trace']:,} tickets",
            "every ticket is worked by the team that its touch time belongs to",
            "please report this with the arguments of the call",
        )
    return PlayedHistory(played.records, played.sla_states, played.events(world), _utilisation(world, played))


def _utilisation(world: World, played: Played) -> dict[str, float]:
    """Busy share of the time that each team's agents were on shift inside the window."""
    ends = np.array([WINDOW_START, WINDOW_END], dtype=np.int64)
    shares = {}
    for number, team in enumerate(world.roster.teams):
        slots = world.roster.slots_of(number)
        open_seconds = sum(int(np.diff(world.roster.schedule_of(int(slot)).worked(ends))[0]) for slot in slots)
        shares[team] = round(played.busy_seconds[team] / open_seconds, 4)
    return shares


def history_frame(inflow: Inflow, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Return frame "history" with the given columns and nothing known of the outcomes."""
    count = len(inflow)
    empty: dict[str, pl.DataType] = {
        "truth_teams": pl.List(pl.String()),
        "due_at": pl.Int64(),
        "owned_at": pl.Int64(),
        "first_action_at": pl.Int64(),
        "first_human_action_at": pl.Int64(),
        "acknowledged_at": pl.Int64(),
        "resolved_at": pl.Int64(),
        "handoffs": pl.Int64(),
        "escalations": pl.Int64(),
        "sla_met": pl.Boolean(),
    }
    frame = pl.DataFrame({"arrived_at": inflow.arrived_at}).with_columns(
        **{name: values.rename(name) for name, values in columns.items()},
    )
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in empty.items() if name not in columns]
    return frame.with_columns(pl.Series("ticket_key", np.arange(count, dtype=np.uint64)), *missing)
