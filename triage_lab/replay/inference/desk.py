"""From a log to a desk: teams, people, hours, handle times, promises; every value with what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from triage_lab.domain.desk import ALWAYS, Agent, Calendar, Team
from triage_lab.replay.calendars import ROUND_THE_CLOCK
from triage_lab.replay.inference.activity import ONLY_TEAM, Log, read_log
from triage_lab.replay.inference.entrances import infer_inboxes
from triage_lab.replay.inference.findings import (
    GUESS,
    POOL,
    InferredCalendar,
    InferredDesk,
    InferredTeam,
    InferredTimes,
)
from triage_lab.replay.inference.holidays import quiet_dates
from triage_lab.replay.inference.hours import (
    FEW,
    Hours,
    are_dates,
    hours_evidence,
    local_times,
    share_calendars,
    team_hours,
    week_counts,
)
from triage_lab.replay.inference.presence import (
    Window,
    choose_window,
    dense_days,
    home_teams,
    presence,
    quietest,
    sessions,
    with_usual_hours,
)
from triage_lab.replay.inference.shifts import Roster, build_roster, open_seconds
from triage_lab.replay.inference.targets import infer_targets
from triage_lab.replay.inference.teams import Volumes, agent_prefixes, manual_triage, team_volumes
from triage_lab.replay.inference.touch import find_donors, mean_seconds, team_times
from triage_lab.replay.inference.windows import infer_windows
from triage_lab.replay.inference.wording import count, day, length, percent

BUSY = 0.95
"""Utilisation above which a queue grows without end in a replay."""
GUESSED_LOAD = 0.85
"""Utilisation for which agents are guessed where the log names no people."""
TIRELESS, TIRELESS_DAYS = 16, 5
"""Hours of a usual day in which a person acts, and days, from which it is a robot or a shared account."""
WEEK, MOST_LISTED = 7, 10


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """What the log shows of people, in local time.

    ``acts``: actions of known people with their team filled in; ``human``: those that hours are read from; ``dates``:
    the times are dates only.
    """

    acts: pl.DataFrame
    human: pl.DataFrame
    homes: pl.DataFrame
    dates: bool

    @property
    def known(self) -> bool:
        """Whether the log names people."""
        return self.homes.height > 0


@dataclass(frozen=True, slots=True, eq=False)
class _Hours:
    """Calendars of the desk: name and hours of each team, the calendars, and the sentence of each."""

    names: list[str]
    of_team: list[Hours]
    calendars: dict[str, Calendar]
    found: tuple[InferredCalendar, ...]
    warnings: tuple[str, ...]


def infer_desk(
    tickets: pl.DataFrame,
    events: pl.DataFrame,
    sla: pl.DataFrame,
    signals: pl.DataFrame,
    *,
    timezone: str,
    cutoff: int,
) -> InferredDesk:
    """Infer a desk from a log.

    Parameters
    ----------
    tickets, events, sla, signals : polars.DataFrame
        The canonical tables tickets, ticket_events, sla_instances, signals; times are UTC without zone. Missing
        columns count as NULL, and all but ``tickets`` may be empty.
    timezone : str
        IANA zone in which hours are written; it is not guessed.
    cutoff : int, UTC seconds
        What happened later is not looked at.

    Returns
    -------
    InferredDesk
        At least one team, each with at least one agent, an open calendar and handle times.

    Raises
    ------
    ReplayError
        No ticket arrived by the cutoff, or a column has the wrong type.

    Notes
    -----
    Hours are the shortest that hold 98 % of what people did. Agents are the median over the weeks of the people present
    by weekday and half hour (a person is present from the first to the last action of a stretch without a gap of six
    hours), over the last eight weeks before the log runs dry. Nothing is added to make a desk that keeps pace: where
    more work arrives than the agents can do, a warning says so.
    """
    log = read_log(tickets, events, cutoff)
    volumes = team_volumes(log)
    people = _people(log, timezone)
    hours = _hours(log, people, timezone)
    intake, why = manual_triage(log, volumes)
    acting = people.acts.filter(pl.col("team").is_not_null())
    of_team = [hours.calendars[name] for name in hours.names]
    found = find_donors(log.tickets, acting.clear() if people.dates else acting, of_team)
    times = team_times(log.teams, found)
    window = _window(log, people, timezone)
    teams, overloads = _teams(log, volumes, people, hours, window, times, timezone)
    offered = _offered(hours, volumes)
    targets, target_note = infer_targets(sla, log.tickets, offered)
    windows, window_note = infer_windows(log, offered, cutoff)
    inboxes, inbox_note = infer_inboxes(log, signals, intake)
    return InferredDesk(
        basis=_basis(log, people, window, timezone),
        teams=tuple(teams[number] for number in volumes.order),
        manual_triage_team=log.teams[intake],
        manual_triage_evidence=why,
        calendars=hours.found,
        handle_times=tuple(times[number] for number in volumes.order),
        sla=targets,
        escalation=windows,
        inboxes=inboxes,
        notes={"sla": target_note, "escalation": window_note, "inboxes": inbox_note},
        warnings=(
            *_log_warnings(log, people),
            *hours.warnings,
            *(one.warning for one in found if one.warning),
            *overloads,
        ),
        guesses=tuple(_guesses(people, times)),
    )


def _people(log: Log, zone: str) -> _People:
    """Split what people did from what nobody can be named for, and find everybody's team."""
    homes = home_teams(log.actions)
    local = local_times(log.actions, zone)
    acts = (
        local.filter(pl.col("person").is_not_null())
        .join(homes, on="person", how="left", maintain_order="left")
        .with_columns(team=pl.coalesce("team", "home", "left"))
    )
    human = acts if acts.height >= FEW else local
    return _People(acts, human, homes, are_dates(human))


def _window(log: Log, people: _People, zone: str) -> Window:
    """Choose the days that rosters are read from."""
    days = people.human["day"] if people.human.height else _arrival_days(log, zone)
    return choose_window(days)


def _arrival_days(log: Log, zone: str) -> pl.Series:
    """Return the local day of each arrival."""
    return local_times(log.tickets.select(at="created"), zone)["day"]


def _hours(log: Log, people: _People, zone: str) -> _Hours:
    """Find the hours of every team and let teams share calendars."""
    human = people.human.clear() if people.dates else people.human
    counts = week_counts(human, len(log.teams))
    of_team = team_hours(counts)
    names, calendars = share_calendars(of_team, counts, zone)
    warnings = []
    found = []
    for calendar in calendars:
        keeping = [number for number, name in enumerate(names) if name == calendar.calendar_id]
        dates, gaps = _holidays(human, keeping, calendar)
        if gaps:
            warnings.append(
                f"calendar {calendar.calendar_id}: {gaps} dates with hardly any action are more than holidays: gaps of"
                " the log? none is written"
            )
        told = hours_evidence([log.teams[number] for number in keeping], [of_team[n] for n in keeping], calendar.spans)
        quiet = f"; {count(len(dates), 'date')} with less than a tenth of the usual actions" if dates else ""
        evidence = f"{told}, in {zone} (the lab's zone){quiet}"
        found.append(InferredCalendar(replace(calendar, holiday_dates=dates), evidence))
    known = {ALWAYS: ROUND_THE_CLOCK, **{item.calendar.calendar_id: item.calendar for item in found}}
    return _Hours(names, of_team, known, tuple(found), tuple(warnings))


def _holidays(human: pl.DataFrame, teams: list[int], calendar: Calendar) -> tuple[tuple[date, ...], int]:
    """Find the quiet dates of the teams that keep a calendar."""
    days = human.filter(pl.col("team").is_in(teams))["day"]
    if not days.len():
        return (), 0
    first, stop = dense_days(days)
    inside = days.filter((days >= first) & (days < stop)).to_numpy() - first
    counts = np.bincount(inside, minlength=stop - first)
    return quiet_dates(counts, first, frozenset(span.weekday for span in calendar.spans))


def _offered(hours: _Hours, volumes: Volumes) -> list[Calendar]:
    """Return the calendars that promises may count in: always, then those of the largest teams."""
    by_volume = [hours.calendars[hours.names[number]] for number in volumes.order]
    return list(dict.fromkeys([hours.calendars[ALWAYS], *by_volume]))


def _teams(
    log: Log,
    volumes: Volumes,
    people: _People,
    hours: _Hours,
    window: Window,
    times: list[InferredTimes],
    zone: str,
) -> tuple[list[InferredTeam], list[str]]:
    """Staff every team; return also which teams cannot keep pace."""
    arrived = _arrivals(log, window, zone)
    closed = {name: frozenset((d - day(0)).days for d in one.holiday_dates) for name, one in hours.calendars.items()}
    rosters = _rosters(log, people, hours, window, closed)
    crew = _crew(people, len(log.teams))
    teams, overloads = [], []
    for number, name in enumerate(log.teams):
        calendar = hours.names[number]
        work = arrived[number] * mean_seconds(times[number].times) * WEEK / window.days
        roster = rosters[number]
        spans = hours.calendars[calendar].spans
        if not people.known:
            agents = max(1, math.ceil(work / (GUESSED_LOAD * open_seconds((Agent("x"),), spans))))
            prefix = roster.agents[0].agent_id.removesuffix("-1")
            roster = Roster(tuple(Agent(f"{prefix}-{index + 1}") for index in range(agents)), True, agents, False)
        load = work / open_seconds(roster.agents, spans) if arrived[number] else None
        if load is not None and load > BUSY:
            text = (
                f"team {name}: the work that arrives is {percent(load)} of what its agents can do"
                f" ({count(arrived[number], 'ticket')} in {count(window.days, 'day')}); its queue will grow in a replay"
            )
            overloads.append((-load, number, text))
        evidence = _team_evidence(number, volumes, roster, crew[number], window, load, people, hours)
        team = Team(name, calendar, roster.agents)
        teams.append(InferredTeam(team, roster.flat, volumes.tickets[number], crew[number][0], load, evidence))
    listed = [text for _, _, text in sorted(overloads)]
    more = [f"and {len(listed) - MOST_LISTED} more teams like that"] if len(listed) > MOST_LISTED else []
    return teams, [*listed[:MOST_LISTED], *more]


def _rosters(
    log: Log, people: _People, hours: _Hours, window: Window, closed: dict[str, frozenset[int]]
) -> list[Roster]:
    """Turn people present into rosters; where times are dates, into as many agents as acted on a usual day."""
    prefixes = agent_prefixes(log.teams)
    at_home = people.acts.filter(pl.col("home").is_not_null())
    if people.dates:
        daily = (
            at_home.group_by("home", "day")
            .agg(pl.col("person").n_unique())
            .group_by("home")
            .agg(pl.col("person").median())
        )
        usual = dict(zip(daily["home"].to_list(), daily["person"].to_list(), strict=True))
        sizes = [max(1, round(usual.get(number, 1))) for number in range(len(log.teams))]
        return [
            Roster(tuple(Agent(f"{prefix}-{index + 1}") for index in range(size)), True, size, True)
            for prefix, size in zip(prefixes, sizes, strict=True)
        ]
    seen = sessions(at_home)
    cuts = [quietest(one.people) for one in presence(seen, window, len(log.teams))]
    there = presence(with_usual_hours(seen, cuts), window, len(log.teams))
    return [
        build_roster(own, closed[name], hours.calendars[name].spans, prefix)
        for own, name, prefix in zip(there, hours.names, prefixes, strict=True)
    ]


def _arrivals(log: Log, window: Window, zone: str) -> list[int]:
    """Count the tickets of the window by the team that has to work them."""
    inside = pl.Series(_arrival_days(log, zone).is_between(window.first, window.stop, closed="left"))
    counts = log.tickets.filter(inside).group_by(team=pl.coalesce("resolver", "first")).len().drop_nulls()
    found = dict(zip(counts["team"].to_list(), counts["len"].to_list(), strict=True))
    return [found.get(number, 0) for number in range(len(log.teams))]


def _crew(people: _People, teams: int) -> list[tuple[int, int, int]]:
    """Return for each team its people, those who often act for others, and those who never rest."""
    hourly = people.acts.group_by("person", "day").agg((pl.col("local") // 3_600).n_unique().alias("hours"))
    tireless = (
        hourly.group_by("person")
        .agg(pl.len().alias("days"), pl.col("hours").median())
        .filter((pl.col("days") >= TIRELESS_DAYS) & (pl.col("hours") >= TIRELESS))
    )
    counted = people.homes.with_columns(
        tireless=pl.col("person").is_in(tireless["person"].implode()), shared=pl.col("elsewhere") > 0.2
    )
    tallied = counted.group_by("home").agg(pl.len(), pl.col("shared").sum(), pl.col("tireless").sum())
    found = {home: (size, shared, odd) for home, size, shared, odd in tallied.iter_rows()}
    return [found.get(number, (0, 0, 0)) for number in range(teams)]


def _team_evidence(
    number: int,
    volumes: Volumes,
    roster: Roster,
    crew: tuple[int, int, int],
    window: Window,
    load: float | None,
    people: _People,
    hours: _Hours,
) -> str:
    """Say what a team's agents rest on."""
    tickets = ("few tickets: " if number in volumes.few else "") + count(volumes.tickets[number], "ticket")
    size, shared, odd = crew
    span = f"{count(window.days, 'day')} to {day(window.stop - 1)}" + (
        " (the last of a longer log)" if window.longer else ""
    )
    if not people.known:
        told = (
            f"no trace of people in this log: {count(len(roster.agents), 'agent')} is a guess that keeps the load low"
        )
    elif not size:
        told = "no person acted for it: one agent is the least that a team can have"
    else:
        others = f", {shared} of them also for others" if shared else ""
        told = f"{count(size, 'person', 'people')} acted for it{others}; "
        told += (
            f"in a median week of the {span} at most {roster.most} at once"
            if roster.found
            else f"in a median week of the {span} nobody is there for long, so one agent stands for them"
        )
        told += f"; {odd} of them act in {TIRELESS} hours of a day or more: robots or shared accounts?" if odd else ""
    own = hours.of_team[number]
    borrowed = f"; hours of the whole desk, as it has only {count(own.actions, 'action')}" if own.borrowed else ""
    busy = f"; arriving work is {percent(load)} of their time" if load is not None else ""
    return f"{tickets}; {told}{busy}{borrowed}"


def _basis(log: Log, people: _People, window: Window, zone: str) -> str:
    """Say what the whole rests on."""
    created = log.tickets["created"]
    first, last = (day(int(stamp) // 86_400) for stamp in (created.min(), created.max()))  # type: ignore[arg-type]
    if not people.known:
        return f"{count(log.tickets.height, 'ticket')} from {first} to {last}, no people; local time is {zone}"
    longer = ", rosters from its last part" if window.longer else ""
    return (
        f"{count(log.tickets.height, 'ticket')} from {first} to {last}, {count(people.acts.height, 'action')} of"
        f" {count(people.homes.height, 'person', 'people')}; local time is {zone}; agents seen in the"
        f" {count(window.days, 'day')} to {day(window.stop - 1)}{longer}"
    )


def _log_warnings(log: Log, people: _People) -> list[str]:
    """What is odd about the log as a whole."""
    out = []
    if not log.named:
        out.append(f"this log names no team: everything goes to one team, {ONLY_TEAM!r}")
    if log.unwritable:
        names = ", ".join(ascii(name[:40]) for name in log.unwritable[:5])
        out.append(
            f"{count(len(log.unwritable), 'team')} cannot be declared, as names may not be longer than 100 characters"
            f" or hold control characters or outer blanks: {names}"
        )
    if people.dates:
        out.append("the times of this log are dates without a time of day: hours cannot be told")
    if people.known and people.acts.filter(pl.col("told")).height == 0:
        out.append("no events of people: what they did was read from the tickets' agent, first action and resolution")
    return out


def _guesses(people: _People, times: list[InferredTimes]) -> list[str]:
    """Values that nothing in the log supports."""
    out = []
    if not people.known:
        out.append(
            f"agents of {count(len(times), 'team')}: as many as are busy {percent(GUESSED_LOAD)} of the time or less,"
            " as the log names no people"
        )
    if people.dates or people.human.height < FEW:
        out.append(f"hours of all teams: round the clock, as {_why_no_hours(people)}")
    guessed = [item for item in times if item.method == GUESS]
    if guessed:
        usual = length(guessed[0].times.quantiles[0])
        out.append(f"handle times of {count(len(guessed), 'team')}: {usual} each, as the log has no trace of work")
    pooled = [item for item in times if item.method == POOL and item.times.donors < FEW]
    if pooled:
        out.append(
            f"handle times of {count(len(pooled), 'team')}: from {count(pooled[0].times.donors, 'ticket')} of the whole"
            " log only"
        )
    return out


def _why_no_hours(people: _People) -> str:
    """Why hours could not be told."""
    return "times are dates" if people.dates else f"the log shows only {count(people.human.height, 'action')} of people"
