"""Tallies: the hand-checked fixture, the slow twin, and what must not change a count."""

from __future__ import annotations

import random

import naive_metrics
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import UsageError
from triage_lab.metrics import CATALOGUE, NO_DESK, Tallies, tally

HOUR = 3600
CREATED = [0, 0, 2, 7, 8, 5]
ACTED = [3, 5, None, 8, None, 9]
CUTOFF = 10 * HOUR
TIMES = ("owned_at", "started_at", "first_action_at", "first_human_action_at", "resolved_at", "censored_at")


def records_frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = {"arrived_at": pl.Int64, **dict.fromkeys(TIMES, pl.Int64)}
    schema |= {"wait_minutes": pl.Float64, "handoffs": pl.Int32, "escalations": pl.Int32}
    schema |= {"misrouted_resolver": pl.Boolean, "misrouted_labelled": pl.Boolean, "scored": pl.Boolean}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def states_frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = {"row": pl.UInt32, "sla_metric": pl.String, "cycle": pl.Int32, "state": pl.String, "due_at": pl.Int64}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def facts_frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = {
        "cluster": pl.String,
        "account_known": pl.Boolean,
        "mrr": pl.Float64,
        "mrr_tier": pl.String,
        "rule": pl.String,
    }
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def fixture(cutoff: int = CUTOFF) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """SLA of 4 hours on six tickets, read at 10 hours (docs/method/evidence.md)."""
    records, states, facts = [], [], []
    for row, (created, acted) in enumerate(zip(CREATED, ACTED, strict=True)):
        due = (created + 4) * HOUR
        at = None if acted is None else acted * HOUR
        done = at is not None and at <= cutoff
        state = "met" if done and at <= due else "breached" if done or due <= cutoff else "open"
        records.append({
            "arrived_at": created * HOUR, "first_action_at": at if done else None, "censored_at": cutoff,
            "scored": True, "handoffs": 0, "escalations": 0,
        })  # fmt: skip
        states.append({"row": row, "sla_metric": "first_action", "cycle": 1, "state": state, "due_at": due})
        facts.append({"cluster": f"account-{row}", "account_known": True, "mrr": 100.0, "mrr_tier": "mid"})
    return records_frame(records), states_frame(states), facts_frame(facts)


def ratio(tallies: Tallies, metric: str, segment: str = "{}") -> tuple[float, float]:
    rows = tallies.rates.filter((pl.col("metric") == metric) & (pl.col("segment") == segment))
    return rows["numerator"].sum(), rows["denominator"].sum()


def test_only_the_matured_cohort_counts() -> None:
    records, states, facts = fixture()
    tallies = tally(records, states, facts, cutoff=CUTOFF)
    assert ratio(tallies, "sla_compliance") == (2, 4)
    assert ratio(tallies, "sla_open_share") == (2, 6)
    assert tallies.headline == "first_action"


def test_acting_exactly_at_the_due_instant_is_met_and_a_late_breach_counts_the_account_once() -> None:
    records, states, facts = fixture()
    facts = facts.with_columns(
        cluster=pl.Series(["a", "a", "a", "b", "b", "c"]), mrr=pl.Series([1.0, 2, 7.5, 3, 3, None])
    )
    tallies = tally(records, states, facts, cutoff=CUTOFF)
    late = tallies.rates.filter(pl.col("metric") == "mrr_late").select("cluster", "numerator", "denominator").rows()
    assert late == [("a", 7.5, 3.0)]  # b has nothing matured, c has no MRR, a's last known MRR counts once


def test_a_later_cutoff_never_changes_a_matured_ticket() -> None:
    early, late = (tally(*fixture(cutoff), segmentations=[], cutoff=cutoff) for cutoff in (CUTOFF, 20 * HOUR))
    matured = early.rates.filter(pl.col("metric") == "sla_compliance")
    later = late.rates.filter(pl.col("metric") == "sla_compliance")
    assert set(matured.select(pl.col("cluster").cast(pl.String), "numerator").rows()) <= set(
        later.select(pl.col("cluster").cast(pl.String), "numerator").rows()
    )


def test_without_a_desk_nothing_of_the_desk_is_counted() -> None:
    records, _, facts = fixture()
    records = records.with_columns(misrouted_resolver=pl.Series([True, False, None, None, None, True]))
    tallies = tally(records, None, facts, cutoff=CUTOFF, desk=False)
    assert set(tallies.rates["metric"].cast(pl.String)) == {"misroute_resolver"}
    assert tallies.durations.height == 0
    reasons = {item.subject: item.reason for item in tallies.absent}
    assert reasons["sla_compliance"] == reasons["backlog"] == reasons["time_to_person"] == NO_DESK


def test_unknown_truth_is_left_out_of_misroute() -> None:
    records, states, facts = fixture()
    records = records.with_columns(misrouted_resolver=pl.Series([True, False, None, None, None, True]))
    tallies = tally(records, states, facts, cutoff=CUTOFF)
    assert ratio(tallies, "misroute_resolver") == (2, 3)


def test_other_targets_are_segments_of_their_own() -> None:
    records, states, facts = fixture()
    resolve = states.with_columns(sla_metric=pl.lit("resolve"), state=pl.lit("breached"))
    tallies = tally(records, pl.concat([states, resolve]), facts, cutoff=CUTOFF, segmentations=[("mrr_tier",)])
    assert ratio(tallies, "sla_compliance", '{"sla_metric":"resolve"}') == (0, 6)
    assert ratio(tallies, "sla_compliance", '{"mrr_tier":"mid","sla_metric":"resolve"}') == (0, 6)
    assert ratio(tallies, "sla_compliance") == (2, 4)
    chosen = tally(records, pl.concat([states, resolve]), facts, cutoff=CUTOFF, headline="resolve")
    assert ratio(chosen, "sla_compliance") == (0, 6)


def test_only_scored_tickets_count() -> None:
    records, states, facts = fixture()
    records = records.with_columns(scored=pl.Series([True, True, False, False, False, None]))
    assert ratio(tally(records, states, facts, cutoff=CUTOFF), "sla_compliance") == (1, 2)
    nothing = tally(records.with_columns(scored=pl.lit(value=False)), states, facts, cutoff=CUTOFF)
    assert nothing.rates.height == nothing.durations.height == 0


def test_time_before_arrival_is_left_out_and_said() -> None:
    records, states, facts = fixture()
    records = records.with_columns(first_action_at=pl.Series([-60, *records["first_action_at"].to_list()[1:]]))
    tallies = tally(records, states, facts, cutoff=CUTOFF)
    assert tallies.durations.height == 5
    assert any("1 tickets left out" in item.reason for item in tallies.absent)


def test_frames_that_do_not_belong_together_are_refused() -> None:
    records, states, facts = fixture()
    with pytest.raises(UsageError, match="row-aligned"):
        tally(records, states, facts.head(3), cutoff=CUTOFF)
    with pytest.raises(UsageError, match="no column region"):
        tally(records, states, facts, cutoff=CUTOFF, segmentations=[("region",)])


@st.composite
def desks(
    draw: st.DrawFn,
) -> tuple[list[dict[str, object]], list[dict[str, object]], list[dict[str, object]], list[str | None]]:
    """Small logs with every kind of hole."""
    count = draw(st.integers(1, 12))
    numbers = random.Random(draw(st.integers(0, 10**6)))

    def maybe(value: object) -> object:
        return value if numbers.random() < 0.7 else None

    records, facts, states, outcome = [], [], [], []
    for row in range(count):
        arrived = numbers.randrange(0, 5000)
        resolved = maybe(arrived + numbers.randrange(0, 9000))
        resolved = resolved if resolved is None or resolved <= CUTOFF else None  # type: ignore[operator]
        records.append({
            "arrived_at": arrived,
            "started_at": maybe(arrived + numbers.randrange(0, 4000)),
            "first_action_at": maybe(arrived + numbers.randrange(0, 4000)),
            "first_human_action_at": maybe(arrived + numbers.randrange(-50, 4000)),
            "resolved_at": resolved,
            "censored_at": CUTOFF if resolved is None else None,
            "wait_minutes": maybe(numbers.randrange(0, 999) / 60),
            "handoffs": numbers.randrange(0, 3),
            "escalations": numbers.randrange(0, 2),
            "misrouted_resolver": maybe(numbers.random() < 0.5),
            "misrouted_labelled": maybe(numbers.random() < 0.5),
            "scored": numbers.random() < 0.8,
        })  # fmt: skip
        account = maybe(f"a{numbers.randrange(3)}")
        facts.append({
            "cluster": account or f"ticket:{row}", "account_known": account is not None,
            "mrr": maybe(numbers.randrange(0, 10000) / 7), "mrr_tier": maybe(numbers.choice(["high", "mid"])),
            "rule": maybe(numbers.choice(["r1", 'r"2', "ü"])),
        })  # fmt: skip
        for metric in ("first_action", "resolve"):
            due = arrived + numbers.randrange(0, CUTOFF)
            for cycle in range(1, numbers.randrange(1, 3) + 1):
                state = numbers.choice(["met", "breached", "open", "not_applicable"])
                states.append({"row": row, "sla_metric": metric, "cycle": cycle, "state": state, "due_at": due})
        outcome.append(maybe(numbers.choice(["rule", "override", "default", "manual_unknown", "manual_requires"])))
    return records, states, facts, outcome  # type: ignore[return-value]


CUTS = [("mrr_tier",), ("rule",), ("rule", "mrr_tier")]


@settings(deadline=None, max_examples=40)
@given(desks())
def test_tally_equals_its_slow_twin(desk: tuple[list, list, list, list]) -> None:  # type: ignore[type-arg]
    records, states, facts, outcome = desk
    tallies = tally(
        records_frame(records), states_frame(states), facts_frame(facts), segmentations=CUTS, cutoff=CUTOFF,
        outcome=pl.Series(values=outcome, dtype=pl.String),
    )  # fmt: skip
    sums, waits = naive_metrics.naive_tally(records, states, facts, CUTS, CUTOFF, tallies.headline, outcome)
    absent = {item.subject for item in tallies.absent if "left out" not in item.reason}
    got = {tuple(row[:3]): row[3:] for row in tallies.rates.rows()}
    expected = {key: value for key, value in sums.items() if key[0] not in absent}
    if tallies.headline is None:
        expected = {key: value for key, value in expected.items() if not key[0].startswith(("sla_", "mrr_"))}
    assert got.keys() == expected.keys()
    assert all(value == pytest.approx(expected[key], abs=1e-9) for key, value in got.items())
    spans: dict[tuple[str, str], list[tuple[str, float, bool]]] = {}
    for metric, segment, cluster, minutes, event in tallies.durations.rows():
        spans.setdefault((metric, segment), []).append((cluster, minutes, event))
    assert {key: sorted(rows) for key, rows in spans.items()} == {
        key: sorted(rows) for key, rows in waits.items() if key[0] not in absent
    }


@settings(deadline=None, max_examples=15)
@given(desks(), st.integers(0, 1000))
def test_row_order_does_not_matter(desk: tuple[list, list, list, list], seed: int) -> None:  # type: ignore[type-arg]
    records, states, facts, _ = desk
    facts = [
        {**fact, "mrr": None if fact["mrr"] is None else 70.0} for fact in facts
    ]  # the last known MRR needs the order
    order = list(range(len(records)))
    random.Random(seed).shuffle(order)
    back = {old: new for new, old in enumerate(order)}
    one = tally(records_frame(records), states_frame(states), facts_frame(facts), segmentations=CUTS, cutoff=CUTOFF)
    other = tally(
        records_frame([records[at] for at in order]),
        states_frame([{**state, "row": back[state["row"]]} for state in states]),
        facts_frame([facts[at] for at in order]),
        segmentations=CUTS,
        cutoff=CUTOFF,
    )
    assert one.rates.equals(other.rates)


def test_categorical_facts_give_the_same_tally() -> None:
    records, states, facts = fixture()
    coded = facts.with_columns(pl.col("cluster", "mrr_tier").cast(pl.Categorical))
    cuts = [("mrr_tier",)]
    plain = tally(records, states, facts, segmentations=cuts, cutoff=CUTOFF)
    assert plain.rates.equals(tally(records, states, coded, segmentations=cuts, cutoff=CUTOFF).rates)


def test_vendor_flag_is_counted_as_it_is() -> None:
    records, states, facts = fixture()
    flags = pl.Series([True, True, None, False, None, True])
    tallies = tally(records, states, facts, cutoff=CUTOFF, vendor_met=flags)
    assert ratio(tallies, "vendor_sla_met") == (3, 4)


def test_every_tallied_metric_is_in_the_catalogue() -> None:
    names = set(tally(*fixture(), cutoff=CUTOFF).rates["metric"].cast(pl.String).to_list())
    assert names <= set(CATALOGUE)
    assert all(
        metric.definition.endswith(".") and metric.denominator and metric.open_rule for metric in CATALOGUE.values()
    )
