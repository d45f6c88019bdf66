"""Slow twins of the metrics room: one ticket at a time, plain dicts and fractions."""

from __future__ import annotations

import json
from collections import defaultdict
from fractions import Fraction

Row = dict[str, object]
Sums = dict[tuple[str, str, str], tuple[float, float]]


def naive_state(states: list[Row], cutoff: int) -> str:
    """Worst of a ticket's cycles of one SLA metric; what is due later is open, whatever has happened."""
    worst = "not_applicable"
    rank = {"not_applicable": 0, "met": 1, "open": 2, "breached": 3}
    for row in states:
        state = str(row["state"])
        due = row["due_at"]
        if state == "met" and due is not None and due > cutoff:  # type: ignore[operator]
            state = "open"
        worst = state if rank[state] > rank[worst] else worst
    return worst


def naive_text(segment: dict[str, str]) -> str:
    """Canonical JSON of a segment with ASCII keys."""
    return json.dumps(dict(sorted(segment.items())), ensure_ascii=False, separators=(",", ":"))


def naive_tally(
    records: list[Row],
    sla_states: list[Row],
    facts: list[Row],
    segmentations: list[tuple[str, ...]],
    cutoff: int,
    headline: str | None,
    outcome: list[str | None],
) -> tuple[Sums, dict[tuple[str, str], list[tuple[str, float, bool]]]]:
    """Numerators and denominators by metric, segment and cluster; and waiting times by metric and segment."""
    exact: dict[tuple[str, str, str], list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    waits: dict[tuple[str, str], list[tuple[str, float, bool]]] = defaultdict(list)
    scored = [at for at, record in enumerate(records) if record["scored"]]
    arrivals = [int(records[at]["arrived_at"]) for at in scored]  # type: ignore[call-overload]
    first, last = (min(arrivals), max(arrivals)) if arrivals else (0, 0)
    span = max(last - first, 1)
    mrr: dict[str, Fraction] = {}
    for at in scored:
        if facts[at]["mrr"] is not None:
            mrr[str(facts[at]["cluster"])] = Fraction(round(float(facts[at]["mrr"]) * 100), 100)  # type: ignore[arg-type]
    late: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for at in scored:
        record, fact = records[at], facts[at]
        cluster = str(fact["cluster"])
        cuts = [(), *dict.fromkeys(cut for cut in segmentations if cut)]
        for cut in cuts:
            segment = {name: "(none)" if fact[name] is None else str(fact[name]) for name in cut}
            text = naive_text(segment)

            def add(metric: str, hit: object, inside: bool, where: str = text, who: str = cluster) -> None:
                if inside:
                    cell = exact[metric, where, who]
                    cell[0] += Fraction(hit)  # type: ignore[arg-type]
                    cell[1] += 1

            wrong = record["misrouted_resolver"]
            add("misroute_resolver", bool(wrong), wrong is not None)
            add("misroute_high_mrr", bool(wrong), wrong is not None and fact["mrr_tier"] == "high")
            labelled = record["misrouted_labelled"]
            add("misroute_labelled", bool(labelled), labelled is not None)
            add("manual_triage_share", str(outcome[at]).startswith("manual"), outcome[at] is not None)
            add("escalation_rate", int(record["escalations"]) > 0, True)  # type: ignore[call-overload]
            add("handoffs_per_ticket", int(record["handoffs"]), True)  # type: ignore[call-overload]
            wait = record["wait_minutes"]
            add("wait_minutes", Fraction(round(float(wait or 0) * 60), 60), wait is not None)  # type: ignore[arg-type]
            end = record["resolved_at"] if record["resolved_at"] is not None else cutoff
            overlap = max(min(int(end), last, cutoff) - max(int(record["arrived_at"]), first), 0)  # type: ignore[call-overload]
            add("backlog", Fraction(overlap, span), True)
            for metric in sorted({str(row["sla_metric"]) for row in sla_states}):
                mine = [row for row in sla_states if row["row"] == at and row["sla_metric"] == metric]
                state = naive_state(mine, cutoff)
                where = text if metric == headline else naive_text({**segment, "sla_metric": metric})
                add("sla_compliance", state == "met", state in ("met", "breached"), where)
                add("sla_open_share", state == "open", state in ("met", "breached", "open"), where)
                if state in ("met", "breached"):
                    late[where, cluster][0] += 1
                    late[where, cluster][1] += state == "breached"
            if len(cut) <= 1:
                naive_waits(record, text, cluster, cutoff, waits)
    for (where, cluster), (matured, breached) in late.items():
        if cluster in mrr:
            exact["mrr_late", where, cluster] = [mrr[cluster] if breached else Fraction(0), Fraction(matured)]
    return {key: (float(num), float(den)) for key, (num, den) in exact.items()}, dict(waits)


def naive_waits(
    record: Row, text: str, cluster: str, cutoff: int, out: dict[tuple[str, str], list[tuple[str, float, bool]]]
) -> None:
    """Minutes until each clock's event, or until the ticket was last seen without it."""
    clocks = {
        "time_to_first_action": "first_action_at",
        "time_to_first_human_action": "first_human_action_at",
        "time_to_person": "started_at",
        "time_to_resolution": "resolved_at",
    }
    for metric, column in clocks.items():
        at = record[column]
        event = at is not None and int(at) <= cutoff  # type: ignore[call-overload]
        end = at if event else min(int(record["resolved_at"] or record["censored_at"] or cutoff), cutoff)  # type: ignore[call-overload]
        minutes = (int(end) - int(record["arrived_at"])) / 60  # type: ignore[call-overload]
        if minutes >= 0:
            out[metric, text].append((cluster, minutes, event))
