"""Titles and decks of the sections: each states the finding and says no more than the interval allows."""

from __future__ import annotations

from collections.abc import Sequence

from triage_lab.domain.enums import Arm, Change, GateState, ItemState, Severity
from triage_lab.domain.measure import Comparison
from triage_lab.domain.result import Curve, Result
from triage_lab.report.charts import multiples
from triage_lab.report.numbers import THIN, clean, comparison_scale, count, in_words, listed, plural, scale_for, show
from triage_lab.report.sections import enrichment, routing, segments
from triage_lab.report.wording import keys_label, metric_label, missing_reason, overall, segment_label, sentence_case


def _amount(item: Comparison) -> str:
    """The size of a difference, without sign."""
    difference = item.difference
    if difference is None or difference.value is None:
        return ""
    scale = comparison_scale(item, "")
    return scale.change(abs(difference.value)).lstrip("+")


def _lower(label: str) -> str:
    """A label inside a sentence, unless it starts with an abbreviation."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def service_title(result: Result) -> str:
    """Which segments certainly gain and lose; else what can be said of all tickets."""
    found = segments.segmentation(result)
    gains, losses = segments.certain(found)
    if gains and losses:
        best, worst = segment_label(gains[0].segment), _lower(segment_label(losses[0].segment))
        return f"{best} gains most, {_amount(gains[0])}; {worst} loses {_amount(losses[0])}"
    if gains:
        return f"{segment_label(gains[0].segment)} gains most, {_amount(gains[0])}; no segment certainly loses"
    if losses:
        return f"{segment_label(losses[0].segment)} loses most, {_amount(losses[0])}; no segment certainly gains"
    total = overall(result, segments.HEADLINE)
    if total is None or total.difference is None or total.difference.value is None:
        return _service_without(result, total)
    if total.difference.value == 0 and not total.difference.low and not total.difference.high:
        return "Service levels are the same under both policies"
    if total.change is Change.NOT_SHOWN:
        return "Today and the new policy cannot be told apart in service levels"
    verb = "gain" if total.change is Change.BETTER else "lose"
    return f"All tickets together {verb} {_amount(total)}; no single segment can be told apart"


def _service_without(result: Result, total: Comparison | None) -> str:
    """The title where no difference exists."""
    if total is not None and total.candidate is not None and total.candidate.value is not None:
        shown = show(total.candidate, comparison_scale(total, ""))
        return (
            f"{metric_label(result, segments.HEADLINE)}: {shown.text} under the new policy, no difference can be given"
        )
    if result.scope.mode != "desk":
        return "Service levels need a desk: this run routed tickets, it did not simulate queues"
    return "Nothing can be said about service levels from this run"


def service_deck(result: Result) -> str:
    """How many segments gain, lose, and cannot be told apart."""
    found = segments.segmentation(result)
    if not found:
        return (
            missing_reason(result, segments.HEADLINE, "SLA compliance", "SLA")
            if segments.segment_table(result) is None
            else ""
        )
    gains, losses = segments.certain(found)
    rest = len(found) - len(gains) - len(losses)
    by = keys_label(tuple(found[0].segment))
    return (
        f"{metric_label(result, segments.HEADLINE)} by {by}, sorted by difference. Of {plural(len(found), 'segment')}, "
        f"{in_words(len(gains))} certainly {'gains' if len(gains) == 1 else 'gain'}, {in_words(len(losses))} certainly "
        f"{'loses' if len(losses) == 1 else 'lose'}, {in_words(rest)} cannot be told apart."
    )


def _median_change(result: Result, metric: str) -> Comparison | None:
    """The comparison of a metric's median over all tickets."""
    medians = {item.name for item in result.glossary if item.statistic == "median" and item.name.startswith(metric)}
    return next((item for item in result.comparisons if item.metric in medians and not item.segment), None)


_VERBS = {
    "time_to_first_action": "get a first action",
    "time_to_first_human_action": "are touched by a person",
    "time_to_person": "reach a person",
    "time_to_resolution": "are resolved",
}


def wait_title(result: Result, metric: str) -> str:
    """Within which time half the tickets are served, today and under the new policy."""
    curves: dict[str, Curve] = {curve.arm: curve for curve in result.curves if curve.metric == metric}
    verb = _VERBS.get(metric, "get there")
    new, today = curves.get(Arm.CANDIDATE), curves.get(Arm.BASELINE) or curves.get(Arm.OBSERVED)
    if new is None or today is None:
        alone = new or today
        if alone is None or alone.median is None:
            return f"Fewer than half the tickets {verb} before the cutoff"
        return f"Half the tickets {verb} within {scale_for('minutes', [alone.median]).text(alone.median)}"
    if new.median is None or today.median is None:
        reached = new.median if new.median is not None else today.median
        if reached is None:
            return f"In neither arm do half the tickets {verb} before the cutoff"
        which = "under the new policy" if new.median is not None else "today"
        return f"Only {which} do half the tickets {verb}, within {scale_for('minutes', [reached]).text(reached)}"
    scale = scale_for("minutes", [new.median, today.median])
    change = _median_change(result, metric)
    after, before = scale.text(new.median), scale.number(today.median)
    if scale.number(new.median) == before:
        return f"Half the tickets {verb} within {after}, today as well"
    if change is not None and change.change is not Change.NOT_SHOWN:
        return f"Half the tickets {verb} within {after}; today it takes {before}"
    tail = "the two cannot be told apart" if change is not None else "no interval for the change"
    return f"Half the tickets {verb} within {after}, today {before}: {tail}"


def routing_title(result: Result) -> str:
    """How many tickets change owner, and what that puts right and wrong."""
    sums = routing.balance(result)
    if not sums.tickets:
        return "No route can be shown"
    if not sums.changed:
        return "No ticket changes owner"
    share = f"{100 * sums.changed / sums.tickets:.1f}{THIN}% of tickets change owner"
    if sums.right + sums.wrong == 0:
        if sums.unknown >= sums.changed:
            return f"{share}; whether that is right cannot be told, no truth is known for them"
        return f"{share}; none is put right, none put wrong"
    return f"{share}: {count(sums.right)} are put right, {count(sums.wrong)} put wrong"


def routing_deck(result: Result) -> str:
    """The counts behind the title."""
    sums = routing.balance(result)
    if not sums.tickets:
        return missing_reason(result, "routes", "routing")
    same = sums.changed - sums.right - sums.wrong - sums.unknown
    text = (
        "First owner today against first owner under the new policy. Each cell: tickets, and below the net number "
        f"put right. {count(sums.changed)} of {count(sums.tickets)} change owner: {count(sums.right)} put right, "
        f"{count(sums.wrong)} put wrong"
    )
    if same > 0:
        text += f", {count(same)} right or wrong both times"
    if sums.unknown:
        text += f", {count(sums.unknown)} without a known truth"
    return text + "."


def rules_title(result: Result) -> str:
    """How many items are used, and which do most of the work."""
    if not result.rules:
        return "No rule use was recorded"
    idle = sum(1 for rule in result.rules if rule.fired == 0 and rule.won == 0)
    top = max(result.rules, key=lambda rule: (rule.won, rule.item_id))
    share = f"{100 * top.won / result.scope.scored:.0f}{THIN}%" if result.scope.scored else "none"
    lead = f"{clean(top.item_id)} decides {share} of tickets"
    if not idle:
        return f"{lead}; every item fires"
    return f"{lead}; {in_words(idle)} of {count(len(result.rules))} items never {'fires' if idle == 1 else 'fire'}"


def load_title(result: Result) -> str:
    """Which teams run short, and for how many hours of the average day."""
    pairs = routing.team_pairs(result)
    if not pairs:
        return "Queue load cannot be shown"
    loads = [new or today for today, new in pairs]
    short = [
        (clean(load.team, 40), multiples.short_hours(load)) for load in loads if load and multiples.short_hours(load)
    ]
    if not short:
        return "No team runs short in any open hour of the average working day"
    named = [f"{team} for {plural(hours, 'hour')}" for team, hours in short[:2]]
    rest = len(short) - len(named)
    teams = listed([*named, *([f"{in_words(rest)} more"] if rest else [])], most=3)
    room = len(loads) - len(short)
    tail = f"; {'the other one has' if room == 1 else f'the other {in_words(room)} have'} room" if room else ""
    return f"Short of people on an average working day: {teams}{tail}"


def enrichment_title(result: Result) -> str:
    """How many facts are proved right often enough, and which are not."""
    chains = [item for item in result.enrichment if item.source == enrichment.CHAIN] or list(result.enrichment)
    if not chains:
        return "Nothing can be said about looked-up facts from this run"
    limit = enrichment.limit_of(result)
    states = [(item, enrichment.judge(item.accuracy, limit)) for item in chains]
    percent = f"{100 * limit:.4g}{THIN}%"
    failed = [clean(item.field, 40) for item, state in states if state is GateState.FAIL]
    proved = sum(1 for _, state in states if state is GateState.PASS)
    if all(state is GateState.SKIPPED for _, state in states):
        return "How often looked-up facts are right cannot be told: nothing is labelled"
    verb = "is" if proved == 1 else "are"
    lead = f"{sentence_case(in_words(proved))} of {in_words(len(chains))} facts {verb} proved right above {percent}"
    if failed:
        return f"{lead}; {listed(failed)} {'falls' if len(failed) == 1 else 'fall'} below"
    return lead if proved == len(chains) else f"{lead}; the others are uncertain or unlabelled"


def data_title(result: Result) -> str:
    """How many gates hold, and the first critical one that does not."""
    total = len(result.gates)
    if not total:
        return "No data-quality gate was run"
    passed = sum(1 for gate in result.gates if gate.state in {GateState.PASS, GateState.WARN})
    failed = [gate for gate in result.gates if gate.state is GateState.FAIL and gate.severity is Severity.CRITICAL]
    if failed:
        more = f" and {in_words(len(failed) - 1)} more critical" if len(failed) > 1 else ""
        verb = "fail" if more else "fails"
        return f"{count(passed)} of {count(total)} data gates hold; “{clean(failed[0].title)}”{more} {verb}"
    warned = sum(1 for gate in result.gates if gate.state is GateState.FAIL)
    unknown = total - passed - warned
    tail = []
    if warned:
        tail.append(f"{in_words(warned)} {'fails and warns' if warned == 1 else 'fail and warn'}")
    if unknown:
        tail.append(f"{in_words(unknown)} could not be judged")
    return f"{count(passed)} of {count(total)} data gates hold" + (f"; {', '.join(tail)}" if tail else "; none fails")


def readiness_title(result: Result) -> str:
    """How many of the nine items are green, and what the others lack."""
    items = result.verdict.items
    green = sum(1 for item in items if item.state is ItemState.GREEN)
    red: Sequence[str] = [clean(item.item) for item in items if item.state is ItemState.RED]
    missing = sum(1 for item in items if item.state is ItemState.MISSING)
    title = (
        f"{sentence_case(in_words(green))} of {in_words(len(items))} launch items {'is' if green == 1 else 'are'} green"
    )
    if red:
        title += f"; red: {', '.join(red)}"
    if missing:
        title += f"; {in_words(missing)} {'has' if missing == 1 else 'have'} no evidence yet"
    return title


def method_title(result: Result) -> str:
    """What anyone can do with this page."""
    if result.provenance.reproduce:
        return "Anyone with the data can reproduce this page byte for byte"
    return "Where these numbers come from"
