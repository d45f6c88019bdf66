"""A lab of the synthetic desk: the full desk, the whole backtest, ingest, gates, and the time to --help."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

import triage_lab as tl
from benchmarks import limits
from benchmarks.queues import event_loop, simpy_processes, trace
from benchmarks.timing import Goal, Row, compare, from_times
from triage_lab import quality, replay, store
from triage_lab.domain.enums import Arm
from triage_lab.lab import arms
from triage_lab.lab.documents import parse_document
from triage_lab.lab.policies import load_operations
from triage_lab.lab.snapshot import read_snapshot

CANDIDATE = "billing-protection"
PLAY = "triage_lab.replay.play"


def make(folder: Path, tickets: int) -> tl.Lab:
    """A demo lab: generated, ingested, checked, backtested once (which compiles the kernel)."""
    tl.demo(folder, tickets=tickets)
    return tl.open_lab(folder)


def desk_rows(lab: tl.Lab, few: int, repeats: int) -> list[Row]:
    """The desk with everything on it against loops that know one queue only."""
    operations = load_operations(lab.config)
    if operations is None:
        raise AssertionError("a demo lab has operations")
    with store.open_store(lab.config.database, write=False) as con:
        snapshot = read_snapshot(con, lab.config, operations)
    masks = arms.sla_masks(snapshot, operations)
    world = replay.build_world(
        snapshot.history, operations, cutoff=snapshot.cutoff, seed=lab.config.seed, sla_masks=masks
    )
    decided = arms.decide(lab.config, CANDIDATE, Arm.CANDIDATE, snapshot, operations)
    watched = arms.escalation_masks(decided, snapshot, operations)

    n = snapshot.context.height
    arrived, handle = (values.tolist() for values in trace(n))
    short = arrived[:few], handle[:few]
    core, whole, loop, processes = [], [], [], []
    for _ in range(repeats + 1):
        meter = Meter()
        with meter.on((PLAY, "_deadlines"), (PLAY, "run_kernel"), (PLAY, "sla_states")):
            whole.append(timed(lambda: replay.play(world, decided.decisions, escalation_masks=watched)))
        core.append(meter.seconds)
        loop.append(timed(lambda: event_loop(arrived, handle)))
        processes.append(timed(lambda: simpy_processes(*short)))
    part = f"full desk, {len(operations.teams)} teams: deadlines, kernel with trail, SLA clocks"
    everything = "full desk: all of play (audit and frames too)"
    python, simpy = "plain Python M/M/8 event loop", "SimPy processes, M/M/8"
    return [
        from_times(part, python, core[1:], loop[1:], size=n, other_size=n, goal=Goal(2.5, 1.5)),
        from_times(part, simpy, core[1:], processes[1:], size=n, other_size=few, goal=Goal(18)),
        from_times(everything, python, whole[1:], loop[1:], size=n, other_size=n, goal=Goal()),
    ]


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


class Meter:
    """CPU seconds spent inside chosen functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, metered."""

        def metered(*args: Any, **kwargs: Any) -> Any:
            began = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.process_time() - began

        return metered

    @contextmanager
    def on(self, *places: tuple[str, str]) -> Iterator[None]:
        """Meter functions where their callers look them up."""
        with ExitStack() as stack:
            for name, function in places:
                module = import_module(name)
                stack.enter_context(patch.object(module, function, self.wrap(getattr(module, function))))
            yield


def backtest_rows(lab: tl.Lab, tickets: int, repeats: int) -> list[Row]:
    """A whole backtest against the time that it spends preparing the desk, in the kernel and on the clocks."""
    whole, kernel = [], []
    for seed in range(repeats + 1):
        meter = Meter()
        with meter.on(
            ("triage_lab.replay", "build_world"), (PLAY, "_deadlines"), (PLAY, "run_kernel"), (PLAY, "sla_states")
        ):
            began = time.process_time()
            tl.open_lab(lab.root, seed=seed).backtest(CANDIDATE, replications=1)
            whole.append(time.process_time() - began)
        kernel.append(meter.seconds)
    return [
        from_times(
            "backtest, store to store, two arms, one replication", "its own desk, kernel and clocks", whole[1:],
            kernel[1:], size=tickets, other_size=tickets, goal=Goal(5, 8, at_most=True),
        )
    ]  # fmt: skip


def tickets_csv(lab: tl.Lab, rows: int, path: Path) -> None:
    """A CSV of the lab's tickets, repeated under new ids."""
    source = lab.root / "exports" / "tickets.parquet"
    with duckdb.connect() as con:
        (held,) = con.execute("SELECT count(*) FROM read_parquet(?)", [str(source)]).fetchone() or (1,)
        con.execute(
            "COPY (SELECT * REPLACE (ticket_id || '-' || copy AS ticket_id) FROM read_parquet(?), "
            f"range({-(-rows // held)}) AS copies(copy) LIMIT {rows}) TO '{path}' (HEADER)",
            [str(source)],
        )


def ingest_rows(lab: tl.Lab, folder: Path, rows: int, repeats: int) -> list[Row]:
    """Ingest of a CSV against bare CREATE TABLE AS; leaves a lab with the tickets in ``folder / 'loaded'``."""
    file = folder / "tickets.csv"
    tickets_csv(lab, rows, file)
    loaded = folder / "loaded"

    def ours() -> object:
        shutil.rmtree(loaded, ignore_errors=True)
        tl.init(loaded)
        report = tl.open_lab(loaded).ingest([file], table="tickets", timezone="UTC")
        if report.rejected:
            raise AssertionError(f"{report.rejected} rows were rejected")
        return report

    def bare() -> None:
        limits.load_csv(file, folder / "bare.duckdb")

    goal = Goal(3.0, at_most=True)
    against = "limit: CREATE TABLE AS read_csv"
    return [compare("ingest of a tickets CSV", against, ours, bare, size=rows, goal=goal, repeats=repeats)]


def gates() -> list[tuple[dict[str, Any], str]]:
    """25 gates on tickets, each with the SQL that a person would write for it."""
    filled = (
        "created_at",
        "category",
        "subcategory",
        "product_module",
        "channel",
        "inbox",
        "language",
        "type",
        "source",
    )
    words = {"language": ["en", "de", "fr", "es"], "channel": ["email", "chat", "phone", "portal", "webhook", "crm"]}
    words["priority_at_creation"] = ["urgent", "high", "normal", "low"]
    orders = (("created_at", "first_action_at"), ("created_at", "resolved_at"), ("resolved_at", "closed_at"))
    past = ("created_at", "first_action_at", "resolved_at", "closed_at")
    found: list[tuple[dict[str, Any], str]] = []

    def add(check: str, where: str, params: dict[str, Any] | None = None, **more: Any) -> None:
        gate = {
            "id": f"gate-{len(found):02d}", "title": check, "table": "tickets", "check": check, "severity": "warning",
            "owner": "bench", **({"params": params} if params else {}), **more,
        }  # fmt: skip
        found.append((gate, where if where.startswith("SELECT") else f"SELECT count(*) FROM tickets WHERE {where}"))

    for name in filled:
        add("not_null", f"{name} IS NULL", {"column": name})
    for name, values in words.items():
        listed = ", ".join(f"'{value}'" for value in values)
        add("allowed_values", f"{name} NOT IN ({listed})", {"column": name, "values": values})
    for earlier, later in orders:
        add("order", f"{later} < {earlier}", {"earlier": earlier, "later": later})
    for name in past:
        add("not_after_cutoff", f"{name} > TIMESTAMP '2026-11-01 00:00:00'", {"column": name})
    add("range", "handle_minutes < 0 OR handle_minutes > 2000", {"column": "handle_minutes"}, low=0, high=2000)
    add("range", "reassignment_count < 0 OR reassignment_count > 50", {"column": "reassignment_count"}, low=0, high=50)
    add("no_nan", "NOT isfinite(handle_minutes)", {"column": "handle_minutes"})
    add("pattern", "NOT regexp_matches(ticket_id, '^T-')", {"column": "ticket_id", "regex": "^T-"})
    repeated = (
        "SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM tickets GROUP BY ticket_id HAVING count(*) > 1)"
    )
    add("unique", repeated)
    add("row_count", "SELECT count(*) FROM tickets", low=1)
    return found


def gate_rows(folder: Path, rows: int, repeats: int) -> list[Row]:
    """25 gates by direct SQL against the same by hand, on the lab that the ingest left."""
    lab = tl.open_lab(folder / "loaded")
    pairs = gates()
    document = parse_document(json.dumps({"version": "1", "gates": [gate for gate, _ in pairs]}), "bench.yaml")
    found = quality.read_gates([document])
    with store.open_store(lab.config.database, write=False) as con:
        load = store.latest_load(con)
        store.set_as_of(con, load)
        cutoff = 1_793_491_200  # 1 November 2026

        def ours() -> list[tuple[str, int]]:
            results = quality.run_sql(con, found, cutoff=cutoff, save_failures=False)
            return [(str(result.state), result.failed) for result in results]

        def hand() -> list[int]:
            return [int((con.execute(sql).fetchone() or (0,))[0]) for _, sql in pairs]

        counts = hand()
        for (gate, _), (state, failed), count in zip(pairs, ours(), counts, strict=True):
            if state == "error" or (gate["check"] != "row_count" and failed != count):
                raise AssertionError(f"{gate['id']} ({gate['check']}): {state}, {failed} failing, {count} by hand")
        work, goal = f"{len(pairs)} gates by direct SQL", Goal(1.3, at_most=True)
        return [compare(work, "limit: a hand-written SELECT each", ours, hand, size=rows, goal=goal, repeats=repeats)]


def help_rows(repeats: int) -> list[Row]:
    """Time to --help against its floor in seconds; CPU of the child, so that neighbours do not count."""
    times = []
    for _ in range(repeats + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "triage_lab", "--help"], check=True, capture_output=True, env=os.environ.copy()
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    times = times[1:]
    goal = Goal(0.3, 0.5, at_most=True)
    middle = statistics.median(times)
    return [Row("triage-lab --help", 1, middle, "one second", 1.0, middle, (min(times), max(times)), goal, repeats)]
