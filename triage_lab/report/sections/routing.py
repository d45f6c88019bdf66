"""Section 2, routing: who gets which ticket, what moved it, which rules are used, and whether people suffice."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.enums import Arm, Grade, weakest
from triage_lab.domain.measure import Comparison
from triage_lab.domain.result import QueueLoad, Result, RouteChange
from triage_lab.report.charts import bars, matrix, multiples
from triage_lab.report.numbers import (
    DASH,
    THIN,
    clean,
    comparison_scale,
    count,
    in_words,
    plural,
    scale_for,
    show,
    signed_count,
)
from triage_lab.report.wording import change_words, metric_label, missing_reason, overall, sentence_case

CHANGES = 12  # changed routes shown at once
MORE_CHANGES = 60  # changed routes behind a fold
RULES = 60
PANELS = 12
MISROUTE = ("misroute_labelled", "misroute_resolver")


@dataclass(frozen=True, slots=True)
class Balance:
    """All routes added up."""

    tickets: int
    changed: int
    right: int
    wrong: int
    unknown: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One changed route and the item that moved it."""

    before: str
    after: str
    item: str
    tickets: str
    right: str
    wrong: str
    net: str
    tone: str
    bar: bars.NetBar | None
    examples: str


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One item of the candidate and how it was used."""

    item: str
    kind: str
    when: str
    owner: str
    fired: str
    won: str
    unknown: str
    share: str
    width: str
    idle: bool


@dataclass(frozen=True, slots=True)
class TeamPanel:
    """One team's hours."""

    team: str
    peak: str
    short: str
    tone: str
    today_short: str
    panel: multiples.Panel


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One team's waits and the wait that theory gives at the same load."""

    team: str
    agents: str
    used: str
    wait: str
    theory: str


@dataclass(frozen=True, slots=True)
class MisrouteLine:
    """The misroute rate as one sentence, with everything that must stand beside it."""

    label: str
    text: str
    amount: str
    word: str
    tone: str
    interval: str
    grade: str
    pips: int
    n: str


@dataclass(frozen=True, slots=True)
class RoutingView:
    """Everything of section 2; empty parts carry their reason."""

    balance: Balance
    matrix: matrix.Matrix | None
    matrix_reason: str
    misroutes: tuple[MisrouteLine, ...]
    grade: Grade
    changes: tuple[ChangeRow, ...]
    more_changes: tuple[ChangeRow, ...]
    changes_left: int
    changes_share: str
    changes_lead: str
    rules: tuple[RuleRow, ...]
    rules_left: int
    panels: tuple[TeamPanel, ...]
    panels_left: int
    teams: tuple[TeamRow, ...]
    queues_reason: str
    zone: str


def balance(result: Result) -> Balance:
    """Add up the routes: tickets, those that change owner, and what that puts right and wrong."""
    moved = [cell for cell in result.routes if cell.baseline_owner != cell.candidate_owner]
    return Balance(
        sum(cell.tickets for cell in result.routes),
        sum(cell.tickets for cell in moved),
        sum(cell.put_right for cell in moved),
        sum(cell.put_wrong for cell in moved),
        sum(cell.truth_unknown for cell in moved),
    )


def view(result: Result) -> RoutingView:
    """Build section 2 of a result."""
    sums = balance(result)
    ordered = sorted(
        (change for change in result.changes if change.baseline_owner != change.candidate_owner),
        key=lambda change: (-change.tickets, change.item_id, change.baseline_owner, change.candidate_owner),
    )
    top = ordered[:CHANGES]
    nets = [change.put_right - change.put_wrong for change in top]
    shown = sum(change.tickets for change in top)
    pairs = team_pairs(result)
    return RoutingView(
        sums,
        matrix.geometry(result.routes) if result.routes else None,
        "" if result.routes else missing_reason(result, "routes", "routing"),
        misroutes(result),
        routing_grade(result),
        tuple(_change(change, bars.net(net, nets)) for change, net in zip(top, nets, strict=True)),
        tuple(_change(change, None) for change in ordered[CHANGES : CHANGES + MORE_CHANGES]),
        max(0, len(ordered) - CHANGES - MORE_CHANGES),
        f"{100 * shown / sums.changed:.0f}{THIN}%" if sums.changed else "",
        _lead(len(top), len(ordered)),
        _rules(result),
        max(0, len(result.rules) - RULES),
        tuple(_panel(today, new) for today, new in pairs[:PANELS]),
        max(0, len(pairs) - PANELS),
        tuple(_team(today, new) for today, new in pairs),
        "" if pairs else missing_reason(result, "queues", "queue load"),
        clean(result.timezone),
    )


def routing_grade(result: Result) -> Grade:
    """Grade of route counts: that of the misroute rate, at best replayed."""
    grades = [
        measure.grade
        for name in MISROUTE
        for item in [overall(result, name)]
        if item is not None
        for measure in (item.baseline, item.candidate)
        if measure is not None
    ]
    return weakest(Grade.REPLAYED, *grades)


def misroutes(result: Result) -> tuple[MisrouteLine, ...]:
    """The misroute rates over all tickets, by kind of truth."""
    found = [overall(result, name) for name in MISROUTE]
    return tuple(_misroute(result, item) for item in found if item is not None and item.candidate is not None)


def _misroute(result: Result, item: Comparison) -> MisrouteLine:
    """One misroute rate."""
    scale = comparison_scale(item, result.currency)
    words = change_words(item, scale)
    measures = [measure for measure in (item.baseline, item.candidate) if measure is not None]
    numbers = [show(measure, scale).number for measure in measures]
    graded = measures[-1]
    return MisrouteLine(
        metric_label(result, item.metric), f"{' → '.join(numbers)}{scale.suffix if numbers[-1] != DASH else ''}",
        words.amount, words.word, words.tone, words.interval, graded.grade.value, graded.grade.pips,
        f"n {count(graded.n)}, {plural(graded.accounts, 'account')}",
    )  # fmt: skip


def _lead(shown: int, total: int) -> str:
    """Subject of the title of the table of changed routes."""
    if shown == total:
        return "This one route makes" if total == 1 else f"These {in_words(total)} routes make"
    return f"{sentence_case(in_words(shown))} of {count(total)} routes make"


def _change(change: RouteChange, bar: bars.NetBar | None) -> ChangeRow:
    """One changed route."""
    net = change.put_right - change.put_wrong
    judged = change.put_right + change.put_wrong > 0
    return ChangeRow(
        clean(change.baseline_owner), clean(change.candidate_owner), clean(change.item_id), count(change.tickets),
        count(change.put_right), count(change.put_wrong), signed_count(net) if judged else DASH,
        "b" if net > 0 else "w" if net < 0 else "quiet", bar if judged else None,
        ", ".join(clean(example, 40) for example in change.examples[:3]),
    )  # fmt: skip


def _rules(result: Result) -> tuple[RuleRow, ...]:
    """Items in file order with their shares of all tickets."""
    total = result.scope.scored
    top = bars.round_top([rule.won / total for rule in result.rules] if total else [])
    rows = []
    for rule in result.rules[:RULES]:
        share = rule.won / total if total else 0.0
        rows.append(
            RuleRow(
                clean(rule.item_id),
                clean(rule.kind),
                clean(rule.when, 300),
                clean(rule.owner) or DASH,
                count(rule.fired),
                count(rule.won),
                count(rule.unknown),
                f"{100 * share:.1f}{THIN}%" if total else DASH,
                bars.share_width(share, top),
                rule.fired == 0 and rule.won == 0,
            )
        )
    return tuple(rows)


def team_pairs(result: Result) -> tuple[tuple[QueueLoad | None, QueueLoad | None], ...]:
    """Each team's load today and under the new policy, teams that run shortest first."""
    today = {load.team: load for load in result.queues if load.arm in {Arm.BASELINE, Arm.OBSERVED}}
    new = {load.team: load for load in result.queues if load.arm in {Arm.CANDIDATE, Arm.LIVE}}

    def rank(team: str) -> tuple[int, float, str]:
        """Most short hours, then busiest."""
        load = new.get(team) or today[team]
        return (-multiples.short_hours(load), -max(load.demand, default=0.0), team)

    return tuple((today.get(team), new.get(team)) for team in sorted({*today, *new}, key=rank))


def _panel(today: QueueLoad | None, new: QueueLoad | None) -> TeamPanel:
    """One small multiple with its sentence."""
    main = new or today
    if main is None:
        raise ValueError("a panel needs the load of at least one arm")
    hours = multiples.short_hours(main)
    before = multiples.short_hours(today) if today is not None and new is not None else None
    peaks = " → ".join(f"{max(load.demand):.1f}" for load in (today, new) if load is not None)
    short = f"short for {plural(hours, 'hour')} a day" if hours else "never short"
    earlier = "" if before is None else ", today never" if before == 0 and hours else ""
    if before:
        earlier = f", today {plural(before, 'hour')} a day"
    elif before == 0 and not hours:
        earlier = ", before or after"
    tone = "w" if hours and before is not None and hours > before else "b" if before and hours < before else ""
    return TeamPanel(clean(main.team, 40), f"peak {peaks}", short, tone, earlier, multiples.geometry(today, new))


def _team(today: QueueLoad | None, new: QueueLoad | None) -> TeamRow:
    """One line of the table of waits."""
    loads = [load for load in (today, new) if load is not None]
    agents = sorted({load.agents for load in loads})
    used = [DASH if load.utilisation is None else f"{100 * load.utilisation:.0f}" for load in loads]
    return TeamRow(
        clean(loads[-1].team),
        " → ".join(count(value) for value in agents),
        " → ".join(used) + (f"{THIN}%" if used[-1] != DASH else ""),
        _waits([load.wait_minutes for load in loads]),
        _waits([load.theory_wait_minutes for load in loads]),
    )


def _waits(values: list[float | None]) -> str:
    """Waits of both arms on one scale; dashes where there is none."""
    if all(value is None for value in values):
        return DASH
    scale = scale_for("minutes", values)
    numbers = [DASH if value is None else scale.number(value) for value in values]
    return " → ".join(numbers) + scale.suffix
