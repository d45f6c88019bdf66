"""The help desk's export: tickets as of today, and every change of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.parameters import CATEGORIES, PRIORITIES, WINDOW_END
from triage_lab.replay.synthetic.streams import chance, pick
from triage_lab.replay.synthetic.vendor import people
from triage_lab.replay.synthetic.vendor.identity import Book, View
from triage_lab.replay.synthetic.vendor.metric_events import metric_events
from triage_lab.replay.synthetic.vendor.people import SYSTEM, Staff

BLOCK = 100_000  # tickets in one part of the large tables
CHANNELS = {"email": "email", "chat": "chat", "phone": "voice", "portal": "web", "webhook": "api"}
TYPES = {"question": "question", "incident": "incident", "request": "task"}
RAISED, REFILED, FOLLOWED = 0.08, 0.06, 0.12  # shares: priority raised later, category corrected, customer wrote again
WITHDRAWN, DOUBLED = 0.02, 0.01  # shares of tickets: a breach taken back, the log of its clocks loaded twice
MAIL_HOST = "helpdesk.example"


@dataclass(frozen=True, slots=True)
class HelpDesk:
    """All that the tables are written from.

    ``plan`` has one row per ticket: ticket_id, account (number), writer, language (code), and what was drawn
    (raised, refiled, followed, withdrawn).
    """

    tables: Mapping[str, pl.DataFrame]
    staff: Staff
    plan: pl.DataFrame
    view: View
    book: Book


def ticket_ids(ids: pl.Series) -> pl.Series:
    """Return the help desk's ticket numbers, as text: of eight digits, in the order of arrival."""
    return ids.str.replace("T-", "1", literal=True)


def help_desk(rng: np.random.Generator, tables: Mapping[str, pl.DataFrame], book: Book, view: View) -> HelpDesk:
    """Draw what the export has beyond the desk's own facts.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of the system.
    tables : mapping of str to polars.DataFrame
        Canonical tables.
    book, view
        All customers, and those of the help desk.
    """
    tickets = tables["tickets"].unique("ticket_id", keep="first", maintain_order=True)
    count = len(tickets)
    account = book.numbers_of(tickets["account_id"])
    language = people.languages_of(tickets["language"])
    number = tickets["ticket_id"].str.slice(2).cast(pl.Int64).to_numpy()
    which = pick(rng, (0.7, 0.3), count)
    plan = pl.DataFrame(
        {
            "ticket_id": tickets["ticket_id"],
            "account": account,
            "writer": people.writer_numbers(account, language, which, number),
            "language": language,
            "raised": chance(rng, RAISED, count),
            "refiled": chance(rng, REFILED, count),
            "followed": chance(rng, FOLLOWED, count),
            "withdrawn": chance(rng, WITHDRAWN, count),
            "doubled": chance(rng, DOUBLED, count),
        }
    )
    return HelpDesk(tables, people.staff_of(tables["ticket_events"]), plan, view, book)


def small_tables(desk: HelpDesk) -> dict[str, pl.DataFrame]:
    """Return organization, group and user."""
    writers = desk.plan.select("writer", "account", "language").unique("writer", maintain_order=True)
    return {
        "organization": people.organization_table(desk.book, desk.view),
        "group": people.group_table(desk.staff),
        "user": people.user_table(desk.staff, writers, desk.book, desk.view),
    }


def large_tables(desk: HelpDesk) -> Iterator[dict[str, pl.DataFrame]]:
    """Yield ticket, ticket_field_history, ticket_comment and ticket_metric_event, ``BLOCK`` tickets at a time."""
    for start in range(0, len(desk.plan), BLOCK):
        plan = desk.plan.slice(start, BLOCK)
        yield _tables_of(desk, plan)


def _tables_of(desk: HelpDesk, plan: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The large tables of some tickets."""
    own = {
        name: desk.tables[name].join(plan, on="ticket_id", how="inner", maintain_order="left")
        for name in ("tickets", "ticket_events", "sla_instances")
    }
    tickets = own["tickets"].with_columns(
        id=ticket_ids(own["tickets"]["ticket_id"]).cast(pl.Int64),
        requester_id=people.user_ids(own["tickets"]["writer"].to_numpy()),
    )
    first = tickets.unique("ticket_id", keep="first", maintain_order=True)
    resolved = first.select("ticket_id", told_resolved_at="resolved_at")
    events = (
        own["ticket_events"]
        .join(resolved, on="ticket_id", how="left", maintain_order="left")
        .with_columns(id=ticket_ids(own["ticket_events"]["ticket_id"]).cast(pl.Int64))
    )
    log = field_history(first, events, desk.staff)
    return {
        "ticket": _tickets(tickets, log, desk),
        "ticket_field_history": log.select("ticket_id", "field_name", "updated", "value", "user_id"),
        "ticket_comment": comments(first, events, desk.staff),
        "ticket_metric_event": metric_events(own["sla_instances"]),
    }


def field_history(tickets: pl.DataFrame, events: pl.DataFrame, staff: Staff) -> pl.DataFrame:
    """Return what was recorded of the fields: ticket_id, field_name, updated, value, user_id; by ticket and time.

    Parameters
    ----------
    tickets, events : polars.DataFrame
        Canonical rows with the help desk's ``id`` and the draws.
    staff : Staff
    """
    happened = events.with_columns(
        # a resolution that the ticket dates before its own log was recorded then
        updated=pl.when(pl.col("kind") == "resolved").then(pl.min_horizontal("at", "told_resolved_at")).otherwise("at"),
        user_id=pl.when(pl.col("actor_type") == "agent").then(staff.user_of(pl.col("actor_id"))).otherwise(SYSTEM),
        ticket_id=pl.col("id"),
    )
    parts = [
        _begun(tickets),
        _moved(happened, staff),
        _assignees(happened),
        _states(happened),
        _corrections(tickets, happened),
    ]
    rows = pl.concat([part.select("ticket_id", "field_name", "updated", "value", "user_id", "seq") for part in parts])
    return rows.sort("ticket_id", "seq", "field_name", maintain_order=True)


def _begun(tickets: pl.DataFrame) -> pl.DataFrame:
    """Values that the customer's form filled in."""
    fields = {
        "status": pl.lit("new"),
        "priority": pl.col("priority_at_creation"),
        "type": pl.col("type").replace(TYPES),
        "custom_category": pl.col("category"),
        "custom_subcategory": pl.col("subcategory"),
        "custom_product_module": pl.col("product_module"),
    }
    return pl.concat(
        [
            tickets.select(
                ticket_id="id", field_name=pl.lit(name), updated="created_at", value=value, user_id="requester_id",
                seq=pl.lit(-1, dtype=pl.Int64),
            )
            for name, value in fields.items()
        ]
    )  # fmt: skip


def _moved(happened: pl.DataFrame, staff: Staff) -> pl.DataFrame:
    """Groups: set by a trigger at first, by an agent at a handoff, by an automation at an escalation; and its tag."""
    moves = happened.filter(pl.col("kind").is_in(["assigned", "escalated"])).with_columns(
        before=pl.col("team_id").shift(1).over("ticket_id")
    )
    groups = moves.filter(~pl.col("team_id").eq_missing(pl.col("before"))).with_columns(
        field_name=pl.lit("group_id"), value=staff.group_of(pl.col("team_id"))
    )
    tags = moves.filter(pl.col("kind") == "escalated").with_columns(
        field_name=pl.lit("tags"),
        value=pl.lit("escalated ") + pl.col("rule_id").str.replace_all("-", "_", literal=True),
    )
    columns = ("ticket_id", "field_name", "updated", "value", "user_id", "seq")
    return pl.concat([groups.select(columns), tags.select(columns)])


def _assignees(happened: pl.DataFrame) -> pl.DataFrame:
    """Assignees: who answers, nobody after a handoff, who solves."""
    handed = (pl.col("kind") == "assigned") & (pl.col("actor_type") == "agent")
    acts = happened.filter(pl.col("kind").is_in(["reply", "resolved"]) | handed)
    acts = acts.with_columns(value=pl.when(pl.col("kind") != "assigned").then(pl.col("user_id").cast(pl.String)))
    acts = acts.with_columns(before=pl.col("value").shift(1).over("ticket_id"))
    return acts.filter(~pl.col("value").eq_missing(pl.col("before"))).with_columns(field_name=pl.lit("assignee_id"))


def _states(happened: pl.DataFrame) -> pl.DataFrame:
    """Status: open from the first answer on, solved, and closed by an automation."""
    words = {"reply": "open", "resolved": "solved", "closed": "closed"}
    acts = happened.filter(pl.col("kind").is_in(list(words)))
    return acts.with_columns(field_name=pl.lit("status"), value=pl.col("kind").replace_strict(words))


def _corrections(tickets: pl.DataFrame, happened: pl.DataFrame) -> pl.DataFrame:
    """What agents changed later: priorities raised with the first answer, categories corrected on solving."""
    filed = tickets.select("ticket_id", "priority_at_creation", "category", ticket="id")
    acts = happened.drop("ticket_id").join(filed, left_on="id", right_on="ticket", how="left", maintain_order="left")
    higher = {name: PRIORITIES[max(place - 1, 0)] for place, name in enumerate(PRIORITIES)}
    other = {name: CATEGORIES[(place + 1) % len(CATEGORIES)] for place, name in enumerate(CATEGORIES)}
    raised = acts.filter((pl.col("kind") == "reply") & pl.col("raised")).with_columns(
        field_name=pl.lit("priority"),
        now=pl.col("priority_at_creation"),
        value=pl.col("priority_at_creation").replace(higher),
    )
    refiled = acts.filter((pl.col("kind") == "resolved") & pl.col("refiled")).with_columns(
        field_name=pl.lit("custom_category"), now=pl.col("category"), value=pl.col("category").replace(other)
    )
    both = pl.concat([raised, refiled]).filter(pl.col("value") != pl.col("now"))
    return both.with_columns(ticket_id=pl.col("id"))


def _tickets(tickets: pl.DataFrame, log: pl.DataFrame, desk: HelpDesk) -> pl.DataFrame:
    """Tickets as of the export."""
    final = log.group_by("ticket_id", "field_name").agg(pl.col("value").last())
    final = final.pivot("field_name", index="ticket_id", values="value")
    shown = ("status", "priority", "custom_category", "group_id", "assignee_id", "tags")
    missing = [pl.lit(None, dtype=pl.String).alias(name) for name in shown if name not in final.columns]
    final = final.with_columns(missing).select("ticket_id", *(pl.col(name).alias(f"{name}_now") for name in shown))
    changed = log.group_by("ticket_id").agg(updated_at=pl.col("updated").max())
    rows = tickets.join(final, left_on="id", right_on="ticket_id", how="left", maintain_order="left")
    rows = rows.join(changed, left_on="id", right_on="ticket_id", how="left", maintain_order="left")
    mailed = pl.col("channel") == "email"
    organization = desk.view.id_of(rows["account"].to_numpy()).cast(pl.Int64)
    # an account that no system knows still has an id on the ticket
    orphan = rows["account_id"].str.extract(r"^A-X(\d+)$").cast(pl.Int64) + 999_000_000_000
    return rows.select(
        "id",
        "created_at",
        "updated_at",
        "subject",
        "requester_id",
        description="body",
        status="status_now",
        priority="priority_now",
        type=pl.col("type").replace(TYPES),
        submitter_id="requester_id",
        assignee_id=pl.col("assignee_id_now").cast(pl.Int64),
        group_id=pl.col("group_id_now").cast(pl.Int64),
        organization_id=pl.coalesce(organization, orphan),
        via_channel=pl.col("channel").replace(CHANNELS),
        # what writes by the API names its own record
        external_id=pl.when(pl.col("channel") == "webhook").then(pl.lit("K-") + pl.col("id").cast(pl.String)),
        recipient=pl.when(mailed).then(pl.col("inbox") + f"@{MAIL_HOST}"),
        tags=pl.lit('["') + pl.col("tags_now").str.replace_all(" ", '","', literal=True) + pl.lit('"]'),
        is_public=pl.lit(True),
        has_incidents=pl.lit(False),
        allow_channelback=pl.lit(False),
        custom_category="custom_category_now",
        custom_subcategory="subcategory",
        custom_product_module="product_module",
        custom_total_time_spent_sec=(pl.col("handle_minutes") * 60).round().cast(pl.Int64),
        _fivetran_deleted=pl.lit(False),
        _fivetran_synced=pl.lit(WINDOW_END * 1_000_000).cast(pl.Datetime("us")),
    ).with_columns(pl.col("tags").fill_null("[]"))


def comments(tickets: pl.DataFrame, events: pl.DataFrame, staff: Staff) -> pl.DataFrame:
    """Return the conversation: opening, first answer, notes at handoffs, a second message of some, the last answer."""
    spoken = events.with_columns(user_id=staff.user_of(pl.col("actor_id")), ticket_id=pl.col("id"))
    handed = (pl.col("kind") == "assigned") & (pl.col("actor_type") == "agent")
    empty = pl.lit(None, dtype=pl.Int64)
    opening = tickets.select(
        ticket_id="id",
        created="created_at",
        user_id="requester_id",
        body="body",
        public=pl.lit(True),
        seq=empty.fill_null(-1),
        voice_comment=pl.col("channel") == "phone",
    )
    said = {
        "reply": "Thanks for writing. I am looking into it and will be back shortly.",
        "resolved": "This is done now. Please write again if anything is still open.",
    }
    kinds = spoken.filter(pl.col("kind").is_in(list(said)) | handed)
    public = pl.col("kind") != "assigned"
    answers = kinds.select(
        "ticket_id",
        "user_id",
        "seq",
        created=pl.when(pl.col("kind") == "resolved").then(pl.min_horizontal("at", "told_resolved_at")).otherwise("at"),
        body=pl.when(public)
        .then(pl.col("kind").replace_strict(said, default=None, return_dtype=pl.String))
        .otherwise(
            pl.lit("Not ours: this belongs to ") + pl.col("team_id") + pl.lit(". What I found out is in the fields.")
        ),
        public=public,
        voice_comment=pl.lit(False),
    )
    columns = ("ticket_id", "created", "user_id", "body", "public", "voice_comment", "seq")
    rows = pl.concat([part.select(columns) for part in (opening, answers, _second_messages(tickets, spoken))])
    rows = rows.sort("ticket_id", "created", "seq", maintain_order=True)
    place = pl.int_range(pl.len()).over("ticket_id")
    return rows.select(
        "ticket_id", "created", "user_id", "body", "public", "voice_comment",
        id=(pl.col("ticket_id") * 64 + place) + 500_000_000_000,
        facebook_comment=pl.lit(False),
        tweet=pl.lit(False),
    )  # fmt: skip


def _second_messages(tickets: pl.DataFrame, spoken: pl.DataFrame) -> pl.DataFrame:
    """Some customers write again between the first answer and the solution."""
    answered = spoken.filter((pl.col("kind") == "reply") & pl.col("followed")).select("ticket_id", answered_at="at")
    rows = answered.join(tickets, left_on="ticket_id", right_on="id", how="inner", maintain_order="left")
    until = pl.col("resolved_at").fill_null(pl.lit(WINDOW_END * 1_000_000).cast(pl.Datetime("us")))
    middle = pl.col("answered_at") + (until - pl.col("answered_at")) / 2
    return rows.filter(until > pl.col("answered_at")).select(
        "ticket_id",
        created=middle.dt.truncate("1s"),
        user_id="requester_id",
        body=pl.lit("Any news? I can send more detail if that helps."),
        public=pl.lit(True),
        voice_comment=pl.lit(False),
        seq=pl.lit(10_000, dtype=pl.Int64),
    )
