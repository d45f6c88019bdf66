"""The verdict: one of three words, strictly by rule, and the sentences beside it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.enums import Change, Flag, GateState, ItemState, Severity, VerdictWord
from triage_lab.domain.gate import GateResult
from triage_lab.domain.measure import Comparison, Measure
from triage_lab.domain.result import KpiResult
from triage_lab.domain.verdict import ITEMS, ReadinessItem, Verdict
from triage_lab.evidence.kpis import NOT_ASSESSABLE, misroute_metric
from triage_lab.evidence.launch import LaunchPlan
from triage_lab.evidence.phrases import THIN, amount, change, interval, limit_text, listed, plural

_TARGETS = {"first_action": "first-action", "acknowledge": "acknowledgement", "resolve": "resolution"}
_WORDS = {"at_least": "at least", "at_most": "at most", "above": "more than", "below": "less than"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What the verdict is about, for its sentences and commands.

    ``headline`` is the SLA metric that SLA compliance means; ``example_ticket`` a ticket whose route changes (or any).
    """

    policy: str
    run_id: str
    example_ticket: str | None = None
    headline: str | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class _Reasons:
    """What stands against a GO: what has failed, and what is not known; each with its name and its words."""

    failed: tuple[tuple[str, str], ...]
    unknown: tuple[tuple[str, str], ...]


def verdict(
    items: Sequence[ReadinessItem],
    gates: Sequence[GateResult],
    kpis: Sequence[KpiResult],
    comparisons: Sequence[Comparison],
    plan: LaunchPlan,
    subject: Subject,
) -> Verdict:
    """Reach the verdict.

    Parameters
    ----------
    items : sequence of ReadinessItem
    gates : sequence of GateResult
        Data-quality gates.
    kpis : sequence of KpiResult
        Launch limits, judged.
    comparisons : sequence of Comparison
        For the sentences.
    plan : LaunchPlan
        Says which limits are primary.
    subject : Subject

    Returns
    -------
    Verdict

    Notes
    -----
    NO-GO if an item is red or a critical gate or limit failed; else NOT ENOUGH EVIDENCE if an item is missing, a
    critical gate is skipped or in error, a critical limit is uncertain or cannot be assessed, or a primary rests on
    simulation that is not calibrated; else GO. No other words are used. Source: docs/method/evidence.md.
    """
    shown = _shown(comparisons)
    main = shown[0] if shown else None
    reasons = _Reasons(_failed(items, gates, kpis, plan, main), _unknown(items, gates, kpis, plan))
    if reasons.failed:
        word, against = VerdictWord.NO_GO, reasons.failed
    elif reasons.unknown:
        word, against = VerdictWord.NOT_ENOUGH_EVIDENCE, reasons.unknown
    else:
        word, against = VerdictWord.GO, ()
    return Verdict(
        word=word,
        sentence=_sentence(word, main, [text for _, text in against], subject),
        comparison=" ".join(_comparison(one, subject) for one in shown)
        or "Not shown: no number that both policies have.",
        items=tuple(items),
        blocking=tuple(dict.fromkeys(name for name, _ in against)),
        next_commands=_next(items, gates, kpis, subject),
    )


def _shown(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """What the sentences are about: SLA and misroute, certain changes first."""
    overall = {one.metric: one for one in comparisons if not one.segment and _both(one)}
    names = ("sla_compliance", misroute_metric(overall))
    found = [overall[name] for name in names if name in overall]
    return sorted(found, key=lambda one: one.change is Change.NOT_SHOWN)


def _both(one: Comparison) -> bool:
    """Whether both arms have a value."""
    return all(measure is not None and measure.value is not None for measure in (one.baseline, one.candidate))


def _failed(
    items: Sequence[ReadinessItem],
    gates: Sequence[GateResult],
    kpis: Sequence[KpiResult],
    plan: LaunchPlan,
    main: Comparison | None,
) -> tuple[tuple[str, str], ...]:
    """Critical limits and gates that failed, then red items."""
    relation = {kpi.kpi_id: kpi.relation for kpi in plan.kpis}
    out = []
    for kpi in kpis:
        if kpi.severity == Severity.CRITICAL and kpi.state == GateState.FAIL and kpi.value is not None:
            out.append((kpi.kpi_id, _limit_words(kpi, relation.get(kpi.kpi_id, "at_least"), main)))
    for gate in gates:
        if gate.severity is Severity.CRITICAL and gate.state is GateState.FAIL:
            count = f" ({plural(gate.failed, 'row')})" if gate.failed else ""
            out.append((gate.gate_id, f"the data check {gate.gate_id} fails{count}"))
    out += [(one.item, f"{one.item} is red: {one.finding}") for one in items if one.state is ItemState.RED]
    return tuple(out)


def _limit_words(kpi: KpiResult, relation: str, main: Comparison | None) -> str:
    """A failed limit in the user's units."""
    measure = kpi.value
    if measure is None or measure.value is None or kpi.limit is None:
        return f"{_lower(kpi.title)}: {kpi.limit_text}"
    if kpi.on == "difference":
        needed = limit_text(relation, kpi.limit, measure.unit, on_difference=True)
        return f"{_lower(kpi.title)}: it is {change(measure)}, {needed} is required"
    needed = f"{_WORDS[relation]} {_limit_number(kpi.limit, measure)}"
    if main is not None and main.metric == kpi.metric:
        return f"{needed} is required"
    return f"{_lower(kpi.title)}: {amount(measure.value, measure.unit)}, {needed} is required"


def _limit_number(limit: float, measure: Measure) -> str:
    """A limit in the unit, without needless decimals."""
    if measure.unit == "fraction":
        return f"{limit * 100:.4f}".rstrip("0").rstrip(".") + f"{THIN}%"
    return amount(limit, measure.unit)


def _lower(title: str) -> str:
    """A title in the middle of a sentence; abbreviations keep their capitals."""
    first = title.split(" ", 1)[0]
    return title if first.isupper() or any(letter.isupper() for letter in first[1:]) else title[:1].lower() + title[1:]


def _unknown(
    items: Sequence[ReadinessItem], gates: Sequence[GateResult], kpis: Sequence[KpiResult], plan: LaunchPlan
) -> tuple[tuple[str, str], ...]:
    """What cannot be said yet: gates without a result, uncertain limits, missing calibration, missing items."""
    out = []
    for gate in gates:
        if gate.severity is Severity.CRITICAL and gate.state in (GateState.SKIPPED, GateState.ERROR):
            out.append((gate.gate_id, f"the data check {gate.gate_id} gave no result"))
    primary = {kpi.kpi_id for kpi in plan.kpis if kpi.primary}
    uncalibrated = [
        kpi.title for kpi in kpis if kpi.kpi_id in primary and kpi.value and Flag.NOT_CALIBRATED in kpi.value.flags
    ]
    if uncalibrated:
        out.append(("calibration", "the simulation is not calibrated"))
    for kpi in kpis:
        if kpi.severity == Severity.CRITICAL and kpi.state in (GateState.WARN, NOT_ASSESSABLE):
            if kpi.title not in uncalibrated:
                out.append((kpi.kpi_id, f"{_lower(kpi.title)} cannot be judged yet ({kpi.reason})"))
            else:
                out.append((kpi.kpi_id, ""))
    missing = [one.item for one in items if one.state is ItemState.MISSING]
    if missing:
        text = f"{_lacking(missing)} no evidence yet"
        out += [(name, text if name == missing[0] else "") for name in missing]
    return tuple(out)


def _lacking(missing: list[str]) -> str:
    """Items without evidence; many are counted."""
    if len(missing) > 3:
        return f"{len(missing)} of {len(ITEMS)} launch items have"
    return f"{listed(missing)} {'has' if len(missing) == 1 else 'have'}"


def _sentence(word: VerdictWord, main: Comparison | None, against: Sequence[str], subject: Subject) -> str:
    """What improves, what stops it, what is required; short enough for two lines."""
    start = _improves(main, subject)
    texts = [text for text in against if text]
    if word is VerdictWord.GO:
        return f"{start}; every critical limit holds and all nine launch items are green."
    if word is VerdictWord.NO_GO:
        more = f"; {plural(len(texts) - 1, 'more reason')} below" if len(texts) > 1 else ""
        return f"{start}, but {texts[0]}{more}."
    shown = texts if len(texts) <= 2 else [texts[0], texts[-1]]
    return f"{start}, but {', and '.join(shown)}."


def _improves(main: Comparison | None, subject: Subject) -> str:
    """The main number of both arms, with no more certainty than its interval allows."""
    if main is None or main.baseline is None or main.candidate is None:
        return "Nothing could be compared"
    before, after = main.baseline.value or 0.0, main.candidate.value or 0.0
    old, new = amount(before, main.candidate.unit), amount(after, main.candidate.unit)
    if main.metric == "sla_compliance":
        what = f"It would meet {new} of {_targets(subject)} targets"
    else:
        what = f"It would send {new} of tickets to a wrong first owner"
    if main.difference is not None and main.difference.value == 0:
        return f"{what}, as before"
    if main.change is Change.NOT_SHOWN:
        return f"{what} (baseline {old}, no certain change)"
    return f"{what} instead of {old}"


def _targets(subject: Subject) -> str:
    """The kind of target that SLA compliance means."""
    return _TARGETS.get(subject.headline or "", "SLA")


def _comparison(one: Comparison, subject: Subject) -> str:
    """Better, worse or not shown, with the interval and the grade."""
    gap = one.difference
    label = f"{_targets(subject)} targets met" if one.metric == "sla_compliance" else "tickets with a wrong first owner"
    if gap is None or gap.value is None:
        return f"Not shown: {label}, for want of a difference."
    calibrated = ", not calibrated" if Flag.NOT_CALIBRATED in gap.flags else ""
    people = plural(gap.accounts, "account") if gap.accounts else "no account known, interval too narrow"
    evidence = f"{gap.grade.value}{calibrated}, {people}"
    if gap.value == 0 and gap.low == gap.high == 0:
        return f"Not shown: both policies give the same {label} ({evidence})."
    words = {Change.BETTER: "Better", Change.WORSE: "Worse", Change.NOT_SHOWN: "Not shown"}
    few = "; too few accounts to say more" if Flag.FEW_ACCOUNTS in gap.flags else ""
    return f"{words[one.change]}: {label} {change(gap, subject.currency)} ({interval(gap)}; {evidence}{few})."


def _next(
    items: Sequence[ReadinessItem], gates: Sequence[GateResult], kpis: Sequence[KpiResult], subject: Subject
) -> tuple[str, ...]:
    """The three commands that help most now."""
    policy, run = shlex.quote(subject.policy), shlex.quote(subject.run_id)
    undecided = (GateState.FAIL, GateState.ERROR, GateState.SKIPPED)
    commands = []
    if any(gate.severity is Severity.CRITICAL and gate.state in undecided for gate in gates):
        commands.append("triage-lab check")
    routing = next((one for one in items if one.item == "routing"), None)
    if routing is not None and routing.state is ItemState.RED:
        commands.append(f"triage-lab policy test {policy}")
    if any(kpi.state == NOT_ASSESSABLE and kpi.value is None for kpi in kpis):
        commands.append("triage-lab doctor")
    if subject.example_ticket is not None:
        commands.append(f"triage-lab explain {shlex.quote(subject.example_ticket)} --run {run}")
    commands += [f"triage-lab scorecard {run}", f"triage-lab policy test {policy}", f"triage-lab backtest {policy}"]
    return tuple(dict.fromkeys(commands))[:3]
