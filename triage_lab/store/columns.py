"""Which context columns can be given as of arrival, where they come from, and which are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from triage_lab.domain.desk import ContextColumn
from triage_lab.domain.errors import ContextError


class Origin(StrEnum):
    """The group of facts that a column is read with; one query each."""

    TICKET = "tickets"
    REPEAT = "repeat"
    ACCOUNT = "accounts"
    ACCOUNT_STATIC = "accounts_static"
    CONTRACT = "contracts"
    SUBSCRIPTION = "subscriptions"
    INVOICE = "invoices"
    OPPORTUNITY = "opportunities"
    CLAUSE = "clause"
    TICKET_COLUMN = "ticket_column"
    TICKET_CUSTOM = "ticket_custom"
    MRR_TIER = "mrr_tier"
    DAYS_TO_RENEWAL = "days_to_renewal"

    @property
    def is_of_ticket(self) -> bool:
        """Whether the ticket itself tells, so that no system is asked."""
        return self in (Origin.TICKET, Origin.REPEAT, Origin.TICKET_COLUMN, Origin.TICKET_CUSTOM)


TABLES = {
    Origin.ACCOUNT: "accounts", Origin.ACCOUNT_STATIC: "accounts", Origin.CONTRACT: "contracts",
    Origin.SUBSCRIPTION: "subscriptions", Origin.INVOICE: "invoices", Origin.OPPORTUNITY: "opportunities",
    Origin.CLAUSE: "contract_clauses",
}  # fmt: skip
"""The table that a system must have rows in to be asked for a group of facts."""

BASES = {Origin.MRR_TIER: "mrr", Origin.DAYS_TO_RENEWAL: "contract_end"}
"""Columns that follow from another, and from which."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Where a context column comes from: the group of facts, and the column or key within it."""

    origin: Origin
    field: str


TICKET_COLUMNS = (
    "account_id", "category", "subcategory", "product_module", "channel", "inbox", "language", "type",
    "priority_at_creation",
)  # fmt: skip
"""What the ticket itself said at creation; always read."""

_TICKET_TEXTS = ("subject", "body", "source", "created_at")

_ACCOUNT_COLUMNS = ("name", "domain", "parent_id", "tier", "region", "timezone", "owner_id", "churn_risk")

_BUILT_IN: dict[str, Fact] = {
    **{name: Fact(Origin.TICKET, name) for name in TICKET_COLUMNS},
    "is_repeat_7d": Fact(Origin.REPEAT, "is_repeat_7d"),
    "account_tier": Fact(Origin.ACCOUNT, "tier"),
    "region": Fact(Origin.ACCOUNT, "region"),
    "churn_risk": Fact(Origin.ACCOUNT, "churn_risk"),
    "contract_tier": Fact(Origin.CONTRACT, "contract_tier"),
    "contract_end": Fact(Origin.CONTRACT, "contract_end"),
    "auto_renew": Fact(Origin.CONTRACT, "auto_renew"),
    "days_to_renewal": Fact(Origin.DAYS_TO_RENEWAL, "days_to_renewal"),
    "mrr": Fact(Origin.SUBSCRIPTION, "mrr"),
    "mrr_tier": Fact(Origin.MRR_TIER, "mrr_tier"),
    "balance_due": Fact(Origin.INVOICE, "balance_due"),
    "overdue_days": Fact(Origin.INVOICE, "overdue_days"),
    "open_dispute": Fact(Origin.INVOICE, "open_dispute"),
    "open_opportunity_amount": Fact(Origin.OPPORTUNITY, "open_opportunity_amount"),
    "open_opportunity_count": Fact(Origin.OPPORTUNITY, "open_opportunity_count"),
    "legal_flag": Fact(Origin.CLAUSE, "legal_flag"),
}

OUTCOMES = frozenset({
    "resolver", "resolver_team_id", "resolver_team", "resolved_by", "resolved_at", "resolution_code",
    "resolution_notes", "closed_at", "closed_by", "close_code", "closed_code", "close_notes", "sla_met", "made_sla",
    "due_at", "status", "state", "incident_state", "reassignment_count", "reopen_count", "handle_minutes",
    "first_team_id", "first_action_at", "first_human_action_at", "acknowledged_at", "owned_at", "started_at",
    "priority", "final_priority", "sys_updated_at", "sys_updated_by", "sys_mod_count", "snapshot_at", "csat",
    "escalations", "handoffs",
})  # fmt: skip
"""Names of what is known only after the ticket was worked on; reading one would be look-ahead."""


CURRENT = "__current"
"""End of a key of ``tickets.custom`` that holds today's value, because the export has no history of the field."""


def locate(column: ContextColumn) -> Fact:
    """Return where a context column comes from.

    Raises
    ------
    ContextError
        The source is an outcome (look-ahead), or is not stored, or is dated by a column that cannot date it.
    """
    built_in = _BUILT_IN.get(column.name)
    if built_in is not None:
        return built_in
    if column.name.startswith("clause_") and column.name != "clause_":
        return Fact(Origin.CLAUSE, column.name.removeprefix("clause_"))
    table, _, field = column.source.partition(".")
    if table == "tickets":
        return _ticket_fact(column, field)
    if table == "accounts" and field in _ACCOUNT_COLUMNS:
        if column.as_of == "assume_static":
            return Fact(Origin.ACCOUNT_STATIC, field)
        if column.as_of == "valid_from":
            return Fact(Origin.ACCOUNT, field)
        raise ContextError(
            f"context column {column.name}: as_of {column.as_of!r} does not date {column.source}",
            "as_of: valid_from, or assume_static", f"correct `context.{column.name}.as_of` in operations.yaml",
        )  # fmt: skip
    raise _not_stored(column)


def _ticket_fact(column: ContextColumn, field: str) -> Fact:
    """Return a column of the ticket itself, if it was known at creation."""
    key = field.removeprefix("custom.")
    if key in OUTCOMES or column.name in OUTCOMES or key.endswith(CURRENT):
        raise ContextError(
            f"look-ahead: context column {column.name} reads {column.source}, which is known only after the decision",
            "a fact known when the ticket arrived",
            f"drop `context.{column.name}`, or name a source that is dated by its validity",
            column=column.name, source=column.source,
        )  # fmt: skip
    if key != field and key:
        return Fact(Origin.TICKET_CUSTOM, key)
    if field in TICKET_COLUMNS:
        return Fact(Origin.TICKET, field)
    if field in _TICKET_TEXTS:
        return Fact(Origin.TICKET_COLUMN, field)
    raise _not_stored(column)


def _not_stored(column: ContextColumn) -> ContextError:
    """Return the error of a source that the store does not hold."""
    return ContextError(
        f"context column {column.name}: source {column.source!r} is not stored",
        f"tickets.custom.KEY, tickets.({' | '.join((*TICKET_COLUMNS, *_TICKET_TEXTS))}) or "
        f"accounts.({' | '.join(_ACCOUNT_COLUMNS)})",
        f"correct `context.{column.name}.source` in operations.yaml",
        column=column.name, source=column.source,
    )  # fmt: skip


def locate_all(columns: Sequence[ContextColumn]) -> dict[str, Fact]:
    """Return where each column comes from, in order; see `locate`."""
    return {column.name: locate(column) for column in columns}
