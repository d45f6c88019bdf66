"""Owner by owner: tickets of each route and what it put right on balance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from triage_lab.domain.result import RouteCell
from triage_lab.report.numbers import DASH, clean, count, signed_count

OWNERS = 10  # rows and columns before the rest is folded into one
REST = "all others"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: tickets, net put right as text, wash class and tone of the small number."""

    tickets: str
    net: str
    wash: str
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One owner of today: a cell for each owner under the new policy, and the row's sum."""

    owner: str
    cells: tuple[Cell, ...]
    total: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """The whole table; ``outline`` is the net from which cells are outlined (0: none is)."""

    owners: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    totals: tuple[str, ...]
    total: str
    outline: int
    folded: int


def geometry(routes: Sequence[RouteCell]) -> Matrix:
    """Lay out the matrix, busiest owners first.

    Parameters
    ----------
    routes : sequence of RouteCell

    Returns
    -------
    Matrix
        Owners beyond the busiest ones are one row and one column, ``all others``.
    """
    load: dict[str, int] = defaultdict(int)
    for cell in routes:
        load[cell.baseline_owner] += cell.tickets
        load[cell.candidate_owner] += cell.tickets
    ranked = sorted(load, key=lambda owner: (-load[owner], owner))
    kept, folded = ranked[:OWNERS], ranked[OWNERS:]
    names = [*kept, REST] if folded else kept
    place = {owner: (owner if owner in set(kept) else REST) for owner in ranked}
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for cell in routes:
        bucket = sums[place[cell.baseline_owner], place[cell.candidate_owner]]
        unchanged = cell.baseline_owner == cell.candidate_owner
        for position, value in enumerate(
            (cell.tickets, cell.put_right, cell.put_wrong, 0 if unchanged else cell.truth_unknown)
        ):
            bucket[position] += value
    largest = max((abs(right - wrong) for (a, b), (_, right, wrong, _) in sums.items() if a != b), default=0)
    rows = tuple(
        MatrixRow(
            clean(row),
            tuple(_cell(sums.get((row, column)), row, column, largest) for column in names),
            count(sum(sums[row, column][0] for column in names if (row, column) in sums)),
        )
        for row in names
    )
    totals = tuple(count(sum(sums[row, column][0] for row in names if (row, column) in sums)) for column in names)
    return Matrix(
        tuple(clean(name) for name in names), rows, totals, count(sum(cell.tickets for cell in routes)),
        -(-2 * largest // 3) if largest >= 3 else 0, len(folded),
    )  # fmt: skip


def _cell(bucket: list[int] | None, row: str, column: str, largest: int) -> Cell:
    """Text and wash of one cell."""
    if bucket is None or bucket[0] == 0:
        return Cell(DASH, "", "dg" if row == column else "", "quiet", f"{clean(row)} to {clean(column)}: no ticket")
    tickets, right, wrong, unknown = bucket
    title = (
        f"{clean(row)} to {clean(column)}: {count(tickets)} tickets, {count(right)} put right, {count(wrong)} put wrong"
    )
    if unknown:
        title += f", {count(unknown)} without a known truth"
    if row == column:
        return Cell(
            count(tickets), signed_count(right - wrong) if row == REST and right != wrong else "", "dg", "quiet", title
        )
    net = right - wrong
    tone = "b" if net > 0 else "w" if net < 0 else "quiet"
    text = signed_count(net) if right or wrong else (DASH if unknown == tickets else "0")
    return Cell(count(tickets), text, _wash(net, largest), tone, title)


def _wash(net: int, largest: int) -> str:
    """Three depths by size of the net; the deepest is outlined."""
    if largest < 3 or abs(net) * 10 < largest:
        return ""
    depth = 3 if abs(net) * 3 >= largest * 2 else 2 if abs(net) * 3 >= largest else 1
    return f"{'p' if net > 0 else 'm'}{depth}"
