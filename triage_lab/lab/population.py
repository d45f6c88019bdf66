"""Who is counted: from the tickets in the store to those scored, with the reason for every one left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from triage_lab.domain.result import FlowStep
from triage_lab.lab.scope import Window
from triage_lab.lab.snapshot import Snapshot

UNKNOWN = "ticket:"
_LEFT_OUT = {
    "merged": "merged into another ticket by the snapshot (they load the desk)",
    "duplicate": "closed as a duplicate (they load the desk)",
    "deleted": "deleted by the snapshot (they load the desk)",
    "spam": "marked as spam (they load the desk)",
    "repeated": "delivered twice: every signal repeats another ticket's (they load the desk)",
}


def facts(snapshot: Snapshot, decisions: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Row-aligned frame that the metrics cut by.

    Returns
    -------
    polars.DataFrame
        ``cluster`` (account, or ``ticket:<id>`` where it is unknown), ``account_known``, ``mrr``, ``mrr_tier``,
        ``rule_id`` (the item of the candidate that decided) and the columns of ``by``.
    """
    context = snapshot.context
    account = snapshot.history["account_id"].cast(pl.String)
    own = pl.select(pl.lit(UNKNOWN) + context["ticket_id"]).to_series()
    columns = {
        "cluster": pl.select(pl.coalesce(account, own)).to_series(),
        "account_known": account.is_not_null(),
        "mrr": context["mrr"].cast(pl.Float64),
        "mrr_tier": context["mrr_tier"].cast(pl.String),
        "rule_id": decisions["rule_id"].cast(pl.String),
    }
    columns |= {name: context[name].cast(pl.String) for name in by}
    return pl.DataFrame(columns)


def flow(
    snapshot: Snapshot, window: Window, scored: np.ndarray, where: str | None, states: pl.DataFrame | None
) -> tuple[FlowStep, ...]:
    """Population flow: in, left out by reason, analysed, and what of it could not be judged."""
    arrived = snapshot.context["arrived_at"].to_numpy()
    before = int((arrived < window.start).sum())
    after = int((arrived >= window.end).sum())
    inside = len(arrived) - before - after
    steps = [
        FlowStep("in", "tickets in the store", len(arrived) + snapshot.after_cutoff),
        FlowStep("out", "arrived after the data's cutoff (stored, not seen)", snapshot.after_cutoff),
        FlowStep("out", "arrived before the window (they load the desk)", before),
        FlowStep("out", "arrived after the window (they load the desk)", after),
    ]
    within = (arrived >= window.start) & (arrived < window.end)
    reasons = snapshot.left_out.filter(pl.Series(within)).drop_nulls()
    for reason, words in _LEFT_OUT.items():
        count = int((reasons == reason).sum())
        if count:
            steps.append(FlowStep("out", words, count))
    if where is not None:
        steps.append(FlowStep("out", f"not in {where}", inside - reasons.len() - int(scored.sum())))
    steps.append(FlowStep("analysed", "tickets scored", int(scored.sum())))
    truth = snapshot.history["resolver_team_id"].is_null() & snapshot.history["truth_teams"].is_null()
    steps.append(
        FlowStep("unjudged", "no resolver and no label: misroute unknown", int((truth.to_numpy() & scored).sum()))
    )
    if states is not None and states.height:
        rows = states.filter(pl.col("state") == "open")["row"].unique().to_numpy()
        still = int(scored[rows].sum()) if len(rows) else 0
        steps.append(FlowStep("unjudged", "a target not yet due when the data end (candidate)", still))
    return tuple(steps)


def account_counts(table: pl.DataFrame, scored: np.ndarray) -> tuple[int, int]:
    """Known accounts among the scored tickets, and scored tickets without one."""
    kept = table.filter(pl.Series(scored))
    known = kept.filter(pl.col("account_known"))
    return known["cluster"].n_unique() if known.height else 0, kept.height - known.height
