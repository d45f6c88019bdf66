"""Declared inboxes, the pulse of look-ups with hysteresis, stale answers, the vendor's flag against the dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from quality_desk import CUTOFF, at, clean_desk, gate, keys, listed, opened, run

from triage_lab.domain.enums import GateState
from triage_lab.quality import parity, run_gx, run_sql

LOOKUP = {"source": "crm", "value": "1", "value_as_of": at(-1)}


def lookups(*hours: tuple[int, int, int]) -> list[dict[str, object]]:
    """(hour, asked, answered): one field a ticket."""
    return [
        {
            "ticket_id": f"T{n:04d}", "field": f"f{hour}", "status": "hit" if n < answered else "miss",
            "looked_up_at": at(1, hours=hour, seconds=n), **LOOKUP,
        }
        for hour, asked, answered in hours for n in range(asked)
    ]  # fmt: skip


def test_every_declared_inbox_must_be_used(tmp_path):
    desk = clean_desk()
    for number, signal in enumerate(desk["signals"]):
        signal["inbox"] = ("billing-mail", "portal")[number % 2]
    desk["tickets"][0]["inbox"] = "phone"
    with opened(tmp_path, desk) as con:
        found = run(
            con, gate("channel_coverage", "signals", inboxes=["billing-mail", "portal", "phone", 'l\'egal "x"'])
        )
        assert (found.state, found.n, found.failed) == (GateState.FAIL, 4, 1)
        assert keys(con) == ['l\'egal "x"']


def test_an_inbox_may_be_named_by_its_address_another_name_or_its_channel_alone(tmp_path):
    desk = clean_desk()
    for number, signal in enumerate(desk["signals"]):
        signal |= ({"inbox": "Billing@acme.com"}, {"inbox": "help@acme.com"}, {"channel": "phone"}, {})[number % 4]
    declared = gate("channel_coverage", "signals", inboxes=["billing", "support", "hotline", "fax"])
    spelled = replace(
        declared,
        params={**declared.params, "spellings": (("support", "HELP@acme.com"),),
                "channels": (("hotline", "phone"), ("fax", "fax"))},
    )  # fmt: skip
    with opened(tmp_path, desk) as con:
        assert run(con, declared).failed == 3
        assert run(con, spelled).failed == 1
        assert keys(con) == ["fax"]


def test_an_inbox_that_fell_silent_is_found_with_days(tmp_path):
    desk = clean_desk()
    for signal in desk["signals"]:
        signal["inbox"] = "portal" if signal["received_at"] > at(20) else "chat"
    with opened(tmp_path, desk) as con:
        found = run(con, gate("channel_coverage", "signals", inboxes=["portal", "chat"], days=7))
        assert found.failed == 1
        (line,) = listed(con)
        assert line[0] == "chat"
        assert line[2].startswith("2026-09-20")


def test_without_declared_inboxes_there_is_nothing_to_judge(tmp_path):
    with opened(tmp_path, clean_desk()) as con:
        assert run(con, gate("channel_coverage", "signals")).state is GateState.SKIPPED


def test_the_heartbeat_alarms_below_one_bound_and_clears_above_the_other(tmp_path):
    desk = clean_desk()
    # 100 %, 91 % (alert), 96 % (still), 98 % (clear), 94 % (within chance), 19 look-ups (not judged), 50 % (alert)
    desk["enrichment_log"] = lookups(
        (0, 500, 500), (1, 500, 455), (2, 500, 480), (3, 500, 490), (4, 500, 470), (5, 19, 0), (6, 20, 10)
    )  # fmt: skip
    with opened(tmp_path, desk) as con:
        found = run(con, gate("heartbeat", "enrichment_log", low=0.95, high=0.97))
        assert (found.n, found.failed) == (6, 3)
        assert [(key[11:13], value) for key, _, value in listed(con)] == [("01", "0.91"), ("02", "0.96"), ("06", "0.5")]
        narrow = run(con, gate("heartbeat", "enrichment_log", low=0.95, high=0.97, least=10))
        assert (narrow.n, narrow.failed) == (7, 4)
        only = run(con, gate("heartbeat", "enrichment_log", low=0.95, field="f6"))
        assert (only.n, only.failed) == (1, 1)


def test_a_second_source_that_answers_keeps_the_heart_beating(tmp_path):
    desk = clean_desk()
    missed = lookups((0, 40, 0))
    answered = [{**row, "source": "billing", "status": "hit"} for row in missed]
    desk["enrichment_log"] = [*missed, *answered]
    with opened(tmp_path, desk) as con:
        assert run(con, gate("heartbeat", "enrichment_log", low=0.95)).state is GateState.PASS


def test_old_answers_are_stale_whether_marked_or_not(tmp_path):
    desk = clean_desk()
    rows = desk["enrichment_log"] = lookups((0, 40, 40))
    for row in rows[:4]:
        row["status"] = "stale"
    for row in rows[4:10]:
        row["value_as_of"] = row["looked_up_at"] - timedelta(days=40)
    with opened(tmp_path, desk) as con:
        marked = run(con, gate("staleness", "enrichment_log", high=0.2))
        assert (marked.value, marked.n, marked.state) == (pytest.approx(0.1), 40, GateState.PASS)
        old = run(con, gate("staleness", "enrichment_log", high=0.2, hours=360))
        assert (old.value, old.state) == (pytest.approx(0.25), GateState.FAIL)


def test_the_vendors_flag_is_held_against_the_dates(tmp_path):
    desk = clean_desk()
    for number, ticket in enumerate(desk["tickets"][:8]):
        ticket["due_at"] = ticket["created_at"] + timedelta(hours=3 if number % 2 else 2)
        ticket["sla_met"] = True  # acting exactly at the due instant is met; an open ticket is not judged
    with opened(tmp_path, desk) as con:
        found = run(con, gate("sla_flag"))
        judged = [t for t in desk["tickets"][:8] if t["resolved_at"]]
        wrong = [t["ticket_id"] for t in judged if t["resolved_at"] > t["due_at"]]
        assert wrong
        assert (found.n, found.failed) == (len(judged), len(wrong))
        assert keys(con) == wrong


def test_both_engines_agree_on_the_checks_of_supply(tmp_path):
    desk = clean_desk()
    desk["enrichment_log"] = lookups((0, 50, 40), (1, 50, 50))
    desk["tickets"][1] |= {"due_at": at(0), "sla_met": True}
    gates = (
        gate("channel_coverage", "signals", inboxes=["a", "b"]), gate("heartbeat", "enrichment_log", low=0.95),
        gate("staleness", "enrichment_log", high=0.1), gate("sla_flag"),
    )  # fmt: skip
    named = tuple(replace(item, gate_id=f"g{number}") for number, item in enumerate(gates))
    with opened(tmp_path, desk) as con:
        direct = run_sql(con, named, cutoff=CUTOFF)
        assert parity(direct, run_gx(con, named, cutoff=CUTOFF)) == ()
        assert [result.failed for result in direct] == [2, 1, 0, 1]
