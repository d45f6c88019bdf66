"""Service requests of cities: one mapping for every portal, its traps in files of our own, its facts on real samples."""

# ruff: noqa: DTZ001 - stored times carry no zone; a table of cases reads best one case a line

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from triage_lab.domain.errors import ExportError
from triage_lab.domain.tables import CANONICAL
from triage_lab.sources import Staged, read_mapping, stage

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
BALTIMORE = SHARED / "baltimore311_sample" / "cases.parquet"
BOSTON = SHARED / "boston311_sample_2015_2024" / "cases.parquet"


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    """A CSV with the columns of its first row."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def load(con: Any, path: Path, **options: Any) -> Staged:
    return stage(
        con,
        file=path,
        target=read_mapping("service_requests"),
        **{"timezone": "America/New_York", "snapshot_at": None, **options},
    )


def tickets(con: Any, staged: Staged, columns: str) -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM {staged.tables['tickets']} ORDER BY row_no").fetchall()


# one request of each portal, in its own words; all opened 2024-01-09 09:30 in New York and closed a day later
PORTALS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "baltimore": (
        {"SRRecordID": "5004100000j6t9wAAA", "ServiceRequestNum": "24-00000017", "SRType": "SW-Dirty Alley", "MethodReceived": "Phone",
         "CreatedDate": "01/09/2024 09:30:00 AM", "SRStatus": "Closed", "StatusDate": "01/10/2024 09:31:00 AM",
         "DueDate": "01/11/2024 09:30:00 AM", "CloseDate": "01/10/2024 09:30:00 AM", "Agency": "Solid Waste", "Address": "1 Secret St"},
        {"ticket_id": "5004100000j6t9wAAA", "category": "SW-Dirty Alley", "subcategory": None, "channel": "phone", "first_team_id": "Solid Waste",
         "due": True, "sla_met": None},
    ),
    "boston": (
        {"case_enquiry_id": "101000000001", "open_dt": "2024-01-09 09:30:00", "target_dt": "2024-01-11 09:30:00", "closed_dt": "2024-01-10 09:30:00",
         "ontime": "ONTIME", "case_status": "Closed", "closure_reason": "Jane Doe called", "case_title": "at 1 Secret St", "subject": "Public Works Department",
         "reason": "Street Lights", "type": "Street Light Outages", "queue": "PWDx_Street Light Outages", "department": "PWDx",
         "source": "Citizens Connect App"},
        {"ticket_id": "101000000001", "category": "Street Lights", "subcategory": "Street Light Outages", "channel": "app", "first_team_id": "PWDx",
         "due": True, "sla_met": True},
    ),
    "new york": (
        {"Unique Key": "60000001", "Created Date": "01/09/2024 09:30:00 AM", "Closed Date": "01/10/2024 09:30:00 AM", "Agency": "NYPD",
         "Agency Name": "New York City Police Department", "Complaint Type": "Noise - Residential", "Descriptor": "Banging/Pounding",
         "Status": "Closed", "Due Date": "01/11/2024 09:30:00 AM", "Open Data Channel Type": "ONLINE", "Incident Address": "1 SECRET STREET",
         "Resolution Description": "The Police Department responded.", "Resolution Action Updated Date": "01/10/2024 09:30:05 AM", "Borough": "QUEENS"},
        {"ticket_id": "60000001", "category": "Noise - Residential", "subcategory": "Banging/Pounding", "channel": "portal", "first_team_id": "NYPD",
         "due": True, "sla_met": None},
    ),
    "chicago": (
        {"SR_NUMBER": "SR24-00000001", "SR_TYPE": "Pothole in Street", "SR_SHORT_CODE": "PHF", "OWNER_DEPARTMENT": "CDOT", "CREATED_DEPARTMENT": "311",
         "STATUS": "Completed", "ORIGIN": "Mobile Device", "CREATED_DATE": "01/09/2024 09:30:00 AM", "LAST_MODIFIED_DATE": "01/10/2024 09:31:00 AM",
         "CLOSED_DATE": "01/10/2024 09:30:00 AM", "STREET_ADDRESS": "1 SECRET ST", "DUPLICATE": "false", "PARENT_SR_NUMBER": ""},
        {"ticket_id": "SR24-00000001", "category": "Pothole in Street", "subcategory": None, "channel": "app", "first_team_id": "CDOT", "due": False,
         "sla_met": None},
    ),
    "san francisco": (
        {"CaseID": "17700001", "Opened": "2024-01-09T09:30:00.000", "Closed": "2024-01-10T09:30:00.000", "Updated": "2024-01-10T09:30:00.000",
         "Status": "Closed", "Status Notes": "secret notes", "Responsible Agency": "DPW Ops Queue", "Category": "Street and Sidewalk Cleaning",
         "Request Type": "Bulky Items", "Address": "1 SECRET ST", "Source": "Web"},
        {"ticket_id": "17700001", "category": "Street and Sidewalk Cleaning", "subcategory": "Bulky Items", "channel": "portal",
         "first_team_id": "DPW Ops Queue", "due": False, "sla_met": None},
    ),
    "open311": (
        {"service_request_id": "638344", "status": "closed", "status_notes": "", "service_name": "Sidewalk and Curb Issues", "service_code": "006",
         "description": "secret text", "agency_responsible": "DPW", "requested_datetime": "2024-01-09T09:30:00-05:00",
         "updated_datetime": "2024-01-10T09:30:00-05:00", "expected_datetime": "2024-01-11T09:30:00-05:00", "address": "1 Secret St", "lat": "1", "long": "2"},
        {"ticket_id": "638344", "category": "Sidewalk and Curb Issues", "subcategory": None, "channel": None, "first_team_id": "DPW", "due": True,
         "sla_met": None},
    ),
    "san antonio": (
        {"CASEID": "1010", "OPENEDDATETIME": "1/9/2024 9:30", "SLA_Date": "1/11/2024 9:30", "CLOSEDDATETIME": "1/10/2024 9:30", "Late (Yes/No)": "NO",
         "Dept": "Animal Care", "REASONNAME": "Field Operations", "TYPENAME": "Stray Animal", "CaseStatus": "Closed", "SourceID": "Web Portal"},
        {"ticket_id": "1010", "category": "Field Operations", "subcategory": "Stray Animal", "channel": "portal", "first_team_id": "Animal Care",
         "due": True, "sla_met": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("portal", PORTALS)
def test_every_portal_gives_the_same_request(con: Any, tmp_path: Path, portal: str) -> None:
    row, expected = PORTALS[portal]
    staged = load(con, write(tmp_path / "requests.csv", [row]))
    names = [name for name in expected if name != "due"]
    (found,) = tickets(con, staged, ", ".join([*names, "created_at", "due_at", "resolved_at", "closed_at", "resolver_team_id", "status_class"]))  # fmt: skip
    assert dict(zip(names, found, strict=False)) == {name: expected[name] for name in names}
    due = datetime(2024, 1, 11, 14, 30) if expected["due"] else None
    end = datetime(2024, 1, 10, 14, 30)
    assert found[len(names) :] == (datetime(2024, 1, 9, 14, 30), due, end, end, expected["first_team_id"], "closed")
    assert any("approximate: the current value" in notice for notice in staged.notices)


@pytest.mark.parametrize("portal", PORTALS)
def test_names_addresses_and_free_text_are_never_read(con: Any, tmp_path: Path, portal: str) -> None:
    staged = load(con, write(tmp_path / "requests.csv", [PORTALS[portal][0]]))
    rows = [con.execute(f"SELECT * FROM {view}").fetchall() for view in staged.tables.values()]
    assert "secret" not in str(rows).lower()
    assert "Jane" not in str(rows)
    assert "Police Department responded" not in str(rows)


@pytest.mark.parametrize("portal", PORTALS)
def test_the_order_of_columns_does_not_matter(con: Any, tmp_path: Path, portal: str) -> None:
    row = PORTALS[portal][0]
    straight, turned = (
        load(con, write(tmp_path / f"{name}.csv", [dict(sorted(row.items(), reverse=back))]))
        for name, back in (("a", False), ("b", True))
    )
    for table in straight.tables:
        assert (
            con.execute(f"SELECT * FROM {straight.tables[table]} ORDER BY ALL").fetchall()
            == con.execute(f"SELECT * FROM {turned.tables[table]} ORDER BY ALL").fetchall()
        )


BASE = {
    "SR_NUMBER": "1",
    "CREATED_DATE": "01/09/2024 09:30:00 AM",
    "STATUS": "Open",
    "CLOSED_DATE": "",
    "OWNER_DEPARTMENT": "A",
}


@pytest.mark.parametrize(
    ("status", "closed", "expected", "resolver"),
    [
        ("Closed", True, "closed", "A"),
        ("Closed (Duplicate)", True, "duplicate", "A"),
        ("Open (Duplicate)", False, "duplicate", None),
        ("New (Duplicate)", False, "duplicate", None),
        ("Closed (Transferred)", True, "transferred", None),
        ("Referred to outside agency", True, "transferred", None),
        ("Canceled", True, "cancelled", "A"),
        ("Closed - Invalid", True, "cancelled", "A"),
        ("Deleted", False, "deleted", None),
        ("Open", False, "open", None),
        ("In Progress", False, "open", None),
        ("Re-opened", False, "open", None),
        ("Unresolved", False, "open", None),
        ("Resolved", True, "solved", "A"),
        ("COMPLETED", True, "closed", "A"),
        ("Pending", False, "pending", None),
        ("On Hold", False, "hold", None),
        ("New", False, "new", None),
        ("Unassigned", False, "new", None),
        ("Purple", False, None, None),
        ("", True, "closed", "A"),
        ("", False, "open", None),
    ],
)
def test_what_a_status_means(
    con: Any, tmp_path: Path, status: str, closed: bool, expected: str | None, resolver: str | None
) -> None:
    row = {**BASE, "STATUS": status, "CLOSED_DATE": "01/10/2024 09:30:00 AM" if closed else ""}
    # a second request that is closed: this file has closing times
    other = {**BASE, "SR_NUMBER": "2", "STATUS": "Closed", "CLOSED_DATE": "01/10/2024 09:30:00 AM"}
    staged = load(con, write(tmp_path / "r.csv", [row, other]))
    assert tickets(con, staged, "status_class, resolver_team_id, status")[0] == (expected, resolver, status or None)
    assert any("not known, such as Purple" in notice for notice in staged.notices) is (status == "Purple")


def test_duplicates_by_flag_and_by_words_name_the_first(con: Any, tmp_path: Path) -> None:
    rows = [
        {**BASE, "DUPLICATE": "true", "PARENT_SR_NUMBER": "7", "Resolution Description": ""},
        {**BASE, "SR_NUMBER": "2", "DUPLICATE": "false", "PARENT_SR_NUMBER": "7", "Resolution Description": ""},
        {**BASE, "SR_NUMBER": "3", "DUPLICATE": "", "PARENT_SR_NUMBER": "", "Resolution Description": "This complaint is a duplicate of a previously filed complaint."},
        {**BASE, "SR_NUMBER": "4", "DUPLICATE": "", "PARENT_SR_NUMBER": "", "Resolution Description": "No duplicates were found."},
    ]  # fmt: skip
    staged = load(con, write(tmp_path / "r.csv", rows))
    assert tickets(con, staged, "status_class, merged_into_id") == [
        ("duplicate", "7"), ("open", None), ("duplicate", None), ("open", None),
    ]  # fmt: skip


def test_the_words_of_channels(con: Any, tmp_path: Path) -> None:
    said = {
        "Phone Call": "phone", "Constituent Call": "phone", "API": "api", "spot-open311-City": "api", "Mobile/Open311": "app", "Self Service": "portal",
        "Internet": "portal", "E-Mail": "email", "Mail": "mail", "City Worker App": "internal", "Generated In House": "internal", "Twitter": "social",
        "Walk-in": "in_person", "System": "system", "OTHER": "other", "UNKNOWN": None, "Text Message": "chat", "Carrier pigeon": "Carrier pigeon", "": None,
    }  # fmt: skip
    rows = [{**BASE, "SR_NUMBER": str(at), "ORIGIN": word} for at, word in enumerate(said)]
    staged = load(con, write(tmp_path / "r.csv", rows))
    assert tickets(con, staged, "channel") == [(word,) for word in said.values()]
    signals = staged.tables["signals"]
    assert con.execute(f"SELECT channel FROM {signals} ORDER BY row_no").fetchall() == [(w,) for w in said.values()]
    assert con.execute(f"SELECT kind FROM {signals} ORDER BY row_no LIMIT 3").fetchall() == [
        ("call",),
        ("call",),
        ("webhook",),
    ]
    assert json.loads(tickets(con, staged, "custom")[0][0]) == {"channel_as_written": "Phone Call"}


def test_events_are_the_dates_of_the_request(con: Any, tmp_path: Path) -> None:
    row = {**PORTALS["boston"][0], "resolved_at": "2024-01-10 08:00:00"}
    staged = load(con, write(tmp_path / "r.csv", [row]))
    columns = 'event_id, "at", seq, kind, team_id, field, new_value'
    assert con.execute(f"SELECT {columns} FROM {staged.tables['ticket_events']} ORDER BY seq").fetchall() == [
        ("101000000001:created", datetime(2024, 1, 9, 14, 30), 1, "created", None, None, None),
        ("101000000001:resolved", datetime(2024, 1, 10, 13, 0), 2, "resolved", "PWDx", "status", "Closed"),
        ("101000000001:closed", datetime(2024, 1, 10, 14, 30), 3, "closed", "PWDx", "queue", "PWDx_Street Light Outages"),
    ]  # fmt: skip
    assert tickets(con, staged, "resolved_at, closed_at") == [
        (datetime(2024, 1, 10, 13), datetime(2024, 1, 10, 14, 30))
    ]


def test_without_closing_times_the_last_change_of_a_closed_request_stands_for_one(con: Any, tmp_path: Path) -> None:
    closed, _ = PORTALS["open311"]
    still = {**closed, "service_request_id": "2", "status": "open"}
    staged = load(con, write(tmp_path / "r.csv", [closed, still]))
    assert tickets(con, staged, "closed_at") == [(datetime(2024, 1, 10, 14, 30),), (None,)]
    assert any("for 1 closed requests the time of the last change" in notice for notice in staged.notices)
    # a file with closing times says by their absence that nobody knows
    staged = load(con, write(tmp_path / "s.csv", [{**closed, "closed_date": ""}, {**still, "status": "closed", "closed_date": "2024-01-10T09:30:00-05:00"}]))  # fmt: skip
    assert tickets(con, staged, "closed_at IS NULL, resolver_team_id") == [(True, "DPW"), (False, "DPW")]
    assert any("1 requests are closed without a closing time" in notice for notice in staged.notices)


def test_the_first_of_1900_is_no_time(con: Any, tmp_path: Path) -> None:
    row = {**BASE, "STATUS": "In Progress", "CLOSED_DATE": "01/01/1900 12:00:00 AM", "Due Date": "1900-01-01"}
    staged = load(con, write(tmp_path / "r.csv", [row]))
    assert tickets(con, staged, "closed_at, resolved_at, due_at, status_class") == [(None, None, None, "open")]
    assert con.execute(f"SELECT count(*) FROM {staged.tables['ticket_events']}").fetchall() == [(1,)]


def test_an_open_request_with_a_closing_time_is_kept_and_counted(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path / "r.csv", [{**BASE, "CLOSED_DATE": "01/10/2024 09:30:00 AM"}]))
    assert tickets(con, staged, "status_class, closed_at") == [("open", datetime(2024, 1, 10, 14, 30))]
    assert any("1 requests are open with a closing time" in notice for notice in staged.notices)


def test_flags_of_promises(con: Any, tmp_path: Path) -> None:
    words = {"ONTIME": True, "OVERDUE": False, "": None, "N/A": None, "On Time": True, "false": False}
    rows = [{**BASE, "SR_NUMBER": str(at), "on_time": word} for at, word in enumerate(words)]
    assert tickets(con, load(con, write(tmp_path / "a.csv", rows)), "sla_met") == [(flag,) for flag in words.values()]
    words = {"YES": False, "no": True, "": None, "perhaps": None}
    rows = [{**BASE, "SR_NUMBER": str(at), "Late (Yes/No)": word} for at, word in enumerate(words)]
    staged = load(con, write(tmp_path / "b.csv", rows))
    assert tickets(con, staged, "sla_met") == [(flag,) for flag in words.values()]
    assert any("1 values of late such as perhaps" in notice for notice in staged.notices)
    staged = load(
        con, write(tmp_path / "c.csv", [{**BASE, "on_time": "purple"}, {**BASE, "SR_NUMBER": "2", "on_time": "ONTIME"}])
    )
    assert con.execute(f'SELECT "row", "column", value FROM {staged.rejects}').fetchall() == [(1, "sla_met", "purple")]


def test_days_before_months_are_a_layout_and_never_a_guess(con: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", [{**BASE, "CREATED_DATE": "25/01/2024 14:00"}])
    with pytest.raises(ExportError, match="put the day first") as caught:
        load(con, path)
    assert "--layout day_first" in caught.value.action
    staged = load(con, path, layout="day_first", timezone=None)
    assert tickets(con, staged, "created_at") == [(datetime(2024, 1, 25, 14),)]
    assert staged.notices[0].startswith("times without a zone are taken as UTC")


@pytest.mark.parametrize(
    ("written", "hour"),
    [("01/09/2024 12:00:00 AM", 5), ("01/09/2024 12:00:00 PM", 17), ("1/9/2024 1:05 PM", 18), ("2024-01-09T13:00:00", 18), ("07/09/2024 12:00:00 PM", 16)],
)  # fmt: skip
def test_twelve_hour_clocks(con: Any, tmp_path: Path, written: str, hour: int) -> None:
    staged = load(con, write(tmp_path / "r.csv", [{**BASE, "CREATED_DATE": written}]))
    assert tickets(con, staged, "hour(created_at)") == [(hour,)]


def test_a_file_of_another_kind_is_refused(con: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ticket_id,created_at\n1,2026-01-01T00:00:00Z\n")
    with pytest.raises(ExportError, match="request_id is missing") as caught:
        load(con, tmp_path / "a.csv")
    assert "--table tickets" in caught.value.action
    with pytest.raises(ExportError) as caught:
        stage(
            con,
            file=write(tmp_path / "b.csv", [PORTALS["new york"][0]]),
            target=read_mapping("servicenow"),
            timezone=None,
            snapshot_at=None,
        )
    assert "--source service_requests" in caught.value.action


def test_every_canonical_column_is_there_typed_and_accounted_for(con: Any, tmp_path: Path) -> None:
    mapping = read_mapping("service_requests")
    for row, _ in PORTALS.values():
        staged = load(con, write(tmp_path / "r.csv", [row]), snapshot_at=1_700_000_000)
        for name, view in staged.tables.items():
            described = [(column, kind) for column, kind, *_ in con.execute(f"DESCRIBE {view}").fetchall()]
            assert described == [*((c.name, c.kind.value) for c in CANONICAL[name].columns), ("row_no", "BIGINT")]
            counts = con.execute(f"SELECT {', '.join(f'count({c})' for c, _ in described[:-1])} FROM {view}".replace("count(at)", 'count("at")')).fetchall()[0]  # fmt: skip
            (mapped,) = (table for table in mapping.tables if table.table == name)
            assert {c for (c, _), n in zip(described[:-1], counts, strict=True) if n} <= mapped.paths.keys()
        keys = {
            key
            for (key,) in con.execute(f"SELECT unnest(json_keys(custom)) FROM {staged.tables['tickets']}").fetchall()
        }
        assert not keys & mapping.never_in_rules.keys()


def test_no_two_columns_share_a_name() -> None:
    # but a number of the request, which is its id where there is no other
    columns = read_mapping("service_requests").columns
    names = [name for column in columns for name in (column.name, *column.aliases)]
    assert {name for name in names if names.count(name) > 1} == {"service_request_num"}


@pytest.mark.skipif(not BALTIMORE.exists(), reason="the Baltimore sample is not beside the project")
def test_known_facts_of_baltimore(con: Any) -> None:
    staged = load(con, BALTIMORE)
    assert (staged.counts.read, staged.counts.rejected, staged.rows["tickets"]) == (10_000, 0, 10_000)
    facts = "count(due_at), count(closed_at), count(*) FILTER (resolved_at <= due_at), count(*) FILTER (due_at IS NOT NULL AND resolved_at IS NOT NULL)"
    assert tickets_all(con, staged, facts) == (9714, 9792, 7988, 9555)
    classes = dict(con.execute(f"SELECT status_class, count(*) FROM {staged.tables['tickets']} GROUP BY 1").fetchall())
    assert classes == {"closed": 9567, "duplicate": 217, "transferred": 18, "open": 114, "new": 67, "pending": 17}
    median = "median(date_diff('second', created_at, closed_at)) / 3600, avg(date_diff('second', created_at, closed_at)) / 3600"
    walls = load(con, BALTIMORE, timezone=None)  # the facts were counted on the wall clock, across changes of the hour
    assert [round(value, 2) for value in tickets_all(con, walls, median)] == [32.40, 296.55]


@pytest.mark.skipif(not BOSTON.exists(), reason="the Boston sample is not beside the project")
def test_known_facts_of_boston(con: Any) -> None:
    staged = load(con, BOSTON)
    assert (staged.counts.read, staged.counts.rejected, staged.rows["tickets"]) == (4995, 0, 4995)
    facts = "count(*) FILTER (sla_met), count(*) FILTER (NOT sla_met), count(due_at), count(DISTINCT first_team_id), count(DISTINCT category), count(DISTINCT subcategory)"
    assert tickets_all(con, staged, facts) == (4520, 474, 4284, 11, 35, 131)
    queues = f"SELECT count(DISTINCT new_value) FROM {staged.tables['ticket_events']} WHERE field = 'queue'"
    assert con.execute(queues).fetchall() == [(117,)]


def tickets_all(con: Any, staged: Staged, columns: str) -> tuple[Any, ...]:
    """One row of sums over all tickets."""
    return con.execute(f"SELECT {columns} FROM {staged.tables['tickets']}").fetchall()[0]


def test_a_number_stands_in_for_a_missing_id_and_only_then(con: Any, tmp_path: Path) -> None:
    row = {
        "ServiceRequestNum": "24-00000017",
        "SRRecordID": "5004100000j6t9wAAA",
        "CreatedDate": "2024/01/09 09:30:00+00",
        "Agency": "Streets",
    }
    both = load(con, write(tmp_path / "both.csv", [row]))
    assert tickets(con, both, "ticket_id, custom ->> 'reference'") == [("5004100000j6t9wAAA", "24-00000017")]
    del row["SRRecordID"]
    alone = load(con, write(tmp_path / "alone.csv", [row]))
    # a map service's year/month/day, with its zone
    assert tickets(con, alone, "ticket_id, created_at, custom") == [("24-00000017", datetime(2024, 1, 9, 9, 30), None)]
