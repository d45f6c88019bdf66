"""operations.yaml → domain.Operations: every id resolved, every error with its line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from triage_lab.domain.canonical import digest
from triage_lab.domain.desk import (
    ALWAYS,
    WEEKDAYS,
    Agent,
    Authority,
    Calendar,
    ColumnKind,
    ContextColumn,
    Discipline,
    EscalationWindow,
    FxRate,
    HandleTimes,
    Inbox,
    LookupChain,
    Operations,
    SlaTarget,
    Span,
    Team,
    Template,
)
from triage_lab.domain.documents import Document
from triage_lab.domain.enums import SlaMetric
from triage_lab.domain.errors import ConfigError, Place
from triage_lab.lab.documents import read_document
from triage_lab.lab.fields import Fields, as_day, nearest

_TOP = (
    "version", "manual_triage_team", "decision_latency", "inspection", "inboxes", "calendars", "teams", "sla",
    "escalation", "authorities", "templates", "fx", "context", "handle_times", "enrichment",
)  # fmt: skip
_HOURS = re.compile(r"^([01][0-9]|2[0-4]):([0-5][0-9])-([0-4][0-9]):([0-5][0-9])$")
T = TypeVar("T", SlaTarget, EscalationWindow)
_STATES = ("pending", "hold", "closed", "on_customer", "on_third_party")


def read_operations(path: Path, *, name: str | None = None) -> Operations:
    """Read and validate an operations file.

    Raises
    ------
    ConfigError
        Naming file, line and column, what was found and what is allowed.
    """
    return parse_operations(read_document(path, name=name), path.parent)


def parse_operations(document: Document, base: Path) -> Operations:
    """Validate an operations document; ``base`` is the folder that template paths are relative to."""
    root = Fields.root(document)
    root.only(*_TOP)
    calendars = {ALWAYS: Calendar(ALWAYS, always=True)}
    for name, fields in root.entries("calendars"):
        if name == ALWAYS:
            raise fields.fail(None, "'always' is built in", "another name", "remove or rename this calendar")
        calendars[name] = _calendar(name, fields)
    teams = {name: _team(name, fields, calendars) for name, fields in root.entries("teams", as_logged=True)}
    if not teams:
        raise root.fail("teams" if "teams" in root.data else None, "no team is declared", "teams: at least one")
    operations = Operations(
        teams=teams,
        manual_triage_team=_manual_triage(root, teams),
        calendars=calendars,
        decision_latency_seconds=root.duration("decision_latency", 60),
        inspection_seconds=max(1, root.duration("inspection", 300)),
        inboxes={name: _inbox(name, fields, teams) for name, fields in root.entries("inboxes")},
        sla=_unique("sla", root, [_target(fields, calendars) for fields in root.items("sla")]),
        escalation=_unique("escalation", root, [_window(f, calendars, teams) for f in root.items("escalation")]),
        authorities=tuple(_authority(fields, teams) for fields in root.items("authorities")),
        templates={name: _template(name, fields, base) for name, fields in root.entries("templates")},
        fx=tuple(_fx(fields) for fields in root.items("fx")),
        context={name: _column(name, fields) for name, fields in root.entries("context")},
        handle_times={name: _handle_times(name, f, teams) for name, f in root.entries("handle_times", as_logged=True)},
        enrichment={name: _chain(name, fields) for name, fields in root.entries("enrichment")},
        inferred=_inferred(document.data, ()),
    )
    return replace(operations, digest=_digest(operations))


def _digest(operations: Operations) -> str:
    """SHA-256 of the canonical JSON of all that is played; templates by content hash, inferred marks left out."""
    from dataclasses import asdict

    plain = asdict(operations)
    for key in ("digest", "inferred"):
        plain.pop(key)
    for template in plain["templates"].values():
        template.pop("file")
    for item in (*plain["sla"], *plain["escalation"]):
        item.pop("place")
    return digest(plain)


def _manual_triage(root: Fields, teams: Mapping[str, Team]) -> str:
    """The manual-triage team: named, or the only one."""
    if root.has("manual_triage_team"):
        return _known(root, "manual_triage_team", teams, "team")
    if len(teams) == 1:
        return next(iter(teams))
    raise root.fail(None, "manual_triage_team is missing", "one of " + ", ".join(sorted(teams)), "add the line")


def _known(fields: Fields, key: str, names: Mapping[str, object], what: str, default: str | None = None) -> str:
    """A text that must be a declared name."""
    value = fields.text(key, default)
    if value not in names:
        raise fields.fail(key, f"unknown {what} '{value}'", nearest(value, names), f"declare the {what} first")
    return value


def _unique(key: str, root: Fields, items: list[T]) -> tuple[T, ...]:
    """The items, refused if two share an id."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = item.target_id if isinstance(item, SlaTarget) else item.window_id
        if name in seen:
            place = root.document.source.place(key, index, "id")
            raise ConfigError(f"the {key} id '{name}' stands twice", "each id once", place=place)
        seen.add(name)
    return tuple(items)


def _calendar(name: str, fields: Fields) -> Calendar:
    """A calendar with weekly hours and holidays."""
    fields.only("timezone", "hours", "holidays", "inferred", "evidence")
    zone = fields.text("timezone")
    _check_zone(zone, fields.place("timezone"))
    spans = _spans(fields.mapping("hours", required=True))
    if not spans:
        raise fields.fail("hours", "no hours: the calendar never opens", 'e.g. {mon-fri: ["09:00-17:00"]}')
    holidays = fields.mapping("holidays")
    holidays.only("country", "subdivision", "dates")
    raw = holidays.data.get("dates") or []
    if not isinstance(raw, list):
        raise holidays.fail("dates", "dates is no list", 'e.g. ["2026-12-24"]')
    dates = tuple(sorted(as_day(item, holidays.place("dates", i), "dates") for i, item in enumerate(raw)))
    country = holidays.optional_text("country")
    if country is not None:
        _check_country(country, holidays.optional_text("subdivision"), holidays.place("country"))
    return Calendar(name, zone, spans, False, country, holidays.optional_text("subdivision"), dates)


def _check_zone(zone: str, place: Place) -> None:
    """Refuse what is no IANA zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"unknown time zone '{zone[:60]}'", "an IANA zone, e.g. Europe/Berlin", place=place
        ) from error


def _check_country(country: str, subdivision: str | None, place: Place) -> None:
    """Refuse a holiday calendar that the library does not have."""
    import holidays

    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        raise ConfigError(f"no holidays known for country '{country[:20]}'", nearest(country, known), place=place)
    if subdivision is not None and subdivision not in known[country]:
        found = f"no subdivision '{subdivision[:20]}' in {country}"
        raise ConfigError(found, nearest(subdivision, known[country]), place=place)


def _spans(hours: Fields) -> tuple[Span, ...]:
    """Weekly spans from {mon-thu: ["09:00-13:00", …]}, sorted, not overlapping within a day."""
    out: list[Span] = []
    for key in hours.data:
        for weekday in _weekdays(key, hours):
            for text in hours.strings(key):
                out.append(_span(weekday, text, hours.place(key)))
    out.sort(key=lambda span: (span.weekday, span.start))
    for before, after in pairwise(out):
        if before.weekday == after.weekday and after.start < before.end:
            raise hours.fail(None, f"hours overlap on {WEEKDAYS[before.weekday]}", "spans that do not overlap")
    return tuple(out)


def _weekdays(key: str, hours: Fields) -> list[int]:
    """Weekday numbers of ``mon``, ``mon-thu`` or ``sat-mon``."""
    ends = key.split("-")
    if not 1 <= len(ends) <= 2 or any(end not in WEEKDAYS for end in ends):
        raise hours.fail(key, f"'{key}' is no weekday", "mon, tue, wed, thu, fri, sat, sun, or a range mon-fri")
    first, last = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[-1])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _span(weekday: int, text: str, place: Place) -> Span:
    """One span; an end at or before the start is past midnight."""
    match = _HOURS.match(text)
    if match is None:
        raise ConfigError(f"'{text}' are no hours", 'HH:MM-HH:MM, e.g. "09:00-17:00"', place=place)
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if end == start:
        raise ConfigError(f"'{text}' opens and closes at once", '"00:00-24:00" for the whole day', place=place)
    if end < start:
        end += 1440
    if start >= 1440 or end > start + 1440 or (end > 1440 and int(match[3]) >= 24 and end > 2880):
        raise ConfigError(f"'{text}' are no hours", "at most 24 hours, starting before 24:00", place=place)
    return Span(weekday, start, end)


def _team(name: str, fields: Fields, calendars: Mapping[str, Calendar]) -> Team:
    """A team with a number of agents or a list of them."""
    fields.only("calendar", "agents", "discipline", "concurrency", "inferred", "evidence")
    calendar = _known(fields, "calendar", calendars, "calendar", ALWAYS)
    discipline = Discipline(fields.choice("discipline", tuple(Discipline), Discipline.FIRST_COME))
    return Team(name, calendar, _agents(name, fields), discipline, fields.integer("concurrency", 1, low=1, high=100))


def _agents(team: str, fields: Fields) -> tuple[Agent, ...]:
    """Agents as a number (named team-1 …) or as a list with shifts and skills."""
    value = fields.data.get("agents")
    if isinstance(value, int) and not isinstance(value, bool):
        count = fields.integer("agents", low=1, high=100_000)
        return tuple(Agent(f"{team}-{number}") for number in range(1, count + 1))
    if not isinstance(value, list) or not value:
        odd = (
            "no agents" if value is None or value == [] else f"agents: {str(value)[:40]}, which is no number of people"
        )
        raise fields.fail("agents", f"team '{team}' has {odd}", "a whole number from 1, or a list of {id: …}")
    agents: list[Agent] = []
    for item in fields.items("agents"):
        item.only("id", "skills", "shifts", "inferred", "evidence")
        shifts = _spans(item.mapping("shifts"))
        if "shifts" in item.data and not shifts:
            raise item.fail("shifts", "no shifts: the agent never works", 'e.g. {mon-fri: ["09:00-13:00"]}')
        agents.append(Agent(item.identifier("id"), item.strings("skills"), shifts))
        if any(agent.agent_id == agents[-1].agent_id for agent in agents[:-1]):
            raise item.fail("id", f"agent '{agents[-1].agent_id}' stands twice in team '{team}'", "each agent once")
    return tuple(agents)


def _inbox(name: str, fields: Fields, teams: Mapping[str, Team]) -> Inbox:
    """A declared entrance."""
    fields.only("channel", "source", "intake_owner", "addresses", "inferred", "evidence")
    owner = _known(fields, "intake_owner", teams, "team")
    return Inbox(name, fields.text("channel"), fields.optional_text("source"), owner, fields.strings("addresses"))


def _target(fields: Fields, calendars: Mapping[str, Calendar]) -> SlaTarget:
    """An SLA target; its match is compiled later, by the policy room."""
    fields.only("id", "match", "metric", "limit", "calendar", "pause_when", "fulfil_by", "inferred", "evidence")
    if fields.duration("limit") < 1:
        raise fields.fail("limit", "a limit of zero", "at least 1s")
    for state in fields.strings("pause_when"):
        if state not in _STATES:
            raise fields.fail("pause_when", f"unknown state '{state}'", nearest(state, _STATES))
    return SlaTarget(
        fields.identifier("id"),
        SlaMetric(fields.choice("metric", tuple(SlaMetric))),
        fields.duration("limit"),
        _known(fields, "calendar", calendars, "calendar", ALWAYS),
        fields.optional_text("match"),
        fields.strings("pause_when"),
        fields.choice("fulfil_by", ("human", "any"), "human"),
        fields.place("match"),
    )


def _window(fields: Fields, calendars: Mapping[str, Calendar], teams: Mapping[str, Team]) -> EscalationWindow:
    """An escalation window."""
    fields.only("id", "match", "after", "calendar", "to", "inferred", "evidence")
    if fields.duration("after") < 1:
        raise fields.fail("after", "a window of zero", "at least 1s")
    return EscalationWindow(
        fields.identifier("id"),
        fields.duration("after"),
        _known(fields, "calendar", calendars, "calendar", ALWAYS),
        _known(fields, "to", teams, "team"),
        fields.optional_text("match"),
        fields.place("match"),
    )


def _authority(fields: Fields, teams: Mapping[str, Team]) -> Authority:
    """Who may do what, up to an amount."""
    fields.only("who", "may", "up_to")
    who = fields.text("who")
    people = {**teams, "account-executive": None, "account-owner": None}
    if who not in people:
        raise fields.fail("who", f"unknown team or role '{who}'", nearest(who, people))
    limit = fields.mapping("up_to")
    limit.only("amount", "currency")
    amount = limit.decimal("amount") if limit.has("amount") else None
    return Authority(who, fields.strings("may"), amount, limit.optional_text("currency"))


def _template(name: str, fields: Fields, base: Path) -> Template:
    """A reply text that lies beside the file; its content hash is part of the digest."""
    fields.only("file", "approved_by")
    relative = fields.text("file")
    path = (base / relative).resolve()
    if not path.is_relative_to(base.resolve()):
        raise fields.fail("file", f"'{relative[:80]}' leaves the lab's folder", "a path inside the lab")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise fields.fail("file", f"template file '{relative[:80]}' cannot be read", "an existing file") from error
    return Template(name, relative, hashlib.sha256(content).hexdigest(), fields.optional_text("approved_by"))


def _fx(fields: Fields) -> FxRate:
    """An exchange rate from a day on."""
    fields.only("from", "to", "rate", "valid_from")
    rate = fields.decimal("rate")
    if rate <= 0:
        raise fields.fail("rate", f"a rate of {rate}", "a rate above 0")
    valid_from: date = fields.day("valid_from")
    return FxRate(fields.text("from"), fields.text("to"), rate, valid_from)


def _column(name: str, fields: Fields) -> ContextColumn:
    """A context column that the lab adds."""
    fields.only("type", "unit", "source", "as_of", "nullable", "meaning", "values", "low", "high")
    bounds: dict[str, Decimal | None] = {
        key: fields.decimal(key) if fields.has(key) else None for key in ("low", "high")
    }
    return ContextColumn(
        name,
        ColumnKind(fields.choice("type", tuple(ColumnKind))),
        fields.text("unit", ""),
        fields.boolean("nullable", True),
        fields.text("source"),
        fields.text("as_of"),
        fields.text("meaning", ""),
        fields.strings("values"),
        bounds["low"],
        bounds["high"],
    )


def _handle_times(team: str, fields: Fields, teams: Mapping[str, Team]) -> HandleTimes:
    """The quantile function of a team's touch times."""
    fields.only("quantiles", "donors", "inferred", "evidence")
    if team not in teams:
        raise fields.fail(None, f"unknown team '{team}'", nearest(team, teams), "declare the team first")
    seconds = fields.durations("quantiles")
    if len(seconds) < 2 or seconds[0] < 1 or any(after < before for before, after in pairwise(seconds)):
        raise fields.fail(
            "quantiles", "no quantiles of a time", "two or more durations from 1s, not falling", "e.g. [2m, 6m, 20m]"
        )
    return HandleTimes(team, seconds, fields.integer("donors", 0, low=0, high=10**9))


def _chain(name: str, fields: Fields) -> LookupChain:
    """Systems to ask for a context column, in order."""
    fields.only("sources", "stale_after")
    sources = fields.strings("sources")
    if not sources or len(set(sources)) != len(sources):
        raise fields.fail("sources", "no list of systems, each once", "e.g. [stripe, salesforce]")
    stale = fields.duration("stale_after") if fields.has("stale_after") else None
    return LookupChain(name, sources, stale)


def _inferred(value: object, path: tuple[str, ...]) -> frozenset[str]:
    """Dotted paths of everything marked ``inferred: true``."""
    found: set[str] = set()
    if isinstance(value, Mapping):
        if value.get("inferred") is True:
            found.add(".".join(path))
        for key, item in value.items():
            found |= _inferred(item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found |= _inferred(item, (*path, str(index)))
    return frozenset(found)
