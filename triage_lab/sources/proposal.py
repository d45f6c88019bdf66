"""A first guess at which column of a file means which canonical column."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from triage_lab.domain.tables import Table
from triage_lab.sources.columns import SYNONYMS, plain
from triage_lab.sources.facts import FileFacts

UNSURE_BELOW = 0.8
# columns with a unit in their name: a synonym without it may count in another one
UNITS = {"handle_minutes": "minutes", "mrr_minor": "cents or the like, the currency's smallest unit"}
_LEAST = 0.6
_SYNONYM = 0.9
_SYNONYM_STEP = 0.01


def propose(facts: FileFacts, table: Table) -> list[tuple[str, str | None, float]]:
    """Propose a column of the file for each canonical column.

    Parameters
    ----------
    facts : FileFacts
        The probed file.
    table : Table
        The canonical table it is meant for.

    Returns
    -------
    list of (str, str or None, float)
        Canonical column, column of the file or None, certainty 0 to 1: 1 the same name, 0.8 to 0.9 a known synonym,
        below ``UNSURE_BELOW`` likeness of spelling only, or an unknown unit. In the table's order; each column of the
        file at most once.

    Notes
    -----
    Pairs are given out from the most certain to the least, so a good match is never lost to a poor one; equal pairs
    go by the order of the table, then of the file.
    """
    pairs = sorted(_pairs(facts, table), key=lambda pair: (-pair[0], pair[1], pair[2]))
    chosen: dict[int, tuple[str, float]] = {}
    taken: set[int] = set()
    for certainty, target, index in pairs:
        if target not in chosen and index not in taken:
            chosen[target] = (facts.columns[index], certainty)
            taken.add(index)
    return [(column.name, *chosen.get(position, (None, 0.0))) for position, column in enumerate(table.columns)]


def _pairs(facts: FileFacts, table: Table) -> Iterator[tuple[float, int, int]]:
    """All pairs worth a thought: certainty, position in the table, position in the file."""
    for position, column in enumerate(table.columns):
        synonyms = SYNONYMS.get(column.name, ())
        for index, name in enumerate(facts.columns):
            shape = plain(name)
            if shape == column.name:
                yield 1.0, position, index
            elif shape in synonyms:
                known = _SYNONYM - _SYNONYM_STEP * min(synonyms.index(shape), 10)
                yield round(min(known, 0.79) if column.name in UNITS else known, 4), position, index
            else:
                likeness = difflib.SequenceMatcher(None, column.name, shape, autojunk=False).ratio()
                if likeness >= _LEAST:
                    # spelling alone never reaches the certainty of a synonym
                    yield round(min(likeness, 0.79), 4), position, index
