"""The desk: teams, agents, calendars, promises and powers, as operations.yaml declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from triage_lab.domain.enums import SlaMetric
from triage_lab.domain.errors import NOWHERE, Place

ALWAYS = "always"
LONGEST_NAME = 100
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_name(text: str) -> bool:
    """Whether a text may name a team: ticket systems call them "Group 56" or "Büro Süd"."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and text == text.strip()


class Discipline(StrEnum):
    """In which order a team serves its queue."""

    FIRST_COME = "first_come"
    PRIORITY = "priority"
    EARLIEST_DUE = "earliest_due"


@dataclass(frozen=True, slots=True)
class Span:
    """A local opening span of a weekday, half-open, in minutes from local midnight.

    ``weekday`` counts from Monday = 0. ``end`` may exceed 1440 for a span past midnight, which
    belongs to the day it starts on (so a holiday on that day removes it whole).
    """

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people work: weekly local spans, less holidays.

    ``spans`` empty together with ``always`` true means round the clock.
    ``holiday_country``/``holiday_subdivision`` name a public calendar of the holidays library;
    ``holiday_dates`` adds single local dates.
    """

    calendar_id: str
    timezone: str = "UTC"
    spans: tuple[Span, ...] = ()
    always: bool = False
    holiday_country: str | None = None
    holiday_subdivision: str | None = None
    holiday_dates: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """A server; ``shifts`` are local spans in the team calendar's zone, empty = the team's hours."""

    agent_id: str
    skills: tuple[str, ...] = ()
    shifts: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    """A queue and the people who serve it; each agent works on ``concurrency`` tickets at a time."""

    team_id: str
    calendar: str
    agents: tuple[Agent, ...]
    discipline: Discipline = Discipline.FIRST_COME
    concurrency: int = 1


@dataclass(frozen=True, slots=True)
class SlaTarget:
    """A promise: ``metric`` within ``limit_seconds`` of ``calendar`` time, for tickets that ``match``.

    ``match`` is predicate text over context columns (None = every ticket). Within one metric the
    first target in file order that matches a ticket applies. ``fulfil_by`` is ``human`` or ``any``.
    """

    target_id: str
    metric: SlaMetric
    limit_seconds: int
    calendar: str
    match: str | None = None
    pause_when: tuple[str, ...] = ()
    fulfil_by: str = "human"
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class EscalationWindow:
    """If nobody has started on a matching ticket ``after_seconds`` past arrival, it moves to ``to``."""

    window_id: str
    after_seconds: int
    calendar: str
    to: str
    match: str | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Authority:
    """Who may take which actions, up to an amount (major units)."""

    who: str
    may: tuple[str, ...]
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Inbox:
    """A declared entrance; ``intake_owner`` owns a ticket until it has been routed.

    ``addresses`` are other names under which logs know it, such as ``billing@acme.com``.
    """

    inbox_id: str
    channel: str
    source: str | None
    intake_owner: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A reply text by content hash; an unapproved one never fulfils an SLA."""

    template_id: str
    file: str
    content_sha256: str
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class FxRate:
    """Exchange rate in force from a date on: 1 unit of ``source`` is ``rate`` units of ``target``."""

    source: str
    target: str
    rate: Decimal
    valid_from: date


@dataclass(frozen=True, slots=True)
class HandleTimes:
    """How long a team works on a ticket, where no ticket tells: its quantile function.

    ``quantiles`` are whole seconds at equal steps of probability from 0 to 1 (at least two, not falling); between
    them the function is linear. ``donors`` is the number of tickets it was read from (0 = declared, not read).
    """

    team_id: str
    quantiles: tuple[int, ...]
    donors: int = 0


@dataclass(frozen=True, slots=True)
class LookupChain:
    """Which systems are asked for a context column, in order, until one answers.

    ``sources`` name systems as they were given at ingest; ``stale_after_seconds`` is the age of a value from which it
    counts as stale (it is used all the same, and counted); None = never.
    """

    field: str
    sources: tuple[str, ...]
    stale_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Operations:
    """Everything operations.yaml says, validated; ids are unique and references resolve.

    ``calendars`` always holds ``always``. ``digest`` is the operations digest (64 hex digits).
    ``inspection_seconds`` is the time an agent needs to see that a ticket belongs elsewhere.
    """

    teams: Mapping[str, Team]
    manual_triage_team: str
    calendars: Mapping[str, Calendar]
    decision_latency_seconds: int = 60
    inspection_seconds: int = 300
    inboxes: Mapping[str, Inbox] = field(default_factory=dict)
    sla: tuple[SlaTarget, ...] = ()
    escalation: tuple[EscalationWindow, ...] = ()
    authorities: tuple[Authority, ...] = ()
    templates: Mapping[str, Template] = field(default_factory=dict)
    fx: tuple[FxRate, ...] = ()
    context: Mapping[str, ContextColumn] = field(default_factory=dict)
    handle_times: Mapping[str, HandleTimes] = field(default_factory=dict)
    enrichment: Mapping[str, LookupChain] = field(default_factory=dict)
    inferred: frozenset[str] = frozenset()
    digest: str = ""


class ColumnKind(StrEnum):
    """Types a context column may have; money is ``decimal`` in major units of the lab's currency."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class ContextColumn:
    """A column that a rule may read, as known at arrival.

    ``source`` = canonical table and column it comes from; ``as_of`` = the column that dates the
    fact (``created_at`` for what the ticket itself said, ``valid_from`` for dimensions, or
    ``assume_static``, which lowers the grade). ``values`` closes a text domain if given; ``low``
    and ``high`` bound a numeric one.
    """

    name: str
    kind: ColumnKind
    unit: str
    nullable: bool
    source: str
    as_of: str
    meaning: str = ""
    values: tuple[str, ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
