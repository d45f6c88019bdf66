"""Small Salesforce exports for tests: ids as the vendor makes them, a desk, one case's life, objects as CSV with API names."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from triage_lab.sources import Staged, read_mapping, stage_source

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
Row = dict[str, Any]


def short(prefix: str, number: int) -> str:
    """An id of 15 characters, with capitals in all three of its parts."""
    return f"{prefix}3V00000bcD{number:02d}"


def long(short_id: str) -> str:
    """The same id with the vendor's checksum: one letter for each five characters, a bit for each capital."""
    bits = ["".join("1" if char.isupper() else "0" for char in short_id[start : start + 5]) for start in (0, 5, 10)]
    return short_id + "".join(ALPHABET[int(part[::-1], 2)] for part in bits)


def sid(prefix: str, number: int) -> str:
    """An id of 18 characters."""
    return long(short(prefix, number))


def at(clock: str, day: int = 5) -> str:
    """A time of January 2026 as the API writes it."""
    return f"2026-01-{day:02d}T{clock}.000Z"


def write(folder: Path, objects: Mapping[str, Sequence[Row]]) -> Path:
    """One CSV an object; a column that a row lacks is empty."""
    folder.mkdir(exist_ok=True)
    for name, rows in objects.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def load(con: Any, folder: Path, objects: Mapping[str, Sequence[Row]], snapshot_at: int | None = None) -> Staged:
    """Stage an export as its folder."""
    return stage_source(
        con, files=[write(folder, objects)], source=read_mapping("salesforce"), timezone=None, snapshot_at=snapshot_at
    )


def select(con: Any, staged: Staged, table: str, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
    """Some columns of a table, in its order; times as text."""
    shown = ", ".join(
        f"strftime({name}, '%d %H:%M:%S')"
        if name in {'"at"', "valid_from", "valid_to"} or name.endswith("_at")
        else name
        for name in columns.split(", ")
    )
    return con.execute(f"SELECT {shown} FROM {staged.tables[table]} WHERE {where} ORDER BY row_no").fetchall()


BILLING, LEGAL = sid("00G", 1), sid("00G", 2)
ANN, BEN, CEM, DEE, BOT = (sid("005", number) for number in range(1, 6))
TIER_2 = sid("00E", 1)
ACME = sid("001", 1)
DESK: dict[str, list[Row]] = {
    "Group": [
        {"Id": BILLING, "Name": "Billing Queue", "Type": "Queue"},
        {"Id": LEGAL, "Name": "Legal Queue", "Type": "Queue"},
        {"Id": sid("00G", 3), "Name": "All Internal Users", "Type": "Organization"},
    ],
    "GroupMember": [
        {"Id": sid("011", 1), "GroupId": BILLING, "UserOrGroupId": ANN},
        {"Id": sid("011", 2), "GroupId": LEGAL, "UserOrGroupId": BEN},
        {"Id": sid("011", 3), "GroupId": BILLING, "UserOrGroupId": CEM},
        {"Id": sid("011", 4), "GroupId": LEGAL, "UserOrGroupId": CEM},
    ],
    "UserRole": [{"Id": TIER_2, "Name": "Tier 2"}],
    "User": [
        {"Id": ANN, "Name": "Ann Lee", "UserType": "Standard"},
        {"Id": BEN, "Name": "Ben Ode", "UserType": "Standard"},
        {"Id": CEM, "Name": "Cem Kaya", "UserType": "Standard", "UserRoleId": TIER_2},
        {"Id": DEE, "Name": "Dee Roy", "UserType": "Standard", "UserRoleId": TIER_2},
        {"Id": BOT, "Name": "Automated Process", "UserType": "AutomatedProcess"},
    ],
}
NAMES = {
    BILLING: "Billing Queue", LEGAL: "Legal Queue", ANN: "Ann Lee", BEN: "Ben Ode", CEM: "Cem Kaya", DEE: "Dee Roy",
    BOT: "Automated Process",
}  # fmt: skip


def case(number: int, **cells: Any) -> Row:
    """One row of Case.csv, open and owned by the billing queue unless said otherwise."""
    return {
        "Id": sid("500", number), "CaseNumber": f"{number:08d}", "AccountId": ACME, "OwnerId": BILLING, "Status": "New",
        "Priority": "Medium", "Origin": "Web", "Reason": "Billing", "CreatedDate": at("08:00:00"), "ClosedDate": "",
        "IsClosed": "false", "IsDeleted": "false", "CreatedById": BOT, "SystemModstamp": at("20:00:00"), **cells,
    }  # fmt: skip


class History:
    """Rows of CaseHistory.csv with rising ids."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, number: int, clock: str, field: str, old: str, new: str, by: str = ANN) -> None:
        """One row."""
        self.rows.append({
            "Id": sid("017", len(self.rows) + 1), "CaseId": sid("500", number), "Field": field, "OldValue": old,
            "NewValue": new, "CreatedDate": at(clock), "CreatedById": by, "IsDeleted": "false",
        })  # fmt: skip

    def owner(self, number: int, clock: str, old: str, new: str, field: str = "Owner", by: str = ANN) -> None:
        """Both rows that a lookup writes: the names and the ids."""
        self.add(number, clock, field, NAMES[old], NAMES[new], by)
        self.add(number, clock, field, old, new, by)


def life() -> dict[str, list[Row]]:
    """One case that is accepted, answered, handed on, closed, reopened and closed again."""
    history = History()
    history.owner(1, "08:10:00", BILLING, ANN, "ownerAccepted")
    history.add(1, "08:10:00", "Status", "New", "Working")
    history.add(1, "08:20:00", "Priority", "Medium", "High")
    history.owner(1, "09:00:00", ANN, LEGAL)
    history.add(1, "09:00:00", "Reason", "Billing", "Legal")
    history.owner(1, "09:30:00", LEGAL, BEN, "ownerAccepted", BEN)
    history.add(1, "10:00:00", "Status", "Working", "Closed", BEN)
    history.add(1, "10:00:00", "closed", "", "", BEN)
    history.add(1, "11:00:00", "Status", "Closed", "Reopened", BOT)
    history.add(1, "12:00:00", "Status", "Reopened", "Closed", BEN)
    mail = {"ParentId": sid("500", 1), "IsDeleted": "false"}
    return {
        **DESK,
        "Case": [
            case(1, OwnerId=BEN, Status="Closed", IsClosed="true", ClosedDate=at("12:00:00"), Priority="High", Reason="Legal",
                 Origin="Email", Subject="Invoice wrong", Description="Line 1\nline 2", Plan_Code__c="P7", Foo="x"),
        ],
        "CaseHistory": history.rows,
        "EmailMessage": [
            {"Id": sid("02s", 1), **mail, "Incoming": "true", "Status": "1", "MessageDate": at("07:59:58"), "FromAddress": "Jo@x.com",
             "ToAddress": "Help@acme.com; b@acme.com", "MessageIdentifier": "<m1@x.com>", "CreatedById": BOT},
            {"Id": sid("02s", 2), **mail, "Incoming": "false", "Status": "3", "MessageDate": at("08:30:00"), "FromAddress": "help@acme.com",
             "MessageIdentifier": "<m2@acme.com>", "CreatedById": ANN},
            {"Id": sid("02s", 3), **mail, "Incoming": "true", "Status": "1", "MessageDate": at("10:59:00"), "FromAddress": "jo@x.com",
             "ToAddress": "help@acme.com", "MessageIdentifier": "<m3@x.com>", "CreatedById": BOT},
            {"Id": sid("02s", 4), **mail, "Incoming": "false", "Status": "5", "MessageDate": at("08:05:00"), "CreatedById": ANN},
        ],
        "CaseComment": [
            {"Id": sid("00a", 1), "ParentId": sid("500", 1), "IsPublished": "false", "CreatedDate": at("08:15:00"), "CreatedById": ANN},
        ],
    }  # fmt: skip
