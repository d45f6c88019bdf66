"""The closed word lists that tables, YAML, Python and reports share."""

from __future__ import annotations

from enum import StrEnum


class Arm(StrEnum):
    """Where a record came from."""

    OBSERVED = "observed"
    BASELINE = "baseline"
    CANDIDATE = "candidate"
    LIVE = "live"


class Outcome(StrEnum):
    """How a policy reached its decision."""

    RULE = "rule"
    OVERRIDE = "override"
    DEFAULT = "default"
    MANUAL_UNKNOWN = "manual_unknown"
    MANUAL_REQUIRES = "manual_requires"


class Priority(StrEnum):
    """Priorities, most urgent first; the position is the lane in a priority queue."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class SlaMetric(StrEnum):
    """What an SLA target promises."""

    FIRST_ACTION = "first_action"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class SlaState(StrEnum):
    """State of one SLA clock at the cutoff."""

    MET = "met"
    BREACHED = "breached"
    OPEN = "open"
    NOT_APPLICABLE = "not_applicable"


class Grade(StrEnum):
    """Evidence grades, strongest first; the weakest input decides."""

    OBSERVED = "observed"
    REPLAYED = "replayed"
    SIMULATED = "simulated"
    EXTRAPOLATED = "extrapolated"

    @property
    def pips(self) -> int:
        """Number of filled pips on a report, 4 (observed) to 1 (extrapolated)."""
        return _PIPS[self]


_PIPS = {grade: 4 - place for place, grade in enumerate(Grade)}


def weakest(*grades: Grade) -> Grade:
    """Return the weakest of the grades; a number is never stronger than its weakest input."""
    return min(grades, key=lambda grade: grade.pips)


class Flag(StrEnum):
    """Warnings that travel with a measure."""

    FEW_ACCOUNTS = "few_accounts"
    IMMATURE = "immature"
    NO_SUPPORT = "no_support"
    LOOKAHEAD = "lookahead"
    NOT_CALIBRATED = "not_calibrated"
    INTERFERENCE = "interference"
    NAIVE_INTERVAL = "naive_interval"
    NOT_REACHED = "not_reached"


class Severity(StrEnum):
    """How much a gate weighs."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class GateState(StrEnum):
    """What a gate found; a skipped gate is never a pass, an engine error is never a fail."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"


class ItemState(StrEnum):
    """State of one item of the launch checklist."""

    GREEN = "green"
    RED = "red"
    MISSING = "missing"


class VerdictWord(StrEnum):
    """The three words a verdict may use."""

    GO = "GO"
    NO_GO = "NO-GO"
    NOT_ENOUGH_EVIDENCE = "NOT ENOUGH EVIDENCE"


class Better(StrEnum):
    """In which direction a metric improves."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Change(StrEnum):
    """What a difference with its interval allows one to say."""

    BETTER = "better"
    WORSE = "worse"
    NOT_SHOWN = "not_shown"
