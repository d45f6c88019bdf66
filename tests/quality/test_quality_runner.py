"""The direct runner: own queries in their sandbox, errors that stay where they are, failing rows kept, exit codes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_desk import CUTOFF, at, gate, keys, listed, load, run
from test_quality_checks import CHECKS, ticket

from triage_lab import store
from triage_lab.domain.enums import GateState, Severity
from triage_lab.domain.errors import GateError, Place
from triage_lab.domain.gate import Gate, GateResult
from triage_lab.quality import clean_view_sql, exit_code, failures, run_sql


def own(sql: str, **more: object) -> Gate:
    return gate("sql", **({"kind": "rows"} | more), sql=sql)


def scalar(sql: str, **more: object) -> Gate:
    return gate("sql", **({"kind": "scalar", "high": 1.0} | more), sql=sql)


REFUSED = {
    "SELECT 1; SELECT 2": "2 statements",
    "DELETE FROM tickets": "Only SELECT",
    "COPY tickets TO 'x.csv'": "Only SELECT",
    "ATTACH 'x.duckdb'": "Only SELECT",
    "SELEKT 1": "syntax error",
    "-- nothing": "0 statements",
    "SELECT * FROM 'x.csv'": "the table 'x.csv'",
    "SELECT * FROM read_csv('x.csv')": "the table function 'read_csv'",
    "SELECT (SELECT max(c) FROM read_text('x') AS t(c))": "the table function 'read_text'",
    "WITH a AS (SELECT * FROM glob('*')) SELECT * FROM a": "the table function 'glob'",
    "SELECT * FROM query('SELECT 1')": "the table function 'query'",
    "SELECT * FROM information_schema.tables": "the table 'tables'",
    "SELECT * FROM decision_payloads": "the table 'decision_payloads'",
    "SELECT * FROM other.main.tickets": "the table 'tickets'",
    "SELECT now() AS ticket_id": "now()",
    "SELECT current_timestamp AS ticket_id": "current_timestamp",
    "SELECT ticket_id FROM tickets WHERE created_at > current_date": "current_date",
    "SELECT random() AS ticket_id": "random()",
    "SELECT nextval('s') AS ticket_id": "nextval()",
    "SELECT getenv('HOME') AS ticket_id": "getenv()",
    "SELECT current_setting('temp_directory') AS ticket_id": "current_setting()",
    "SELECT ticket_id FROM tickets WHERE ticket_id = $1": "a parameter",
    "SELECT ticket_id FROM tickets WHERE ticket_id = ?": "a parameter",
    "DESCRIBE tickets": "in FROM",
    "SHOW TABLES": "in FROM",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_own_queries_are_one_select_over_the_stores_tables(con: Any, sql: str) -> None:
    bad = replace(own(sql), place=Place("gates/a.yaml", 12, 5))
    with pytest.raises(GateError, match=r"gates/a\.yaml:12:5: gate 'g': ") as caught:
        run(con, bad)
    assert REFUSED[sql] in caught.value.found
    with pytest.raises(GateError):
        failures(con, bad, cutoff=CUTOFF)


def test_own_queries_may_use_ctes_joins_windows_and_the_cutoff(con: Any) -> None:
    sql = """
        WITH RECURSIVE late AS (SELECT ticket_id, created_at FROM Tickets WHERE created_at > getvariable('cutoff')),
        numbered AS (SELECT *, row_number() OVER (ORDER BY ticket_id) AS i FROM late)
        SELECT n.ticket_id, n.created_at AS value, 'created_at' AS "column"
        FROM numbered AS n JOIN range(5) AS r(i) USING (i) ORDER BY ALL; -- a comment"""
    assert run(con, own(sql.replace("; --", " --"))).state == "pass"
    load(con, {"tickets": [ticket(f"X{i}", created_at=at(31)) for i in range(6)]})
    result = run(con, own(sql.replace("; -- a comment", ";")))
    assert (result.n, result.failed, result.sample) == (306, 4, ("X0", "X1", "X2", "X3"))
    assert listed(con)[0] == ("X0", "created_at", "2026-10-02 00:00:00")


def test_own_rows_default_to_no_value(con: Any) -> None:
    run(con, own("SELECT ticket_id, account_id FROM tickets LIMIT 1", keys=["ticket_id"]))
    assert listed(con) == [("T0000", None, None)]


def test_own_scalars_bring_their_own_n(con: Any) -> None:
    result = run(con, scalar("SELECT 0.5 AS value, count(resolved_at) AS n FROM tickets"))
    assert (result.state, result.value, result.n, result.limit) == ("pass", 0.5, 225, "≤ 1")
    assert run(con, scalar("SELECT 1.5 AS value")).state == "fail"
    assert run(con, scalar("SELECT 1.5 AS value")).n == 300
    assert run(con, scalar("SELECT 0 AS value, 9 AS n", min_n=10)).reason == "9 rows, at least 10 needed"
    for nothing in ("NULL", "'nan'::DOUBLE", "'inf'::DOUBLE"):
        assert run(con, scalar(f"SELECT {nothing} AS value")).reason == "the query gave no value"
    many = run(con, scalar("SELECT 1 AS value FROM range(2)"))
    assert (many.state, many.reason) == ("error", "the query returned 2 rows, one is expected")


def test_an_error_stays_with_its_gate_even_inside_a_transaction(con: Any) -> None:
    gates = [
        replace(item, gate_id=f"g{i}")
        for i, item in enumerate([
            CHECKS["unique"],
            own("SELECT CAST(subject AS INTEGER) AS ticket_id FROM tickets"),
            own("SELECT no_such_column FROM tickets"),
            own("SELECT account_id FROM tickets"),
            gate("pattern", column="subject", regex="("),
            gate("pattern", column="subject", regex="x"),
        ])
    ]  # fmt: skip
    with store.transaction(con):
        con.execute("CREATE TABLE witness AS SELECT 1 AS one")
        results = run_sql(con, gates, cutoff=CUTOFF, run_id="r")
    assert [result.state.value for result in results] == ["pass", "error", "error", "error", "error", "fail"]
    assert "Could not convert string 'invoice'" in results[1].reason
    assert con.execute("SELECT count(*) FROM witness").fetchall() == [(1,)]
    assert len(keys(con)) == results[5].failed == 300
    assert exit_code(results) == 70


def test_all_failing_rows_are_kept_once_however_often_it_runs(con: Any) -> None:
    load(con, {"tickets": [ticket(f"X{i:04d}", account_id="A99") for i in range(2000)]})
    other = replace(CHECKS["unique"], gate_id="other")
    for _ in range(2):
        result, _ = run_sql(con, [CHECKS["foreign_key"], other], cutoff=CUTOFF, run_id="r")
        assert (result.failed, result.sample) == (2000, tuple(f"X{i:04d}" for i in range(5)))
        assert keys(con) == [f"X{i:04d}" for i in range(2000)]
    load(con, {"tickets": [ticket(f"X{i:04d}", account_id="A1") for i in range(1999)]})
    run_sql(con, [other], cutoff=CUTOFF, run_id="r")
    assert len(keys(con)) == 2000
    run_sql(con, [CHECKS["foreign_key"]], cutoff=CUTOFF, run_id="another")
    run_sql(con, [CHECKS["foreign_key"]], cutoff=CUTOFF, run_id="r", save_failures=False)
    run_sql(con, [CHECKS["foreign_key"]], cutoff=CUTOFF)
    assert len(keys(con)) == 2000
    run(con, CHECKS["foreign_key"])
    assert keys(con) == ["X1999"]


def test_failures_work_on_a_read_only_store(con: Any, tmp_path: Path) -> None:
    load(con, {"tickets": [ticket("X1", account_id="A99"), ticket("X0", account_id="A98")]})
    con.close()
    with store.open_store(tmp_path / "lab.duckdb", write=False) as reader:
        (result,) = run_sql(reader, [CHECKS["foreign_key"]], cutoff=CUTOFF)
        frame = failures(reader, CHECKS["foreign_key"], cutoff=CUTOFF)
        mine = failures(reader, own("SELECT ticket_id FROM tickets WHERE account_id = 'A99'"), cutoff=CUTOFF)
        assert result.failed == 2
        with pytest.raises(GateError, match="measures one value"):
            failures(reader, CHECKS["volume"], cutoff=CUTOFF)
        with pytest.raises(GateError, match="no_such"):
            failures(reader, own("SELECT no_such FROM tickets"), cutoff=CUTOFF)
    assert frame.rows() == [("g", "X0", "account_id", "A98"), ("g", "X1", "account_id", "A99")]
    assert mine.rows() == [("g", "X1", None, None)]


def test_clean_and_quarantined_rows_are_all_rows(con: Any) -> None:
    load(con, {"tickets": [ticket("X1", account_id="A99", resolved_at=at(-9)), ticket("X2", subject="a")]})
    load(con, {"tickets": [ticket("X3", subject=text) for text in "ab"] + [ticket("X4", channel="fax")]})
    gates = [
        replace(CHECKS[name], gate_id=name) for name in ("foreign_key", "order", "unique")
    ] + [replace(CHECKS["allowed_values"], gate_id="channel", severity=Severity.WARNING)]  # fmt: skip
    results = run_sql(con, gates, cutoff=CUTOFF, run_id="it's")
    con.execute(clean_view_sql("tickets", gates, "it's"))
    clean = {row[0] for row in con.execute("SELECT ticket_id FROM tickets_clean").fetchall()}
    every = {row[0] for row in con.execute("SELECT ticket_id FROM tickets").fetchall()}
    assert every - clean == {"X1", "X3"}
    assert [result.failed for result in results] == [1, 1, 2, 1]
    con.execute(clean_view_sql("accounts", gates, "it's"))
    assert con.execute("SELECT count(*) FROM accounts_clean").fetchall() == [(10,)]
    with pytest.raises(GateError, match="unknown table"):
        clean_view_sql("nope", gates, "r")


def test_keys_of_several_parts_never_collide(con: Any) -> None:
    rows = [
        {"ticket_id": a, "field": b, "source": "s", "status": "bad", "looked_up_at": at()}
        for a, b in (("x|y", "z"), ("x", "y|z"), ("x\\", "|y|z"), ("x\\|", "y|z"))
    ]
    load(con, {"enrichment_log": rows})
    run(con, gate("allowed_values", "enrichment_log", column="status", values=["hit"]))
    assert len(set(keys(con))) == 4
    assert r"x\|y|z|s|2026-09-01 00:00:00" in keys(con)


def test_tolerance_warns_up_to_its_share(con: Any) -> None:
    load(con, {"tickets": [ticket(f"T{i:04d}", channel="fax") for i in range(30)]})

    def tolerant(share: float) -> GateResult:
        return run(con, gate("allowed_values", column="channel", values=["email", "chat"], tolerance=share))

    assert (tolerant(0.1).state, tolerant(0.1).value, tolerant(0.1).limit) == ("warn", 0.1, "≤ 10 % of rows")
    assert len(keys(con)) == 30
    assert tolerant(0.0999).state == "fail"
    assert tolerant(0).limit == "0 rows"


def result(state: str, severity: str) -> GateResult:
    return GateResult("g", "tickets", "t", Severity(severity), "o", GateState(state), 1, 0, None, "", "sql")


def test_exit_codes() -> None:
    def code(*pairs: str, warn_as_error: bool = False) -> int:
        return exit_code([result(*pair.split()) for pair in pairs], warn_as_error)

    assert code() == 0
    assert code("pass critical", "fail warning", "skipped warning", "fail info", "warn critical") == 0
    assert code("skipped critical", "pass critical") == 4
    assert code("skipped critical", "fail critical") == 1
    assert code("fail critical", "error info") == 70
    assert code("warn critical", warn_as_error=True) == code("fail warning", warn_as_error=True) == 1
    assert code("fail info", "warn info", warn_as_error=True) == 0
    assert code("skipped critical", "fail warning", warn_as_error=True) == 1
    assert code("skipped critical", "pass warning", warn_as_error=True) == 4


def test_results_do_not_depend_on_threads(con: Any) -> None:
    load(con, {"tickets": [ticket(f"X{i}", account_id=f"B{i % 7}", resolved_at=at(-i)) for i in range(3000)]})
    gates = [replace(item, gate_id=name) for name, item in CHECKS.items()]
    seen = []
    for threads in (1, 4):
        con.execute(f"SET threads = {threads}")
        results = run_sql(con, gates, cutoff=CUTOFF, run_id="r")
        rows = con.execute("SELECT * FROM gate_failures WHERE run_id = 'r'").fetchall()
        seen.append((results, rows))
    assert seen[0] == seen[1]


_rows = st.lists(
    st.tuples(
        st.integers(0, 4), st.sampled_from([None, -1, 0, 5]), st.sampled_from([None, "A1", "A9"]), st.integers(0, 2)
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=12)
@given(loads=st.lists(_rows, max_size=3))
def test_counts_equal_a_row_by_row_count(
    loads: list[list[tuple[int, int | None, str | None, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with store.open_store(tmp_path_factory.mktemp("twin") / "lab.duckdb", write=True) as con:
        load(con, {"accounts": [{"account_id": "A1"}]})
        newest: dict[str, list[tuple[Any, ...]]] = {}
        for rows in loads:
            staged = [
                {
                    "ticket_id": f"T{key}", "created_at": at(5), "account_id": account, "reassignment_count": n,
                    "resolved_at": None if days is None else at(5 + days),
                }
                for key, days, account, n in rows
            ]  # fmt: skip
            load(con, {"tickets": staged})
            for key, group in itertools.groupby(sorted(rows, key=lambda row: row[0]), key=lambda row: row[0]):
                newest[f"T{key}"] = list(dict.fromkeys(group))
        gates = [replace(CHECKS[name], gate_id=name) for name in ("unique", "order", "foreign_key")]
        unique, order, orphan = run_sql(con, gates, cutoff=CUTOFF, run_id="r")
        # Identical rows collapse into their last; the view shows the last differing row of a key.
        current = {key: _last(key, loads) for key in newest}
        assert unique.failed == sum(len(group) for group in newest.values() if len(group) > 1)
        assert unique.n == sum(len(group) for group in newest.values())
        assert order.n == sum(row[1] is not None for row in current.values())
        assert order.failed == sum(row[1] is not None and row[1] < 0 for row in current.values())
        assert orphan.failed == sum(row[2] == "A9" for row in current.values())
        assert sorted(keys(con)) == sorted(
            [key for key, group in newest.items() for _ in group if len(group) > 1]
            + [key for key, row in current.items() if row[1] is not None and row[1] < 0]
            + [key for key, row in current.items() if row[2] == "A9"]
        )


def _last(key: str, loads: list[list[tuple[int, int | None, str | None, int]]]) -> tuple[Any, ...]:
    """The last row of a key in the last load that has it."""
    return [row for rows in loads for row in rows if f"T{row[0]}" == key][-1]
