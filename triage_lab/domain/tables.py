"""The canonical tables: name, grain, key and columns; the schema, ingest and the docs are built from here.

Every stored row carries besides: ``load_id`` (which load brought it), ``row_no`` (its 1-based data row
in the file) and ``dup_no`` (0, or 1, 2 … for further differing rows of the same key in one load).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Storage types; timestamps are UTC without zone, money is whole minor units."""

    TEXT = "VARCHAR"
    TIMESTAMP = "TIMESTAMP"
    DATE = "DATE"
    INTEGER = "BIGINT"
    DOUBLE = "DOUBLE"
    BOOLEAN = "BOOLEAN"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: storage type, meaning, unit (empty for text) and whether a row without it is rejected."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One canonical table: its grain in words, its key and its columns."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """Return the column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


T, TS, D, I, F, B, J = Kind.TEXT, Kind.TIMESTAMP, Kind.DATE, Kind.INTEGER, Kind.DOUBLE, Kind.BOOLEAN, Kind.JSON  # noqa: E741


def _validity() -> tuple[Column, ...]:
    return (
        Column("valid_from", TS, "from when this row was true (NULL: since ever)", "UTC"),
        Column("valid_to", TS, "until when this row was true, exclusive (NULL: still)", "UTC"),
    )


SIGNALS = Table(
    "signals",
    "one row per arrival; several may be one ticket",
    ("signal_id",),
    (
        Column("signal_id", T, "id of the arrival", required=True),
        Column("source", T, "system it came from"),
        Column("channel", T, "email, chat, phone, portal, webhook, crm"),
        Column("inbox", T, "declared entrance"),
        Column("kind", T, "message, call, webhook, crm_change"),
        Column("received_at", TS, "when it arrived", "UTC", required=True),
        Column("dedup_key", T, "equal for two deliveries of one arrival"),
        Column("ticket_id", T, "ticket it became part of"),
        Column("duplicate_of", T, "signal that it repeats"),
    ),
)
TICKETS = Table(
    "tickets",
    "one row per ticket, as of the snapshot",
    ("ticket_id",),
    (
        Column("ticket_id", T, "id of the ticket", required=True),
        Column("created_at", TS, "when it arrived", "UTC", required=True),
        Column("account_id", T, "customer account; NULL if unknown"),
        Column("category", T, "category as first recorded"),
        Column("subcategory", T, "subcategory as first recorded"),
        Column("product_module", T, "product module as first recorded"),
        Column("channel", T, "channel it came in by"),
        Column("inbox", T, "inbox it came in by"),
        Column("language", T, "language of the text"),
        Column("type", T, "question, incident, request …"),
        Column("priority_at_creation", T, "priority as first recorded"),
        Column("first_team_id", T, "first owner team in history"),
        Column("resolver_team_id", T, "team that resolved it"),
        Column("agent_id", T, "person who worked on it last, as of the snapshot"),
        Column("first_action_at", TS, "first action seen by the customer", "UTC"),
        Column("resolved_at", TS, "when it was resolved", "UTC"),
        Column("closed_at", TS, "when it was closed", "UTC"),
        Column("due_at", TS, "the vendor's own due time for resolving", "UTC"),
        Column("sla_met", B, "the vendor's own SLA flag"),
        Column("reassignment_count", I, "changes of team in history", "changes"),
        Column("handle_minutes", F, "touch time of the resolving team", "minutes"),
        Column("subject", T, "subject line"),
        Column("body", T, "text"),
        Column("status", T, "state as of the snapshot, in the vendor's words"),
        Column(
            "status_class",
            T,
            "state as of the snapshot: new, open, pending, hold, solved, closed, duplicate, transferred, merged, "
            "cancelled, deleted, spam",
        ),
        Column("merged_into_id", T, "ticket that this one was merged into"),
        Column("snapshot_at", TS, "when the export was taken", "UTC"),
        Column("source", T, "system it came from"),
        Column("custom", J, "columns of the source that have no canonical name"),
    ),
)
TICKET_EVENTS = Table(
    "ticket_events",
    "one row per event of a ticket, append-only",
    ("event_id",),
    (
        Column("event_id", T, "id of the event", required=True),
        Column("ticket_id", T, "ticket", required=True),
        Column("at", TS, "when it happened", "UTC", required=True),
        Column("seq", I, "order within one instant"),
        Column(
            "kind",
            T,
            "created, assigned, status, priority, field, reply, note, escalated, ack, rollback, "
            "rescind, override, dunning, handoff_note, reopened, resolved, closed, csat, merged, split, deleted, "
            "restored",
            required=True,
        ),
        Column("actor_type", T, "customer, agent, automation, system, api"),
        Column("actor_id", T, "who did it"),
        Column("team_id", T, "team of the actor, or team assigned to"),
        Column("field", T, "field changed"),
        Column("old_value", T, "value before"),
        Column("new_value", T, "value after"),
        Column("is_public", B, "seen by the customer"),
        Column("via", T, "rule, trigger, macro, web, api"),
        Column("rule_id", T, "rule that caused it"),
        Column("reverts_event_id", T, "event that it takes back"),
    ),
)
SLA_INSTANCES = Table(
    "sla_instances",
    "one row per ticket, metric and cycle, from the vendor",
    ("ticket_id", "metric", "cycle"),
    (
        Column("ticket_id", T, "ticket", required=True),
        Column(
            "metric",
            T,
            "first_action, acknowledge, resolve; next_reply, requester_wait, agent_work, periodic_update, or the "
            "vendor's own name where none of these is meant",
            required=True,
        ),
        Column("cycle", I, "1 for the first clock of its kind"),
        Column("policy", T, "the vendor's policy, milestone or SLA definition"),
        Column("business_hours", B, "counted in business hours"),
        Column("target_seconds", I, "promised time", "seconds"),
        Column("started_at", TS, "start of the clock", "UTC"),
        Column("due_at", TS, "due time", "UTC"),
        Column("fulfilled_at", TS, "when it was fulfilled", "UTC"),
        Column("breached_at", TS, "when it was breached", "UTC"),
        Column("paused_seconds", I, "time on hold", "seconds"),
        Column("elapsed_seconds", I, "time that counted, as the vendor says", "seconds"),
        Column("state", T, "met, breached, open, paused, cancelled (withdrawn or superseded), or the vendor's word"),
    ),
)
ACCOUNTS = Table(
    "accounts",
    "one row per account and validity span",
    ("account_id", "valid_from"),
    (
        Column("account_id", T, "account", required=True),
        Column("name", T, "name"),
        Column("domain", T, "mail domain; several as a|b"),
        Column("external_id", T, "its id in other systems, as this system knows it; several as a|b"),
        Column("parent_id", T, "parent account"),
        Column("tier", T, "account tier"),
        Column("region", T, "region"),
        Column("timezone", T, "IANA zone"),
        Column("owner_id", T, "account owner"),
        Column("churn_risk", F, "probability of leaving", "0..1"),
        *_validity(),
    ),
)
ACCOUNT_LINKS = Table(
    "account_links",
    "one row per identity of an account in another system",
    ("source", "source_id"),
    (
        Column("source", T, "system", required=True),
        Column("source_id", T, "id there", required=True),
        Column("account_id", T, "account", required=True),
        Column("method", T, "exact, domain, name, given, own (an id that another system uses for another account)"),
        Column("confidence", F, "confidence of the link", "0..1"),
    ),
)
CONTRACTS = Table(
    "contracts",
    "one row per contract and validity span",
    ("contract_id", "valid_from"),
    (
        Column("contract_id", T, "contract", required=True),
        Column("account_id", T, "account", required=True),
        Column("tier", T, "contract tier"),
        Column("starts_on", D, "first day"),
        Column("ends_on", D, "last day; renewal is due then"),
        Column("auto_renew", B, "renews by itself"),
        Column("notice_days", I, "notice period", "days"),
        Column("value_minor", I, "total value", "minor units"),
        Column("currency", T, "ISO 4217"),
        Column("status", T, "draft, active, ended"),
        *_validity(),
    ),
)
CONTRACT_CLAUSES = Table(
    "contract_clauses",
    "one row per contract, clause and validity span",
    ("contract_id", "clause_key", "valid_from"),
    (
        Column("contract_id", T, "contract", required=True),
        Column("account_id", T, "account"),
        Column("clause_key", T, "clause, e.g. legal_flag, service_credit_pct", required=True),
        Column("value", T, "value as text"),
        Column("value_num", F, "value as a number"),
        Column("unit", T, "unit of the number"),
        Column("extracted_by", T, "human, ai, import"),
        Column("confidence", F, "confidence of the extraction", "0..1"),
        *_validity(),
    ),
)
SUBSCRIPTIONS = Table(
    "subscriptions",
    "one row per subscription and validity span",
    ("subscription_id", "valid_from"),
    (
        Column("subscription_id", T, "subscription", required=True),
        Column("account_id", T, "account", required=True),
        Column("plan", T, "plan"),
        Column("status", T, "active, past_due, paused, canceled"),
        Column("quantity", I, "seats or units"),
        Column("mrr_minor", I, "monthly recurring revenue", "minor units a month"),
        Column("currency", T, "ISO 4217"),
        Column("started_at", TS, "start", "UTC"),
        Column("ended_at", TS, "end", "UTC"),
        *_validity(),
    ),
)
INVOICES = Table(
    "invoices",
    "one row per invoice; its dates tell its state at any time",
    ("invoice_id",),
    (
        Column("invoice_id", T, "invoice", required=True),
        Column("account_id", T, "account", required=True),
        Column("issued_at", TS, "issued", "UTC", required=True),
        Column("due_at", TS, "due", "UTC"),
        Column("total_minor", I, "amount", "minor units"),
        Column("currency", T, "ISO 4217"),
        Column("paid_at", TS, "paid in full", "UTC"),
        Column("status", T, "open, paid, void, uncollectible"),
        Column("recognised_at", TS, "revenue recognised", "UTC"),
        Column("disputed_at", TS, "dispute opened", "UTC"),
        Column("dispute_closed_at", TS, "dispute closed", "UTC"),
    ),
)


def _payment(name: str, key: str, what: str) -> Table:
    return Table(
        name,
        f"one row per {what}",
        (key,),
        (
            Column(key, T, what, required=True),
            Column("account_id", T, "account"),
            Column("ticket_id", T, "ticket it belongs to"),
            Column("invoice_id", T, "invoice"),
            Column("amount_minor", I, "amount", "minor units"),
            Column("currency", T, "ISO 4217"),
            Column("issued_at", TS, "issued", "UTC", required=True),
            Column("team_id", T, "team that issued it"),
        ),
    )


REFUNDS = _payment("refunds", "refund_id", "refund")
CREDITS = _payment("credits", "credit_id", "credit")
OPPORTUNITIES = Table(
    "opportunities",
    "one row per opportunity and validity span",
    ("opportunity_id", "valid_from"),
    (
        Column("opportunity_id", T, "opportunity", required=True),
        Column("account_id", T, "account", required=True),
        Column("kind", T, "new, expansion, renewal"),
        Column("stage", T, "stage"),
        Column("amount_minor", I, "amount", "minor units"),
        Column("currency", T, "ISO 4217"),
        Column("close_date", D, "expected close"),
        Column("is_won", B, "won"),
        Column("is_closed", B, "closed"),
        *_validity(),
    ),
)
ENRICHMENT_LOG = Table(
    "enrichment_log",
    "one row per lookup of a fact for a ticket",
    ("ticket_id", "field", "source", "looked_up_at"),
    (
        Column("ticket_id", T, "ticket", required=True),
        Column("field", T, "context column looked up", required=True),
        Column("source", T, "system asked", required=True),
        Column("value", T, "value returned, as text"),
        Column("status", T, "hit, miss, error, stale", required=True),
        Column("looked_up_at", TS, "when it was asked", "UTC", required=True),
        Column("value_as_of", TS, "when the value was last true in the source", "UTC"),
    ),
)
LABELS = Table(
    "labels",
    "one row per adjudicated value of a ticket",
    ("ticket_id", "field", "labelled_by"),
    (
        Column("ticket_id", T, "ticket", required=True),
        Column("field", T, "context column, or truth_team", required=True),
        Column("value", T, "true value as text; several acceptable teams as team1|team2", required=True),
        Column("labelled_by", T, "who said so"),
        Column("labelled_at", TS, "when", "UTC"),
    ),
)
CANONICAL: dict[str, Table] = {
    table.name: table
    for table in (
        SIGNALS,
        TICKETS,
        TICKET_EVENTS,
        SLA_INSTANCES,
        ACCOUNTS,
        ACCOUNT_LINKS,
        CONTRACTS,
        CONTRACT_CLAUSES,
        SUBSCRIPTIONS,
        INVOICES,
        REFUNDS,
        CREDITS,
        OPPORTUNITIES,
        ENRICHMENT_LOG,
        LABELS,
    )
}
DATED = frozenset(name for name, table in CANONICAL.items() if table.column("valid_from") is not None)
