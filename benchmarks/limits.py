"""The limits: the shortest programs by hand for the same output, written for one case each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import polars as pl


def decisions(frame: pl.DataFrame, rules: Sequence[tuple[str, str, str]], default: tuple[str, str]) -> pl.DataFrame:
    """Winner, owner, actions and both masks of the twelve rules: conditions once, one pass, names by index."""
    col, category = pl.col, pl.col("category")
    when = [
        col("legal_flag") & category.is_in(["contract", "billing"]),
        (category == "renewal") & (col("mrr") >= 2000),
        category == "renewal",
        (col("overdue_days") > 30) & (col("mrr") >= 1000),
        (col("overdue_days") > 45) & (category == "billing"),
        col("days_to_renewal").is_between(0, 60) & category.is_in(["billing", "contract"]),
        (col("churn_risk") >= 0.7) & col("contract_tier").is_in(["business", "enterprise"]),
        col("mrr").is_null() & (category == "billing"),
        (category == "billing") & ~(col("mrr") < 100),
        (category == "onboarding") & (col("contract_tier") != "basic"),
        (category == "access") & (col("overdue_days") <= 0),
        (category == "technical") & (col("churn_risk") < 0.5),
    ]
    truth = frame.select(rule.alias(str(i)) for i, rule in enumerate(when))
    none, zero = pl.lit(0, dtype=pl.UInt64), pl.lit(len(rules), dtype=pl.UInt32)
    winner, fired, unknown = zero, none, none
    for i in reversed(range(len(when))):
        winner = pl.when(pl.col(str(i))).then(pl.lit(i, dtype=pl.UInt32)).otherwise(winner)
        bit = pl.lit(1 << i, dtype=pl.UInt64)
        fired = fired | pl.when(pl.col(str(i))).then(bit).otherwise(none)
        unknown = unknown | pl.when(pl.col(str(i)).is_null()).then(bit).otherwise(none)
    names, teams = zip(*((name, team) for name, _, team in rules), strict=True)
    sets = [*dict.fromkeys((*teams, default[1]))]
    decided = truth.select(w=winner, fired_0=fired, unknown_0=unknown)
    index = decided["w"]
    by_rule = {
        "rule_id": pl.Series([*names, default[0]], dtype=pl.Enum([*names, default[0]])),
        "outcome": pl.Series(["rule"] * len(rules) + ["default"], dtype=pl.Enum(["rule", "default"])),
        "owner_team": pl.Series([*teams, default[1]], dtype=pl.Enum(sets)),
        "action_set_id": pl.Series([sets.index(team) for team in (*teams, default[1])], dtype=pl.UInt32),
    }
    found = decided.select("fired_0", "unknown_0").with_columns(
        series.gather(index).alias(name) for name, series in by_rule.items()
    )
    empty = {"overridden_rule_id": pl.Enum(names), "priority": pl.Enum(["urgent", "high", "normal", "low"])}
    return found.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in empty.items())


def open_seconds(
    start: np.ndarray, end: np.ndarray, opens: np.ndarray, closes: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """Two binary searches a pair; segments, and that every stamp lies inside them, are given."""
    i, j = np.searchsorted(opens, start, "right") - 1, np.searchsorted(opens, end, "right") - 1
    last = before[j] + np.minimum(end, closes[j]) - opens[j]
    return last - (before[i] + np.minimum(start, closes[i]) - opens[i])


def load_csv(file: Path, base: Path) -> None:
    """A CSV as a table of a new database: types guessed, nothing checked, nothing recorded."""
    base.unlink(missing_ok=True)
    with duckdb.connect(str(base)) as con:
        con.execute(f"CREATE TABLE tickets AS SELECT * FROM read_csv('{file}')")
