"""What was planted, and what came of it: the numbers that a good tool must find in the export."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import polars as pl

from triage_lab.replay.synthetic import parameters
from triage_lab.replay.synthetic.facts import NO_ACCOUNT
from triage_lab.replay.synthetic.faults import FAULT_SHARE
from triage_lab.replay.synthetic.history import PlayedHistory
from triage_lab.replay.synthetic.inflow import Inflow
from triage_lab.replay.synthetic.lookups import ERROR, HIT, MISS, STALE, UNKNOWN, Enrichment, LabelPlan, Lookup
from triage_lab.replay.synthetic.routing import Routing
from triage_lab.replay.synthetic.streams import Bools


def planted_parameters(tickets: int, seed: int, faults: float) -> dict[str, object]:
    """Return everything that was planted, as plain values for ``parameters.json``."""
    return {
        "synthetic": True,
        "tickets": tickets,
        "seed": seed,
        "faults": faults,
        "window_start": parameters.WINDOW_START,
        "window_end": parameters.WINDOW_END,
        "rates": asdict(parameters.RATES),
        "lookups": {field: [asdict(source) for source in chain] for field, chain in parameters.LOOKUPS.items()},
        "legal_false_positive": parameters.LEGAL_FALSE_POSITIVE,
        "legal_false_negative": parameters.LEGAL_FALSE_NEGATIVE,
        "handle_mean_minutes": dict(parameters.HANDLE_MEAN),
        "handle_factor": dict(parameters.HANDLE_FACTOR),
        "handle_cv": parameters.HANDLE_CV,
        "fault_share": dict(FAULT_SHARE),
    }


def expected_findings(
    inflow: Inflow,
    routing: Routing,
    enrichment: Enrichment,
    labels: LabelPlan,
    past: PlayedHistory,
    faults: pl.DataFrame,
) -> dict[str, object]:
    """Return realised quantities of the clean export (rates as fractions), for ``expected.json``.

    Parameters
    ----------
    inflow, routing, enrichment, labels
        What was drawn.
    past : PlayedHistory
        What the desk did.
    faults : polars.DataFrame
        The list of planted faults; counted here, no other number is changed by them.
    """
    resolved = past.records["resolved_at"].is_not_null().to_numpy()
    return {
        "tickets": len(inflow),
        "accounts_with_tickets": len(np.unique(inflow.account[inflow.account != NO_ACCOUNT])),
        "without_account": _share(inflow.account == NO_ACCOUNT),
        "near_duplicates": int((inflow.original >= 0).sum()),
        "open_at_the_end": int((~resolved).sum()),
        "misroute": _misroutes(routing, labels, resolved),
        "escalated_tickets": int((past.records["escalations"] > 0).sum()),
        "handoffs": int(past.records["handoffs"].sum()),
        "sla": _sla(past.sla_states),
        "utilisation": dict(past.utilisation),
        "enrichment": _enrichment(enrichment),
        "legal_flag": _legal(enrichment),
        "faults": dict(faults.group_by("fault").len().sort("fault").iter_rows()),
    }


def _share(values: Bools) -> float | None:
    """Share of true values; None of nothing."""
    return round(float(values.mean()), 6) if len(values) else None


def _misroutes(routing: Routing, labels: LabelPlan, resolved: Bools) -> dict[str, object]:
    """First owner against the hidden truth, the resolver (of resolved tickets) and the labels."""
    accepted = (routing.first == routing.truth) | (routing.first == routing.resolver)
    return {
        "hidden_truth": _share(routing.first != routing.truth),
        "resolver": _share((routing.first != routing.resolver)[resolved]),
        "labelled": _share(~accepted[labels.truth]),
        "planned_against_hidden_truth": _share(routing.planned != routing.truth),
        "resolver_differs_from_truth": _share(routing.resolver != routing.truth),
    }


def _sla(states: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Met, breached and open per target."""
    counted = states.filter(pl.col("target_id").is_not_null()).group_by("target_id", "state").len()
    out: dict[str, dict[str, int]] = {}
    for target, state, count in counted.sort("target_id", "state").iter_rows():
        out.setdefault(target, {})[state] = count
    return out


def _enrichment(enrichment: Enrichment) -> dict[str, dict[str, object]]:
    """Coverage and accuracy of every field, by source and for the whole chain (``*``)."""
    out: dict[str, dict[str, object]] = {}
    for field, truth in enrichment.truth.items():
        asked = truth != UNKNOWN
        seen = enrichment.seen[field]
        answered = asked & (seen != UNKNOWN)
        by_source: dict[str, object] = {
            "*": {
                "lookups": int(asked.sum()),
                "coverage": _share(answered[asked]),
                "accuracy": _share((seen == truth)[answered]),
            }
        }
        by_source |= {part.source: _source(part) for part in enrichment.lookups if part.field == field}
        out[field] = by_source
    return out


def _source(part: Lookup) -> dict[str, object]:
    """Counts by status, and accuracy of the answers of one source."""
    answered = (part.status == HIT) | (part.status == STALE)
    counts = np.bincount(part.status, minlength=4)
    return {
        "lookups": len(part.row),
        "hit": int(counts[HIT]),
        "miss": int(counts[MISS]),
        "error": int(counts[ERROR]),
        "stale": int(counts[STALE]),
        "coverage": _share(answered),
        "accuracy": _share((part.value == part.truth)[answered]),
    }


def _legal(enrichment: Enrichment) -> dict[str, float | None]:
    """False positives among unflagged and false negatives among flagged tickets whose look-up was answered."""
    seen, truth = enrichment.seen["legal_flag"], enrichment.truth["legal_flag"]
    answered = (seen != UNKNOWN) & (truth != UNKNOWN)
    return {
        "false_positive_rate": _share((seen == 1)[answered & (truth == 0)]),
        "false_negative_rate": _share((seen == 0)[answered & (truth == 1)]),
    }
