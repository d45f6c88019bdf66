"""The two engines find the same on clean data and on every planted fault; an engine that breaks is an error."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import pytest
from quality_desk import CUTOFF, at, gate, load
from test_quality_checks import CHECKS, event, lookup, ticket
from test_quality_runner import own, scalar

from triage_lab.domain.errors import UsageError
from triage_lab.domain.gate import Gate
from triage_lab.quality import parity, run_gx, run_sql

FAULTS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "copies": {
        "tickets": [ticket("T9009", subject=s) for s in "abc"],
        "accounts": [{"account_id": "A9", "name": name} for name in "ab"],
    },
    "rows": {
        "tickets": [
            ticket("T0001", channel=None, account_id="A99", resolved_at=at(-3)),
            ticket("T0002", channel="'; DROP TABLE x; -- {batch} :x %s", handle_minutes=float("nan")),
            ticket("X0003", handle_minutes=float("inf"), created_at=at(40), resolved_at=None),
            ticket("T0004", handle_minutes=-1.0, created_at=at(-200)),
        ],
        "signals": [{"signal_id": "S9", "source": "elsewhere", "received_at": at(), "dedup_key": "K0"}],
        "accounts": [{"account_id": "A1", "valid_from": at(3)}],
    },
    "time": {
        "ticket_events": [
            event("E1", -1), event("E2", 90, kind="assigned", team_id=None), event("T0011-2", 1440, "T0011", seq=2),
        ],
        "enrichment_log": [
            lookup(1, "hit") | {"field": "mrr", "source": "x", "value_as_of": at(20)},
            *(
                lookup(i, "error") | {"field": "mrr", "looked_up_at": at(i // 10, hours=8, minutes=i % 10)}
                for i in range(90)
            ),
        ],
        "tickets": [ticket(f"X{i}", created_at=at(27, minutes=i), resolved_at=None) for i in range(60)],
    },
}  # fmt: skip


def suite() -> tuple[Gate, ...]:
    """Every check, some in several shapes."""
    from dataclasses import replace

    more = {
        "unique accounts": gate("unique", "accounts"),
        "unique dedup": gate("unique", "signals", columns=["dedup_key"]),
        "unique pair": gate("unique", "signals", columns=["dedup_key", "duplicate_of"]),
        "absent": gate("pattern", column="channel", regex="DROP|:x", absent=True),
        "channel": gate("not_null", column="channel", tolerance=0.5),
        "body": gate("not_null", column="body"),
        "closed": gate("order", earlier="created_at", later="closed_at"),
        "few": gate("not_null", column="channel", min_n=10_000),
        "high only": gate("range", column="handle_minutes", high=100),
        "seats": gate("enrichment_coverage", "enrichment_log", field="seats", low=0.5),
        "refunds": gate("row_count", "refunds", low=1),
        "rows": gate("row_count", low=299.5, high=300.5),
        "invoices": gate("not_null", "invoices", column="invoice_id"),
        "own rows": own("SELECT ticket_id, 'a:b {x} %s' AS value FROM tickets WHERE channel LIKE '%:x%'"),
        "own value": scalar("SELECT avg(handle_minutes) AS value, 7 AS n FROM tickets -- mean", high=13),
        "own cutoff": own("SELECT * FROM tickets WHERE created_at > getvariable('cutoff');"),
        "broken": own("SELECT CAST(subject AS INTEGER) AS ticket_id FROM tickets"),
        "unknown": own("SELECT nope FROM tickets"),
        "two rows": scalar("SELECT 1 AS value FROM range(2)"),
        "bad regex": gate("pattern", column="subject", regex="("),
    }  # fmt: skip
    return tuple(replace(item, gate_id=name) for name, item in (CHECKS | more).items())


def both(con: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Results of the two engines by gate."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_sql = run_sql(con, suite(), cutoff=CUTOFF)
        by_gx = run_gx(con, suite(), cutoff=CUTOFF)
    assert parity(by_sql, by_gx) == ()
    assert [r.gate_id for r in by_gx] == [r.gate_id for r in by_sql]
    return {r.gate_id: r for r in by_sql}, {r.gate_id: r for r in by_gx}


BROKEN = {"broken", "unknown", "two rows", "bad regex"}


def test_parity_on_clean_data(con: Any) -> None:
    by_sql, by_gx = both(con)
    assert {name for name, result in by_gx.items() if result.state == "error"} == BROKEN
    assert {name for name, result in by_sql.items() if result.state in ("fail", "warn")} == {"refunds"}
    assert all(result.engine == "gx" for result in by_gx.values())
    assert {name: r.reason for name, r in by_gx.items() if r.state == "skipped"} == {
        name: r.reason for name, r in by_sql.items() if r.state == "skipped"
    }


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("copies", {"unique", "unique accounts", "rows"}),
        (
            "rows",
            {
                "foreign_key", "order", "allowed_values", "range", "no_nan", "not_after_cutoff", "pattern", "repeats",
                "no_overlap", "lookahead accounts", "unique dedup", "absent", "high only", "channel", "own rows",
                "own cutoff", "rows", "event_order", "unique pair", "volume",
            },
        ),
        ("time", {"event_order", "one_owner", "lookahead log", "enrichment_coverage", "volume", "pattern", "rows"}),
    ],
)  # fmt: skip
def test_parity_on_planted_faults(con: Any, fault: str, found: set[str]) -> None:
    load(con, FAULTS[fault])
    by_sql, by_gx = both(con)
    assert {name for name, r in by_gx.items() if r.state in ("fail", "warn")} == found | {"refunds"}
    assert {name: r.sample for name, r in by_gx.items()} == {name: r.sample for name, r in by_sql.items()}


def test_parity_on_more_offenders_than_the_engine_reads(con: Any) -> None:
    load(con, {"tickets": [ticket(f"T{i}", account_id="A99") for i in range(10_000, 12_500)]})
    by_sql, by_gx = both(con)
    assert by_gx["foreign_key"].failed == by_gx["pattern"].failed == 2500
    assert by_sql["unique"].n == 2800


def test_parity_on_an_empty_store(empty: Any) -> None:
    by_sql, _ = both(empty)
    assert not {name for name, result in by_sql.items() if result.state == "pass"}


def test_both_engines_see_the_chosen_load(con: Any) -> None:
    as_of = con.execute("SELECT max(load_id) FROM loads").fetchall()[0][0]
    load(con, FAULTS["copies"])
    con.execute(f"SET VARIABLE as_of_load = {as_of}")
    _, by_gx = both(con)
    assert by_gx["unique"].state == "pass"


def test_parity_names_what_differs(con: Any) -> None:
    first = run_sql(con, [CHECKS["not_null"], CHECKS["unique"]], cutoff=CUTOFF)
    load(con, {"tickets": [ticket("X1"), ticket("X2")]})
    named = parity([first[0]], run_sql(con, [CHECKS["not_null"]], cutoff=CUTOFF))
    assert [(d.field, d.sql, d.gx) for d in named] == [("n", "300", "302")]
    assert [(d.field, d.sql, d.gx) for d in parity(first[:1], ())] == [("gate", "pass", "missing")]


def test_without_the_extra_the_pip_line_is_named(con: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    with pytest.raises(UsageError, match=r'pip install "triage-lab\[gx\]"') as caught:
        run_gx(con, [CHECKS["unique"]], cutoff=CUTOFF)
    assert caught.value.exit_code == 2
