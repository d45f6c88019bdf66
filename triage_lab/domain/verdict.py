"""The launch checklist and the three-worded verdict."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.enums import ItemState, VerdictWord

ITEMS = ("signals", "enrichment", "routing", "ownership", "escalations", "templates", "audit", "pilot", "training")


@dataclass(frozen=True, slots=True)
class ReadinessItem:
    """One of the nine items; ``finding`` says what was seen, ``action`` what would make it green."""

    item: str
    state: ItemState
    finding: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, one sentence why, one sentence on the comparison, the nine items, three next commands."""

    word: VerdictWord
    sentence: str
    comparison: str
    items: tuple[ReadinessItem, ...]
    blocking: tuple[str, ...]
    next_commands: tuple[str, ...]
