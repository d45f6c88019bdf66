"""The four steps of evaluation, in the compiled form and in the interpreter."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from triage_lab.domain.errors import ContextError, PolicyError
from triage_lab.domain.policy import Policy
from triage_lab.lab.documents import parse_document
from triage_lab.policy import compile_policy, interpret, mask, parse_policy, parse_predicate, read_columns, truth

COLUMNS = read_columns()
SCHEMA = {
    "arrived_at": pl.Int64,
    "category": pl.String,
    "priority_at_creation": pl.String,
    "mrr": pl.Float64,
    "days_to_renewal": pl.Int64,
    "legal_flag": pl.Boolean,
    "auto_renew": pl.Boolean,
    "contract_end": pl.Date,
}
HEAD = 'policy: p\nversion: "1"\n'
TAIL = "default: {then: {route: fallback}}\n"


def policy_of(body: str, tail: str = TAIL) -> Policy:
    return parse_policy(parse_document(HEAD + body + tail, "p.yaml"), COLUMNS)


def frame_of(*tickets: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{name: t.get(name) for name in SCHEMA} for t in tickets], schema=SCHEMA, orient="row")


def decide(policy: Policy, **ticket: Any) -> dict[str, Any]:
    """Decide one ticket both ways, check that they agree, and return the decision."""
    day = ticket.pop("day", date(2026, 6, 1))
    ticket["arrived_at"] = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    compiled = compile_policy(policy, manual_triage_team="triage")
    row = compiled.decide(frame_of(ticket)).row(0, named=True)
    row["actions"] = json.loads(compiled.action_sets[row["action_set_id"]])
    trace = interpret(policy, ticket, arrived_on=day, manual_triage_team="triage")
    assert row["rule_id"] == trace.rule_id
    assert row["overridden_rule_id"] == trace.overridden_rule_id
    assert row["outcome"] == trace.outcome
    assert row["owner_team"] == trace.owner_team
    assert row["priority"] == trace.priority
    assert row["actions"] == json.loads(trace.actions)
    names = [name for name, _ in compiled.items]
    for kind in ("fired", "unknown"):
        bits = {name for index, name in enumerate(names) if row[f"{kind}_{index // 64}"] >> (index % 64) & 1}
        assert bits == set(getattr(trace, kind))
        row[kind] = bits
    return row


RULES = """\
overrides:
  - {id: legal, when: legal_flag = TRUE, overrides: ["*"], then: {route: legal-ops, pause_auto_close: true}}
  - {id: big, when: mrr >= 5000, overrides: [small, default], then: {route: high-touch}}
rules:
  - {id: small, when: category = 'billing' AND mrr < 9000, requires: [mrr], then: {route: billing, auto_close: true}}
  - {id: rest, when: category = 'billing', then: {route: rest}}
"""


@pytest.mark.parametrize(
    ("ticket", "rule", "overridden", "outcome", "owner"),
    [
        ({"category": "billing", "mrr": 1.0, "legal_flag": False}, "small", None, "rule", "billing"),
        ({"category": "billing", "mrr": 9000.0, "legal_flag": False}, "rest", None, "rule", "rest"),
        ({"category": "x", "mrr": 1.0, "legal_flag": False}, "default", None, "default", "fallback"),
        ({"category": "billing", "mrr": 1.0, "legal_flag": True}, "legal", "small", "override", "legal-ops"),
        ({"category": "x", "mrr": 9.0, "legal_flag": True}, "legal", "default", "override", "legal-ops"),
        ({"category": "billing", "mrr": 5000.0, "legal_flag": False}, "big", "small", "override", "high-touch"),
        ({"category": "x", "mrr": 5000.0, "legal_flag": False}, "big", "default", "override", "high-touch"),
        ({"category": "billing", "mrr": 1.0}, "legal", "small", "manual_unknown", "triage"),
        ({"category": "x", "legal_flag": False}, "big", "default", "manual_unknown", "triage"),
        ({"category": "billing", "legal_flag": True}, "legal", "small", "override", "legal-ops"),
        ({"category": "billing", "legal_flag": False}, "big", "small", "manual_unknown", "triage"),
    ],
)
def test_rules_overrides_and_unknown(
    ticket: dict[str, Any], rule: str, overridden: str | None, outcome: str, owner: str
) -> None:
    row = decide(policy_of(RULES), **ticket)
    assert (row["rule_id"], row["overridden_rule_id"], row["outcome"], row["owner_team"]) == (
        rule,
        overridden,
        outcome,
        owner,
    )


def test_a_rule_unknown_for_lack_of_what_it_requires_stops_the_search() -> None:
    body = RULES.split("rules:")[1]
    policy = policy_of("rules:" + body)
    stopped = decide(policy, category="billing")
    assert (stopped["rule_id"], stopped["outcome"], stopped["owner_team"]) == ("small", "manual_requires", "triage")
    assert stopped["actions"] == {"pause_auto_close": True, "route": "triage"}
    assert stopped["unknown"] == {"small"}
    without = policy_of("rules:" + body.replace("requires: [mrr], ", "").replace(", auto_close: true", ""))
    assert decide(without, category="billing")["rule_id"] == "rest"
    assert decide(policy, category="x")["rule_id"] == "default"


def test_a_winner_that_is_true_still_needs_what_it_requires() -> None:
    policy = policy_of(
        "rules:\n  - {id: a, when: category = 'x', requires: [mrr, legal_flag], then: {route: a, auto_close: true}}\n"
    )
    assert decide(policy, category="x", mrr=1.0)["outcome"] == "manual_requires"
    assert decide(policy, category="x", mrr=1.0, legal_flag=True)["outcome"] == "rule"


def test_the_default_may_require_too() -> None:
    policy = policy_of("", "default: {requires: [mrr], then: {route: fallback, auto_close: true}}\n")
    assert decide(policy)["outcome"] == "manual_requires"
    assert decide(policy)["rule_id"] == "default"
    assert decide(policy, mrr=0.0)["actions"] == {"route": "fallback", "auto_close": True}


def test_an_override_may_be_skipped_where_unknown_if_that_is_written() -> None:
    policy = policy_of(RULES.replace('overrides: ["*"],', 'overrides: ["*"], on_unknown: no_match,'))
    assert decide(policy, category="billing", mrr=1.0)["rule_id"] == "small"
    assert decide(policy, category="billing", mrr=6000.0)["rule_id"] == "big"


def test_the_first_override_in_file_order_wins() -> None:
    row = decide(policy_of(RULES), category="billing", mrr=6000.0, legal_flag=True)
    assert row["rule_id"] == "legal"
    assert row["fired"] == {"legal", "big", "small", "rest"}


def test_false_and_unknown_is_false_so_an_override_may_be_confined() -> None:
    policy = policy_of(RULES.replace("when: legal_flag = TRUE", "when: category = 'billing' AND legal_flag = TRUE"))
    assert decide(policy, category="x", mrr=1.0)["rule_id"] == "default"
    assert decide(policy, category="billing", mrr=1.0)["outcome"] == "manual_unknown"


ALSO = """\
overrides:
  - {id: stop, when: auto_renew, overrides: ["*"], on_unknown: no_match, then: {route: stop, pause_auto_close: true, hold: {kind: legal, until: acknowledged}}}
rules:
  - {id: a, when: category = 'a', requires: [category], then: {route: a, auto_close: true, priority: normal, watch: [w1, w2], escalate: {to: x, after: 1h}}}
also:
  - {id: one, when: mrr > 1, then: {priority: high, watch: [w2, w3], escalate: {to: y, after: 2h}, sync: crm}}
  - {id: two, when: mrr > 2, then: {priority: low, notify: {who: requester}, hold: {kind: dunning, until: paid}, sync: erp}}
  - {id: three, when: legal_flag, then: {pause_auto_close: true, notify: {who: account-owner}}}
"""


def test_effects_are_merged() -> None:
    policy = policy_of(ALSO)
    assert decide(policy, category="a")["actions"] == {
        "route": "a",
        "auto_close": True,
        "priority": "normal",
        "watch": ["w1", "w2"],
        "escalate": {"to": "x", "after": "1h"},
    }
    row = decide(policy, category="a", mrr=3.0, legal_flag=True)
    assert row["actions"] == {
        "route": "a",
        "pause_auto_close": True,
        "priority": "high",
        "watch": ["w1", "w2", "w3"],
        "escalate": {"to": "x", "after": "1h"},
        "notify": [{"who": "requester"}, {"who": "account-owner"}],
        "hold": {"kind": "dunning", "until": "paid"},
        "sync": ["crm", "erp"],
    }
    assert row["priority"] == "high"
    held = decide(policy, category="a", mrr=3.0, auto_renew=True)["actions"]
    assert held["hold"] == [{"kind": "legal", "until": "acknowledged"}, {"kind": "dunning", "until": "paid"}]
    assert held["escalate"] == {"to": "y", "after": "2h"}
    assert "auto_close" not in held


def test_effects_reach_manual_triage_but_nothing_of_the_winner_does() -> None:
    policy = policy_of(ALSO.replace("requires: [category]", "requires: [days_to_renewal]"))
    row = decide(policy, category="a", mrr=2.0)
    assert row["outcome"] == "manual_requires"
    assert row["actions"] == {
        "route": "triage",
        "pause_auto_close": True,
        "priority": "high",
        "watch": ["w2", "w3"],
        "escalate": {"to": "y", "after": "2h"},
        "sync": "crm",
    }


@pytest.mark.parametrize(
    ("recorded", "priority"),
    [("urgent", "urgent"), ("low", "low"), ("Urgent", "normal"), ("p1", "normal"), (None, "normal")],
)
def test_priority_is_never_missing(recorded: str | None, priority: str) -> None:
    policy = policy_of("rules:\n  - {id: a, when: category = 'x', then: {route: a, priority: low}}\n")
    assert decide(policy, priority_at_creation=recorded)["priority"] == priority
    assert decide(policy, priority_at_creation=recorded, category="x")["priority"] == "low"


def test_dated_thresholds_and_validity_follow_the_day_of_arrival_in_the_zone() -> None:
    policy = policy_of(
        """\
params: {high: {values: [{from: 2026-03-29, value: 10}, {from: 2026-06-01, value: 20}]}}
rules:
  - {id: spring, when: mrr >= :high, valid_to: 2026-06-02, then: {route: spring}}
  - {id: summer, when: mrr >= :high, valid_from: 2026-06-02, then: {route: summer}}
"""
    )
    expected = {
        date(2026, 3, 28): ("default", {"spring"}),
        date(2026, 3, 29): ("spring", set()),
        date(2026, 6, 1): ("default", set()),
        date(2026, 6, 2): ("default", set()),
    }
    for day, (rule, unknown) in expected.items():
        row = decide(policy, mrr=15.0, day=day)
        assert (row["rule_id"], row["unknown"]) == (rule, unknown), day
    assert decide(policy, mrr=20.0, day=date(2026, 6, 1))["rule_id"] == "spring"
    assert decide(policy, mrr=20.0, day=date(2026, 6, 2))["rule_id"] == "summer"
    berlin = compile_policy(policy, timezone="Europe/Berlin")
    start = int(
        datetime(2026, 3, 28, 23, tzinfo=UTC).timestamp()
    )  # midnight in Berlin, an hour before the clock change
    found = berlin.decide(frame_of({"mrr": 15.0, "arrived_at": start - 1}, {"mrr": 15.0, "arrived_at": start}))
    assert found["rule_id"].to_list() == ["default", "spring"]
    june = int(datetime(2026, 5, 31, 22, tzinfo=UTC).timestamp())
    found = berlin.decide(frame_of({"mrr": 15.0, "arrived_at": june - 1}, {"mrr": 15.0, "arrived_at": june}))
    assert found["rule_id"].to_list() == ["spring", "default"]


def test_the_frame_has_the_promised_columns_and_types() -> None:
    compiled = compile_policy(policy_of(RULES))
    found = compiled.decide(frame_of({"category": "billing"}, {}))
    assert found.columns == [
        "rule_id", "overridden_rule_id", "outcome", "owner_team", "priority", "action_set_id", "fired_0", "unknown_0",
    ]  # fmt: skip
    assert [str(dtype) for dtype in found.dtypes[-3:]] == ["UInt32", "UInt64", "UInt64"]
    assert all(isinstance(dtype, pl.Enum) for dtype in found.dtypes[:5])
    assert compiled.items == (("legal", "override"), ("big", "override"), ("small", "rule"), ("rest", "rule"))
    assert compiled.columns == ("legal_flag", "mrr", "category")
    empty = compiled.decide(frame_of({}).head(0))
    assert empty.height == 0
    assert empty.schema == found.schema


def test_a_policy_of_nothing_but_a_default() -> None:
    compiled = compile_policy(policy_of(""))
    found = compiled.decide(frame_of({}, {}, {}))
    assert found["owner_team"].to_list() == ["fallback"] * 3
    assert found["fired_0"].to_list() == [0, 0, 0]
    assert compiled.action_sets == ('{"route":"fallback"}',)


def test_more_than_sixty_four_items_use_further_words() -> None:
    rules = "\n".join(
        f"  - {{id: r{i}, when: days_to_renewal >= {200 - i}, then: {{route: t{i}}}}}" for i in range(130)
    )
    compiled = compile_policy(policy_of(f"rules:\n{rules}\n"))
    found = compiled.decide(frame_of({"days_to_renewal": 200 - 70}, {"days_to_renewal": None}))
    assert found["rule_id"].to_list() == ["r70", "default"]
    assert [found[f"fired_{w}"][0] for w in range(3)] == [0, (2**64 - 1) ^ (2**6 - 1), 3]
    assert [found[f"unknown_{w}"][1] for w in range(3)] == [2**64 - 1, 2**64 - 1, 3]


def test_many_effects_give_one_action_set_per_combination_that_occurs() -> None:
    also = "\n".join(f"  - {{id: e{i}, when: days_to_renewal > {i}, then: {{watch: [w{i}]}}}}" for i in range(30))
    compiled = compile_policy(policy_of(f"also:\n{also}\n"))
    found = compiled.decide(frame_of(*({"days_to_renewal": i} for i in range(31)), {"days_to_renewal": 3}))
    assert len(compiled.action_sets) == 31
    assert found["action_set_id"].to_list() == [*range(31), 3]
    assert json.loads(compiled.action_sets[2])["watch"] == ["w0", "w1"]


def test_many_rules_on_one_column_are_split_by_it_and_decide_the_same() -> None:
    names = [f"c{i}" for i in range(9)]
    rules = "\n".join(
        f"  - id: r{i}\n    when: {condition} AND mrr >= {i % 13}\n    requires: [mrr]\n    then: {{route: t{i % 5}}}"
        for i in range(120)
        for condition in [f"category = '{names[i % 9]}'" if i % 3 else f"category IN ('{names[i % 9]}', 'c0')"]
    )
    body = f"""\
overrides: [{{id: o, when: category = 'c3' AND legal_flag, overrides: ["*"], then: {{route: o}}}}]
rules:
{rules}
also: [{{id: e, when: category = 'c4', then: {{sync: crm}}}}, {{id: f, when: days_to_renewal > 1, then: {{watch: [w]}}}}]
"""
    policy = policy_of(body)
    tickets = [
        {"category": category, "mrr": mrr, "legal_flag": flag, "days_to_renewal": days}
        for category in (*names, "other", None)
        for mrr in (None, -1.0, 5.0, 12.0)
        for flag, days in ((None, 1), (True, 2), (False, None))
    ]
    compiled = compile_policy(policy, manual_triage_team="triage")
    found = compiled.decide(frame_of(*tickets))
    for row, ticket in zip(found.iter_rows(named=True), tickets, strict=True):
        trace = interpret(policy, ticket, arrived_on=date(2026, 6, 1), manual_triage_team="triage")
        assert (row["rule_id"], row["overridden_rule_id"], row["outcome"], row["owner_team"]) == (
            trace.rule_id, trace.overridden_rule_id, trace.outcome, trace.owner_team,
        )  # fmt: skip
        assert compiled.action_sets[row["action_set_id"]] == trace.actions
        for kind in ("fired", "unknown"):
            bits = [name for i, (name, _) in enumerate(compiled.items) if row[f"{kind}_{i // 64}"] >> (i % 64) & 1]
            assert bits == list(getattr(trace, kind))
    assert compiled.decide(frame_of({}).head(0)).schema == found.schema


def test_text_may_come_as_string_categorical_or_enum_and_numbers_in_any_width() -> None:
    compiled = compile_policy(policy_of(RULES))
    frame = frame_of(
        {"category": "billing", "mrr": 1.0, "legal_flag": False}, {"category": None, "mrr": 1.0}, {"category": "ünï"}
    )
    wanted = compiled.decide(frame)
    for dtype in (pl.Categorical, pl.Enum(["ünï", "billing", "never"]), pl.Enum(["billing", "ünï"])):
        assert compiled.decide(frame.with_columns(pl.col("category").cast(dtype))).equals(wanted)
    assert compiled.decide(frame.with_columns(pl.col("mrr").cast(pl.Int16))).equals(wanted)
    assert compiled.decide(frame.with_columns(pl.col("mrr").cast(pl.Decimal(20, 2)))).equals(wanted)
    nothing = frame.with_columns(*(pl.lit(None).alias(name) for name in ("category", "mrr", "legal_flag")))
    assert compiled.decide(nothing)["outcome"].to_list() == ["manual_unknown"] * 3


def test_an_enum_that_lacks_the_wanted_text_never_matches() -> None:
    frame = frame_of({"category": "x"}, {"category": None}).with_columns(pl.col("category").cast(pl.Enum(["x"])))
    assert truth(parse_predicate("category = 'y'", COLUMNS), frame).to_list() == [False, None]
    assert truth(parse_predicate("category <> 'y'", COLUMNS), frame).to_list() == [True, None]
    assert truth(parse_predicate("category < 'y'", COLUMNS), frame).to_list() == [True, None]


def test_a_context_that_cannot_be_used_is_refused() -> None:
    compiled = compile_policy(policy_of(RULES))
    with pytest.raises(ContextError, match="no column legal_flag, mrr"):
        compiled.decide(frame_of({}).select("category"))
    with pytest.raises(ContextError, match="'mrr' holds String"):
        compiled.decide(frame_of({}).with_columns(mrr=pl.lit("5")))
    with pytest.raises(ContextError, match="'legal_flag' holds Int32"):
        compiled.decide(frame_of({}).with_columns(legal_flag=pl.lit(1)))
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ContextError, match="NaN or infinity"):
            compiled.decide(frame_of({"mrr": bad}))
        with pytest.raises(ContextError, match="a finite number"):
            interpret(policy_of(RULES), {"mrr": bad}, arrived_on=date(2026, 1, 1))
    dated = policy_of("rules:\n  - {id: a, when: TRUE, valid_from: 2026-01-01, then: {route: a}}\n")
    with pytest.raises(ContextError, match="arrived_at"):
        compile_policy(dated).decide(frame_of({}).drop("arrived_at"))


def test_mask_and_truth_on_a_frame() -> None:
    frame = frame_of({"mrr": 1.0}, {"mrr": 0.0}, {"mrr": None})
    predicate = parse_predicate("mrr > 0", COLUMNS)
    assert truth(predicate, frame).to_list() == [True, False, None]
    assert mask(predicate, frame).to_list() == [True, False, False]
    assert mask(parse_predicate("TRUE", COLUMNS), frame).to_list() == [True] * 3
    assert mask(parse_predicate("TRUE", COLUMNS), frame.head(0)).to_list() == []
    with pytest.raises(PolicyError, match=":high has no value"):
        mask(parse_predicate("mrr > :high", COLUMNS, params={"high": policy_of(PARAM).params["high"]}), frame)


PARAM = "params: {high: {value: 5}}\n"


@pytest.mark.parametrize(
    ("text", "values", "wanted"),
    [
        ("category LIKE 'a%'", ["abc", "xa", "A", "", None], [True, False, False, False, None]),
        ("category LIKE '%a'", ["xa", "ax"], [True, False]),
        ("category LIKE '%a%'", ["xax", "x"], [True, False]),
        ("category LIKE 'a_c'", ["abc", "ac", "a😀c", "a\nc"], [True, False, True, True]),
        ("category LIKE 'a%c'", ["ac", "abbc", "a\nc\n", "acx"], [True, True, False, False]),
        ("category LIKE '100\\%'", ["100\\x", "100%"], [True, False]),
        ("category LIKE 'a.c'", ["abc", "a.c"], [False, True]),
        ("category LIKE ''", ["", "x"], [True, False]),
        ("category LIKE '%'", ["", "x", None], [True, True, None]),
        ("category ILIKE 'StraßE%'", ["STRAßEN", "straße", "strasse"], [True, True, False]),
        ("lower(category) = 'äöü'", ["ÄÖÜ", "äöü"], [True, True]),
        ("length(category) = 2", ["😀x", "é", "abc"], [True, False, False]),
        ("contains(category, '.')", ["a.b", "ab"], [True, False]),
        ("category < 'b'", ["a", "b", "B", "", None], [True, False, True, True, None]),
        ("coalesce(category, 'none') = 'none'", ["none", None, "x"], [True, True, False]),
        ("category IS NULL OR category = 'x'", [None, "x", "y"], [True, True, False]),
        ("category NOT IN ('a', 'b')", ["a", "c", None], [False, True, None]),
        ("length(category) / (length(category) - 1) > 1", ["ab", "a", None], [True, None, None]),
    ],
)
def test_text_conditions(text: str, values: list[str | None], wanted: list[bool | None]) -> None:
    frame = frame_of(*({"category": value} for value in values))
    predicate = parse_predicate(text, COLUMNS)
    assert truth(predicate, frame).to_list() == wanted
    assert truth(predicate, frame.with_columns(pl.col("category").cast(pl.Categorical))).to_list() == wanted


@pytest.mark.parametrize(
    ("text", "value", "wanted"),
    [
        ("mrr = 0.1", 0.1, True),
        ("mrr = 0.3", 0.1 + 0.2, False),
        ("mrr >= 5000", 4999.999999999999, False),
        ("mrr / 0 > 1", 1.0, None),
        ("mrr / 0 > 1 OR TRUE", 1.0, True),
        ("mrr * 1e308 > 0", 1e308, None),
        ("mrr - 1 = 0", 1.0, True),
        ("abs(mrr) = 5", -5.0, True),
        ("mrr IN (0, 1.5)", -0.0, True),
        ("mrr BETWEEN 5 AND 1", 3.0, False),
        ("mrr BETWEEN days_to_renewal AND 1", 3.0, False),
        ("mrr BETWEEN days_to_renewal AND 9", 3.0, None),
        ("NOT mrr <> 3", 3.0, True),
        ("mrr = 9007199254740993", 9007199254740992.0, True),
    ],
)
def test_numbers_are_doubles(text: str, value: float, wanted: bool | None) -> None:
    frame = frame_of({"mrr": value})
    assert truth(parse_predicate(text, COLUMNS), frame).to_list() == [wanted]


def test_coalesce_over_a_column_of_nothing_but_null() -> None:
    frame = frame_of({}, {}, {})
    found = truth(parse_predicate("mrr > 1 OR 0 <= coalesce(mrr, days_to_renewal, 1)", COLUMNS), frame)
    assert found.to_list() == [True] * 3


def test_dates_compare_as_dates() -> None:
    frame = frame_of({"contract_end": date(2026, 12, 31)}, {"contract_end": date(2027, 1, 1)}, {})
    assert truth(parse_predicate("contract_end < '2027-01-01'", COLUMNS), frame).to_list() == [True, False, None]
    assert truth(parse_predicate("contract_end IN ('2027-01-01')", COLUMNS), frame).to_list() == [False, True, None]
