"""Which teams there are, how large, and which of them hands on what others should have got."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from triage_lab.domain.desk import is_name
from triage_lab.replay.inference.activity import Log
from triage_lab.replay.inference.wording import count, percent

FEW_TICKETS = 5
VOLUME = 0.99
"""Teams beyond this share of the volume are said to have few tickets."""
PASSED_ON, INTAKE = 0.2, 0.05
"""A manual-triage team passes on at least a fifth of what it owns first, and owns a twentieth of all tickets first."""
LEAST_INTAKE = 20
_NO_ID = re.compile(r"[^A-Za-z0-9_.:@-]+")
_LONGEST_PREFIX = 80


@dataclass(frozen=True, slots=True, eq=False)
class Volumes:
    """Teams by volume.

    Parameters
    ----------
    order : tuple of int
        Team numbers, largest first, ties by name.
    tickets, first, passed, resolved : tuples of int
        By team number: tickets it ever owned or resolved; owned first; of these passed on; resolved.
    few : frozenset of int
        Teams with fewer than 5 tickets or beyond 99 % of the volume.
    """

    order: tuple[int, ...]
    tickets: tuple[int, ...]
    first: tuple[int, ...]
    passed: tuple[int, ...]
    resolved: tuple[int, ...]
    few: frozenset[int]


def team_volumes(log: Log) -> Volumes:
    """Count what each team owned, passed on and resolved."""
    teams, tickets = len(log.teams), log.tickets
    touched = pl.concat(
        [
            tickets.select("row", team="first"),
            tickets.select("row", team="resolver"),
            log.moves.select("row", "team"),
            log.actions.select("row", "team"),
        ]
    )
    ever = touched.drop_nulls().unique().group_by("team").len()
    moved = log.moves.filter(pl.col("before").is_not_null() & (pl.col("before") != pl.col("team"))).select("row")
    on = (pl.col("resolver") != pl.col("first")).fill_null(False) | pl.col("row").is_in(moved["row"].implode())
    first = tickets.with_columns(on=on).group_by(team="first").agg(pl.len(), pl.col("on").sum()).drop_nulls("team")
    resolved = tickets.filter(pl.col("resolved").is_not_null()).group_by(team="resolver").len().drop_nulls("team")
    volume = _by_team(ever, "len", teams)
    order = tuple(sorted(range(teams), key=lambda number: (-volume[number], log.teams[number])))
    return Volumes(
        order=order,
        tickets=volume,
        first=_by_team(first, "len", teams),
        passed=_by_team(first, "on", teams),
        resolved=_by_team(resolved, "len", teams),
        few=_few(order, volume),
    )


def _by_team(frame: pl.DataFrame, column: str, teams: int) -> tuple[int, ...]:
    """Return a count as one number a team."""
    out = [0] * teams
    for team, number in zip(frame["team"].to_list(), frame[column].to_list(), strict=True):
        out[team] = int(number)
    return tuple(out)


def _few(order: tuple[int, ...], volume: tuple[int, ...]) -> frozenset[int]:
    """Return the teams with few tickets; the largest is never one of them."""
    total, seen, few = sum(volume), 0, set()
    for place, number in enumerate(order):
        if place and (seen >= VOLUME * total or volume[number] < FEW_TICKETS):
            few.add(number)
        seen += volume[number]
    return frozenset(few)


def manual_triage(log: Log, volumes: Volumes) -> tuple[int, str]:
    """Choose the manual-triage team: who most often owns first and passes on, else the largest intake.

    Returns
    -------
    team : int
    evidence : str
    """
    owned = sum(volumes.first)
    least = max(LEAST_INTAKE, INTAKE * owned)
    able = [team for team in volumes.order if volumes.first[team] >= least]
    share = {team: volumes.passed[team] / volumes.first[team] for team in able}
    best = max(able, key=lambda team: share[team], default=None)
    if best is not None and len(log.teams) > 1 and share[best] >= PASSED_ON:
        told = f"{count(volumes.passed[best], 'ticket')} of the {volumes.first[best]:,} that it owned first"
        return best, (
            f"it passed on {told} ({percent(share[best])}), the largest share among teams that own at least"
            f" {count(round(least), 'ticket')} first"
        )
    largest = max(volumes.order, key=lambda team: volumes.first[team])
    if not volumes.first[largest]:
        return volumes.order[0], "no ticket has a first owner: the team with the most tickets"
    return largest, (
        f"it owned {count(volumes.first[largest], 'ticket')} of {owned:,} first, more than any other; no team passes on"
        f" {percent(PASSED_ON)} of a fair share of tickets"
    )


def agent_prefixes(teams: tuple[str, ...]) -> list[str]:
    """Return the beginning of agents' ids for each team: its name as far as ids allow, never a person's.

    Examples
    --------
    >>> agent_prefixes(("billing", "Büro Süd", "北京"))
    ['billing', 'B-ro-S-d', 'team-3']
    """
    out = []
    for number, name in enumerate(teams):
        slug = _NO_ID.sub("-", name)[:_LONGEST_PREFIX].strip("-_.:@")
        out.append(slug if slug and is_name(slug) else f"team-{number + 1}")
    return out
