"""The whole road on a synthetic desk: generate, ingest, check, backtest, scorecard."""

from __future__ import annotations

import json
from pathlib import Path

from triage_lab.domain.errors import TriageLabError, UsageError
from triage_lab.domain.tables import CANONICAL
from triage_lab.lab.assets import asset
from triage_lab.lab.atomic import write_text
from triage_lab.lab.config import FILE
from triage_lab.lab.founding import init
from triage_lab.lab.generation import SEED, generate
from triage_lab.lab.progress import Progress, silent
from triage_lab.lab.recorded import Run
from triage_lab.lab.workbench import Lab, open_lab

MARKER = "demo.json"
CANDIDATE = "billing-protection"


def demo(
    directory: str | Path = "triage-lab-demo",
    *,
    tickets: int = 20_000,
    seed: int | None = None,
    progress: Progress = silent,
) -> Run:
    """Make a demo lab and backtest ``billing-protection`` against history; returns the run.

    Raises
    ------
    UsageError
        The folder holds something else, or a demo of another size or seed.
    """
    root = Path(directory)
    wanted = {"tickets": tickets, "seed": SEED if seed is None else seed}
    if not _reusable(root, wanted):
        _build(root, wanted["tickets"], wanted["seed"], _part(progress, 0.0, 0.5))
    lab = open_lab(root, seed=wanted["seed"])
    if not lab.config.database.exists():
        _load(lab, _part(progress, 0.5, 0.7))
    progress("checking the data", 0.7)
    lab.check()
    return lab.backtest(CANDIDATE, progress=_part(progress, 0.75, 1.0))


def _part(progress: Progress, start: float, end: float) -> Progress:
    """The part of a bar that one step may fill."""
    return lambda step, share: progress(step, start + (end - start) * share)


def _reusable(root: Path, wanted: dict[str, int]) -> bool:
    """Whether the folder holds just this demo already."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    marker = root / MARKER
    if not marker.is_file():
        raise UsageError(f"{root} exists and is no demo lab", "a new folder", f"triage-lab demo {root}-2")
    found = json.loads(marker.read_text("utf-8"))
    if found != wanted:
        raise UsageError(
            f"{root} is a demo of {found.get('tickets'):,} tickets with seed {found.get('seed')}",
            f"{wanted['tickets']:,} tickets with seed {wanted['seed']}",
            "choose another folder, or remove this one",
        )
    return True


def _build(root: Path, tickets: int, seed: int, progress: Progress) -> None:
    """Write the lab's files and the exports."""
    init(root, name="demo", timezone="Europe/Berlin", currency="EUR")
    (root / "policies" / "starter.yaml").unlink(missing_ok=True)
    for name in ("current", CANDIDATE):
        write_text(root / "policies" / f"{name}.yaml", asset("policies", f"{name}.yaml").read_text("utf-8"))
    write_text(root / "gates" / "desk.yaml", asset("gates", "desk.yaml").read_text("utf-8"))
    for path in sorted(asset("templates").glob("*.md")):
        write_text(root / "templates" / path.name, path.read_text("utf-8"))
    made = generate(root / "exports", tickets=tickets, seed=seed, progress=progress)
    write_text(root / "operations.yaml", made.operations)
    write_text(root / FILE, (root / FILE).read_text("utf-8").replace("seed = 20261123", f"seed = {seed}"))
    write_text(root / MARKER, json.dumps({"tickets": tickets, "seed": seed}) + "\n")


def _load(lab: Lab, progress: Progress) -> None:
    """Ingest every exported table; a failure leaves no half-filled store."""
    exports = lab.root / "exports"
    try:
        for number, table in enumerate(CANONICAL):
            path = exports / f"{table}.parquet"
            if path.exists():
                progress(f"loading {table}", number / len(CANONICAL))
                lab.ingest([path], table=table, timezone="UTC")
    except (TriageLabError, KeyboardInterrupt):
        lab.config.database.unlink(missing_ok=True)
        raise
