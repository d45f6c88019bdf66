"""``python -m benchmarks``: one table; exit 1 if a floor is broken."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

# Ratios are taken on one core; the libraries read this when they are imported.
for _name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

HEADING = ("work", "pieces", "ours s", "against", "other s", "ratio", "spread", "goal", "floor", "")


def measure(*, quick: bool, only: str = "") -> list:
    """Run everything; ``quick`` is small and judges nothing."""
    from benchmarks import clocks, labs, queues, rules

    n, few, repeats = (20_000, 2_000, 2) if quick else (1_000_000, 20_000, 5)
    heavy = 2 if quick else 3
    desk = 1_000 if quick else 100_000
    found = []
    if only in ("", "rules"):
        found += rules.rows(n, repeats)
    if only in ("", "queues"):
        found += queues.rows(max(n // 5, few), few, repeats)
    if only in ("", "clocks"):
        found += clocks.rows(n, repeats)
    if only in ("", "labs"):
        with tempfile.TemporaryDirectory(prefix="triage-lab-bench-") as name:
            folder = Path(name)
            lab = labs.make(folder / "desk", desk)
            found += labs.desk_rows(lab, few, repeats)
            found += labs.backtest_rows(lab, desk, heavy)
            found += labs.ingest_rows(lab, folder, n // 2, heavy)
            found += labs.gate_rows(folder, n // 2, repeats)
    if only in ("", "help"):
        found += labs.help_rows(repeats)
    return found


def lines(found: list, *, judged: bool) -> list[str]:
    """The table as Markdown."""

    def bound(value: float | None, at_most: bool) -> str:
        return "" if value is None else f"{'≤' if at_most else '≥'} {value:g}"

    out = ["| " + " | ".join(HEADING) + " |", "|---|" + "---:|" * 2 + "---|" + "---:|" * 5 + "---|"]
    for row in found:
        word = "ok" if row.goal.reached(row.ratio) else "under goal"
        word = "FLOOR BROKEN" if row.goal.broken(row.ratio) else word
        shown = word if judged and (row.goal.goal or row.goal.floor) else ""
        cells = (
            row.work, f"{row.size:,}", f"{row.ours:.3f}", row.against, f"{row.other:.3f}", f"{row.ratio:.2f}",
            f"{row.spread[0]:.2f}–{row.spread[1]:.2f}", bound(row.goal.goal, row.goal.at_most),
            bound(row.goal.floor, row.goal.at_most), shown,
        )  # fmt: skip
        out.append("| " + " | ".join(cells) + " |")
    return out


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 if a floor is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works; nothing is judged")
    parser.add_argument("--only", default="", choices=["", "rules", "queues", "clocks", "labs", "help"])
    options = parser.parse_args(arguments)
    found = measure(quick=options.quick, only=options.only)
    print("\n".join(lines(found, judged=not options.quick)))
    print("\nCPU seconds, medians in turns after a warm-up; ≤: ours over the other, ≥: the other over ours, per piece.")
    broken = [row for row in found if row.goal.broken(row.ratio)] if not options.quick else []
    for row in broken:
        print(f"floor broken: {row.work} against {row.against}: {row.ratio:.2f}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
