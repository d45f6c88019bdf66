"""Numbers and how far they may be trusted: Tally, Measure, Comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from triage_lab.domain.enums import Better, Change, Flag, Grade

Segment = Mapping[str, str]
OVERALL: Segment = {}


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the catalogue.

    ``unit``: ``fraction``, ``minutes``, ``tickets``, ``per_ticket`` or ``money``. ``denominator`` and ``open_rule``
    are sentences for the glossary; ``ceiling`` is the strongest grade a replay can give;
    ``statistic`` is ``rate``, ``mean``, ``median``, ``p90`` or ``total``.
    """

    name: str
    label: str
    unit: str
    better: Better
    statistic: str
    denominator: str
    open_rule: str
    ceiling: Grade
    definition: str


@dataclass(frozen=True, slots=True)
class Tally:
    """One row of a tally: per metric, segment and account, what was counted; no interval, no grade.

    In bulk a Polars frame: metric String, segment String (canonical JSON), cluster String,
    numerator Float64, denominator Float64 (rates, means and totals: totals have denominator = tickets).
    """

    metric: str
    segment: str
    cluster: str
    numerator: float
    denominator: float


@dataclass(frozen=True, slots=True)
class Measure:
    """A number on a report; only ``evidence`` builds it, never without a grade.

    Parameters
    ----------
    metric, arm, scenario : str
        ``arm`` is an arm or ``difference`` (candidate − baseline).
    segment : mapping
        ``{}`` overall, else column → value.
    value, low, high : float or None
        Rates as fractions; 95 % interval; None with an empty denominator or where none can be given.
    n : int
        Denominator (tickets, lookups …).
    accounts : int
        Clusters behind it.
    effective_accounts : float or None
        G*, the effective number of accounts.
    simulation_error : float or None
        Standard error over replications, already part of the interval.
    unit : str
    grade : Grade
    flags : tuple of Flag
    """

    metric: str
    arm: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    accounts: int
    unit: str
    grade: Grade
    segment: Segment = field(default_factory=dict)
    scenario: str = "base"
    effective_accounts: float | None = None
    simulation_error: float | None = None
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Baseline, candidate and their paired difference for one metric and segment."""

    metric: str
    segment: Segment
    baseline: Measure | None
    candidate: Measure | None
    difference: Measure | None
    better: Better
    change: Change
