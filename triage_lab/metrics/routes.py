"""Who gets which ticket: baseline owner against candidate owner, what moved and which item moved it."""

from __future__ import annotations

import polars as pl

from triage_lab.domain.errors import UsageError
from triage_lab.domain.result import RouteCell, RouteChange

EXAMPLES = 5
NO_OWNER = "(none)"


def route_matrix(
    baseline: pl.DataFrame,
    candidate: pl.DataFrame,
    decisions: pl.DataFrame,
    ticket_ids: pl.Series,
    scored: pl.Series,
    *,
    truth: str = "resolver",
) -> tuple[tuple[RouteCell, ...], tuple[RouteChange, ...]]:
    """Cross the first owners of both arms over the scored tickets.

    Parameters
    ----------
    baseline, candidate : polars.DataFrame
        Row-aligned records of both arms.
    decisions : polars.DataFrame
        Row-aligned decisions of the candidate (``rule_id`` names the item that moved a ticket).
    ticket_ids : polars.Series of String
    scored : polars.Series of Boolean
    truth : {"resolver", "labelled"}
        Whose word on the right owner counts.

    Returns
    -------
    (cells, changes)
        Cells ordered by baseline and candidate owner; changes (owner differs) by item and owners, largest first, with
        the first tickets as examples. ``put_right`` = wrong before and right now, ``put_wrong`` the reverse.

    Raises
    ------
    UsageError
        Another truth, or frames of different length.
    """
    if truth not in ("resolver", "labelled"):
        raise UsageError(f"truth '{truth}'", "resolver or labelled", "name one of them")
    if not baseline.height == candidate.height == decisions.height == ticket_ids.len() == scored.len():
        raise UsageError("frames of different length", "row-aligned frames of one run", "build all from one history")
    wrong = f"misrouted_{truth}"
    before, after = baseline[wrong].cast(pl.Boolean), candidate[wrong].cast(pl.Boolean)
    table = pl.DataFrame(
        {
            "old": baseline["owner_team"].cast(pl.String).fill_null(NO_OWNER),
            "new": candidate["owner_team"].cast(pl.String).fill_null(NO_OWNER),
            "item": decisions["rule_id"].cast(pl.String).fill_null(NO_OWNER),
            "ticket": ticket_ids.cast(pl.String),
            "right": (before & ~after).fill_null(value=False),
            "spoiled": (~before & after).fill_null(value=False),
            "unknown": before.is_null() | after.is_null(),
        }
    ).filter(scored.fill_null(value=False))
    sums = (
        pl.len().alias("tickets"),
        pl.col("right").sum(),
        pl.col("spoiled").sum(),
        pl.col("unknown").sum(),
        pl.col("ticket").head(EXAMPLES).alias("examples"),
    )
    cells = table.group_by("old", "new", maintain_order=True).agg(*sums).sort("old", "new")
    moved = table.filter(pl.col("old") != pl.col("new")).group_by("item", "old", "new", maintain_order=True).agg(*sums)
    moved = moved.sort("tickets", "item", "old", "new", descending=[True, False, False, False])
    return (
        tuple(
            RouteCell(row["old"], row["new"], row["tickets"], row["right"], row["spoiled"], row["unknown"])
            for row in cells.iter_rows(named=True)
        ),
        tuple(
            RouteChange(
                row["item"],
                row["old"],
                row["new"],
                row["tickets"],
                row["right"],
                row["spoiled"],
                tuple(row["examples"]),
            )
            for row in moved.iter_rows(named=True)
        ),
    )
