"""Records without a desk: misroutes, the decisions that history took, and routing-only records."""

from __future__ import annotations

import numpy as np
import polars as pl

from triage_lab.domain.desk import Operations
from triage_lab.domain.enums import Outcome, Priority
from triage_lab.domain.errors import ReplayError
from triage_lab.replay.arrays import NEVER
from triage_lab.replay.frames import nullable, read_history

MANUAL_TRIAGE = "manual-triage"
"""Owner of tickets for manual triage where no operations.yaml names a team."""
HISTORY_RULE = "history"


def misroute_columns() -> tuple[pl.Expr, pl.Expr]:
    """Return misrouted_resolver and misrouted_labelled of a frame with owner_team and the truth columns.

    Notes
    -----
    ``misrouted_resolver`` is NULL where the resolver is unknown, ``misrouted_labelled`` where nobody labelled the
    ticket. Both compare the first owner, whatever happens to the ticket later.
    """
    owner, labelled = pl.col("owner_team"), pl.col("truth_teams").list.drop_nulls()
    known = pl.col("resolver_team_id").is_not_null() & owner.is_not_null()
    return (
        pl.when(known).then(owner != pl.col("resolver_team_id")).alias("misrouted_resolver"),
        pl.when(labelled.list.len() > 0)
        .then(pl.when(owner.is_not_null()).then(~labelled.list.contains(owner)))
        .alias("misrouted_labelled"),
    )


def history_decisions(history: pl.DataFrame, operations: Operations | None) -> pl.DataFrame:
    """Return the decisions that were really taken, as those of a policy named ``history``.

    Parameters
    ----------
    history : polars.DataFrame
        In ticket order.
    operations : Operations or None

    Returns
    -------
    polars.DataFrame
        rule_id ``history``, overridden_rule_id NULL, outcome ``rule``, owner_team (the first team; the manual triage
        team where the log names none, see `unowned`), priority (as first recorded if it is one of the four, else
        ``normal``), action_set_id 0 (no actions). There are no mask columns: history has no items.

    Raises
    ------
    ReplayError
        No ticket has a first team.
    """
    first = history["first_team_id"].cast(pl.String()) if "first_team_id" in history.columns else None
    if first is None or first.null_count() == len(first):
        raise ReplayError(
            "this log has no owners: first_team_id is NULL in every ticket",
            "the first team of at least one ticket",
            "name a policy as --baseline",
        )
    manual = operations.manual_triage_team if operations else MANUAL_TRIAGE
    recorded = (
        history["priority_at_creation"].cast(pl.String())
        if "priority_at_creation" in history.columns
        else pl.Series([None] * history.height, dtype=pl.String())
    )
    return pl.DataFrame({"owner_team": first, "recorded": recorded}).select(
        pl.lit(HISTORY_RULE).alias("rule_id"),
        pl.lit(None, dtype=pl.String()).alias("overridden_rule_id"),
        pl.lit(Outcome.RULE.value).alias("outcome"),
        pl.col("owner_team").fill_null(manual),
        pl.when(pl.col("recorded").is_in([priority.value for priority in Priority]))
        .then(pl.col("recorded"))
        .otherwise(pl.lit(Priority.NORMAL.value))
        .alias("priority"),
        pl.lit(0, dtype=pl.UInt32()).alias("action_set_id"),
    )


def unowned(history: pl.DataFrame) -> int:
    """Count the tickets without a recorded first team, which `history_decisions` sends to manual triage."""
    return history["first_team_id"].null_count() if "first_team_id" in history.columns else history.height


def route_only(
    history: pl.DataFrame, decisions: pl.DataFrame, *, decision_latency_seconds: int, cutoff: int
) -> pl.DataFrame:
    """Write records that tell ownership and misroutes only: no desk is played.

    Parameters
    ----------
    history : polars.DataFrame
        In ticket order.
    decisions : polars.DataFrame
        Row-aligned, with ``owner_team``.
    decision_latency_seconds : int
    cutoff : int, UTC seconds

    Returns
    -------
    polars.DataFrame
        The columns of a played arm; everything that needs a desk is NULL, ``censored_at`` included.

    Raises
    ------
    ReplayError
        Frames of other lengths, or a history that is not as promised.
    """
    frame = read_history(history, cutoff)
    if decisions.height != frame.height:
        raise ReplayError(
            f"{decisions.height} decisions for {frame.height} tickets", "one per ticket", "align the frames by row"
        )
    owned = frame["arrived_at"].to_numpy().astype(np.int64) + decision_latency_seconds
    stamp, minutes, count = (pl.lit(None, dtype=kind) for kind in (pl.Int64(), pl.Float64(), pl.Int32()))
    return frame.with_columns(
        decisions["owner_team"].cast(pl.String()).alias("owner_team"),
        nullable("owned_at", np.where(owned <= cutoff, owned, NEVER)),
    ).select(
        "owner_team",
        pl.col("resolver_team_id").alias("resolver_team"),
        "arrived_at",
        "owned_at",
        *(
            stamp.alias(name)
            for name in ("started_at", "first_action_at", "first_human_action_at", "acknowledged_at", "resolved_at")
        ),
        minutes.alias("wait_minutes"),
        minutes.alias("handle_minutes"),
        count.alias("handoffs"),
        count.alias("escalations"),
        *misroute_columns(),
        stamp.alias("censored_at"),
    )
