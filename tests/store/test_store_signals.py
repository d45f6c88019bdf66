"""Signals: what was delivered twice, tickets that exist only because of it, and the stream of arrivals."""

from __future__ import annotations

import naive_store
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_worlds import at, lab, load, ticket

from triage_lab import store
from triage_lab.domain.errors import ContextError


def signal(signal_id, when="2026-01-05 10:00", ticket_id=None, key=None, source="zendesk", **columns):
    return {
        "signal_id": signal_id, "received_at": at(when), "ticket_id": ticket_id, "dedup_key": key, "source": source,
        **columns,
    }  # fmt: skip


def repeats(con):
    return dict(con.execute("SELECT signal_id, duplicate_of FROM signals ORDER BY signal_id").fetchall())


def test_a_later_delivery_names_the_first(tmp_path):
    signals = [
        signal("b", "2026-01-05 10:02", key="k"), signal("c", "2026-01-05 10:01", key="k"),
        signal("a", "2026-01-05 10:01", key="k"), signal("given", key="k", duplicate_of="elsewhere"),
        signal("other", key="k", source="stripe"), signal("free"), signal("free2"),
        signal("unnamed", key="k", source=None), signal("unnamed2", key="k", source=None),
    ]  # fmt: skip
    with lab(tmp_path, signals=signals) as con:
        assert repeats(con) == {
            "a": "given", "b": "given", "c": "given", "given": "elsewhere", "other": None, "free": None, "free2": None,
            "unnamed": None, "unnamed2": "unnamed",
        }  # fmt: skip
        load(con, "signals", [signal("given", "2026-01-06", key="k")])  # corrected: it came later
        assert repeats(con) | {"a": None, "given": "a", "c": "a", "b": "a"} == repeats(con)
        store.set_as_of(con, 1)
        assert repeats(con)["b"] == "given"


keys = st.sampled_from([None, "k1", "k2"])


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 3), keys, st.sampled_from([None, "x", "y"]), st.sampled_from([None, "s0"]))))
def test_repeats_equal_the_row_by_row_twin(tmp_path_factory, drawn):
    signals = [
        signal(f"s{n}", f"2026-01-05 10:0{minute}", key=key, source=source, duplicate_of=given)
        for n, (minute, key, source, given) in enumerate(drawn)
    ]
    with lab(tmp_path_factory.mktemp("signals")) as con:
        if signals:
            load(con, "signals", signals)
        assert repeats(con) == naive_store.first_deliveries(signals)


def test_a_ticket_of_repeats_alone_repeats_another_ticket(tmp_path):
    tickets = [ticket(name, "2026-01-05") for name in ("first", "twice", "more", "two", "self", "early")]
    signals = [
        signal("1", ticket_id="first", key="k"), signal("2", ticket_id="twice", key="k"),
        signal("3", ticket_id="more", key="k"), signal("4", ticket_id="more"),  # it has a message of its own
        signal("5", ticket_id="other", key="m"), signal("6", ticket_id="two", key="m"),
        signal("7", ticket_id="two", key="k"),  # repeats two tickets
        signal("8", ticket_id="self", key="n"), signal("9", ticket_id="self", duplicate_of="8"),
        signal("0", "2026-01-01", ticket_id="early", duplicate_of="1"),  # cannot repeat what came later
        signal("x", ticket_id="unknown", key="k"),
    ]  # fmt: skip
    with lab(tmp_path, tickets=tickets, signals=signals) as con:
        assert store.read_repeated_tickets(con).rows() == [("twice", "first")]


def test_the_stream_counts_first_deliveries_in_local_hours(tmp_path):
    tickets = [
        ticket("t", "2026-01-05 10:00", channel="email", inbox="billing"),
        ticket("alone", "2026-01-04 23:30", channel="phone"),
        ticket("late", "2026-02-01", channel="phone"),
    ]
    signals = [
        signal("1", ticket_id="t", key="k"), signal("2", "2026-01-05 10:59", ticket_id="t", key="k"),
        signal("3", "2026-01-05 10:30", ticket_id="t", channel="webhook"), signal("4", "2026-01-05 09:59:59"),
    ]  # fmt: skip
    with lab(tmp_path, tickets=tickets, signals=signals) as con:
        end = (at("2026-01-31") - at("1970-01-01")).total_seconds()
        found = store.read_arrival_stream(con, timezone="Europe/Berlin", end=int(end))
        assert found.columns == ["channel", "inbox", "weekday", "hour", "arrivals", "repeats", "from_tickets"]
        assert found.rows() == [
            ("email", "billing", 0, 11, 1, 1, 0), ("phone", None, 0, 0, 1, 0, 1),
            ("webhook", "billing", 0, 11, 1, 0, 0), (None, None, 0, 10, 1, 0, 0),
        ]  # fmt: skip
        utc = store.read_arrival_stream(con, timezone="UTC", start=int(end))
        assert utc.rows() == [("phone", None, 6, 0, 1, 0, 1)]
        with pytest.raises(ContextError, match="unknown time zone"):
            store.read_arrival_stream(con, timezone="Mars/Base")
