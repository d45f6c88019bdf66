"""The whole road: from files to a scorecard, held to the truth of the synthetic desk and to queueing oracles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from lab_desks import hand_made_lab, heap_waits, poisson_csv

import triage_lab as tl
from triage_lab.domain.enums import Flag, Grade, VerdictWord
from triage_lab.domain.errors import PolicyError, ReplayError, StoreError, UsageError
from triage_lab.domain.measure import Measure
from triage_lab.lab.recorded import Run


def overall(run: Run, metric: str) -> tuple[Measure, Measure, Measure]:
    """Baseline, candidate and difference of a metric over all scored tickets."""
    for item in run.result.comparisons:
        if item.metric == metric and not item.segment:
            assert item.baseline is not None
            assert item.candidate is not None
            assert item.difference is not None
            return item.baseline, item.candidate, item.difference
    raise AssertionError(f"no {metric}")


def test_a_first_scorecard_has_not_enough_evidence(demo_run: Run) -> None:
    verdict = demo_run.result.verdict
    assert verdict.word is VerdictWord.NOT_ENOUGH_EVIDENCE
    missing = {item.item for item in verdict.items if item.state == "missing"}
    assert {"routing", "audit", "pilot", "training"} <= missing
    assert len(demo_run.result.tiles) == 5
    for name in ("result.json", "scorecard.html", "manifest.json"):
        assert (demo_run.folder / name).stat().st_size > 100


def test_the_run_is_named_by_its_manifest(demo_run: Run) -> None:
    from triage_lab.domain.canonical import digest

    manifest = json.loads((demo_run.folder / "manifest.json").read_text())
    assert digest(manifest)[:12] == demo_run.run_id


def test_the_planted_truth_is_found(demo_folder: Path, demo_run: Run) -> None:
    """Misroutes of history are counted exactly, and the candidate is told apart from it."""
    truth = pl.read_parquet(next((demo_folder / "exports" / "truth").glob("tickets.parquet")))
    records = demo_run.records().filter(pl.col("arm") == "baseline", pl.col("scored"))
    tickets = tl.open_lab(demo_folder).table("tickets")
    joined = records.join(tickets.select("ticket_id", "first_team_id", "resolver_team_id"), on="ticket_id")
    known = joined.filter(pl.col("resolver_team_id").is_not_null())
    share = (known["first_team_id"] != known["resolver_team_id"]).mean()
    base, candidate, difference = overall(demo_run, "misroute_resolver")
    assert base.value == pytest.approx(share)
    team = next(name for name in truth.columns if "team" in name)
    right = joined.join(truth.select("ticket_id", team), on="ticket_id")
    planted = (right["first_team_id"] != right[team]).mean()
    assert base.low is not None
    assert base.high is not None
    assert base.low - 0.02 <= planted <= base.high + 0.02
    assert candidate.value < base.value
    assert difference.high < 0


def test_every_number_carries_its_grade_and_size(demo_run: Run) -> None:
    for item in demo_run.result.comparisons:
        for measure in (item.baseline, item.candidate, item.difference):
            if measure is None or measure.value is None:
                continue
            assert measure.grade in Grade
            assert measure.n > 0
            if measure.low is not None and measure.high is not None:
                assert measure.low <= measure.high
            if measure.grade is Grade.SIMULATED:
                assert Flag.NOT_CALIBRATED in measure.flags


def test_a_policy_against_itself_differs_by_nothing(demo_folder: Path) -> None:
    run = tl.open_lab(demo_folder).backtest("current", baseline="current", replications=2)
    for item in run.result.comparisons:
        if item.difference is not None and item.difference.value is not None:
            assert item.difference.value == 0, item.metric


def test_a_rerun_keeps_the_run_and_two_labs_agree_to_the_byte(demo_folder: Path, demo_run: Run, tmp_path: Path) -> None:
    again = tl.open_lab(demo_folder).backtest("billing-protection")
    assert again.run_id == demo_run.run_id
    assert len([line for line in tl.open_lab(demo_folder).runs() if line.run_id == demo_run.run_id]) == 1
    other = tmp_path / "other"
    shutil.copytree(demo_folder, other, ignore=shutil.ignore_patterns("reports", "*.duckdb*"))
    twin = tl.demo(other, tickets=1500)
    assert twin.run_id == demo_run.run_id
    for name in ("result.json", "scorecard.html", "manifest.json"):
        assert (twin.folder / name).read_bytes() == (demo_run.folder / name).read_bytes(), name


def test_scope_flags(demo_folder: Path) -> None:
    lab = tl.open_lab(demo_folder)
    run = lab.backtest("billing-protection", where="category = 'billing'", by=("region",), replications=2)
    context = lab.context()
    scored = run.records().filter(pl.col("arm") == "candidate", pl.col("scored"))
    assert set(scored["ticket_id"]) <= set(context.filter(pl.col("category") == "billing")["ticket_id"])
    segments = {next(iter(item.segment)) for item in run.result.comparisons if len(item.segment) == 1}
    assert "region" in segments
    assert run.result.scope.where == "category = 'billing'"
    with pytest.raises(UsageError, match="empty"):
        lab.backtest("billing-protection", from_="2026-10-01", to="2026-09-01")
    with pytest.raises(UsageError, match="did you mean 'region'"):
        lab.backtest("billing-protection", by=("regio",))
    with pytest.raises(PolicyError):
        lab.backtest("billing-protection", where="resolver_team_id = 'x'")
    with pytest.raises(PolicyError, match="unknown policy"):
        lab.backtest("billing-protektion")
    with pytest.raises(StoreError):
        lab.run("ffffffffffff")


def test_explain_agrees_with_the_recorded_decision(demo_folder: Path, demo_run: Run) -> None:
    lab = tl.open_lab(demo_folder)
    decisions = demo_run.decisions().filter(pl.col("arm") == "candidate")
    for outcome in decisions["outcome"].unique().sort():
        row = decisions.filter(pl.col("outcome") == outcome).row(0, named=True)
        story = lab.explain(row["ticket_id"], run=demo_run.run_id)
        assert (story.rule_id, story.owner_team, story.outcome) == (row["rule_id"], row["owner_team"], outcome)
        true_items = {line.item_id for line in story.lines if line.truth == "true"} - {"default"}
        assert true_items == set(row["fired"]) - {"default"}
    with pytest.raises(StoreError, match="no ticket"):
        lab.explain("nobody")


def test_waits_equal_a_heap_of_servers_ticket_by_ticket(tmp_path: Path) -> None:
    csv = poisson_csv(tmp_path / "tickets.csv", 6000, seed=3)
    lab = hand_made_lab(tmp_path / "lab", csv)
    run = lab.backtest("all", baseline="all")
    records = run.records().filter(pl.col("arm") == "candidate", pl.col("resolved_at").is_not_null())
    expected = heap_waits(csv, 8)
    got = {row["ticket_id"]: round(row["wait_minutes"] * 60) for row in records.iter_rows(named=True)}
    assert len(got) > 5900
    assert {ticket: expected[ticket] for ticket in got} == got
    assert run.result.scope.replications == 1, "every handle time is recorded"
    assert any("Little" in line for line in run.result.provenance.audit)


def test_a_log_without_owners_has_no_history(tmp_path: Path) -> None:
    lab = hand_made_lab(tmp_path / "lab", poisson_csv(tmp_path / "tickets.csv", 200, seed=4))
    with pytest.raises(ReplayError) as caught:
        lab.backtest("all")
    assert caught.value.exit_code == 3
    assert lab.runs() == ()


def test_without_operations_it_is_routing_only_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    lab = hand_made_lab(folder, poisson_csv(tmp_path / "tickets.csv", 300, seed=5))
    (folder / "operations.yaml").unlink()
    (folder / "policies" / "guarded.yaml").write_text(
        'policy: guarded\nversion: "1"\nstage: draft\n'
        "overrides: [{id: legal, when: legal_flag = TRUE, overrides: ['*'], then: {route: legal}}]\n"
        "rules: []\ndefault: {then: {route: desk}}\n"
    )
    said: list[str] = []
    run = lab.backtest("guarded", baseline="all", notice=said.append)
    assert said == ["legal_flag has no source: 300 of 300 tickets go to manual triage"]
    assert run.result.scope.mode == "routing"
    assert run.result.tiles[0].comparison is None
    assert "no operations.yaml" in run.result.tiles[0].reason
    assert set(run.decisions().filter(pl.col("arm") == "candidate")["owner_team"]) == {"manual-triage"}
