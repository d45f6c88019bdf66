"""The same numbers for any number of threads and any hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import numpy as np, polars as pl
from triage_lab.evidence import compare, curve
from triage_lab.metrics import CATALOGUE, tally

rng = np.random.default_rng(7)
n = 4000
arrived = np.sort(rng.integers(0, 10**6, n))
facts = pl.DataFrame({
    "cluster": [f"a{at}" for at in rng.integers(0, 300, n)], "account_known": [True] * n, "mrr": rng.random(n) * 999,
    "mrr_tier": rng.choice(["high", "mid"], n), "rule": rng.choice(["x", "y", "z"], n),
})

def arm(scale):
    waits = rng.lognormal(5, 1, n) * scale
    first = arrived + waits.astype(np.int64)
    records = pl.DataFrame({
        "arrived_at": arrived, "first_action_at": first, "resolved_at": first + 50, "wait_minutes": waits / 60,
        "handoffs": rng.integers(0, 3, n), "escalations": rng.integers(0, 2, n),
        "misrouted_resolver": rng.random(n) < 0.2,
        "scored": [True] * n,
    })
    states = pl.DataFrame({
        "row": np.arange(n, dtype=np.uint32), "sla_metric": ["first_action"] * n,
        "state": np.where(waits < 200, "met", "breached"), "due_at": arrived + 200,
    })
    return tally(records, states, facts, segmentations=[("mrr_tier",), ("rule", "mrr_tier")], cutoff=10**7)

before, after = [arm(1.0), arm(1.0)], [arm(0.8), arm(0.8)]
for one in compare(before, after, catalogue=CATALOGUE):
    print(one)
print(curve([one.durations for one in before], metric="time_to_first_action", arm="baseline"))
"""


def run(threads: str, seed: str) -> str:
    environment = {**os.environ, "POLARS_MAX_THREADS": threads, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_threads_and_hash_seed_do_not_matter() -> None:
    first = run("1", "1")
    assert "Comparison(metric='sla_compliance'" in first
    assert run("4", "2") == first
