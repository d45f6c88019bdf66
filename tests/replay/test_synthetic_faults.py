"""Faults: every kind spoils exactly the rows that it lists, and nothing else."""

from __future__ import annotations

import polars as pl
import pytest
from synthetic_desks import desk_of, desk_operations

from triage_lab.domain.errors import UsageError
from triage_lab.replay.synthetic import generate_desk
from triage_lab.replay.synthetic.faults import FAULT_SHARE

RATE = 0.5


def listed(fault: str, faults: float = RATE) -> pl.DataFrame:
    """The list of one kind."""
    return desk_of(faults=faults).truth["faults"].filter(pl.col("fault") == fault)


def keys(fault: str) -> list[str]:
    """Keys of one kind, sorted."""
    return listed(fault)["key"].sort().to_list()


def test_a_clean_desk_lists_nothing_and_has_nothing() -> None:
    desk = desk_of()
    assert desk.truth["faults"].is_empty()
    assert desk.expected["faults"] == {}


@pytest.mark.parametrize("faults", [-0.1, 1.01, float("nan")])
def test_rates_out_of_range_are_refused(faults: float) -> None:
    with pytest.raises(UsageError, match="faults"):
        generate_desk(tickets=100, faults=faults, operations=desk_operations(100))


@pytest.mark.parametrize("faults", [0.1, 0.5, 1.0])
def test_every_kind_is_proportional(faults: float) -> None:
    desk = desk_of(faults=faults)
    for fault, share in FAULT_SHARE.items():
        rows = desk.truth["faults"].filter(pl.col("fault") == fault)
        if rows["table"][0] == "ticket_events":
            rows = rows.with_columns(ticket=pl.col("key").str.replace("^E", "T").str.replace(r"-\d+$", ""))
        else:
            rows = rows.with_columns(ticket=pl.col("key").str.split("|").list.first())
        assert rows["ticket"].n_unique() == round(faults * share * 20_000), fault


def test_duplicate_ids_are_exactly_the_listed_ones() -> None:
    tickets = desk_of(faults=RATE).tables["tickets"]
    twice = tickets.filter(pl.col("ticket_id").is_duplicated())
    assert twice["ticket_id"].unique().sort().to_list() == keys("duplicate_id")
    assert not twice.is_duplicated().any(), "the rows of one key differ"


def test_resolved_before_created_are_exactly_the_listed_ones() -> None:
    tickets = desk_of(faults=RATE).tables["tickets"]
    found = tickets.filter(pl.col("resolved_at") < pl.col("created_at"))
    assert found["ticket_id"].sort().to_list() == keys("resolved_before_created")


def test_orphan_accounts_are_exactly_the_listed_ones() -> None:
    tables = desk_of(faults=RATE).tables
    orphans = (
        tables["tickets"]
        .filter(pl.col("account_id").is_not_null())
        .join(tables["accounts"], on="account_id", how="anti")
    )
    assert orphans["ticket_id"].sort().to_list() == keys("orphan_account")


def test_unknown_categories_are_exactly_the_listed_ones() -> None:
    clean = desk_of().tables["tickets"]["category"].unique()
    tickets = desk_of(faults=RATE).tables["tickets"]
    found = tickets.filter(~pl.col("category").is_in(clean.implode()))
    assert found["ticket_id"].sort().to_list() == keys("unknown_category")


def test_look_ahead_rows_are_exactly_the_listed_ones() -> None:
    log = desk_of(faults=RATE).tables["enrichment_log"]
    found = log.filter(pl.col("value_as_of") > pl.col("looked_up_at"))
    key = pl.concat_str("ticket_id", "field", "source", pl.col("looked_up_at").cast(pl.String), separator="|")
    assert found.select(key).to_series().sort().to_list() == keys("lookahead")


def test_missing_enrichment_is_exactly_what_is_listed() -> None:
    clean, broken = desk_of().tables["enrichment_log"], desk_of(faults=RATE).tables["enrichment_log"]
    assert clean.select("ticket_id", "field", "source").equals(broken.select("ticket_id", "field", "source"))
    gone = broken.filter(clean["value"].is_not_null() & broken["value"].is_null())
    key = pl.concat_str("ticket_id", "field", "source", pl.col("looked_up_at").cast(pl.String), separator="|")
    assert gone.select(key).to_series().sort().to_list() == keys("missing_enrichment")
    assert gone["status"].unique().to_list() == ["error"]
    answered = broken.filter(pl.col("value").is_not_null())
    outage = listed("missing_enrichment")["key"].str.split("|").list.first()
    assert answered.filter(pl.col("ticket_id").is_in(outage.implode())).is_empty()


def test_events_out_of_order_are_exactly_the_listed_ones() -> None:
    events = desk_of(faults=RATE).tables["ticket_events"].sort("ticket_id", "seq")
    same = events["ticket_id"] == events["ticket_id"].shift(1)
    backwards = events.filter(same & (events["at"] < events["at"].shift(1)))
    assert backwards["event_id"].sort().to_list() == keys("event_order")
    before = desk_of().tables["ticket_events"]
    assert events.filter(events["at"] != before["at"])["event_id"].sort().to_list() == keys("event_order")
    created = events.filter(pl.col("kind") == "created").select("ticket_id", first="at")
    assert events.join(created, on="ticket_id").select((pl.col("at") >= pl.col("first")).all()).item()


def test_nothing_else_is_touched() -> None:
    clean, broken = desk_of().tables, desk_of(faults=RATE).tables
    spoiled = set(desk_of(faults=RATE).truth["faults"]["table"])
    assert spoiled == {"tickets", "enrichment_log", "ticket_events"}
    for name in set(clean) - spoiled:
        assert clean[name].equals(broken[name]), name
    every = desk_of(faults=RATE).truth["faults"].filter(pl.col("table") == "tickets")["key"]
    assert every.is_unique().all(), "a ticket is spoiled by one kind only"
    rest = pl.col("ticket_id").is_in(every.implode()).not_()
    assert clean["tickets"].filter(rest).equals(broken["tickets"].filter(rest))
    assert desk_of().truth["waits"].equals(desk_of(faults=RATE).truth["waits"]), "history is played before"


def test_the_list_says_what_now_stands_there() -> None:
    desk = desk_of(faults=RATE)
    tickets = desk.tables["tickets"].unique("ticket_id", keep="first")
    orphans = listed("orphan_account").join(tickets, left_on="key", right_on="ticket_id")
    assert (orphans["value"] == orphans["account_id"]).all()
    counts = desk.expected["faults"]
    assert counts == dict(desk.truth["faults"].group_by("fault").len().iter_rows())
