"""The synthetic desk: an export with known truth, as large as asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import numpy as np
import polars as pl

from triage_lab.domain.desk import Operations
from triage_lab.domain.errors import ConfigError
from triage_lab.replay.synthetic.accounts import Customers, draw_customers
from triage_lab.replay.synthetic.dimensions import account_ids, dimension_tables
from triage_lab.replay.synthetic.events import CLOSES_AFTER, event_table
from triage_lab.replay.synthetic.expectations import expected_findings, planted_parameters
from triage_lab.replay.synthetic.facts import NO_ACCOUNT, facts_at
from triage_lab.replay.synthetic.faults import plant_faults
from triage_lab.replay.synthetic.frames import Cells, canonical, masked, numbered, times, words
from triage_lab.replay.synthetic.history import PlayedHistory, draw_handle_seconds, history_frame, play_history
from triage_lab.replay.synthetic.inflow import Inflow, draw_inflow
from triage_lab.replay.synthetic.lookups import (
    UNKNOWN,
    Enrichment,
    LabelPlan,
    draw_enrichment,
    draw_labels,
    enrichment_table,
    label_table,
    value_text,
)
from triage_lab.replay.synthetic.parameters import (
    CATEGORIES,
    CHANNELS,
    DAY,
    FAR,
    LAB_CURRENCY,
    LAB_ZONE,
    LANGUAGES,
    MAIL_INBOX,
    MODULES,
    MRR_HIGH_MINOR,
    MRR_MID_MINOR,
    PRIORITIES,
    RATES,
    REGIONS,
    SUBJECTS,
    TEAMS,
    TIERS,
    TYPES,
    WINDOW_END,
    WINDOW_START,
)
from triage_lab.replay.synthetic.roster import check_size
from triage_lab.replay.synthetic.routing import Routing, draw_routing
from triage_lab.replay.synthetic.seasons import local_days
from triage_lab.replay.synthetic.streams import Bools, Ints, chance, open_streams
from triage_lab.replay.synthetic.surroundings import payment_tables, signal_table, sla_instance_table
from triage_lab.replay.synthetic.texts import compose_texts

VENDOR_PROMISE = 5 * DAY  # the vendor's resolve promise where no target of the desk applies
Streams = dict[str, np.random.Generator]


@dataclass(frozen=True, slots=True)
class Desk:
    """A synthetic export and everything that is true about it.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Canonical tables with canonical names, order and types; timestamps are UTC without zone.
    truth : mapping of str to polars.DataFrame
        ``tickets`` (true, planned, first and resolving team, true touch time), ``waits`` (as played), ``enrichment``
        (true value of every field), ``duplicates`` and ``faults``; row order is that of arrival.
    parameters : mapping
        What was planted.
    expected : mapping
        What was realised, and a good tool must find.
    tickets, seed : int
        Arguments that made it.
    faults : float
        Fault rate that made it.
    """

    tables: Mapping[str, pl.DataFrame]
    truth: Mapping[str, pl.DataFrame]
    parameters: Mapping[str, object]
    expected: Mapping[str, object]
    tickets: int
    seed: int
    faults: float


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Everything that was drawn before history is played."""

    ids: pl.Series
    customers: Customers
    inflow: Inflow
    routing: Routing
    handle: Ints
    enrichment: Enrichment
    labels: LabelPlan
    acceptable: pl.Series


def generate_desk(*, tickets: int = 20_000, seed: int = 20261123, faults: float = 0.0, operations: Operations) -> Desk:
    """Generate a synthetic support desk with known truth.

    Parameters
    ----------
    tickets : int
        Tickets in the 90 days from 2026-08-03 to 2026-11-01 (UTC), 100 to 2,000,000.
    seed : int
        Equal arguments give equal bytes.
    faults : float
        0 (clean) to 1: how many rows are spoiled, see ``truth["faults"]``.
    operations : Operations
        The desk that plays history, as it stands: for another number of tickets than 20,000 pass
        ``scaled_operations(operations, tickets)``.

    Returns
    -------
    Desk
        Tables, truth, planted parameters and expected findings.

    Raises
    ------
    UsageError
        ``tickets`` or ``faults`` is out of range.
    ConfigError
        A team of today's routing is missing from the desk, or an SLA match cannot be played.

    Notes
    -----
    History is played by the same kernel that replays it: replaying ``history`` with the recorded owners and
    handle times reproduces every ``started_at`` exactly, once the tickets that were open at the end have their true
    handle time and resolver, which only ``truth`` holds.
    """
    check_size(tickets)
    _check_teams(operations)
    streams = open_streams(seed)
    drawn = _draw(streams, tickets, operations)
    past = play_history(operations, _history(drawn), _matchable(drawn), seed)
    clean = _tables(streams, drawn, past, operations)
    tables, listed = plant_faults(streams["faults"], clean, faults)
    return Desk(
        tables=tables,
        truth=_truth(drawn, past) | {"faults": listed},
        parameters=planted_parameters(tickets, seed, faults),
        expected=expected_findings(drawn.inflow, drawn.routing, drawn.enrichment, drawn.labels, past, listed),
        tickets=tickets,
        seed=seed,
        faults=faults,
    )


def _check_teams(operations: Operations) -> None:
    """Every team that the synthetic routing knows must be on the desk."""
    missing = [team for team in TEAMS if team not in operations.teams]
    if missing:
        raise ConfigError(
            f"the desk has no team {', '.join(missing)}",
            "the teams " + ", ".join(TEAMS),
            "use the operations.yaml that `demo` writes",
            missing=missing,
        )


def _dollar_rate(operations: Operations) -> Fraction | None:
    """Lab currency per dollar from the window's start on; None without such a rate."""
    first_day = date.fromordinal(date(1970, 1, 1).toordinal() + WINDOW_START // DAY)
    rates = [rate for rate in operations.fx if rate.source == "USD" and rate.target == LAB_CURRENCY]
    in_force = [rate for rate in rates if rate.valid_from <= first_day]
    return Fraction(max(in_force, key=lambda rate: rate.valid_from).rate) if in_force else None


def _draw(streams: Streams, tickets: int, operations: Operations) -> _Drawn:
    """Draw customers, tickets, owners, touch times, look-ups and labels."""
    customers = draw_customers(streams, max(12, tickets // RATES.tickets_per_account), _dollar_rate(operations))
    inflow = draw_inflow(streams, customers, tickets)
    facts = facts_at(customers, inflow.account, inflow.arrived_at)
    moved_to = np.isin(TEAMS, [window.to for window in operations.escalation])
    days = local_days(inflow.arrived_at, LAB_ZONE)
    routing = draw_routing(streams["routing"], inflow, facts, days, moved_to)
    truth, resolver = words(TEAMS, routing.truth), words(TEAMS, routing.resolver)
    both = pl.Series(routing.truth != routing.resolver)
    return _Drawn(
        ids=numbered("T-", np.arange(tickets) + 1, 7),
        customers=customers,
        inflow=inflow,
        routing=routing,
        handle=draw_handle_seconds(streams["handle"], routing.resolver, inflow.category),
        enrichment=draw_enrichment(streams["lookups"], customers, inflow.account, inflow.arrived_at),
        labels=draw_labels(streams["labels"], inflow.account),
        # A reviewer accepts the true team, and also another one that solved the ticket all the same.
        acceptable=(truth + "|" + resolver).zip_with(both, truth),
    )


def _history(drawn: _Drawn) -> pl.DataFrame:
    """Frame "history" with the true resolver and touch time of every ticket."""
    labelled = drawn.acceptable.str.split("|")
    columns = {
        "ticket_id": drawn.ids,
        "category": words(CATEGORIES, drawn.inflow.category),
        "first_team_id": words(TEAMS, drawn.routing.first),
        "resolver_team_id": words(TEAMS, drawn.routing.resolver),
        "truth_teams": masked(labelled, ~drawn.labels.truth),
        "handle_minutes": pl.Series(drawn.handle / 60.0),
        "priority_at_creation": words(PRIORITIES, drawn.inflow.priority),
    }
    return history_frame(drawn.inflow, columns)


def _inboxes(inflow: Inflow) -> pl.Series:
    """Entrance of each ticket: a mailbox by category, else the channel; webhooks come in by the portal."""
    by_mail = [MAIL_INBOX.get(category, "support-mail") for category in CATEGORIES]
    others = {"chat": "chat", "phone": "phone", "portal": "portal", "webhook": "portal"}
    table = [by_mail if channel == "email" else [others[channel]] * len(CATEGORIES) for channel in CHANNELS]
    flat = [name for row in table for name in row]
    return words(flat, inflow.channel * len(CATEGORIES) + inflow.category)


def _matchable(drawn: _Drawn) -> dict[str, pl.Series]:
    """Context columns that targets and windows may match, with what decisions saw (NULL where nothing answered)."""
    inflow, seen = drawn.inflow, drawn.enrichment.seen
    unknown = inflow.account == NO_ACCOUNT
    level = np.searchsorted((MRR_MID_MINOR, MRR_HIGH_MINOR), seen["mrr"], side="right")
    tier = np.maximum(seen["contract_tier"], 0)
    return {
        "mrr_tier": masked(words(("low", "mid", "high"), level), seen["mrr"] == UNKNOWN),
        "contract_tier": masked(words(TIERS, tier), seen["contract_tier"] == UNKNOWN),
        "region": masked(words(REGIONS, inflow.region), unknown),
        "category": words(CATEGORIES, inflow.category),
        "subcategory": words([subject.name for subject in SUBJECTS], inflow.subject),
        "channel": words(CHANNELS, inflow.channel),
        "inbox": _inboxes(inflow),
        "language": words(LANGUAGES, inflow.language),
        "product_module": words(MODULES, inflow.module),
        "type": words(TYPES, inflow.type),
        "priority_at_creation": words(PRIORITIES, inflow.priority),
    }


def _instants(past: PlayedHistory, column: str) -> Ints:
    """A time column of the records as seconds, FAR where it did not happen."""
    return past.records[column].fill_null(FAR).to_numpy().astype(np.int64)


def _tables(streams: Streams, drawn: _Drawn, past: PlayedHistory, operations: Operations) -> dict[str, pl.DataFrame]:
    """The clean export."""
    inflow, ids = drawn.inflow, drawn.ids
    resolved_at = _instants(past, "resolved_at")
    acted_at = _instants(past, "first_human_action_at")
    tickets = _tickets(streams, drawn, past, resolved_at)
    log = pl.DataFrame({"ticket_id": ids, "arrived_at": inflow.arrived_at, "resolved_at": past.records["resolved_at"]})
    stops = {"first_action": acted_at, "acknowledge": acted_at, "resolve": resolved_at}
    return {
        "tickets": tickets,
        "ticket_events": event_table(past.steps, log, operations, tickets["channel"]),
        "signals": signal_table(streams["signals"], inflow, ids, tickets["inbox"]),
        "sla_instances": sla_instance_table(past.sla_states, operations, ids, inflow.arrived_at, stops),
        "enrichment_log": enrichment_table(drawn.enrichment, ids, inflow.arrived_at),
        "labels": label_table(
            streams["labels"], drawn.labels, drawn.acceptable, drawn.enrichment, ids, inflow.arrived_at
        ),
        **payment_tables(streams["payments"], inflow, ids, drawn.routing.resolver, resolved_at),
        **dimension_tables(drawn.customers, streams["contracts"]),
    }


def _tickets(streams: Streams, drawn: _Drawn, past: PlayedHistory, resolved_at: Ints) -> pl.DataFrame:
    """Tickets as of the snapshot: outcomes are known only where they happened before it."""
    inflow, records = drawn.inflow, past.records
    is_open = resolved_at >= FAR
    unowned = records["owned_at"].is_null()
    closed_at = np.where(resolved_at + CLOSES_AFTER <= WINDOW_END, resolved_at + CLOSES_AFTER, FAR)
    due_at = _vendor_due(past, inflow.arrived_at)
    subject, body = compose_texts(streams["texts"], inflow)
    unknown = inflow.account == NO_ACCOUNT
    columns: dict[str, Cells] = dict(_matchable(drawn))
    columns = {name: columns[name] for name in columns if name not in {"mrr_tier", "contract_tier", "region"}}
    columns |= {
        "ticket_id": drawn.ids,
        "created_at": times(inflow.arrived_at),
        "account_id": masked(account_ids(np.maximum(inflow.account, 0)), unknown),
        "first_team_id": masked(words(TEAMS, drawn.routing.first), unowned),
        "resolver_team_id": masked(words(TEAMS, drawn.routing.resolver), is_open),
        "first_action_at": times(_instants(past, "first_action_at")),
        "resolved_at": times(resolved_at),
        "closed_at": times(closed_at),
        "due_at": times(due_at),
        "sla_met": _vendor_flag(streams["vendor"], resolved_at, due_at),
        "reassignment_count": records["handoffs"],
        "handle_minutes": masked(pl.Series(drawn.handle / 60.0), is_open),
        "subject": subject,
        "body": body,
        "snapshot_at": times(np.full(len(inflow), WINDOW_END)),
        "source": "helpdesk",
    }
    return canonical("tickets", columns, len(inflow))


def _vendor_due(past: PlayedHistory, arrived_at: Ints) -> Ints:
    """The resolve target's due time, or five days where no target applies."""
    due = arrived_at + VENDOR_PROMISE
    promised = past.sla_states.filter((pl.col("sla_metric") == "resolve") & pl.col("due_at").is_not_null())
    due[promised["row"].to_numpy()] = promised["due_at"].to_numpy()
    return due


def _vendor_flag(rng: np.random.Generator, resolved_at: Ints, due_at: Ints) -> pl.Series:
    """The vendor's opinion, NULL while undecided; about one in a hundred disagrees with the times."""
    met: Bools = (resolved_at <= due_at) ^ chance(rng, RATES.vendor_disagrees, len(due_at))
    return masked(pl.Series(met), (resolved_at >= FAR) & (due_at > WINDOW_END))


def _truth(drawn: _Drawn, past: PlayedHistory) -> dict[str, pl.DataFrame]:
    """What only the generator knows."""
    routing, inflow = drawn.routing, drawn.inflow
    repeats = np.flatnonzero(inflow.original >= 0).astype(np.uint32)
    originals = inflow.original[repeats].astype(np.uint32)
    tickets = pl.DataFrame(
        {
            "ticket_id": drawn.ids,
            "truth_team": words(TEAMS, routing.truth),
            "planned_team": words(TEAMS, routing.planned),
            "first_team": words(TEAMS, routing.first),
            "resolver_team": words(TEAMS, routing.resolver),
            "handle_minutes": drawn.handle / 60.0,
        }
    )
    known = {field: value_text(field, values) for field, values in drawn.enrichment.truth.items()}
    waits = past.records.select("owned_at", "started_at", "resolved_at", "wait_minutes", "handoffs", "escalations")
    return {
        "tickets": tickets,
        "waits": waits.insert_column(0, drawn.ids.rename("ticket_id")),
        "enrichment": pl.DataFrame({"ticket_id": drawn.ids, **known}),
        "duplicates": pl.DataFrame(
            {"ticket_id": drawn.ids.gather(pl.Series(repeats)), "duplicate_of": drawn.ids.gather(pl.Series(originals))}
        ),
    }
