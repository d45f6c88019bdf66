"""Salesforce: cases, their clocks and signals, each trap of the vendor in a small export of our own."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from salesforce_export import (
    ACME,
    ANN,
    BEN,
    BILLING,
    BOT,
    DESK,
    LEGAL,
    History,
    Row,
    at,
    case,
    life,
    load,
    long,
    select,
    short,
    sid,
    write,
)  # fmt: skip

from triage_lab.domain.errors import ExportError
from triage_lab.sources import read_mapping, stage_source
from triage_lab.sources.columns import plain


def test_a_case_is_told_from_its_history(con: Any, tmp_path: Path) -> None:
    staged = load(con, tmp_path, life())
    [row] = con.execute(f"SELECT * FROM {staged.tables['tickets']}").fetchall()
    names = [column[0] for column in con.description]
    told = dict(zip(names, row, strict=True))

    def on_day(clock: str) -> datetime:
        return datetime.fromisoformat(at(clock)).replace(tzinfo=None)

    custom = json.loads(told.pop("custom"))
    assert told == {
        "ticket_id": sid("500", 1), "created_at": on_day("08:00:00"), "account_id": ACME, "category": "Billing",
        "subcategory": None, "product_module": None, "channel": "email", "inbox": "help@acme.com", "language": None,
        "type": None, "priority_at_creation": "normal", "first_team_id": "Billing Queue", "resolver_team_id": "Legal Queue",
        "agent_id": BEN, "first_action_at": on_day("08:30:00"), "resolved_at": on_day("12:00:00"),
        "closed_at": on_day("12:00:00"), "due_at": None, "sla_met": None, "reassignment_count": 1, "handle_minutes": None,
        "subject": "Invoice wrong", "body": "Line 1\nline 2", "status": "Closed", "status_class": "closed",
        "merged_into_id": None, "snapshot_at": None, "source": "salesforce", "row_no": 1,
    }  # fmt: skip
    assert custom == {"case_number": "00000001", "created_by_id": BOT, "plan_code": "P7"}


def test_merged_duplicate_deleted_and_cancelled(con: Any, tmp_path: Path) -> None:
    closed = {"IsClosed": "true", "ClosedDate": at("10:00:00")}
    cases = [
        case(1),
        case(2, MasterRecordId=sid("500", 1), Status="Merged", IsDeleted="true", **closed),
        case(3, ParentId=sid("500", 1), Status="Closed - Duplicate", **closed),
        case(4, ParentId=sid("500", 1)),
        case(5, IsDeleted="true", SystemModstamp=at("15:00:00")),
        case(6, Status="Cancelled", **closed),
        case(7, Status="Resolved", **closed),
    ]
    staged = load(con, tmp_path, {**DESK, "Case": cases})
    found = select(con, staged, "tickets", "status_class, merged_into_id")
    one = sid("500", 1)
    assert found == [
        ("new", None), ("merged", one), ("duplicate", one), ("new", None), ("deleted", None), ("cancelled", None),
        ("solved", None),
    ]  # fmt: skip
    events = select(con, staged, "ticket_events", 'ticket_id, "at", kind, new_value', "kind IN ('merged', 'deleted')")
    assert events == [
        (sid("500", 2), "05 10:00:00", "merged", one),
        (sid("500", 2), "05 20:00:00", "deleted", None),
        (sid("500", 3), "05 10:00:00", "merged", one),
        (sid("500", 5), "05 15:00:00", "deleted", None),
    ]
    assert any(notice.startswith("2 cases are deleted") for notice in staged.notices)


def test_a_case_without_history_closes_at_closed_date(con: Any, tmp_path: Path) -> None:
    closed = case(1, Status="Closed", IsClosed="1", ClosedDate=at("10:00:00"), OwnerId=ANN)
    staged = load(con, tmp_path, {**DESK, "Case": [closed]})
    found = select(con, staged, "ticket_events", '"at", kind, team_id', "kind IN ('resolved', 'closed', 'status')")
    assert found == [("05 10:00:00", "resolved", "Billing Queue"), ("05 10:00:00", "closed", "Billing Queue")]
    assert select(con, staged, "tickets", "reassignment_count, priority_at_creation, agent_id") == [
        (None, "normal", ANN)
    ]
    notices = " | ".join(staged.notices)
    assert "no CaseHistory" in notices


def test_ids_of_15_and_18_characters_are_one_record(con: Any, tmp_path: Path) -> None:
    history = History()
    history.owner(1, "09:00:00", BILLING, LEGAL)
    for row in history.rows:
        row["CaseId"] = short("500", 1)
        row["NewValue"] = row["NewValue"][:15] if row["NewValue"] == LEGAL else row["NewValue"]
    members = [{**row, "GroupId": row["GroupId"][:15]} for row in DESK["GroupMember"]]
    objects = {
        **DESK, "GroupMember": members, "CaseHistory": history.rows,
        "Case": [case(1, OwnerId=short("00G", 2), AccountId=short("001", 1)), case(2, OwnerId=short("005", 1))],
    }  # fmt: skip
    staged = load(con, tmp_path, objects)
    assert select(con, staged, "tickets", "ticket_id, account_id, first_team_id, reassignment_count") == [
        (sid("500", 1), ACME, "Billing Queue", 1),
        (sid("500", 2), ACME, "Billing Queue", 0),
    ]


def test_ids_that_differ_in_case_only_are_two_records(con: Any, tmp_path: Path) -> None:
    one, two = "5003V00000abcDE", "5003V00000aBcDE"
    staged = load(con, tmp_path, {"Case": [case(1, Id=one), case(2, Id=two)]})
    found = select(con, staged, "tickets", "ticket_id")
    assert found == [(long(one),), (long(two),)]
    assert found[0] != found[1]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.from_regex(r"\A5[0-9A-Za-z]{14}\Z"), min_size=1, max_size=20, unique=True))
def test_checksum_of_any_id(ids: list[str]) -> None:
    import duckdb

    ((name, body),) = read_mapping("salesforce").macros
    with duckdb.connect() as con:
        con.execute(f"CREATE TEMP MACRO {name}{body}")
        con.execute("CREATE TABLE found AS SELECT unnest(?) AS id", [ids])
        assert con.execute("SELECT long_id(id) FROM found").fetchall() == [(long(each),) for each in ids]
        assert con.execute("SELECT long_id('tqs6UXPA/Lm7W+0dX0+syw=='), long_id(NULL)").fetchall() == [
            ("tqs6UXPA/Lm7W+0dX0+syw==", None)
        ]


def test_all_ids_come_through_one_function() -> None:
    queries = [sql for _, sql in read_mapping("salesforce").steps]
    assert sum("long_id(COLUMNS(" in sql for sql in queries) >= 7
    assert not [sql for sql in queries if "ABCDEFGHIJKLMNOPQRSTUVWXYZ" in sql]


def test_a_cut_value_is_no_id_and_is_counted(con: Any, tmp_path: Path) -> None:
    history = History()
    history.add(1, "09:00:00", "Subject", "a" * 255, "b" * 255)
    history.add(1, "09:10:00", "Reason", "x" * 255, "Legal")
    whole = "b" * 300
    staged = load(
        con, tmp_path, {**DESK, "Case": [case(1, Subject=whole, Reason="Legal")], "CaseHistory": history.rows}
    )
    assert select(con, staged, "tickets", "subject, category") == [(whole, "x" * 255)]
    assert any("3 values of CaseHistory are cut at 255 characters" in notice for notice in staged.notices)


def test_milestones_are_judged_by_their_dates(con: Any, tmp_path: Path) -> None:
    first, resolve, own = sid("557", 1), sid("557", 2), sid("557", 3)
    kinds = [
        {"Id": first, "Name": "First Response", "RecurrenceType": "none"},
        {"Id": resolve, "Name": "Resolution Time", "RecurrenceType": "none"},
        {"Id": own, "Name": "Parts ordered", "RecurrenceType": "none"},
    ]

    def milestone(
        number: int, of: int, kind: str, target: str, done: str = "", flag: str = "false", **cells: Any
    ) -> Row:
        return {
            "Id": sid("555", number), "CaseId": sid("500", of), "MilestoneTypeId": kind, "StartDate": at("08:00:00"),
            "TargetDate": at(target), "CompletionDate": at(done) if done else "", "IsViolated": flag, **cells,
        }  # fmt: skip

    rows = [
        milestone(1, 1, first, "09:00:00", "09:00:00", TargetResponseInMins="60", ElapsedTimeInMins="70",
                  ActualElapsedTimeInMins="60", BusinessHoursId=sid("01m", 1)),
        milestone(2, 1, resolve, "10:00:00", "10:00:01"),  # late by a second, the flag says otherwise
        milestone(3, 2, first, "09:00:00"),  # nobody completed it; the flag has not flipped yet
        milestone(4, 2, resolve, "23:00:00"),
        milestone(5, 3, first, "21:00:00"),  # stopped before its target, which has passed since
        milestone(6, 4, resolve, "16:00:00"),  # its entitlement process ended before
        milestone(7, 5, resolve, "10:00:00", "09:00:00"),
        milestone(8, 5, own, "10:00:00", "09:00:00", "true"),  # completed in time, the flag is wrong
        milestone(9, 99, own, "10:00:00"),  # a case that is not in the export
    ]  # fmt: skip
    cases = [
        case(1), case(2), case(3, IsStopped="true", StopStartDate=at("15:00:00")), case(4, SlaExitDate=at("15:00:00")),
        case(5),
    ]  # fmt: skip
    when = int(datetime(2026, 1, 5, 22, tzinfo=UTC).timestamp())
    staged = load(con, tmp_path, {**DESK, "Case": cases, "CaseMilestone": rows, "MilestoneType": kinds}, when)
    columns = "ticket_id, metric, cycle, policy, state, breached_at"
    assert select(con, staged, "sla_instances", columns) == [
        (sid("500", 1), "first_action", 1, "First Response", "met", None),
        (sid("500", 1), "resolve", 1, "Resolution Time", "breached", "05 10:00:00"),
        (sid("500", 2), "first_action", 1, "First Response", "breached", "05 09:00:00"),
        (sid("500", 2), "resolve", 1, "Resolution Time", "open", None),
        (sid("500", 3), "first_action", 1, "First Response", "paused", None),
        (sid("500", 4), "resolve", 1, "Resolution Time", "cancelled", None),
        (sid("500", 5), "Parts ordered", 1, "Parts ordered", "met", None),
        (sid("500", 5), "resolve", 1, "Resolution Time", "met", None),
    ]
    times = "target_seconds, elapsed_seconds, paused_seconds, business_hours"
    assert select(con, staged, "sla_instances", times, f"ticket_id = '{sid('500', 1)}'") == [
        (3600, 3600, 600, True), (None, None, None, None),
    ]  # fmt: skip
    assert select(con, staged, "tickets", "sla_met, due_at, first_action_at") == [
        (False, "05 10:00:00", "05 09:00:00"), (None, "05 23:00:00", None), (None, None, None),
        (None, "05 16:00:00", None), (True, "05 10:00:00", None),
    ]  # fmt: skip
    notices = " | ".join(staged.notices)
    assert "IsViolated of 3 milestones disagrees with their dates" in notices


def test_open_milestones_without_a_snapshot_are_as_of_the_newest_time(con: Any, tmp_path: Path) -> None:
    kinds = [{"Id": sid("557", 1), "Name": "Case Closed", "RecurrenceType": "none"}]
    rows = [
        {"Id": sid("555", n), "CaseId": sid("500", 1), "MilestoneTypeId": sid("557", 1), "StartDate": at(f"0{7 + n}:00:00"),
         "TargetDate": at(target)}
        for n, target in enumerate(("19:59:59", "20:00:00"), start=1)
    ]  # fmt: skip
    staged = load(con, tmp_path, {"Case": [case(1)], "CaseMilestone": rows, "MilestoneType": kinds})
    assert select(con, staged, "sla_instances", "metric, cycle, state") == [
        ("resolve", 1, "breached"),
        ("resolve", 2, "open"),
    ]


def test_deleted_rows_of_history_and_messages_do_not_count(con: Any, tmp_path: Path) -> None:
    objects = life()
    for name in ("CaseHistory", "EmailMessage", "CaseComment"):
        objects[name] = [{**row, "IsDeleted": "true"} for row in objects[name]]
    staged = load(con, tmp_path, objects)
    kinds = select(con, staged, "ticket_events", "kind")
    assert kinds == [("created",), ("assigned",), ("field",), ("resolved",), ("closed",)]


def test_custom_fields_are_of_creation_where_history_has_them(con: Any, tmp_path: Path) -> None:
    history = History()
    history.add(1, "09:00:00", "Topic__c", "Refund", "Invoice")
    history.add(1, "09:00:00", "Product_Area__c", "", "Payments")
    history.add(1, "09:00:00", "Seats__c", "5", "9")
    row = case(1, Topic__c="Invoice", Seats__c="9", Region__c="EMEA", CSAT__c="1", Resolution__c="done", IsVisible="x")
    staged = load(con, tmp_path, {"Case": [row, case(2, Topic__c="")], "CaseHistory": history.rows})
    assert select(con, staged, "tickets", "category") == [("Refund",), (None,)]
    custom = json.loads(select(con, staged, "tickets", "custom")[0][0])
    assert custom == {"case_number": "00000001", "created_by_id": BOT, "seats": "5", "region": "EMEA"}


def test_channels(con: Any, tmp_path: Path) -> None:
    told = {
        "Email": ("email", "message"), "Phone": ("phone", "call"), "Web": ("portal", "message"), "Live Chat": ("chat", "message"),
        "API": ("webhook", "webhook"), "Fax": ("fax", "message"), "": (None, "message"),
    }  # fmt: skip
    cases = [case(number, Origin=origin, CreatedDate=at(f"08:00:0{number}")) for number, origin in enumerate(told)]
    staged = load(con, tmp_path, {"Case": cases})
    assert select(con, staged, "tickets", "channel") == [(channel,) for channel, _ in told.values()]
    assert select(con, staged, "signals", "channel, kind") == list(told.values())


def test_priorities(con: Any, tmp_path: Path) -> None:
    told = {
        "Critical": "urgent", "P2": "high", "High": "high", "medium": "normal", "3": "normal", "Low": "low", "VIP": "VIP", "": None,
    }  # fmt: skip
    staged = load(con, tmp_path, {"Case": [case(number, Priority=word) for number, word in enumerate(told)]})
    assert select(con, staged, "tickets", "priority_at_creation") == [(word,) for word in told.values()]


def test_headers_in_capitals_and_in_snake_case(con: Any, tmp_path: Path) -> None:
    def renamed(objects: dict[str, list[Row]], how: Any) -> dict[str, list[Row]]:
        return {
            name: [{how(key): value for key, value in row.items()} for row in rows] for name, rows in objects.items()
        }

    plain_rows = select(con, load(con, tmp_path / "api", life()), "ticket_events", "event_id, kind, team_id, new_value")
    for folder, how in (("capitals", str.upper), ("snake", plain)):
        staged = load(con, tmp_path / folder, renamed(life(), how))
        assert select(con, staged, "ticket_events", "event_id, kind, team_id, new_value") == plain_rows


def test_json_lines_with_nested_owners(con: Any, tmp_path: Path) -> None:
    rows = [
        {
            "attributes": {"type": "Case"},
            **case(1),
            "Owner": {"attributes": {}, "Name": "Billing Queue", "Type": "Queue"},
        },
        {"attributes": {"type": "Case"}, **case(2, OwnerId=ANN), "Owner": {"Name": "Ann Lee", "Type": "User"}},
    ]
    file = tmp_path / "Case.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    staged = stage_source(con, files=[file], source=read_mapping("salesforce"), timezone=None, snapshot_at=None)
    assert select(con, staged, "tickets", "first_team_id, agent_id") == [
        ("Billing Queue", None),
        ("unassigned users", ANN),
    ]


def test_history_mode_versions_are_changes(con: Any, tmp_path: Path) -> None:
    def version(since: str, until: str, active: str, **cells: Any) -> Row:
        base = {
            "id": sid("500", 1),
            "created_date": at("08:00:00"),
            "status": "New",
            "priority": "Low",
            "owner_id": BILLING,
        }
        return {**base, **cells, "_fivetran_start": since, "_fivetran_end": until, "_fivetran_active": active}

    rows = [
        version("2026-01-05 08:00:00", "2026-01-05 08:59:59.999", "false"),
        version("2026-01-05 09:00:00", "2026-01-05 09:59:59.999", "false", owner_id=LEGAL, priority="High"),
        version("2026-01-05 10:00:00", "9999-12-31 23:59:59", "true", owner_id=LEGAL, priority="High", status="Closed",
                is_closed="true", closed_date=at("10:00:00")),
    ]  # fmt: skip
    staged = load(con, tmp_path, {**DESK, "case": rows})
    assert select(con, staged, "tickets", "priority_at_creation, first_team_id, resolver_team_id, status_class") == [
        ("low", "Billing Queue", "Legal Queue", "closed")
    ]
    assert select(con, staged, "ticket_events", '"at", kind, old_value, new_value', "kind <> 'created'") == [
        ("05 08:00:00", "assigned", None, "Billing Queue"),
        ("05 09:00:00", "assigned", "Billing Queue", "Legal Queue"),
        ("05 09:00:00", "priority", "low", "high"),
        ("05 10:00:00", "status", "New", "Closed"),
        ("05 10:00:00", "resolved", None, None),
        ("05 10:00:00", "closed", None, None),
    ]


def test_history_of_unknown_cases_is_counted(con: Any, tmp_path: Path) -> None:
    history = History()
    history.add(1, "09:00:00", "Status", "New", "Working")
    history.add(7, "09:00:00", "Status", "New", "Working")
    staged = load(con, tmp_path, {"Case": [case(1, Status="Working")], "CaseHistory": history.rows})
    assert select(con, staged, "ticket_events", "ticket_id", "kind = 'status'") == [(sid("500", 1),)]
    assert any("1 row of CaseHistory" in notice for notice in staged.notices)


def test_parts_that_overlap_count_once(con: Any, tmp_path: Path) -> None:
    objects = life()
    folder = write(tmp_path, objects)
    write(tmp_path, {"CaseHistory_2": [*objects["CaseHistory"][-2:]], "Case_2": objects["Case"]})
    staged = stage_source(con, files=[folder], source=read_mapping("salesforce"), timezone=None, snapshot_at=None)
    assert staged.rows["tickets"] == 1
    assert staged.rows["ticket_events"] == 22


def test_case_without_created_date_is_refused_with_the_column(con: Any, tmp_path: Path) -> None:
    row = case(1)
    del row["CreatedDate"]
    with pytest.raises(ExportError) as caught:
        load(con, tmp_path, {"Case": [row]})
    assert "created_date is missing" in str(caught.value)
    assert caught.value.place.file.endswith("Case.csv")


def test_order_and_threads_do_not_matter(con: Any, tmp_path: Path) -> None:
    objects = life()
    turned = {name: list(reversed(rows)) for name, rows in objects.items()}
    first, second = load(con, tmp_path / "a", objects), load(con, tmp_path / "b", turned)
    con.execute("SET threads = 1")
    third = load(con, tmp_path / "a", objects)
    for table in ("tickets", "ticket_events", "signals"):
        rows = [
            con.execute(f"SELECT * EXCLUDE (row_no) FROM {each.tables[table]}").fetchall()
            for each in (first, second, third)
        ]
        assert rows[0] == rows[1] == rows[2]


def test_files_without_a_telling_name_are_told_by_their_columns(con: Any, tmp_path: Path) -> None:
    objects = life()
    named = {"one": objects["Case"], "two": objects["CaseHistory"], "three": objects["EmailMessage"]}
    files = [tmp_path / f"{name}.csv" for name in named]
    write(tmp_path, named)
    staged = stage_source(con, files=files, source=read_mapping("salesforce"), timezone=None, snapshot_at=None)
    assert [part.object for part in staged.parts] == ["case", "case_history", "email_message"]
