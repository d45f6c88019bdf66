"""A policy as data: ordered rules, exception paths, effects, thresholds, promises and tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from triage_lab.domain.desk import ColumnKind
from triage_lab.domain.enums import Outcome, Priority
from triage_lab.domain.errors import NOWHERE, Place
from triage_lab.domain.predicate import Predicate, Value

ANY = "*"
DEFAULT_ID = "default"
MANUAL_TRIAGE = "manual-triage"


class Stage(StrEnum):
    """How far a policy may act."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"


class ItemKind(StrEnum):
    """The four places an item may stand."""

    OVERRIDE = "override"
    RULE = "rule"
    ALSO = "also"
    DEFAULT = "default"


class OnUnknown(StrEnum):
    """What an override does when its condition is unknown."""

    MANUAL_TRIAGE = "manual_triage"
    NO_MATCH = "no_match"


@dataclass(frozen=True, slots=True)
class Remind:
    """A payment-reminder sequence: ``steps`` reminders, ``every_seconds`` apart."""

    steps: int
    every_seconds: int
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing of ``kind`` happens until ``until``."""

    kind: str
    until: str


@dataclass(frozen=True, slots=True)
class Escalate:
    """Escalation to a team if nobody acted ``after_seconds``."""

    to: str
    after_seconds: int


@dataclass(frozen=True, slots=True)
class Notify:
    """A message to somebody."""

    who: str
    template: str | None = None


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """Regular word to somebody."""

    who: str
    every_seconds: int


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit memo up to ``max`` major units of ``currency``."""

    max: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Actions:
    """What an item does; nothing set = nothing done. ``discount_max_pct`` is in percent."""

    route: str | None = None
    queue: str | None = None
    with_teams: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    priority: Priority | None = None
    reply: str | None = None
    remind: Remind | None = None
    auto_close: bool = False
    pause_auto_close: bool = False
    holds: tuple[Hold, ...] = ()
    soft_holds: tuple[str, ...] = ()
    escalate: Escalate | None = None
    notify: tuple[Notify, ...] = ()
    status_update: tuple[StatusUpdate, ...] = ()
    sync: tuple[str, ...] = ()
    credit: Credit | None = None
    discount_max_pct: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Who answers for an item and where it works; all six fields before it may go live."""

    owner: str | None = None
    source_system: str | None = None
    destination_system: str | None = None
    exception_route: str | None = None
    qa_checkpoint: str | None = None
    reporting_field: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the fields that are not filled in."""
        return tuple(name for name in MANIFEST_FIELDS if getattr(self, name) is None)


MANIFEST_FIELDS = (
    "owner",
    "source_system",
    "destination_system",
    "exception_route",
    "qa_checkpoint",
    "reporting_field",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """An ordinary rule; ``text`` is the condition as written, validity is half-open in the lab's days.

    A column in ``requires`` that is NULL sends the ticket to manual triage, never to the default.
    """

    item_id: str
    when: Predicate
    text: str
    then: Actions
    requires: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    manifest: Manifest = Manifest()
    place: Place = NOWHERE

    @property
    def kind(self) -> ItemKind:
        """``rule``."""
        return ItemKind.RULE


@dataclass(frozen=True, slots=True)
class Override:
    """An exception path over the winners it lists (``*`` = every winner, ``default`` included)."""

    item_id: str
    when: Predicate
    text: str
    then: Actions
    overrides: tuple[str, ...]
    on_unknown: OnUnknown = OnUnknown.MANUAL_TRIAGE
    valid_from: date | None = None
    valid_to: date | None = None
    manifest: Manifest = Manifest()
    place: Place = NOWHERE

    @property
    def kind(self) -> ItemKind:
        """``override``."""
        return ItemKind.OVERRIDE

    def lists(self, winner: str) -> bool:
        """Whether this override may replace that winner."""
        return ANY in self.overrides or winner in self.overrides


@dataclass(frozen=True, slots=True)
class Also:
    """Effects added whenever the condition is true; they never change the owner."""

    item_id: str
    when: Predicate
    text: str
    then: Actions
    valid_from: date | None = None
    valid_to: date | None = None
    manifest: Manifest = Manifest()
    place: Place = NOWHERE

    @property
    def kind(self) -> ItemKind:
        """``also``."""
        return ItemKind.ALSO


Item = Override | Rule | Also


@dataclass(frozen=True, slots=True)
class Default:
    """What happens if no rule wins."""

    then: Actions
    requires: tuple[str, ...] = ()
    manifest: Manifest = Manifest()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class DatedValue:
    """A value in force from a day of the lab's zone on (None = since ever)."""

    valid_from: date | None
    value: Value


@dataclass(frozen=True, slots=True)
class ParamDef:
    """A threshold; ``values`` ascend by date, each in force until the next."""

    name: str
    kind: ColumnKind
    values: tuple[DatedValue, ...]
    unit: str = ""
    place: Place = NOWHERE

    def on(self, day: date) -> Value | None:
        """Return the value in force on a day, None before the first."""
        found: Value | None = None
        for dated in self.values:
            if dated.valid_from is None or dated.valid_from <= day:
                found = dated.value
        return found


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise: a ticket for which ``never`` is true gets none of the ``actions``."""

    invariant_id: str
    never: Predicate
    text: str
    actions: tuple[str, ...]
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a test expects; None = not looked at. ``actions`` in the form of a policy file."""

    rule: str | None = None
    route: str | None = None
    outcome: Outcome | None = None
    priority: Priority | None = None
    actions: Mapping[str, object] = field(default_factory=dict)
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """A test: one ticket (columns not given are NULL), its day of arrival, what is expected."""

    name: str
    ticket: Mapping[str, Value | None]
    expect: Expectation
    arrived_on: date | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Finding:
    """Something legal but probably not meant; ``kind`` is a stable word."""

    kind: str
    item_id: str | None
    message: str
    place: Place = NOWHERE

    def __str__(self) -> str:
        where = str(self.place)
        return f"{where}: {self.message}" if where else self.message


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, resolved: nothing is inherited any more, every name is known, every type agrees."""

    name: str
    version: str
    stage: Stage
    overrides: tuple[Override, ...]
    rules: tuple[Rule, ...]
    also: tuple[Also, ...]
    default: Default
    params: Mapping[str, ParamDef] = field(default_factory=dict)
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    invariants: tuple[Invariant, ...] = ()
    tests: tuple[PolicyCase, ...] = ()
    warnings: tuple[Finding, ...] = ()
    extends: str | None = None
    file: str = ""

    @property
    def items(self) -> tuple[Item, ...]:
        """Overrides, rules and also-items in file order: bit i of the masks is item i."""
        return (*self.overrides, *self.rules, *self.also)

    def dates(self) -> tuple[date, ...]:
        """Return every day on which a threshold or an item changes, ascending."""
        found = {dated.valid_from for param in self.params.values() for dated in param.values}
        for item in self.items:
            found |= {item.valid_from, item.valid_to}
        return tuple(sorted(day for day in found if day is not None))

    def actions(self) -> Iterator[tuple[str, Actions]]:
        """Yield (id, actions) of every item and the default."""
        for item in self.items:
            yield item.item_id, item.then
        yield DEFAULT_ID, self.default.then
