"""The catalogue: every number that this version computes, in one visible table."""

from __future__ import annotations

from triage_lab.domain.enums import Better, Grade
from triage_lab.domain.measure import Metric

P90 = "_p90"

_CENSORED = "a ticket that is still waiting counts as waiting at least until the cutoff (Kaplan–Meier)"
_MATURED = "only targets due by the cutoff count; open and past due is breached"
_ANY_TICKET = "all scored tickets"


def _waiting(name: str, label: str, until: str) -> tuple[Metric, Metric]:
    """The median and the slowest tenth of a time from arrival."""
    return tuple(  # type: ignore[return-value]
        Metric(
            name + suffix,
            f"{label}, {words}",
            "minutes",
            Better.LOWER,
            statistic,
            _ANY_TICKET,
            _CENSORED,
            Grade.SIMULATED,
            f"Minutes from arrival to {until}: {meaning}.",
        )
        for suffix, words, statistic, meaning in (
            ("", "median", "median", "the smallest time by which half of the tickets have it"),
            (P90, "slowest tenth", "p90", "the smallest time by which nine tickets in ten have it"),
        )
    )


_METRICS: tuple[Metric, ...] = (
    Metric(
        "sla_compliance", "SLA targets met", "fraction", Better.HIGHER, "rate",
        "scored tickets with a target that was due by the cutoff", _MATURED, Grade.SIMULATED,
        "Share of matured targets met; acting exactly at the due instant is met. Overall it is the headline target "
        "(first action, else acknowledge, else resolve); the other targets stand in segments of their own.",
    ),
    Metric(
        "sla_open_share", "SLA targets not yet due", "fraction", Better.NEITHER, "rate",
        "scored tickets with a target", "a target due after the cutoff is open, whatever has happened so far",
        Grade.SIMULATED, "Share of targets that were not yet due at the cutoff and are left out of SLA compliance.",
    ),
    *_waiting("time_to_first_action", "Time to first action", "the first action that the customer sees"),
    *_waiting("time_to_first_human_action", "Time to first human action", "the first action of a person"),
    *_waiting("time_to_person", "Time to person", "the moment when an agent starts on it"),
    *_waiting("time_to_resolution", "Time to resolution", "its resolution"),
    Metric(
        "misroute_resolver", "First owner wrong (resolver)", "fraction", Better.LOWER, "rate",
        "scored tickets whose resolving team is known", "an open ticket has no known truth and is left out",
        Grade.REPLAYED, "Share of tickets whose first owner is not the team that resolved them.",
    ),
    Metric(
        "misroute_labelled", "First owner wrong (labelled)", "fraction", Better.LOWER, "rate",
        "scored tickets with a labelled truth team", "a label does not wait for the ticket to close",
        Grade.REPLAYED, "Share of tickets whose first owner is none of the teams that a reviewer called right.",
    ),
    Metric(
        "misroute_high_mrr", "First owner wrong, high MRR", "fraction", Better.LOWER, "rate",
        "scored tickets of the highest MRR tier whose resolving team is known",
        "an open ticket has no known truth and is left out", Grade.REPLAYED,
        "Share of high-MRR tickets whose first owner is not the team that resolved them.",
    ),
    Metric(
        "enrichment_coverage", "Facts found", "fraction", Better.HIGHER, "rate",
        "facts looked up for scored tickets, per field and source", "does not depend on the ticket's state",
        Grade.REPLAYED, "Share of lookups with a fresh value; over a whole chain, of facts that any source gave.",
    ),
    Metric(
        "enrichment_accuracy", "Looked-up facts right", "fraction", Better.HIGHER, "rate",
        "labelled facts of scored tickets for which a value was found", "does not depend on the ticket's state",
        Grade.REPLAYED,
        "Share of found values equal to the label: numbers after rounding to 2 decimals, text without regard to "
        "case, dates by day.",
    ),
    Metric(
        "legal_flag_false_positive_rate", "Legal flags that are false alarms", "fraction", Better.LOWER, "rate",
        "scored tickets labelled as not legal whose flag is known", "does not depend on the ticket's state",
        Grade.REPLAYED, "Flagged but not legal, as a share of all labelled as not legal: FP / (FP + TN).",
    ),
    Metric(
        "legal_flag_false_negative_rate", "Legal tickets not flagged", "fraction", Better.LOWER, "rate",
        "scored tickets labelled as legal whose flag is known", "does not depend on the ticket's state",
        Grade.REPLAYED,
        "Legal but not flagged, as a share of all labelled as legal: FN / (FN + TP). It is only as good as the "
        "sample of unflagged tickets that was labelled.",
    ),
    Metric(
        "escalation_rate", "Tickets escalated", "fraction", Better.LOWER, "rate", _ANY_TICKET,
        "an open ticket counts with the escalations so far", Grade.SIMULATED,
        "Share of tickets with at least one escalation; tickets are counted, not events.",
    ),
    Metric(
        "handoffs_per_ticket", "Handoffs per ticket", "per_ticket", Better.LOWER, "mean", _ANY_TICKET,
        "an open ticket counts with the handoffs so far (a lower bound)", Grade.SIMULATED,
        "Changes of the owning team after the first owner, per ticket.",
    ),
    Metric(
        "backlog", "Backlog", "tickets", Better.LOWER, "total",
        "scored tickets, between the first and the last scored arrival", "open until the cutoff", Grade.SIMULATED,
        "Mean number of scored tickets open at once, weighted by time.",
    ),
    Metric(
        "mrr_late", "MRR of accounts with a late ticket", "money", Better.LOWER, "total",
        "accounts with known MRR and a target due by the cutoff", _MATURED, Grade.SIMULATED,
        "Monthly recurring revenue of the accounts that had at least one breached target, each account once, at its "
        "last known MRR. Below 1,000 accounts it is a census without interval.",
    ),
    Metric(
        "wait_minutes", "Time waiting in queues", "minutes", Better.LOWER, "mean",
        "scored tickets that left every queue they joined", "a ticket still in a queue is left out", Grade.SIMULATED,
        "Mean of the minutes between joining a queue and being started on, summed over the queues of a ticket.",
    ),
    Metric(
        "vendor_sla_met", "SLA met, by the vendor's flag", "fraction", Better.HIGHER, "rate",
        "scored tickets that carry the vendor's own flag", "as the vendor counts", Grade.OBSERVED,
        "Share of tickets that the source system marked as within SLA; observed only, under the vendor's rules.",
    ),
    Metric(
        "manual_triage_share", "Tickets sent to manual triage", "fraction", Better.NEITHER, "rate", _ANY_TICKET,
        "does not depend on the ticket's state", Grade.REPLAYED,
        "Share of tickets that the policy left to people because a fact it needs was unknown. Neither better "
        "nor worse in itself: a policy that fails closed asks people more often.",
    ),
)  # fmt: skip

CATALOGUE: dict[str, Metric] = {metric.name: metric for metric in _METRICS}


def clock_name(metric: str) -> str:
    """Return the name under which a quantile metric's durations are tallied.

    Examples
    --------
    >>> clock_name("time_to_person_p90")
    'time_to_person'
    """
    return metric.removesuffix(P90)
