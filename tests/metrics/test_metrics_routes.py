"""Who gets which ticket, and what moved it."""

from __future__ import annotations

import polars as pl
import pytest

from triage_lab.domain.errors import UsageError
from triage_lab.metrics import route_matrix

OLD = pl.DataFrame({
    "owner_team": ["support", "support", "billing", None, "support", "support", "support"],
    "misrouted_resolver": [True, False, False, True, None, True, True],
    "misrouted_labelled": [None, None, None, None, None, None, False],
})  # fmt: skip
NEW = pl.DataFrame({
    "owner_team": ["billing", "billing", "billing", "legal", "billing", "billing", "billing"],
    "misrouted_resolver": [False, True, False, False, None, False, False],
    "misrouted_labelled": [None, None, None, None, None, None, True],
}, schema_overrides={"misrouted_labelled": pl.Boolean})  # fmt: skip
DECISIONS = pl.DataFrame({"rule_id": ["r1", "r1", "default", "r2", "r1", "r3", "r1"]})
IDS = pl.Series([f"t{row}" for row in range(7)])
SCORED = pl.Series([True] * 6 + [False])


def test_every_scored_ticket_stands_in_one_cell() -> None:
    cells, _ = route_matrix(OLD, NEW, DECISIONS, IDS, SCORED)
    assert sum(cell.tickets for cell in cells) == 6
    by_owner = {(cell.baseline_owner, cell.candidate_owner): cell for cell in cells}
    moved = by_owner["support", "billing"]
    assert (moved.tickets, moved.put_right, moved.put_wrong, moved.truth_unknown) == (4, 2, 1, 1)
    assert by_owner["(none)", "legal"].put_right == 1
    assert [(cell.baseline_owner, cell.candidate_owner) for cell in cells] == sorted(by_owner)


def test_changes_name_the_item_that_moved_tickets_largest_first() -> None:
    _, changes = route_matrix(OLD, NEW, DECISIONS, IDS, SCORED)
    assert [(one.item_id, one.tickets, one.put_right, one.put_wrong) for one in changes] == [
        ("r1", 3, 1, 1), ("r2", 1, 1, 0), ("r3", 1, 1, 0),
    ]  # fmt: skip
    assert changes[0].examples == ("t0", "t1", "t4")


def test_at_most_five_examples() -> None:
    many = [pl.concat([frame] * 10) for frame in (OLD, NEW, DECISIONS)]
    ids = pl.Series([f"t{row}" for row in range(70)])
    _, changes = route_matrix(many[0], many[1], many[2], ids, pl.Series([True] * 70))
    assert len(changes[0].examples) == 5


def test_labels_may_be_the_truth() -> None:
    cells, _ = route_matrix(OLD, NEW, DECISIONS, IDS, pl.Series([True] * 7), truth="labelled")
    assert sum(cell.put_wrong for cell in cells) == 1
    assert sum(cell.truth_unknown for cell in cells) == 6


def test_refusals() -> None:
    with pytest.raises(UsageError, match="guess"):
        route_matrix(OLD, NEW, DECISIONS, IDS, SCORED, truth="guess")
    with pytest.raises(UsageError, match="different length"):
        route_matrix(OLD, NEW, DECISIONS.head(2), IDS, SCORED)
