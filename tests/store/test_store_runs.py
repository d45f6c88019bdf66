"""The run ledger: a round trip through the narrow tables, equal reruns kept, different ones refused."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_worlds import at, lab, load, ticket

from triage_lab import store
from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.errors import InternalError, StoreError
from triage_lab.domain.gate import GateResult
from triage_lab.store.fingerprint import frames_digest

START = 1_767_225_600  # 2026-01-01 UTC
ITEMS = tuple((f"item-{n:02}", "rule") for n in range(70))


def decisions(n):
    return pl.DataFrame({
        "rule_id": pl.Series(["item-01", "default", "item-69"][:n], dtype=pl.Enum(["default", "item-01", "item-69"])),
        "overridden_rule_id": pl.Series([None, None, "item-01"][:n], dtype=pl.String),
        "outcome": ["rule", "default", "override"][:n],
        "owner_team": pl.Series(["billing", "support", "légal"][:n], dtype=pl.Categorical),
        "priority": ["urgent", "normal", "low"][:n],
        "action_set_id": pl.Series([0, 1, 0][:n], dtype=pl.UInt32),
        "fired_0": pl.Series([2, 0, 2**63][:n], dtype=pl.UInt64),
        "fired_1": pl.Series([0, 0, 2**5][:n], dtype=pl.UInt64),
        "unknown_0": pl.Series([0, 1, 0][:n], dtype=pl.UInt64),
        "unknown_1": pl.Series([0, 1, 0][:n], dtype=pl.UInt64),
    })  # fmt: skip


def records(n, **changed):
    columns = {
        "owner_team": ["billing", "support", "légal"], "resolver_team": ["billing", None, "support"],
        "arrived_at": [START, START + 1, START + 2], "owned_at": [START + 60, START + 61, None],
        "started_at": [START + 90, None, None], "first_action_at": [START + 90, None, None],
        "first_human_action_at": [START + 90, None, None], "acknowledged_at": [START + 90, None, None],
        "resolved_at": [START + 150, None, None], "wait_minutes": [0.5, None, 1 / 60],
        "handle_minutes": [1.0, None, None], "handoffs": [0, 1, 2], "escalations": [0, None, 1],
        "misrouted_resolver": [False, None, True], "misrouted_labelled": [None, None, True],
        "censored_at": [None, START + 500, START + 500], "scored": [True, True, False],
    } | changed  # fmt: skip
    return pl.DataFrame({name: values[:n] for name, values in columns.items()}).with_columns(
        pl.col("misrouted_resolver", "misrouted_labelled").cast(pl.Boolean)
    )


def clocks():
    return pl.DataFrame({
        "row": pl.Series([0, 2], dtype=pl.UInt32), "sla_metric": ["first_action", "resolve"],
        "target_id": ["first-high", None], "cycle": [1, 1], "state": ["met", "not_applicable"],
        "due_at": [START + 3600, None], "elapsed_minutes": [1.5, None],
    })  # fmt: skip


def measures(value=0.5):
    return pl.DataFrame({
        "arm": ["candidate"], "scenario": ["base"], "metric": ["sla_compliance"], "segment": ['{"mrr_tier":"high"}'],
        "value": [value], "low": [0.25], "high": [None], "n": [3], "accounts": [2], "unit": ["fraction"],
        "grade": ["replayed"], "flags": [["few_accounts"]],
    })  # fmt: skip


def gate():
    return GateResult(
        "unique", "tickets", "Ids are unique", Severity.CRITICAL, "data", GateState.FAIL, 3, 1, 1 / 3, "0", "sql",
        sample=("a",),
    )  # fmt: skip


def lookups():
    return pl.DataFrame({
        "row": pl.Series([2, 2, 0], dtype=pl.UInt32), "field": pl.Series(["mrr"] * 3, dtype=pl.Enum(["mrr"])),
        "source": ["stripe", "légal", "stripe"], "value": [None, "12.5", "7"], "status": ["miss", "stale", "hit"],
        "looked_up_at": [START + 2, START + 2, START], "value_as_of": [None, START - 60, None],
    })  # fmt: skip


def run(con, run_id="abc123def456", **changed):
    key = store.read_history(con, 2**40)["ticket_key"]
    n = key.len()
    candidate = store.ArmTables(
        "candidate", "base", "pd", "od", ITEMS, ('{"route":"x"}', "[]"), key, decisions(n), records(n), clocks()
    )
    observed = store.ArmTables("observed", "base", "", "", (), (), key, None, records(n), None)
    tables = store.RunTables(
        run_id, "backtest", START, 2.5, '{"candidate":{"name":"p"}}', (candidate, observed), measures(), (gate(),),
        pl.DataFrame({"gate": ["unique"], "key": ["a"], "column": ["ticket_id"], "value": ["a"]}),
    )  # fmt: skip
    return dataclasses.replace(tables, **changed)


@pytest.fixture
def con(tmp_path):
    rows = [ticket(name, f"2026-01-01 00:00:0{n}") for n, name in enumerate(["t-a", "t-b", "t-c"])]
    with lab(tmp_path, tickets=rows) as opened:
        yield opened


DECISIONS = (
    "run_id, ticket_id, arm, scenario, policy_digest, operations_digest, rule_id, overridden_rule_id, outcome, "
    "owner_team, priority, actions, fired, unknown"
)
RECORDS = (
    "run_id, ticket_id, arm, scenario, owner_team, resolver_team, arrived_at, owned_at, started_at, first_action_at, "
    "first_human_action_at, acknowledged_at, resolved_at, wait_minutes, handle_minutes, handoffs, escalations, "
    "misrouted_resolver, misrouted_labelled, censored_at, scored"
)
SLA_STATES = "run_id, ticket_id, arm, scenario, target_id, cycle, state, due_at, elapsed_minutes, sla_metric"
MEASURES = "run_id, arm, scenario, metric, segment, value, low, high, n, accounts, unit, grade, flags"


def test_tables_have_the_columns_of_the_contract(con):
    for name, expected in (
        ("decisions", DECISIONS), ("records", RECORDS), ("sla_states", SLA_STATES),
        ("gate_failures", "run_id, gate, key, column, value"),
    ):  # fmt: skip
        assert [row[0] for row in con.execute(f"DESCRIBE {name}").fetchall()] == expected.split(", ")
    found = [row[0] for row in con.execute("DESCRIBE measures").fetchall()]
    assert found[:13] == MEASURES.split(", ")
    for name in ("trials", "reviews", "approvals", "attestations", "decision_log", "decision_payloads", "shadow_log"):
        assert con.execute(f"SELECT count(*) FROM {name}").fetchall() == [(0,)]


def test_decisions_come_back_decoded(con):
    assert store.save_run(con, run(con)) is True
    found = store.run_table(con, "decisions", "abc123def456")
    assert found["ticket_id"].to_list() == ["t-a", "t-b", "t-c"]
    assert found["rule_id"].to_list() == ["item-01", "default", "item-69"]
    assert found["overridden_rule_id"].to_list() == [None, None, "item-01"]
    assert found["owner_team"].to_list() == ["billing", "support", "légal"]
    assert found["outcome"].to_list() == ["rule", "default", "override"]
    assert found["priority"].to_list() == ["urgent", "normal", "low"]
    assert found["actions"].to_list() == ['{"route":"x"}', "[]", '{"route":"x"}']
    assert found["fired"].to_list() == [["item-01"], [], ["item-63", "item-69"]]
    assert found["unknown"].to_list() == [[], ["item-00", "item-64"], []]
    assert found["policy_digest"].to_list() == ["pd"] * 3


def test_records_clocks_measures_and_gates_come_back(con):
    store.save_run(con, run(con))
    found = store.run_table(con, "records", "abc").filter(pl.col("arm") == "candidate")
    expected = records(3)
    times = [name for name in found.columns if found.schema[name] == pl.Datetime("us")]
    assert len(times) == 8
    for name in times:
        assert found[name].dt.epoch("s").to_list() == expected[name].to_list()
    for name in expected.columns:
        if name not in times:
            assert found[name].to_list() == expected[name].to_list()
    states = store.run_table(con, "sla_states", "abc").drop("run_id", "arm", "scenario")
    assert states.rows() == [
        ("t-a", "first-high", 1, "met", at("2026-01-01 01:00"), 1.5, "first_action"),
        ("t-c", None, 1, "not_applicable", None, None, "resolve"),
    ]
    measure = store.run_table(con, "measures", "abc").row(0, named=True)
    assert (measure["value"], measure["high"], measure["flags"]) == (0.5, None, ["few_accounts"])
    assert measure["simulation_error"] is None
    assert store.run_table(con, "gate_results", "abc").row(0, named=True)["sample"] == ["a"]
    assert store.run_table(con, "gate_failures", "abc").rows() == [("abc123def456", "unique", "a", "ticket_id", "a")]


LOOKUPS = "run_id, ticket_id, field, source, value, status, looked_up_at, value_as_of"


def test_lookups_come_back_as_they_were_made(con):
    store.save_run(con, run(con, lookups=lookups()))
    assert [row[0] for row in con.execute("DESCRIBE lookups").fetchall()] == LOOKUPS.split(", ")
    first, second = at("2026-01-01"), at("2026-01-01 00:00:02")
    expected = [
        ("abc123def456", "t-c", "mrr", "stripe", None, "miss", second, None),
        ("abc123def456", "t-c", "mrr", "légal", "12.5", "stale", second, at("2025-12-31 23:59")),
        ("abc123def456", "t-a", "mrr", "stripe", "7", "hit", first, None),
    ]
    assert store.read_run_lookups(con, "abc").rows() == expected
    assert store.read_run_lookups(con, "abc", "t-a").rows() == expected[2:]
    assert store.read_run_lookups(con, "abc", "t-b").is_empty()
    assert store.run_table(con, "lookups", "abc").rows() == expected
    assert sorted(con.execute("SELECT * FROM lookups").fetchall(), key=str) == sorted(expected, key=str)


def test_a_run_without_lookups_has_none(con):
    store.save_run(con, run(con))
    assert store.read_run_lookups(con, "abc").is_empty()
    with pytest.raises(InternalError, match="without arms"):
        store.save_run(con, run(con, run_id="f" * 12, arms=(), lookups=lookups()))


def test_all_lookups_are_the_logged_and_those_of_the_newest_run_that_made_any(con):
    def seen():
        found = con.execute("SELECT ticket_id, source, status, replayed FROM enrichment_all ORDER BY ALL").fetchall()
        assert con.execute("SELECT count(*) FROM enrichment_log").fetchall() == [(1,)]
        return found

    log = {"ticket_id": "t-a", "field": "mrr", "source": "crm", "status": "hit", "looked_up_at": at("2026-01-01")}
    load(con, "enrichment_log", [log])
    logged = ("t-a", "crm", "hit", False)
    assert seen() == [logged]
    store.save_run(con, run(con, lookups=lookups()))
    replayed = [("t-a", "stripe", "hit", True), ("t-c", "légal", "stale", True), ("t-c", "stripe", "miss", True)]
    assert seen() == [logged, *replayed]
    store.save_run(con, run(con, run_id="b" * 12, lookups=lookups().head(2)))
    store.save_run(con, run(con, run_id="c" * 12))
    assert seen() == [logged, *replayed[1:]]


def test_one_ticket_in_every_arm(con):
    store.save_run(con, run(con))
    assert store.ticket_records(con, "abc", "t-b")["arm"].to_list() == ["candidate", "observed"]
    assert store.ticket_decisions(con, "abc", "t-b")["rule_id"].to_list() == ["default"]
    assert store.ticket_records(con, "abc", "nobody").is_empty()


def counts(con):
    names = (
        "runs", "run_arms", "run_terms", "run_items", "action_sets", "decision_rows", "record_rows",
        "sla_state_rows", "lookup_rows", "measures", "gate_results", "gate_failures",
    )  # fmt: skip
    return {name: con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in names}


def test_an_equal_rerun_keeps_the_stored_run(con):
    store.save_run(con, run(con))
    before = counts(con)
    assert store.save_run(con, run(con, started_at=START + 99, wall_seconds=9.0)) is False
    assert counts(con) == before
    assert store.list_runs(con)["wall_seconds"].to_list() == [2.5]


def changed_runs(con):
    yield run(con, measures=measures(0.5000000001))
    yield run(con, gate_results=())
    yield run(con, kind="calibrate")
    yield run(con, lookups=lookups())
    first, second = run(con).arms
    yield run(con, arms=(first,))
    yield run(con, arms=(second, first))
    for name, value in (
        ("records", records(3, handoffs=[0, 1, 3])),
        ("records", records(3, owned_at=[START + 60, None, START + 61])),
        ("records", records(3, resolver_team=["billing", "", "support"])),
        ("sla_states", clocks().with_columns(state=pl.lit("open"))),
        ("decisions", decisions(3).with_columns(fired_1=pl.lit(0, pl.UInt64))),
        ("items", (*ITEMS[:-1], ("other", "rule"))),
        ("action_sets", ('{"route":"y"}', "[]")),
    ):
        yield run(con, arms=(dataclasses.replace(first, **{name: value}), second))


def test_any_difference_under_the_same_id_is_an_internal_error(con):
    store.save_run(con, run(con))
    before = counts(con)
    seen = 0
    for other in changed_runs(con):
        with pytest.raises(InternalError, match="other numbers") as caught:
            store.save_run(con, other)
        assert caught.value.exit_code == 70
        seen += 1
    assert seen == 13
    assert counts(con) == before


def test_a_run_that_fails_in_the_middle_leaves_nothing(con):
    before = counts(con)
    arm = run(con).arms[0]
    broken = dataclasses.replace(arm, decisions=decisions(3).with_columns(outcome=pl.lit("hopeless")))
    with pytest.raises(Exception, match="hopeless"):
        store.save_run(con, run(con, arms=(broken,)))
    assert counts(con) == before
    assert store.save_run(con, run(con)) is True


def test_two_runs_do_not_mix(con):
    store.save_run(con, run(con))
    store.save_run(con, run(con, run_id="ffffffffffff", measures=measures(0.75)))
    assert store.run_table(con, "measures", "ffff")["value"].to_list() == [0.75]
    assert store.run_table(con, "decisions", "ffff").height == 3
    assert store.list_runs(con)["run_id"].to_list() == ["abc123def456", "ffffffffffff"]


def test_runs_are_found_by_the_beginning_of_their_id(con):
    with pytest.raises(StoreError, match="there is none yet"):
        store.read_run(con, "abc")
    store.save_run(con, run(con))
    store.save_run(con, run(con, run_id="abd000000000"))
    found = store.read_run(con, "abc")
    assert (found["run_id"], found["kind"], found["manifest"]) == (
        "abc123def456", "backtest", '{"candidate":{"name":"p"}}',
    )  # fmt: skip
    assert found["started_at"] == at("2026-01-01")
    assert [(arm["arm"], arm["policy_digest"]) for arm in found["arms"]] == [("candidate", "pd"), ("observed", "")]
    for text, message in (("ab", "2 runs begin"), ("abz", "such as abd|such as abc"), ("", "no run ''")):
        with pytest.raises(StoreError, match=message) as caught:
            store.read_run(con, text)
        assert caught.value.exit_code == 3
    with pytest.raises(StoreError, match="no run table"):
        store.run_table(con, "tickets", "abc")


cells = st.none() | st.text(max_size=3)


@given(first=st.lists(cells, max_size=4), second=st.lists(cells, max_size=4))
def test_fingerprints_are_equal_exactly_for_equal_frames(first, second):
    def digest(values):
        return frames_digest("", {"f": pl.DataFrame({"x": values}, schema={"x": pl.String})})

    assert (digest(first) == digest(second)) == (first == second)


lists = st.lists(st.none() | st.lists(st.integers(0, 3), max_size=2), max_size=3)


@given(first=lists, second=lists)
def test_fingerprints_tell_lists_apart(first, second):
    def digest(values):
        return frames_digest("", {"f": pl.DataFrame({"x": values}, schema={"x": pl.List(pl.UInt64)})})

    assert (digest(first) == digest(second)) == (first == second)
