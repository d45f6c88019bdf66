"""The demo desk's operations.yaml for any number of tickets, and how a desk grows with its volume."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import groupby

from triage_lab.domain.desk import WEEKDAYS, Agent, Operations, Span, Team
from triage_lab.domain.errors import UsageError
from triage_lab.replay.synthetic.parameters import REFERENCE_TICKETS

# Share of a team's agents that its volume needs at the busiest time of an ordinary week, at the reference size.
# The rest is the safety margin against chance, and only that part grows with the square root.
PEAK_LOAD = 0.88
FULL_TIME = 0.9  # from this need on a single agent works full time
SHORTEST_SHARE = 0.4
FEWEST_TICKETS, MOST_TICKETS = 100, 2_000_000


@dataclass(frozen=True, slots=True)
class Group:
    """Agents of a team with the same skills and shifts; ``agents`` is their number at the reference size.

    Empty ``shifts`` mean the hours of the team's calendar.
    """

    agents: int
    skills: str = ""
    shifts: tuple[Span, ...] = ()


def _week(last_day: int, opens: int, closes: int) -> tuple[Span, ...]:
    """Spans from Monday to a last weekday, in hours of the day."""
    return tuple(Span(day, opens * 60, closes * 60) for day in range(last_day + 1))


BERLIN = (*(Span(day, 480, 1080) for day in range(4)), Span(4, 480, 990))
NEWYORK = _week(4, 8, 19)
SINGAPORE = tuple(span for day in range(5) for span in (Span(day, 510, 750), Span(day, 810, 1080)))
HOURS = {"berlin": BERLIN, "newyork": NEWYORK, "singapore": SINGAPORE, "always": ()}
ROSTER: dict[str, tuple[Group, ...]] = {
    "triage": (Group(2),),
    "support": (Group(1, "", _week(4, 8, 16)), Group(1, "", _week(4, 11, 19))),
    "billing": (Group(2),),
    "collections": (Group(1),),
    "renewal-sme": (Group(2),),
    "legal-ops": (Group(1, "dpa, clauses"), Group(1, "termination"), Group(1, "termination", _week(3, 8, 13))),
    "high-touch": (
        Group(1, "credits", _week(4, 0, 8)),
        Group(1, "credits", _week(4, 7, 15)),
        Group(1, "credits", _week(4, 13, 21)),
    ),
    "technical": (Group(8),),
    "onboarding": (Group(3),),
}
CALENDAR_OF = {
    "triage": "always",
    "support": "newyork",
    "billing": "berlin",
    "collections": "berlin",
    "renewal-sme": "newyork",
    "legal-ops": "berlin",
    "high-touch": "always",
    "technical": "berlin",
    "onboarding": "singapore",
}
DISCIPLINE_OF = {
    "billing": "priority",
    "renewal-sme": "earliest_due",
    "legal-ops": "earliest_due",
    "high-touch": "priority",
    "technical": "priority",
}
NOTES = {
    "triage": "stand-by, day and night: unclear, unknown and escalated tickets",
    "high-touch": "shifts in UTC, one for each zone",
}

HEAD = """\
# The desk of the demo lab: who works when, what is promised, and who may do what.
# It is sized for {tickets:,} tickets in 90 days; `triage-lab demo --tickets N` writes one sized for N.
manual_triage_team: triage
decision_latency: 60s

inboxes:
  billing-mail: {{channel: email, source: helpdesk, intake_owner: triage}}
  support-mail: {{channel: email, source: helpdesk, intake_owner: triage}}
  legal-mail: {{channel: email, source: helpdesk, intake_owner: legal-ops}}
  portal: {{channel: portal, source: helpdesk, intake_owner: triage}}
  chat: {{channel: chat, source: helpdesk, intake_owner: support}}
  phone: {{channel: phone, source: telephony, intake_owner: support}}

calendars: # `always` is built in
  berlin:
    timezone: Europe/Berlin
    hours: {{{berlin}}}
    holidays: {{country: DE, dates: ["2026-12-24", "2026-12-31"]}}
  newyork:
    timezone: America/New_York
    hours: {{{newyork}}}
    holidays: {{country: US}}
  singapore:
    timezone: Asia/Singapore
    hours: {{{singapore}}}
    holidays: {{country: SG}}

teams:
"""
TAIL = """\

sla:
  - {id: first-high, match: "mrr_tier = 'high'", metric: first_action, limit: 3h, calendar: berlin}
  - {id: first-mid, match: "mrr_tier = 'mid'", metric: first_action, limit: 6h, calendar: berlin}
  - {id: first-low, match: "mrr_tier = 'low'", metric: first_action, limit: 10h, calendar: berlin}
  - {id: ack-high, match: "mrr_tier = 'high'", metric: acknowledge, limit: 15m, calendar: always}
  - {id: resolve-high, match: "mrr_tier = 'high'", metric: resolve, limit: 8h, calendar: berlin}
  - {id: resolve-mid, match: "mrr_tier = 'mid'", metric: resolve, limit: 12h, calendar: berlin}
  - {id: resolve-low, match: "mrr_tier = 'low'", metric: resolve, limit: 20h, calendar: berlin}

escalation: # nobody has started by then: the ticket moves
  - {id: esc-high, match: "mrr_tier = 'high'", after: 2h, calendar: berlin, to: high-touch}
  - {id: esc-mid, match: "mrr_tier = 'mid'", after: 7h, calendar: berlin, to: triage}
  - {id: esc-low, match: "mrr_tier = 'low'", after: 12h, calendar: berlin, to: triage}

authorities:
  - {who: triage, may: [override_route, bypass_auto_close]}
  - who: high-touch
    may: [bypass_auto_close, approve_credit, approve_discount]
    up_to: {amount: "5000", currency: EUR}
  - {who: billing, may: [approve_credit], up_to: {amount: "500", currency: EUR}}
  - {who: renewal-sme, may: [approve_discount], up_to: {amount: "2000", currency: EUR}}
  - {who: legal-ops, may: [bypass_auto_close, release_hold]}

templates:
  payment-reminder-1: {file: templates/payment-reminder-1.md, approved_by: billing}
  payment-reminder-2: {file: templates/payment-reminder-2.md, approved_by: null}
  deal-alert: {file: templates/deal-alert.md, approved_by: null}
  legal-handoff: {file: templates/legal-handoff.md, approved_by: null}
  sales-handoff: {file: templates/sales-handoff.md, approved_by: null}

fx:
  - {from: USD, to: EUR, rate: "0.92", valid_from: 2026-01-01}
"""


def needed_agents(agents: int, tickets: int) -> float:
    """Return how many agents the work of ``agents`` needs when ``tickets`` arrive instead of 20,000.

    Parameters
    ----------
    agents : int
        Agents at the reference size of 20,000 tickets in 90 days, at least 1.
    tickets : int
        Tickets in 90 days.

    Notes
    -----
    Square-root staffing: with s = tickets / 20,000 the offered load grows with s, its chance variation with the
    square root of s, so agents · (0.88 s + 0.12 √s).

    Source: W. Whitt, "Understanding the efficiency of multi-server service systems", Management Science 38 (1992).

    Examples
    --------
    >>> round(needed_agents(8, 20_000), 6), round(needed_agents(8, 1_000_000), 2)
    (8.0, 358.79)
    """
    scale = tickets / REFERENCE_TICKETS
    return agents * (PEAK_LOAD * scale + (1 - PEAK_LOAD) * math.sqrt(scale))


def staff(agents: int, hours: tuple[Span, ...], tickets: int) -> tuple[int, tuple[Span, ...]]:
    """Return how many agents a group gets for ``tickets`` tickets, and their weekly spans.

    Parameters
    ----------
    agents : int
        Agents of the group at the reference size.
    hours : tuple of Span
        Their weekly spans; empty = round the clock.
    tickets : int
        Tickets in 90 days.

    Returns
    -------
    count : int
        ``needed_agents``, rounded up unless less than a tenth above a whole number; at least 1.
    spans : tuple of Span
        ``hours``; if less than one agent is needed, one part-time agent whose every span is cut to the needed share
        (at least two fifths, whole quarter hours) from its start.
    """
    needed = needed_agents(agents, tickets)
    if needed >= FULL_TIME or not hours:
        return max(1, math.ceil(round(needed - 0.1, 9))), hours
    share = max(SHORTEST_SHARE, needed)
    return 1, tuple(
        Span(span.weekday, span.start, span.start + max(1, round((span.end - span.start) * share / 15)) * 15)
        for span in hours
    )


def operations_text(tickets: int = REFERENCE_TICKETS) -> str:
    """Return the operations.yaml of the demo desk, staffed for ``tickets`` tickets in 90 days.

    Its parsed form equals ``scaled_operations`` of the parsed form for 20,000, but for the digest.

    Raises
    ------
    UsageError
        ``tickets`` is outside 100 to 2,000,000.

    Examples
    --------
    >>> operations_text(20_000).splitlines()[2]
    'manual_triage_team: triage'
    """
    check_size(tickets)
    hours = {name: _hours_text(spans) for name, spans in HOURS.items()}
    teams = "".join(_team_text(team, groups, tickets) for team, groups in ROSTER.items())
    return HEAD.format(tickets=tickets, **hours) + teams + TAIL


def _team_text(team: str, groups: tuple[Group, ...], tickets: int) -> str:
    """One team as YAML: on one line with a number of agents, or with one line per agent."""
    note = f" # {NOTES[team]}" if team in NOTES else ""
    calendar = CALENDAR_OF[team]
    settings = [f"calendar: {calendar}"]
    settings += [f"discipline: {DISCIPLINE_OF[team]}"] if team in DISCIPLINE_OF else []
    staffed = [(group, *_staffed(group.agents, group.shifts, HOURS[calendar], tickets)) for group in groups]
    if len(staffed) == 1 and not groups[0].skills and not staffed[0][2]:
        return f"  {team}: {{{', '.join(settings)}, agents: {staffed[0][1]}}}{note}\n"
    lines = [f"  {team}:\n", *(f"    {setting}\n" for setting in settings), f"    agents:{note}\n"]
    number = 0
    for group, count, shifts in staffed:
        extra = f", skills: [{group.skills}]" if group.skills else ""
        extra += f", shifts: {{{_hours_text(shifts)}}}" if shifts else ""
        for _ in range(count):
            number += 1
            lines.append(f"      - {{id: {team}-{number}{extra}}}\n")
    return "".join(lines)


def _staffed(
    agents: int, shifts: tuple[Span, ...], calendar: tuple[Span, ...], tickets: int
) -> tuple[int, tuple[Span, ...]]:
    """Number and shifts of a group; shifts stay empty while they are the calendar's hours."""
    count, spans = staff(agents, shifts or calendar, tickets)
    return count, () if not shifts and spans == calendar else spans


def _hours_text(spans: tuple[Span, ...]) -> str:
    """Weekly spans as YAML: ``mon-thu: ["08:00-18:00"], fri: ["08:00-16:30"]``."""
    days: list[tuple[int, list[str]]] = []
    for weekday, group in groupby(spans, key=lambda span: span.weekday):
        days.append((weekday, [f'"{_clock(span.start)}-{_clock(span.end)}"' for span in group]))
    parts = []
    for texts, run in groupby(days, key=lambda day: day[1]):
        weekdays = [WEEKDAYS[weekday] for weekday, _ in run]
        name = weekdays[0] if len(weekdays) == 1 else f"{weekdays[0]}-{weekdays[-1]}"
        parts.append(f"{name}: [{', '.join(texts)}]")
    return ", ".join(parts)


def _clock(minutes: int) -> str:
    """Minutes of the day as HH:MM."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def scaled_operations(operations: Operations, tickets: int) -> Operations:
    """Return the same desk staffed for ``tickets`` tickets in 90 days instead of 20,000.

    Neighbouring agents with equal skills and shifts are one group and scale together (see ``staff``); agents
    are numbered anew as ``team-1``, ``team-2`` …. Everything but the agents stays; the digest is emptied where the
    desk changes, since it would be that of another file.

    Raises
    ------
    UsageError
        ``tickets`` is outside 100 to 2,000,000.
    """
    check_size(tickets)
    if tickets == REFERENCE_TICKETS:
        return operations
    teams = {
        name: _scaled_team(team, operations.calendars[team.calendar].spans, tickets)
        for name, team in operations.teams.items()
    }
    return replace(operations, teams=teams, digest="")


def _scaled_team(team: Team, hours: tuple[Span, ...], tickets: int) -> Team:
    """The team with each of its groups scaled."""
    agents: list[Agent] = []
    for (skills, shifts), group in groupby(team.agents, key=lambda agent: (agent.skills, agent.shifts)):
        count, spans = _staffed(len(list(group)), shifts, hours, tickets)
        agents += [Agent(f"{team.team_id}-{len(agents) + number + 1}", skills, spans) for number in range(count)]
    return replace(team, agents=tuple(agents))


def check_size(tickets: int) -> None:
    """Refuse sizes that the desk is not made for.

    Raises
    ------
    UsageError
        ``tickets`` is outside 100 to 2,000,000.
    """
    if not FEWEST_TICKETS <= tickets <= MOST_TICKETS:
        raise UsageError(
            f"{tickets:,} tickets",
            f"{FEWEST_TICKETS:,} to {MOST_TICKETS:,} tickets",
            "choose another --tickets",
            tickets=tickets,
        )
