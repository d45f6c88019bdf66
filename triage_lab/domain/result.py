"""Result: all that a run found; result.json holds it and every page is a pure function of it.

Frozen dataclasses of plain values, so that pydantic can publish their JSON Schema. Times are ISO 8601
UTC text with a ``Z``; rates are fractions; money is in major units of ``currency``. No wall-clock time and no
duration of the run itself is in here: equal inputs give equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from triage_lab.domain.gate import GateResult
from triage_lab.domain.measure import Comparison, Measure, Metric, Segment
from triage_lab.domain.verdict import Verdict

SCHEMA_VERSION = "1"


@dataclass(frozen=True, slots=True)
class PolicyRef:
    """A policy as far as a report names it; ``history`` has version and digest ''."""

    name: str
    version: str
    stage: str
    digest: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What was scored: half-open window by arrival, cutoff, filter, segments, replications."""

    start: str
    end: str
    cutoff: str
    where: str | None
    by: tuple[str, ...]
    replications: int
    seed: int
    mode: str  # "desk" (queues were simulated) or "routing" (decisions only)
    scored: int
    accounts: int
    without_account: int


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One step of the population flow: ``reason`` and the tickets left out (or left in, for the last)."""

    step: str
    reason: str
    tickets: int


@dataclass(frozen=True, slots=True)
class KpiResult:
    """A launch limit on a metric: ``state`` is a GateState value, or ``not_assessable`` with its reason.

    ``limit`` is in the metric's unit; ``limit_text`` as printed ("≥ 90 %"). ``value`` is the candidate's
    measure, or the difference where the limit is on the change ("no rise").
    """

    kpi_id: str
    title: str
    metric: str
    on: str  # "candidate" or "difference"
    limit: float | None
    limit_text: str
    state: str
    severity: str
    owner: str
    value: Measure | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the five first-screen tiles; ``reason`` says why numbers are missing, if they are."""

    metric: str
    label: str
    comparison: Comparison | None
    kpi: KpiResult | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Harm:
    """A segment that certainly gets worse, largest harm first."""

    label: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class SlaCounts:
    """Met, breached, open and not applicable: four numbers, never two."""

    arm: str
    sla_metric: str
    segment: Segment
    met: int
    breached: int
    open: int
    not_applicable: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Kaplan–Meier curve of one arm: share still waiting after ``minutes`` (ascending)."""

    arm: str
    metric: str
    minutes: tuple[float, ...]
    waiting: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    at_risk: tuple[int, ...]
    median: float | None


@dataclass(frozen=True, slots=True)
class RouteCell:
    """Baseline owner × candidate owner: tickets, and how many more (fewer) are right than before."""

    baseline_owner: str
    candidate_owner: str
    tickets: int
    put_right: int
    put_wrong: int
    truth_unknown: int


@dataclass(frozen=True, slots=True)
class RouteChange:
    """Tickets that one item of the candidate moved from one owner to another, with examples."""

    item_id: str
    baseline_owner: str
    candidate_owner: str
    tickets: int
    put_right: int
    put_wrong: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleUse:
    """How often an item of the candidate fired, won, or was unknown."""

    item_id: str
    kind: str
    when: str
    owner: str
    fired: int
    won: int
    unknown: int


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """A team's average week day by local hour (24 values): agents needed against agents on shift.

    ``demand`` = mean number of agents that the work arriving in the hour needs, ``capacity`` = agents on shift.
    ``wait_minutes`` is the mean wait; ``theory_wait_minutes`` Erlang C at the same load, None where it does not apply.
    """

    arm: str
    team: str
    agents: int
    utilisation: float | None
    wait_minutes: float | None
    theory_wait_minutes: float | None
    demand: tuple[float, ...]
    capacity: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FieldQuality:
    """Enrichment of one field by one source (``*`` = the whole fallback chain)."""

    field: str
    source: str
    coverage: Measure | None
    accuracy: Measure | None
    stale_share: float | None
    lookups: int
    labelled: int


@dataclass(frozen=True, slots=True)
class NotPossible:
    """Something that this run could not measure, and why."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """All that is needed to get the same bytes again."""

    version: str
    data_digest: str
    policy_digest: str
    baseline_digest: str
    operations_digest: str
    seed: int
    as_of_load: int
    tzdata: str
    holidays: str
    sources: tuple[Mapping[str, str], ...]
    audit: tuple[str, ...]
    donors: Mapping[str, int]
    caveats: tuple[str, ...]
    reproduce: str


@dataclass(frozen=True, slots=True)
class Result:
    """Everything a run found."""

    schema_version: str
    kind: str
    run_id: str
    lab: str
    currency: str
    timezone: str
    candidate: PolicyRef
    baseline: PolicyRef
    scope: Scope
    verdict: Verdict
    tiles: tuple[Tile, ...]
    kpis: tuple[KpiResult, ...]
    harms: tuple[Harm, ...]
    comparisons: tuple[Comparison, ...]
    observed: tuple[Measure, ...]
    sla_counts: tuple[SlaCounts, ...]
    curves: tuple[Curve, ...]
    routes: tuple[RouteCell, ...]
    changes: tuple[RouteChange, ...]
    rules: tuple[RuleUse, ...]
    queues: tuple[QueueLoad, ...]
    enrichment: tuple[FieldQuality, ...]
    gates: tuple[GateResult, ...]
    flow: tuple[FlowStep, ...]
    vendor_clocks: Mapping[str, int]
    not_possible: tuple[NotPossible, ...]
    glossary: tuple[Metric, ...]
    provenance: Provenance
    notices: tuple[str, ...] = field(default=())
