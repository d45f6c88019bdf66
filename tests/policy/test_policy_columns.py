"""columns.yaml against the canonical tables, and columns that a lab adds."""

from __future__ import annotations

import pytest

from triage_lab.domain.desk import ColumnKind, ContextColumn
from triage_lab.domain.errors import PolicyError
from triage_lab.domain.tables import CANONICAL
from triage_lab.policy import clause_column, read_columns

NAMES = [
    "category",
    "subcategory",
    "product_module",
    "channel",
    "inbox",
    "language",
    "type",
    "priority_at_creation",
    "account_id",
    "account_tier",
    "region",
    "contract_tier",
    "contract_end",
    "days_to_renewal",
    "auto_renew",
    "mrr",
    "mrr_tier",
    "balance_due",
    "overdue_days",
    "open_dispute",
    "churn_risk",
    "open_opportunity_amount",
    "open_opportunity_count",
    "legal_flag",
    "is_repeat_7d",
]


def test_every_column_of_the_contract_is_there() -> None:
    assert list(read_columns()) == NAMES


def test_every_source_is_a_canonical_column_and_every_as_of_dates_it() -> None:
    for column in read_columns().values():
        table, name = column.source.split(".")
        assert CANONICAL[table].column(name) is not None, column
        assert CANONICAL[table].column(column.as_of) is not None, column
        assert column.meaning
        assert column.name.isidentifier()


def test_kinds_and_bounds() -> None:
    columns = read_columns()
    assert columns["mrr"].kind is ColumnKind.DECIMAL
    assert columns["days_to_renewal"].kind is ColumnKind.INTEGER
    assert columns["contract_end"].kind is ColumnKind.DATE
    assert columns["legal_flag"].kind is ColumnKind.BOOLEAN
    assert (columns["churn_risk"].low, columns["churn_risk"].high) == (0, 1)
    assert columns["mrr_tier"].values == ()


def test_a_lab_adds_columns_and_closes_its_tiers() -> None:
    seats = ContextColumn("seats", ColumnKind.INTEGER, "seats", True, "accounts.custom.seats", "valid_from")
    notice = clause_column("notice_days", ColumnKind.NUMBER)
    columns = read_columns({"seats": seats, notice.name: notice}, tiers=("high", "low"))
    assert columns["seats"] is seats
    assert columns["clause_notice_days"].source == "contract_clauses.value_num"
    assert columns["mrr_tier"].values == ("high", "low")
    assert read_columns()["mrr_tier"].values == ()


def test_a_lab_may_not_redefine_a_column() -> None:
    clash = ContextColumn("mrr", ColumnKind.TEXT, "", True, "accounts.custom.mrr", "valid_from")
    with pytest.raises(PolicyError, match="'mrr' exists already"):
        read_columns([clash])
