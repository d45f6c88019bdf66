"""Durations that repeat: few distinct values, told apart by a column that a rule may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

KEYS = ("priority_at_creation", "category", "type", "channel")
"""Context columns that a target or window may match, the likeliest first."""
EXPLAINED = 0.8
"""Share of the cases that the found values must explain."""
BETTER = 0.02
"""Share of the cases that a further column must explain more."""
MOST_VALUES = 12
LEAST_CASES, LEAST_OF_VALUE = 20, 5
MOST_UNTOLD = 6
_LONGEST_VALUE = 100


@dataclass(frozen=True, slots=True)
class Mode:
    """A duration and the tickets it holds for.

    Parameters
    ----------
    seconds : int
    key : str or None
        Column that tells the tickets, None = all.
    values : tuple of str
        Its values, sorted.
    cases, agreeing : int
        Cases with these values, and those with exactly this duration.
    """

    seconds: int
    key: str | None
    values: tuple[str, ...]
    cases: int
    agreeing: int


def find_modes(cases: pl.DataFrame) -> tuple[list[Mode], float]:
    """Explain durations by one value, or by one value per priority, category, type or channel.

    Parameters
    ----------
    cases : polars.DataFrame
        seconds (above 0) and the columns of KEYS.

    Returns
    -------
    modes : list of Mode
        Empty unless at least 20 cases are there and 80 % of them are explained by at most 12 values.
    explained : float
        Share of the cases with exactly the duration found for them.
    """
    if cases.height < LEAST_CASES:
        return [], 0.0
    tried = [(key, *_explained(cases, key)) for key in (None, *KEYS)]
    best = max(share for _, _, share in tried)
    if best < EXPLAINED:
        return [], best
    key, found, share = next(item for item in tried if item[2] >= max(EXPLAINED, best - BETTER))
    return _merged(key, found), share


def few_values(cases: pl.DataFrame) -> tuple[tuple[int, ...], float]:
    """Return the six commonest durations at most, shortest first, and the share of the cases that have one of them."""
    counts = cases.group_by("seconds").len().sort("len", "seconds", descending=[True, False]).head(MOST_UNTOLD)
    kept = counts.filter(pl.col("len") >= LEAST_OF_VALUE)
    return tuple(sorted(kept["seconds"].to_list())), float(kept["len"].sum()) / max(1, cases.height)


def _explained(cases: pl.DataFrame, key: str | None) -> tuple[pl.DataFrame, float]:
    """Return the commonest duration of each value of a column, and the share of cases that these explain."""
    value = pl.lit("") if key is None else pl.col(key)
    counts = (
        cases.select("seconds", value=value)
        .drop_nulls("value")
        .group_by("value", "seconds")
        .len()
        .sort("value", "len", "seconds", descending=[False, True, False])
    )
    found = counts.group_by("value", maintain_order=True).agg(
        pl.col("seconds").first(), pl.col("len").first().alias("agreeing"), pl.col("len").sum().alias("cases")
    )
    usable = found.filter((pl.col("cases") >= LEAST_OF_VALUE) & (pl.col("agreeing") * 2 > pl.col("cases")))
    if key is not None:
        usable = usable.filter(pl.col("value").map_elements(_quotable, return_dtype=pl.Boolean))
    if usable.height > MOST_VALUES or (key is not None and usable.height < 2):
        return usable.clear(), 0.0
    return usable, float(usable["agreeing"].sum()) / cases.height


def _quotable(value: str) -> bool:
    """Whether a condition can name a value."""
    return value.isprintable() and 0 < len(value) <= _LONGEST_VALUE


def _merged(key: str | None, found: pl.DataFrame) -> list[Mode]:
    """Put values with the same duration together, shortest duration first."""
    grouped = (
        found.sort("seconds", "value")
        .group_by("seconds", maintain_order=True)
        .agg("value", pl.col("cases").sum(), pl.col("agreeing").sum())
    )
    return [
        Mode(seconds, key, () if key is None else tuple(values), cases, agreeing)
        for seconds, values, cases, agreeing in grouped.iter_rows()
    ]


def match_text(key: str | None, values: Sequence[str]) -> str | None:
    """Write the condition that holds for the values.

    Examples
    --------
    >>> match_text("type", ["it's"]), match_text("type", ["a", "b"]), match_text(None, [])
    ("type = 'it''s'", "type IN ('a', 'b')", None)
    """
    if key is None:
        return None
    quoted = ["'" + value.replace("'", "''") + "'" for value in values]
    return f"{key} = {quoted[0]}" if len(quoted) == 1 else f"{key} IN ({', '.join(quoted)})"
