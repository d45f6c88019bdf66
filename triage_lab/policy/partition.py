"""Many rules: rows are split by the column that most rules test by equality, so each meets only its own rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from triage_lab.domain.desk import ColumnKind
from triage_lab.domain.predicate import And, Column, Compare, In, Literal, Op, Predicate
from triage_lab.policy.polars_predicate import ROW, Prepared

FEWEST_ITEMS = 64
MOST_TEXTS = 256
_ROWS = 1 << 20
_CELLS = 1 << 26


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a frame and the items that may be anything but false there."""

    prepared: Prepared
    rows: np.ndarray[Any, np.dtype[np.uint32]]
    active: tuple[bool, ...]


def parts(prepared: Prepared, predicates: Sequence[Predicate]) -> Iterator[Part]:
    """Yield the rows in parts that are bounded in rows times items.

    Parameters
    ----------
    prepared : Prepared
        All rows.
    predicates : sequence of Predicate
        One per item. ``category = 'x' AND …`` is false wherever the category is another one, whatever else holds,
        so it is left out of the parts of all other categories; where the category is NULL nothing is left out.
    """
    column = _splitting(prepared, predicates)
    if column is None:
        yield from _bounded(prepared, (True,) * len(predicates))
        return
    allowed = [allowed_texts(predicate).get(column) for predicate in predicates]
    for frame in prepared.frame.partition_by(column, maintain_order=True):
        value = frame[column][0]
        active = tuple(texts is None or value is None or value in texts for texts in allowed)
        yield from _bounded(Prepared(frame, prepared.texts), active)


def allowed_texts(predicate: Predicate) -> dict[str, frozenset[str]]:
    """Return, per text column, the texts outside of which a predicate is certainly false.

    Examples
    --------
    >>> from triage_lab.policy import parse_predicate, read_columns
    >>> sorted(allowed_texts(parse_predicate("category IN ('a', 'b') AND mrr > 1", read_columns()))["category"])
    ['a', 'b']
    """
    found: dict[str, frozenset[str]] = {}
    for part in predicate.items if isinstance(predicate, And) else (predicate,):
        match part:
            case Compare(Op.EQ, Column(name, ColumnKind.TEXT), Literal(str(text))):
                texts = frozenset({text})
            case Compare(Op.EQ, Literal(str(text)), Column(name, ColumnKind.TEXT)):
                texts = frozenset({text})
            case In(Column(name, ColumnKind.TEXT), tuple(members)):
                texts = frozenset(str(member.value) for member in members)
            case _:
                continue
        found[name] = found.get(name, texts) & texts
    return found


def _splitting(prepared: Prepared, predicates: Sequence[Predicate]) -> str | None:
    """The column that most items test by equality, if splitting by it pays."""
    if len(predicates) < FEWEST_ITEMS or not prepared.frame.height:
        return None
    counts = Counter(name for predicate in predicates for name in allowed_texts(predicate))
    usual = [(-count, name) for name, count in counts.items() if len(prepared.texts[name]) <= MOST_TEXTS]
    if not usual or -min(usual)[0] * 2 < len(predicates):
        return None
    return min(usual)[1]


def _bounded(prepared: Prepared, active: tuple[bool, ...]) -> Iterator[Part]:
    """Stretches of rows, short where there are many items."""
    rows = min(_ROWS, max(1024, _CELLS // max(1, sum(active))))
    for start in range(0, max(prepared.frame.height, 1), rows):
        frame = prepared.frame.slice(start, rows)
        yield Part(Prepared(frame, prepared.texts), frame[ROW].to_numpy(), active)
