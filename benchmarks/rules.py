"""Twelve rules on tickets in memory: ours with the full trail, the shortest Polars program for it, NumPy select."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from benchmarks import limits
from benchmarks.timing import Goal, Row, compare
from triage_lab import policy
from triage_lab.lab.documents import parse_document

CATEGORIES = ("access", "billing", "contract", "onboarding", "renewal", "technical")
TIERS = ("basic", "pro", "business", "enterprise")
RULES = (
    ("legal", "legal_flag = TRUE AND category IN ('contract', 'billing')", "legal-ops"),
    ("renewal-rich", "category = 'renewal' AND mrr >= 2000", "renewal-sme"),
    ("renewal", "category = 'renewal'", "support"),
    ("overdue-rich", "overdue_days > 30 AND mrr >= 1000", "high-touch"),
    ("overdue", "overdue_days > 45 AND category = 'billing'", "collections"),
    ("window", "days_to_renewal BETWEEN 0 AND 60 AND category IN ('billing', 'contract')", "renewal-sme"),
    ("churning", "churn_risk >= 0.7 AND contract_tier IN ('business', 'enterprise')", "high-touch"),
    ("unpriced", "mrr IS NULL AND category = 'billing'", "triage"),
    ("billing", "category = 'billing' AND NOT (mrr < 100)", "billing"),
    ("onboarding", "category = 'onboarding' AND contract_tier <> 'basic'", "onboarding"),
    ("access-late", "category = 'access' AND overdue_days <= 0", "support"),
    ("technical", "category = 'technical' AND churn_risk < 0.5", "technical"),
)
DEFAULT = ("default", "support")


def tickets(n: int) -> pl.DataFrame:
    """Context of n tickets; a tenth of the facts of the account is unknown."""
    random = np.random.default_rng(20261123)
    known = {
        name: random.random(n) > 0.1 for name in ("mrr", "days_to_renewal", "overdue_days", "churn_risk", "legal_flag")
    }
    frame = pl.DataFrame(
        {
            "category": random.choice(CATEGORIES, n),
            "contract_tier": random.choice(TIERS, n),
            "mrr": np.round(random.lognormal(6, 1.2, n), 2),
            "days_to_renewal": random.integers(-30, 365, n),
            "overdue_days": random.integers(-20, 90, n),
            "churn_risk": np.round(random.random(n), 3),
            "legal_flag": random.random(n) < 0.05,
        },
        schema_overrides={"category": pl.Enum(CATEGORIES), "contract_tier": pl.Enum(TIERS)},
    )
    return frame.with_columns(
        pl.when(pl.Series(name, mask)).then(pl.col(name)).alias(name) for name, mask in known.items()
    )


def ours() -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Our compiled policy."""
    lines = [f'  - {{id: {name}, when: "{when}", then: {{route: {team}}}}}' for name, when, team in RULES]
    text = "\n".join(
        ["policy: bench", 'version: "1"', "stage: draft", "rules:", *lines, "default: {then: {route: support}}"]
    )
    parsed = policy.parse_policy(parse_document(text, "bench.yaml"), policy.read_columns())
    return policy.compile_policy(parsed).decide


def select(columns: dict[str, np.ndarray]) -> np.ndarray:
    """NumPy select on the same facts: the winner's name only, no masks, a missing number compares as false."""
    category, tier = columns["category"], columns["contract_tier"]
    mrr, overdue, churn, renewal = (columns[n] for n in ("mrr", "overdue_days", "churn_risk", "days_to_renewal"))
    billing = category == "billing"
    conditions = [
        columns["legal_flag"] & np.isin(category, ["contract", "billing"]),
        (category == "renewal") & (mrr >= 2000),
        category == "renewal",
        (overdue > 30) & (mrr >= 1000),
        (overdue > 45) & billing,
        (renewal >= 0) & (renewal <= 60) & np.isin(category, ["billing", "contract"]),
        (churn >= 0.7) & np.isin(tier, ["business", "enterprise"]),
        np.isnan(mrr) & billing,
        billing & (mrr >= 100),
        (category == "onboarding") & (tier != "basic"),
        (category == "access") & (overdue <= 0),
        (category == "technical") & (churn < 0.5),
    ]
    return np.select(conditions, [name for name, _, _ in RULES], DEFAULT[0])


def numpy_columns(frame: pl.DataFrame) -> dict[str, np.ndarray]:
    """The facts as NumPy arrays: fixed-width text, floats with NaN."""
    text = {name: frame[name].cast(pl.String).to_numpy().astype("U") for name in ("category", "contract_tier")}
    numbers = ("mrr", "days_to_renewal", "overdue_days", "churn_risk")
    facts = {name: frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in numbers}
    return text | facts | {"legal_flag": frame["legal_flag"].fill_null(False).to_numpy()}


def rows(n: int, repeats: int) -> list[Row]:
    """Both comparisons, after checking that all three say the same."""
    frame, decide = tickets(n), ours()
    columns = numpy_columns(frame)

    def by_hand() -> pl.DataFrame:
        return limits.decisions(frame, RULES, DEFAULT)

    mine, hand, bare = decide(frame), by_hand(), select(columns)
    for name in ("rule_id", "owner_team", "fired_0", "unknown_0"):
        if not (mine[name].cast(pl.String) == hand[name].cast(pl.String)).all():
            raise AssertionError(f"the hand-written program differs in {name}")
    if not (mine["rule_id"].cast(pl.String).to_numpy() == bare).all():
        raise AssertionError("NumPy select differs")
    work = "decisions with full trail, 12 rules"
    return [
        compare(
            work, "limit: Polars by hand, same masks", lambda: decide(frame), by_hand, size=n,
            goal=Goal(1.3, at_most=True), repeats=repeats,
        ),
        compare(
            work, "NumPy select on text, winner only", lambda: decide(frame), lambda: select(columns), size=n,
            goal=Goal(3.0), repeats=repeats,
        ),
    ]  # fmt: skip
