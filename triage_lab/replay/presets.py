"""What vendors mean by an SLA clock: ten knobs with closed vocabularies, and one preset a vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class ClockMetric(StrEnum):
    """What a clock measures; the names of ``sla_instances.metric``."""

    FIRST_ACTION = "first_action"
    NEXT_REPLY = "next_reply"
    ACKNOWLEDGE = "acknowledge"
    REQUESTER_WAIT = "requester_wait"
    AGENT_WORK = "agent_work"
    RESOLVE = "resolve"


class ClockStart(StrEnum):
    """When a clock starts: with the ticket, when the policy was applied, or when the target's own criteria were met."""

    CREATED = "created"
    SLA_APPLIED = "sla_applied"
    CRITERIA_MET = "criteria_met"


class OnTargetChange(StrEnum):
    """What a new target does to a running clock.

    keep_start: the same clock has the new target, and all its time is counted anew under the new target's hours.
    carry_elapsed: the same, but time before the change keeps the old target's hours. restart: the old clock is
    cancelled and a new one starts at the change. backdate: the old one is cancelled, the new one starts where it did.
    """

    KEEP_START = "keep_start"
    RESTART = "restart"
    CARRY_ELAPSED = "carry_elapsed"
    BACKDATE = "backdate"


class Pause(StrEnum):
    """States in which a clock may stand still; ``stopped`` is a flag of its own beside the status."""

    PENDING = "pending"
    HOLD = "hold"
    STOPPED = "stopped"


class FulfilBy(StrEnum):
    """What ends a reply clock; a private note never does."""

    PUBLIC_HUMAN_REPLY = "public_human_reply"
    PUBLIC_HUMAN_REPLY_OR_SOLVE = "public_human_reply_or_solve"
    ANY_OUTBOUND = "any_outbound"
    SOLVE = "solve"


class ReplyCycles(StrEnum):
    """Whether only the first reply has a clock, or each time a customer's oldest message is unanswered."""

    FIRST = "first"
    EACH_OLDEST_UNANSWERED = "each_oldest_unanswered"


class OnReopen(StrEnum):
    """What reopening does to clocks that end when a ticket is solved.

    resume: the same clock goes on, closed time is not counted, and due moves by it where pauses move due.
    extend_by_closed_time: the same, and due moves in any case. new_cycle: a further clock with the whole target.
    ignore: the first end stands.
    """

    RESUME = "resume"
    NEW_CYCLE = "new_cycle"
    EXTEND_BY_CLOSED_TIME = "extend_by_closed_time"
    IGNORE = "ignore"


class CalendarPolicy(StrEnum):
    """Which business hours count where a ticket had several: each for its span, the last, or the one at the start."""

    IN_FORCE = "in_force"
    LAST = "last"
    AT_START = "at_start"


class MergePolicy(StrEnum):
    """Clocks of a merged ticket are cancelled (exclude), or so with their start handed on to the target, or kept."""

    EXCLUDE = "exclude"
    INHERIT_EARLIEST_START = "inherit_earliest_start"
    KEEP = "keep"


class OpenAsOf(StrEnum):
    """When a clock that never ended is breached: once it is due, or only in the end (the vendor writes it then)."""

    BREACHED_WHEN_DUE = "breached_when_due"
    BREACHED_WHEN_ENDED = "breached_when_ended"


@dataclass(frozen=True, slots=True)
class ClockRules:
    """How clocks are kept.

    Parameters
    ----------
    clock_start : ClockStart
    on_target_change : OnTargetChange
    pause_when : tuple of (ClockMetric, frozenset of Pause)
        A metric that is not named never pauses.
    pause_extends_due : bool
        Whether due moves by the time paused; if not, it stays, and only elapsed time leaves pauses out.
    fulfil_by : FulfilBy
    reply_cycles : ReplyCycles
    on_reopen : OnReopen
    calendar_policy : CalendarPolicy
    merge_policy : MergePolicy
    open_as_of : OpenAsOf
    """

    clock_start: ClockStart = ClockStart.CREATED
    on_target_change: OnTargetChange = OnTargetChange.KEEP_START
    pause_when: tuple[tuple[ClockMetric, frozenset[Pause]], ...] = ()
    pause_extends_due: bool = True
    fulfil_by: FulfilBy = FulfilBy.PUBLIC_HUMAN_REPLY
    reply_cycles: ReplyCycles = ReplyCycles.EACH_OLDEST_UNANSWERED
    on_reopen: OnReopen = OnReopen.RESUME
    calendar_policy: CalendarPolicy = CalendarPolicy.IN_FORCE
    merge_policy: MergePolicy = MergePolicy.EXCLUDE
    open_as_of: OpenAsOf = OpenAsOf.BREACHED_WHEN_DUE


@dataclass(frozen=True, slots=True)
class KnobNote:
    """Why a knob stands as it does.

    Parameters
    ----------
    knob : str
        Field of `ClockRules`.
    confirmed : bool
        True if a text of the vendor, or of a public package that reads its data, says so; False for what is generally
        known and may differ in an instance.
    note : str
        What is known, and where it is written.
    """

    knob: str
    confirmed: bool
    note: str


@dataclass(frozen=True, slots=True)
class Preset:
    """A vendor's clocks.

    Parameters
    ----------
    name, title : str
        The title ends in ``-like`` while any knob is not confirmed.
    rules : ClockRules
    notes : tuple of KnobNote
        One for each knob, in the order of the fields.
    """

    name: str
    title: str
    rules: ClockRules
    notes: tuple[KnobNote, ...]


_PENDING, _HOLD, _STOPPED = (
    frozenset({Pause.PENDING}),
    frozenset({Pause.PENDING, Pause.HOLD}),
    frozenset({Pause.STOPPED}),
)

_ZENDESK = Preset(
    "zendesk",
    "Zendesk-like",
    ClockRules(
        pause_when=((ClockMetric.REQUESTER_WAIT, _PENDING), (ClockMetric.AGENT_WORK, _HOLD)),
        fulfil_by=FulfilBy.PUBLIC_HUMAN_REPLY_OR_SOLVE,
        on_reopen=OnReopen.RESUME,
        calendar_policy=CalendarPolicy.LAST,
    ),
    (
        KnobNote("clock_start", True, "Zendesk, About native Support time duration metrics: ticket creation; its SLA "
                 "view may count from when the policy was applied"),
        KnobNote("on_target_change", False, "an apply_sla event carries the new target; that the start is kept is "
                 "general knowledge. A first reply keeps an earlier target that was met before the change "
                 "(dbt_zendesk issue 179)"),
        KnobNote("pause_when", True, "Zendesk, Ticket metric event types: requester wait pauses in pending, agent "
                 "work in pending and on-hold; reply times never pause"),
        KnobNote("pause_extends_due", True, "a target counts the time of its metric, and paused time is none of it"),
        KnobNote("fulfil_by", True, "Zendesk, native time duration metrics: the first public comment of an agent, and "
                 "not the one that opened the ticket; solving without a reply ends the clock (dbt_zendesk)"),
        KnobNote("reply_cycles", True, "Zendesk, Ticket metric events: reply_time has an instance for each unanswered "
                 "comment; instance 1 is first_action, the later ones are next_reply 1, 2 …"),
        KnobNote("on_reopen", False, "Zendesk, Ticket metric event types: a further activate says that a metric is no "
                 "longer fulfilled; that wait and work times stay one instance is general knowledge"),
        KnobNote("calendar_policy", True, "dbt_zendesk, decision log: the vendor's reporting applies the last "
                 "schedule to the whole span; use in_force for hours as they were"),
        KnobNote("merge_policy", False, "merging closes the source ticket; that its clocks end there is general "
                 "knowledge"),
        KnobNote("open_as_of", True, "a breach event is written when the target passes, not when somebody replies"),
    ),
)  # fmt: skip
_SALESFORCE = Preset(
    "salesforce",
    "Salesforce-like",
    ClockRules(
        clock_start=ClockStart.CRITERIA_MET,
        on_target_change=OnTargetChange.RESTART,
        pause_when=tuple((metric, _STOPPED) for metric in ClockMetric),
        fulfil_by=FulfilBy.PUBLIC_HUMAN_REPLY,
        on_reopen=OnReopen.IGNORE,
        calendar_policy=CalendarPolicy.AT_START,
    ),
    (
        KnobNote("clock_start", True, "Salesforce Help, Add a Milestone to an Entitlement Process: milestone criteria "
                 "(or, as an option, the start of the process: use created)"),
        KnobNote("on_target_change", False, "other criteria bring another milestone, which starts when they are met"),
        KnobNote("pause_when", True, "Salesforce, object reference: actual elapsed time = elapsed − stopped time"),
        KnobNote("pause_extends_due", False, "that the target date moves by stopped time is general knowledge"),
        KnobNote("fulfil_by", False, "a milestone is completed by whatever the instance completes it with, by custom "
                 "the first mail out; leaving the process does not complete it"),
        KnobNote("reply_cycles", True, "Salesforce Help, Milestone Recurrence Types: a first response occurs once, an "
                 "independent response time whenever its criteria match"),
        KnobNote("on_reopen", True, "Salesforce Help, Milestone Recurrence Types: without recurrence a milestone "
                 "occurs once"),
        KnobNote("calendar_policy", False, "business hours are copied to the milestone when it starts"),
        KnobNote("merge_policy", False, "merged cases keep no clock of their own"),
        KnobNote("open_as_of", True, "Salesforce Help, 000395083: violated if completion is blank and the target date "
                 "is past; it turns without touching LastModifiedDate"),
    ),
)  # fmt: skip
_SERVICENOW = Preset(
    "servicenow",
    "ServiceNow-like",
    ClockRules(
        clock_start=ClockStart.SLA_APPLIED,
        on_target_change=OnTargetChange.RESTART,
        pause_when=(
            (ClockMetric.RESOLVE, _HOLD),
            (ClockMetric.REQUESTER_WAIT, _HOLD),
            (ClockMetric.AGENT_WORK, _HOLD),
        ),
        fulfil_by=FulfilBy.PUBLIC_HUMAN_REPLY_OR_SOLVE,
        reply_cycles=ReplyCycles.FIRST,
        on_reopen=OnReopen.NEW_CYCLE,
        calendar_policy=CalendarPolicy.AT_START,
    ),
    (
        KnobNote("clock_start", True, "ServiceNow, SLA conditions: a task SLA is attached when its start condition "
                 "matches; retroactive start backdates it (use created)"),
        KnobNote("on_target_change", True, "ServiceNow, SLA conditions: the old SLA is cancelled when its start "
                 "condition no longer matches, a new one starts then; with retroactive start and pause use backdate"),
        KnobNote("pause_when", False, "an SLA has the pause condition that it was given; On Hold and Awaiting are "
                 "customary"),
        KnobNote("pause_extends_due", True, "ServiceNow, KB0550783: the planned end is worked out anew when a pause "
                 "ends, and has no meaning while it lasts (due_at is NULL then)"),
        KnobNote("fulfil_by", False, "a response SLA ends by its stop condition, by custom leaving New: use "
                 "acknowledge"),
        KnobNote("reply_cycles", False, "no SLA on further replies is customary"),
        KnobNote("on_reopen", False, "a start condition that matches again attaches a new task SLA"),
        KnobNote("calendar_policy", False, "a task SLA takes its schedule when it is attached"),
        KnobNote("merge_policy", False, "a duplicate is closed beside its parent"),
        KnobNote("open_as_of", True, "has_breached is written by a job once the planned end has passed, so it may lag"),
    ),
)  # fmt: skip
PRESETS: Mapping[str, Preset] = MappingProxyType({one.name: one for one in (_ZENDESK, _SALESFORCE, _SERVICENOW)})
