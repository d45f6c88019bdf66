"""Met, breached, open and not applicable as four numbers; the vendor's flag against our clock; use of rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from triage_lab.domain.canonical import canonical_json
from triage_lab.domain.enums import SlaMetric, SlaState
from triage_lab.domain.policy import DEFAULT_ID, ItemKind, Policy
from triage_lab.domain.result import RuleUse, SlaCounts
from triage_lab.metrics.layout import NO_VALUE
from triage_lab.metrics.rows import ticket_states


def sla_counts(
    sla_states: pl.DataFrame | None,
    scored: pl.Series,
    facts: pl.DataFrame,
    *,
    arm: str,
    cutoff: int,
    segmentations: Sequence[tuple[str, ...]] = (),
) -> tuple[SlaCounts, ...]:
    """Count scored tickets by state of each SLA target.

    Parameters
    ----------
    sla_states : polars.DataFrame or None
        Long: row, sla_metric, state, due_at.
    scored : polars.Series of Boolean
        Row-aligned.
    facts : polars.DataFrame
        Row-aligned, with the columns of ``segmentations``; NULL shows as ``(none)``.
    arm : str
    cutoff : int
        UTC epoch second. A target due later is open, even if it has been met early: met and breached together are the
        matured cohort that SLA compliance divides by.
    segmentations : sequence of tuple of str
        Overall is always counted.

    Returns
    -------
    tuple of SlaCounts
        Ordered by SLA metric, overall first, then by segmentation and segment.
    """
    if sla_states is None or sla_states.height == 0:
        return ()
    kept = pl.DataFrame({"row": scored.fill_null(value=False).arg_true().cast(pl.UInt32)})
    states = ticket_states(sla_states.with_columns(pl.col("row").cast(pl.UInt32)), cutoff)
    states = states.join(kept, on="row", how="inner", maintain_order="left")
    names = list(dict.fromkeys(name for cut in segmentations for name in cut))
    values = facts.select(pl.col(name).cast(pl.String).fill_null(NO_VALUE) for name in names)
    joined = pl.concat([states, values[states["row"]]], how="horizontal") if names else states
    order = {metric.value: at for at, metric in enumerate(SlaMetric)}
    out: list[SlaCounts] = []
    for cut in dict.fromkeys([(), *(tuple(cut) for cut in segmentations)]):
        sums = joined.group_by("sla_metric", *cut).agg(
            (pl.col("state") == state.value).sum().alias(state.value) for state in SlaState
        )
        rows = [
            SlaCounts(
                arm,
                row["sla_metric"],
                {name: row[name] for name in cut},
                row[SlaState.MET],
                row[SlaState.BREACHED],
                row[SlaState.OPEN],
                row[SlaState.NOT_APPLICABLE],
            )
            for row in sums.iter_rows(named=True)
        ]
        out += sorted(rows, key=lambda one: (order.get(one.sla_metric, len(order)), canonical_json(one.segment)))
    return tuple(sorted(out, key=lambda one: order.get(one.sla_metric, len(order))))


def vendor_flags(
    vendor_met: pl.Series, sla_states: pl.DataFrame | None, *, scored: pl.Series, cutoff: int
) -> dict[str, int]:
    """Compare the vendor's own SLA flag with our clock, ticket by ticket.

    Parameters
    ----------
    vendor_met : polars.Series of Boolean
        Row-aligned; NULL where the vendor says nothing.
    sla_states : polars.DataFrame or None
        Long states of the observed arm. Compared is the resolve target (the vendor's ``due_at``, target ``vendor``), or
        where a ticket has none, nothing.
    scored : polars.Series of Boolean
    cutoff : int
        UTC epoch second.

    Returns
    -------
    dict
        vendor_total, vendor_met, compared, agree, vendor_only_met (vendor says met, our clock breached), ours_only_met.
    """
    table = pl.DataFrame(
        {
            "row": pl.arange(vendor_met.len(), dtype=pl.UInt32, eager=True),
            "vendor": vendor_met.cast(pl.Boolean),
            "scored": scored.fill_null(value=False),
        }
    )
    flagged = table.filter(pl.col("scored") & pl.col("vendor").is_not_null())
    out = {"vendor_total": flagged.height, "vendor_met": int(flagged["vendor"].sum())}
    ours = pl.DataFrame(schema={"row": pl.UInt32, "state": pl.String})
    if sla_states is not None and sla_states.height:
        resolve = sla_states.filter(pl.col("sla_metric").cast(pl.String) == SlaMetric.RESOLVE.value)
        ours = ticket_states(resolve.with_columns(pl.col("row").cast(pl.UInt32)), cutoff).select("row", "state")
    both = flagged.join(ours, on="row", how="inner", maintain_order="left").filter(
        pl.col("state").is_in([SlaState.MET.value, SlaState.BREACHED.value])
    )
    met = both["state"] == SlaState.MET.value
    return out | {
        "compared": both.height,
        "agree": int((both["vendor"] == met).sum()),
        "vendor_only_met": int((both["vendor"] & ~met).sum()),
        "ours_only_met": int((~both["vendor"] & met).sum()),
    }


def rule_use(decisions: pl.DataFrame, policy: Policy, scored: pl.Series) -> tuple[RuleUse, ...]:
    """Count how often each item of a policy fired, won or was unknown, over scored tickets.

    Parameters
    ----------
    decisions : polars.DataFrame
        Row-aligned: rule_id, fired_0…, unknown_0… (bit i of word w = item 64·w + i of ``policy.items``).
    policy : Policy
        The resolved policy that decided.
    scored : polars.Series of Boolean

    Returns
    -------
    tuple of RuleUse
        In file order, the default last. An also-item never wins; the default fires where it wins.
    """
    kept = decisions.filter(scored.fill_null(value=False))
    counted = kept["rule_id"].cast(pl.String).value_counts()
    won = dict(zip(counted["rule_id"], counted["count"], strict=True))
    out = [
        RuleUse(
            item.item_id,
            item.kind.value,
            item.text,
            item.manifest.owner or "",
            _bits(kept, "fired", place),
            0 if item.kind is ItemKind.ALSO else int(won.get(item.item_id, 0)),
            _bits(kept, "unknown", place),
        )
        for place, item in enumerate(policy.items)
    ]
    default = int(won.get(DEFAULT_ID, 0))
    owner = policy.default.manifest.owner or ""
    return (*out, RuleUse(DEFAULT_ID, ItemKind.DEFAULT.value, "", owner, default, default, 0))


def _bits(decisions: pl.DataFrame, mask: str, place: int) -> int:
    """Rows in which the item's bit is set."""
    word = decisions[f"{mask}_{place // 64}"].cast(pl.UInt64).to_numpy()
    return int(np.count_nonzero(word & np.uint64(1 << (place % 64))))
