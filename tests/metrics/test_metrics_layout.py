"""Layouts: one for many tallies gives what each tally alone gives."""

from __future__ import annotations

import naive_metrics
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_metrics_tally import CUTOFF, CUTS, desks, facts_frame, fixture, records_frame, states_frame

from triage_lab.domain.errors import UsageError
from triage_lab.metrics import Tallies, prepare, tally
from triage_lab.metrics.layout import codes_of


def same_frames(one: Tallies, other: Tallies) -> bool:
    return one.rates.equals(other.rates) and one.durations.equals(other.durations) and one.absent == other.absent


@settings(deadline=None, max_examples=25)
@given(desks(), desks())
def test_tallies_of_one_layout_do_not_touch_each_other(desk: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    records, states, facts, outcome = desk
    count = min(len(records), len(other[0]))
    table, marks = facts_frame(facts[:count]), pl.Series([bool(row["scored"]) for row in records[:count]])
    layout = prepare(table, marks, CUTS)
    for rows, targets in ((records, states), (other[0], other[1]), (records, states)):
        kept = records_frame(rows[:count]).with_columns(scored=marks)
        mine = states_frame([row for row in targets if row["row"] < count])
        result = pl.Series(values=outcome[:count], dtype=pl.String)
        alone = tally(kept, mine, table, segmentations=CUTS, cutoff=CUTOFF, outcome=result)
        shared = tally(kept.drop("scored"), mine, table, cutoff=CUTOFF, outcome=result, layout=layout)
        assert same_frames(shared, alone)


def test_equal_numbers_are_one_object() -> None:
    records, states, facts = fixture()
    layout = prepare(facts, records["scored"], [("mrr_tier",)])
    first, second = (tally(records, states, facts, cutoff=CUTOFF, layout=layout) for _ in range(2))
    later = records.with_columns(pl.col("first_action_at") + 60)
    third = tally(later, states, facts, cutoff=CUTOFF, layout=layout)
    clock = "time_to_first_action"
    assert first.clocks[clock] is second.clocks[clock]
    assert first.clocks[clock] is not third.clocks[clock]
    assert third.clocks[clock].seconds.tolist() != first.clocks[clock].seconds.tolist()
    key = ("sla_compliance", "")
    assert first.sums[key].numerator is second.sums[key].numerator is third.sums[key].numerator


def test_ways_to_cut_that_part_the_tickets_alike_share_their_groups() -> None:
    records, states, facts = fixture()
    layout = prepare(facts, records["scored"], [("mrr_tier",), ("account_known", "mrr_tier")])
    assert [group for group, _ in layout.segments] == [0, 0, 0]
    rates = tally(records, states, facts, cutoff=CUTOFF, layout=layout).rates
    texts = rates.filter(pl.col("metric") == "sla_compliance")["segment"].unique(maintain_order=True).to_list()
    assert texts == ["{}", '{"mrr_tier":"mid"}', '{"account_known":"true","mrr_tier":"mid"}']


def test_fewer_ways_to_cut_are_a_layout_of_their_own() -> None:
    records, states, facts = fixture()
    facts = facts.with_columns(rule=pl.Series(["b", "a", "b", "a", "c", "c"]))
    wide = prepare(facts, records["scored"], [("rule",), ("rule", "mrr_tier")])
    for cuts in ([("rule",)], [("mrr_tier",)], []):
        narrow = tally(records, states, facts, cutoff=CUTOFF, layout=wide.restrict(cuts))
        assert same_frames(narrow, tally(records, states, facts, cutoff=CUTOFF, segmentations=cuts))


def test_a_layout_of_other_tickets_is_refused() -> None:
    records, states, facts = fixture()
    layout = prepare(facts, records["scored"])
    with pytest.raises(UsageError, match="layout of 6 tickets"):
        tally(records.head(2), states, facts.head(2), cutoff=CUTOFF, layout=layout)
    with pytest.raises(UsageError, match="marks for"):
        prepare(facts, records["scored"].head(2))
    with pytest.raises(UsageError, match="no column region"):
        prepare(facts, records["scored"], [("region",)])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["", "a", "b", "ab", "é", "ticket:1", "ticket:10", "ticket:2"]), max_size=30))
def test_codes_are_places_among_the_sorted_values(values: list[str]) -> None:
    words = sorted(set(values), key=lambda one: one.encode())
    assert codes_of(pl.Series(values, dtype=pl.String)).tolist() == [words.index(one) for one in values]


def test_sums_beyond_32_bits_stay_exact() -> None:
    records, _, facts = fixture()
    wide = np.array([2**40, 1, 0, 0, 0, 2**40 + 1])
    layout = prepare(facts.with_columns(cluster=pl.lit("a")), records["scored"])
    assert layout.sums("seconds", wide).tolist() == [2**41 + 2]


def test_the_slow_twin_agrees_on_the_worst_cycle() -> None:
    records, _, facts = fixture()
    cycles = [("met", 3), ("breached", 2), ("open", 90), ("met", 90), ("not_applicable", 1), ("met", 1)]
    rows = [
        {"row": row, "sla_metric": "resolve", "cycle": place, "state": state, "due_at": due * 3600}
        for row in range(6)
        for place, (state, due) in enumerate(cycles[row:])
    ]
    tallies = tally(records, states_frame(rows), facts, cutoff=CUTOFF)
    worst = [naive_metrics.naive_state([one for one in rows if one["row"] == row], CUTOFF) for row in range(6)]
    met, still = tallies.sums["sla_compliance", ""], tallies.sums["sla_open_share", ""]
    assert met.numerator.sum() == worst.count("met")
    assert met.denominator.sum() == worst.count("met") + worst.count("breached")
    assert still.numerator.sum() == worst.count("open")
