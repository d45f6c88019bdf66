"""ServiceNow: the known facts of the real log, and every trap in a small one of our own."""

# ruff: noqa: DTZ001 - stored times carry no zone; a table of cases reads best one case a line

import csv
import gzip
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from naive_sources import naive_incidents

from triage_lab.domain.errors import ExportError, UsageError
from triage_lab.domain.tables import CANONICAL, TICKETS
from triage_lab.sources import Staged, read_mapping, stage

REAL = (
    Path(__file__).resolve().parents[2].parent
    / "shared"
    / "data"
    / "servicenow_incidents"
    / "incident_event_log_10pct.csv.gz"
)
COLUMNS = [
    "number", "incident_state", "active", "reassignment_count", "reopen_count", "sys_mod_count", "made_sla", "caller_id", "opened_by",
    "opened_at", "sys_updated_by", "sys_updated_at", "contact_type", "location", "category", "subcategory", "u_symptom", "cmdb_ci",
    "impact", "urgency", "priority", "assignment_group", "assigned_to", "notify", "closed_code", "resolved_by", "resolved_at", "closed_at",
]  # fmt: skip
DEFAULTS = {
    "active": "true", "reassignment_count": "0", "reopen_count": "0", "made_sla": "true", "caller_id": "77", "opened_by": "8",
    "opened_at": "29/2/2016 06:38", "sys_updated_by": "340", "contact_type": "Phone", "location": "204", "category": "9",
    "subcategory": "97", "u_symptom": "450", "cmdb_ci": "?", "impact": "2", "urgency": "2", "priority": "3", "assignment_group": "?",
    "assigned_to": "12", "notify": "Do Not Notify", "closed_code": "3", "resolved_by": "113", "resolved_at": "2/3/2016 12:06",
    "closed_at": "7/3/2016 13:00",
}  # fmt: skip


def line(number: str, state: str, count: int, at: str, **cells: str) -> dict[str, str]:
    """One audit row."""
    return {
        **DEFAULTS,
        "number": number,
        "incident_state": state,
        "sys_mod_count": str(count),
        "sys_updated_at": at,
        **cells,
    }


# case 10: starts New without a group, is handed on, breaches, is reopened, ends with other first-row values;
# case 20: starts Active in a group, has an unknown state, a duplicate count, out of order in the file; never closed
LOG = [
    line("10", "New", 0, "29/2/2016 06:42"),
    line("10", "Active", 1, "29/2/2016 07:00", assignment_group="25", priority="2", category="10", impact="1"),
    line("10", "Active", 2, "29/2/2016 08:00", assignment_group="?", priority="2", category="10"),
    line("10", "Active", 3, "29/2/2016 09:00", assignment_group="70", priority="2", reassignment_count="1"),
    line("10", "Resolved", 4, "1/3/2016 09:00", assignment_group="70", priority="2", reassignment_count="1"),
    line("10", "Active", 5, "1/3/2016 10:00", assignment_group="70", priority="2", reassignment_count="1", reopen_count="1"),
    line("10", "Closed", 6, "7/3/2016 13:00", assignment_group="24", priority="2", reassignment_count="2", reopen_count="1", made_sla="false"),
    line("20", "-100", 1, "1/3/2016 8:05", assignment_group="5", priority="1"),
    line("20", "Active", 0, "1/3/2016 8:00", assignment_group="5", priority="1", resolved_at="?", closed_at="?", resolved_by="?"),
    line("20", "Awaiting User Info", 1, "1/3/2016 8:05", assignment_group="5", priority="1", resolved_at="?", closed_at="?", closed_code="?"),
]  # fmt: skip


def write(path: Path, rows: list[dict[str, str]], columns: list[str] | None = None) -> Path:
    """An audit log as CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns or COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def load(con: Any, path: Path, **options: Any) -> Staged:
    return stage(
        con, file=path, target=read_mapping("servicenow"), **{"timezone": None, "snapshot_at": None, **options}
    )


def tickets(con: Any, staged: Staged, columns: str = "*") -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM {staged.tables['tickets']} ORDER BY ticket_id").fetchall()


def events(con: Any, staged: Staged, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
    return con.execute(
        f"SELECT {columns} FROM {staged.tables['ticket_events']} WHERE {where} ORDER BY ticket_id, seq"
    ).fetchall()


def test_first_row_for_what_was_known_last_row_for_what_came_of_it(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path / "log.csv", LOG))
    columns = "ticket_id, created_at, category, channel, priority_at_creation, first_team_id, resolver_team_id, sla_met, reassignment_count, resolved_at, closed_at, first_action_at, account_id, source"
    opened = datetime(2016, 2, 29, 6, 38)
    assert tickets(con, staged, columns) == [
        ("10", opened, "9", "Phone", "normal", "25", "24", False, 2, datetime(2016, 3, 2, 12, 6), datetime(2016, 3, 7, 13),
         datetime(2016, 2, 29, 7), None, "servicenow"),
        ("20", opened, "9", "Phone", "urgent", "5", "5", True, 0, None, None, datetime(2016, 3, 1, 8), None, "servicenow"),
    ]  # fmt: skip
    assert (staged.counts.read, staged.counts.staged, staged.counts.rejected) == (10, 10, 0)
    assert staged.rows["tickets"] == 2
    assert (staged.source, staged.target, staged.layout, staged.timezone) == (
        "servicenow",
        "servicenow",
        "event_log",
        "UTC",
    )


def test_nothing_known_only_later_reaches_custom(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path / "log.csv", LOG))
    custom = json.loads(tickets(con, staged, "custom")[0][0])
    assert custom == {
        "caller_id": "77",
        "impact": "2",
        "location": "204",
        "notify": "Do Not Notify",
        "opened_by": "8",
        "u_symptom": "450",
        "urgency": "2",
    }
    assert not custom.keys() & read_mapping("servicenow").never_in_rules.keys()


def test_events_of_a_case(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path / "log.csv", LOG))
    assert events(con, staged, '"at", kind, team_id, old_value, new_value', "ticket_id = '10'") == [
        (datetime(2016, 2, 29, 6, 38), "created", None, None, "New"),
        (datetime(2016, 2, 29, 7), "assigned", "25", None, "25"),
        (datetime(2016, 2, 29, 7), "priority", "25", "normal", "high"),
        (datetime(2016, 2, 29, 7), "status", "25", "New", "Active"),
        (datetime(2016, 2, 29, 7), "ack", "25", "New", "Active"),
        (datetime(2016, 2, 29, 9), "assigned", "70", "25", "70"),
        (datetime(2016, 3, 1, 9), "status", "70", "Active", "Resolved"),
        (datetime(2016, 3, 1, 10), "status", "70", "Resolved", "Active"),
        (datetime(2016, 3, 1, 10), "reopened", "70", "Resolved", "Active"),
        (datetime(2016, 3, 2, 12, 6), "resolved", "24", None, None),
        (datetime(2016, 3, 7, 13), "assigned", "24", "70", "24"),
        (datetime(2016, 3, 7, 13), "status", "24", "Active", "Closed"),
        (datetime(2016, 3, 7, 13), "closed", "24", None, "3"),
    ]
    assert events(con, staged, "kind, actor_id, actor_type", "kind IN ('ack', 'created', 'resolved')") == [
        ("created", "8", None), ("ack", "340", "agent"), ("resolved", "113", None), ("created", "8", None), ("ack", "340", "agent"),
    ]  # fmt: skip
    ids = events(con, staged, "event_id")
    assert len(set(ids)) == len(ids)
    assert [seq for (seq,) in events(con, staged, "seq", "ticket_id = '10'")] == list(range(1, 14))


def test_duplicate_counts_follow_time_then_the_file_and_the_unknown_state_is_no_state(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path / "log.csv", LOG))
    assert events(con, staged, "kind, old_value, new_value", "ticket_id = '20' AND kind = 'status'") == [
        ("status", "Active", "Awaiting User Info")
    ]
    said = " | ".join(staged.notices)
    assert "1 rows have the state -100" in said
    assert "1 of 2 cases start in a state other than New" in said
    assert "1 pairs of number and sys_mod_count" in said
    assert staged.notices[0].startswith("times without a zone are taken as UTC")


def test_the_zone_of_the_instance(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path / "log.csv", LOG), timezone="Europe/Lisbon", snapshot_at=1_500_000_000)
    assert tickets(con, staged, "created_at, snapshot_at")[0] == (
        datetime(2016, 2, 29, 6, 38),
        datetime(2017, 7, 14, 2, 40),
    )
    berlin = load(con, write(tmp_path / "log.csv", LOG), timezone="Europe/Berlin")
    assert tickets(con, berlin, "created_at")[0] == (datetime(2016, 2, 29, 5, 38),)
    assert not any("taken as UTC" in notice for notice in berlin.notices)


def test_an_earlier_export_gives_the_same_event_ids(con: Any, tmp_path: Path) -> None:
    early = {row[0] for row in events(con, load(con, write(tmp_path / "a.csv", LOG[:4])), "event_id")}
    late = {row[0] for row in events(con, load(con, write(tmp_path / "b.csv", LOG[:7])), "event_id")}
    assert early <= late


def test_another_order_of_rows_and_columns_gives_the_same_tickets(con: Any, tmp_path: Path) -> None:
    columns = ", ".join(column.name for column in TICKETS.columns)
    straight = tickets(con, load(con, write(tmp_path / "a.csv", LOG[:9])), columns)
    turned = tickets(con, load(con, write(tmp_path / "b.csv", LOG[8::-1], sorted(COLUMNS, reverse=True))), columns)
    assert straight == turned


PREFIXES = {
    "number": "INC00000",
    "category": "Category ",
    "assignment_group": "Group ",
    "caller_id": "Caller ",
    "opened_by": "Opened by ",
}
WORDS = {
    "priority": {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low"},
    "impact": {"1": "1 - High", "2": "2 - Medium"},
}


def other_copy(row: dict[str, str], null: str = "?", time_format: str = "day") -> dict[str, str]:
    """The row as another copy of the log would have it."""
    out = {}
    for name, cell in row.items():
        value = null if cell == "?" else PREFIXES.get(name, "") + WORDS.get(name, {}).get(cell, cell)
        if name.endswith("_at") and cell != "?":
            at = datetime.strptime(cell, "%d/%m/%Y %H:%M")  # noqa: DTZ007
            forms = {"iso": at.isoformat(sep=" "), "zoned": at.isoformat() + "Z", "seconds": at.strftime("%d/%m/%Y %H:%M:%S"),
                     "month": f"{at.month}/{at.day}/{at.year} {at.hour}:{at.minute:02}", "day": cell}  # fmt: skip
            value = forms[time_format]
        out[name] = value
    return out


def test_text_prefixes_are_kept_and_codes_understood(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path / "log.csv", [other_copy(row) for row in LOG]))
    assert tickets(con, staged, "ticket_id, category, priority_at_creation, first_team_id, sla_met") == [
        ("INC0000010", "Category 9", "normal", "Group 25", False), ("INC0000020", "Category 9", "urgent", "Group 5", True),
    ]  # fmt: skip
    assert json.loads(tickets(con, staged, "custom")[0][0])["impact"] == "2 - Medium"


@pytest.mark.parametrize("null", ["?", "", "NULL", "null", " ? "])
@pytest.mark.parametrize("time_format", ["iso", "zoned", "seconds", "day"])
def test_other_nulls_and_times_give_the_same_rows(con: Any, tmp_path: Path, null: str, time_format: str) -> None:
    plain = load(con, write(tmp_path / "a.csv", LOG))
    other = load(
        con,
        write(
            tmp_path / "b.csv",
            [
                {
                    **row,
                    **{
                        k: v
                        for k, v in other_copy(row, null, time_format).items()
                        if (k not in PREFIXES and k not in WORDS) or row[k] == "?"
                    },
                }
                for row in LOG
            ],
        ),
    )
    for table in ("tickets", "ticket_events"):
        rows = [
            con.execute(f"SELECT * FROM {staged.tables[table]} ORDER BY ALL").fetchall() for staged in (plain, other)
        ]
        assert rows[0] == rows[1]


def test_month_first_only_as_a_layout(con: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", [other_copy(row, time_format="month") for row in LOG])
    staged = load(con, path, layout="event_log_month_first")
    assert staged.layout == "event_log_month_first"
    assert tickets(con, staged, "created_at")[0] == (datetime(2016, 2, 29, 6, 38),)
    with pytest.raises(ExportError, match="put the month first") as caught:
        load(con, path)
    assert "--layout event_log_month_first" in caught.value.action
    with pytest.raises(UsageError, match="no layout"):
        load(con, path, layout="mdy")


def test_only_the_least_columns(con: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", LOG, ["sys_updated_at", "opened_at", "number", "incident_state"])
    staged = load(con, path)
    assert staged.rows["tickets"] == 2
    assert any(notice.startswith("columns not in this file: sys_mod_count") for notice in staged.notices)
    kinds = [kind for (kind,) in events(con, staged, "kind", "ticket_id = '10'")]
    assert kinds.count("reopened") == 1  # without the counter: a step back from Resolved
    assert tickets(con, staged, "custom, sla_met") == [(None, None), (None, None)]


def test_labels_of_the_web_export_and_unknown_columns(con: Any, tmp_path: Path) -> None:
    names = {
        "number": "Number",
        "opened_at": "Opened",
        "sys_updated_at": "Updated",
        "incident_state": "State",
        "assignment_group": "Assignment group",
    }
    rows = [{names.get(k, k): v for k, v in row.items()} | {"resolution_notes": "secret"} for row in LOG]
    staged = load(con, write(tmp_path / "log.csv", rows, [*names.values(), "priority", "resolution_notes"]))
    assert tickets(con, staged, "first_team_id, priority_at_creation") == [("25", "normal"), ("5", "urgent")]
    assert "columns not read: resolution_notes" in staged.notices
    assert "secret" not in str(tickets(con, staged)) + str(events(con, staged, "*"))


def test_a_mapping_of_columns_by_the_user(con: Any, tmp_path: Path) -> None:
    rows = [{("nr" if k == "number" else k): v for k, v in row.items()} for row in LOG]
    staged = load(con, write(tmp_path / "log.csv", rows, ["nr", *COLUMNS[1:]]), columns={"number": "nr"})
    assert staged.rows["tickets"] == 2


def test_bad_rows_are_rejects_with_the_names_of_the_log(con: Any, tmp_path: Path) -> None:
    rows = [
        *LOG,
        line("?", "New", 0, "1/3/2016 8:00"),
        line("30", "New", 0, "soon", made_sla="perhaps"),
        line("40", "New", 0, "1/3/2016 8:00", opened_at="?"),
    ]
    staged = load(con, write(tmp_path / "log.csv", rows))
    found = con.execute(f'SELECT "row", "column", value FROM {staged.rejects} ORDER BY 1, 2').fetchall()
    assert found == [
        (11, "number", None),
        (12, "made_sla", "perhaps"),
        (12, "sys_updated_at", "soon"),
        (13, "opened_at", None),
    ]
    assert (staged.counts.read, staged.counts.staged, staged.counts.rejected) == (13, 10, 3)
    assert staged.rows["tickets"] == 2


def test_a_file_of_another_kind_is_told_what_fits(con: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ticket_id,created_at\n1,2026-01-01T00:00:00Z\n")
    with pytest.raises(ExportError, match="number, opened_at, sys_updated_at are missing") as caught:
        load(con, tmp_path / "a.csv")
    assert caught.value.exit_code == 3
    assert "--table tickets" in caught.value.action
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ExportError, match="--propose"):
        load(con, tmp_path / "b.csv")


def test_every_canonical_column_is_there_typed_and_accounted_for(con: Any, tmp_path: Path) -> None:
    staged = load(con, write(tmp_path / "log.csv", LOG))
    for name, view in staged.tables.items():
        described = [(column, kind) for column, kind, *_ in con.execute(f"DESCRIBE {view}").fetchall()]
        assert described == [
            *((column.name, column.kind.value) for column in CANONICAL[name].columns),
            ("row_no", "BIGINT"),
        ]
        filled = {
            column
            for column, _ in described[:-1]
            if con.execute(f'SELECT count("{column}") FROM {view}').fetchall()[0][0]
        }
        (mapped,) = (table for table in read_mapping("servicenow").tables if table.table == name)
        assert filled <= mapped.paths.keys()
        assert mapped.paths.keys() - filled <= {"snapshot_at"}


needs_real = pytest.mark.skipif(not REAL.exists(), reason="the real log is not beside the project")


@needs_real
def test_known_facts_of_the_real_log(con: Any) -> None:
    staged = load(con, REAL)
    view = staged.tables["tickets"]
    assert (staged.counts.read, staged.counts.rejected, staged.rows["tickets"]) == (14132, 0, 2468)
    met, moved = con.execute(
        f"SELECT count(*) FILTER (sla_met), count(*) FILTER (reassignment_count > 0) FROM {view}"
    ).fetchall()[0]
    assert (met, moved) == (1541, 1165)
    assert any("838 of 2,468 cases start in a state other than New" in notice for notice in staged.notices)
    by_month = con.execute(
        f"SELECT month(created_at), avg(CAST(sla_met AS INTEGER)) FROM {view} WHERE month(created_at) IN (3, 4) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert [round(share, 1) for _, share in by_month] == [0.4, 0.8]
    keys = con.execute(f"SELECT DISTINCT unnest(json_keys(custom)) FROM {view}").fetchall()
    assert not {key for (key,) in keys} & read_mapping("servicenow").never_in_rules.keys()


@needs_real
def test_the_real_log_equals_the_naive_reading(con: Any, tmp_path: Path) -> None:
    plain = tmp_path / "log.csv"
    plain.write_bytes(gzip.decompress(REAL.read_bytes()))
    expected = naive_incidents(plain)
    names = list(next(iter(expected.values())))
    found = tickets(con, load(con, plain), ", ".join(["ticket_id", *names]))
    assert {key: dict(zip(names, values, strict=True)) for key, *values in found} == expected


@needs_real
def test_a_log_of_full_size(con: Any, tmp_path: Path) -> None:
    head, *lines = gzip.decompress(REAL.read_bytes()).decode().splitlines()
    big = tmp_path / "log.csv"
    big.write_text("\n".join([head, *(f"{copy}{row}" for copy in range(1, 11) for row in lines)]) + "\n")
    staged = load(con, big)
    assert staged.rows["tickets"] == 24680
