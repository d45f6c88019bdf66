"""Lookups, their errors and the legal flag."""

from __future__ import annotations

import polars as pl
import pytest

from triage_lab.domain.desk import ColumnKind, ContextColumn
from triage_lab.domain.errors import UsageError
from triage_lab.metrics import EnrichmentTallies, same_value, tally_enrichment

LOOKUPS = {
    "row": pl.UInt32,
    "field": pl.String,
    "source": pl.String,
    "value": pl.String,
    "status": pl.String,
    "looked_up_at": pl.Int64,
}
LABELS = {"row": pl.UInt32, "field": pl.String, "value": pl.String}
FACTS = pl.DataFrame({"cluster": ["a", "a", "b", "c"]})
ALL = pl.Series([True] * 4)


def lookups(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=LOOKUPS, orient="row")


def labels(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=LABELS, orient="row")


def ratio(tallies: EnrichmentTallies, metric: str, segment: str = "{}") -> tuple[float, float]:
    rows = tallies.rates.filter((pl.col("metric") == metric) & (pl.col("segment") == segment))
    return rows["numerator"].sum(), rows["denominator"].sum()


@pytest.mark.parametrize(
    ("kind", "found", "truth", "equal"),
    [
        (ColumnKind.DECIMAL, "10.004", "10", True),
        (ColumnKind.DECIMAL, "10.01", "10", False),
        (ColumnKind.DECIMAL, "unknown", "Unknown ", True),
        (ColumnKind.TEXT, "7.0", "7", False),
        (ColumnKind.TEXT, "STRASSE", "straße", True),
        (ColumnKind.BOOLEAN, "1", "true", True),
        (ColumnKind.BOOLEAN, "no", "true", False),
        (ColumnKind.DATE, "2026-01-02T00:00:00", "2026-01-02", True),
        (ColumnKind.DATE, "2026-01-03", "2026-01-02", False),
        (None, "nan", "nan", True),
        (None, "inf", "1e999", False),
    ],
)
def test_values_are_compared_by_their_type(kind: ColumnKind | None, found: str, truth: str, equal: bool) -> None:
    assert same_value(kind, found, truth) is equal


def test_a_chain_has_found_what_any_source_found() -> None:
    found = tally_enrichment(
        lookups(
            (0, "mrr", "crm", None, "miss", 1),
            (0, "mrr", "billing", "10", "hit", 2),
            (1, "mrr", "crm", "9", "stale", 1),
        ),
        labels(),
        FACTS,
        ALL,
    )
    assert ratio(found, "enrichment_coverage") == (1, 2)
    assert ratio(found, "enrichment_coverage", '{"field":"mrr","source":"crm"}') == (0, 2)
    assert ratio(found, "enrichment_coverage", '{"field":"mrr","source":"billing"}') == (1, 1)
    chain = found.fields[0]
    assert (chain.field, chain.source, chain.lookups, chain.stale_share) == ("mrr", "*", 2, 0.5)


def test_a_repeated_lookup_counts_once_with_its_last_answer() -> None:
    found = tally_enrichment(
        lookups(
            (0, "mrr", "crm", None, "miss", 1), (0, "mrr", "crm", "5", "hit", 9), (0, "mrr", "crm", None, "error", 4)
        ),
        labels((0, "mrr", "5")),
        FACTS,
        ALL,
    )
    assert ratio(found, "enrichment_coverage") == (1, 1)
    assert ratio(found, "enrichment_accuracy") == (1, 1)


def test_the_chain_takes_its_earliest_hit_and_every_source_answers_for_itself() -> None:
    found = tally_enrichment(
        lookups((0, "tier", "crm", "Pro", "hit", 5), (0, "tier", "billing", "basic", "hit", 3)),
        labels((0, "tier", "pro"), (0, "truth_team", "billing")),
        FACTS,
        ALL,
    )
    assert ratio(found, "enrichment_accuracy") == (0, 1)
    assert ratio(found, "enrichment_accuracy", '{"field":"tier","source":"crm"}') == (1, 1)


def test_the_last_label_counts_and_a_miss_is_no_error() -> None:
    found = tally_enrichment(
        lookups((0, "tier", "crm", "pro", "hit", 5), (1, "tier", "crm", None, "miss", 5)),
        labels((0, "tier", "basic"), (0, "tier", "pro"), (1, "tier", "pro")),
        FACTS,
        ALL,
    )
    assert ratio(found, "enrichment_accuracy") == (1, 1)


def test_only_scored_tickets_count() -> None:
    found = tally_enrichment(
        lookups((0, "tier", "crm", "pro", "hit", 5), (1, "tier", "crm", None, "miss", 5)),
        labels(),
        FACTS,
        pl.Series([True, False, False, None]),
    )
    assert ratio(found, "enrichment_coverage") == (1, 1)


def test_false_alarms_and_misses_of_the_legal_flag() -> None:
    context = pl.DataFrame({"legal_flag": [True, False, False, None]})
    truth = labels(
        (0, "legal_flag", "false"), (1, "legal_flag", "False"), (2, "legal_flag", "true"), (3, "legal_flag", "true")
    )
    found = tally_enrichment(lookups(), truth, FACTS, ALL, context=context)
    assert ratio(found, "legal_flag_false_positive_rate") == (1, 2)
    assert ratio(found, "legal_flag_false_negative_rate") == (1, 1)  # an unknown flag is neither right nor wrong


def test_without_a_context_the_flag_is_that_of_the_log() -> None:
    asked = lookups((0, "legal_flag", "clm", "TRUE", "hit", 1), (1, "legal_flag", "clm", "maybe", "hit", 1))
    found = tally_enrichment(asked, labels((0, "legal_flag", "no"), (1, "legal_flag", "no")), FACTS, ALL)
    assert ratio(found, "legal_flag_false_positive_rate") == (1, 1)  # "maybe" is no known flag


def test_labelled_facts_that_were_never_looked_up_are_judged_on_the_context() -> None:
    context = pl.DataFrame({"mrr": [10.0, 20.0, None, 5.0]})
    columns = {"mrr": ContextColumn("mrr", ColumnKind.DECIMAL, "EUR", True, "subscriptions", "valid_from")}
    found = tally_enrichment(
        lookups(),
        labels((0, "mrr", "10.00"), (1, "mrr", "21"), (2, "mrr", "1")),
        FACTS,
        ALL,
        context=context,
        columns=columns,
    )
    assert ratio(found, "enrichment_accuracy") == (1, 2)
    assert {item.subject for item in found.absent} == {
        "enrichment_coverage", "legal_flag_false_positive_rate", "legal_flag_false_negative_rate",
    }  # fmt: skip


def test_nothing_to_count_says_why() -> None:
    found = tally_enrichment(lookups(), labels(), FACTS, ALL)
    assert found.rates.height == found.durations.height == 0
    reasons = {item.subject: item.reason for item in found.absent}
    assert reasons["enrichment_coverage"] == "no enrichment_log for these tickets"
    assert reasons["enrichment_accuracy"] == "no labels of facts"


def test_marks_of_another_length_are_refused() -> None:
    with pytest.raises(UsageError):
        tally_enrichment(lookups(), labels(), FACTS, pl.Series([True]))
