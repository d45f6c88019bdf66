"""The help desk's export: its log replays to its tickets, and tells what the desk did."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from synthetic_desks import desk_of
from vendor_desks import SEED, TICKETS, as_texts, exported

from triage_lab.replay.synthetic.vendor.zendesk import FOLLOWED, RAISED, REFILED, ticket_ids

FIELDS = {"status": "status", "priority": "priority", "group_id": "group_id", "assignee_id": "assignee_id",
          "custom_category": "custom_category", "type": "type"}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory) / "zendesk"


@pytest.fixture(scope="module")
def history(folder: Path) -> pl.DataFrame:
    return as_texts(folder / "ticket_field_history.csv").with_columns(
        pl.col("updated").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
    )


@pytest.fixture(scope="module")
def desk_tickets() -> pl.DataFrame:
    tickets = desk_of(TICKETS, SEED).tables["tickets"]
    return tickets.with_columns(id=ticket_ids(tickets["ticket_id"]))


def groups(folder: Path) -> dict[str, str]:
    """Team of each group."""
    table = as_texts(folder / "group.csv")
    return dict(zip(table["id"], table["name"], strict=True))


def test_ticket_numbers_keep_the_order_of_arrival(folder: Path) -> None:
    ids = as_texts(folder / "ticket.csv")["id"]
    assert ids.to_list() == sorted(ids)
    assert set(ids.str.len_chars()) == {8}


def test_the_log_replays_to_the_tickets(folder: Path, history: pl.DataFrame) -> None:
    tickets = as_texts(folder / "ticket.csv")
    last = history.sort("updated", maintain_order=True).group_by("ticket_id", "field_name").agg(pl.col("value").last())
    for field, column in FIELDS.items():
        told = tickets.join(last.filter(pl.col("field_name") == field), left_on="id", right_on="ticket_id", how="left")
        assert told["value"].equals(told[column], null_equal=True), field
    latest = history.group_by("ticket_id").agg(pl.col("updated").max().dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    told = tickets.join(latest, left_on="id", right_on="ticket_id")
    assert told["updated"].equals(told["updated_at"])


def test_what_was_recorded_at_first_is_what_the_desk_knew(history: pl.DataFrame, desk_tickets: pl.DataFrame) -> None:
    first = (
        history.sort("updated", maintain_order=True)
        .group_by("ticket_id", "field_name")
        .agg(pl.col("value").first(), pl.col("updated").first())
    )
    for field, column in (
        ("priority", "priority_at_creation"),
        ("custom_category", "category"),
        ("custom_subcategory", "subcategory"),
        ("custom_product_module", "product_module"),
    ):
        told = desk_tickets.join(first.filter(pl.col("field_name") == field), left_on="id", right_on="ticket_id")
        assert len(told) == TICKETS
        assert told["value"].equals(told[column]), field
        assert told["updated"].equals(told["created_at"])


def test_some_values_were_changed_later(history: pl.DataFrame) -> None:
    for field, share in (("priority", RAISED), ("custom_category", REFILED)):
        changed = history.filter(pl.col("field_name") == field).group_by("ticket_id").len().filter(pl.col("len") == 2)
        # what is urgent already cannot be raised
        assert 0.5 * share < len(changed) / TICKETS < 1.3 * share


def test_owners_answers_and_ends_are_those_of_the_desk(
    folder: Path, history: pl.DataFrame, desk_tickets: pl.DataFrame
) -> None:
    team = groups(folder)
    moves = history.filter(pl.col("field_name") == "group_id").sort("updated", maintain_order=True)
    owners = moves.group_by("ticket_id").agg(
        pl.col("value").first().replace_strict(team), owned=pl.col("updated").min()
    )
    told = desk_tickets.join(owners, left_on="id", right_on="ticket_id", how="left")
    assert told["value"].equals(told["first_team_id"], null_equal=True)
    waits = desk_of(TICKETS, SEED).truth["waits"]
    assert told.sort("ticket_id")["owned"].dt.epoch("s").to_list() == waits.sort("ticket_id")["owned_at"].to_list()
    solved = history.filter((pl.col("field_name") == "status") & (pl.col("value") == "solved"))
    told = desk_tickets.join(solved, left_on="id", right_on="ticket_id", how="left")
    assert told["updated"].equals(told["resolved_at"], null_equal=True)
    now = as_texts(folder / "ticket.csv").select(
        "id", "custom_total_time_spent_sec", team=pl.col("group_id").replace(team)
    )
    told = desk_tickets.join(now, on="id").filter(pl.col("resolved_at").is_not_null())
    assert told["team"].equals(told["resolver_team_id"])
    spent = told["custom_total_time_spent_sec"].cast(pl.Int64).to_numpy()
    assert (spent / 60 == told["handle_minutes"].to_numpy()).all()


def test_the_conversation(folder: Path, desk_tickets: pl.DataFrame) -> None:
    users = as_texts(folder / "user.csv")
    roles = dict(zip(users["id"], users["role"], strict=True))
    said = as_texts(folder / "ticket_comment.csv").with_columns(
        pl.col("created").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us"),
        role=pl.col("user_id").replace_strict(roles),
    )
    assert said["id"].n_unique() == len(said)
    by_agents = said.filter((pl.col("role") == "agent") & (pl.col("public") == "true"))
    first = by_agents.group_by("ticket_id").agg(pl.col("created").min())
    told = desk_tickets.join(first, left_on="id", right_on="ticket_id", how="left")
    assert told["created"].equals(told["first_action_at"], null_equal=True)
    notes = said.filter(pl.col("public") == "false")
    assert set(notes["role"]) == {"agent"}
    assert len(notes) == desk_of(TICKETS, SEED).truth["waits"]["handoffs"].sum()
    opening = said.sort("created", maintain_order=True).unique("ticket_id", keep="first", maintain_order=True)
    told = desk_tickets.join(opening, left_on="id", right_on="ticket_id")
    assert told["body"].equals(told["body_right"])
    assert told["created_at"].equals(told["created"])
    again = said.filter(pl.col("role") == "end-user").group_by("ticket_id").len().filter(pl.col("len") == 2)
    assert 0.7 * FOLLOWED < len(again) / TICKETS < 1.3 * FOLLOWED
    ended = desk_tickets.select("id", "resolved_at")
    told = said.join(ended, left_on="ticket_id", right_on="id").filter(pl.col("resolved_at").is_not_null())
    assert (told["created"] <= told["resolved_at"]).all()


def test_handoffs_and_escalations_move_the_group(history: pl.DataFrame) -> None:
    desk = desk_of(TICKETS, SEED)
    moves = history.filter(pl.col("field_name") == "group_id").group_by("ticket_id").len()
    waits = desk.truth["waits"].with_columns(ticket_ids(desk.truth["waits"]["ticket_id"]))
    told = waits.join(moves, on="ticket_id", how="left").with_columns(moved=pl.col("len").fill_null(1) - 1)
    assert (told["moved"] <= told["handoffs"] + told["escalations"]).all()
    assert (told["moved"] >= told["handoffs"]).all()
    tagged = history.filter(pl.col("field_name") == "tags")
    assert tagged["ticket_id"].n_unique() == told.filter(pl.col("escalations") > 0).height > 0
    assert tagged["value"].str.starts_with("escalated esc_").all()
    assert set(tagged["user_id"]) == {"-1"}


def test_clocks_and_their_traps(folder: Path) -> None:
    desk = desk_of(TICKETS, SEED)
    clocks = desk.tables["sla_instances"].filter(pl.col("metric") != "acknowledge")
    events = as_texts(folder / "ticket_metric_event.csv")
    once = events.unique("id", keep="last")
    expected = json.loads((folder.parent / "truth" / "expected.json").read_text("utf-8"))
    found = expected["tables"]["zendesk/ticket_metric_event"]
    assert found["doubled"] == len(events) - len(once) > 0
    withdrawn = once.filter((pl.col("type") == "breach") & (pl.col("deleted") == "true"))
    assert found["deleted_breaches"] == len(withdrawn) > 0
    counted = once.group_by("type").len()
    by_type = dict(zip(counted["type"], counted["len"], strict=True))
    assert by_type["activate"] == len(clocks)
    assert by_type["apply_sla"] == len(clocks) + len(withdrawn)
    assert by_type["fulfill"] == clocks["fulfilled_at"].count()
    late = clocks.filter(pl.col("state") == "breached")
    assert found["breaches"] == len(late)
    assert found["breaches_ahead"] == clocks.filter(pl.col("state") == "active").height
    assert by_type["breach"] == found["breaches"] + found["breaches_ahead"] + found["deleted_breaches"]
    assert sum(expected["clocks"]["resolve"].values()) == clocks.filter(pl.col("metric") == "resolve").height
    assert expected["clocks"]["first_action"]["breached"] == late.filter(pl.col("metric") == "first_action").height
    naive = events.filter(pl.col("type") == "breach").height
    assert naive > len(late), "who counts breach rows counts too many"
    applied = once.filter(pl.col("type") == "apply_sla")["sla"].str.json_decode(
        pl.Struct({"target": pl.Int64, "target_in_seconds": pl.Int64, "business_hours": pl.Boolean})
    )
    parts = applied.struct.unnest()
    assert (parts["target"] == parts["target_in_seconds"] // 60).all()
    assert parts["business_hours"].all()


def test_agents_are_told_by_team(folder: Path) -> None:
    agents = as_texts(folder.parent / "truth" / "agents.csv")
    events = desk_of(TICKETS, SEED).tables["ticket_events"].filter(pl.col("kind") == "resolved")
    own = dict(zip(agents["agent_id"], agents["team_id"], strict=True))
    assert (events["actor_id"].replace_strict(own) == events["team_id"]).all()
    users = as_texts(folder / "user.csv")
    assert set(agents["user_id"]) == set(users.filter(pl.col("role") == "agent")["id"])


def test_planted_faults_reach_the_export(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = exported(tmp_path_factory, 1_500, 11, 0.3)
    faults = as_texts(folder / "truth" / "faults.csv")
    assert set(faults["table"]) <= {"tickets", "ticket_events"}
    by_kind = {kind: set(rows["key"]) for (kind,), rows in faults.group_by("fault")}
    tickets = as_texts(folder / "zendesk" / "ticket.csv")
    assert set(tickets.filter(pl.col("id").is_duplicated())["id"]) == by_kind["duplicate_id"]
    odd = tickets.join(
        as_texts(folder / "zendesk" / "organization.csv").select("id", known=pl.lit(value=True)),
        left_on="organization_id", right_on="id", how="left",
    )  # fmt: skip
    orphans = odd.filter(pl.col("organization_id").is_not_null() & pl.col("known").is_null())
    assert set(orphans["id"]) == by_kind["orphan_account"]
    history = as_texts(folder / "zendesk" / "ticket_field_history.csv")
    made = dict(zip(tickets["id"], tickets["created_at"], strict=True))
    solved = history.filter((pl.col("field_name") == "status") & (pl.col("value") == "solved"))
    early = solved.filter(pl.col("updated") < pl.col("ticket_id").replace_strict(made))
    assert set(early["ticket_id"]) == by_kind["resolved_before_created"]
    misfiled = history.filter((pl.col("field_name") == "custom_category") & pl.col("value").str.starts_with("misc-"))
    assert by_kind["unknown_category"] == set(misfiled["ticket_id"])
