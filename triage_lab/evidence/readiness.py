"""The nine items of the launch checklist, as far as this version can judge them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from triage_lab.domain.enums import GateState, ItemState, Severity
from triage_lab.domain.gate import GateResult
from triage_lab.domain.result import KpiResult
from triage_lab.domain.verdict import ITEMS, ReadinessItem
from triage_lab.evidence.phrases import listed, plural

SIGNAL_TABLES = frozenset({"signals", "tickets"})
ENRICHMENT_TABLES = frozenset({"enrichment_log", "labels"})
ENRICHMENT_METRICS = ("enrichment_coverage", "enrichment_accuracy")
_UNDECIDED = (GateState.SKIPPED, GateState.ERROR)


@dataclass(frozen=True, slots=True)
class ReadinessFacts:
    """Plain facts about a run from which the checklist is judged.

    Parameters
    ----------
    policy : str
        Name of the candidate, for the commands.
    gates, kpis : tuples
        All gate and limit results of the run.
    findings : tuple of str
        Findings of the policy's lint (errors, not hints).
    tests_passed, tests_failed : int
        The policy's own tests.
    approved_by : str or None
        Who approved exactly this policy and operations.
    has_operations : bool
        Whether an operations.yaml says which teams exist.
    tickets, without_owner : int
        Replayed tickets, and those that had no owner of record.
    off_desk : tuple of str
        Owners that are no team of the desk.
    tiers_seen, tiers_with_window : tuples of str
        MRR tiers of the scored tickets, and those whose tickets an escalation window covers.
    authorities : int
        Declared authorities.
    templates_used, templates_approved : tuples of str
        Templates that the policy uses; of those, the approved ones.
    """

    policy: str
    gates: tuple[GateResult, ...]
    kpis: tuple[KpiResult, ...]
    findings: tuple[str, ...]
    tests_passed: int
    tests_failed: int
    approved_by: str | None
    has_operations: bool
    tickets: int
    without_owner: int
    off_desk: tuple[str, ...]
    tiers_seen: tuple[str, ...]
    tiers_with_window: tuple[str, ...]
    authorities: int
    templates_used: tuple[str, ...]
    templates_approved: tuple[str, ...]


def readiness_items(facts: ReadinessFacts) -> tuple[ReadinessItem, ...]:
    """Judge the nine items.

    Returns
    -------
    tuple of ReadinessItem
        In the checklist's order. Red = there is evidence against it; missing = there is no evidence yet; the action
        says what would make it green.
    """
    judge: dict[str, Callable[[ReadinessFacts], ReadinessItem]] = {
        "signals": _signals,
        "enrichment": _enrichment,
        "routing": _routing,
        "ownership": _ownership,
        "escalations": _escalations,
        "templates": _templates,
        "audit": _audit,
        "pilot": _pilot,
        "training": _training,
    }
    return tuple(judge[name](facts) for name in ITEMS)


def _names(gates: Iterable[GateResult]) -> str:
    """Gate ids in words."""
    return listed([gate.gate_id for gate in gates])


def _signals(facts: ReadinessFacts) -> ReadinessItem:
    """Every critical gate on signals and tickets passes."""
    gates = [gate for gate in facts.gates if gate.table in SIGNAL_TABLES and gate.severity is Severity.CRITICAL]
    failed = [gate for gate in gates if gate.state is GateState.FAIL]
    undecided = [gate for gate in gates if gate.state in _UNDECIDED]
    if failed:
        return ReadinessItem("signals", ItemState.RED, f"failed: {_names(failed)}", "triage-lab check lists the rows")
    if undecided:
        found = f"not decided: {_names(undecided)}"
        return ReadinessItem("signals", ItemState.MISSING, found, "triage-lab check says what the gates need")
    if not gates:
        found = "no critical gate looked at signals or tickets"
        return ReadinessItem("signals", ItemState.MISSING, found, "add gates for both tables, then triage-lab check")
    word = plural(len(gates), "critical gate")
    return ReadinessItem(
        "signals", ItemState.GREEN, f"{word} on signals and tickets {'passes' if len(gates) == 1 else 'pass'}"
    )


def _enrichment(facts: ReadinessFacts) -> ReadinessItem:
    """Facts are found and right often enough; only critical limits and gates decide."""
    gates = [gate for gate in facts.gates if gate.table in ENRICHMENT_TABLES and gate.severity is Severity.CRITICAL]
    failed = [gate.gate_id for gate in gates if gate.state is GateState.FAIL]
    kpis = [kpi for kpi in facts.kpis if kpi.metric in ENRICHMENT_METRICS]
    critical = [kpi for kpi in kpis if kpi.severity == Severity.CRITICAL]
    failed += [kpi.kpi_id for kpi in critical if kpi.state == GateState.FAIL]
    if failed:
        return ReadinessItem(
            "enrichment", ItemState.RED, f"failed: {listed(failed)}", "correct the source that is wrong most often"
        )
    if not critical:
        found = "launch.yaml has no critical limit on enrichment"
        return ReadinessItem("enrichment", ItemState.MISSING, found, "add one on enrichment_accuracy")
    open_kpis = [kpi for kpi in critical if kpi.state != GateState.PASS]
    if open_kpis:
        found = f"{open_kpis[0].title}: {open_kpis[0].reason}"
        return ReadinessItem(
            "enrichment", ItemState.MISSING, found, "label more looked-up facts (table labels) and run again"
        )
    undecided = [gate for gate in gates if gate.state in _UNDECIDED]
    if undecided:
        found = f"not decided: {_names(undecided)}"
        return ReadinessItem("enrichment", ItemState.MISSING, found, "triage-lab check says what the gates need")
    warned = [kpi.title for kpi in kpis if kpi.state in (GateState.FAIL, GateState.WARN)]
    note = f"; a warning on: {listed(warned)}" if warned else ""
    return ReadinessItem("enrichment", ItemState.GREEN, f"{plural(len(critical), 'critical limit')} met{note}")


def _routing(facts: ReadinessFacts) -> ReadinessItem:
    """Linted, tested, and approved by somebody."""
    if facts.findings:
        return ReadinessItem("routing", ItemState.RED, f"lint: {facts.findings[0]}", "correct the policy file")
    if facts.tests_failed:
        found = f"{plural(facts.tests_failed, 'policy test')} failed"
        return ReadinessItem("routing", ItemState.RED, found, f"triage-lab policy test {facts.policy}")
    if not facts.tests_passed:
        return ReadinessItem("routing", ItemState.MISSING, "the policy has no tests", "add tests: to the policy file")
    tested = f"{plural(facts.tests_passed, 'policy test')} passed"
    if facts.approved_by is None:
        found = f"{tested}, but nobody has approved this version"
        return ReadinessItem("routing", ItemState.MISSING, found, "have the policy reviewed by a second person")
    return ReadinessItem("routing", ItemState.GREEN, f"{tested}, approved by {facts.approved_by}")


def _ownership(facts: ReadinessFacts) -> ReadinessItem:
    """Every replayed ticket had exactly one owner who exists."""
    if facts.without_owner:
        found = f"{plural(facts.without_owner, 'ticket')} of {facts.tickets:,} had no owner"
        return ReadinessItem("ownership", ItemState.RED, found, "give every path of the policy a route")
    if facts.off_desk:
        found = f"owners that are no team: {listed(list(facts.off_desk))}"
        return ReadinessItem("ownership", ItemState.RED, found, "declare them in operations.yaml, or route elsewhere")
    if not facts.has_operations:
        found = "no operations.yaml says which teams exist"
        return ReadinessItem("ownership", ItemState.MISSING, found, "write operations.yaml with the teams")
    if not facts.tickets:
        return ReadinessItem("ownership", ItemState.MISSING, "no ticket was replayed", "choose a window with tickets")
    return ReadinessItem(
        "ownership", ItemState.GREEN, f"all {facts.tickets:,} replayed tickets had an owner on the desk"
    )


def _escalations(facts: ReadinessFacts) -> ReadinessItem:
    """A window for every MRR tier, and powers declared."""
    if not facts.has_operations:
        found = "no operations.yaml with escalation windows"
        return ReadinessItem(
            "escalations", ItemState.MISSING, found, "declare escalation: and authorities: in operations.yaml"
        )
    bare = [tier for tier in facts.tiers_seen if tier not in facts.tiers_with_window]
    if bare:
        found = f"no escalation window covers MRR tier {listed(bare)}"
        state = ItemState.RED if facts.tiers_with_window else ItemState.MISSING
        return ReadinessItem("escalations", state, found, "add a window for it to operations.yaml")
    if not facts.authorities:
        found = "nobody is declared who may approve credits or bypass auto-close"
        return ReadinessItem("escalations", ItemState.MISSING, found, "declare authorities: in operations.yaml")
    if not facts.tiers_seen:
        return ReadinessItem(
            "escalations", ItemState.MISSING, "no ticket has an MRR tier", "load subscriptions and accounts"
        )
    found = f"windows for every MRR tier ({listed(list(facts.tiers_seen))}), {facts.authorities} with authority"
    return ReadinessItem("escalations", ItemState.GREEN, found)


def _templates(facts: ReadinessFacts) -> ReadinessItem:
    """Every reply text in use is approved."""
    if not facts.templates_used:
        return ReadinessItem("templates", ItemState.GREEN, "the policy sends no template")
    bare = [name for name in facts.templates_used if name not in facts.templates_approved]
    if bare:
        found = f"not approved: {listed(bare)}"
        return ReadinessItem(
            "templates", ItemState.MISSING, found, "have every text approved: approved_by in operations.yaml"
        )
    return ReadinessItem("templates", ItemState.GREEN, f"{plural(len(facts.templates_used), 'template')} approved")


def _audit(_facts: ReadinessFacts) -> ReadinessItem:
    """No anchored trail yet."""
    action = "keep result.json and manifest.json of this run under version control until then"
    return ReadinessItem("audit", ItemState.MISSING, "no anchored audit trail and no tried export", action)


def _pilot(facts: ReadinessFacts) -> ReadinessItem:
    """No shadow pilot yet; the backtest's own limits are named."""
    short = [kpi for kpi in facts.kpis if kpi.severity == Severity.CRITICAL and kpi.state != GateState.PASS]
    note = f"; in the backtest {plural(len(short), 'critical limit')} not met or not assessable" if short else ""
    action = "decide fresh tickets beside today's routing for 30 to 60 days, on one category"
    return ReadinessItem("pilot", ItemState.MISSING, f"no shadow pilot on fresh tickets{note}", action)


def _training(_facts: ReadinessFacts) -> ReadinessItem:
    """No acknowledged runbook yet."""
    action = "write the runbook from the policy and have each team acknowledge it"
    return ReadinessItem("training", ItemState.MISSING, "no team has acknowledged a runbook for this version", action)
