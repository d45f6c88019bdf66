"""Titles and sentences: they state the finding and say no more than the interval allows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from results_for_report import (
    comparison,
    curve,
    enrichment,
    full_result,
    gates,
    measure,
    queues,
    routing_result,
    segments,
)

from triage_lab.domain.enums import Better, Change, Flag, GateState, Grade, Severity, VerdictWord
from triage_lab.domain.measure import Comparison
from triage_lab.domain.result import NotPossible
from triage_lab.report import findings, summary_lines, summary_rows
from triage_lab.report.marks import (
    BLOCKS,
    BROKEN,
    PASSES,
    SKIPPED,
    TOLERATED,
    UNCERTAIN,
    UNKNOWN,
    WARNS,
    gate_mark,
    limit_mark,
)
from triage_lab.report.numbers import DASH, comparison_scale
from triage_lab.report.sections import data, limits, routing
from triage_lab.report.sections import enrichment as enrichment_section
from triage_lab.report.wording import (
    baseline_text,
    calibration_text,
    change_words,
    emphasis,
    facts,
    missing_reason,
    segment_label,
)


def test_segments_in_words() -> None:
    assert segment_label({}) == "All tickets"
    assert segment_label({"mrr_tier": "(none)"}) == "MRR unknown"
    assert segment_label({"rule_id": "default"}) == "Rule default"
    assert segment_label({"channel": "chat", "mrr_tier": "low"}) == "Low MRR · channel chat"
    assert segment_label({"product_module": "(none)"}) == "No product module"
    assert segment_label({"field": "mrr", "source": "*"}) == "Field mrr · all sources"
    assert segment_label({"b": "1", "a": "2"}) == segment_label({"a": "2", "b": "1"})


def test_only_certain_changes_are_called_better_or_worse() -> None:
    def words(before: float, after: float, spread: float, better: Better = Better.HIGHER) -> tuple[str, str, str]:
        item = comparison("m", before, after, 0.01, 90, 30, better=better, spread=spread)
        told = change_words(item, comparison_scale(item, ""))
        return told.amount, told.word, told.tone

    assert words(0.5, 0.6, 0.02) == ("+10.0 points", "better", "b")
    assert words(0.5, 0.6, 0.02, Better.LOWER) == ("+10.0 points", "worse", "w")
    assert words(0.5, 0.6, 0.2) == ("+10.0 points", "uncertain", "u")
    assert words(0.5, 0.5, 0.0)[:2] == ("no change", "")


def test_a_missing_difference_is_a_dash_with_words() -> None:
    item = Comparison("m", {}, None, measure("m", "candidate", 0.5, 0.1, 9, 3), None, Better.HIGHER, Change.NOT_SHOWN)
    assert change_words(item, comparison_scale(item, "")).amount == DASH


def test_figures_of_a_sentence_are_strong_and_nothing_is_lost() -> None:
    sentence = "It meets 91.8 % of 12,000 targets, +4.9 points, within 38 minutes or €3.02 M"
    pieces = emphasis(sentence)
    assert "".join(piece.text for piece in pieces).replace("\u202f", " ") == sentence
    assert [piece.text for piece in pieces if piece.strong] == ["91.8\u202f%", "+4.9 points", "38 minutes", "€3.02 M"]


def test_title_line_facts() -> None:
    line = " · ".join(facts(full_result()))
    assert line == (
        "48,212 tickets from 1,911 accounts (402 without a known account, 0.8\u202f%), 30 March to 21 June 2026 · "
        "data as of 30 June 2026 · backtest, 30 paired replications · calibration passes"
    )
    routed = facts(replace(routing_result(), scope=replace(routing_result().scope, where="category = 'x'")))
    assert routed[-1] == "only category = 'x'" or "only category = 'x'" in routed
    assert "routing only, no queue simulated" in routed
    assert baseline_text(routing_result()) == "against today’s routing, as logged"


def test_uncalibrated_numbers_are_called_so() -> None:
    result = full_result()
    flagged = replace(
        result.comparisons[0], candidate=replace(result.comparisons[0].candidate, flags=(Flag.NOT_CALIBRATED,))
    )  # type: ignore[type-var]
    assert calibration_text(replace(result, comparisons=(flagged, *result.comparisons[1:]))) == "not calibrated"
    assert calibration_text(replace(result, comparisons=())) == "nothing simulated"


def test_service_title_names_the_largest_certain_gain_and_loss() -> None:
    result = full_result()
    assert findings.service_title(result) == (
        "High MRR · rule renewal-dispute gains most, 22.6 points; mid MRR · rule office-hours loses 4.5 points"
    )
    gains = tuple(item for item in segments() if item.change is Change.BETTER)
    assert findings.service_title(replace(result, comparisons=gains)).endswith("no segment certainly loses")
    losses = tuple(item for item in segments() if item.change is Change.WORSE)
    assert findings.service_title(replace(result, comparisons=losses)).endswith("no segment certainly gains")


def test_service_title_claims_nothing_from_an_interval_that_contains_no_change() -> None:
    unsure = comparison("sla_compliance", 0.90, 0.91, 0.05, 90, 30)
    title = findings.service_title(replace(full_result(), comparisons=(unsure,)))
    assert title == "Today and the new policy cannot be told apart in service levels"
    same = comparison("sla_compliance", 0.9, 0.9, 0.01, 90, 30, spread=0.0)
    assert "the same" in findings.service_title(replace(full_result(), comparisons=(same,)))
    sure = comparison("sla_compliance", 0.8, 0.9, 0.01, 90, 30)
    assert "gain 10.0 points" in findings.service_title(replace(full_result(), comparisons=(sure,)))
    assert findings.service_title(routing_result()).startswith("Service levels need a desk")


def test_wait_titles() -> None:
    result = full_result()
    name = "time_to_first_action"
    assert findings.wait_title(result, name) == "Half the tickets get a first action within 38 min; today it takes 64"
    unsure = comparison(name, 64.0, 60.0, 9.0, 90, 30, unit="minutes", better=Better.LOWER)
    arms = (curve("baseline", 64.0, 90), curve("candidate", 60.0, 90))
    told = findings.wait_title(replace(result, comparisons=(unsure,), curves=arms), name)
    assert told == "Half the tickets get a first action within 60 min, today 64: the two cannot be told apart"
    assert "no interval for the change" in findings.wait_title(replace(result, comparisons=()), name)
    never = replace(curve("candidate", 60.0, 90), median=None)
    assert findings.wait_title(replace(result, curves=(never,)), name).startswith("Fewer than half the tickets")
    assert findings.wait_title(replace(result, curves=(arms[0], never)), name).startswith("Only today")
    assert findings.wait_title(replace(result, curves=(replace(arms[0], median=None), never)), name).startswith(
        "In neither arm"
    )


def test_routing_titles() -> None:
    assert findings.routing_title(full_result()).startswith("13.5\u202f% of tickets change owner:")
    assert findings.routing_title(replace(full_result(), routes=())) == "No route can be shown"
    blind = tuple(replace(cell, put_right=0, put_wrong=0, truth_unknown=cell.tickets) for cell in full_result().routes)
    assert "cannot be told" in findings.routing_title(replace(full_result(), routes=blind))
    sums = routing.balance(full_result())
    assert f"{sums.changed:,} of 48,212 change owner" in findings.routing_deck(full_result())


def test_load_title_counts_open_hours_only() -> None:
    assert "support-apac for 4 hours" in findings.load_title(full_result())
    calm = tuple(item for item in queues() if item.team in {"support", "joint-deals"})
    assert findings.load_title(replace(full_result(), queues=calm)).startswith("No team runs short")


def test_enrichment_title_counts_what_is_proved() -> None:
    assert findings.enrichment_title(full_result()) == (
        "Two of six facts are proved right above 95\u202f%; open_opportunity_amount, legal_flag and one more fall below"
    )
    bare = tuple(replace(item, accuracy=None) for item in enrichment())
    assert "cannot be told" in findings.enrichment_title(replace(full_result(), enrichment=bare))
    limit = enrichment_section.limit_of(full_result())
    assert enrichment_section.judge(measure("a", "candidate", 0.96, 0.02, 9, 9), limit) is GateState.WARN
    assert enrichment_section.judge(measure("a", "candidate", 0.95, 0.0, 9, 9), limit) is GateState.FAIL
    assert enrichment_section.judge(None, limit) is GateState.SKIPPED


def test_data_and_readiness_titles() -> None:
    assert (
        findings.data_title(full_result())
        == "5 of 10 data gates hold; “No ticket is resolved before it is created” fails"
    )
    good = tuple(gate for gate in gates() if gate.state is GateState.PASS)
    assert findings.data_title(replace(full_result(), gates=good)) == "4 of 4 data gates hold; none fails"
    assert findings.readiness_title(full_result()) == (
        "Three of nine launch items are green; red: enrichment, templates; four have no evidence yet"
    )


def test_marks_never_pass_what_was_not_judged() -> None:
    assert limit_mark("pass", "critical") is PASSES
    assert limit_mark("fail", "critical") is BLOCKS and limit_mark("fail", "warning") is WARNS
    assert limit_mark("warn", "critical") is UNCERTAIN
    assert limit_mark("not_assessable", "critical") is UNKNOWN and limit_mark("skipped", "info") is UNKNOWN
    assert (
        gate_mark(GateState.SKIPPED, Severity.CRITICAL) is SKIPPED
        and gate_mark(GateState.ERROR, Severity.INFO) is BROKEN
    )
    assert gate_mark(GateState.WARN, Severity.CRITICAL) is TOLERATED


def test_blocking_gates_come_first_and_none_is_lost() -> None:
    block = limits.gate_block(full_result())
    assert [row.blocking for row in block.rows][:2] == [True, True]
    assert block.title == "Two of 14 gates block"
    assert block.folded[-1].lead == "7 gates pass:"
    many = tuple(replace(gates()[1], gate_id=f"g{index}", title=f"Gate {index}") for index in range(30))
    crowded = limits.gate_block(replace(full_result(), gates=many))
    assert len(crowded.rows) == limits.MOST
    assert crowded.folded[0].lead == "21 more block too:" and crowded.folded[0].names == "21 data checks"


def test_a_passing_page_says_so() -> None:
    result = full_result()
    good = tuple(replace(kpi, state="pass") for kpi in result.kpis)
    block = limits.gate_block(replace(result, kpis=good, gates=result.gates[:1]))
    assert block.title == "All 8 gates pass" and block.rows == ()


def test_gate_limits_on_shares_are_written_in_per_cent() -> None:
    assert limits.gate_limit(replace(gates()[0], limit="≥ 0.95")) == "≥ 95\u202f%"
    assert limits.gate_limit(replace(gates()[0], limit="0 rows")) == "0 rows"


def test_flow_ends_in_what_is_analysed() -> None:
    rows = data.view(full_result()).flow
    assert [row.tickets for row in rows] == ["50,641", "−1,318", "−1,111", "48,212", "1,342"]
    assert [row.total for row in rows] == [False, False, False, True, False]


def test_reasons_come_from_the_run() -> None:
    result = replace(full_result(), not_possible=(NotPossible("SLA targets met", "no SLA targets"),))
    assert missing_reason(result, "sla_compliance") == "no SLA targets"
    assert missing_reason(routing_result(), "queues") == "not possible: no operations.yaml"
    assert "this run holds no such numbers" in missing_reason(result, "queues")


def test_summary_rows_for_a_terminal() -> None:
    rows = summary_rows(full_result())
    assert (rows[0].label, rows[0].baseline, rows[0].candidate) == (
        "First-action SLA met",
        "86.9\u202f%",
        "91.8\u202f%",
    )
    assert rows[0].difference == "+4.9 points (+3.2 to +6.6), better"
    assert (rows[0].limit, rows[0].state, rows[0].grade) == ("≥ 90\u202f%", "pass", "simulated")
    bare = summary_rows(routing_result())[0]
    assert (bare.baseline, bare.candidate, bare.grade, bare.reason) == (
        DASH,
        DASH,
        "",
        "not possible: no operations.yaml",
    )


@pytest.mark.parametrize("word", list(VerdictWord))
def test_summary_lines_lead_with_the_verdict(word: VerdictWord) -> None:
    lines = summary_lines(full_result(word))
    assert lines[2] == ("verdict", word.value)
    assert [name for name, _ in lines if name == "gets worse"] == ["gets worse"] * 3
    assert all(isinstance(text, str) and text for _, text in lines)


def test_every_row_of_the_first_screen_carries_a_grade_if_it_has_a_number() -> None:
    for row in limits.gate_block(full_result()).rows:
        assert row.value == DASH or row.grade in {grade.value for grade in Grade}
