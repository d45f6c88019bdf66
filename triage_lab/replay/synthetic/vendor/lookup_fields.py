"""Look-up fields of the CRM: their histories hold every change twice, once with names and once with ids."""

from __future__ import annotations

import numpy as np
import polars as pl

from triage_lab.replay.synthetic.frames import words
from triage_lab.replay.synthetic.parameters import DAY, WINDOW_DAYS, WINDOW_START
from triage_lab.replay.synthetic.streams import Ints, chance
from triage_lab.replay.synthetic.vendor.ids import salesforce_ids

OWNERS = 40  # people who look after accounts
MOVED = 0.05  # share of accounts whose owner changed in the window
_FIRST = ("Ana", "Ben", "Chloe", "Dan", "Eva", "Finn", "Gus", "Hana")
_LAST = ("Abel", "Brandt", "Costa", "Dietz", "Engel")


def owner_ids(number: Ints) -> pl.Series:
    """User ids of account owners."""
    return salesforce_ids("005", number % OWNERS + 1)


def owner_names(number: Ints) -> pl.Series:
    """Names of account owners."""
    code = number % OWNERS
    return words(_FIRST, code % len(_FIRST)) + " " + words(_LAST, code // len(_FIRST))


def owner_changes(rng: np.random.Generator, accounts: pl.DataFrame) -> pl.DataFrame:
    """Return changes of owner of a few accounts, all before the owner of today: Id, at, field, old, new."""
    number = accounts["AccountNumber"].str.slice(3).cast(pl.Int64).to_numpy() - 10_000
    moved = np.flatnonzero(chance(rng, MOVED, len(accounts)))
    seconds = WINDOW_START + rng.integers(0, WINDOW_DAYS * DAY, len(moved), dtype=np.int64)
    at = pl.Series("at", seconds * 1_000_000).cast(pl.Datetime("us"))
    now, before = number[moved], number[moved] + 3
    ids = accounts["Id"].gather(pl.Series(moved.astype(np.uint32)))
    pairs = ((owner_names(before), owner_names(now)), (owner_ids(before), owner_ids(now)))
    return pl.concat([_rows(ids, at, "Owner", old, new) for old, new in pairs])


def parent_changes(accounts: pl.DataFrame) -> pl.DataFrame:
    """Return when subsidiaries were hung under their parent, two hours after they were made: as ``owner_changes``."""
    children = accounts.filter(pl.col("ParentId").is_not_null())
    parents = accounts.select(ParentId="Id", parent_name="Name")
    rows = children.join(parents, on="ParentId", how="left", maintain_order="left")
    at = rows.select(pl.col("CreatedDate") + pl.duration(hours=2)).to_series()
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))
    return pl.concat([_rows(rows["Id"], at, "Parent", nothing, rows[new]) for new in ("parent_name", "ParentId")])


def _rows(ids: pl.Series, at: pl.Series, field: str, old: pl.Series, new: pl.Series) -> pl.DataFrame:
    """Rows of a history."""
    return pl.select(Id=ids, at=at, field=pl.lit(field), old=old, new=new)
