"""Opening the store: creation, read-only, the lock, migrations, and one clear error for each mishap."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from store_worlds import lab, load, ticket

from triage_lab import store
from triage_lab.domain.errors import StoreError
from triage_lab.domain.tables import CANONICAL
from triage_lab.store.migrations import MIGRATIONS, VERSION
from triage_lab.store.schema import create_view


def refused(path, *, write=False, wait_seconds=0.0):
    with pytest.raises(StoreError) as caught, store.open_store(path, write=write, wait_seconds=wait_seconds):
        pytest.fail("it opened")
    assert caught.value.exit_code == 3
    assert caught.value.expected
    assert caught.value.action
    assert str(caught.value.place) == str(path)
    return caught.value


def test_writing_creates_folder_and_schema_and_reading_sees_them(tmp_path):
    path = tmp_path / "deep" / "er" / "lab.duckdb"
    with store.open_store(path, write=True) as con:
        assert store.latest_load(con) == 0
    with store.open_store(path, write=False) as con:
        assert con.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]
        with pytest.raises(duckdb.Error, match="read-only"):
            con.execute("INSERT INTO ticket_ids VALUES (1, 'a')")


def test_schema_is_that_of_the_domain_tables(tmp_path):
    with lab(tmp_path) as con:
        for table in CANONICAL.values():
            found = con.execute(f"DESCRIBE {table.name}_rows").fetchall()
            expected = [(c.name, c.kind.value, "NO" if c.required else "YES") for c in table.columns]
            assert [(row[0], row[1], row[2]) for row in found][: len(expected)] == expected
            extra = [row[0] for row in found[len(expected) :]]
            assert extra == ["load_id", "row_no", "dup_no"] + (["ticket_key"] if table.name == "tickets" else [])
            shown = [row[0] for row in con.execute(f"DESCRIBE {table.name}").fetchall()]
            assert shown == [c.name for c in table.columns] + (["ticket_key"] if table.name == "tickets" else [])


def test_missing_store_says_how_to_make_one(tmp_path):
    error = refused(tmp_path / "lab.duckdb")
    assert "no store" in error.found
    assert "triage-lab ingest" in error.action
    assert not (tmp_path / "lab.duckdb").exists()


def test_a_folder_and_a_file_of_another_kind_are_refused(tmp_path):
    assert "folder" in refused(tmp_path).found
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    assert "not a DuckDB database" in refused(text).found
    assert "not a DuckDB database" in refused(text, write=True).found
    assert text.read_text() == "hello"
    empty = tmp_path / "empty"
    empty.touch()
    assert "not a DuckDB database" in refused(empty).found


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "data").write_text("x")
    assert "no permission" in refused(tmp_path / "data" / "lab.duckdb", write=True).found


def test_someone_elses_database_is_left_alone(tmp_path):
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE customers (id INTEGER)")
    for write in (False, True):
        assert "not a triage_lab store (tables: customers)" in refused(path, write=write).found
    with duckdb.connect(str(path)) as con:
        assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("customers",)]


def test_a_newer_store_says_so(tmp_path):
    with lab(tmp_path) as con:
        con.execute("UPDATE schema_version SET version = 99")
    for write in (False, True):
        error = refused(tmp_path / "lab.duckdb", write=write)
        assert "schema version 99" in error.found
        assert "upgrade" in error.action


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="a superuser may write anywhere")
def test_no_permission_is_said(tmp_path):
    with lab(tmp_path):
        pass
    (tmp_path / "lab.duckdb").chmod(0)
    assert "no permission" in refused(tmp_path / "lab.duckdb").found


def test_reading_works_in_a_read_only_folder_and_leaves_nothing_behind(tmp_path):
    with lab(tmp_path, tickets=[ticket("a", "2026-01-01")]):
        pass
    before = sorted(path.name for path in tmp_path.iterdir())
    (tmp_path / "lab.duckdb").chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with store.open_store(tmp_path / "lab.duckdb", write=False) as con:
            assert store.read_history(con, 2**40)["ticket_id"].to_list() == ["a"]
        assert sorted(path.name for path in tmp_path.iterdir()) == before
    finally:
        tmp_path.chmod(0o755)


def test_a_reader_reaches_no_files(tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with lab(tmp_path):
        pass
    with store.open_store(tmp_path / "lab.duckdb", write=False) as con:
        with pytest.raises(duckdb.Error, match="disabled"):
            con.execute(f"SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')")
        with pytest.raises(duckdb.Error):
            con.execute("SET enable_external_access = true")


HOLD = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def test_a_locked_store_names_the_holder_after_a_bounded_wait(tmp_path):
    path = tmp_path / "lab.duckdb"
    with lab(tmp_path):
        pass
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline().strip() == b"open"
        for write in (False, True):
            error = refused(path, write=write, wait_seconds=0.2)
            assert f"PID {holder.pid}" in error.found
            assert error.values["pid"] == holder.pid
            assert "python" in error.values["command"]
    finally:
        holder.stdin.close()
        holder.wait(timeout=30)
        holder.stdout.close()
    with store.open_store(path, write=True, wait_seconds=0.2) as con:
        assert store.latest_load(con) == 0


def test_reading_while_writing_in_one_process_is_explained(tmp_path):
    with lab(tmp_path):
        assert "at once in this process" in refused(tmp_path / "lab.duckdb").found


def version_one(path):
    """A store as version 1 made it, lacking a column that was declared since, with one ticket."""
    with duckdb.connect(str(path)) as con:
        MIGRATIONS[0](con)
        con.execute("CREATE TABLE schema_version (version INTEGER NOT NULL, canonical_digest VARCHAR NOT NULL)")
        con.execute("INSERT INTO schema_version VALUES (1, 'old')")
        con.execute("ALTER TABLE tickets_rows DROP COLUMN custom")
        con.execute("DROP TABLE labels_rows")
        con.execute("DROP TABLE labels_superseded")
        con.execute(
            "INSERT INTO tickets_rows (ticket_id, created_at, load_id, row_no, dup_no, ticket_key) "
            "VALUES ('kept', TIMESTAMP '2026-01-01', 1, 1, 0, 7)"
        )
        con.execute("INSERT INTO loads (load_id, content_hash, file, target) VALUES (1, 'h', 'f', 'tickets')")


@pytest.mark.parametrize("write", [True, False])
def test_a_store_of_version_one_is_migrated_and_keeps_its_rows(tmp_path, write):
    path = tmp_path / "lab.duckdb"
    version_one(path)
    with store.open_store(path, write=write) as con:
        assert con.execute("SELECT version FROM schema_version").fetchall() == [(VERSION,)]
        assert con.execute("SELECT ticket_id, custom FROM tickets").fetchall() == [("kept", None)]
        assert con.execute("SELECT count(*) FROM labels").fetchall() == [(0,)]
        assert store.list_runs(con).is_empty()
    with store.open_store(path, write=True) as con:
        load(con, "tickets", [ticket("new", "2026-01-02", custom='{"k": "v"}')])
        assert con.execute("SELECT custom FROM tickets WHERE ticket_id = 'new'").fetchall() == [('{"k": "v"}',)]


def version_three(path):
    """A store as version 3 left it: an old schema, a ticket, an account, a link, a signal delivered twice, a run."""
    with duckdb.connect(str(path)) as con:
        con.execute((Path(__file__).parent / "store_v3.sql").read_text(encoding="utf-8"))
        con.execute("INSERT INTO schema_version VALUES (3, 'of version 3')")
        targets = enumerate(("tickets", "accounts", "account_links", "signals"), start=1)
        rows = [(number, f"h{number}", target, target) for number, target in targets]
        con.executemany("INSERT INTO loads (load_id, content_hash, file, target) VALUES (?, ?, ?, ?)", rows)
        con.execute("UPDATE loads SET source = 'zendesk' WHERE load_id < 3")
        con.execute(
            "INSERT INTO tickets_rows (ticket_id, created_at, account_id, load_id, row_no, dup_no, ticket_key) "
            "VALUES ('kept', TIMESTAMP '2026-01-01', '7', 1, 1, 0, 7)"
        )
        con.execute(
            "INSERT INTO accounts_rows (account_id, tier, load_id, row_no, dup_no) VALUES ('7', 'pro', 2, 1, 0)"
        )
        con.execute("INSERT INTO account_links_rows VALUES ('zendesk', '7', '001A', 'exact', 1, 3, 1, 0)")
        for number in (1, 2):
            con.execute(
                "INSERT INTO signals_rows (signal_id, source, received_at, dedup_key, load_id, row_no, dup_no) "
                f"VALUES ('s{number}', 'zendesk', TIMESTAMP '2026-01-01', 'k', 4, {number}, 0)"
            )
        con.execute("INSERT INTO runs VALUES ('abc', 'backtest', NULL, 1, '{}', 1, 'digest')")


@pytest.mark.parametrize("write", [True, False])
def test_a_store_of_version_three_is_migrated_and_its_views_are_linked(tmp_path, write):
    path = tmp_path / "lab.duckdb"
    version_three(path)
    with store.open_store(path, write=write) as con:
        assert con.execute("SELECT version FROM schema_version").fetchall() == [(VERSION,)]
        assert con.execute("SELECT ticket_id, account_id FROM tickets").fetchall() == [("kept", "001A")]
        assert con.execute("SELECT source_system, source_account_id, tier FROM accounts_by_system").fetchall() == [
            ("zendesk", "7", "pro")
        ]
        assert con.execute("SELECT signal_id, duplicate_of FROM signals ORDER BY 1").fetchall() == [
            ("s1", None), ("s2", "s1"),
        ]  # fmt: skip
        assert store.read_run_lookups(con, "abc").is_empty()
        assert con.execute("SELECT count(*) FROM enrichment_all").fetchall() == [(0,)]


def test_a_migrated_store_has_the_schema_of_a_new_one(tmp_path):
    def schema(con):
        rows = con.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        return sorted(rows), sorted(con.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall())

    version_three(tmp_path / "old.duckdb")
    with lab(tmp_path) as new, store.open_store(tmp_path / "old.duckdb", write=True) as old:
        assert schema(old) == schema(new)


def test_a_failing_migration_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "lab.duckdb"
    version_one(path)
    monkeypatch.setattr("triage_lab.store.migrations.create_view", lambda table: "CREATE VIEW broken AS SELECT no_such")
    with pytest.raises(duckdb.Error), store.open_store(path, write=True):
        pytest.fail("it opened")
    with duckdb.connect(str(path)) as con:
        assert con.execute("SELECT version FROM schema_version").fetchall() == [(1,)]
        assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]


def test_view_text_quotes_its_columns():
    assert 'r."at"' in create_view(CANONICAL["ticket_events"])


def test_ingest_spills_to_disk_before_it_takes_the_machines_memory(tmp_path: Path) -> None:
    with store.open_store(tmp_path / "lab.duckdb", write=True) as con:
        (limit,) = con.execute("SELECT current_setting('memory_limit')").fetchone() or ("",)
    assert limit == "1.8 GiB"
