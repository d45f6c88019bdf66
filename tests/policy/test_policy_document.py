"""Policy files: everything read, every error with its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from triage_lab.domain.documents import Document
from triage_lab.domain.enums import Outcome, Priority
from triage_lab.domain.errors import PolicyError
from triage_lab.domain.policy import Credit, Escalate, Hold, Notify, OnUnknown, Policy, Remind, Stage, StatusUpdate
from triage_lab.lab.documents import parse_document
from triage_lab.policy import actions_plain, parse_policy, policy_digest, read_columns

TEAMS = ("billing", "support", "legal-ops", "triage")
TEMPLATES = ("reminder", "alert")
MINIMAL = """\
policy: p
version: "1"
rules:
  - id: a
    when: category = 'billing'
    then: {route: billing}
default: {then: {route: support}}
"""
FULL = """\
policy: full
version: "2"
stage: shadow
params:
  high: {value: 5000, unit: EUR/month}
  dated:
    unit: days
    values: [{from: 2026-01-01, value: 30}, {from: 2026-07-01, value: 60.5}]
sets: {tiers: [pro, business]}
overrides:
  - id: legal
    when: legal_flag = TRUE AND contract_tier IN (:tiers)
    overrides: ["*"]
    on_unknown: no_match
    then: {route: legal-ops, hold: [{kind: legal, until: acknowledged}, {kind: dunning, until: paid}]}
rules:
  - id: everything
    when: mrr < :high AND days_to_renewal < :dated
    valid_from: 2026-02-01
    valid_to: 2026-03-01
    requires: [mrr]
    then:
      route: billing
      queue: joint
      with: [support]
      watch: [account-executive, legal-ops]
      priority: high
      reply: {template: reminder}
      remind: {template: reminder, steps: 2, every: 3d}
      auto_close: true
      soft_hold: collections
      escalate: {to: triage, after: 30m}
      notify: {who: requester, template: alert}
      status_update: {who: account-owner, every: 90s}
      sync: crm
      credit: {max: "500", currency: EUR}
      discount: {max_pct: 7.5}
    manifest: {owner: o, source_system: s, destination_system: d, exception_route: e, qa_checkpoint: q, reporting_field: r}
also:
  - {id: deal, when: open_opportunity_amount > 0, then: {priority: urgent, pause_auto_close: true}}
default: {then: {route: support}}
invariants:
  - {id: never, never: legal_flag = TRUE, with: [reply, auto_close]}
tests:
  - name: one
    arrived_on: 2026-02-02
    ticket: {mrr: 1.5, days_to_renewal: 3, legal_flag: null, contract_end: 2026-12-31}
    expect: {rule: everything, route: billing, outcome: rule, priority: high, actions: {auto_close: true}, without: [hold]}
"""


def read(text: str, **options: object) -> Policy:
    given = {"teams": TEAMS, "templates": TEMPLATES} | options
    return parse_policy(parse_document(text, "p.yaml"), read_columns(), **given)  # type: ignore[arg-type]


def test_everything_is_read() -> None:
    policy = read(FULL)
    rule, override = policy.rules[0], policy.overrides[0]
    assert (policy.name, policy.version, policy.stage, policy.file) == ("full", "2", Stage.SHADOW, "p.yaml")
    assert rule.then.remind == Remind(2, 259200, "reminder")
    assert rule.then.escalate == Escalate("triage", 1800)
    assert rule.then.notify == (Notify("requester", "alert"),)
    assert rule.then.status_update == (StatusUpdate("account-owner", 90),)
    assert rule.then.credit == Credit(Decimal(500), "EUR")
    assert rule.then.discount_max_pct == Decimal("7.5")
    assert rule.then.priority is Priority.HIGH
    assert (rule.requires, rule.valid_from, rule.valid_to) == (("mrr",), date(2026, 2, 1), date(2026, 3, 1))
    assert rule.manifest.missing == ()
    assert (rule.place.line, rule.place.file) == (17, "p.yaml")
    assert override.then.holds == (Hold("legal", "acknowledged"), Hold("dunning", "paid"))
    assert override.on_unknown is OnUnknown.NO_MATCH
    assert policy.params["dated"].on(date(2025, 12, 31)) is None
    assert policy.params["dated"].on(date(2026, 6, 30)) == 30
    assert policy.params["dated"].on(date(2026, 7, 1)) == Decimal("60.5")
    assert policy.sets == {"tiers": ("pro", "business")}
    assert policy.invariants[0].actions == ("reply", "auto_close")
    assert policy.tests[0].expect.outcome is Outcome.RULE
    assert policy.tests[0].ticket["contract_end"] == date(2026, 12, 31)
    assert policy.dates() == (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1), date(2026, 7, 1))


def test_actions_are_written_back_in_the_form_of_the_file() -> None:
    plain = actions_plain(read(FULL).rules[0].then)
    assert plain == {
        "route": "billing",
        "queue": "joint",
        "with": ["support"],
        "watch": ["account-executive", "legal-ops"],
        "priority": "high",
        "reply": {"template": "reminder"},
        "remind": {"template": "reminder", "steps": 2, "every": "3d"},
        "auto_close": True,
        "soft_hold": "collections",
        "escalate": {"to": "triage", "after": "30m"},
        "notify": {"who": "requester", "template": "alert"},
        "status_update": {"who": "account-owner", "every": "90s"},
        "sync": "crm",
        "credit": {"max": Decimal(500), "currency": "EUR"},
        "discount": {"max_pct": Decimal("7.5")},
    }


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("policy: p", "policy: history", 1, "the name 'history'"),
        ("policy: p", "policy: 'a b'", 1, "no id"),
        ('version: "1"', "version: 1", 2, "version is '1'"),
        ('version: "1"', 'version: "1"\nstage: lvie', 3, "did you mean 'live'"),
        ('version: "1"', 'version: "1"\nsemantics: all_in_order', 3, "all_in_order"),
        ('version: "1"', 'version: "1"\nrulse: []', 3, "did you mean 'rules'"),
        ("when: category = 'billing'", "when: catgory = 'billing'", 5, "did you mean 'category'"),
        ("when: category = 'billing'", "whne: TRUE", 5, "did you mean 'when'"),
        ("    when: category = 'billing'\n", "", 4, "when is missing"),
        ("when: category = 'billing'", "when: 5", 5, "when is 5"),
        ("{route: billing}", "{route: biling}", 6, "did you mean 'billing'"),
        ("{route: billing}", "{route: nobody}", 6, "declared teams: billing, legal-ops, support, triage"),
        ("{route: billing}", "{priority: high}", 6, "no route"),
        ("    then: {route: billing}\n", "", 4, "then is missing"),
        ("{route: billing}", "{route: billing, auto_close: true}", 6, "auto_close without requires"),
        ("{route: billing}", "{route: billing, reply: {template: reminder}}", 6, "reply without requires"),
        ("{route: billing}", "{route: billing, remind: {steps: 2, every: 3d}}", 6, "remind without requires"),
        ("{route: billing}", "{route: billing, close: true}", 6, "unknown key 'close'"),
        ("{route: billing}", "{route: billing, priority: hihg}", 6, "did you mean 'high'"),
        ("{route: billing}", "{route: billing, queue: joint}", 6, "queue and with stand alone"),
        ("{route: billing}", "{route: billing, watch: [ceo]}", 6, "watch names 'ceo'"),
        ("{route: billing}", "{route: billing, watch: billing}", 6, "watch is 'billing'"),
        ("{route: billing}", "{route: billing, notify: {who: requester, template: alrt}}", 6, "did you mean 'alert'"),
        ("{route: billing}", "{route: billing, escalate: {to: triage, after: 30}}", 6, "after is '30'"),
        ("{route: billing}", "{route: billing, credit: {max: 5, currency: euro}}", 6, "no currency"),
        ("{route: billing}", "{route: billing, credit: {max: -5, currency: EUR}}", 6, "max is '-5'"),
        ("{route: billing}", "{route: billing, discount: {max_pct: 101}}", 6, "from 0 to 100"),
        ("{route: billing}", "{route: billing, auto_close: yes}", 6, "auto_close is 'yes'"),
        ("default: {then: {route: support}}", "", 1, "no default"),
        ("default: {then: {route: support}}", "default: {then: {}}", 7, "no route"),
        (
            "default: {then: {route: support}}",
            "default: {then: {route: support, auto_close: true}}",
            7,
            "without requires",
        ),
        ("id: a", "id: default", 4, "id of the default"),
        ("id: a", "id: 7", 4, "id is '7'"),
        (
            "default:",
            "  - {id: a, when: TRUE, then: {route: billing}}\ndefault:",
            7,
            "stands twice \\(first at p.yaml:4",
        ),
        ("default:", "also:\n  - {id: a, when: TRUE, then: {sync: crm}}\ndefault:", 8, "stands twice"),
        ("default:", "also:\n  - {id: x, when: TRUE, then: {route: billing}}\ndefault:", 8, "never changes the owner"),
        ("default:", "also:\n  - {id: x, when: TRUE, then: {auto_close: true}}\ndefault:", 8, "no requires"),
        ("default:", "also:\n  - {id: x, when: TRUE, then: {}}\ndefault:", 8, "nothing is done"),
        (
            "default:",
            "overrides:\n  - {id: x, when: TRUE, then: {route: billing}}\ndefault:",
            8,
            "overrides is missing",
        ),
        (
            "default:",
            "overrides:\n  - {id: x, when: TRUE, overrides: [b], then: {route: billing}}\ndefault:",
            8,
            "overrides names 'b'",
        ),
        (
            "default:",
            "overrides:\n  - {id: x, when: TRUE, overrides: [x], then: {route: billing}}\ndefault:",
            8,
            "overrides names 'x'",
        ),
        (
            "default:",
            "overrides:\n  - {id: x, when: TRUE, overrides: [a], on_unknown: go, then: {route: billing}}\ndefault:",
            8,
            "on_unknown is 'go'",
        ),
        ("    then", "    requires: [mr]\n    then", 6, "did you mean 'mrr'"),
        ("    then", "    valid_from: 2026-02-01\n    valid_to: 2026-02-01\n    then", 7, "not after valid_from"),
        ("    then", "    valid_from: soon\n    then", 6, "valid_from is 'soon'"),
        ("    then", "    manifest: {ower: x}\n    then", 6, "did you mean 'owner'"),
        ("rules:", "params: {x: {value: 1, values: []}}\nrules:", 3, "no single form"),
        (
            "rules:",
            "params: {x: {values: [{from: 2026-02-01, value: 1}, {from: 2026-01-01, value: 2}]}}\nrules:",
            3,
            "later day",
        ),
        (
            "rules:",
            "params: {x: {values: [{from: 2026-02-01, value: 1}, {from: 2026-03-01, value: a}]}}\nrules:",
            3,
            "one kind",
        ),
        ("rules:", "params: {x: 5}\nrules:", 3, "x is '5'"),
        ("rules:", "params: {1x: {value: 5}}\nrules:", 3, "no name"),
        ("rules:", "sets: {x: []}\nrules:", 3, "is empty"),
        ("rules:", "sets: {x: [1]}\nrules:", 3, "different texts"),
        ("rules:", "sets: {x: [a, a]}\nrules:", 3, "stands twice"),
        ("rules:", "params: {x: {value: 1}}\nsets: {x: [a]}\nrules:", 4, "param and a set"),
        ("default:", "invariants:\n  - {id: i, never: TRUE, with: [close]}\ndefault:", 8, "unknown action 'close'"),
        ("default:", "invariants:\n  - {id: i, never: TRUE}\ndefault:", 8, "with is missing"),
        ("default:", "tests:\n  - {name: t, ticket: {mr: 1}, expect: {rule: a}}\ndefault:", 8, "did you mean 'mrr'"),
        ("default:", "tests:\n  - {name: t, ticket: {mrr: a}, expect: {rule: a}}\ndefault:", 8, "mrr is 'a'"),
        (
            "default:",
            "tests:\n  - {name: t, ticket: {days_to_renewal: 1.5}, expect: {rule: a}}\ndefault:",
            8,
            "an? integer",
        ),
        ("default:", "tests:\n  - {name: t, ticket: {legal_flag: 1}, expect: {rule: a}}\ndefault:", 8, "a boolean"),
        ("default:", "tests:\n  - {name: t, ticket: {}, expect: {rule: b}}\ndefault:", 8, "no item 'b'"),
        ("default:", "tests:\n  - {name: t, ticket: {}, expect: {outcome: won}}\ndefault:", 8, "outcome is 'won'"),
        ("default:", "tests:\n  - {name: t, ticket: {}}\ndefault:", 8, "expect is missing"),
        ("default:", "tests:\n  - {name: t, expect: {actions: {clos: 1}}}\ndefault:", 8, "unknown key 'clos'"),
        ("default:", "tests:\n  - {name: t, expect: {without: [clos]}}\ndefault:", 8, "unknown action 'clos'"),
        ('version: "1"', 'version: "1"\nstage: live', 5, "'a' has no owner"),
        ("rules:\n  - id: a", "rules:\n  - a\n  - id: a", 4, "rules\\[0\\] is 'a'"),
        ("rules:\n", "rules: {}\nalso:\n", 3, "rules is a mapping"),
    ],
)
def test_errors_name_the_line(old: str, new: str, line: int, says: str) -> None:
    assert old in MINIMAL
    with pytest.raises(PolicyError, match=says) as caught:
        read(MINIMAL.replace(old, new, 1))
    assert caught.value.place.file == "p.yaml"
    assert caught.value.place.line == line
    assert caught.value.place.column is not None


def test_names_are_not_checked_without_operations() -> None:
    text = MINIMAL.replace("{route: billing}", "{route: anybody, notify: {who: anyone, template: anything}}")
    assert read(text, teams=None, templates=None).rules[0].then.route == "anybody"


def test_a_condition_may_be_a_bare_true() -> None:
    assert read(MINIMAL.replace("when: category = 'billing'", "when: TRUE")).rules[0].text == "TRUE"


def test_warnings_say_what_is_probably_not_meant() -> None:
    text = """\
policy: w
version: "1"
params: {unused: {value: 1}, used: {value: 2}}
sets: {spare: [a]}
overrides:
  - {id: open, when: legal_flag, overrides: ["*"], on_unknown: no_match, then: {route: support}}
rules:
  - {id: negated, when: NOT category = 'a' AND mrr > :used, then: {route: support, escalate: {to: triage, after: 1h}}}
  - {id: careful, when: category IS NOT NULL AND NOT category = 'a', then: {route: support}}
  - {id: empty, when: mrr BETWEEN 5 AND 1, then: {route: support}}
also:
  - {id: louder, when: legal_flag, then: {escalate: {to: triage, after: 2h}}}
default: {then: {route: support}}
"""
    policy = read(text)
    found = [(warning.kind, warning.item_id) for warning in policy.warnings if warning.kind != "manifest_incomplete"]
    assert found == [
        ("unused_param", None),
        ("unused_set", None),
        ("on_unknown_no_match", "open"),
        ("nullable_under_negation", "negated"),
        ("empty_range", "empty"),
        ("scalar_set_twice", "louder"),
    ]
    assert str(policy.warnings[0]).startswith("p.yaml:3:10: the param 'unused'")
    incomplete = [warning.item_id for warning in policy.warnings if warning.kind == "manifest_incomplete"]
    assert incomplete == ["open", "negated", "careful", "empty", "louder", "default"]


CHILD = """\
policy: child
version: "2"
extends: p
params: {low: {value: 10}}
replace:
  a: {when: mrr < :low, then: {route: legal-ops}}
  default: {then: {route: triage}}
insert:
  - {before: a, rule: {id: first, when: legal_flag, then: {route: legal-ops}}}
  - {after: a, rule: {id: last, when: auto_renew, then: {route: support}}}
  - {also: {id: effect, when: legal_flag, then: {sync: crm}}}
  - {override: {id: exception, when: legal_flag, overrides: [first], then: {route: legal-ops}}}
tests: []
"""


def family(**texts: str):
    def load(name: str) -> Document:
        return parse_document(texts[name], f"{name}.yaml")

    return load


def test_extends_replaces_inserts_and_drops() -> None:
    policy = read(CHILD, parents=family(p=MINIMAL))
    assert [rule.item_id for rule in policy.rules] == ["first", "a", "last"]
    assert [override.item_id for override in policy.overrides] == ["exception"]
    assert [also.item_id for also in policy.also] == ["effect"]
    assert policy.rules[1].then.route == "legal-ops"
    assert policy.default.then.route == "triage"
    assert policy.extends == "p"
    flat = """\
policy: flat
version: "9"
params: {low: {value: 10}}
overrides: [{id: exception, when: legal_flag, overrides: [first], then: {route: legal-ops}}]
rules:
  - {id: first, when: legal_flag, then: {route: legal-ops}}
  - {id: a, when: mrr < :low, then: {route: legal-ops}}
  - {id: last, when: auto_renew, then: {route: support}}
also: [{id: effect, when: legal_flag, then: {sync: crm}}]
default: {then: {route: triage}}
"""
    assert policy_digest(policy) == policy_digest(read(flat))


def test_dropping_and_inserting_moves_an_item_and_errors_name_the_parents_file() -> None:
    moved = """\
policy: child
version: "1"
extends: two
drop: [a]
insert: [{after: b, rule: {id: a, when: legal_flag, then: {route: billing}}}]
"""
    two = MINIMAL.replace("default:", "  - {id: b, when: auto_renew, then: {route: support}}\ndefault:")
    assert [rule.item_id for rule in read(moved, parents=family(two=two)).rules] == ["b", "a"]
    broken = two.replace(
        "default:", "overrides: [{id: o, when: legal_flag, overrides: [a], then: {route: triage}}]\ndefault:"
    )
    with pytest.raises(PolicyError, match="overrides names 'a'") as caught:
        read("policy: c\nversion: '1'\nextends: two\ndrop: [a]\n", parents=family(two=broken))
    assert caught.value.place.file == "two.yaml"


def test_grandparents_params_and_invariants_are_inherited() -> None:
    parent = (
        MINIMAL
        + "params: {x: {value: 1}}\ninvariants: [{id: i, never: legal_flag, with: [reply]}]\ntests: [{name: t, expect: {rule: a}}]\n"
    )
    child = "policy: c\nversion: '1'\nextends: p\nparams: {x: {value: 2}}\ninvariants: [{id: j, never: mrr > :x, with: [reply]}]\n"
    grandchild = "policy: g\nversion: '1'\nextends: c\n"
    policy = read(grandchild, parents=family(p=parent, c=child))
    assert [invariant.invariant_id for invariant in policy.invariants] == ["i", "j"]
    assert policy.params["x"].on(date(2026, 1, 1)) == 2
    assert policy.tests == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("extends: c", "a circle: c extends c"),
        ("extends: p\nrules: []", "unknown key 'rules'"),
        ("extends: p\ndrop: [b]", "no item 'b'"),
        ("extends: p\nreplace: {b: {}}", "no item 'b'"),
        ("extends: p\nreplace: {a: {id: b, when: TRUE, then: {route: billing}}}", "id 'b' under replace: a"),
        ("extends: p\ninsert: [{before: b, rule: {id: x, when: TRUE, then: {route: billing}}}]", "no item 'b'"),
        ("extends: p\ninsert: [{before: a, after: a, rule: {id: x}}]", "an unclear insert"),
        ("extends: p\ninsert: [{before: a}]", "an unclear insert"),
        ("extends: p\ninsert: [{after: a, also: {id: x, when: TRUE, then: {sync: crm}}}]", "is an? rule item"),
        ("extends: p\ninsert: [{rule: {id: a, when: TRUE, then: {route: billing}}}]", "stands twice"),
    ],
)
def test_wrong_changes_are_refused(text: str, says: str) -> None:
    child = f"policy: c\nversion: '1'\n{text}\n"
    with pytest.raises(PolicyError, match=says) as caught:
        read(child, parents=family(p=MINIMAL, c=child))
    assert caught.value.place.line is not None


def test_a_longer_circle_and_a_missing_library_are_refused() -> None:
    one, two = "policy: one\nversion: '1'\nextends: two\n", "policy: two\nversion: '1'\nextends: one\n"
    with pytest.raises(PolicyError, match="one extends two extends one"):
        read(one, parents=family(one=one, two=two))
    with pytest.raises(PolicyError, match="cannot be looked up"):
        read(one)


def test_the_digest_sees_what_decides_and_nothing_else() -> None:
    base = policy_digest(read(FULL))
    assert len(base) == 64
    same = [
        FULL.replace('version: "2"', 'version: "3"')
        .replace("stage: shadow", "stage: draft")
        .replace("policy: full", "policy: other"),
        "# a comment\n" + FULL,
        FULL.replace("when: mrr < :high AND", "when: (mrr<:high) and"),
        FULL[: FULL.index("tests:")],
        FULL.replace("[pro, business]", "[business, pro]"),
        FULL.replace("every: 3d", "every: 72h"),
        FULL.replace("value: 5000", "value: 5000.0"),
        FULL.replace('max: "500"', "max: 500.00"),
    ]
    for text in same:
        assert text != FULL
        assert policy_digest(read(text)) == base
    other = [
        FULL.replace("value: 5000", "value: 5001"),
        FULL.replace("from: 2026-07-01", "from: 2026-07-02"),
        FULL.replace("[pro, business]", "[pro]"),
        FULL.replace("mrr < :high", "mrr <= :high"),
        FULL.replace("on_unknown: no_match", "on_unknown: manual_triage"),
        FULL.replace("id: deal", "id: deals"),
        FULL.replace("priority: urgent", "priority: high"),
        FULL.replace("owner: o", "owner: p"),
        FULL.replace("with: [reply, auto_close]", "with: [reply]"),
        FULL.replace("valid_to: 2026-03-01", "valid_to: 2026-03-02"),
        FULL.replace("requires: [mrr]", "requires: [mrr, legal_flag]"),
        FULL.replace("default: {then", "default: {requires: [mrr], then"),
        FULL.replace("{route: support}}", "{route: triage}}"),
        FULL.replace("unit: days", "unit: hours"),
    ]
    digests = {policy_digest(read(text)) for text in other}
    assert len(digests) == len(other)
    assert base not in digests


def test_a_team_is_called_what_the_log_calls_it() -> None:
    text = MINIMAL.replace("{route: support}", '{route: "Group 70"}')
    assert text != MINIMAL
    parsed = parse_policy(parse_document(text, "p.yaml"), read_columns(), teams=None)
    assert "Group 70" in {parsed.default.then.route, *(rule.then.route for rule in parsed.rules)}
    with pytest.raises(PolicyError, match="no team name"):
        parse_policy(parse_document(text.replace("Group 70", "Group\\u202e70"), "p.yaml"), read_columns(), teams=None)
