"""identify: which file holds which object, by what the user says, by its name, or by its columns; else a clear error."""

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_lab.domain.errors import ExportError, InternalError, UsageError
from triage_lab.domain.tables import TICKETS as TICKETS_TABLE
from triage_lab.sources import Identified, Mapping, identify, read_mapping, stage, stage_source
from triage_lab.sources.file_names import by_name, in_sequence, stem
from triage_lab.sources.fit import best_fit
from triage_lab.sources.identify import expand

DAY = "2026-01-01T00:00:00Z"
TICKETS = f"id,created_at,company_id,priority,status\n7,{DAY},c1,1,open\n"
EVENTS = f"ticket_id,at,field,value\n7,{DAY},team,a\n"
COMPANIES = "id,name,domain,plan\nc1,Ant,ant.example,gold\n"
EITHER = f"id,created_at,priority,ticket_id,at,field\n1,{DAY},1,1,{DAY},a\n"
PURCHASES = f"id,bought_at,buyer,total,currency\n1,{DAY},Ann,5,EUR\n"
PEOPLE = "id,name,born\n1,Ann,1990\n"


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def objects(found: Identified) -> list[tuple[str, str]]:
    return [(part.object, part.path.name) for part in found.parts]


def refused(source: Mapping, *files: Path | str, **options: Any) -> ExportError:
    with pytest.raises(ExportError) as caught:
        identify(files, source, **options)
    assert caught.value.exit_code == 3
    assert caught.value.expected
    assert caught.value.action
    assert caught.value.place.file
    return caught.value


@pytest.mark.parametrize(
    "name",
    ["ticket.csv", "Tickets.csv", "TICKET.csv.gz", "helpdesk_tickets.csv", "helpdesk_support_ticket_data.csv", "raw_ticket.jsonl",
     "stg_helpdesk__ticket.parquet", "ticket_export_2026-01-31.csv", "ticket-part-3.csv", "tickets (1).csv", "ticket_20260131T0930.csv",
     "ticket_001_of_007.csv", "Helpdesk Ticket Rows.tsv", "ticket.part0001.jsonl.gz"],
)  # fmt: skip
def test_names_that_mean_tickets(helpdesk: Mapping, name: str) -> None:
    assert by_name(Path("any") / name, helpdesk) == "ticket"


@pytest.mark.parametrize(
    "name", ["shop_ticket.csv", "my_tickets.csv", "ticketing.csv", "2026.csv", "data.csv", "sf_ticket.csv", "x"]
)
def test_names_that_mean_nothing(helpdesk: Mapping, name: str) -> None:
    assert by_name(Path(name), helpdesk) == ""


def test_a_longer_name_wins_over_a_shorter_one_with_a_suffix(helpdesk: Mapping) -> None:
    assert by_name(Path("ticket_history.csv"), helpdesk) == "ticket_event"
    assert by_name(Path("ticket_history_2.csv"), helpdesk) == "ticket_event"
    assert by_name(Path("TicketHistory.csv"), helpdesk) == "ticket_event"


@settings(deadline=None, max_examples=80)
@given(st.text(max_size=25))
def test_any_name_is_taken_without_a_crash(text: str) -> None:
    source = read_mapping("servicenow")
    path = Path("folder") / ("x" + text.replace("/", "").replace("\x00", "") + ".csv")
    assert by_name(path, source) in {"", "rows"}
    assert isinstance(stem(path), str)
    assert in_sequence(path.name) == in_sequence(path.name)


def test_what_the_user_says_wins_over_the_name(tmp_path: Path, helpdesk: Mapping) -> None:
    write(tmp_path / "events.csv", TICKETS)
    write(tmp_path / "x.csv", EVENTS)
    found = identify([f"ticket={tmp_path / 'events.csv'}", f"Ticket Event={tmp_path / 'x.csv'}"], helpdesk)
    assert objects(found) == [("ticket", "events.csv"), ("ticket_event", "x.csv")]
    assert found.notices == ()
    with pytest.raises(UsageError, match=r"did you mean company\?") as caught:
        identify([f"compani={tmp_path / 'x.csv'}"], helpdesk)
    assert "ticket, ticket_event, company, note" in caught.value.expected
    write(tmp_path / "a=b" / "ticket.csv", TICKETS)
    assert objects(identify([tmp_path / "a=b" / "ticket.csv"], helpdesk)) == [("ticket", "ticket.csv")]


def test_columns_tell_where_the_name_does_not(tmp_path: Path, helpdesk: Mapping) -> None:
    files = [
        write(tmp_path / "a.csv", COMPANIES),
        write(tmp_path / "b.csv", EVENTS),
        write(tmp_path / "c.csv", TICKETS),
    ]
    found = identify(files, helpdesk)
    assert objects(found) == [("ticket", "c.csv"), ("ticket_event", "b.csv"), ("company", "a.csv")]
    assert "a.csv is taken for company by its columns" in found.notices


def test_a_file_on_the_command_line_that_nothing_tells_is_an_error(tmp_path: Path, helpdesk: Mapping) -> None:
    error = refused(
        helpdesk, write(tmp_path / "brand.csv", "id,name,url,logo,active,colour,size,help\n1,a,b,c,d,e,f,g\n")
    )
    assert "neither its name nor its columns tell which object of helpdesk" in error.found
    assert "one of ticket, ticket_event, company, note" in error.expected
    assert "ticket=brand.csv" in error.action
    error = refused(helpdesk, write(tmp_path / "x.csv", EITHER))
    assert "may be ticket or ticket_event" in error.found
    assert "ticket=x.csv" in error.action


def test_a_folder_keeps_what_it_knows_and_leaves_the_rest_alone(tmp_path: Path, helpdesk: Mapping) -> None:
    write(tmp_path / "companies.csv.gz", gzip.compress(COMPANIES.encode()))
    write(tmp_path / "brand.csv", "id,name,url,logo,active,colour,size,help\n1,a,b,c,d,e,f,g\n")
    write(tmp_path / "more.csv", EITHER)
    write(tmp_path / "README.md", "hello")
    write(tmp_path / "_SUCCESS.csv", "")
    write(tmp_path / ".hidden.csv", "")
    write(tmp_path / "nothing.csv", "")
    write(tmp_path / "deeper" / "events.csv", EVENTS)
    found = identify([tmp_path], helpdesk)
    assert objects(found) == [("company", "companies.csv.gz")]
    assert "left alone, no object of helpdesk: brand.csv, more.csv" in found.notices
    assert "left alone, nothing.csv is empty" in found.notices
    assert "more.csv may be ticket or ticket_event: say ticket=FILE" in found.notices
    assert [facts.path.name for facts in found.left] == ["brand.csv", "more.csv"]


def test_in_a_folder_columns_never_take_an_object_that_a_name_has(tmp_path: Path, helpdesk: Mapping) -> None:
    write(tmp_path / "companies.csv", COMPANIES)
    write(tmp_path / "old.csv", COMPANIES.replace("Ant", "Bee"))
    found = identify([tmp_path], helpdesk)
    assert objects(found) == [("company", "companies.csv")]
    assert "left alone, no object of helpdesk: old.csv" in found.notices


def test_parts_come_in_the_order_of_their_numbers(tmp_path: Path, helpdesk: Mapping) -> None:
    for number in (10, 9, 1):
        write(tmp_path / f"ticket_{number}.csv", TICKETS.replace("7,", f"{number},"))
    assert [name for _, name in objects(identify([tmp_path], helpdesk))] == [
        "ticket_1.csv",
        "ticket_9.csv",
        "ticket_10.csv",
    ]
    assert [path.name for path in expand(tmp_path)] == ["ticket_1.csv", "ticket_9.csv", "ticket_10.csv"]
    assert expand(tmp_path / "x.csv") == (tmp_path / "x.csv",)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_mixed_schemas_name_both_files_and_the_columns(tmp_path: Path, helpdesk: Mapping, form: str) -> None:
    write(tmp_path / "ticket_1.csv", TICKETS)
    other = pl.DataFrame({"id": ["9"], "created_at": [DAY], "company_id": ["c"], "prio": ["1"], "status": ["open"]})
    getattr(other, f"write_{form}")(tmp_path / f"ticket_2.{form}")
    error = refused(helpdesk, tmp_path)
    assert error.place.file == str(tmp_path / f"ticket_2.{form}")
    assert error.found == f"mixed schemas of ticket: only ticket_1.csv has priority; only ticket_2.{form} has prio"
    assert error.values["columns"] == ("prio", "priority")


def test_json_lines_may_leave_keys_out(tmp_path: Path, helpdesk: Mapping) -> None:
    write(tmp_path / "ticket_1.jsonl", f'{{"id": 1, "created_at": "{DAY}", "status": "open"}}\n')
    write(tmp_path / "ticket_2.jsonl", f'{{"id": 2, "created_at": "{DAY}"}}\n')
    assert len(identify([tmp_path], helpdesk).parts) == 2


def test_one_file_twice_is_read_once_and_two_formats_are_refused(tmp_path: Path, helpdesk: Mapping) -> None:
    first = write(tmp_path / "ticket.csv", TICKETS)
    (tmp_path / "ticket_link.csv").symlink_to(first)
    write(tmp_path / "ticket_copy" / "ticket.csv", TICKETS)
    found = identify([first, f"ticket={tmp_path / 'ticket_link.csv'}", tmp_path / "ticket_copy"], helpdesk)
    assert objects(found) == [("ticket", "ticket.csv")]
    assert sum("is the same file as ticket.csv and is read once" in notice for notice in found.notices) == 2
    (tmp_path / "ticket_link.csv").unlink()
    write(tmp_path / "ticket.jsonl", f'{{"id": 1, "created_at": "{DAY}"}}\n')
    error = refused(helpdesk, tmp_path)
    assert "ticket.jsonl and ticket.csv look like one file in two formats" in error.found


def test_links_are_followed_and_broken_ones_named(tmp_path: Path, helpdesk: Mapping) -> None:
    write(tmp_path / "there" / "a", TICKETS)
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "ticket.csv").symlink_to(tmp_path / "there" / "a")
    (tmp_path / "link").symlink_to(folder)
    assert objects(identify([tmp_path / "link"], helpdesk)) == [("ticket", "ticket.csv")]
    (folder / "events.csv").symlink_to(tmp_path / "gone")
    error = refused(helpdesk, folder)
    assert "link to a file that does not exist" in error.found
    assert error.place.file == str(folder / "events.csv")


def test_folders_without_a_usable_file(tmp_path: Path, helpdesk: Mapping) -> None:
    error = refused(helpdesk, tmp_path)
    assert "holds no file to read, of 0 entries" in error.found
    write(tmp_path / "book.xlsx", "x")
    write(tmp_path / "deeper" / "ticket.csv", TICKETS)
    error = refused(helpdesk, tmp_path)
    assert "of 2 entries" in error.found
    assert ".parquet" in error.expected
    assert "no such file" in refused(helpdesk, tmp_path / "none").found
    with pytest.raises(UsageError, match="no file given"):
        identify([], helpdesk)


def test_a_renamed_column_is_named_with_the_nearest(tmp_path: Path, helpdesk: Mapping) -> None:
    error = refused(helpdesk, write(tmp_path / "tickets.csv", TICKETS.replace("created_at", "created_att")))
    assert "the column created_at is missing of ticket (helpdesk)" in error.found
    assert error.values["nearest"] == {"created_at": "created_att"}
    assert "rename 'created_att' to created_at" in error.action


def test_the_wrong_source_is_told_by_all_files(tmp_path: Path, helpdesk: Mapping) -> None:
    write(tmp_path / "purchases.csv", PURCHASES)
    write(tmp_path / "person.csv", PEOPLE)
    write(tmp_path / "note.csv", "id,text\n1,a\n")
    error = refused(helpdesk, tmp_path / "purchases.csv")
    assert "this looks like shop: use --source shop" in error.action
    (tmp_path / "note.csv").unlink()
    error = refused(helpdesk, tmp_path)
    assert "no file of 2 is an object of helpdesk" in error.found
    assert "the files look like shop: use --source shop" in error.action
    write(tmp_path / "companies.csv", "id,born\n1,1990\n")
    error = refused(helpdesk, tmp_path)
    assert "the column name is missing of company" in error.found
    assert "the files look like shop: use --source shop" in error.action


def test_a_known_name_with_the_columns_of_another_thing(tmp_path: Path, helpdesk: Mapping) -> None:
    canonical = "ticket_id,created_at,category,account_id,first_team_id,resolver_team_id,sla_met,subject,language\n"
    path = write(tmp_path / "tickets.csv", canonical + f"1,{DAY},a,b,c,d,true,e,f\n")
    error = refused(helpdesk, path)
    assert "only 2 of its 9 columns are known of ticket (helpdesk)" in error.found
    assert "--table tickets" in error.action
    assert "ticket=tickets.csv" in error.action
    assert objects(identify([f"ticket={path}"], helpdesk)) == [("ticket", "tickets.csv")]


def test_canonical_files_together_are_told(tmp_path: Path, helpdesk: Mapping) -> None:
    write(tmp_path / "labels.csv", "ticket_id,field,value\n1,a,b\n")
    write(tmp_path / "invoices.csv", f"invoice_id,account_id,issued_at\n1,a,{DAY}\n")
    error = refused(helpdesk, tmp_path)
    assert "the files look like canonical tables: load each by itself, --table" in error.action


def test_tables_hear_of_sources_with_objects(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    from triage_lab.domain.tables import TICKETS as TABLE
    from triage_lab.sources import stage

    path = write(tmp_path / "a.csv", TICKETS)
    with pytest.raises(ExportError) as caught:
        stage(con, file=path, target=TABLE, timezone="UTC", snapshot_at=None)
    assert "use --source helpdesk" in caught.value.action
    assert best_fit(["id", "name", "x", "y", "z"]) == ""
    assert best_fit(["ticket_id", "created_at", "category"]) == "tickets"


def test_what_identify_found_can_be_staged(con: Any, tmp_path: Path, helpdesk: Mapping) -> None:
    found = identify([write(tmp_path / "ticket.csv", TICKETS)], helpdesk)
    staged = stage_source(con, files=found, source=helpdesk, timezone="UTC", snapshot_at=None)
    assert staged.rows == {"tickets": 1}


@pytest.mark.parametrize(
    ("change", "part"),
    [({"names": ["events"]}, "names of two objects"), ({"columns": {"row_no": {}}}, "columns of our own"),
     ({"columns": {"a": {"aliases": ["b"]}, "b": {}}}, "names of two columns")],
)  # fmt: skip
def test_mappings_that_contradict_themselves_are_our_fault(tmp_path: Path, change: dict[str, Any], part: str) -> None:
    from helpdesk_source import HELPDESK, HELPDESK_SQL, write_source
    from ruamel.yaml import YAML

    from triage_lab.sources.mapping import _build

    write_source(tmp_path, HELPDESK, HELPDESK_SQL)
    data = YAML(typ="safe").load((tmp_path / "helpdesk" / "mapping.yaml").read_text(encoding="utf-8"))
    data["objects"]["ticket"] |= change
    with pytest.raises(InternalError, match=part):
        _build("helpdesk", data, tmp_path / "helpdesk")
    del data["objects"]["ticket"]
    with pytest.raises(InternalError, match="names no objects"):
        _build("helpdesk", data, tmp_path / "helpdesk")


def test_a_file_that_lacks_one_thing_of_an_object_says_which(tmp_path: Path) -> None:
    path = write(
        tmp_path / "list.csv", "Customer,Start,End,Auto-renew,MRR,Notice\nAnt,2026-01-01,2026-12-31,yes,5,30\n"
    )
    error = refused(read_mapping("contracts"), path)
    assert "most like record, but lacks id" in error.found
    assert error.action.startswith("add id to the file")
    other = refused(
        read_mapping("contracts"), write(tmp_path / "liste.csv", "Kunde,Beginn,Ende\nAnt,1.1.26,31.12.26\n")
    )
    assert "most like" not in other.found


def test_a_system_without_a_mapping_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "export.csv", f"Issue key,Issue Type,Summary,Created\nA-1,Bug,x,{DAY}\n")
    assert "this looks like Jira" in refused(read_mapping("zendesk"), path).action
    write(tmp_path / "jira" / "issue_link.csv", "issue_id,related_issue_id\n1,2\n")
    write(tmp_path / "jira" / "sprint.csv", "sprint_id,board\n1,2\n")
    assert "this looks like Jira" in refused(read_mapping("salesforce"), tmp_path / "jira").action


def test_an_object_without_a_file(helpdesk: Mapping) -> None:
    with pytest.raises(UsageError) as caught:
        identify(["ticket="], helpdesk)
    assert "ticket= names no file" in str(caught.value)


def test_a_file_without_times_says_that_it_cannot_be_replayed(con: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "topics.csv", "Document,Topic_group\nhelp,Hardware\n")
    with pytest.raises(ExportError) as caught:
        stage(con, file=path, target=TICKETS_TABLE, timezone="UTC", snapshot_at=None)
    assert "without times of arrival" in caught.value.action
