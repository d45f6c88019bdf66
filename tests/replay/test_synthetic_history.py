"""History is what the desk played: replaying it gives every time back, and the export tells the same story."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from synthetic_desks import desk_of, desk_operations

from triage_lab.domain.desk import Operations
from triage_lab.replay import build_world, history_decisions, play
from triage_lab.replay.synthetic import Desk
from triage_lab.replay.synthetic.matching import match_tickets
from triage_lab.replay.synthetic.parameters import WINDOW_END


def seconds(column: str) -> pl.Expr:
    """A timestamp column as epoch seconds."""
    return pl.col(column).dt.epoch("s")


def exported_history(desk: Desk) -> pl.DataFrame:
    """Frame "history" from the exported tables alone; resolver and touch time of open tickets from the truth."""
    labels = desk.tables["labels"].filter(pl.col("field") == "truth_team")
    teams = labels.select("ticket_id", truth_teams=pl.col("value").str.split("|"))
    truth = desk.truth["tickets"].select("ticket_id", "resolver_team", true_minutes="handle_minutes")
    return (
        desk.tables["tickets"]
        .join(teams, on="ticket_id", how="left")
        .join(truth, on="ticket_id", how="left")
        .select(
            "ticket_id",
            "category",
            "first_team_id",
            "truth_teams",
            "priority_at_creation",
            pl.int_range(pl.len()).cast(pl.UInt64).alias("ticket_key"),
            arrived_at=seconds("created_at"),
            due_at=seconds("due_at"),
            resolver_team_id=pl.col("resolver_team_id").fill_null(pl.col("resolver_team")),
            handle_minutes=pl.col("handle_minutes").fill_null(pl.col("true_minutes")),
        )
        .sort("arrived_at", "ticket_id")
    )


def seen_tier(desk: Desk) -> pl.Series:
    """mrr_tier as a decision would see it: from the answer in the enrichment log."""
    mrr = desk.tables["enrichment_log"].filter((pl.col("field") == "mrr") & pl.col("value").is_not_null())
    joined = desk.tables["tickets"].join(
        mrr.select("ticket_id", pl.col("value").cast(pl.Float64)), on="ticket_id", how="left"
    )
    tier = pl.when(pl.col("value") >= 5000).then(pl.lit("high")).when(pl.col("value") >= 500).then(pl.lit("mid"))
    return joined.select(tier.when(pl.col("value") >= 0).then(pl.lit("low"))).to_series()


def replay(desk: Desk, operations: Operations, history: pl.DataFrame) -> pl.DataFrame:
    """Records of the recorded owners on the desk."""
    columns, count = {"mrr_tier": seen_tier(desk)}, len(history)
    sla = {item.target_id: match_tickets(item.match, columns, count, item.target_id) for item in operations.sla}
    windows = {
        item.window_id: match_tickets(item.match, columns, count, item.window_id) for item in operations.escalation
    }
    world = build_world(history, operations, cutoff=WINDOW_END, seed=1, sla_masks=sla)
    return play(world, history_decisions(history, operations), escalation_masks=windows).records


@pytest.mark.parametrize(("tickets", "seed"), [(20_000, 20261123), (1_000, 5), (3_000, 6)])
def test_identity_replaying_history_reproduces_every_wait(tickets: int, seed: int) -> None:
    desk, operations = desk_of(tickets, seed), desk_operations(tickets)
    records = replay(desk, operations, exported_history(desk))
    for column in ("owned_at", "started_at", "resolved_at", "wait_minutes", "handoffs", "escalations"):
        assert records[column].equals(desk.truth["waits"][column], null_equal=True), column


def test_identity_breaks_if_one_touch_time_is_another() -> None:
    """The check above can fail: a longer first ticket of a busy team moves those behind it."""
    desk, operations = desk_of(), desk_operations()
    history = exported_history(desk)
    first = history["resolver_team_id"] == "technical"
    longer = history.with_columns(
        handle_minutes=pl.when(pl.int_range(pl.len()) == first.arg_max()).then(4000.0).otherwise("handle_minutes")
    )
    records = replay(desk, operations, longer)
    assert (records["started_at"] != desk.truth["waits"]["started_at"]).sum() > 10


def test_the_export_tells_the_outcomes_that_were_played() -> None:
    desk = desk_of()
    tickets, waits = desk.tables["tickets"], desk.truth["waits"]
    assert tickets.select(seconds("first_action_at")).to_series().equals(waits["started_at"].rename("first_action_at"))
    assert tickets.select(seconds("resolved_at")).to_series().equals(waits["resolved_at"])
    assert tickets["reassignment_count"].equals(waits["handoffs"].cast(pl.Int64).rename("reassignment_count"))
    still_open = tickets.filter(pl.col("resolved_at").is_null())
    assert 0 < len(still_open) < 0.02 * len(tickets)
    assert still_open["resolver_team_id"].null_count() == still_open["handle_minutes"].null_count() == len(still_open)
    assert still_open["closed_at"].null_count() == len(still_open)
    resolved = tickets.filter(pl.col("resolved_at").is_not_null())
    assert (resolved["resolved_at"] > resolved["first_action_at"]).all()
    assert (resolved["first_action_at"] > resolved["created_at"]).all()
    whole = resolved["handle_minutes"] * 60
    assert (whole.round() - whole).abs().max() < 1e-9


def test_events_of_each_ticket_in_order_and_complete() -> None:
    desk = desk_of()
    events, tickets = desk.tables["ticket_events"], desk.tables["tickets"]
    assert events.equals(events.sort("ticket_id", "seq"))
    same = events["ticket_id"] == events["ticket_id"].shift(1)
    assert (events["at"] >= events["at"].shift(1)).filter(same.fill_null(value=False)).all()
    assert (events["seq"] == events["seq"].shift(1) + 1).filter(same.fill_null(value=False)).all()
    assert (events["seq"] == 0).sum() == len(tickets)
    assert events["at"].max() <= tickets["snapshot_at"][0]
    of = {kind: rows for (kind,), rows in events.group_by("kind", maintain_order=True)}
    assert set(of) == {"created", "assigned", "escalated", "reply", "resolved", "closed"}
    for kind, column in (
        ("created", "created_at"),
        ("reply", "first_action_at"),
        ("resolved", "resolved_at"),
        ("closed", "closed_at"),
    ):
        told = of[kind].select("ticket_id", "at")
        assert told.equals(tickets.filter(pl.col(column).is_not_null()).select("ticket_id", at=pl.col(column))), kind
    assert of["reply"]["actor_type"].unique().to_list() == ["agent"]


def test_owners_of_record_follow_the_routing() -> None:
    """First owner is the first team, then one change per handoff; an owned ticket has one owner at a time."""
    desk = desk_of()
    assigned = desk.tables["ticket_events"].filter(pl.col("kind") == "assigned")
    waits = desk.truth["waits"]
    first = assigned.unique("ticket_id", keep="first", maintain_order=True)
    owned = waits.filter(pl.col("owned_at").is_not_null())
    assert first["ticket_id"].equals(owned["ticket_id"])
    assert first.select(seconds("at")).to_series().equals(owned["owned_at"].rename("at"))
    teams = desk.tables["tickets"].select("ticket_id", "first_team_id")
    assert first.join(teams, on="ticket_id").select((pl.col("team_id") == pl.col("first_team_id")).all()).item()
    assert first["old_value"].null_count() == len(first)
    before = assigned.select(pl.col("new_value").shift(1).over("ticket_id")).to_series()
    assert assigned["old_value"].equals(before, null_equal=True), "each owner takes over from the one before"
    counts = assigned.group_by("ticket_id").len().join(waits, on="ticket_id")
    assert (counts["len"] == counts["handoffs"] + 1).all()
    assert not assigned.select("ticket_id", "at").is_duplicated().any()
    escalated = desk.tables["ticket_events"].filter(pl.col("kind") == "escalated").group_by("ticket_id").len()
    assert escalated["len"].sum() == waits["escalations"].sum()
    last = assigned.unique("ticket_id", keep="last", maintain_order=True)
    handed = last.filter(pl.col("old_value").is_not_null()).join(desk.tables["tickets"], on="ticket_id")
    done = handed.filter(pl.col("resolver_team_id").is_not_null())
    assert (done["new_value"] == done["resolver_team_id"]).all()


def test_vendor_clocks_agree_with_the_times_but_for_one_in_a_hundred() -> None:
    tickets = desk_of(100_000).tables["tickets"]
    decided = tickets.filter(pl.col("sla_met").is_not_null())
    by_times = (decided["resolved_at"] <= decided["due_at"]).fill_null(value=False)
    disagree = (by_times != decided["sla_met"]).mean()
    assert 0.008 < disagree < 0.012
    undecided = tickets.filter(pl.col("sla_met").is_null())
    assert undecided["resolved_at"].null_count() == len(undecided) > 0
    assert (undecided["due_at"] > undecided["snapshot_at"]).all()


def test_sla_instances_are_the_promises_of_the_desk() -> None:
    desk = desk_of()
    clocks = desk.tables["sla_instances"]
    tiers = pl.DataFrame({"ticket_id": desk.tables["tickets"]["ticket_id"], "tier": seen_tier(desk)})
    known = tiers.filter(pl.col("tier").is_not_null())
    per_metric = dict(clocks["metric"].value_counts().iter_rows())
    high = (known["tier"] == "high").sum()
    assert per_metric == {"first_action": len(known), "resolve": len(known), "acknowledge": high}
    met = clocks.filter(pl.col("state") == "met")
    assert (met["fulfilled_at"] <= met["due_at"]).all()
    late = clocks.filter(pl.col("state") == "breached")
    assert (late["breached_at"] == late["due_at"]).all()
    quick = clocks.filter(pl.col("metric") == "acknowledge")
    assert ((quick["due_at"] - quick["started_at"]).dt.total_seconds() == 900).all()


def test_the_desk_is_loaded_as_designed() -> None:
    """Busy but stable teams, a first-action compliance worth improving, few tickets left open."""
    found = desk_of().expected
    load = found["utilisation"]
    assert isinstance(load, dict)
    regular = {team: share for team, share in load.items() if team != "triage"}  # triage stands by, day and night
    assert all(0.70 <= share <= 0.92 for share in regular.values()), regular
    sla = found["sla"]
    assert isinstance(sla, dict)
    met, late = (sum(sla[f"first-{tier}"][state] for tier in ("high", "mid", "low")) for state in ("met", "breached"))
    assert 0.80 <= met / (met + late) <= 0.90
    acknowledged = sla["ack-high"]
    assert acknowledged["met"] / (acknowledged["met"] + acknowledged["breached"]) < 1 / 3


def test_findings_follow_from_the_tables() -> None:
    desk = desk_of()
    tickets, found = desk.tables["tickets"], desk.expected["misroute"]
    assert isinstance(found, dict)
    resolved = tickets.filter(pl.col("resolver_team_id").is_not_null())
    wrong = (resolved["first_team_id"] != resolved["resolver_team_id"]).mean()
    assert found["resolver"] == pytest.approx(wrong, abs=1e-6)
    labels = desk.tables["labels"].filter(pl.col("field") == "truth_team").join(tickets, on="ticket_id")
    accepted = labels.select(pl.col("value").str.split("|").list.contains(pl.col("first_team_id"))).to_series()
    assert found["labelled"] == pytest.approx(1 - accepted.mean(), abs=1e-6)
    hidden = desk.truth["tickets"].select((pl.col("first_team") != pl.col("truth_team")).mean()).item()
    assert found["hidden_truth"] == pytest.approx(hidden, abs=1e-6)


def test_perfect_routing_is_better_than_history() -> None:
    """The planted effect: with every ticket at its true team from the start, waits fall."""
    desk, operations = desk_of(), desk_operations()
    history = exported_history(desk)
    perfect = history.with_columns(first_team_id=desk.truth["tickets"]["truth_team"])
    before, after = replay(desk, operations, history), replay(desk, operations, perfect)
    assert after["wait_minutes"].mean() < 0.95 * before["wait_minutes"].mean()
    assert after["handoffs"].sum() < 0.5 * before["handoffs"].sum()
    high = seen_tier(desk) == "high"
    waited = [(records["started_at"] - records["arrived_at"]).filter(high).median() for records in (before, after)]
    assert np.diff(waited)[0] < 0
