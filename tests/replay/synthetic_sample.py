"""The small export in data/sample: a desk of 280 tickets, trimmed to what a first look needs.

Run as a program, this file writes it anew.
"""

from __future__ import annotations

import polars as pl
from synthetic_desks import DATA, desk_of

TICKETS, SEED = 280, 3
KEPT = {
    "tickets": (
        "ticket_id",
        "created_at",
        "account_id",
        "category",
        "subcategory",
        "product_module",
        "channel",
        "inbox",
        "language",
        "type",
        "priority_at_creation",
        "first_team_id",
        "resolver_team_id",
        "first_action_at",
        "resolved_at",
        "due_at",
        "sla_met",
        "reassignment_count",
        "handle_minutes",
        "subject",
    ),
    "ticket_events": ("event_id", "ticket_id", "at", "seq", "kind", "actor_type", "team_id"),
    "accounts": ("account_id", "name", "tier", "region", "churn_risk", "valid_from", "valid_to"),
    "contracts": (
        "contract_id",
        "account_id",
        "tier",
        "starts_on",
        "ends_on",
        "auto_renew",
        "status",
        "valid_from",
        "valid_to",
    ),
    "contract_clauses": ("contract_id", "account_id", "clause_key", "value", "valid_from", "valid_to"),
    "subscriptions": (
        "subscription_id",
        "account_id",
        "status",
        "mrr_minor",
        "currency",
        "started_at",
        "ended_at",
        "valid_from",
        "valid_to",
    ),
    "invoices": (
        "invoice_id",
        "account_id",
        "issued_at",
        "due_at",
        "total_minor",
        "currency",
        "paid_at",
        "disputed_at",
    ),
    "opportunities": (
        "opportunity_id",
        "account_id",
        "stage",
        "amount_minor",
        "currency",
        "is_won",
        "is_closed",
        "valid_from",
        "valid_to",
    ),
    "enrichment_log": ("ticket_id", "field", "source", "value", "status", "looked_up_at", "value_as_of"),
    "labels": ("ticket_id", "field", "value", "labelled_by", "labelled_at"),
}
FIELDS = ("mrr", "legal_flag")


def sample_tables() -> dict[str, pl.DataFrame]:
    """The trimmed tables: some columns, the look-ups of two fields, owner labels, and of events those that decide."""
    tables = desk_of(TICKETS, SEED).tables
    trimmed = {name: tables[name].select(columns) for name, columns in KEPT.items()}
    # Four decimals of a minute still tell the whole second.
    trimmed["tickets"] = trimmed["tickets"].with_columns(pl.col("handle_minutes").round(4))
    events, labels = trimmed["ticket_events"], trimmed["labels"]
    trimmed["ticket_events"] = events.filter(~pl.col("kind").is_in(["created", "closed"]))
    trimmed["enrichment_log"] = trimmed["enrichment_log"].filter(pl.col("field").is_in(FIELDS))
    trimmed["labels"] = labels.filter(pl.col("field") == "truth_team")
    trimmed["invoices"] = trimmed["invoices"].filter(pl.col("issued_at").dt.month() >= 7)
    return trimmed


if __name__ == "__main__":
    for name, table in sample_tables().items():
        table.write_csv(DATA / "sample" / f"{name}.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
