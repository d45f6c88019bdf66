"""Loads: versions, the same content twice, repeated keys, rejects, cutoff, digest, rollback."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_worlds import at, lab, load, ticket

from triage_lab import store
from triage_lab.domain.errors import InternalError
from triage_lab.domain.tables import CANONICAL
from triage_lab.store.migrations import migrate


def view(con, sql="SELECT ticket_id, category FROM tickets ORDER BY ticket_id"):
    return con.execute(sql).fetchall()


def test_a_correction_shows_from_its_load_on(tmp_path):
    with lab(
        tmp_path, tickets=[ticket("a", "2026-01-01", category="x"), ticket("b", "2026-01-02", category="x")]
    ) as con:
        load(con, "tickets", [ticket("a", "2026-01-01", category="corrected")])
        load(con, "tickets", [ticket("c", "2026-01-03", category="new")])
        expected = {
            0: [],
            1: [("a", "x"), ("b", "x")],
            2: [("a", "corrected"), ("b", "x")],
            3: [("a", "corrected"), ("b", "x"), ("c", "new")],
        }
        for as_of, rows in expected.items():
            store.set_as_of(con, as_of)
            assert view(con) == rows
        store.set_as_of(con, None)
        assert view(con) == expected[3]
        assert con.execute("SELECT count(*) FROM tickets_rows").fetchall() == [(4,)]


def test_a_row_corrected_twice_shows_each_version_in_its_time(tmp_path):
    with lab(tmp_path) as con:
        for number in range(1, 5):
            load(con, "tickets", [ticket("a", "2026-01-01", category=str(number))])
        for as_of in range(1, 5):
            store.set_as_of(con, as_of)
            assert view(con) == [("a", str(as_of))]


def test_the_same_content_twice_is_no_new_load(tmp_path):
    rows = [ticket("a", "2026-01-01")]
    with lab(tmp_path) as con:
        assert load(con, "tickets", rows, content="h") == (1, store.Appended(1, 0, 0))
        assert load(con, "tickets", rows, content="h") is None
        assert load(con, "tickets", rows, content="h", snapshot_at=1_800_000_000)[0] == 2
        assert load(con, "tickets", rows, content="other")[0] == 3
        assert store.list_loads(con)["load_id"].to_list() == [1, 2, 3]


def test_identical_rows_collapse_and_differing_ones_are_numbered(tmp_path):
    rows = [
        ticket("a", "2026-01-01", category="x"),
        ticket("b", "2026-01-01", category="y"),
        ticket("a", "2026-01-01", category="z"),
        ticket("a", "2026-01-01", category="x"),
        ticket("b", "2026-01-01", category="y"),
    ]
    with lab(tmp_path) as con:
        _, done = load(con, "tickets", rows)
        assert done == store.Appended(inserted=3, collapsed=2, differing=1)
        stored = "SELECT ticket_id, category, row_no, dup_no FROM tickets_rows ORDER BY ticket_id, dup_no"
        assert view(con, stored) == [("a", "z", 3, 0), ("a", "x", 4, 1), ("b", "y", 5, 0)]
        assert view(con) == [("a", "x"), ("b", "y")]  # the last of the file


def test_a_null_in_a_key_is_a_value_of_the_key(tmp_path):
    rows = [{"account_id": "a", "tier": "old"}, {"account_id": "a", "tier": "mid", "valid_from": at("2026-01-01")}]
    with lab(tmp_path, accounts=rows) as con:
        load(con, "accounts", [{"account_id": "a", "tier": "new"}])
        assert view(con, "SELECT tier FROM accounts ORDER BY valid_from NULLS FIRST") == [("new",), ("mid",)]


cells = st.sampled_from(["a", "b", "c"])


@settings(deadline=None, max_examples=12)
@given(files=st.lists(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), min_size=1, max_size=4))
def test_view_equals_last_row_of_newest_load(files):
    import duckdb

    con = duckdb.connect()
    migrate(con, "memory")
    counted = 0
    for number, rows in enumerate(files):
        staged = [ticket(key, "2026-01-01", category=value) for key, value in rows]
        _, done = load(con, "tickets", staged, content=str(number))
        assert done.inserted + done.collapsed == len(rows)
        assert done.inserted == len(set(rows))
        assert done.differing == len(set(rows)) - len({key for key, _ in rows})
        counted += done.inserted
    for as_of in range(len(files) + 1):
        store.set_as_of(con, as_of)
        assert view(con) == sorted(dict(row for rows in files[:as_of] for row in rows).items())
    assert con.execute("SELECT count(*) FROM tickets_rows").fetchall() == [(counted,)]
    con.close()


def test_a_canonical_table_as_a_frame_is_sorted_by_its_key(tmp_path):
    with lab(tmp_path, tickets=[ticket("b", "2026-01-01"), ticket("a", "2026-01-02", category="x")]) as con:
        found = store.read_table(con, "tickets")
        assert found.columns == [c.name for c in CANONICAL["tickets"].columns]
        assert found.select("ticket_id", "category").rows() == [("a", "x"), ("b", None)]
        with pytest.raises(KeyError):
            store.read_table(con, "tickets_rows")


def test_ticket_keys_are_the_first_bytes_of_sha256(tmp_path):
    names = ["a", "Ünïcode 🦆", "x" * 500, "0", "'; DROP TABLE tickets; --"]
    with lab(tmp_path, tickets=[ticket(name, "2026-01-01") for name in names]) as con:
        expected = {name: int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") for name in names}
        assert dict(con.execute("SELECT ticket_id, ticket_key FROM tickets").fetchall()) == expected
        load(con, "tickets", [ticket("a", "2026-01-01", category="x"), ticket("new", "2026-01-01")])
        assert len(con.execute("SELECT * FROM ticket_ids").fetchall()) == len(names) + 1


def test_a_load_appends_to_a_table_once(tmp_path):
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01")]) as con:
        con.execute("CREATE TEMP TABLE s AS SELECT 'b' AS ticket_id, TIMESTAMP '2026-01-01' AS created_at, 1 AS row_no")
        with pytest.raises(InternalError, match="twice"):
            store.append(con, CANONICAL["tickets"], "s", 1)


def test_rejects_are_stored_with_the_load(tmp_path):
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01")]) as con:
        rejects = pl.DataFrame(
            {"row": [7, 3], "column": ["created_at", None], "value": ["soon", ""], "reason": ["no time", "x"]}
        )
        con.register("refused", rejects)
        assert store.append_rejects(con, "refused", 1, "t.csv") == 2
        con.unregister("refused")
        assert con.execute("SELECT * FROM rejects").fetchall() == [
            (1, "t.csv", 3, None, "", "x"), (1, "t.csv", 7, "created_at", "soon", "no time"),
        ]  # fmt: skip


def seconds(text):
    return int((at(text) - at("1970-01-01")).total_seconds())


def test_cutoff_is_the_snapshot_of_the_newest_load_that_has_one(tmp_path):
    with lab(tmp_path) as con:
        assert store.cutoff(con, 0) is None
        load(con, "tickets", [ticket("a", "2026-01-01")], snapshot_at=seconds("2026-02-01"))
        load(con, "tickets", [ticket("b", "2026-03-01", snapshot_at=at("2026-03-05"))])
        load(con, "labels", [{"ticket_id": "a", "field": "truth_team", "value": "x"}])
        assert store.cutoff(con, 1) == seconds("2026-02-01")
        assert store.cutoff(con, 3) == seconds("2026-03-05")


def test_cutoff_without_snapshot_is_the_newest_stored_time_within_thirty_days(tmp_path):
    with lab(tmp_path) as con:
        load(con, "tickets", [ticket("a", "2026-01-01 10:00:00.900", resolved_at=at("2026-12-01"))])
        assert store.cutoff(con, 1) == seconds("2026-01-01 10:00:00")  # an outcome is no stored time
        event = {"ticket_id": "a", "kind": "note"}
        load(con, "ticket_events", [{**event, "event_id": "e1", "at": at("2026-01-11")}])
        load(con, "ticket_events", [{**event, "event_id": "e2", "at": at("2062-01-11")}])
        load(con, "ticket_events", [{**event, "event_id": "e2", "at": at("2026-01-12")}])
        assert store.cutoff(con, 2) == seconds("2026-01-11")
        assert store.cutoff(con, 3) == seconds("2026-01-31 10:00:00")
        assert store.cutoff(con, 4) == seconds("2026-01-12")  # corrected


def test_cutoff_leaves_the_view_of_the_session_as_it_was(tmp_path):
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01")]) as con:
        load(con, "tickets", [ticket("b", "2026-01-02")])
        store.set_as_of(con, 1)
        store.cutoff(con, 2)
        assert view(con) == [("a", None)]


def test_data_digest_names_content_not_file_or_time(tmp_path):
    first, second = [ticket("a", "2026-01-01")], [{"account_id": "x"}]
    with lab(tmp_path / "1", tickets=first, accounts=second) as con:
        forward = store.data_digest(con, 2)
        assert store.data_digest(con, 1) != forward
        con.execute("UPDATE loads SET file = 'renamed.csv', loaded_at = NULL")
        assert store.data_digest(con, 2) == forward
        load(con, "tickets", [ticket("b", "2026-01-01")])
        assert store.data_digest(con, 2) == forward
        assert store.data_digest(con, 3) != forward
    with lab(tmp_path / "2", accounts=second, tickets=first) as con:
        assert store.data_digest(con, 2) == forward


def test_an_error_in_the_middle_leaves_the_store_unchanged(tmp_path):
    def counts(con):
        tables = [
            row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()
        ]
        return {name: con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in sorted(tables)}

    with lab(tmp_path, tickets=[ticket("a", "2026-01-01")], accounts=[{"account_id": "x"}]) as con:
        before = counts(con)
        with pytest.raises(Exception, match="Conversion Error"), store.transaction(con):
            load_id = store.begin_load(con, content_hash="n", file="f", source=None, target="tickets")
            con.execute(
                "CREATE TEMP TABLE good AS SELECT 'b' AS ticket_id, TIMESTAMP '2026-01-01' AS created_at, 1 AS row_no"
            )
            store.append(con, CANONICAL["tickets"], "good", load_id)
            con.execute("CREATE TEMP TABLE bad AS SELECT 'y' AS account_id, 'soon' AS valid_from, 1 AS row_no")
            store.append(con, CANONICAL["accounts"], "bad", load_id)
        assert counts(con) == before
    with store.open_store(tmp_path / "lab.duckdb", write=False) as con:
        assert counts(con) == before


def test_an_inner_transaction_joins_the_outer_one(tmp_path):
    with lab(tmp_path) as con:
        with pytest.raises(RuntimeError), store.transaction(con):
            with store.transaction(con):
                con.execute("INSERT INTO ticket_ids VALUES (1, 'a')")
            raise RuntimeError
        assert con.execute("SELECT * FROM ticket_ids").fetchall() == []
        with store.transaction(con):
            con.execute("INSERT INTO ticket_ids VALUES (1, 'a')")
        assert con.execute("SELECT * FROM ticket_ids").fetchall() == [(1, "a")]
