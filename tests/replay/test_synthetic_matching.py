"""The small predicate form that history can be played with."""

from __future__ import annotations

import polars as pl
import pytest

from triage_lab.domain.errors import ConfigError
from triage_lab.replay.synthetic.matching import match_tickets

COLUMNS = {"tier": pl.Series(["high", None, "low", "high"]), "region": pl.Series(["emea", "emea", None, "amer"])}


def test_matches() -> None:
    assert match_tickets(None, COLUMNS, 4, "x").all()
    assert match_tickets("tier = 'high'", COLUMNS, 4, "x").tolist() == [True, False, False, True]
    assert match_tickets("tier = 'high' AND region = 'emea'", COLUMNS, 4, "x").tolist() == [True, False, False, False]
    assert match_tickets("  tier='low'  and region='emea' ", COLUMNS, 4, "x").tolist() == [False] * 4


@pytest.mark.parametrize(
    "text",
    [
        "mrr >= 5000",
        "tier = 'high' OR tier = 'low'",
        "plan = 'x'",
        "",
        "tier = 'a' AND",
        "tier = 'a'; drop",
        "tier IS NULL",
    ],
)
def test_other_forms_are_refused_with_the_columns_that_may_be_read(text: str) -> None:
    with pytest.raises(ConfigError, match="window w") as caught:
        match_tickets(text, COLUMNS, 4, "window w")
    assert "region, tier" in caught.value.expected
