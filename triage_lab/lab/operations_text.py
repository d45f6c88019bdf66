"""A desk that was inferred from a log, as the text of an operations.yaml that people can read and correct."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from triage_lab.domain.desk import Agent
from triage_lab.replay.inference import (
    InferredCalendar,
    InferredDesk,
    InferredInbox,
    InferredTarget,
    InferredTeam,
    InferredTimes,
    InferredWindow,
)
from triage_lab.replay.inference.wording import duration, weekly_hours

_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_.@-]*$")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"}
HEAD = """\
# The desk as the log shows it, written by `triage-lab operations propose`.
# Every value below is inferred, with its evidence. Correct what you know better, and remove `inferred: true` there:
# what rests on an inferred value is graded extrapolated."""


def operations_yaml(
    desk: InferredDesk, *, warnings: Sequence[str] = (), templates: Sequence[tuple[str, str]] = ()
) -> str:
    """Write an inferred desk as operations.yaml.

    Parameters
    ----------
    desk : InferredDesk
    warnings : sequence of str
        Said at the top, after the desk's own.
    templates : sequence of (name, file)
        Reply texts that lie in the lab.

    Returns
    -------
    str
        YAML that `triage_lab.lab.operations.read_operations` reads; it ends with a newline.
    """
    sections = [
        _head(desk, warnings),
        [_comment(desk.manual_triage_evidence), f"manual_triage_team: {scalar(desk.manual_triage_team)}"],
        _section("inboxes", desk.notes, (_inbox(item) for item in desk.inboxes)),
        _section("calendars", desk.notes, (_calendar(item) for item in desk.calendars), "`always` is built in"),
        _section("teams", desk.notes, (_team(item) for item in desk.teams)),
        _section("handle_times", _times_note(desk), (_times(item) for item in desk.handle_times if item.needed)),
        _section("sla", desk.notes, (_target(item) for item in desk.sla)),
        _section("escalation", desk.notes, (_window(item) for item in desk.escalation)),
        _section(
            "templates", {}, (_template(*item) for item in templates), "files found in the lab, nobody approved them"
        ),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def scalar(text: str) -> str:
    r"""Write a text so that YAML reads exactly it: plain where that is safe, else in double quotes.

    Examples
    --------
    >>> print(scalar("billing"), scalar("56"), scalar('Büro: "Süd" #1'), scalar("no"))
    billing "56" "Büro: \"Süd\" #1" "no"
    """
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _comment(text: str) -> str:
    """Write a text as a comment that stays on its line."""
    return "# " + " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _head(desk: InferredDesk, warnings: Sequence[str]) -> list[str]:
    """The lines above everything: what it is, what it rests on, what to look at."""
    lines = [*HEAD.splitlines(), _comment(desk.basis)]
    for title, texts in (
        ("Look at first:", (*desk.warnings, *warnings)),
        ("Guesses, not seen in the log:", desk.guesses),
    ):
        if texts:
            lines += ["#", _comment(title), *(_comment(f"- {text}") for text in texts)]
    return lines


def _section(key: str, notes: dict[str, str], items: Iterable[list[str]], title: str = "") -> list[str]:
    """A section with its note; only the note where it is empty, nothing where there is none."""
    lines = [f"  {line}" for item in items for line in item]
    note = notes.get(key, "")
    told = [_comment(note if lines else f"{key}: {note}")] if note else []
    if not lines:
        return told
    return [*told, f"{key}:" + (f" # {title}" if title else ""), *lines]


def _mark(evidence: str) -> list[str]:
    """The lines that mark a value as inferred."""
    return ["  inferred: true", f"  evidence: {json.dumps(evidence, ensure_ascii=not evidence.isprintable())}"]


def _inbox(item: InferredInbox) -> list[str]:
    """An entrance."""
    source = [f"  source: {scalar(item.inbox.source)}"] if item.inbox.source else []
    return [
        f"{scalar(item.inbox.inbox_id)}:",
        f"  channel: {scalar(item.inbox.channel)}",
        *source,
        f"  intake_owner: {scalar(item.inbox.intake_owner)}",
        *_mark(item.evidence),
    ]


def _calendar(item: InferredCalendar) -> list[str]:
    """Working hours and holidays."""
    dates = ", ".join(f'"{date.isoformat()}"' for date in item.calendar.holiday_dates)
    return [
        f"{scalar(item.calendar.calendar_id)}:",
        f"  timezone: {scalar(item.calendar.timezone)}",
        "  hours:",
        *(f"    {days}: {json.dumps(hours)}" for days, hours in weekly_hours(item.calendar.spans).items()),
        *([f"  holidays: {{dates: [{dates}]}}"] if dates else []),
        *_mark(item.evidence),
    ]


def _team(item: InferredTeam) -> list[str]:
    """A team; its agents as a number, or one line an agent."""
    agents = [f"  agents: {len(item.team.agents)}"]
    if not item.flat:
        agents = ["  agents:", *(f"    - {_agent(agent)}" for agent in item.team.agents)]
    return [
        f"{scalar(item.team.team_id)}:",
        f"  calendar: {scalar(item.team.calendar)}",
        *agents,
        *_mark(item.evidence),
    ]


def _agent(agent: Agent) -> str:
    """An agent with shifts, on one line."""
    shifts = ", ".join(f"{days}: {json.dumps(hours)}" for days, hours in weekly_hours(agent.shifts).items())
    return f"{{id: {scalar(agent.agent_id)}" + (f", shifts: {{{shifts}}}}}" if shifts else "}")


def _times(item: InferredTimes) -> list[str]:
    """The quantile function of a team's handle times."""
    quantiles = ", ".join(duration(seconds) for seconds in item.times.quantiles)
    return [
        f"{scalar(item.times.team_id)}:",
        f"  quantiles: [{quantiles}]",
        f"  donors: {item.times.donors}",
        *_mark(item.evidence),
    ]


def _times_note(desk: InferredDesk) -> dict[str, str]:
    """Say for which teams handle times need not be written."""
    recorded = [item for item in desk.handle_times if not item.needed]
    if not recorded:
        return {}
    donors = max(item.times.donors for item in recorded)
    if len(recorded) == len(desk.handle_times):
        return {"handle_times": "none needed, the tickets carry handle_minutes and a replay draws from them"}
    names = ", ".join(item.times.team_id for item in recorded[:12]) + (" and others" if len(recorded) > 12 else "")
    return {"handle_times": f"not needed for {names}: their tickets carry handle_minutes (up to {donors:,} of them)"}


def _target(item: InferredTarget) -> list[str]:
    """An SLA target."""
    target = item.target
    return _listed(
        f"id: {scalar(target.target_id)}",
        *([f"match: {json.dumps(target.match, ensure_ascii=False)}"] if target.match else []),
        f"metric: {target.metric.value}",
        f"limit: {duration(target.limit_seconds)}",
        f"calendar: {scalar(target.calendar)}",
        *(line.strip() for line in _mark(item.evidence)),
    )


def _window(item: InferredWindow) -> list[str]:
    """An escalation window."""
    window = item.window
    return _listed(
        f"id: {scalar(window.window_id)}",
        *([f"match: {json.dumps(window.match, ensure_ascii=False)}"] if window.match else []),
        f"after: {duration(window.after_seconds)}",
        f"calendar: {scalar(window.calendar)}",
        f"to: {scalar(window.to)}",
        *(line.strip() for line in _mark(item.evidence)),
    )


def _listed(first: str, *others: str) -> list[str]:
    """A list item over several lines."""
    return [f"- {first}", *(f"  {line}" for line in others)]


def _template(name: str, file: str) -> list[str]:
    """A reply text."""
    return [f"{scalar(name)}: {{file: {json.dumps(file, ensure_ascii=False)}, approved_by: null}}"]
