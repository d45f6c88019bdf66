"""How long teams work on a ticket: recorded times, lengths of calls, or gaps between what a person did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import Calendar, HandleTimes
from triage_lab.replay.calendars import compile_calendar
from triage_lab.replay.inference.findings import ACTIVITY, CALLS, GUESS, POOL, RECORDED, InferredTimes
from triage_lab.replay.inference.wording import count, length, percent
from triage_lab.replay.service import MIN_DONORS

Ints = npt.NDArray[np.int64]
LONGEST_GAP = 2 * 3_600
"""Seconds of one gap that count as work at most."""
CAPPED = 0.95
"""Quantile of the gaps beyond which a gap counts no more than that."""
STEPS = 20
"""Steps of the quantile function: 5 % each."""
GUESSED = 900
"""Seconds that are written where nothing tells."""
OVERLAPS = 0.01
"""Share of an agent's calls that may overlap before they are no calls."""
MUCH_CAPPED = 0.3
"""Share of gaps beyond the cap from which handle times are doubtful."""


@dataclass(frozen=True, slots=True, eq=False)
class Donors:
    """Handle times found in a log.

    Parameters
    ----------
    method : str
    team, seconds : int64 arrays, shape (n,)
        Sorted by (team, seconds).
    how : str
        How they were found, for the evidence.
    warning : str
        Why they are doubtful; empty if they are not.
    """

    method: str
    team: Ints
    seconds: Ints
    how: str
    warning: str = ""


def find_donors(tickets: pl.DataFrame, actions: pl.DataFrame, calendars: Sequence[Calendar]) -> list[Donors]:
    """Find handle times, the best kind first.

    Parameters
    ----------
    tickets : polars.DataFrame
        Of the log.
    actions : polars.DataFrame
        Of known people: person, row, at, available, team; sorted by (person, at, row).
    calendars : sequence of Calendar
        Of each team.

    Returns
    -------
    list of Donors
        At most two: the times of calls, or of activity, come after those that were recorded. Empty if there are none.
    """
    found = [_recorded(tickets)]
    if len(found[0].seconds) < tickets.height:
        calls = _calls(tickets)
        found.append(calls if len(calls.seconds) >= MIN_DONORS else _activity(tickets, actions, calendars))
    return [donors for donors in found if len(donors.seconds)]


def _donors(method: str, frame: pl.DataFrame, how: str, warning: str = "") -> Donors:
    """Sort (team, seconds); tickets without a team count for all."""
    ordered = frame.select(pl.col("team").fill_null(-1).cast(pl.Int64), pl.col("seconds").cast(pl.Int64)).sort(
        "team", "seconds"
    )
    return Donors(method, ordered["team"].to_numpy(), ordered["seconds"].to_numpy(), how, warning)


def _recorded(tickets: pl.DataFrame) -> Donors:
    """Touch times that the log itself gives."""
    given = tickets.filter(pl.col("handle") > 0).select(pl.col("resolver").alias("team"), seconds="handle")
    return _donors(RECORDED, given, "handle_minutes of the log")


def _calls(tickets: pl.DataFrame) -> Donors:
    """Time from answer to end, where no agent ever had two tickets at once."""
    calls = (
        tickets.filter(pl.col("agent").is_not_null() & (pl.col("resolved") > pl.col("first_action")))
        .select("agent", "first_action", "resolved", team=pl.coalesce("resolver", "first"))
        .sort("agent", "first_action", "resolved")
    )
    after = pl.col("agent") == pl.col("agent").shift(1)
    overlaps = calls.select((after & (pl.col("first_action") < pl.col("resolved").shift(1))).sum()).item() or 0
    if not calls.height or overlaps > OVERLAPS * calls.height:
        return _donors(CALLS, calls.clear().select("team", seconds="resolved"), "")
    how = f"from first action to resolved, as no agent has two at once ({percent(overlaps / calls.height)} overlap)"
    return _donors(CALLS, calls.select("team", seconds=pl.col("resolved") - pl.col("first_action")), how)


def _activity(tickets: pl.DataFrame, actions: pl.DataFrame, calendars: Sequence[Calendar]) -> Donors:
    """Sum, per resolved ticket and team, the gaps before what people did on it.

    Notes
    -----
    Before an action a person worked on its ticket since that person's previous action, but not since before the
    ticket was there, handed over, reopened or answered by the customer, and only in the team's open hours. A gap
    counts up to the 95 % quantile of all gaps, at most two hours. Of several tickets at one instant the one on which
    the person had worked before takes the gap.
    """
    gaps = _gaps(actions, calendars)
    positive = gaps["gap"].filter(gaps["gap"] > 0)
    if not positive.len():
        return _donors(ACTIVITY, gaps.select("team", seconds="gap").clear(), "")
    cap = min(LONGEST_GAP, max(1, int(positive.quantile(CAPPED, "higher") or 0)))
    touched = (
        gaps.group_by("row", "team")
        .agg(pl.col("gap").clip(upper_bound=cap).sum().alias("seconds"))
        .join(tickets.filter(pl.col("resolved").is_not_null()).select("row", "resolver"), on="row")
        .filter((pl.col("seconds") > 0) & (pl.col("team") == pl.coalesce("resolver", "team")))
    )
    share = float((positive > cap).mean() or 0)  # type: ignore[arg-type]
    how = (
        f"gaps between a person's actions in open hours, each counted up to {length(cap)}"
        f" ({percent(share)} of the gaps are longer)"
    )
    warning = (
        f"handle times: {percent(share)} of the gaps between actions are longer than {length(cap)}; the log shows"
        " only part of what people did, so the times are rather too long"
    )
    return _donors(ACTIVITY, touched.select("team", "seconds"), how, warning if share > MUCH_CAPPED else "")


def _gaps(actions: pl.DataFrame, calendars: Sequence[Calendar]) -> pl.DataFrame:
    """Return row, team and the open seconds before each action."""
    begun = pl.col("at") == pl.col("at").min().over("person", "row")
    ordered = (
        actions.with_columns(begun=begun)
        .sort("person", "at", "begun", "row")
        .with_columns(
            previous=pl.when(pl.col("person") == pl.col("person").shift(1)).then(pl.col("at").shift(1)),
        )
        .with_columns(since=pl.max_horizontal("previous", "available"))
    )
    # the first thing that a person ever did has no gap before it
    kept = ordered.filter(pl.col("previous").is_not_null()).select("row", "team", "at", "since")
    gap = np.zeros(kept.height, dtype=np.int64)
    team = kept["team"].to_numpy()
    at, since = kept["at"].to_numpy(), kept["since"].to_numpy()
    for calendar in dict.fromkeys(calendars):
        mine = np.isin(team, [number for number, own in enumerate(calendars) if own == calendar])
        if mine.any():
            segments = compile_calendar(calendar, int(since[mine].min()), int(at[mine].max()))
            gap[mine] = segments.worked(at[mine]) - segments.worked(since[mine])
    return kept.select("row", "team").with_columns(gap=pl.Series(gap))


def team_times(names: Sequence[str], found: Sequence[Donors]) -> list[InferredTimes]:
    """Choose each team's handle times.

    Parameters
    ----------
    names : sequence of str
    found : sequence of Donors
        The best kind first.

    Returns
    -------
    list of InferredTimes
        One a team: of the first kind with 20 donors of its own, else of all teams together, else a guess.
    """
    if not found:
        return [_guess(name) for name in names]
    of_all = max(found, key=lambda donors: (len(donors.seconds) >= MIN_DONORS, -found.index(donors)))
    out = []
    for number, name in enumerate(names):
        own = [(donors, _of_team(donors, number)) for donors in found]
        enough = [(donors, seconds) for donors, seconds in own if len(seconds) >= MIN_DONORS]
        if enough:
            donors, seconds = enough[0]
            out.append(_times(name, donors.method, seconds, f"{_size(seconds)}: {donors.how}; {_sure(seconds)}"))
        else:
            out.append(_pooled(name, of_all, max(len(seconds) for _, seconds in own)))
    return out


def _of_team(donors: Donors, number: int) -> Ints:
    """Return the sorted handle times of one team."""
    first, stop = np.searchsorted(donors.team, [number, number + 1])
    return donors.seconds[first:stop]


def _pooled(name: str, donors: Donors, own: int) -> InferredTimes:
    """Handle times of all teams, for a team that has too few of its own."""
    seconds = np.sort(donors.seconds)
    few = len(seconds) < MIN_DONORS
    sure = "little more than a guess" if few else _sure(seconds)
    text = f"only {count(own, 'ticket')} of its own, so those of all teams: {_size(seconds)}: {donors.how}; {sure}"
    method = RECORDED if donors.method == RECORDED and not few else POOL
    return _times(name, method, seconds, text)


def _times(name: str, method: str, seconds: Ints, evidence: str) -> InferredTimes:
    """Build a quantile function from sorted seconds."""
    return InferredTimes(HandleTimes(name, quantiles_of(seconds), len(seconds)), method, evidence)


def _guess(name: str) -> InferredTimes:
    """The guess for a log without people and without touch times."""
    text = f"no trace of work in this log: {GUESSED // 60} minutes is a guess, change it"
    return InferredTimes(HandleTimes(name, (GUESSED, GUESSED)), GUESS, text)


def quantiles_of(seconds: Ints) -> tuple[int, ...]:
    """Return the quantiles at 0, 5, …, 100 % in whole seconds, rounded half up, at least 1.

    Examples
    --------
    >>> quantiles_of(np.array([60, 120]))[::10]
    (60, 90, 120)
    """
    found = np.quantile(seconds, np.arange(STEPS + 1) / STEPS)
    return tuple(np.maximum(1, np.floor(found + 0.5)).astype(np.int64).tolist())


def mean_seconds(times: HandleTimes) -> float:
    """Return the mean of a quantile function that is linear between its knots."""
    knots = np.array(times.quantiles, dtype=np.float64)
    return float((knots[1:] + knots[:-1]).sum() / 2 / (len(knots) - 1))


def _size(seconds: Ints) -> str:
    """Say how many times there are and what is usual."""
    return f"{count(len(seconds), 'ticket')}, median {length(float(np.median(seconds)))}"


def _sure(seconds: Ints) -> str:
    """Say how sure the median is: the order statistics that hold it in 95 % of samples.

    Source: the binomial bounds n/2 ± 0.98 √n of the rank of the median.
    """
    n = len(seconds)
    low = max(0, int(np.floor(n / 2 - 0.98 * np.sqrt(n))))
    high = min(n - 1, int(np.ceil(n / 2 + 0.98 * np.sqrt(n))))
    return f"the true median is likely (95 %) between {length(int(seconds[low]))} and {length(int(seconds[high]))}"
