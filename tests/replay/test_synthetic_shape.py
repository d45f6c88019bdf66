"""Tables of the synthetic desk: types, keys, references, sizes, seasons."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from synthetic_desks import desk_of, desk_operations

from triage_lab.domain.errors import ConfigError, UsageError
from triage_lab.domain.tables import CANONICAL, DATED
from triage_lab.replay.synthetic import generate_desk
from triage_lab.replay.synthetic.frames import TYPES
from triage_lab.replay.synthetic.parameters import (
    CATEGORIES,
    CHANNELS,
    PRIORITIES,
    SUBJECTS,
    TEAMS,
    WINDOW_END,
    WINDOW_START,
)

START, END = (datetime.fromtimestamp(at, UTC).replace(tzinfo=None) for at in (WINDOW_START, WINDOW_END))


def test_every_canonical_table_is_there_with_its_columns_and_types() -> None:
    tables = desk_of().tables
    assert set(tables) == set(CANONICAL)
    for name, table in tables.items():
        expected = {column.name: TYPES[column.kind] for column in CANONICAL[name].columns}
        assert dict(table.schema) == expected, name
        assert len(table) > 0, name


def test_keys_are_unique_and_required_columns_are_filled() -> None:
    for name, table in desk_of().tables.items():
        assert not table.select(CANONICAL[name].key).is_duplicated().any(), name
        for column in CANONICAL[name].columns:
            if column.required:
                assert table[column.name].null_count() == 0, f"{name}.{column.name}"


@pytest.mark.parametrize("tickets", [100, 1_000, 5_000, 100_000])
def test_sizes(tickets: int) -> None:
    desk = desk_of(tickets)
    assert len(desk.tables["tickets"]) == tickets
    assert desk.tables["tickets"]["created_at"].is_between(START, END, closed="left").all()
    assert desk.tables["tickets"]["snapshot_at"].unique().to_list() == [END]


@pytest.mark.parametrize("tickets", [-1, 0, 99, 2_000_001])
def test_sizes_out_of_range_are_refused(tickets: int) -> None:
    with pytest.raises(UsageError, match="tickets"):
        generate_desk(tickets=tickets, operations=desk_operations())


def test_a_desk_without_our_teams_is_refused() -> None:
    from dataclasses import replace

    operations = desk_operations()
    fewer = {name: team for name, team in operations.teams.items() if name != "legal-ops"}
    with pytest.raises(ConfigError, match="legal-ops"):
        generate_desk(tickets=100, operations=replace(operations, teams=fewer))


def test_rows_are_in_ticket_order() -> None:
    tickets = desk_of().tables["tickets"]
    assert tickets.equals(tickets.sort("created_at", "ticket_id"))


@pytest.mark.parametrize(
    ("table", "column", "target"),
    [
        ("tickets", "account_id", "accounts"),
        ("contracts", "account_id", "accounts"),
        ("subscriptions", "account_id", "accounts"),
        ("invoices", "account_id", "accounts"),
        ("opportunities", "account_id", "accounts"),
        ("account_links", "account_id", "accounts"),
        ("contract_clauses", "contract_id", "contracts"),
        ("ticket_events", "ticket_id", "tickets"),
        ("signals", "ticket_id", "tickets"),
        ("sla_instances", "ticket_id", "tickets"),
        ("enrichment_log", "ticket_id", "tickets"),
        ("labels", "ticket_id", "tickets"),
        ("refunds", "ticket_id", "tickets"),
        ("credits", "ticket_id", "tickets"),
    ],
)
def test_references_resolve(table: str, column: str, target: str) -> None:
    tables = desk_of().tables
    known = tables[target][column].unique().drop_nulls()
    assert tables[table][column].drop_nulls().is_in(known.implode()).all()


def test_values_come_from_the_vocabulary() -> None:
    tickets = desk_of().tables["tickets"]
    for column, allowed in {
        "category": CATEGORIES,
        "subcategory": [subject.name for subject in SUBJECTS],
        "channel": CHANNELS,
        "priority_at_creation": PRIORITIES,
        "first_team_id": TEAMS,
        "resolver_team_id": TEAMS,
        "inbox": list(desk_operations().inboxes),
    }.items():
        assert set(tickets[column].drop_nulls().unique()) <= set(allowed), column
    pairs = set(tickets.select("category", "subcategory").unique().iter_rows())
    assert pairs == {(subject.category, subject.name) for subject in SUBJECTS}


def test_dated_rows_of_one_key_never_overlap_and_some_change_inside_the_window() -> None:
    tables = desk_of().tables
    for name in sorted(DATED):
        key = CANONICAL[name].key[:-1]
        rows = tables[name].sort(*key, "valid_from")
        following = rows.select(pl.col("valid_from").shift(-1).over(*key)).to_series()
        overlapping = rows.filter(
            following.is_not_null() & (rows["valid_to"].is_null() | (rows["valid_to"] > following))
        )
        assert overlapping.is_empty(), name
        assert rows["valid_from"].is_between(START, END).sum() > 10, f"{name}: nothing changes inside the window"
        assert rows.filter(pl.col("valid_to") <= pl.col("valid_from")).is_empty(), name
        assert (rows["valid_from"] <= END).all(), name


def test_every_account_was_known_before_its_first_ticket() -> None:
    tables = desk_of().tables
    since = tables["accounts"].group_by("account_id").agg(pl.col("valid_from").min())
    joined = tables["tickets"].join(since, on="account_id")
    assert (joined["valid_from"] < joined["created_at"]).all()


def test_no_look_ahead_in_the_clean_export() -> None:
    log = desk_of().tables["enrichment_log"]
    assert (log["value_as_of"] <= log["looked_up_at"]).all()
    created = log.join(desk_of().tables["tickets"].select("ticket_id", "created_at"), on="ticket_id")
    assert created["looked_up_at"].equals(created["created_at"].rename("looked_up_at"))


def test_few_accounts_write_most_tickets() -> None:
    counts = desk_of().tables["tickets"]["account_id"].drop_nulls().value_counts()["count"].sort(descending=True)
    top_tenth = counts.head(len(counts) // 10).sum() / counts.sum()
    assert 0.35 < top_tenth < 0.6
    revenue = desk_of().tables["subscriptions"].filter(pl.col("valid_to").is_null())["mrr_minor"]
    assert revenue.mean() > 2 * revenue.median()


def test_weekdays_are_busier_than_weekends_and_days_than_nights() -> None:
    tickets = (
        desk_of()
        .tables["tickets"]
        .join(
            desk_of().tables["accounts"].filter(pl.col("valid_to").is_null()).select("account_id", "region"),
            on="account_id",
        )
    )
    emea = tickets.filter((pl.col("region") == "emea") & (pl.col("channel") == "phone"))
    local = emea["created_at"].dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    by_weekday = local.dt.weekday().value_counts().sort("created_at")["count"].to_list()
    assert min(by_weekday[:5]) > 2 * max(by_weekday[5:])
    by_day = local.dt.hour().is_between(9, 17).sum()
    assert by_day > 0.8 * len(local)


def test_machines_know_no_season() -> None:
    webhooks = desk_of(100_000).tables["tickets"].filter(pl.col("channel") == "webhook")
    hours = webhooks["created_at"].dt.hour().value_counts()["count"].to_numpy()
    expected = len(webhooks) / 24
    chi_square = float(((hours - expected) ** 2 / expected).sum())
    assert len(hours) == 24
    # Repeats shift a few tickets and month starts follow local days; 60 is far in the tail of chi² with 23 degrees.
    assert chi_square < 60


def test_month_starts_are_busy_for_billing() -> None:
    tickets = desk_of(100_000).tables["tickets"].filter(pl.col("created_at").dt.weekday() <= 5)
    days = tickets.with_columns(day=pl.col("created_at").dt.date()).group_by("day", "category").len()

    def mean(category: str, *, start: bool) -> float:
        of = days.filter((pl.col("category") == category) & ((pl.col("day").dt.day() <= 3) == start))
        return float(of["len"].mean())  # type: ignore[arg-type]

    assert mean("billing", start=True) > 1.6 * mean("billing", start=False)
    assert mean("technical", start=True) < 1.25 * mean("technical", start=False)


def test_the_repeated_hour_of_the_clock_change_holds_two_hours_of_tickets() -> None:
    """02:00 to 03:00 in Berlin comes twice on 2026-10-25; each instant is one instant, none is counted twice."""
    from triage_lab.replay.synthetic.seasons import HOURS, intensity, local_days, zone_offsets

    berlin = ZoneInfo("Europe/Berlin")
    offsets = zone_offsets("Europe/Berlin")
    change = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp())
    hour = (change - WINDOW_START) // 3600
    assert offsets[hour - 1] == 7200
    assert offsets[hour] == 3600
    rate = intensity(0, 1, month_start=False)
    assert len(rate) == HOURS
    assert rate[hour - 1] == rate[hour], "both passes of the repeated hour have the same rate"
    instants = np.arange(change - 86_400, change + 86_400, 1_801)
    days = [datetime.fromtimestamp(int(at), UTC).astimezone(berlin).date().toordinal() - 719_163 for at in instants]
    assert local_days(instants, "Europe/Berlin").tolist() == days


def test_arrivals_follow_the_intensity_through_the_clock_change() -> None:
    """Local office hours stay the same before and after the change, so UTC hours shift by one."""
    desk = desk_of(100_000)
    regions = desk.tables["accounts"].select("account_id", "region").unique()
    calls = desk.tables["tickets"].filter(pl.col("channel").is_in(["phone", "chat"]))
    calls = calls.join(regions.filter(pl.col("region") == "emea"), on="account_id")
    utc = calls["created_at"].dt.hour().cast(pl.Float64)
    local = calls["created_at"].dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin").dt.hour()
    change = datetime(2026, 10, 25, 1, tzinfo=UTC).replace(tzinfo=None)
    later = calls["created_at"] >= change
    error = 4 * local.std() / later.sum() ** 0.5
    assert abs(local.filter(later).mean() - local.filter(~later).mean()) < error
    assert abs(utc.filter(later).mean() - utc.filter(~later).mean() - 1.0) < error
    assert error < 0.6


def test_near_duplicates_repeat_an_earlier_ticket_within_hours() -> None:
    desk = desk_of()
    tickets = desk.tables["tickets"]
    facts = tickets.select("ticket_id", "created_at", "account_id", "subcategory", "subject", "body")
    pairs = (
        desk.truth["duplicates"]
        .join(facts, on="ticket_id")
        .join(facts, left_on="duplicate_of", right_on="ticket_id", suffix="_first")
    )
    assert len(pairs) == round(0.03 * len(tickets))
    gap = (pairs["created_at"] - pairs["created_at_first"]).dt.total_seconds()
    assert gap.is_between(300, 6 * 3600).all()
    assert (pairs["account_id"] == pairs["account_id_first"]).all()
    assert (pairs["subcategory"] == pairs["subcategory_first"]).all()
    assert (pairs["body"] != pairs["body_first"]).all()
    assert all(again.startswith(first) for again, first in pairs.select("body", "body_first").iter_rows())
    assert not pairs["duplicate_of"].is_in(pairs["ticket_id"].implode()).any()


def test_texts_are_short_and_carry_no_personal_data() -> None:
    tickets = desk_of().tables["tickets"]
    assert tickets["subject"].str.len_chars().is_between(5, 80).all()
    assert tickets["body"].str.len_chars().is_between(60, 400).all()
    for column in ("subject", "body"):
        assert not tickets[column].str.contains(r"@|\d{5,}|\{").any()
    german = tickets.filter(pl.col("language") == "de")["subject"]
    assert german.str.contains("Rechnung|Vertrag|Verlängerung|Fehler|Anmeldung|Passwort|Einrichtung|Mahnung").any()
