"""Contracts: records of a contract management system and plain lists, with the traps of dates, numbers and amendments."""

# ruff: noqa: DTZ001 - stored times carry no zone

import csv
import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from triage_lab.domain.errors import ExportError
from triage_lab.sources import Staged, read_mapping, stage_source


def at(year: int, month: int, number: int, hour: int = 0) -> datetime:
    """A time as stored."""
    return datetime(year, month, number, hour)


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """JSON Lines."""
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def write_csv(folder: Path, name: str, text: str) -> Path:
    """Write a CSV whose cells are parted by blanks and bars."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    file = folder / f"{name}.csv"
    with file.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(lines)
    return file


def load(con: Any, *files: Any, **options: Any) -> Staged:
    return stage_source(
        con, files=files, source=read_mapping("contracts"), **{"timezone": None, "snapshot_at": None, **options}
    )


def table(con: Any, staged: Staged, name: str, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
    sql = f"SELECT {columns} FROM {staged.tables[name]} WHERE {where} ORDER BY row_no"
    rows: list[tuple[Any, ...]] = con.execute(sql).fetchall()
    return rows


def said(staged: Staged, words: str) -> str:
    """The one notice with these words."""
    found = [notice for notice in staged.notices if words in notice]
    assert len(found) == 1, staged.notices
    return found[0]


def clauses(con: Any, folder: Path, values: list[Any], **record: Any) -> list[Any]:
    """Value, number and unit of one clause each, in order; None for a clause that is not there."""
    rows = [
        {"id": f"c{i:03}", "counterparty": "Acme", "status": "signed", "properties": {"clause": value}, **record}
        for i, value in enumerate(values)
    ]
    staged = load(con, write(folder, "records", rows))
    found = {row[0]: row[1:] for row in table(con, staged, "contract_clauses", "contract_id, value, value_num, unit", "clause_key = 'clause'")}  # fmt: skip
    return [found.get(f"c{i:03}") for i in range(len(values))]


PLAIN = """
    contract_id | account | tier | start | end | auto_renew | notice_days | value | currency | status | Liability Cap
    c1 | Acme GmbH | gold | 2026-01-01 | 2026-12-31 | yes | 90 | 12000.50 | eur | active | EUR 1,000,000
    c2 | Beta KK | silver | 2025-06-01 | 2026-05-31 | no | 3 months | 500000 | JPY | expired | NULL
    c3 | Gamma Ltd | gold | 2026-02-01 | 2027-01-31 | maybe | soon | 1.234 | USD | draft |"""


def test_a_plain_list_of_contracts(con: Any, tmp_path: Path) -> None:
    staged = load(con, write_csv(tmp_path, "contracts", PLAIN))
    columns = "contract_id, account_id, tier, starts_on, ends_on, auto_renew, notice_days, value_minor, currency, status, valid_from, valid_to"
    assert table(con, staged, "contracts", columns) == [
        ("c1", "Acme GmbH", "gold", date(2026, 1, 1), date(2026, 12, 31), True, 90, 1200050, "EUR", "active", at(2026, 1, 1), None),
        # what has expired was in force once; yen have no minor unit
        ("c2", "Beta KK", "silver", date(2025, 6, 1), date(2026, 5, 31), False, 90, 500000, "JPY", "active", at(2025, 6, 1), None),
    ]  # fmt: skip
    assert table(con, staged, "accounts", "account_id, name, domain") == [
        ("Acme GmbH", "Acme GmbH", None),
        ("Beta KK", "Beta KK", None),
    ]
    # a further column is a clause
    columns = "contract_id, account_id, clause_key, value, value_num, unit, extracted_by, valid_from"
    assert table(con, staged, "contract_clauses", columns) == [
        ("c1", "Acme GmbH", "liability_cap", "EUR 1,000,000", 1000000.0, "EUR", "import", at(2026, 1, 1))
    ]
    assert "1 records are not signed (draft)" in said(staged, "not signed")


def test_clauses_of_a_list_of_their_own(con: Any, tmp_path: Path) -> None:
    clause_list = write_csv(tmp_path, "clauses", """
        contract_id | clause | value | unit | extracted_by | confidence | effective_from | effective_to
        c1 | SLA First Reply | 4 | business hours | ai | 92 | 2026-02-01 | 2026-06-30
        c1 | SLA First Reply | 2 | business hours | human | 1 | 2026-07-01 |
        c1 | dataResidency | EU |  |  | | |
        c9 | dataResidency | EU |  |  | | |""")  # fmt: skip
    staged = load(con, write_csv(tmp_path, "contracts", PLAIN), clause_list)
    columns = "contract_id, clause_key, value, value_num, unit, extracted_by, confidence, valid_from, valid_to"
    assert table(con, staged, "contract_clauses", columns, "clause_key <> 'liability_cap'") == [
        ("c1", "data_residency", "EU", None, None, "import", None, at(2026, 1, 1), None),
        # a last day is meant with its end
        ("c1", "sla_first_reply", "4", 4.0, "business hours", "ai", 0.92, at(2026, 2, 1), at(2026, 7, 1)),
        ("c1", "sla_first_reply", "2", 2.0, "business hours", "human", 1.0, at(2026, 7, 1), None),
    ]
    assert "1 rows of properties belong to records that are not in the export" in said(staged, "belong to")


def test_records_of_the_api_with_nested_properties(con: Any, tmp_path: Path) -> None:
    properties = {
        "counterpartyName": {"type": "string", "value": "Acme GmbH"},
        "agreementDate": {"type": "date", "value": "2026-01-05T00:00:00-08:00"},
        "effectiveDate": {"type": "date", "value": "2026-02-01"},
        "expirationDate": {"type": "date", "value": "2027-01-31"},
        "contractValue": {"type": "monetary_amount", "value": {"currency": "EUR", "amount": 1234.567}},
        "noticePeriod": {"type": "duration", "value": {"years": 0, "months": 0, "weeks": 2, "days": 0}},
        "renewalType": {"type": "string", "value": "Auto-Renew"},
        "ServiceTier": "Gold",
        "uptimeSLA": {"type": "number", "value": 99.125},
        "regions": ["EU", "US"],
        "aiUse": {"type": "boolean", "value": False},
        "kündigung (Frist)": {"type": "string", "value": "30 days"},
        "empty": {"type": "string", "value": ""},
        "unknown": {"type": "string", "value": "?"},
        "nothing": None,
    }
    staged = load(
        con, write(tmp_path, "records", [{"id": "r1", "name": "MSA", "type": "msa", "properties": properties}])
    )
    columns = "contract_id, account_id, tier, starts_on, ends_on, auto_renew, notice_days, value_minor, currency, status, valid_from"
    assert table(con, staged, "contracts", columns) == [
        (
            "r1",
            "Acme GmbH",
            "Gold",
            date(2026, 2, 1),
            date(2027, 1, 31),
            True,
            14,
            123457,
            "EUR",
            "active",
            at(2026, 1, 5),
        )
    ]
    found = {
        key: rest
        for key, *rest in table(con, staged, "contract_clauses", "clause_key, value, value_num, unit, valid_from")
    }
    assert found["uptime_sla"] == ["99.125", 99.125, None, at(2026, 2, 1)], "a number of JSON has one reading"
    assert found["contract_value"] == ["EUR 1234.567", 1234.567, "EUR", at(2026, 2, 1)]
    assert found["notice_period"] == ["2 weeks", 2.0, "weeks", at(2026, 2, 1)]
    assert found["regions"][0] == "EU, US"
    assert found["ai_use"][:2] == ["false", None]
    assert found["kundigung_frist"][:3] == ["30 days", 30.0, "days"]
    assert not found.keys() & {"empty", "unknown", "nothing"}


def test_properties_in_a_table_of_their_own_replace_missing_columns(con: Any, tmp_path: Path) -> None:
    records = write_csv(tmp_path, "record", "id | name | type | status \n r1 | Order | order_form | Executed")
    properties = write_csv(tmp_path, "record_property", """
        record_id | name | value | updated_at
        r1 | counterpartyName | Acme GmbH | 2026-01-02T00:00:00Z
        r1 | effectiveDate | 2026-01-01 | 2026-01-02T00:00:00Z
        r1 | supportTier | silver | 2026-01-02T00:00:00Z
        r1 | supportTier | gold | 2026-03-01T10:00:00Z
        r1 | paymentTerms | 30 days | 2026-05-01T00:00:00Z""")  # fmt: skip
    staged = load(con, records, properties)
    assert table(con, staged, "contracts", "account_id, starts_on, status") == [
        ("Acme GmbH", date(2026, 1, 1), "active")
    ]
    columns = "clause_key, value, valid_from, valid_to"
    assert table(con, staged, "contract_clauses", columns, "clause_key IN ('support_tier', 'payment_terms')") == [
        ("payment_terms", "30 days", at(2026, 1, 1), None),
        # the first value holds as long as its record, the second from when it was written
        ("support_tier", "silver", at(2026, 1, 1), at(2026, 3, 1, 10)),
        ("support_tier", "gold", at(2026, 3, 1, 10), None),
    ]
    assert "3 properties were written after their contract was signed" in said(staged, "look-ahead risk")


STATUSES: list[tuple[str | None, str | None, bool]] = [
    ("Executed", None, True), ("SIGNED", None, True), ("active", None, True), ("Fully Executed", None, True), ("expired", None, True),
    ("terminated", None, True), ("In Review", None, False), ("out for signature", None, False), ("draft", "2026-01-01", False),
    ("cancelled", None, False), ("cancelled", "2026-01-01", True), (None, "2026-01-01", True), (None, None, False),
    ("partially signed", None, False),
]  # fmt: skip


def test_only_signed_records_count(con: Any, tmp_path: Path) -> None:
    rows = [
        {"id": f"c{i:02}", "counterparty": "Acme", "status": status, "signed_date": signed}
        for i, (status, signed, _) in enumerate(STATUSES)
    ]
    staged = load(con, write(tmp_path, "records", rows))
    counted = {name for (name,) in table(con, staged, "contracts", "contract_id")}
    assert [(status, signed, f"c{i:02}" in counted) for i, (status, signed, _) in enumerate(STATUSES)] == STATUSES
    words = said(staged, "not signed")
    assert words.startswith("6 records") and "no status" in words and "partially signed" in words


def test_without_any_status_or_signature_all_records_are_contracts(con: Any, tmp_path: Path) -> None:
    staged = load(con, write_csv(tmp_path, "contracts", "contract_id | account \n c1 | Acme \n c2 | Beta"))
    assert table(con, staged, "contracts", "contract_id, status, valid_from") == [
        ("c1", "active", None),
        ("c2", "active", None),
    ]
    assert "2 contracts have neither a date of signature" in said(staged, "neither a date")


AMENDED = """
    id | name | account_id | counterparty | signed_date | effective_date | expiration_date | tier | amends_id | parent | status | SLA | custom terms
    r1 | MSA | A1 | Acme GmbH | 2026-01-10 | 2026-01-01 | 2026-12-31 | silver |  |  | signed | 8 hours | no
    r2 | Amendment 1 |  | Acme | 2026-02-20 | 2026-04-01 |  | gold | r1 |  | signed | 4 hours |
    r3 | Second amendment |  |  | 2026-06-15 | 2026-06-01 | 2027-12-31 |  |  | r2 | signed |  | yes
    r4 | Order form 7 | A1 | Acme GmbH | 2026-03-01 | 2026-03-01 |  |  |  | r1 | signed |  |
    r5 | Amendment X |  | Acme | 2026-05-01 | 2026-05-01 |  | platinum | r1 |  | draft | 1 hour |
    r6 | Amendment Y |  | Acme |  |  |  | platinum | r1 |  | signed | 1 hour |
    r7 | Amendment Z | A2 | Beta | 2026-05-01 | 2026-05-01 |  |  | r99 |  | signed |  |"""


def test_amendments_supersede_from_their_own_date(con: Any, tmp_path: Path) -> None:
    staged = load(con, write_csv(tmp_path, "records", AMENDED))
    assert table(
        con, staged, "contracts", "contract_id, account_id, tier, starts_on, ends_on, valid_from, valid_to"
    ) == [
        ("r1", "A1", "silver", date(2026, 1, 1), date(2026, 12, 31), at(2026, 1, 10), at(2026, 4, 1)),
        # signed before it is effective: the old terms hold until then
        ("r1", "A1", "gold", date(2026, 1, 1), date(2026, 12, 31), at(2026, 4, 1), at(2026, 6, 15)),
        # signed after it is effective: nobody knew it before
        ("r1", "A1", "gold", date(2026, 1, 1), date(2027, 12, 31), at(2026, 6, 15), None),
        # a child that amends nothing is a contract of its own; so is an amendment of what is not there
        ("r4", "A1", None, date(2026, 3, 1), None, at(2026, 3, 1), None),
        ("r7", "A2", None, date(2026, 5, 1), None, at(2026, 5, 1), None),
    ]
    assert table(con, staged, "contract_clauses", "clause_key, value, valid_from, valid_to", "contract_id = 'r1'") == [
        ("custom_terms", "false", at(2026, 1, 10), at(2026, 6, 15)),
        ("custom_terms", "true", at(2026, 6, 15), None),
        ("legal_flag", "false", at(2026, 1, 10), at(2026, 6, 15)),
        ("legal_flag", "true", at(2026, 6, 15), None),
        ("sla", "8 hours", at(2026, 1, 10), at(2026, 4, 1)),
        ("sla", "4 hours", at(2026, 4, 1), None),
    ]
    assert table(con, staged, "accounts", "account_id, name") == [("A1", "Acme"), ("A2", "Beta")], "as the newest says"
    assert "2 records amend another" in said(staged, "amend another")
    assert "1 amendments have no date" in said(staged, "have no date")
    assert "1 amendments name a contract that is not in the export" in said(staged, "stand for themselves")


def test_amendments_that_amend_each_other_do_not_hang(con: Any, tmp_path: Path) -> None:
    rows = [
        {"id": "r1", "counterparty": "Acme", "status": "signed", "signed_date": "2026-01-01", "amends_id": "r2"},
        {"id": "r2", "counterparty": "Acme", "status": "signed", "signed_date": "2026-01-01", "amends_id": "r1"},
        {"id": "r3", "counterparty": "Acme", "status": "signed", "signed_date": "2026-01-01", "amends_id": "r3"},
    ]
    staged = load(con, write(tmp_path, "records", rows))
    assert table(con, staged, "contracts", "contract_id") == [("r3",)]
    assert "2 amendments" in said(staged, "amend each other")


def test_a_contract_that_was_ended_early(con: Any, tmp_path: Path) -> None:
    staged = load(con, write_csv(tmp_path, "contracts", """
        id | counterparty | signed_date | expiration_date | termination_date | status
        c1 | Acme | 2026-01-01 | 2026-12-31 | 2026-05-01 | terminated
        c2 | Acme | 2026-01-01 | 2026-12-31 |  | terminated
        c3 | Acme | 2026-01-01 |  |  | superseded"""))  # fmt: skip
    assert table(con, staged, "contracts", "contract_id, status, valid_from, valid_to") == [
        ("c1", "active", at(2026, 1, 1), at(2026, 5, 1)),
        ("c1", "ended", at(2026, 5, 1), None),
        ("c2", "active", at(2026, 1, 1), None),
        ("c3", "ended", at(2026, 1, 1), None),
    ]
    assert "2 contracts have ended and do not say when; 1 count until their last day, 1 never" in said(
        staged, "have ended"
    )


NUMBERS: list[tuple[Any, float | None, str | None]] = [
    ("30 days", 30, "days"), ("30 Calendar Days", 30, "days"), ("10 business days", 10, "business days"), ("2 weeks", 2, "weeks"),
    ("3 months", 3, "months"), ("1 year", 1, "years"), ("4h", 4, "hours"), ("15 min", 15, "minutes"), ("P30D", 30, "days"),
    ("PT4H", 4, "hours"), ("99.9 %", 99.9, "%"), ("99,9%", 99.9, "%"), ("5 percent", 5, "%"), ("EUR 12,000.50", 12000.5, "EUR"),
    ("€12.000,50", 12000.5, "EUR"), ("12 000,50 €", 12000.5, "EUR"), ("12'000.50 CHF", 12000.5, "CHF"), ("£1,000,000", 1000000, "GBP"),
    ("USD 1.000.000", 1000000, "USD"), ("US$ 5", 5, "USD"), ("$5", 5, "$"), ("JPY 500000", 500000, "JPY"), ("-3 %", -3, "%"),
    ("42", 42, None), ("42.5", 42.5, None), ("42,5", 42.5, None), ("0.125", 0.125, None), ("0,125", 0.125, None), ("1234.567", 1234.567, None),
    ("1 234.567", 1234.567, None), ("50 seats", 50, "seats"), (1.234, 1.234, None), (7, 7, None),
    # two readings, or none
    ("1.234", None, None), ("1,234", None, None), ("EUR 1.234", None, None), ("12.345 days", None, None), ("1.2.3", None, None),
    ("1,23,45", None, None), ("12.34,56.78", None, None), ("SLA 30", None, None), ("Net 30", None, None), ("3rd", None, None),
    ("30 days after notice", None, None), ("2026-01-31", None, None), ("EUR 5 USD", None, None), ("5 bananas", None, None),
    ("P1Y6M", None, None), ("9" * 40, None, None), ("see annex", None, None),
]  # fmt: skip


def test_numbers_with_one_reading(con: Any, tmp_path: Path) -> None:
    found = clauses(con, tmp_path, [value for value, _, _ in NUMBERS])
    assert [(value, *(row or ())[1:]) for (value, _, _), row in zip(NUMBERS, found, strict=True)] == NUMBERS
    assert [row[0] for row in found] == [str(value) for value, _, _ in NUMBERS], "the text itself is always kept"


def test_numbers_with_two_readings_are_counted(con: Any, tmp_path: Path) -> None:
    staged = load(
        con,
        write_csv(
            tmp_path,
            "contracts",
            "id | counterparty | value | cap \n c1 | Acme | 12.345 | EUR 1.234 \n c2 | Beta | 12,50 |",
        ),
    )
    assert table(con, staged, "contracts", "contract_id, value_minor") == [("c1", None), ("c2", 1250)]
    assert "2 numbers have two readings, such as 12.345" in said(staged, "two readings")


def test_a_dollar_is_that_of_the_contract(con: Any, tmp_path: Path) -> None:
    assert clauses(con, tmp_path, ["$5", "¥500"], currency="CAD") == [("$5", 5.0, "CAD"), ("¥500", 500.0, "¥")]
    assert clauses(con, tmp_path, ["$5", "¥500"], currency="JPY") == [("$5", 5.0, "$"), ("¥500", 500.0, "JPY")]


def test_yes_and_no(con: Any, tmp_path: Path) -> None:
    values = ["Yes", "NO", "true", "False", True, False, "y", "N"]
    assert [row[0] for row in clauses(con, tmp_path, values)] == ["true", "false"] * 4


def test_money_becomes_minor_units_of_its_currency(con: Any, tmp_path: Path) -> None:
    staged = load(con, write_csv(tmp_path, "contracts", """
        id | counterparty | value | currency
        c1 | A | 1000 | JPY
        c2 | A | 12.5 | KWD
        c3 | A | EUR 12.50 | USD
        c4 | A | ¥1000 |
        c5 | A | ¥1000 | CNY
        c6 | A | 30 days | EUR
        c7 | A | $10 | CAD"""))  # fmt: skip
    assert table(con, staged, "contracts", "contract_id, value_minor, currency") == [
        ("c1", 1000, "JPY"), ("c2", 12500, "KWD"), ("c3", 1250, "EUR"), ("c4", None, None), ("c5", 100000, "CNY"), ("c6", None, "EUR"),
        ("c7", 1000, "CAD"),
    ]  # fmt: skip
    assert "2 values of contracts are no amount" in said(staged, "no amount")


def test_legal_flag_is_drawn_from_all_that_ask_for_a_lawyer(con: Any, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "c1", "properties": {"legalFlag": "no", "Requires Legal Review": "yes"}},
        {"id": "c2", "properties": {"legal_flag": "no", "special_terms": "none agreed"}},
        {"id": "c3", "properties": {"special_terms": "see annex"}},
        {"id": "c4", "properties": {"legal_flag": "uncapped indemnity"}},
    ]
    staged = load(con, write(tmp_path, "records", [{"counterparty": "Acme", **row} for row in rows]))
    assert table(con, staged, "contract_clauses", "contract_id, value", "clause_key = 'legal_flag'") == [
        ("c1", "true"), ("c2", "false"), ("c4", "uncapped indemnity"),
    ]  # fmt: skip
    assert table(con, staged, "contract_clauses", "value", "clause_key = 'requires_legal_review'") == [("true",)]


def test_the_names_behind_legal_flag_are_those_of_the_mapping() -> None:
    stated = next(text for text in read_mapping("contracts").assumptions if text.startswith("legal_flag"))
    names = stated.split(":")[1].split(";")[0].split(",")
    sql = next(table.sql for table in read_mapping("contracts").tables if table.table == "contract_clauses")
    listed = re.findall(r"'(\w+)'", sql.split("key IN (")[1].split(")")[0])
    assert [name.strip() for name in names] == listed


def test_two_flags_with_dates_of_their_own(con: Any, tmp_path: Path) -> None:
    contracts = write_csv(tmp_path, "contracts", "id | counterparty | signed_date \n c1 | Acme | 2026-01-01")
    flags = write_csv(tmp_path, "clauses", """
        contract_id | clause | value | extracted_by | confidence | effective_from | effective_to
        c1 | legal hold | yes | human | 1 | 2026-02-01 | 2026-03-31
        c1 | custom terms | yes | ai | 0.7 | 2026-03-01 | 2026-05-31
        c1 | legal flag | no | | | | """)  # fmt: skip
    staged = load(con, contracts, flags)
    columns = "value, extracted_by, confidence, valid_from, valid_to"
    assert table(con, staged, "contract_clauses", columns, "clause_key = 'legal_flag'") == [
        ("false", "import", None, at(2026, 1, 1), at(2026, 2, 1)),
        ("true", "human", 1.0, at(2026, 2, 1), at(2026, 6, 1)),
        ("false", "import", None, at(2026, 6, 1), None),
    ]


def test_days_are_those_of_the_zone_and_orders_those_of_the_layout(con: Any, tmp_path: Path) -> None:
    file = write_csv(tmp_path, "contracts", "id | counterparty | start | end \n c1 | Acme | 01/02/2026 | 31/12/2026")
    staged = load(con, file, layout="day_first", timezone="Europe/Berlin")
    assert table(con, staged, "contracts", "starts_on, ends_on, valid_from") == [
        (date(2026, 2, 1), date(2026, 12, 31), at(2026, 1, 31, 23))
    ]
    with pytest.raises(ExportError):
        load(con, file)


def test_null_dates_and_null_tokens(con: Any, tmp_path: Path) -> None:
    staged = load(con, write_csv(tmp_path, "contracts", """
        id | counterparty | domain | signed_date | effective_date | expiration_date | tier | notice_period
        c1 | Acme | Acme.COM | 2026-01-01 | 1900-01-01 | N/A | ? | -
        c2 | ? | | 2026-01-01 | 2026-01-02 | | | 45"""))  # fmt: skip
    columns = "contract_id, account_id, starts_on, ends_on, tier, notice_days"
    assert table(con, staged, "contracts", columns) == [("c1", "Acme", None, None, None, None)]
    assert table(con, staged, "accounts", "account_id, domain") == [("Acme", "acme.com")]
    assert "1 contracts name neither an account nor a counterparty" in said(staged, "neither an account")


def test_a_record_without_an_id_is_a_reject_and_a_file_without_ids_is_refused(con: Any, tmp_path: Path) -> None:
    staged = load(con, write_csv(tmp_path, "contracts", "id | counterparty \n c1 | Acme \n | Beta"))
    assert (staged.counts.read, staged.counts.rejected) == (2, 1)
    with pytest.raises(ExportError) as caught:
        load(con, write_csv(tmp_path, "contracts", "number | counterparty \n c1 | Acme"))
    assert "id" in str(caught.value)


def test_the_same_export_gives_the_same_rows_with_any_number_of_threads(con: Any, tmp_path: Path) -> None:
    rows = [
        {"id": f"r{i}", "counterparty": f"Co {i % 7}", "signed_date": f"2026-01-{1 + i % 28:02}", "status": "signed",
         "amends_id": f"r{i - 1}" if i % 3 else None, "properties": {"cap": f"EUR {i},5", "Custom Terms": i % 2 == 0}}
        for i in range(300)
    ]  # fmt: skip
    file = write(tmp_path, "records", rows)
    every = ("contracts", "contract_clauses", "accounts")
    first = load(con, file)
    one = {name: table(con, first, name, "*") for name in every}
    con.execute("SET threads = 1")
    second = load(con, file)
    assert {name: table(con, second, name, "*") for name in every} == one
