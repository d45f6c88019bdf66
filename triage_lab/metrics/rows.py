"""Per-ticket numerators and denominators: what each metric counts of one ticket, in whole numbers.

Everything here is an integer (tickets, seconds), so that sums are exact and do not depend on their order.
"""

from __future__ import annotations

import polars as pl

from triage_lab.domain.enums import Outcome, SlaState
from triage_lab.domain.result import NotPossible

NUM, DEN = "n:", "d:"
CLOCKS = {
    "time_to_first_action": "first_action_at",
    "time_to_first_human_action": "first_human_action_at",
    "time_to_person": "started_at",
    "time_to_resolution": "resolved_at",
}
DESK_METRICS = ("escalation_rate", "handoffs_per_ticket", "wait_minutes", "backlog")
SLA_METRICS = ("sla_compliance", "sla_open_share", "mrr_late")
MANUAL = (Outcome.MANUAL_UNKNOWN.value, Outcome.MANUAL_REQUIRES.value)


def has_values(frame: pl.DataFrame, column: str) -> bool:
    """Whether the frame has the column and any value in it."""
    return column in frame.columns and frame[column].null_count() < frame.height


def count_when(name: str, hit: pl.Expr, among: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Numerator and denominator of a share: ``hit`` among the rows where ``among`` holds."""
    inside = among.fill_null(value=False)
    return (
        (inside & hit.fill_null(value=False)).alias(NUM + name),
        inside.alias(DEN + name),
    )


def sum_of(name: str, amount: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Numerator and denominator of a mean over the rows where the amount is known."""
    return amount.fill_null(0).cast(pl.Int64).alias(NUM + name), amount.is_not_null().alias(DEN + name)


def routing_rows(frame: pl.DataFrame, high_tier: str) -> tuple[list[pl.Expr], list[NotPossible]]:
    """Misroutes by both truths and the share left to people."""
    out: list[pl.Expr] = []
    absent: list[NotPossible] = []
    if has_values(frame, "misrouted_resolver"):
        wrong = pl.col("misrouted_resolver")
        out += count_when("misroute_resolver", wrong, wrong.is_not_null())
        if has_values(frame, "mrr_tier"):
            high = pl.col("mrr_tier").cast(pl.String) == high_tier
            out += count_when("misroute_high_mrr", wrong, wrong.is_not_null() & high)
        else:
            absent.append(NotPossible("misroute_high_mrr", "no MRR is known for any ticket"))
    else:
        absent += [
            NotPossible(name, "no resolving team in the log") for name in ("misroute_resolver", "misroute_high_mrr")
        ]
    if has_values(frame, "misrouted_labelled"):
        wrong = pl.col("misrouted_labelled")
        out += count_when("misroute_labelled", wrong, wrong.is_not_null())
    else:
        absent.append(NotPossible("misroute_labelled", "no labels of the right team (field truth_team)"))
    if has_values(frame, "outcome"):
        outcome = pl.col("outcome").cast(pl.String)
        out += count_when("manual_triage_share", outcome.is_in(MANUAL), outcome.is_not_null())
    if has_values(frame, "vendor_met"):
        out += count_when("vendor_sla_met", pl.col("vendor_met"), pl.col("vendor_met").is_not_null())
    return out, absent


def desk_rows(frame: pl.DataFrame, cutoff: int) -> tuple[list[pl.Expr], list[NotPossible]]:
    """Escalations, handoffs, waits and time open, where the log or the desk knows them."""
    out: list[pl.Expr] = []
    absent: list[NotPossible] = []
    if has_values(frame, "escalations"):
        out += count_when("escalation_rate", pl.col("escalations") > 0, pl.col("escalations").is_not_null())
    else:
        absent.append(NotPossible("escalation_rate", "no escalations in the log"))
    if has_values(frame, "handoffs"):
        out += sum_of("handoffs_per_ticket", pl.col("handoffs"))
    else:
        absent.append(NotPossible("handoffs_per_ticket", "no changes of team in the log"))
    if has_values(frame, "wait_minutes"):
        out += sum_of("wait_minutes", (pl.col("wait_minutes") * 60).round())
    else:
        absent.append(NotPossible("wait_minutes", "no queue times in the log"))
    if has_values(frame, "resolved_at") or has_values(frame, "censored_at"):
        first, last = frame["arrived_at"].min(), frame["arrived_at"].max()
        until = pl.min_horizontal(pl.col("resolved_at").fill_null(cutoff), pl.lit(last), pl.lit(cutoff))
        since = pl.max_horizontal(pl.col("arrived_at"), pl.lit(first))
        out += sum_of("backlog", pl.max_horizontal(until - since, pl.lit(0)))
    else:
        absent.append(NotPossible("backlog", "no resolution times in the log"))
    return out, absent


def ticket_states(sla_states: pl.DataFrame, cutoff: int) -> pl.DataFrame:
    """One row per ticket and SLA metric: the worst of its cycles, matured or not.

    Returns
    -------
    polars.DataFrame
        row, sla_metric, state (met | breached | open | not_applicable). A target due after the cutoff is open even if
        it has been met early: counting early successes but not yet early failures would flatter both arms.
    """
    order = [SlaState.BREACHED, SlaState.OPEN, SlaState.MET, SlaState.NOT_APPLICABLE]
    state = pl.col("state").cast(pl.String)
    due_later = (pl.col("due_at") > cutoff) & (state == SlaState.MET.value)
    matured = pl.when(due_later.fill_null(value=False)).then(pl.lit(SlaState.OPEN.value)).otherwise(state)
    rank = matured.replace_strict({item.value: place for place, item in enumerate(order)}, return_dtype=pl.Int8)
    return (
        sla_states.select(pl.col("row"), pl.col("sla_metric").cast(pl.String), rank.alias("rank"))
        .group_by("row", "sla_metric")
        .agg(pl.col("rank").min())
        .sort("row", "sla_metric")
        .select(
            "row",
            "sla_metric",
            pl.col("rank")
            .replace_strict(dict(enumerate(item.value for item in order)), return_dtype=pl.String)
            .alias("state"),
        )
    )


def clock_rows(frame: pl.DataFrame, cutoff: int) -> tuple[list[pl.Expr], list[str]]:
    """Seconds since arrival (``n:``) and whether the event has happened by the cutoff (``d:``), for the clocks known.

    A ticket without the event has been seen waiting until it was resolved or the data end.
    """
    names = [metric for metric, column in CLOCKS.items() if has_values(frame, column)]
    seen = [pl.col(name) for name in ("resolved_at", "censored_at") if name in frame.columns]
    last_seen = pl.min_horizontal(pl.coalesce(*seen, pl.lit(cutoff)), pl.lit(cutoff))
    out: list[pl.Expr] = []
    for metric in names:
        column = pl.col(CLOCKS[metric])
        reached = column.is_not_null() & (column <= cutoff)
        end = pl.when(reached).then(column).otherwise(last_seen)
        out += [(end - pl.col("arrived_at")).alias(NUM + metric), reached.alias(DEN + metric)]
    return out, names
