"""Section 5, readiness: nine items with what was found and what to do, and every launch limit."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.enums import ItemState
from triage_lab.domain.result import Result
from triage_lab.report import marks
from triage_lab.report.marks import Mark
from triage_lab.report.numbers import clean, prose
from triage_lab.report.sections.limits import GateRow, all_limits
from triage_lab.report.wording import sentence_case


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One of the nine items."""

    name: str
    mark: Mark
    finding: str
    action: str


@dataclass(frozen=True, slots=True)
class ReadinessView:
    """Everything of section 5."""

    items: tuple[ItemRow, ...]
    limits: tuple[GateRow, ...]
    blocking: tuple[str, ...]


def view(result: Result) -> ReadinessView:
    """Build section 5 of a result."""
    order = (ItemState.RED, ItemState.MISSING, ItemState.GREEN)
    items = sorted(result.verdict.items, key=lambda item: order.index(item.state))
    return ReadinessView(
        tuple(
            ItemRow(
                sentence_case(clean(item.item)), marks.ITEM[item.state], prose(item.finding, 400), prose(item.action)
            )
            for item in items
        ),
        all_limits(result),
        tuple(prose(text) for text in result.verdict.blocking),
    )
