"""The trail of one ticket, the tests in a policy file, and the page about a policy."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from triage_lab.domain.errors import ContextError
from triage_lab.domain.policy import Policy
from triage_lab.lab.documents import parse_document
from triage_lab.policy import (
    columns_read,
    compile_policy,
    describe,
    explain_atoms,
    guard_columns,
    interpret,
    parse_policy,
    read_columns,
    run_cases,
    templates_of,
)

TEXT = """\
policy: p
version: "1"
params: {window: {value: 60, unit: days}, big: {values: [{from: 2026-01-01, value: 10}, {from: 2026-07-01, value: 20}]}}
overrides:
  - {id: legal, when: legal_flag = TRUE, overrides: ["*"], then: {route: legal-ops}}
  - {id: later, when: auto_renew, overrides: [other], then: {route: x}}
rules:
  - {id: renewal, when: category = 'billing' AND days_to_renewal BETWEEN 0 AND :window AND NOT mrr < 500, then: {route: renewal-sme}}
  - id: other
    when: category IN ('a', 'b') AND (mrr > :big OR contract_tier IS NOT NULL)
    requires: [mrr]
    then: {route: other, reply: {template: hello}}
  - {id: past, when: mrr > 0, valid_to: 2026-01-01, then: {route: past}}
also:
  - {id: deal, when: open_opportunity_amount > 0, then: {notify: {who: account-executive, template: alert}}}
default: {then: {route: support}}
"""


def policy_of(text: str = TEXT) -> Policy:
    return parse_policy(parse_document(text, "p.yaml"), read_columns())


def trace_of(day: date = date(2026, 8, 1), **ticket: object):
    return interpret(policy_of(), ticket, arrived_on=day)


def test_a_near_miss_names_the_value_and_what_it_needs() -> None:
    trace = trace_of(category="billing", days_to_renewal=61, mrr=Decimal("900"), legal_flag=False)
    assert "renewal: days_to_renewal 61, needs ≤ 60" in trace.near_misses
    assert "other: category 'billing', needs one of 'a', 'b'" in trace.near_misses
    assert not any(text.startswith(("past", "legal")) for text in trace.near_misses)
    below = trace_of(category="billing", days_to_renewal=-1, mrr=900, legal_flag=False)
    assert "renewal: days_to_renewal -1, needs ≥ 0" in below.near_misses
    small = trace_of(category="billing", days_to_renewal=5, mrr=499.5, legal_flag=False)
    assert small.near_misses[0] == "renewal: mrr 499.5, needs ≥ 500"
    lacking = trace_of(category="billing", days_to_renewal=5, legal_flag=False)
    assert lacking.near_misses == ("renewal: mrr unknown, needs ≥ 500",)
    assert trace_of(category="x", days_to_renewal=61, mrr=1, legal_flag=False).near_misses == ()


def test_either_of_two_ways_is_offered() -> None:
    trace = trace_of(category="a", mrr=15, legal_flag=False, auto_renew=False)
    assert trace.near_misses == ("other: mrr 15, needs > 20", "other: contract_tier unknown, needs a value")
    earlier = trace_of(date(2026, 6, 30), category="a", mrr=15, legal_flag=False, auto_renew=False)
    assert earlier.rule_id == "other"


def test_every_item_says_why() -> None:
    trace = trace_of(category="billing", days_to_renewal=61, mrr=900, open_opportunity_amount=5)
    by_id = {item.item_id: item for item in trace.items}
    assert (by_id["legal"].truth, by_id["legal"].why) == ("unknown", "legal_flag unknown, needs true")
    assert (by_id["renewal"].truth, by_id["renewal"].why) == ("false", "days_to_renewal 61, needs ≤ 60")
    assert by_id["renewal"].when == "category = 'billing' AND days_to_renewal BETWEEN 0 AND :window AND NOT mrr < 500"
    assert [atom.truth for atom in by_id["renewal"].atoms] == ["true", "false", "true"]
    assert by_id["renewal"].atoms[1].text == "days_to_renewal BETWEEN 0 AND 60"
    assert by_id["renewal"].atoms[1].values == (("days_to_renewal", 61.0),)
    assert (by_id["past"].truth, by_id["past"].why) == ("false", "not in force on 2026-08-01")
    assert not by_id["past"].in_force
    assert by_id["deal"].why == "open_opportunity_amount > 0 (open_opportunity_amount 5)"
    assert [item.kind for item in trace.items] == ["override", "override", "rule", "rule", "rule", "also"]
    assert trace.fired == ("deal",)
    assert trace.unknown == ("legal", "later")
    assert trace.outcome == "manual_unknown"


def test_only_items_that_took_part_are_marked_as_asked() -> None:
    trace = trace_of(category="a", mrr=50, legal_flag=False, auto_renew=False)
    asked = {item.item_id for item in trace.items if item.asked}
    assert asked == {"legal", "later", "renewal", "other", "deal"}
    assert trace.overrides_considered == ("legal", "later")
    first = trace_of(category="billing", days_to_renewal=1, mrr=900, legal_flag=True)
    assert first.overrides_considered == ("legal",)
    assert (first.rule_id, first.overridden_rule_id) == ("legal", "renewal")


def test_values_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(ContextError, match="mrr is 'much'"):
        trace_of(mrr="much")
    with pytest.raises(ContextError, match="legal_flag is '1'"):
        trace_of(legal_flag=1)
    with pytest.raises(ContextError, match="category is '5'"):
        trace_of(category=5)


def test_atoms_columns_guards_and_rows() -> None:
    policy = policy_of()
    table = [(row.item_id, row.atom, row.text) for row in explain_atoms(policy)]
    assert table[2:5] == [
        ("renewal", 0, "category = 'billing'"),
        ("renewal", 1, "days_to_renewal BETWEEN 0 AND :window"),
        ("renewal", 2, "mrr >= 500"),
    ]
    assert columns_read(policy)["other"] == ("category", "mrr", "contract_tier")
    assert columns_read(policy)["default"] == ()
    assert guard_columns(policy) == ("legal_flag", "auto_renew", "mrr")
    rows = describe(policy)
    assert [row.item_id for row in rows] == ["renewal", "other", "past", "default", "legal", "later", "deal"]
    assert [row.order for row in rows] == list(range(1, 8))
    assert rows[1].then == "route other · reply hello"
    assert rows[2].when == "mrr > 0 [… to 2026-01-01]"
    assert templates_of(policy.also[0].then) == ("alert",)


def case_policy(case: str) -> Policy:
    invariant = "invariants: [{id: calm, never: legal_flag = TRUE OR mrr > :big, with: [reply]}]\n"
    return policy_of(TEXT + invariant + f"tests:\n  - {case}\n")


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("{name: t, ticket: {category: a, mrr: 15, legal_flag: false, contract_tier: pro, auto_renew: false}, expect: {rule: other, route: other, outcome: rule, priority: normal, actions: {reply: {template: hello}}, without: [auto_close]}}", ""),
        ("{name: t, ticket: {category: x, legal_flag: false}, expect: {rule: other}}", "rule is default, expected other"),
        ("{name: t, ticket: {category: x, legal_flag: false}, expect: {route: other}}", "route is support, expected other"),
        ("{name: t, ticket: {}, expect: {outcome: default}}", "outcome is manual_unknown, expected default"),
        ("{name: t, ticket: {category: x, legal_flag: false}, expect: {priority: high}}", "priority is normal, expected high"),
        ("{name: t, ticket: {category: x, legal_flag: false}, expect: {actions: {auto_close: true}}}", "auto_close is null, expected true"),
        ("{name: t, ticket: {legal_flag: false, open_opportunity_amount: 1}, expect: {without: [notify]}}", "expected nothing"),
        ("{name: t, ticket: {category: a, mrr: 25, legal_flag: false, auto_renew: false}, expect: {rule: other}}", "breaks the invariant calm"),
        ("{name: t, ticket: {category: billing, days_to_renewal: 61, mrr: 900, legal_flag: false}, expect: {rule: renewal}}", "days_to_renewal 61, needs ≤ 60"),
    ],
)  # fmt: skip
def test_cases_say_what_came_instead_and_why(case: str, says: str) -> None:
    (result,) = run_cases(case_policy(case))
    assert result.passed is (says == "")
    assert says in result.message
    assert (result.name, result.place.file) == ("t", "p.yaml")


def test_a_case_arrives_on_the_last_change_unless_it_says_when() -> None:
    body = "ticket: {category: a, mrr: 15, legal_flag: false, auto_renew: false}, expect: {rule: other}"
    assert not run_cases(case_policy(f"{{name: t, {body}}}"))[0].passed
    early = run_cases(case_policy(f"{{name: t, arrived_on: 2026-02-01, {body}}}"))[0]
    assert early.trace.rule_id == "other"
    assert "breaks the invariant" in early.message


READY = Path(__file__).resolve().parents[2] / "data" / "policies"
DESK = (
    "support",
    "billing",
    "renewal-sme",
    "legal-ops",
    "high-touch",
    "technical",
    "onboarding",
    "collections",
    "triage",
)
TEMPLATES = ("payment-reminder-1", "payment-reminder-2", "deal-alert", "legal-handoff", "sales-handoff")


def ready(name: str) -> Policy:
    document = parse_document((READY / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")
    return parse_policy(document, read_columns(), teams=DESK, templates=TEMPLATES)


@pytest.mark.parametrize("name", ["current", "billing-protection", "contract-handoff", "sales-handoff"])
def test_ready_policies_pass_their_tests_without_a_warning(name: str) -> None:
    policy = ready(name)
    results = run_cases(policy, manual_triage_team="triage")
    assert len(results) >= 10
    assert [result.message for result in results if not result.passed] == []
    assert policy.warnings == ()
    assert {result.trace.rule_id for result in results} >= {rule.item_id for rule in policy.rules}


def _planned(category: str | None, subcategory: str | None) -> str:
    if subcategory in ("dunning", "payment_failed"):
        return "collections"
    if category == "contract":
        return "legal-ops" if subcategory in ("termination", "dpa") else "support"
    routes = {"billing": "billing", "technical": "technical", "access": "technical", "onboarding": "onboarding"}
    return routes.get(category or "", "support")


CATEGORIES = ("billing", "contract", "renewal", "technical", "access", "onboarding", "other", None)
SUBCATEGORIES = ("dunning", "payment_failed", "dispute", "termination", "dpa", "clause_question", "quote", None)


def test_current_is_the_planned_routing() -> None:
    policy = ready("current")
    for category in CATEGORIES:
        for subcategory in SUBCATEGORIES:
            ticket = {"category": category, "subcategory": subcategory}
            owner = interpret(policy, ticket, arrived_on=date(2026, 1, 1)).owner_team
            assert owner == _planned(category, subcategory), ticket


def _right_team(t: dict[str, object]) -> str:
    category, subcategory, mrr, days = (
        t["category"],
        t["subcategory"],
        float(str(t["mrr"])),
        int(str(t["days_to_renewal"])),
    )
    revenue = category in ("billing", "contract", "renewal")
    if t["legal_flag"] and revenue:
        return "legal-ops"
    if revenue and 0 <= days <= 60 and mrr >= 500:
        return "renewal-sme"
    if revenue and mrr >= 5000 and t["contract_tier"] in ("business", "enterprise"):
        return "high-touch"
    if subcategory in ("dunning", "payment_failed"):
        return "collections"
    if category == "contract":
        return "legal-ops" if subcategory in ("termination", "dpa", "clause_question") else "support"
    routes = {"billing": "billing", "renewal": "renewal-sme", "technical": "technical", "access": "technical"}
    return "onboarding" if category == "onboarding" else routes.get(str(category), "support")


def test_billing_protection_finds_the_right_team_where_everything_is_known() -> None:
    facts = itertools.product(
        [category for category in CATEGORIES if category],
        SUBCATEGORIES,
        (0.0, 499.99, 500.0, 4999.99, 5000.0),
        (-1, 0, 60, 61),
        (("pro", False), ("business", False), ("enterprise", True)),
    )
    tickets = [
        {
            "category": category, "subcategory": subcategory, "mrr": mrr, "days_to_renewal": days, "contract_tier": tier,
            "legal_flag": flag, "open_dispute": False, "open_opportunity_amount": 0.0, "churn_risk": 0.0,
        }
        for category, subcategory, mrr, days, (tier, flag) in facts
    ]  # fmt: skip
    owners = compile_policy(ready("billing-protection")).decide(pl.DataFrame(tickets))["owner_team"].to_list()
    assert len(owners) == 7 * 8 * 5 * 4 * 3
    assert [ticket for ticket, owner in zip(tickets, owners, strict=True) if owner != _right_team(ticket)] == []


def test_billing_protection_never_automates_what_it_does_not_know() -> None:
    policy = ready("billing-protection")
    for category in CATEGORIES:
        for subcategory in SUBCATEGORIES:
            for mrr in (None, 100.0):
                for flag in (None, False, True):
                    ticket = {"category": category, "subcategory": subcategory, "mrr": mrr, "legal_flag": flag}
                    trace = interpret(policy, ticket, arrived_on=date(2026, 1, 1))
                    if mrr is None or flag is not False:
                        assert not {"auto_close", "reply", "remind"} & set(json.loads(trace.actions))


SCRIPT = """
import sys
from pathlib import Path
from triage_lab.policy import compile_policy, interpret, policy_digest, read_columns
assert not {"sqlglot", "ruamel"} & set(sys.modules), "heavy libraries are imported where they are used"
from datetime import date
from triage_lab.lab.documents import parse_document
from triage_lab.policy import parse_policy
text = Path(sys.argv[1]).read_text(encoding="utf-8")
policy = parse_policy(parse_document(text, "p.yaml"), read_columns())
ticket = {"category": "billing", "mrr": 9000, "contract_tier": "pro", "days_to_renewal": 1, "open_opportunity_amount": 4}
print(policy_digest(policy), interpret(policy, ticket, arrived_on=date(2026, 1, 1)))
"""


def test_digest_and_trail_are_the_same_bytes_for_every_hash_seed() -> None:
    found = set()
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(READY / "billing-protection.yaml")],
            capture_output=True,
            text=True,
            check=True,
            cwd=READY.parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_a_test_may_write_an_amount_as_a_number() -> None:
    text = """
policy: p
version: "1"
rules:
  - {id: a, when: category = 'x', then: {route: t, credit: {max: 500, currency: EUR}, discount: {max_pct: 2.50}}}
default: {then: {route: t}}
tests:
  - {name: a, ticket: {category: x}, expect: {actions: {credit: {max: 500, currency: EUR}, discount: {max_pct: 2.5}}}}
  - {name: b, ticket: {category: x}, expect: {actions: {credit: {max: 501, currency: EUR}}}}
"""
    plain, other = run_cases(parse_policy(parse_document(text, "p.yaml"), read_columns()))
    assert plain.passed, plain.message
    assert not other.passed
    assert '"max":501' in other.message


@pytest.mark.parametrize("name", ["contract-handoff", "sales-handoff"])
@pytest.mark.parametrize("flag", [True, None])
def test_hand_off_policies_never_automate_what_legal_may_have_to_read(name: str, flag: bool | None) -> None:
    policy = ready(name)
    for category in ("billing", "contract", "renewal"):
        for subcategory in SUBCATEGORIES:
            ticket = {"category": category, "subcategory": subcategory, "mrr": 90, "legal_flag": flag}
            trace = interpret(policy, ticket, arrived_on=date(2026, 1, 1), manual_triage_team="triage")
            assert trace.owner_team == ("legal-ops" if flag else "triage")
            assert not {"reply", "remind", "auto_close"} & json.loads(trace.actions).keys()
            assert json.loads(trace.actions)["pause_auto_close"] is True


def test_an_open_deal_is_always_urgent_enough_and_has_one_owner() -> None:
    policy = ready("sales-handoff")
    for category in CATEGORIES:
        ticket = {
            "category": category,
            "legal_flag": False,
            "open_opportunity_amount": 1,
            "days_to_renewal": 5,
            "mrr": 900,
        }
        trace = interpret(policy, ticket, arrived_on=date(2026, 1, 1), manual_triage_team="triage")
        if category is not None:
            assert trace.priority in ("high", "urgent")
            assert trace.owner_team in DESK
