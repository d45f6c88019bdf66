"""On-time counts: small desks by hand, the same counted in plain Python, and the published numbers of two cities."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from triage_lab.domain.errors import UsageError
from triage_lab.metrics.on_time import DENOMINATORS, NOT_PLAIN, on_time_counts

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
BALTIMORE = SHARED / "baltimore311_sample" / "cases.parquet"
BOSTON = SHARED / "boston311_sample_2015_2024" / "cases.parquet"
FAR = 4_000_000_000
SCHEMA = {
    "first_team_id": pl.String(),
    "due_at": pl.Int64(),
    "resolved_at": pl.Int64(),
    "closed_at": pl.Int64(),
    "sla_met": pl.Boolean(),
    "status_class": pl.String(),
}


def desk(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def row(frame: pl.DataFrame, denominator: str, **cut: Any) -> dict[str, Any]:
    found = [
        one
        for one in frame.iter_rows(named=True)
        if one["denominator"] == denominator and all(one[k] == v for k, v in cut.items())
    ]
    assert len(found) == 1
    return found[0]


def shares(counts: pl.DataFrame) -> dict[str, tuple[int, int, int]]:
    return {
        name: (n, met, late) for name, n, met, late in counts.select("denominator", "n", "met", "breached").iter_rows()
    }


def test_each_denominator_of_a_small_desk() -> None:
    tickets = desk(
        ("a", 100, 90, None, True, "closed"),
        ("a", 100, 100, None, True, "solved"),  # exactly at the due instant
        ("a", 100, 101, None, False, "closed"),
        ("a", 100, None, 99, None, "duplicate"),  # closed stands in where nobody resolved
        ("b", 100, None, None, None, "open"),  # open past due
        ("b", 900, None, None, None, "open"),  # open, not due yet
        ("b", 900, 200, None, True, "closed"),  # done early: not matured
        ("b", None, 50, None, True, "closed"),
        ("b", 100, 600, None, False, "transferred"),  # ends after the cutoff
        ("b", None, None, None, None, None),
    )
    counts = on_time_counts(tickets, cutoff=500)
    assert counts["denominator"].to_list() == list(DENOMINATORS)
    assert shares(counts) == {
        "matured": (6, 3, 3), "closed": (5, 4, 1), "closed_plain": (4, 3, 1), "flagged": (6, 4, 2), "flagged_with_target": (5, 3, 2),
    }  # fmt: skip
    assert row(counts, "matured")["rate"] == 0.5
    out = {
        name: {
            key.removeprefix("excluded_"): n
            for key, n in row(counts, name).items()
            if key.startswith("excluded_") and n
        }
        for name in DENOMINATORS
    }
    assert out == {
        "matured": {"no_due": 2, "not_due_yet": 2},
        "closed": {"no_due": 2, "open": 3},
        "closed_plain": {"no_due": 2, "open": 3, "duplicate": 1},
        "flagged": {"no_flag": 4},
        "flagged_with_target": {"no_due": 2, "no_flag": 3},
    }


def test_a_cut_by_team_keeps_unknown_teams_and_sums_to_the_whole() -> None:
    tickets = desk(
        ("b", 100, 90, None, True, "closed"), ("a", 100, 190, None, False, "closed"), (None, 100, 90, None, None, "closed"), ("a", None, 1, None, None, "closed"),
    )  # fmt: skip
    counts = on_time_counts(tickets, cutoff=500, by="first_team_id")
    assert counts.select("denominator", "first_team_id").head(3).rows() == [
        ("matured", "a"),
        ("matured", "b"),
        ("matured", None),
    ]
    assert row(counts, "closed", first_team_id="a")["rate"] == 0.0
    assert row(counts, "flagged", first_team_id=None)["rate"] is None  # nobody in the denominator: no rate, not zero
    numbers = [name for name in counts.columns if name not in {"denominator", "first_team_id", "rate"}]
    summed = counts.group_by("denominator", maintain_order=True).agg(pl.col(numbers).sum())
    assert_frame_equal(summed, on_time_counts(tickets, cutoff=500).select("denominator", *numbers))


def test_missing_columns_are_not_known_and_wrong_ones_are_refused() -> None:
    counts = on_time_counts(pl.DataFrame({"ticket_id": ["1", "2"], "due_at": [10, 20]}), cutoff=15)
    assert shares(counts)["matured"] == (1, 0, 1)
    assert shares(counts)["flagged"] == (0, 0, 0)
    assert row(counts, "flagged")["excluded_no_flag"] == 2
    only = on_time_counts(pl.DataFrame({"ticket_id": ["1", "2"]}), cutoff=15)
    assert row(only, "matured")["tickets"] == row(only, "matured")["excluded_no_due"] == 2
    with pytest.raises(UsageError, match="no column 'team'"):
        on_time_counts(pl.DataFrame({"due_at": [1]}), cutoff=1, by="team")
    with pytest.raises(UsageError, match="'due_at' has the type String"):
        on_time_counts(pl.DataFrame({"due_at": ["soon"]}), cutoff=1)
    with pytest.raises(UsageError, match="'sla_met' has the type"):
        on_time_counts(pl.DataFrame({"sla_met": [1]}), cutoff=1)


def test_no_tickets_are_counted_too() -> None:
    counts = on_time_counts(desk(), cutoff=1)
    assert counts["denominator"].to_list() == list(DENOMINATORS)
    assert counts["tickets"].sum() == 0
    assert counts["rate"].null_count() == len(DENOMINATORS)
    assert counts.schema == on_time_counts(desk(("a", 1, 1, 1, True, "closed")), cutoff=1).schema
    assert on_time_counts(desk(), cutoff=1, by="first_team_id").height == 0


def test_stored_times_are_floored_to_the_second() -> None:
    at = [datetime(1970, 1, 1, 0, 1, 40, 900_000), datetime(1969, 12, 31, 23, 59, 58, 500_000)]  # noqa: DTZ001
    tickets = pl.DataFrame(
        {"due_at": [100, -2], "resolved_at": at}, schema_overrides={"resolved_at": pl.Datetime("us")}
    )
    assert shares(on_time_counts(tickets, cutoff=500))["closed"] == (2, 2, 0)


times = st.one_of(st.none(), st.integers(0, 12))
tickets_of = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), times, times, times, st.sampled_from([True, False, None]), st.sampled_from(["open", "closed", None, *NOT_PLAIN])),
    max_size=25,
)  # fmt: skip


@settings(max_examples=80)
@given(tickets_of, st.integers(0, 12))
def test_the_counts_equal_a_plain_reading(rows: list[tuple[Any, ...]], cutoff: int) -> None:
    counts = on_time_counts(desk(*rows), cutoff=cutoff, by="first_team_id")
    for team in {one[0] for one in rows}:
        for name in DENOMINATORS:
            met = late = 0
            for owner, due, resolved, closed, flag, status in rows:
                end = resolved if resolved is not None else closed
                end = end if end is not None and end <= cutoff else None
                kept = {
                    "matured": due is not None and due <= cutoff,
                    "closed": due is not None and end is not None,
                    "closed_plain": due is not None and end is not None and status not in NOT_PLAIN,
                    "flagged": flag is not None,
                    "flagged_with_target": flag is not None and due is not None,
                }[name]
                good = flag if name.startswith("flagged") else end is not None and due is not None and end <= due
                if owner == team and kept:
                    met, late = met + bool(good), late + (not good)
            found = row(counts, name, first_team_id=team)
            assert (found["n"], found["met"], found["breached"]) == (met + late, met, late)
            out = sum(value for key, value in found.items() if key.startswith("excluded_"))
            assert found["n"] + out == found["tickets"] == sum(one[0] == team for one in rows)


def stamp(column: str, form: str) -> pl.Expr:
    """UTC seconds of a wall-clock text, read as if it were UTC: differences on the wall clock are what is counted."""
    return pl.col(column).str.strip_chars().str.to_datetime(form, strict=False).dt.epoch("s")


@pytest.mark.skipif(not BALTIMORE.exists(), reason="the Baltimore sample is not beside the project")
def test_the_published_numbers_of_baltimore() -> None:
    form = "%m/%d/%Y %I:%M:%S %p"
    status = pl.col("SRStatus")
    word = (
        pl.when(status.str.contains("Duplicate"))
        .then(pl.lit("duplicate"))
        .when(status.str.contains("Transferred"))
        .then(pl.lit("transferred"))
    )
    tickets = pl.read_parquet(BALTIMORE).select(
        stamp("DueDate", form).alias("due_at"), stamp("CloseDate", form).alias("closed_at"), pl.col("Agency").alias("first_team_id"),
        word.otherwise(status.str.to_lowercase()).alias("status_class"),
    )  # fmt: skip
    counts = on_time_counts(tickets, cutoff=FAR)
    assert shares(counts)["closed"] == (9555, 7988, 1567)
    assert round(100 * row(counts, "closed")["rate"], 2) == 83.60
    assert shares(counts)["closed_plain"] == (7830 + 1507, 7830, 1507)
    assert round(100 * row(counts, "closed_plain")["rate"], 2) == 83.86
    assert row(counts, "closed")["excluded_no_due"] == 10_000 - 9714
    assert shares(counts)["flagged"] == (0, 0, 0)
    by = on_time_counts(tickets, cutoff=FAR, by="first_team_id")
    agencies = {
        "Solid Waste": (87.99, 4705),
        "Transportation": (79.64, 1542),
        "Housing": (89.38, 1158),
        "Water Wastewater": (60.77, 780),
        "BGE": (88.10, 353),
    }
    found = {name: row(by, "closed", first_team_id=name) for name in agencies}
    assert {name: (round(100 * one["rate"], 2), one["n"]) for name, one in found.items()} == agencies


@pytest.mark.skipif(not BOSTON.exists(), reason="the Boston sample is not beside the project")
def test_the_published_numbers_of_boston() -> None:
    form = "%Y-%m-%d %H:%M:%S"
    tickets = pl.read_parquet(BOSTON).select(
        stamp("sla_target_dt", form).alias("due_at"), stamp("closed_dt", form).alias("closed_at"), pl.col("department").alias("first_team_id"),
        (pl.col("on_time") == "ONTIME").alias("sla_met"), pl.lit("closed").alias("status_class"),
    )  # fmt: skip
    counts = on_time_counts(tickets, cutoff=FAR)
    assert shares(counts)["flagged"] == (4994, 4520, 474)
    assert round(100 * row(counts, "flagged")["rate"], 2) == 90.51
    assert shares(counts)["flagged_with_target"] == (4283, 3809, 474)
    assert row(counts, "flagged_with_target")["excluded_no_flag"] == 1
    assert row(counts, "flagged_with_target")["excluded_no_due"] == 711
    assert shares(counts)["closed"] == (4284, 3809, 475)
    assert round(100 * row(counts, "closed")["rate"], 2) == 88.91
    by = on_time_counts(tickets, cutoff=FAR, by="first_team_id")
    published = {"PWDx": 92.25, "BTDT": 89.11, "ISD": 78.21, "PARK": 89.44}
    found = {name: row(by, "flagged", first_team_id=name)["rate"] for name in published}
    assert {name: round(100 * rate, 2) for name, rate in found.items()} == published
