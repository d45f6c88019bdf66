"""Four numbers, vendor clocks, rule use."""

from __future__ import annotations

import polars as pl

from triage_lab.domain.desk import ColumnKind
from triage_lab.domain.policy import Actions, Also, Default, Manifest, Override, Policy, Rule, Stage
from triage_lab.domain.predicate import Column, IsNull
from triage_lab.metrics import rule_use, sla_counts, vendor_flags

SCHEMA = {"row": pl.UInt32, "sla_metric": pl.String, "cycle": pl.Int32, "state": pl.String, "due_at": pl.Int64}


def states(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


STATES = states(
    (0, "resolve", 1, "met", 50),
    (1, "resolve", 1, "breached", 60),
    (2, "resolve", 1, "met", 101),
    (3, "resolve", 1, "open", 200),
    (4, "resolve", 1, "not_applicable", None),
    (0, "first_action", 1, "met", 10),
    (0, "first_action", 2, "breached", 20),
)
FACTS = pl.DataFrame({"cluster": list("abcde"), "mrr_tier": ["high", "high", None, "low", "low"]})


def test_four_numbers_and_an_early_success_is_still_open() -> None:
    first, resolve = sla_counts(STATES, pl.Series([True] * 5), FACTS, arm="baseline", cutoff=100)
    assert (resolve.met, resolve.breached, resolve.open, resolve.not_applicable) == (1, 1, 2, 1)
    assert (first.sla_metric, first.met, first.breached) == ("first_action", 0, 1)  # one ticket, its worst cycle


def test_segments_add_up_to_the_whole() -> None:
    counts = sla_counts(STATES, pl.Series([True] * 5), FACTS, arm="baseline", cutoff=100, segmentations=[("mrr_tier",)])
    resolve = [one for one in counts if one.sla_metric == "resolve"]
    assert resolve[0].segment == {}
    assert [one.segment["mrr_tier"] for one in resolve[1:]] == ["(none)", "high", "low"]
    for name in ("met", "breached", "open", "not_applicable"):
        assert getattr(resolve[0], name) == sum(getattr(one, name) for one in resolve[1:])


def test_only_scored_tickets_and_no_targets() -> None:
    counts = sla_counts(STATES, pl.Series([False, True, False, False, False]), FACTS, arm="x", cutoff=100)
    assert [(one.sla_metric, one.breached, one.met) for one in counts] == [("resolve", 1, 0)]
    assert sla_counts(None, pl.Series([True] * 5), FACTS, arm="x", cutoff=100) == ()


def test_vendor_flag_against_our_clock() -> None:
    flags = pl.Series([True, True, False, None, True])
    assert vendor_flags(flags, STATES, scored=pl.Series([True] * 5), cutoff=1000) == {
        "vendor_total": 4, "vendor_met": 3, "compared": 3, "agree": 1, "vendor_only_met": 1, "ours_only_met": 1,
    }  # fmt: skip
    alone = vendor_flags(flags, None, scored=pl.Series([True, True, True, True, False]), cutoff=1000)
    assert (alone["vendor_total"], alone["compared"]) == (3, 0)


def policy() -> Policy:
    when = IsNull(Column("mrr", ColumnKind.DECIMAL))
    rules = tuple(Rule(f"r{place}", when, f"text {place}", Actions(route="a")) for place in range(65))
    override = Override(
        "exception", when, "legal_flag = TRUE", Actions(route="b"), ("*",), manifest=Manifest(owner="legal")
    )
    also = Also("deal", when, "deal", Actions())
    return Policy("p", "1", Stage.DRAFT, (override,), rules, (also,), Default(Actions(route="a")))


def test_rule_use_reads_the_masks_by_place() -> None:
    decisions = pl.DataFrame({
        "rule_id": ["exception", "r63", "default", "r0"],
        "fired_0": pl.Series([0b11, 0, 0, 0b10], dtype=pl.UInt64),
        "fired_1": pl.Series([0b100, 0b1, 0b100, 0], dtype=pl.UInt64),
        "unknown_0": pl.Series([0, 1, 1, 0], dtype=pl.UInt64),
        "unknown_1": pl.Series([0, 0, 0, 0], dtype=pl.UInt64),
    })  # fmt: skip
    use = {one.item_id: one for one in rule_use(decisions, policy(), pl.Series([True, True, True, False]))}
    assert next(iter(use)) == "exception"
    assert list(use)[-1] == "default"
    assert (use["exception"].fired, use["exception"].won, use["exception"].unknown, use["exception"].owner) == (
        1,
        1,
        2,
        "legal",
    )
    assert (use["r0"].fired, use["r0"].won) == (1, 0)  # fired but overridden; its own win is not scored
    assert (use["r63"].fired, use["r63"].won) == (1, 1)  # item 64: first bit of the second word
    assert (use["deal"].fired, use["deal"].won, use["deal"].kind) == (2, 0, "also")
    assert (use["default"].fired, use["default"].won) == (1, 1)
