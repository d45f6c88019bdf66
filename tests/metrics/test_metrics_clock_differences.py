"""Clock differences: each reason on a pair of its own, the order in which they are tried, and that nothing is lost."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import UsageError
from triage_lab.metrics.clock_differences import AGREE, Reason, clock_differences

BOSTON = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "boston311_sample_2015_2024" / "cases.parquet"
VENDOR: dict[str, Any] = {
    "ticket_id": pl.String, "metric": pl.String, "cycle": pl.Int64, "state": pl.String, "due_at": pl.Int64, "started_at": pl.Int64,
    "fulfilled_at": pl.Int64, "breached_at": pl.Int64, "paused_seconds": pl.Int64, "target_seconds": pl.Int64, "business_hours": pl.Boolean,
}  # fmt: skip
COMPUTED: dict[str, Any] = {
    "ticket_id": pl.String, "metric": pl.String, "cycle": pl.Int64, "state": pl.String, "due_at": pl.Int64, "started_at": pl.Int64,
    "fulfilled_at": pl.Int64, "paused_seconds": pl.Int64, "target_seconds": pl.Int64, "target_changes": pl.Int64, "reopenings": pl.Int64,
    "private_note_at": pl.Int64, "schedule_known": pl.Boolean,
}  # fmt: skip
BASE = {"ticket_id": "1", "metric": "first_action", "cycle": 1}
MET = {**BASE, "state": "met", "due_at": 10_000, "fulfilled_at": 5_000}
LATE = {**BASE, "state": "breached", "due_at": 10_000, "fulfilled_at": 20_000}
OPEN = {**BASE, "state": "open", "due_at": 10_000}


def one(
    vendor: dict[str, Any] | None, computed: dict[str, Any] | None, ticket: dict[str, Any] | None = None, **options: Any
) -> str:
    """The reason for one pair of clocks."""
    frames = (
        pl.DataFrame([vendor] if vendor else [], schema=VENDOR),
        pl.DataFrame([computed] if computed else [], schema=COMPUTED),
        pl.DataFrame([{"ticket_id": "1", **(ticket or {})}]),
    )
    instances, counts = clock_differences(*frames, **options)
    assert instances.height == 1
    assert counts.filter(pl.col("n") > 0).select("reason", "n").rows() == [(instances["reason"].item(), 1)]
    return str(instances["reason"].item())


CASES = [
    ("agree", MET, MET, {}),
    ("agree", {**MET, "due_at": None}, MET, {}),
    ("agree", {**BASE, "state": "paused", "due_at": 10_000}, OPEN, {}),
    ("agree", {**BASE, "state": "cancelled", "due_at": 1}, {**BASE, "state": "cancelled", "due_at": 2}, {}),
    ("no_vendor_clock", None, MET, {}),
    ("no_computed_clock", MET, None, {}),
    ("vendor_withdrew_breach", {**MET, "state": "cancelled", "breached_at": 10_000}, LATE, {}),
    ("vendor_withdrew_breach", {**MET, "state": "cancelled"}, LATE, {}),
    ("merged_or_deleted", MET, LATE, {"status_class": "merged"}),
    ("merged_or_deleted", MET, LATE, {"merged_into_id": "7"}),
    ("target_changed", {**MET, "target_seconds": 60}, {**LATE, "target_seconds": 61}, {}),
    ("target_changed", MET, {**LATE, "target_changes": 1}, {}),
    ("reopened", MET, {**LATE, "reopenings": 2}, {}),
    ("paused_differently", {**MET, "paused_seconds": 60}, {**LATE, "paused_seconds": 0}, {}),
    ("unexplained", {**MET, "paused_seconds": 59}, {**LATE, "paused_seconds": 0}, {}),
    ("business_hours_unknown", {**MET, "business_hours": True}, {**LATE, "schedule_known": False}, {}),
    ("unexplained", {**MET, "business_hours": False}, {**LATE, "schedule_known": False}, {}),
    ("zone_shift", {**MET, "due_at": 10_000 + 3600}, MET, {}),
    ("zone_shift", {**MET, "due_at": 10_000 - 14 * 3600}, LATE, {}),
    ("unexplained", {**MET, "due_at": 10_000 + 15 * 3600}, MET, {}),
    ("unexplained", {**MET, "due_at": 10_000 + 5400}, MET, {}),
    ("zone_shift", {**MET, "due_at": None, "started_at": 7200}, {**LATE, "started_at": 0}, {}),
    ("vendor_not_yet_updated", OPEN, {**BASE, "state": "breached", "due_at": 10_000}, {}),
    ("rounding", {**MET, "due_at": 10_030}, MET, {}),
    ("unexplained", {**MET, "due_at": 10_060}, MET, {}),
    ("rounding", {**MET, "fulfilled_at": 9_990}, {**LATE, "fulfilled_at": 10_020}, {}),
    ("private_reply", MET, {**LATE, "private_note_at": 5_030}, {}),
    ("flag_contradicts_dates", {**MET, "fulfilled_at": 11_000}, {**LATE, "fulfilled_at": 11_000}, {}),
    ("flag_contradicts_dates", {**LATE, "fulfilled_at": 9_000}, {**MET, "fulfilled_at": 9_000}, {}),
    ("unexplained", MET, LATE, {}),
    ("unexplained", {**MET, "state": "a word of its own"}, MET, {}),
]


@pytest.mark.parametrize(("reason", "vendor", "computed", "ticket"), CASES)
def test_one_reason_a_pair(
    reason: str, vendor: dict[str, Any] | None, computed: dict[str, Any] | None, ticket: dict[str, Any]
) -> None:
    assert one(vendor, computed, ticket) == reason


def test_every_reason_is_reached() -> None:
    assert {reason for reason, *_ in CASES} == {AGREE, *Reason}


def test_the_first_reason_that_holds_is_the_one() -> None:
    vendor = {**MET, "target_seconds": 1, "paused_seconds": 900, "due_at": 10_000 + 3600, "business_hours": True}
    computed = {
        **LATE,
        "target_seconds": 2,
        "paused_seconds": 0,
        "reopenings": 1,
        "schedule_known": False,
        "private_note_at": 5_000,
    }
    seen = [one(vendor, computed, {"status_class": "merged"})]
    for name, value in (("target_seconds", 1), ("reopenings", 0), ("paused_seconds", 900), ("schedule_known", True)):
        seen.append(one(vendor, computed))
        computed = {**computed, name: value}
    seen.append(one(vendor, computed))
    vendor = {**vendor, "due_at": 10_000}
    seen.append(one(vendor, computed))
    seen.append(one(vendor, {**computed, "private_note_at": None}))
    assert seen == [
        "merged_or_deleted", "target_changed", "reopened", "paused_differently", "business_hours_unknown", "zone_shift", "private_reply", "unexplained",
    ]  # fmt: skip


def flagged(**ticket: Any) -> str:
    """The reason for a vendor that keeps a flag only."""
    instances, _ = clock_differences(
        pl.DataFrame(), pl.DataFrame(), pl.DataFrame([{"ticket_id": "1", **ticket}]), cutoff=1_000
    )
    assert instances["metric"].to_list() == ["resolve"]
    return str(instances["reason"].item())


def test_flags_beside_dates() -> None:
    assert flagged(sla_met=True, due_at=100, resolved_at=100) == "agree"
    assert flagged(sla_met=False, due_at=100, closed_at=101) == "agree"
    assert flagged(sla_met=True, due_at=100, resolved_at=101) == "flag_contradicts_dates"  # a second is a second here
    assert flagged(sla_met=False, due_at=100, resolved_at=90) == "flag_contradicts_dates"
    assert flagged(sla_met=True, due_at=None, resolved_at=90) == "no_computed_clock"
    assert flagged(sla_met=True, due_at=2_000, resolved_at=None) == "agree"  # open on both sides
    assert flagged(sla_met=True, due_at=900, resolved_at=None) == "vendor_not_yet_updated"
    assert flagged(sla_met=False, due_at=900, resolved_at=None) == "agree"
    assert flagged(sla_met=False, due_at=2_000, resolved_at=None) == "flag_contradicts_dates"
    assert flagged(sla_met=True, due_at=900, resolved_at=1_500) == "vendor_not_yet_updated"  # ends after the cutoff
    assert flagged(sla_met=True, due_at=100, resolved_at=101, status_class="merged") == "merged_or_deleted"


def test_a_flag_is_set_beside_the_computed_clock_where_there_is_one() -> None:
    ticket = pl.DataFrame(
        {"ticket_id": ["1", "2"], "sla_met": [True, None], "due_at": [100, 100], "resolved_at": [50, 50]}
    )
    clocks = [
        {**BASE, "metric": "resolve", "cycle": 1, "state": "cancelled", "due_at": 70},
        {**BASE, "metric": "resolve", "cycle": 2, "state": "breached", "due_at": 100, "target_changes": 1},
    ]
    instances, counts = clock_differences(pl.DataFrame(), pl.DataFrame(clocks, schema=COMPUTED), ticket)
    assert instances.select("ticket_id", "cycle", "reason").rows() == [
        ("1", 1, "no_vendor_clock"), ("1", 2, "target_changed"), ("2", 1, "no_vendor_clock"),
    ]  # fmt: skip
    assert counts.select("n_vendor", "n_computed").unique().rows() == [(1, 3)]


def test_dates_alone_make_no_clocks() -> None:
    tickets = pl.DataFrame({"ticket_id": ["1"], "due_at": [5], "resolved_at": [9]})
    instances, counts = clock_differences(pl.DataFrame(), pl.DataFrame(), tickets, cutoff=10)
    assert (instances.height, counts.height) == (0, 0)


def test_bad_frames_are_named() -> None:
    tickets = pl.DataFrame({"ticket_id": ["1"]})
    with pytest.raises(UsageError, match="vendor clocks without the column cycle"):
        clock_differences(pl.DataFrame({"ticket_id": ["1"], "metric": ["resolve"]}), pl.DataFrame(), tickets)
    with pytest.raises(UsageError, match="first_action 1 of ticket 1 is there twice"):
        clock_differences(pl.DataFrame([MET, LATE], schema=VENDOR), pl.DataFrame(), tickets)


def test_stored_times_are_floored() -> None:
    vendor = pl.DataFrame([{**BASE, "state": "met", "due_at": datetime(1970, 1, 1, 0, 0, 9, 900_000)}])  # noqa: DTZ001
    instances, _ = clock_differences(
        vendor, pl.DataFrame([{**MET, "due_at": 9}], schema=COMPUTED), pl.DataFrame({"ticket_id": ["1"]})
    )
    assert instances["reason"].to_list() == ["agree"]


small = st.integers(0, 3)
clock_of = st.fixed_dictionaries(
    {
        "ticket_id": st.sampled_from("abc"), "metric": st.sampled_from(["resolve", "first_action"]), "cycle": st.integers(1, 2),
        "state": st.sampled_from(["met", "breached", "open", "cancelled", None]), "due_at": st.one_of(st.none(), small), "fulfilled_at": st.one_of(st.none(), small),
    }
)  # fmt: skip
clocks_of = st.lists(clock_of, max_size=8, unique_by=lambda one: (one["ticket_id"], one["metric"], one["cycle"]))
ticket_of = st.fixed_dictionaries(
    {
        "sla_met": st.sampled_from([True, False, None]),
        "due_at": st.one_of(st.none(), small),
        "closed_at": st.one_of(st.none(), small),
    }
)


@settings(max_examples=120)
@given(clocks_of, clocks_of, st.lists(ticket_of, min_size=3, max_size=3))
def test_nothing_is_lost(
    vendor: list[dict[str, Any]], computed: list[dict[str, Any]], tickets: list[dict[str, Any]]
) -> None:
    facts = pl.DataFrame([{"ticket_id": name, **one} for name, one in zip("abc", tickets, strict=True)])
    instances, counts = clock_differences(
        pl.DataFrame(vendor, schema=VENDOR), pl.DataFrame(computed, schema=COMPUTED), facts, cutoff=3
    )
    assert not instances.select("ticket_id", "metric", "cycle").is_duplicated().any()
    for (metric,), part in counts.group_by("metric"):
        n = dict(part.select("reason", "n").iter_rows())
        assert list(n) == [AGREE, *Reason]
        total = sum(n.values())
        assert part["n_vendor"][0] == total - n[Reason.NO_VENDOR_CLOCK]
        assert part["n_computed"][0] == total - n[Reason.NO_COMPUTED_CLOCK]
        assert total == instances.filter(pl.col("metric") == metric).height
        kept = sum(one["metric"] == metric for one in vendor)
        held = {one["ticket_id"] for one in vendor if one["metric"] == "resolve"}
        flags = sum(one["sla_met"] is not None and name not in held for name, one in zip("abc", tickets, strict=True))
        assert part["n_vendor"][0] == kept + (flags if metric == "resolve" else 0)


@pytest.mark.skipif(not BOSTON.exists(), reason="the Boston sample is not beside the project")
def test_the_flags_of_boston_agree_with_its_dates() -> None:
    def stamp(column: str) -> pl.Expr:
        return pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S").dt.epoch("s")

    tickets = pl.read_parquet(BOSTON).select(
        pl.col("case_enquiry_id").alias("ticket_id"), stamp("sla_target_dt").alias("due_at"), stamp("closed_dt").alias("closed_at"),
        (pl.col("on_time") == "ONTIME").alias("sla_met"), pl.lit("closed").alias("status_class"),
    )  # fmt: skip
    instances, counts = clock_differences(pl.DataFrame(), pl.DataFrame(), tickets, cutoff=4_000_000_000)
    found = {reason: n for reason, n in counts.select("reason", "n").iter_rows() if n}
    assert found == {"agree": 4283, "no_vendor_clock": 1, "no_computed_clock": 711}
    assert counts.select("n_vendor", "n_computed").row(0) == (4994, 4284)
    assert instances.filter(pl.col("reason") == "agree")["from_dates"].all()
