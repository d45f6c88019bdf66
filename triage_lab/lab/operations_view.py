"""What operations.yaml says, laid out for people: who is on duty when, how long work takes, what is promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from triage_lab.domain.desk import ALWAYS, Calendar, HandleTimes, Operations, SlaTarget, Span, Team
from triage_lab.domain.errors import ConfigError, Place
from triage_lab.lab.config import Config
from triage_lab.lab.documents import read_document
from triage_lab.lab.operations import parse_operations
from triage_lab.lab.policies import shown
from triage_lab.replay.inference.hours import open_minutes
from triage_lab.replay.inference.wording import duration, hours_text

Week = tuple[tuple[float, ...], ...]
"""People on duty: seven weekdays from Monday, 24 hours each; a fraction where somebody is there part of the hour."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whether a value is inferred, and the evidence written beside it."""

    inferred: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class TeamView:
    """A team.

    Parameters
    ----------
    name : str
    manual_triage : bool
    calendar, timezone, hours : str
        ``hours`` in words, e.g. ``mon-fri 08:00-18:00``.
    agents, concurrency : int
    discipline : str
    on_duty : Week
        In the calendar's zone, holidays left out.
    quartiles : tuple of int, or None
        Declared handle seconds at 25, 50 and 75 %; None = from the tickets' own handle_minutes.
    donors : int
        Tickets that the handle times rest on.
    origin, handle_origin : Origin
    """

    name: str
    manual_triage: bool
    calendar: str
    timezone: str
    hours: str
    agents: int
    concurrency: int
    discipline: str
    on_duty: Week
    quartiles: tuple[int, int, int] | None
    donors: int
    origin: Origin
    handle_origin: Origin


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar: hours and holidays in words, and the teams that keep it."""

    name: str
    timezone: str
    hours: str
    holidays: str
    teams: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class LineView:
    """A target, window or inbox in one line: its id and what it says."""

    name: str
    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class OperationsView:
    """Everything that ``operations show`` draws; ``inferred`` counts the values marked so."""

    file: str
    teams: tuple[TeamView, ...]
    calendars: tuple[CalendarView, ...]
    sla: tuple[LineView, ...]
    escalation: tuple[LineView, ...]
    inboxes: tuple[LineView, ...]
    inferred: int


def show(config: Config) -> OperationsView:
    """Return the lab's operations as they can be drawn.

    Raises
    ------
    ConfigError
        There is no operations file, or it is refused.
    """
    path: Path = config.operations
    name = shown(config, path)
    if not path.exists():
        raise ConfigError(
            "no operations file", "teams and their agents", "triage-lab operations propose", place=Place(name)
        )
    document = read_document(path, name=name)
    return view(parse_operations(document, path.parent), document.data, file=name)


def view(operations: Operations, data: Mapping[str, object], *, file: str = "") -> OperationsView:
    """Lay operations out.

    Parameters
    ----------
    operations : Operations
    data : mapping
        The document that they were read from; only ``inferred`` and ``evidence`` are taken from it.
    file : str
        Name of the file.
    """
    return OperationsView(
        file=file,
        teams=tuple(_team(team, operations, data) for team in operations.teams.values()),
        calendars=tuple(
            _calendar(calendar, operations, data)
            for calendar in operations.calendars.values()
            if calendar.calendar_id != ALWAYS or any(team.calendar == ALWAYS for team in operations.teams.values())
        ),
        sla=tuple(
            LineView(target.target_id, _target_text(target), _origin(data, "sla", index))
            for index, target in enumerate(operations.sla)
        ),
        escalation=tuple(
            LineView(
                window.window_id,
                f"{_who(window.match)} nobody started after {duration(window.after_seconds)} ({window.calendar})"
                f" goes to {window.to}",
                _origin(data, "escalation", index),
            )
            for index, window in enumerate(operations.escalation)
        ),
        inboxes=tuple(
            LineView(
                inbox.inbox_id,
                f"{inbox.channel}{f' from {inbox.source}' if inbox.source else ''}, {inbox.intake_owner} owns it first",
                _origin(data, "inboxes", inbox.inbox_id),
            )
            for inbox in operations.inboxes.values()
        ),
        inferred=len(operations.inferred),
    )


def _origin(data: Mapping[str, object], section: str, key: str | int) -> Origin:
    """The marks that stand beside a value."""
    group = data.get(section)
    item: object = None
    if isinstance(group, Mapping):
        item = group.get(key)
    elif isinstance(group, list) and isinstance(key, int) and key < len(group):
        item = group[key]
    if not isinstance(item, Mapping):
        return Origin(False, "")
    evidence = item.get("evidence")
    return Origin(item.get("inferred") is True, evidence if isinstance(evidence, str) else "")


def _team(team: Team, operations: Operations, data: Mapping[str, object]) -> TeamView:
    """Lay a team out."""
    calendar = operations.calendars[team.calendar]
    times = operations.handle_times.get(team.team_id)
    return TeamView(
        name=team.team_id,
        manual_triage=team.team_id == operations.manual_triage_team,
        calendar=team.calendar,
        timezone=calendar.timezone,
        hours=_hours(calendar),
        agents=len(team.agents),
        concurrency=team.concurrency,
        discipline=team.discipline.value,
        on_duty=on_duty(team, calendar),
        quartiles=None if times is None else quartiles(times),
        donors=0 if times is None else times.donors,
        origin=_origin(data, "teams", team.team_id),
        handle_origin=_origin(data, "handle_times", team.team_id),
    )


def on_duty(team: Team, calendar: Calendar) -> Week:
    """Count the people of a team on duty in each hour of an ordinary week.

    Parameters
    ----------
    team : Team
    calendar : Calendar
        The team's.

    Returns
    -------
    Week
        Shifts replace the calendar's hours; a span past midnight reaches into the next day, on Sunday into Monday.
    """
    minutes = [0] * (7 * 24)
    for agent in team.agents:
        spans: tuple[Span, ...] = agent.shifts or calendar.spans
        for hour, worked in enumerate(open_minutes(spans).reshape(-1, 60).sum(axis=1).tolist()):
            minutes[hour] += worked
    return tuple(tuple(minutes[day * 24 + hour] / 60 for hour in range(24)) for day in range(7))


def quartiles(times: HandleTimes) -> tuple[int, int, int]:
    """Return handle seconds at 25, 50 and 75 % of a quantile function that is linear between its knots."""
    steps = len(times.quantiles) - 1
    found = []
    for quarter in (1, 2, 3):
        knot, rest = divmod(quarter * steps, 4)
        low, high = times.quantiles[knot], times.quantiles[min(knot + 1, steps)]
        found.append(low + ((high - low) * rest * 2 + 4) // 8)
    return found[0], found[1], found[2]


def _hours(calendar: Calendar) -> str:
    """Weekly hours in words."""
    return "round the clock" if calendar.always else hours_text(calendar.spans)


def _calendar(calendar: Calendar, operations: Operations, data: Mapping[str, object]) -> CalendarView:
    """Lay a calendar out."""
    country = "-".join(part for part in (calendar.holiday_country, calendar.holiday_subdivision) if part)
    dates = [date.isoformat() for date in calendar.holiday_dates]
    return CalendarView(
        calendar.calendar_id,
        calendar.timezone,
        _hours(calendar),
        ", ".join([*([country] if country else []), *dates]),
        tuple(team.team_id for team in operations.teams.values() if team.calendar == calendar.calendar_id),
        _origin(data, "calendars", calendar.calendar_id),
    )


def _who(match: str | None) -> str:
    """The tickets that a target or window is for."""
    return "what" if match is None else f"if {match}, what"


def _target_text(target: SlaTarget) -> str:
    """A promise in one line."""
    who = "every ticket" if target.match is None else f"if {target.match}"
    return f"{who}: {target.metric.value} within {duration(target.limit_seconds)} of {target.calendar} time"
