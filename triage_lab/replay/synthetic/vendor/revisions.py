"""Dated rows as systems without validity keep them: the newest state, and a history of field changes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

CORRECTED = 0.03  # share of records that were typed in wrongly, by field
_CORRECTED_AFTER = pl.duration(hours=1)


def newest(table: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return the last version of every key, by key."""
    return table.sort(key, "valid_from").unique(key, keep="last", maintain_order=True)


def oldest(table: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return the first version of every key, by key."""
    return table.sort(key, "valid_from").unique(key, keep="first", maintain_order=True)


def began(table: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return when every key began: key, began; by key."""
    return table.group_by(key).agg(began=pl.col("valid_from").min()).sort(key)


def changes(table: pl.DataFrame, key: str, fields: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Return what changed from version to version.

    Parameters
    ----------
    table : polars.DataFrame
        Versions: ``key``, valid_from, and what ``fields`` reads.
    key : str
        Column that tells whose versions they are.
    fields : mapping of str to polars.Expr
        Name of each field in the history, and its value as the history writes it (text).

    Returns
    -------
    polars.DataFrame
        key, at, field, old, new: one row per field and version in which it differs from the version before.

    Examples
    --------
    >>> from datetime import datetime
    >>> since = [datetime(2026, 1, 1), datetime(2026, 2, 1)]
    >>> versions = pl.DataFrame({"id": ["a", "a"], "valid_from": since, "v": [1, 2]})
    >>> changes(versions, "id", {"V__c": pl.col("v").cast(pl.String)}).row(0)
    ('a', datetime.datetime(2026, 2, 1, 0, 0), 'V__c', '1', '2')
    """
    versions = table.sort(key, "valid_from").select(key, at="valid_from", **fields)
    same = pl.col(key) == pl.col(key).shift(1)
    parts = [
        versions.with_columns(same=same, old=pl.col(name).shift(1))
        .filter(pl.col("same") & ~pl.col("old").eq_missing(pl.col(name)))
        .select(key, "at", field=pl.lit(name), old="old", new=pl.col(name))
        for name in fields
    ]
    return pl.concat(parts).sort(key, "at", "field")


def corrections(
    rng: np.random.Generator, first: pl.DataFrame, key: str, fields: Mapping[str, tuple[pl.Expr, pl.Expr]]
) -> pl.DataFrame:
    """Return slips that were put right an hour after the record was made.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream to draw from.
    first : polars.DataFrame
        First versions: ``key``, valid_from, and what ``fields`` reads.
    key : str
    fields : mapping of str to (wrong, right)
        Texts of each field; the first record is corrected in every field, so that its history is known to be kept.

    Returns
    -------
    polars.DataFrame
        As ``changes``.
    """
    parts = []
    for name, (wrong, right) in fields.items():
        slipped = rng.random(len(first)) < CORRECTED
        slipped[:1] = True
        parts.append(
            first.filter(pl.Series(slipped)).select(
                key, at=pl.col("valid_from") + _CORRECTED_AFTER, field=pl.lit(name), old=wrong, new=right
            )
        )
    return pl.concat(parts).sort(key, "at", "field")
