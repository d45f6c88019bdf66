"""Day before month or month before day: the layout decides, and a file of the other order is refused whole."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from triage_lab.domain.errors import ExportError, UsageError
from triage_lab.domain.tables import CANONICAL
from triage_lab.sources import read_mapping, stage
from triage_lab.sources.columns import plain

# ruff: noqa: DTZ001 - stored times carry no zone


def tickets(con: Any, folder: Path, rows: str, layout: str | None = None, zone: str | None = "UTC") -> Any:
    """A staged table of tickets with these data rows."""
    path = folder / "tickets.csv"
    path.write_text("ticket_id,created_at,sla_met\n" + rows)
    return stage(con, file=path, target=CANONICAL["tickets"], timezone=zone, snapshot_at=None, layout=layout)


def created(con: Any, staged: Any) -> list[datetime]:
    """The times of arrival in file order."""
    return [
        value
        for (value,) in con.execute(f"SELECT created_at FROM {staged.tables['tickets']} ORDER BY row_no").fetchall()
    ]


def test_a_table_may_say_how_it_orders_dates(con: Any, tmp_path: Path) -> None:
    rows = "1,1/2/2016 3:04:05 PM,\n2,2/29/2016 12:00 AM,\n3,2016-03-01 10:00:00,\n4,3/4/2016 12:30:00pm,\n"
    assert created(con, tickets(con, tmp_path, rows, "month_first")) == [
        datetime(2016, 1, 2, 15, 4, 5), datetime(2016, 2, 29), datetime(2016, 3, 1, 10), datetime(2016, 3, 4, 12, 30),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="tickets has no layout 'mdy'"):
        tickets(con, tmp_path, rows, "mdy")


def test_an_hour_of_13_with_pm_is_refused(con: Any, tmp_path: Path) -> None:
    staged = tickets(con, tmp_path, "1,1/2/2016 13:04 PM,\n2,1/25/2016 10:00,\n", "month_first")
    assert (staged.counts.staged, staged.counts.rejected) == (1, 1)


def test_the_other_order_is_refused_before_a_day_becomes_a_month(con: Any, tmp_path: Path) -> None:
    rows = "".join(f"{n},1/{n}/2016 10:00,\n" for n in range(1, 29))
    assert len(created(con, tickets(con, tmp_path, rows, "month_first"))) == 28
    with pytest.raises(ExportError, match="put the month first") as caught:
        tickets(con, tmp_path, rows, "day_first")
    assert "--layout month_first" in caught.value.action
    assert caught.value.place.row == 13


def test_one_wrong_date_in_a_proven_file_is_a_reject(con: Any, tmp_path: Path) -> None:
    staged = tickets(con, tmp_path, "1,25/1/2016 10:00,\n2,1/25/2016 10:00,\n3,3/1/2016 10:00,\n", "day_first")
    assert (staged.counts.staged, staged.counts.rejected) == (2, 1)
    reason = con.execute(f"SELECT reason FROM {staged.rejects}").fetchall()[0][0]
    assert "d/m/yyyy" in reason


@pytest.mark.parametrize(
    ("text", "layouts"),
    [
        ("1/25/2016 10:00", ["month_first"]),
        ("25/1/2016", ["day_first"]),
        ("1/2/2016 10:00", ["day_first", "month_first"]),
    ],
)
def test_ordered_dates_without_a_layout_name_the_ones_that_fit(
    con: Any, tmp_path: Path, text: str, layouts: list[str]
) -> None:
    with pytest.raises(ExportError) as caught:
        tickets(con, tmp_path, f"1,{text},\n")
    for name in ("day_first", "month_first"):
        assert (f"--layout {name}" in caught.value.action) == (name in layouts)


def test_a_good_iso_file_keeps_its_one_foreign_date_as_a_reject(con: Any, tmp_path: Path) -> None:
    staged = tickets(con, tmp_path, "1,2016-01-02T10:00:00Z,\n2,1/25/2016 10:00,\n")
    assert (staged.counts.staged, staged.counts.rejected) == (1, 1)


def test_a_promise_kept_or_broken_in_words(con: Any, tmp_path: Path) -> None:
    words = ["ONTIME", "overdue", "Met", "breached", "On Time", "missed", "yes", ""]
    staged = tickets(con, tmp_path, "".join(f"{n},2016-01-0{n}T00:00:00Z,{word}\n" for n, word in enumerate(words, 1)))
    found = con.execute(f"SELECT sla_met FROM {staged.tables['tickets']} ORDER BY row_no").fetchall()
    assert [value for (value,) in found] == [True, False, True, False, True, False, True, None]


@pytest.mark.parametrize("word", ["nan", "NaN", "-", "(empty)", "none"])
def test_more_words_for_nothing_in_servicenow(con: Any, tmp_path: Path, word: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        f"number,opened_at,sys_updated_at,resolved_at,category\nINC1,25/1/2016 10:00,25/1/2016 10:00,{word},{word}\n"
    )
    staged = stage(con, file=path, target=read_mapping("servicenow"), timezone="UTC", snapshot_at=None)
    assert con.execute(f"SELECT resolved_at, category FROM {staged.tables['tickets']}").fetchall() == [(None, None)]


@pytest.mark.parametrize(
    ("name", "shape"),
    [("CreatedDate", "created_date"), ("SRRecordID", "sr_record_id"), ("ticketId", "ticket_id"), ("TICKET_ID", "ticket_id"),
     ("Assignment group", "assignment_group"), ("closed-at", "closed_at"), ("", "")],
)  # fmt: skip
def test_names_in_capitals_are_words(name: str, shape: str) -> None:
    assert plain(name) == shape
