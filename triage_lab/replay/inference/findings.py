"""What was inferred from a log: every value with the sentence that says what it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field

from triage_lab.domain.desk import (
    ALWAYS,
    Calendar,
    EscalationWindow,
    HandleTimes,
    Inbox,
    Operations,
    SlaTarget,
    Team,
)

RECORDED, CALLS, ACTIVITY, POOL, GUESS = "recorded", "calls", "activity", "pool", "guess"
"""Where handle times come from: the log's own touch times, lengths of calls, gaps between a person's actions, all
teams together, or nowhere."""


@dataclass(frozen=True, slots=True)
class InferredTeam:
    """A team and its people.

    Parameters
    ----------
    team : Team
        ``agents`` carry shifts unless ``flat``: then their number alone describes them.
    flat : bool
    tickets : int
        Tickets that the team ever owned or resolved.
    people : int
        Distinct people who belong to it.
    utilisation : float or None
        Work that arrived over the time that the agents are on duty; None where there was none to compare.
    evidence : str
    """

    team: Team
    flat: bool
    tickets: int
    people: int
    utilisation: float | None
    evidence: str


@dataclass(frozen=True, slots=True)
class InferredCalendar:
    """Working hours that one or more teams share."""

    calendar: Calendar
    evidence: str


@dataclass(frozen=True, slots=True)
class InferredTimes:
    """A team's handle times; ``method`` is one of recorded, calls, activity, pool, guess."""

    times: HandleTimes
    method: str
    evidence: str

    @property
    def needed(self) -> bool:
        """Whether operations.yaml has to state them: a replay reads recorded times from the tickets themselves."""
        return self.method != RECORDED


@dataclass(frozen=True, slots=True)
class InferredTarget:
    """An SLA target seen in the log."""

    target: SlaTarget
    evidence: str


@dataclass(frozen=True, slots=True)
class InferredWindow:
    """An escalation window seen in the log."""

    window: EscalationWindow
    evidence: str


@dataclass(frozen=True, slots=True)
class InferredInbox:
    """An entrance seen in the log."""

    inbox: Inbox
    evidence: str


@dataclass(frozen=True, slots=True)
class InferredDesk:
    """A desk as a log shows it.

    Parameters
    ----------
    basis : str
        What the whole rests on: tickets, actions, people, days, zone.
    teams : tuple of InferredTeam
        Largest first.
    manual_triage_team, manual_triage_evidence : str
    calendars : tuple of InferredCalendar
        Without the built-in ``always``.
    handle_times : tuple of InferredTimes
        One a team, in the order of ``teams``.
    sla, escalation, inboxes : tuples
    notes : mapping of section to text
        Said where a section is empty or short.
    warnings : tuple of str
        What a person should look at before relying on the file.
    guesses : tuple of str
        Values that nothing in the log supports.
    """

    basis: str
    teams: tuple[InferredTeam, ...]
    manual_triage_team: str
    manual_triage_evidence: str
    calendars: tuple[InferredCalendar, ...]
    handle_times: tuple[InferredTimes, ...]
    sla: tuple[InferredTarget, ...]
    escalation: tuple[InferredWindow, ...]
    inboxes: tuple[InferredInbox, ...]
    notes: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()

    def operations(self) -> Operations:
        """Return the desk as operations that a replay can play; nothing in it is marked as inferred."""
        return Operations(
            teams={item.team.team_id: item.team for item in self.teams},
            manual_triage_team=self.manual_triage_team,
            calendars={
                ALWAYS: Calendar(ALWAYS, always=True),
                **{item.calendar.calendar_id: item.calendar for item in self.calendars},
            },
            inboxes={item.inbox.inbox_id: item.inbox for item in self.inboxes},
            sla=tuple(item.target for item in self.sla),
            escalation=tuple(item.window for item in self.escalation),
            handle_times={item.times.team_id: item.times for item in self.handle_times if item.needed},
        )
