"""The demo desk's operations.yaml for any number of tickets, and how a desk grows with its volume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from triage_lab.domain.desk import Agent, Operations, Team
from triage_lab.domain.errors import UsageError
from triage_lab.replay.synthetic.parameters import REFERENCE_TICKETS

# Share of a team's agents that its volume needs at the busiest time of an ordinary week, at the reference size.
# The rest is the safety margin against chance, and only that part grows with the square root.
PEAK_LOAD = 0.88
FEWEST_TICKETS, MOST_TICKETS = 100, 2_000_000


@dataclass(frozen=True, slots=True)
class Group:
    """Agents of a team with the same skills and shifts; ``agents`` is their number at the reference size."""

    agents: int
    skills: str = ""
    shifts: str = ""


ROSTER: dict[str, tuple[Group, ...]] = {
    "triage": (Group(2),),
    "support": (Group(1, "", 'mon-fri: ["08:00-16:00"]'), Group(1, "", 'mon-fri: ["11:00-19:00"]')),
    "billing": (Group(2),),
    "collections": (Group(1),),
    "renewal-sme": (Group(2),),
    "legal-ops": (
        Group(1, "dpa, clauses"),
        Group(1, "termination"),
        Group(1, "termination", 'mon-thu: ["08:00-13:00"]'),
    ),
    "high-touch": (
        Group(1, "credits", 'mon-fri: ["00:00-08:00"]'),
        Group(1, "credits", 'mon-fri: ["07:00-15:00"]'),
        Group(1, "credits", 'mon-fri: ["13:00-21:00"]'),
    ),
    "technical": (Group(8),),
    "onboarding": (Group(3),),
}
SETTINGS = {
    "triage": "calendar: always",
    "support": "calendar: newyork",
    "billing": "calendar: berlin, discipline: priority",
    "collections": "calendar: berlin",
    "renewal-sme": "calendar: newyork, discipline: earliest_due",
    "legal-ops": "calendar: berlin, discipline: earliest_due",
    "high-touch": "calendar: always, discipline: priority",
    "technical": "calendar: berlin, discipline: priority",
    "onboarding": "calendar: singapore",
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
    hours: {{mon-thu: ["08:00-18:00"], fri: ["08:00-16:30"]}}
    holidays: {{country: DE, dates: ["2026-12-24", "2026-12-31"]}}
  newyork:
    timezone: America/New_York
    hours: {{mon-fri: ["08:00-19:00"]}}
    holidays: {{country: US}}
  singapore:
    timezone: Asia/Singapore
    hours: {{mon-fri: ["08:30-12:30", "13:30-18:00"]}}
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
  - {who: high-touch, may: [bypass_auto_close, approve_credit, approve_discount], up_to: {amount: "5000", currency: EUR}}
  - {who: billing, may: [approve_credit], up_to: {amount: "500", currency: EUR}}
  - {who: renewal-sme, may: [approve_discount], up_to: {amount: "2000", currency: EUR}}
  - {who: legal-ops, may: [bypass_auto_close, release_hold]}

templates:
  payment-reminder-1: {file: templates/payment-reminder-1.md, approved_by: billing}
  payment-reminder-2: {file: templates/payment-reminder-2.md, approved_by: null}
  deal-alert: {file: templates/deal-alert.md, approved_by: null}

fx:
  - {from: USD, to: EUR, rate: "0.92", valid_from: 2026-01-01}
"""


def scaled_count(agents: int, tickets: int) -> int:
    """Return how many agents do the work of ``agents`` when ``tickets`` arrive instead of 20,000.

    Parameters
    ----------
    agents : int
        Agents at the reference size of 20,000 tickets in 90 days, at least 1.
    tickets : int
        Tickets in 90 days.

    Returns
    -------
    int
        At least 1. Weekly hours per agent stay as they are, so the team's weekly hours grow alike.

    Notes
    -----
    Square-root staffing: with s = tickets / 20,000 the offered load grows with s, its chance variation with the
    square root of s, so agents · (0.88 s + 0.12 √s), rounded up unless less than a tenth above a whole number.

    Source: W. Whitt, "Understanding the efficiency of multi-server service systems", Management Science 38 (1992).

    Examples
    --------
    >>> scaled_count(8, 20_000), scaled_count(8, 1_000_000), scaled_count(8, 1_000)
    (8, 359, 1)
    """
    scale = tickets / REFERENCE_TICKETS
    return max(1, math.ceil(round(agents * (PEAK_LOAD * scale + (1 - PEAK_LOAD) * math.sqrt(scale)) - 0.1, 9)))


def operations_text(tickets: int = REFERENCE_TICKETS) -> str:
    """Return the operations.yaml of the demo desk, staffed for ``tickets`` tickets in 90 days.

    Its parsed form equals ``scaled_operations`` of the parsed form for 20,000.

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
    teams = "".join(_team_text(team, groups, tickets) for team, groups in ROSTER.items())
    return HEAD.format(tickets=tickets) + teams + TAIL


def _team_text(team: str, groups: tuple[Group, ...], tickets: int) -> str:
    """One team as YAML: on one line with a number of agents, or with one line per agent."""
    note = f" # {NOTES[team]}" if team in NOTES else ""
    if len(groups) == 1 and not groups[0].skills and not groups[0].shifts:
        count = scaled_count(groups[0].agents, tickets)
        return f"  {team}: {{{SETTINGS[team]}, agents: {count}}}{note}\n"
    lines = [f"  {team}:\n"]
    lines += [f"    {setting}\n" for setting in SETTINGS[team].split(", ")]
    lines.append(f"    agents:{note}\n")
    number = 0
    for group in groups:
        extra = f", skills: [{group.skills}]" if group.skills else ""
        extra += f", shifts: {{{group.shifts}}}" if group.shifts else ""
        for _ in range(scaled_count(group.agents, tickets)):
            number += 1
            lines.append(f"      - {{id: {team}-{number}{extra}}}\n")
    return "".join(lines)


def scaled_operations(operations: Operations, tickets: int) -> Operations:
    """Return the same desk staffed for ``tickets`` tickets in 90 days instead of 20,000.

    Neighbouring agents with equal skills and shifts are one group and scale together (see ``scaled_count``); agents
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
    teams: Mapping[str, Team] = {name: _scaled_team(team, tickets) for name, team in operations.teams.items()}
    return replace(operations, teams=teams, digest="")


def _scaled_team(team: Team, tickets: int) -> Team:
    """The team with each of its groups scaled."""
    agents: list[Agent] = []
    for (skills, shifts), group in groupby(team.agents, key=lambda agent: (agent.skills, agent.shifts)):
        count = scaled_count(len(list(group)), tickets)
        agents += [Agent(f"{team.team_id}-{len(agents) + number + 1}", skills, shifts) for number in range(count)]
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
