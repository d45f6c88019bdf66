"""The published clock vectors of tests/golden/clocks, and the two-schedule example beside the project, to the second."""

from __future__ import annotations

import csv
import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from triage_lab.domain.desk import WEEKDAYS, Calendar, Span
from triage_lab.replay.clock_hours import Schedules
from triage_lab.replay.presets import (
    PRESETS,
    CalendarPolicy,
    ClockRules,
    ClockStart,
    FulfilBy,
    MergePolicy,
    OnReopen,
    OnTargetChange,
    OpenAsOf,
    ReplyCycles,
)
from triage_lab.replay.vendor_clocks import vendor_clocks

VECTORS = Path(__file__).resolve().parents[1] / "golden" / "clocks"
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "zendesk_two_schedules_vector"
KNOBS: dict[str, Any] = {
    "clock_start": ClockStart, "on_target_change": OnTargetChange, "fulfil_by": FulfilBy, "reply_cycles": ReplyCycles, "on_reopen": OnReopen,
    "calendar_policy": CalendarPolicy, "merge_policy": MergePolicy, "open_as_of": OpenAsOf, "pause_extends_due": bool,
}  # fmt: skip
TICKET = "1"


def read(path: Path) -> dict[str, Any]:
    """A vector file with every scalar as text: 9:00:00 is a time of day here, not a number in base 60."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    return dict(yaml.load(path.read_text(encoding="utf-8")))


def all_cases() -> list[Any]:
    cases = []
    for path in sorted(VECTORS.glob("*.yaml")):
        file = read(path)
        cases += [pytest.param(file, case, id=f"{path.stem}: {case['name']}") for case in file["cases"]]
    return cases


def seconds(text: Any) -> int | None:
    """h:mm:ss as seconds."""
    if text is None:
        return None
    hours, minutes, rest = str(text).split(":")
    return 3600 * int(hours) + 60 * int(minutes) + int(rest)


def rules_of(file: dict[str, Any], case: dict[str, Any]) -> ClockRules:
    changed = {name: KNOBS[name](value) for name, value in case.get("rules", {}).items()}
    return dataclasses.replace(PRESETS[file["preset"]].rules, **changed)


@pytest.mark.parametrize(("file", "case"), all_cases())
def test_published_vectors(file: dict[str, Any], case: dict[str, Any]) -> None:
    day = str(file["day"])[:10]

    def at(text: Any) -> int | None:
        if text is None:
            return None
        if isinstance(text, datetime):
            return (
                int(text.timestamp())
                if text.tzinfo
                else int(datetime.fromisoformat(f"{text.isoformat()}+00:00").timestamp())
            )
        whole = str(text) if "T" in str(text) else f"{day}T{text}Z"
        return int(datetime.fromisoformat(whole.replace("Z", "+00:00")).timestamp())

    tickets = [{"ticket_id": TICKET, "created_at": at(case["created"])}]
    events = [
        {"ticket_id": TICKET, "at": at(one["at"]), "seq": place, "kind": one["kind"], "actor_type": one.get("by"), "field": one.get("field"),
         "new_value": one.get("to"), "is_public": False if one["kind"] == "note" else None}
        for place, one in enumerate(case.get("events", file.get("events")))
    ]  # fmt: skip
    for other in case.get("others", []):
        tickets.append({"ticket_id": other["ticket"], "created_at": at(other["created"])})
        events.append(
            {
                "ticket_id": other["ticket"],
                "at": at(other["merged"]),
                "seq": 0,
                "kind": "merged",
                "new_value": other["into"],
            }
        )
    targets = []
    for metric, target, *rest in case["targets"]:
        more = rest[0] if rest else {}
        targets.append(
            {"ticket_id": TICKET, "metric": metric, "target_seconds": seconds(target), "applied_at": at(more.get("applied")),
             "criteria_at": at(more.get("criteria")), "schedule_id": more.get("schedule"), "business_hours": not more.get("around_the_clock", False)}
        )  # fmt: skip
    calendars = {
        name: Calendar(name, "UTC", tuple(Span(WEEKDAYS.index(weekday), start, end) for weekday, start, end in spec["spans"]))
        for name, spec in file.get("calendars", {}).items()
    }  # fmt: skip
    assigned = [
        {"ticket_id": TICKET, "schedule_id": name, "from_at": at(since)} for name, since in file.get("schedules", [])
    ]
    frames = [
        pl.DataFrame(rows, schema=schema)
        for rows, schema in ((events, EVENTS), (targets, TARGETS), (assigned, ASSIGNED))
    ]
    found = vendor_clocks(
        pl.DataFrame(tickets), frames[0], frames[1], Schedules(calendars, frames[2]), rules_of(file, case),
        cutoff=at(case.get("cutoff", file["cutoff"])) or 0,
    )  # fmt: skip
    columns = ("metric", "cycle", "started_at", "due_at", "fulfilled_at", "elapsed_seconds", "paused_seconds", "state")
    assert found.filter(pl.col("ticket_id") == TICKET).select(columns).rows() == [
        (metric, cycle, at(start), at(due), at(done), seconds(elapsed), seconds(paused), state)
        for metric, cycle, start, due, done, elapsed, paused, state in case["expect"]
    ]  # fmt: skip


EVENTS = {"ticket_id": pl.String, "at": pl.Int64, "seq": pl.Int64, "kind": pl.String, "actor_type": pl.String, "field": pl.String,
          "new_value": pl.String, "is_public": pl.Boolean}  # fmt: skip
TARGETS = {"ticket_id": pl.String, "metric": pl.String, "target_seconds": pl.Int64, "applied_at": pl.Int64, "criteria_at": pl.Int64,
           "schedule_id": pl.String, "business_hours": pl.Boolean}  # fmt: skip
ASSIGNED = {"ticket_id": pl.String, "schedule_id": pl.String, "from_at": pl.Int64}


@pytest.mark.skipif(not SHARED.exists(), reason="the two-schedule example is not beside the project")
@pytest.mark.parametrize(
    ("mode", "policy"),
    [("all_schedules_in_force", CalendarPolicy.IN_FORCE), ("last_schedule_only", CalendarPolicy.LAST)],
)
def test_the_two_schedule_example_to_the_second(mode: str, policy: CalendarPolicy) -> None:
    def at(text: str) -> int:
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())

    rows, intervals, expected = (
        list(csv.DictReader((SHARED / f"{name}.csv").read_text("utf-8").splitlines()))
        for name in ("events", "intervals", "expected")
    )
    spans: dict[str, list[Span]] = {}
    for one in intervals:
        start, end = int(one["start_minute_of_week_utc"]), int(one["end_minute_of_week_utc"])
        # its weeks start on Sunday, ours on Monday
        spans.setdefault(one["schedule"], []).append(
            Span((start // 1440 + 6) % 7, start % 1440, end - start + start % 1440)
        )
    events = [
        {"ticket_id": one["ticket_id"], "at": at(one["at_utc"]), "seq": place, "kind": {"comment": "reply"}.get(one["event"], one["event"]),
         "actor_type": one["actor_role"] or None, "new_value": one["value"] or None, "is_public": {"true": True, "false": False}.get(one["is_public"])}
        for place, one in enumerate(rows) if one["event"] != "schedule"
    ]  # fmt: skip
    assigned = [
        {"ticket_id": one["ticket_id"], "schedule_id": one["value"], "from_at": at(one["at_utc"])}
        for one in rows
        if one["event"] == "schedule"
    ]
    ticket = rows[0]["ticket_id"]
    targets = [{"ticket_id": ticket, "metric": metric, "target_seconds": 10**6, "business_hours": business}
               for metric, business in (("first_action", True), ("resolve", False))]  # fmt: skip
    minutes = {(one["metric"], one["mode"]): float(one["exact_minutes"]) for one in expected}
    for targets_business, metric, key in (
        (targets, "first_action", ("first_reply_business", mode)),
        (targets, "resolve", ("full_resolution_calendar", "any")),
        ([{**targets[0], "business_hours": False}], "first_action", ("first_reply_calendar", "any")),
    ):
        found = vendor_clocks(
            pl.DataFrame({"ticket_id": [ticket], "created_at": [at(rows[0]["at_utc"])]}),
            pl.DataFrame(events, schema=EVENTS),
            pl.DataFrame(targets_business),
            Schedules(
                {name: Calendar(name, "UTC", tuple(all_spans)) for name, all_spans in spans.items()},
                pl.DataFrame(assigned),
            ),
            dataclasses.replace(PRESETS["zendesk"].rules, calendar_policy=policy),
            cutoff=at("2020-10-05T00:00:00Z"),
        )
        elapsed = found.filter(pl.col("metric") == metric)["elapsed_seconds"].item()
        assert elapsed == round(60 * minutes[key])
        assert elapsed / 60 == pytest.approx(minutes[key], abs=1e-3)
