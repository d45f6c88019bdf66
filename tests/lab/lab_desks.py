"""Small labs for the tests of the whole road."""

from __future__ import annotations

import heapq
from pathlib import Path

import numpy as np
import polars as pl

import triage_lab as tl
from triage_lab.lab import Lab

POLICY_ALL = 'policy: all\nversion: "1"\nstage: draft\nrules: []\ndefault: {then: {route: desk}}\n'
ONE_TEAM = "teams:\n  desk: {calendar: always, agents: 8}\n"


def poisson_csv(path: Path, tickets: int, seed: int) -> Path:
    """Poisson arrivals and exponential handling at utilisation 0.9 of 8 agents; unpadded ids, fractions of a second."""
    rng = np.random.default_rng(seed)
    mean = 300.0
    at = np.cumsum(rng.exponential(mean / (8 * 0.9), tickets))
    stamps = np.datetime64("2026-01-01T00:00:00") + (at * 1e6).astype("timedelta64[us]")
    frame = pl.DataFrame(
        {
            "ticket_id": [str(number) for number in rng.permutation(tickets)],
            "created_at": pl.Series(stamps).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
            "handle_minutes": rng.exponential(mean, tickets) / 60,
        }
    )
    frame.write_csv(path)
    return path


def hand_made_lab(folder: Path, tickets: Path) -> Lab:
    """A lab with one team of 8 agents and a policy that routes everything there."""
    tl.init(folder)
    (folder / "operations.yaml").write_text(ONE_TEAM)
    (folder / "policies" / "all.yaml").write_text(POLICY_ALL)
    lab = tl.open_lab(folder)
    lab.ingest([tickets], table="tickets")
    return lab


def heap_waits(tickets: Path, agents: int, latency: int = 60) -> dict[str, int]:
    """Seconds that each ticket waits, by a heap of servers: the oracle for one first-come team that never closes."""
    frame = pl.read_csv(tickets, schema_overrides={"ticket_id": pl.String, "created_at": pl.String})
    created = frame["created_at"].str.to_datetime(time_unit="us", time_zone="UTC")
    floor = created.dt.epoch("us").to_numpy() // 1_000_000
    handle = np.maximum(1, np.floor(frame["handle_minutes"].to_numpy() * 60 + 0.5)).astype(np.int64)
    order = sorted(range(frame.height), key=lambda row: (floor[row], frame["ticket_id"][row].encode()))
    free = [0] * agents
    waits: dict[str, int] = {}
    for row in order:
        join = int(floor[row]) + latency
        start = max(join, heapq.heappop(free))
        heapq.heappush(free, start + int(handle[row]))
        waits[frame["ticket_id"][row]] = start - join
    return waits
