"""Small logs of the kinds that people really have, for the tests of inference."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl

from triage_lab.domain.tables import CANONICAL
from triage_lab.replay.inference import InferredDesk, infer_desk

MONDAY = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
DAY, HOUR = 86_400, 3_600
CUTOFF = MONDAY + 200 * DAY
EMPTY = {
    name: pl.DataFrame(schema={column.name: pl.String for column in CANONICAL[name].columns})
    for name in ("ticket_events", "sla_instances", "signals")
}


def stamps(seconds: object) -> pl.Series:
    """UTC seconds as a column of times without zone."""
    return pl.Series(np.asarray(seconds, dtype=np.int64) * 1_000_000).cast(pl.Datetime("us"))


def table(**columns: object) -> pl.DataFrame:
    """A frame of lists and single values."""
    lists = {name: values for name, values in columns.items() if isinstance(values, list | pl.Series | np.ndarray)}
    return pl.DataFrame(lists).with_columns(
        pl.lit(value).alias(name) for name, value in columns.items() if name not in lists
    )


def infer(
    tickets: pl.DataFrame,
    events: pl.DataFrame | None = None,
    sla: pl.DataFrame | None = None,
    signals: pl.DataFrame | None = None,
    *,
    timezone: str = "UTC",
    cutoff: int = CUTOFF,
) -> InferredDesk:
    """Infer from tables of which all but tickets may be left out."""
    return infer_desk(
        tickets,
        EMPTY["ticket_events"] if events is None else events,
        EMPTY["sla_instances"] if sla is None else sla,
        EMPTY["signals"] if signals is None else signals,
        timezone=timezone,
        cutoff=cutoff,
    )


def call_log(agents: int = 4, weeks: int = 9, seed: int = 5) -> tuple[pl.DataFrame, np.ndarray]:
    """A call centre: agents answer one call after the other, Monday to Friday 9 to 17 UTC; and the seconds of each."""
    rng = np.random.default_rng(seed)
    rows = []
    for day in range(weeks * 7):
        if day % 7 > 4:
            continue
        for agent in range(agents):
            now = MONDAY + day * DAY + 9 * HOUR + int(rng.integers(0, 300))
            while True:
                waited, talked = int(rng.integers(5, 60)), int(rng.integers(60, 900))
                if now + waited + talked > MONDAY + day * DAY + 17 * HOUR:
                    break
                rows.append((f"agent {agent}", now, now + waited, now + waited + talked))
                now += waited + talked + int(rng.integers(1, 400))
    agent, created, answered, ended = zip(*rows, strict=True)
    tickets = pl.DataFrame(
        {
            "ticket_id": [f"call-{number:05d}" for number in range(len(rows))],
            "agent_id": list(agent),
            "created_at": stamps(created),
            "first_action_at": stamps(answered),
            "resolved_at": stamps(ended),
        }
    )
    return tickets, np.array(ended) - np.array(answered)


def city_log(requests: int = 600, seed: int = 3) -> pl.DataFrame:
    """City service requests: departments and dates of closing, nobody by name."""
    rng = np.random.default_rng(seed)
    created = np.sort(MONDAY + rng.integers(0, 70 * DAY, requests))
    return pl.DataFrame(
        {
            "ticket_id": [f"SR-{number}" for number in range(requests)],
            "created_at": stamps(created),
            "category": rng.choice(["pothole", "graffiti"], requests).tolist(),
            "first_team_id": rng.choice(["Public Works", "Parks: #1 'Süd'"], requests).tolist(),
            "resolved_at": stamps(created + rng.integers(1, 9, requests) * DAY),
            "due_at": stamps(created + 10 * DAY),
        }
    )


def csv_log(tickets: int = 900, seed: int = 4) -> pl.DataFrame:
    """A plain list of tickets with the person who solved each: 08:00 to 16:00 UTC on weekdays, one after the other."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(tickets):
        agent = number % 3
        day = number // 15
        solved = MONDAY + (day // 5 * 7 + day % 5) * DAY + 8 * HOUR + (number % 15 // 3 + 1) * 90 * 60
        rows.append((f"person {agent}", solved - int(rng.integers(2, 48)) * HOUR, solved))
    agent, created, solved = zip(*rows, strict=True)
    return pl.DataFrame(
        {
            "ticket_id": [f"{number}" for number in range(tickets)],
            "agent_id": list(agent),
            "created_at": stamps(created),
            "resolved_at": stamps(solved),
            "resolver_team_id": ["front"] * tickets,
        }
    )
