"""stage_source: the files of one export become canonical rows together, or nothing does."""

# ruff: noqa: DTZ001 - stored times carry no zone

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from triage_lab.domain.errors import ExportError, InternalError, UsageError
from triage_lab.domain.tables import CANONICAL
from triage_lab.sources import Mapping, Staged, discard, first_rejects, reject_reasons, stage, stage_source

DAY = "2026-01-01T00:00:00Z"
TICKETS = f"id,created_at,company_id,priority,shoe,satisfaction,closed_by\n7,{DAY},c1,1 - Urgent,44,bad,x\n8,{DAY},,low,,good,y\n"
EVENTS = f"ticket_id,at,field,value\n7,{DAY},team,a\n7,2026-01-02T00:00:00Z,team,b\n8,{DAY},team,c\n"
COMPANIES = "id,name,domain,plan\nc1,Ant,ant.example,gold\n"


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def folder_of(tmp_path: Path, **files: bytes | str) -> Path:
    """A folder with these CSV files."""
    folder = tmp_path / "export"
    folder.mkdir()
    for name, data in files.items():
        write(folder / f"{name}.csv", data)
    return folder


def load(con: Any, source: Mapping, *files: Path | str, **options: Any) -> Staged:
    return stage_source(con, files=files, source=source, **{"timezone": "UTC", "snapshot_at": None, **options})


def refused(con: Any, source: Mapping, *files: Path | str, **options: Any) -> ExportError:
    """The error of a call that must leave nothing behind."""
    with pytest.raises(ExportError) as caught:
        load(con, source, *files, **options)
    assert caught.value.exit_code == 3
    assert caught.value.expected
    assert caught.value.action
    check_nothing_left(con)
    return caught.value


def check_nothing_left(con: Any) -> None:
    assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
    assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]


def rows(con: Any, staged: Staged, table: str, columns: str) -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM {staged.tables[table]} ORDER BY row_no").fetchall()


def test_a_folder_is_one_load_of_all_its_tables(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    folder = folder_of(tmp_path, tickets=TICKETS, events=EVENTS, companies=COMPANIES)
    seen: list[tuple[str, float]] = []
    staged = load(con, helpdesk, folder, snapshot_at=1769904000, progress=lambda *at: seen.append(at))
    assert (staged.source, staged.target, staged.layout, staged.mapping_version) == ("helpdesk", "helpdesk", "iso", "1")
    assert staged.file == "3 files: tickets.csv, events.csv, companies.csv"
    assert [(part.object, part.counts.read) for part in staged.parts] == [
        ("ticket", 2),
        ("ticket_event", 3),
        ("company", 1),
    ]
    assert (staged.counts.read, staged.counts.staged, staged.counts.rejected) == (6, 6, 0)
    assert staged.rows == {"tickets": 2, "ticket_events": 3, "accounts": 1}
    for table, view in staged.tables.items():
        described = [(name, kind) for name, kind, *_ in con.execute(f"DESCRIBE {view}").fetchall()]
        assert described == [
            *((column.name, column.kind.value) for column in CANONICAL[table].columns), ("row_no", "BIGINT"),
        ]  # fmt: skip
    assert rows(con, staged, "tickets", "ticket_id, category, priority_at_creation, source, snapshot_at, row_no") == [
        ("7", "gold", "urgent", "helpdesk", datetime(2026, 2, 1), 1), ("8", None, "low", "helpdesk", datetime(2026, 2, 1), 2),
    ]  # fmt: skip
    assert rows(con, staged, "accounts", "account_id, timezone, valid_from") == [("c1", "UTC", datetime(2026, 2, 1))]
    assert [what for what, _ in seen] == [
        "reading tickets.csv", "reading events.csv", "reading companies.csv", "deriving tables", "staged",
    ]  # fmt: skip
    assert [share for _, share in seen] == sorted(share for _, share in seen)
    discard(con, staged)
    check_nothing_left(con)


def test_rows_are_numbered_in_the_order_of_the_query(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    con.execute("SET preserve_insertion_order = false")
    staged = load(con, helpdesk, folder_of(tmp_path, ticket=TICKETS, ticket_event=EVENTS))
    assert rows(con, staged, "ticket_events", "row_no, seq, event_id") == [(1, 2, "7:2"), (2, 1, "7:1"), (3, 3, "8:3")]
    assert con.execute("SELECT current_setting('preserve_insertion_order')").fetchall() == [(False,)]


@pytest.mark.parametrize("threads", [1, 3])
def test_numbers_follow_the_query_for_many_rows(con: Any, tmp_path: Path, helpdesk: Mapping, threads: int) -> None:
    con.execute(f"SET threads = {threads}")
    con.execute("BEGIN")
    body = "".join(f"{i},2026-01-01T00:{i % 60:02}:00Z,f,{i}\n" for i in range(1, 150_001))
    staged = load(con, helpdesk, folder_of(tmp_path, ticket=TICKETS, ticket_event="ticket_id,at,field,value\n" + body))
    wrong = f"""SELECT count(*) FROM (SELECT row_no, row_number() OVER (ORDER BY "at" DESC, seq) AS nth
        FROM {staged.tables["ticket_events"]}) WHERE row_no <> nth"""
    assert con.execute(wrong).fetchall() == [(0,)]
    assert staged.rows["ticket_events"] == 150_000


def test_absent_objects_leave_out_the_tables_that_need_them(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    staged = load(con, helpdesk, folder_of(tmp_path, tickets=TICKETS))
    assert set(staged.tables) == {"tickets"}
    assert "ticket_events not derived: needs ticket_event" in staged.notices
    assert "accounts not derived: needs company" in staged.notices
    assert staged.file.endswith("tickets.csv")
    assert rows(con, staged, "tickets", "ticket_id, category") == [("7", None), ("8", None)]
    other = tmp_path / "other"
    other.mkdir()
    error = refused_after(con, staged, helpdesk, write(other / "note.csv", "id,text\n1,a\n"))
    assert "no table can be derived from note alone" in error.found
    assert "tickets from ticket" in error.expected


def refused_after(con: Any, staged: Staged, source: Mapping, *files: Path | str) -> ExportError:
    """The error of a call after another one has been discarded."""
    discard(con, staged)
    return refused(con, source, *files)


def test_extra_keeps_what_the_mapping_does_not_name_but_nothing_late(
    con: Any, tmp_path: Path, helpdesk: Mapping
) -> None:
    lines = [
        {"id": 7, "created_at": DAY, "shoe size": 44, "tags": ["a", {"b": 1}], "satisfaction": "bad", "closed_by": "x"},
        {"id": 8, "created_at": DAY, "empty": "", "none": None},
    ]
    path = write(tmp_path / "tickets.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    staged = load(con, helpdesk, path)
    assert [json.loads(text) if text else None for (text,) in rows(con, staged, "tickets", "custom")] == [
        {"shoe size": "44", "tags": '["a",{"b":1}]'}, None,
    ]  # fmt: skip
    assert not any("shoe" in notice for notice in staged.notices)


NESTED = [
    {"id": "1", "created_at": DAY, "via": {"channel": "web", "source": {"from": {"a": 1}}}},
    {"id": "2", "created_at": DAY, "via": None},
    {"id": "3", "created_at": DAY, "via": {"channel": None}},
    {"id": "4", "created_at": DAY, "via": {"channel": "e-mail"}},
]


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "csv", "csv.gz", "tsv", "parquet"])
def test_a_dotted_alias_reaches_into_json_of_every_format(
    con: Any, tmp_path: Path, helpdesk: Mapping, form: str
) -> None:
    path = tmp_path / f"ticket.{form}"
    if form == "parquet":
        pl.DataFrame(NESTED).write_parquet(path)
    elif form.startswith("jsonl"):
        text = "".join(json.dumps(row) + "\n" for row in NESTED).encode()
        path.write_bytes(gzip.compress(text) if form.endswith("gz") else text)
    else:
        flat = [{**row, "via": json.dumps(row["via"]) if row["via"] else ""} for row in NESTED]
        text = pl.DataFrame(flat).write_csv(separator="\t" if form == "tsv" else ",").encode()
        path.write_bytes(gzip.compress(text) if form.endswith("gz") else text)
    staged = load(con, helpdesk, path)
    assert rows(con, staged, "tickets", "ticket_id, channel, custom") == [
        ("1", "web", None), ("2", None, None), ("3", None, None), ("4", "e-mail", None),
    ]  # fmt: skip


def test_a_path_yields_to_a_flat_column_and_survives_text_that_is_no_json(
    con: Any, tmp_path: Path, helpdesk: Mapping
) -> None:
    text = f'id,created_at,via.channel,via\n1,{DAY},web,"{{""channel"":""x""}}"\n'
    assert rows(con, load(con, helpdesk, write(tmp_path / "ticket.csv", text)), "tickets", "channel") == [("web",)]
    text = f'id,created_at,via\n1,{DAY},no json\n2,{DAY},"{{""channel"": {{""a"": 1}}}}"\n3,{DAY},[1]\n'
    assert rows(con, load(con, helpdesk, write(tmp_path / "ticket.csv", text)), "tickets", "channel") == [
        (None,), ('{"a":1}',), (None,),
    ]  # fmt: skip
    deep = f'{{"id": 1, "created_at": "{DAY}", "source": {{"via": {{"channel": "deep"}}}}}}\n'
    assert rows(con, load(con, helpdesk, write(tmp_path / "ticket.jsonl", deep)), "tickets", "channel") == [("deep",)]


def test_parts_are_one_object_with_rows_numbered_through(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    first = write(tmp_path / "ticket_1.csv", f"id,created_at\n1,{DAY}\nbad,never\n3,{DAY}\n")
    second = write(tmp_path / "ticket_2.csv", f"created_at,id\n{DAY},4\n,5\n{DAY},6\n")
    events = write(tmp_path / "events.csv", f"ticket_id,at,field\n1,{DAY},a\n4,soon,b\n")
    staged = load(con, helpdesk, first, second, events)
    assert [number for (number,) in rows(con, staged, "tickets", "ticket_id")] == ["1", "3", "4", "6"]
    found = con.execute(f'SELECT file, "row", "column", value FROM {staged.rejects}').fetchall()
    assert found == [
        (str(first), 2, "created_at", "never"), (str(second), 2, "created_at", None), (str(events), 2, "at", "soon"),
    ]  # fmt: skip
    assert [(part.counts.read, part.counts.staged, part.counts.rejected) for part in staged.parts] == [
        (3, 2, 1), (3, 2, 1), (2, 1, 1),
    ]  # fmt: skip
    assert (staged.counts.read, staged.counts.rejected) == (8, 3)
    assert first_rejects(con, staged, 1).startswith("ticket_1.csv row 2, column created_at = 'never': not a time")
    said = first_rejects(con, staged, 3)
    assert "events.csv row 2, column at = 'soon'" in said
    reasons = reject_reasons(con, staged)
    assert sum(reasons.values()) == 3
    assert any(reason.startswith("ticket_2.csv: created_at: the required value") for reason in reasons)


def test_the_hash_is_of_objects_and_bytes_and_not_of_names_or_order(
    con: Any, tmp_path: Path, helpdesk: Mapping
) -> None:
    ticket, event = write(tmp_path / "ticket.csv", TICKETS), write(tmp_path / "events.csv", EVENTS)
    one, other = load(con, helpdesk, ticket, event), load(con, helpdesk, event, ticket)
    assert one.content_hash == other.content_hash
    assert [part.object for part in other.parts] == ["ticket", "ticket_event"]
    renamed = load(con, helpdesk, event, f"ticket={ticket.rename(tmp_path / 'x.csv')}")
    assert renamed.content_hash == one.content_hash
    write(tmp_path / "events.csv", EVENTS + f"8,{DAY},x,y\n")
    assert load(con, helpdesk, event, f"ticket={tmp_path / 'x.csv'}").content_hash != one.content_hash


def test_a_file_without_a_valid_row_stops_everything(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    folder = folder_of(tmp_path, tickets=TICKETS, companies="id,name\n,Ant\n,Bee\n")
    error = refused(con, helpdesk, folder)
    assert error.place.file == str(folder / "companies.csv")
    assert "all 2 rows are rejected (row 1, id: the required value is missing" in error.found


def test_header_only_is_an_empty_object_unless_it_is_the_main_one(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    folder = folder_of(tmp_path, tickets=TICKETS, companies="id,name\n", note="id,text\n")
    staged = load(con, helpdesk, folder)
    assert "companies.csv has a header only: no company" in staged.notices
    assert "accounts not derived: company has a header only" in staged.notices
    assert [part.counts.read for part in staged.parts] == [2, 0, 0]
    discard(con, staged)
    write(folder / "tickets.csv", "id,created_at\n")
    error = refused(con, helpdesk, folder)
    assert error.place.file == str(folder / "tickets.csv")
    assert "header only" in error.found
    pl.DataFrame({"id": ["1"], "created_at": [DAY]}).clear().write_parquet(folder / "tickets.parquet")
    (folder / "tickets.csv").unlink()
    assert "header only" in refused(con, helpdesk, folder).found


def test_times_without_a_zone_name_file_row_and_the_way_out(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    folder = folder_of(tmp_path, tickets=TICKETS, events="ticket_id,at,field\n7,2026-07-01 10:00:00,a\n")
    error = refused(con, helpdesk, folder, timezone=None)
    assert (error.place.file, error.place.row) == (str(folder / "events.csv"), 1)
    assert "--timezone" in error.action
    staged = load(con, helpdesk, folder, timezone="Europe/Berlin")
    assert rows(con, staged, "ticket_events", '"at"') == [(datetime(2026, 7, 1, 8),)]


def test_another_date_order_names_the_layout(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    folder = folder_of(tmp_path, tickets="id,created_at\n1,1/31/2026 12:05 AM\n2,2/1/2026 12:05 PM\n")
    assert "--layout us" in refused(con, helpdesk, folder).action
    staged = load(con, helpdesk, folder, layout="us")
    assert rows(con, staged, "tickets", "created_at") == [
        (datetime(2026, 1, 31, 0, 5),),
        (datetime(2026, 2, 1, 12, 5),),
    ]
    with pytest.raises(UsageError, match="one of iso, us"):
        load(con, helpdesk, folder, layout="eu")


def test_notices_speak_of_each_object(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    folder = folder_of(tmp_path, tickets=TICKETS, companies="id,name,seats\nc1,Ant,5\n", note="id,text\n1,a\n")
    staged = load(con, helpdesk, folder)
    assert "columns not in the export (ticket: via_channel, status; company: domain, plan)" in staged.notices
    assert "columns not read (company: seats)" in staged.notices
    assert "1 notes" in staged.notices


def test_rows_without_what_a_table_requires_are_left_out_and_counted(
    con: Any, tmp_path: Path, helpdesk: Mapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    sql = helpdesk.tables[0].sql.replace("t.created_at,", "nullif(t.created_at, TIMESTAMP '2026-01-01') AS created_at,")
    broken = replace(helpdesk, tables=(replace(helpdesk.tables[0], sql=sql),))
    path = write(tmp_path / "ticket.csv", TICKETS + "9,2026-02-01T00:00:00Z,,,,,\n")
    staged = load(con, broken, path)
    assert rows(con, staged, "tickets", "ticket_id") == [("9",)]
    assert "2 rows of tickets are left out: one of ticket_id, created_at is not known" in staged.notices


def test_a_broken_query_is_named_and_leaves_nothing(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    from dataclasses import replace

    path = write(tmp_path / "ticket.csv", TICKETS)
    for sql, part in (
        ("SELECT nothing FROM src_ticket", "helpdesk/tickets.sql fails"),
        ("SELECT 1 AS ticket_id, 2 AS extra", "gives"),
        (helpdesk.tables[0].sql.replace("t.created_at,", "t.id || 'x' AS created_at,"), "Conversion Error"),
    ):
        broken = replace(helpdesk, tables=(replace(helpdesk.tables[0], sql=sql),))
        with pytest.raises(InternalError, match=part):
            load(con, broken, path)
        check_nothing_left(con)


def test_steps_are_made_in_order_and_dropped(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    from dataclasses import replace

    steps = (("newest", "SELECT * FROM src_ticket WHERE id <> '8'"), ("shown", "SELECT id FROM newest"))
    sql = helpdesk.tables[0].sql.replace("FROM src_ticket AS t", "FROM newest AS t JOIN shown USING (id)")
    stepped = replace(helpdesk, steps=steps, tables=(replace(helpdesk.tables[0], sql=sql),))
    staged = load(con, stepped, write(tmp_path / "ticket.csv", TICKETS))
    assert staged.rows == {"tickets": 1}
    discard(con, staged)
    check_nothing_left(con)


def test_one_object_sources_and_the_other_door(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    with pytest.raises(UsageError, match="stage_source"):
        stage(con, file=tmp_path, target=helpdesk, timezone="UTC", snapshot_at=None)
