"""Who was there: sessions of people, counted by team, day and half hour of the local clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
BREAK = 6 * 3_600
"""Seconds without an action after which a person has left; shorter gaps are lunch or long work."""
HALF_HOUR, SLOTS = 1_800, 48
WEEK, WEEKS = 7, 8
"""Days of a week, and weeks that rosters are read from; people who left or came before count no more."""
LEAST_SESSIONS, SPARSE = 10, 0.4
"""A person with as many sessions, half of them shorter than this share of the usual hours, has little to do."""
DRY = 0.25
"""Share of the usual week's actions below which a log has not begun or has run dry."""


@dataclass(frozen=True, slots=True)
class Window:
    """Local days [first, stop), counted from 1970-01-01, that rosters are read from; ``longer``: the log has more."""

    first: int
    stop: int
    longer: bool

    @property
    def days(self) -> int:
        """Number of days."""
        return self.stop - self.first


@dataclass(frozen=True, slots=True, eq=False)
class Presence:
    """How many people of a team were there.

    Parameters
    ----------
    people : float64 array, shape (days, 48)
        By local day of the window and half hour.
    first : int
        First day, counted from 1970-01-01.
    """

    people: Floats
    first: int


def dense_days(days: pl.Series) -> tuple[int, int]:
    """Return the days [first, stop) between which a log is full: exports begin and end in thin tails of old tickets.

    Parameters
    ----------
    days : polars.Series
        Local day of every action; not empty.

    Notes
    -----
    Weeks are counted back from the last day. The usual week is that of the median action, so a long tail of quiet
    weeks does not change it; the log is full from the first to the last week with a quarter of its actions.

    Examples
    --------
    >>> dense_days(pl.Series([day for day in range(100, 170) for _ in range(50)] + [300, 400]))
    (100, 170)
    """
    last = int(days.max())  # type: ignore[arg-type]
    weeks = ((last - days) // WEEK).value_counts().sort(days.name)
    back, actions = weeks[days.name].to_numpy(), weeks["count"].to_numpy()
    order = np.argsort(actions, kind="stable")
    usual = actions[order][np.searchsorted(np.cumsum(actions[order]), actions.sum() / 2)]
    full = back[actions >= DRY * usual]
    return max(int(days.min()), last - WEEK * (int(full.max()) + 1) + 1), last - WEEK * int(full.min()) + 1  # type: ignore[arg-type]


def choose_window(days: pl.Series) -> Window:
    """Choose the last eight weeks of a log before it runs dry.

    Parameters
    ----------
    days : polars.Series
        Local day of every action; not empty.

    Returns
    -------
    Window
        Whole days where the log has more than a week.
    """
    first, stop = dense_days(days)
    whole = stop - first > WEEK
    low = first + 1 if whole and first == days.min() else first
    stop = stop - 1 if whole and stop > int(days.max()) else stop  # type: ignore[arg-type]
    begin = max(low, stop - WEEK * WEEKS)
    return Window(begin, stop, begin > low)


def home_teams(actions: pl.DataFrame) -> pl.DataFrame:
    """Tell for whom each person acted most.

    Parameters
    ----------
    actions : polars.DataFrame
        With ``person``, ``team`` and ``left`` (the team that a ticket was taken from), NULL where unknown.

    Returns
    -------
    polars.DataFrame
        One row a person who ever acted for a team: person, home (team), elsewhere (share of the actions for others).
        Who hands a ticket on may belong to any team, so that counts only for people who did nothing else.
    """
    return (
        actions.filter(pl.col("person").is_not_null())
        .select("person", pl.coalesce("team", "left").alias("home"), own=pl.col("team").is_not_null())
        .filter(pl.col("home").is_not_null())
        .group_by("person", "home")
        .agg(pl.col("own").sum(), pl.len())
        .sort("person", "own", "len", "home", descending=[False, True, True, False])
        .group_by("person", maintain_order=True)
        .agg(
            pl.col("home").first(),
            (1 - pl.col("own").first() / pl.col("own").sum()).fill_nan(0.0).alias("elsewhere"),
        )
    )


def sessions(actions: pl.DataFrame) -> pl.DataFrame:
    """Join a person's actions to sessions: stretches without a gap of six hours.

    Parameters
    ----------
    actions : polars.DataFrame
        With ``person``, ``home`` and ``local`` (seconds by the local clock); no NULL.

    Returns
    -------
    polars.DataFrame
        home, person, first and last half hour (counted from 1970-01-01T00:00 by the local clock), actions.
    """
    ordered = actions.select("home", "person", "local").sort("person", "local")
    opens = (pl.col("person") != pl.col("person").shift(1)) | (pl.col("local") - pl.col("local").shift(1) > BREAK)
    return (
        ordered.with_columns(session=opens.fill_null(True).cum_sum())
        .group_by("session")
        .agg(
            pl.col("home").first(),
            pl.col("person").first(),
            pl.col("local").min().floordiv(HALF_HOUR).alias("first"),
            pl.col("local").max().floordiv(HALF_HOUR).alias("last"),
            pl.len().alias("actions"),
        )
        .sort("session")
        .drop("session")
    )


def with_usual_hours(attended: pl.DataFrame, cuts: Sequence[int]) -> pl.DataFrame:
    """Give people with little to do the hours that they usually keep.

    Parameters
    ----------
    attended : polars.DataFrame
        See `sessions`.
    cuts : sequence of int
        Half hour at which each team's day begins.

    Returns
    -------
    polars.DataFrame
        The same columns, without ``actions``.

    Notes
    -----
    Who acts twice a day is seen for a moment, but was there for longer. Where half of a person's sessions are shorter
    than 40 % of the time from the 10 % quantile of their beginnings to the 90 % quantile of their ends (by the hour of
    the day), the person counts as there from the one to the other on every day with a session. Who works in changing
    shifts has long sessions, so those stay as they are.
    """
    begins = pl.Series("begins", cuts, dtype=pl.Int64)
    dated = attended.with_columns(begins=begins.gather(attended["home"].cast(pl.UInt32))).with_columns(
        day=(pl.col("first") - pl.col("begins")).floordiv(SLOTS)
    )
    zero = pl.col("day") * SLOTS + pl.col("begins")
    placed = dated.with_columns(zero=zero, start=pl.col("first") - zero, end=pl.col("last") - zero)
    usual = placed.group_by("person").agg(
        pl.col("start").quantile(0.1, "lower").cast(pl.Int64).alias("usual_start"),
        pl.col("end").quantile(0.9, "higher").cast(pl.Int64).alias("usual_end"),
        (pl.col("end") - pl.col("start") + 1).median().alias("length"),
        pl.len().alias("sessions"),
    )
    span = pl.col("usual_end") - pl.col("usual_start") + 1
    sparse = (pl.col("sessions") >= LEAST_SESSIONS) & (pl.col("length") < SPARSE * span) & (span <= SLOTS)
    known = placed.join(usual.filter(sparse), on="person", how="left", maintain_order="left")
    alone = pl.col("usual_start").is_null()
    widened = (
        known.filter(~alone)
        .group_by("home", "person", "day", maintain_order=True)
        .agg(
            pl.min_horizontal(pl.col("first").min(), (pl.col("zero") + pl.col("usual_start")).first()).alias("first"),
            pl.max_horizontal(pl.col("last").max(), (pl.col("zero") + pl.col("usual_end")).first()).alias("last"),
        )
    )
    columns = ("home", "person", "first", "last")
    return pl.concat([known.filter(alone).select(columns), widened.select(columns)])


def quietest(people: Floats) -> int:
    """Return the half hour in the middle of the longest stretch of the day with fewest people.

    Parameters
    ----------
    people : float64 array, shape (days, 48)

    Examples
    --------
    >>> quietest(np.array([[0.0] * 16 + [1.0] * 20 + [0.0] * 12]))
    2
    """
    mean = people.mean(axis=0) if len(people) else np.zeros(SLOTS)
    quiet = np.tile(mean <= mean.min() + 1e-9, 2)
    best, length, run = 0, 0, 0
    for slot, low in enumerate(quiet.tolist()):
        run = run + 1 if low else 0
        if run > length:
            best, length = slot - run + 1, run
    return 0 if length >= SLOTS else (best + length // 2) % SLOTS


def presence(attended: pl.DataFrame, window: Window, teams: int) -> list[Presence]:
    """Count people by team, day and half hour.

    Parameters
    ----------
    attended : polars.DataFrame
        See `sessions`: home, person, first, last.
    window : Window
    teams : int

    Returns
    -------
    list of Presence
        One a team.
    """
    slots = (
        attended.select("home", "person", pl.int_ranges("first", pl.col("last") + 1).alias("slot"))
        .explode("slot", empty_as_null=True, keep_nulls=True)
        .filter((pl.col("slot") >= window.first * SLOTS) & (pl.col("slot") < window.stop * SLOTS))
        .group_by("home", "slot")
        .agg(pl.col("person").n_unique().alias("len"))
    )
    people = np.zeros((teams, window.days * SLOTS))
    people[slots["home"].to_numpy(), slots["slot"].to_numpy() - window.first * SLOTS] = slots["len"].to_numpy()
    return [Presence(own.reshape(window.days, SLOTS), window.first) for own in people]
