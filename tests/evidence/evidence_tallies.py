"""Small tallies for the tests of this room, built by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from triage_lab.domain.enums import Better, Grade
from triage_lab.domain.measure import Metric

Sums = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Tally:
    rates: pl.DataFrame
    durations: pl.DataFrame


def metric(name: str, unit: str, better: Better, statistic: str, ceiling: Grade = Grade.SIMULATED) -> Metric:
    return Metric(name, name.replace("_", " "), unit, better, statistic, "tickets", "open", ceiling, "A definition.")


CATALOGUE = {
    one.name: one
    for one in (
        metric("sla_compliance", "fraction", Better.HIGHER, "rate"),
        metric("sla_open_share", "fraction", Better.NEITHER, "rate"),
        metric("time_to_first_action", "minutes", Better.LOWER, "median"),
        metric("time_to_first_action_p90", "minutes", Better.LOWER, "p90"),
        metric("misroute_resolver", "fraction", Better.LOWER, "rate", Grade.REPLAYED),
        metric("misroute_labelled", "fraction", Better.LOWER, "rate", Grade.REPLAYED),
        metric("enrichment_accuracy", "fraction", Better.HIGHER, "rate", Grade.REPLAYED),
        metric("handoffs_per_ticket", "per_ticket", Better.LOWER, "mean"),
        metric("wait_minutes", "minutes", Better.LOWER, "mean"),
        metric("backlog", "tickets", Better.LOWER, "total"),
        metric("mrr_late", "money", Better.LOWER, "total"),
    )
}


def tally(
    rates: Mapping[tuple[str, str], Sums] | None = None,
    durations: Mapping[tuple[str, str], Sequence[tuple[str, float, bool]]] | None = None,
) -> Tally:
    """A tally from {(metric, segment): {account: (numerator, denominator)}} and {…: [(account, minutes, event)]}."""
    rows = [
        (name, segment, who, y, m) for (name, segment), sums in (rates or {}).items() for who, (y, m) in sums.items()
    ]
    spans = [(name, segment, *row) for (name, segment), rows_ in (durations or {}).items() for row in rows_]
    text = dict.fromkeys(("metric", "segment", "cluster"), pl.String)
    return Tally(
        pl.DataFrame(rows, schema=text | {"numerator": pl.Float64, "denominator": pl.Float64}, orient="row"),
        pl.DataFrame(spans, schema=text | {"minutes": pl.Float64, "event": pl.Boolean}, orient="row"),
    )


def segment(**columns: str) -> str:
    return json.dumps(dict(sorted(columns.items())), separators=(",", ":"))
