"""Realised shares lie where chance puts them around the planted ones; accounts make counts less certain, not these."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from synthetic_desks import desk_of

from triage_lab.replay.synthetic.parameters import (
    CRITICAL_FIELDS,
    LEGAL_FALSE_NEGATIVE,
    LEGAL_FALSE_POSITIVE,
    LOOKUPS,
    RATES,
    TEAMS,
)

Z = 4.5  # one in 150,000: the seeds are fixed, so a failure means a changed rate and not bad luck


def near(hits: int, n: int, planted: float) -> bool:
    """Whether a count lies within 4.5 standard errors of a binomial one (and one for tiny samples)."""
    return abs(hits - n * planted) <= Z * (n * planted * (1 - planted)) ** 0.5 + 1


def test_the_bound_itself_refuses_a_wrong_rate() -> None:
    assert near(600, 20_000, 0.03)
    assert not near(720, 20_000, 0.03)


@pytest.mark.parametrize("seed", [20261123, 7, 991])
def test_shares_of_tickets(seed: int) -> None:
    desk = desk_of(seed=seed)
    tickets, truth = desk.tables["tickets"], desk.truth["tickets"]
    count = len(tickets)
    fresh = tickets.join(desk.truth["duplicates"], on="ticket_id", how="anti")
    assert near(fresh["account_id"].null_count(), len(fresh), RATES.without_account)
    assert near((truth["first_team"] != truth["planned_team"]).sum(), count, RATES.wrong_first_team)
    wrong = truth.filter(pl.col("first_team") != pl.col("truth_team"))
    noisy = wrong.filter(~pl.col("truth_team").is_in(["high-touch", "triage"]))
    # A third team drawn at random may be the true one by chance only if it is not: it never is.
    assert near((noisy["resolver_team"] != noisy["truth_team"]).sum(), len(noisy), RATES.resolver_noise_of_misrouted)
    right = truth.filter(pl.col("first_team") == pl.col("truth_team"))
    assert (right["resolver_team"] == right["truth_team"]).all()
    labelled = desk.tables["labels"].filter(pl.col("field") == "truth_team")
    assert near(len(labelled), count, RATES.labelled_truth)
    again = desk.tables["signals"]["duplicate_of"].is_not_null().sum()
    assert near(again, count, RATES.duplicate_deliveries)


def test_a_wrong_team_is_any_other_team() -> None:
    truth = desk_of(100_000).truth["tickets"]
    wrong = truth.filter((pl.col("first_team") != pl.col("planned_team")) & (pl.col("planned_team") == "technical"))
    counts = wrong["first_team"].value_counts()
    assert set(counts["first_team"]) == set(TEAMS) - {"technical"}
    assert counts["count"].min() > 0.8 * counts["count"].mean()


@pytest.mark.parametrize("field", sorted(LOOKUPS))
def test_sources_fail_and_err_as_planted(field: str) -> None:
    found = desk_of(100_000).expected["enrichment"]
    assert isinstance(found, dict)
    for source in LOOKUPS[field]:
        counts = found[field][source.name]
        asked = counts["lookups"]
        assert near(counts["miss"], asked, source.miss)
        assert near(counts["error"], asked, source.error)
        assert near(counts["stale"], counts["hit"] + counts["stale"], source.stale)
        answered = counts["hit"] + counts["stale"]
        if field == "legal_flag":
            continue
        wrong = round((1 - counts["accuracy"]) * answered)
        # Besides planted errors, a fact may have changed since the source last saw it.
        assert wrong > answered * source.wrong - Z * (answered * source.wrong) ** 0.5
        assert wrong < answered * (source.wrong + 0.015) + Z * (answered * source.wrong) ** 0.5


def test_critical_fields_are_covered_after_fallback() -> None:
    found = desk_of().expected["enrichment"]
    assert isinstance(found, dict)
    for field in CRITICAL_FIELDS:
        assert found[field]["*"]["coverage"] > 0.97, field


def test_the_log_tells_what_the_findings_say() -> None:
    desk = desk_of()
    found = desk.expected["enrichment"]
    assert isinstance(found, dict)
    log = desk.tables["enrichment_log"]
    for (field, source, status), rows in log.group_by("field", "source", "status"):
        assert found[field][source][status] == len(rows)
    answered = log.filter(pl.col("status").is_in(["hit", "stale"]))
    assert answered["value"].null_count() == 0
    assert log.filter(pl.col("status").is_in(["miss", "error"]))["value"].null_count() == len(log) - len(answered)
    per_field = answered.group_by("ticket_id", "field").len()
    assert per_field["len"].max() == 1, "a source is asked only if the one before it did not answer"
    truth = desk.truth["enrichment"].unpivot(index="ticket_id", variable_name="field", value_name="true_value")
    right = (
        answered.join(truth, on=["ticket_id", "field"])
        .group_by("field")
        .agg(accuracy=(pl.col("value") == pl.col("true_value")).mean())
    )
    for field, accuracy in right.iter_rows():
        assert found[field]["*"]["accuracy"] == pytest.approx(accuracy, abs=1e-6)


def test_legal_flag_errors() -> None:
    desk = desk_of(100_000)
    log = desk.tables["enrichment_log"].filter((pl.col("field") == "legal_flag") & pl.col("value").is_not_null())
    both = log.join(desk.truth["enrichment"].select("ticket_id", "legal_flag"), on="ticket_id")
    clean, flagged = both.filter(pl.col("legal_flag") == "false"), both.filter(pl.col("legal_flag") == "true")
    false_alarms, missed = (clean["value"] == "true").sum(), (flagged["value"] == "false").sum()
    # Flags that changed since the source last saw them add a little to the planted errors.
    assert near(false_alarms, len(clean), LEGAL_FALSE_POSITIVE + 0.0005)
    assert near(missed, len(flagged), LEGAL_FALSE_NEGATIVE + 0.004)
    rates = desk.expected["legal_flag"]
    assert rates == {
        "false_positive_rate": pytest.approx(false_alarms / len(clean), abs=1e-6),
        "false_negative_rate": pytest.approx(missed / len(flagged), abs=1e-6),
    }


def test_labels_reach_many_accounts_and_hold_the_truth() -> None:
    desk = desk_of()
    labels = desk.tables["labels"]
    facts = labels.filter(pl.col("field") != "truth_team").join(
        desk.tables["tickets"].select("ticket_id", "account_id"), on="ticket_id"
    )
    assert facts["ticket_id"].n_unique() >= 400
    assert facts["account_id"].n_unique() >= 100
    truth = desk.truth["enrichment"].unpivot(index="ticket_id", variable_name="field", value_name="true_value")
    joined = facts.join(truth, on=["ticket_id", "field"])
    assert len(joined) == len(facts)
    assert (joined["value"] == joined["true_value"]).all()
    owners = labels.filter(pl.col("field") == "truth_team").join(desk.truth["tickets"], on="ticket_id")
    expected = (
        pl.when(pl.col("truth_team") == pl.col("resolver_team"))
        .then("truth_team")
        .otherwise(pl.concat_str("truth_team", "resolver_team", separator="|"))
    )
    assert owners.select((pl.col("value") == expected).all()).item()
    when = labels.join(desk.tables["tickets"].select("ticket_id", "created_at", "snapshot_at"), on="ticket_id")
    assert when["labelled_at"].is_between(when["created_at"], when["snapshot_at"]).all()


def test_one_ticket_in_six_touches_a_renewal() -> None:
    desk = desk_of()
    ends = desk.truth["enrichment"].join(desk.tables["tickets"].select("ticket_id", "created_at"), on="ticket_id")
    days = (ends["contract_end"].str.to_date() - ends["created_at"].dt.date()).dt.total_days().drop_nulls()
    assert 0.10 < days.is_between(0, 60).mean() < 0.20
    assert 0 < (days < 0).mean() < 0.03


def test_streams_are_independent_of_each_other() -> None:
    """Two subjects never share numbers: correlated streams would plant effects that nobody asked for."""
    from triage_lab.replay.synthetic.streams import SUBJECT_STREAMS, open_streams

    draws = np.array([rng.random(2_000) for rng in open_streams(5).values()])
    correlation = np.corrcoef(draws) - np.eye(len(SUBJECT_STREAMS))
    assert np.abs(correlation).max() < 0.1
