"""What surrounds the tickets in an export: signals, refunds and credits, and the vendor's own SLA clocks."""

from __future__ import annotations

import numpy as np
import polars as pl

from triage_lab.domain.desk import ALWAYS, Operations
from triage_lab.replay.synthetic.dimensions import account_ids
from triage_lab.replay.synthetic.facts import NO_ACCOUNT
from triage_lab.replay.synthetic.frames import Cells, canonical, numbered, times, words
from triage_lab.replay.synthetic.inflow import Inflow
from triage_lab.replay.synthetic.parameters import CHANNELS, FAR, RATES, SUBJECTS, TEAMS, WINDOW_END
from triage_lab.replay.synthetic.streams import Ints, between, chance

_KINDS = ("message", "message", "call", "message", "webhook")  # by CHANNELS
_SYSTEMS = ("helpdesk", "helpdesk", "telephony", "helpdesk", "monitoring")
_REFUNDED = {"refund": 0.55, "dispute": 0.15}
_CREDITED = {"dispute": 0.2, "outage": 0.12}
_FOREIGN_TEAM = 0.08  # refunds and credits that another team than the resolver issued


def signal_table(rng: np.random.Generator, inflow: Inflow, ids: pl.Series, inbox: pl.Series) -> pl.DataFrame:
    """Return one signal per ticket, and a second delivery of the same signal for a few."""
    count = len(inflow)
    again = np.flatnonzero(chance(rng, RATES.duplicate_deliveries, count))
    row = np.concatenate([np.arange(count), again])
    delivery = np.concatenate([np.zeros(count, dtype=np.int64), np.ones(len(again), dtype=np.int64)])
    late = np.concatenate([np.zeros(count, dtype=np.int64), between(rng, 1, 120, len(again))])
    order = np.lexsort((delivery, row))
    row, delivery, late = row[order], delivery[order], late[order]
    place = pl.Series(row.astype(np.uint32))
    number = ids.gather(place).str.slice(1)
    first = "G" + number + "-1"
    columns: dict[str, Cells] = {
        "signal_id": "G" + number + words(("-1", "-2"), delivery),
        "source": words(_SYSTEMS, inflow.channel[row]),
        "channel": words(CHANNELS, inflow.channel[row]),
        "inbox": inbox.gather(place),
        "kind": words(_KINDS, inflow.channel[row]),
        "received_at": times(np.minimum(inflow.arrived_at[row] + late, WINDOW_END)),
        "dedup_key": "K" + number,
        "ticket_id": ids.gather(place),
        "duplicate_of": first.zip_with(
            pl.Series(delivery == 1), pl.Series([None], dtype=pl.String).new_from_index(0, len(row))
        ),
    }
    return canonical("signals", columns, len(row))


def payment_tables(
    rng: np.random.Generator, inflow: Inflow, ids: pl.Series, resolver: Ints, resolved_at: Ints
) -> dict[str, pl.DataFrame]:
    """Return refunds and credits, issued when a ticket was resolved, some by a team that did not own it."""
    tables = {}
    for name, key, prefix, shares in (
        ("refunds", "refund_id", "R-", _REFUNDED),
        ("credits", "credit_id", "D-", _CREDITED),
    ):
        share = np.array([shares.get(subject.name, 0.0) for subject in SUBJECTS])[inflow.subject]
        granted = chance(rng, share, len(inflow)) & (resolved_at < FAR) & (inflow.account != NO_ACCOUNT)
        row = np.flatnonzero(granted)
        foreign = chance(rng, _FOREIGN_TEAM, len(row))
        team = np.where(foreign, (resolver[row] + 1) % len(TEAMS), resolver[row])
        columns: dict[str, Cells] = {
            key: numbered(prefix, np.arange(len(row)) + 1, 6),
            "account_id": account_ids(inflow.account[row]),
            "ticket_id": ids.gather(pl.Series(row.astype(np.uint32))),
            "amount_minor": 100 * between(rng, 15, 600, len(row)),
            "currency": "EUR",
            "issued_at": times(resolved_at[row]),
            "team_id": words(TEAMS, team),
        }
        tables[name] = canonical(name, columns, len(row))
    return tables


def sla_instance_table(
    sla_states: pl.DataFrame, operations: Operations, ids: pl.Series, arrived_at: Ints, stops: dict[str, Ints]
) -> pl.DataFrame:
    """Return the vendor's clocks: one row per ticket and promise that applies.

    Parameters
    ----------
    sla_states : polars.DataFrame
        Frame "sla_states" of the played history.
    operations : Operations
        The desk whose targets these are.
    ids : polars.Series
        Ticket ids by row.
    arrived_at : int64 array, shape (n,)
        Start of every clock.
    stops : dict of metric to int64 array, shape (n,)
        When each clock stopped, FAR if it has not.
    """
    clocks = sla_states.filter(pl.col("state") != "not_applicable").sort("row", "sla_metric")
    row = clocks["row"].to_numpy().astype(np.int64)
    due = clocks["due_at"].to_numpy().astype(np.int64)
    stop = np.full(len(row), FAR, dtype=np.int64)
    for metric, instants in stops.items():
        own = (clocks["sla_metric"] == metric).to_numpy()
        stop[own] = instants[row[own]]
    late = (clocks["state"] == "breached").to_numpy()
    targets = {target.target_id: target for target in operations.sla}
    limits = {name: target.limit_seconds for name, target in targets.items()}
    in_hours = {name: target.calendar != ALWAYS for name, target in targets.items()}
    columns: dict[str, Cells] = {
        "ticket_id": ids.gather(clocks["row"]),
        "metric": clocks["sla_metric"],
        "cycle": clocks["cycle"],
        "policy": clocks["target_id"],
        "business_hours": clocks["target_id"].replace_strict(in_hours, default=None, return_dtype=pl.Boolean),
        "target_seconds": clocks["target_id"].replace_strict(limits, default=None, return_dtype=pl.Int64),
        "started_at": times(arrived_at[row]),
        "due_at": times(due),
        "fulfilled_at": times(stop),
        "breached_at": times(np.where(late, due, FAR)),
        "paused_seconds": 0,
        "state": clocks["state"].replace({"open": "active"}),
    }
    return canonical("sla_instances", columns, len(row))
