"""The tests that stand in a policy file, run through the reference interpreter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from triage_lab.domain.canonical import canonical_json
from triage_lab.domain.errors import Place
from triage_lab.domain.policy import MANUAL_TRIAGE, Policy, PolicyCase
from triage_lab.domain.predicate import Column, walk
from triage_lab.policy.interpret import Trace, evaluate, interpret
from triage_lab.policy.kinds import bind
from triage_lab.policy.tickets import context_value

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A test and what came of it; ``message`` says what was expected and what came instead, and why."""

    name: str
    passed: bool
    message: str
    trace: Trace
    place: Place


def run_cases(policy: Policy, *, manual_triage_team: str = MANUAL_TRIAGE) -> tuple[CaseResult, ...]:
    """Run a policy's own tests, in file order.

    Parameters
    ----------
    policy : Policy
        Parsed; its tests have been checked against the columns.
    manual_triage_team : str
        What ``route`` is where a ticket goes to manual triage.

    Returns
    -------
    tuple of CaseResult
        A case fails if anything that it expects differs, or if it breaks an invariant of the policy.

    Notes
    -----
    Columns that a case does not give are NULL. Without ``arrived_on`` a ticket arrives on the last day on which
    anything in the policy changes, so that what is in force last is tested.
    """
    newest = max(policy.dates(), default=EPOCH)
    return tuple(_run(policy, case, case.arrived_on or newest, manual_triage_team) for case in policy.tests)


def broken_invariants(policy: Policy, case_ticket: dict[str, object], trace: Trace, day: date) -> tuple[str, ...]:
    """Return the ids of the invariants that a decision breaks."""
    done = set(json.loads(trace.actions))
    values = {name: param.on(day) for name, param in policy.params.items()}
    broken = []
    for invariant in policy.invariants:
        never = bind(invariant.never, values, policy.sets)
        row = {
            node.name: context_value(case_ticket.get(node.name), node.name, node.kind)
            for node in walk(never)
            if isinstance(node, Column)
        }
        if evaluate(never, row) is True and done & set(invariant.actions):
            broken.append(invariant.invariant_id)
    return tuple(broken)


def _run(policy: Policy, case: PolicyCase, day: date, team: str) -> CaseResult:
    """Run one case."""
    trace = interpret(policy, case.ticket, arrived_on=day, manual_triage_team=team)
    problems = _differences(case, trace)
    broken = broken_invariants(policy, dict(case.ticket), trace, day)
    problems += [f"breaks the invariant {name}" for name in broken]
    message = "; ".join(problems)
    if problems:
        message += f" ({_reasons(trace)})"
    return CaseResult(case.name, not problems, message, trace, case.place)


def _same(want: object, got: object) -> bool:
    """Whether an action is as expected; amounts travel as text, and a test may write them as numbers."""
    if isinstance(want, Mapping) and isinstance(got, Mapping):
        return want.keys() == got.keys() and all(_same(want[key], got[key]) for key in want)
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(map(_same, want, got))
    if isinstance(want, int | Decimal) and not isinstance(want, bool) and isinstance(got, str):
        return canonical_json(Decimal(want)).strip('"') == got
    return canonical_json(want) == canonical_json(got)


def _differences(case: PolicyCase, trace: Trace) -> list[str]:
    """What differs from what was expected."""
    expect = case.expect
    pairs = (
        ("rule", expect.rule, trace.rule_id),
        ("route", expect.route, trace.owner_team),
        ("outcome", expect.outcome, trace.outcome),
        ("priority", expect.priority, trace.priority),
    )
    found = [f"{what} is {got}, expected {want}" for what, want, got in pairs if want is not None and want != got]
    done = json.loads(trace.actions)
    for name, want in expect.actions.items():
        if not _same(want, done.get(name)):
            found.append(f"{name} is {canonical_json(done.get(name))}, expected {canonical_json(want)}")
    found += [f"{name} is {canonical_json(done[name])}, expected nothing" for name in expect.without if name in done]
    return found


def _reasons(trace: Trace) -> str:
    """Why the decision is what it is, in one line."""
    decided = next((item for item in trace.items if item.item_id == trace.rule_id), None)
    parts = [f"{trace.outcome}: {decided.why}" if decided else f"{trace.outcome}: no rule matches"]
    parts += trace.near_misses[:3]
    return "; ".join(parts)
