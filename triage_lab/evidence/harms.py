"""What gets worse: the segments with the largest certain harm, even when the verdict is GO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from triage_lab.domain.enums import Change
from triage_lab.domain.measure import Comparison, Segment
from triage_lab.domain.result import Harm

TOP = 3
_FIRST = ("mrr_tier", "rule_id", "rule")
_COUNTED = ("fraction", "per_ticket")
_TARGETS = {"first_action": "First-action", "acknowledge": "Acknowledgement", "resolve": "Resolution"}


def harms(comparisons: Sequence[Comparison], top: int = TOP) -> tuple[Harm, ...]:
    """Return the segments that certainly get worse, largest harm first.

    Parameters
    ----------
    comparisons : sequence of Comparison
    top : int
        At most so many.

    Returns
    -------
    tuple of Harm
        Certain = the 95 % interval excludes no change, with enough accounts. Ranked by |difference| × n (tickets hurt)
        for shares and counts per ticket; times follow, ranked by relative change × n. Each segment stands once, and a
        segment inside or around one already listed is left out, so that the same tickets are not shown twice; one that
        holds every ticket is no segment.
    """
    whole = {one.metric: one.candidate.n for one in comparisons if not one.segment and one.candidate is not None}
    worse = [
        one
        for one in comparisons
        if one.change is Change.WORSE
        and _is_segment(one.segment)
        and not (one.candidate is not None and one.candidate.n == whole.get(one.metric))
    ]
    ranked = sorted(worse, key=lambda one: (_unit_rank(one), -_size(one), segment_label(one.segment), one.metric))
    chosen: list[Comparison] = []
    for one in ranked:
        if len(chosen) < top and not any(_nested(one.segment, other.segment) for other in chosen):
            chosen.append(one)
    return tuple(Harm(segment_label(one.segment), one) for one in chosen)


def _is_segment(segment: Segment) -> bool:
    """Whether it is a group of tickets: not all of them, and not a lookup of a field."""
    return bool(set(segment) - {"sla_metric"}) and "field" not in segment


def _unit_rank(one: Comparison) -> int:
    """Shares and counts before times, money and the rest."""
    return 0 if one.difference is not None and one.difference.unit in _COUNTED else 1


def _size(one: Comparison) -> float:
    """Tickets hurt, or for times their relative change over the tickets."""
    gap, base = one.difference, one.baseline
    if gap is None or gap.value is None:
        return 0.0
    if gap.unit in _COUNTED:
        return abs(gap.value) * gap.n
    before = base.value if base is not None and base.value else None
    return abs(gap.value) / before * gap.n if before else 0.0


def _nested(one: Segment, other: Segment) -> bool:
    """Whether one segment lies inside the other (or is the same)."""
    mine = {item for item in one.items() if item[0] != "sla_metric"}
    theirs = {item for item in other.items() if item[0] != "sla_metric"}
    return mine <= theirs or theirs <= mine


def segment_label(segment: Mapping[str, str]) -> str:
    """Return a segment as a person reads it.

    Examples
    --------
    >>> segment_label({"rule_id": "renewal-dispute", "mrr_tier": "mid"})
    'Mid MRR · rule renewal-dispute'
    >>> segment_label({})
    'All tickets'
    """
    first = [name for name in _FIRST if name in segment]
    rest = sorted(name for name in segment if name not in _FIRST and name != "sla_metric")
    parts = [_one_label(name, segment[name]) for name in (*first, *rest)]
    if "sla_metric" in segment:
        target = segment["sla_metric"]
        parts.append(f"{_TARGETS.get(target, target)} target")
    return " · ".join(parts) if parts else "All tickets"


def _one_label(name: str, value: str) -> str:
    """One column and its value in words."""
    if name == "mrr_tier":
        return "MRR unknown" if value == "(none)" else f"{value[:1].upper()}{value[1:]} MRR"
    if name in ("rule_id", "rule"):
        return "no rule" if value == "(none)" else "rule default" if value == "default" else f"rule {value}"
    words = name.replace("_", " ")
    return f"no {words}" if value == "(none)" else f"{words} {value}"
