"""Survival curves for a chart: the share still waiting on at most 60 points of a logarithmic time axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.result import Curve
from triage_lab.evidence.cells import LaidOut
from triage_lab.evidence.intervals import Floats, effective_accounts, t_quantile
from triage_lab.evidence.spans import overall_clock
from triage_lab.evidence.survival import clustered_share_errors, kaplan_meier, log_log_bounds

POINTS = 60
FIRST_MINUTE = 1.0


def curve(
    durations: pl.DataFrame | LaidOut | Sequence[pl.DataFrame | LaidOut],
    *,
    metric: str,
    arm: str,
    points: int = POINTS,
) -> Curve | None:
    """Return the Kaplan–Meier curve of one arm, over all its tickets.

    Parameters
    ----------
    durations : polars.DataFrame or tally on a layout, or one per replication
        The durations of a tally, or the tally itself.
    metric : str
        Name of the clock, for example time_to_first_action.
    arm : str
    points : int
        At most so many points, from one minute (or the first event, if that is later) to the largest time seen.

    Returns
    -------
    Curve or None
        None without tickets. Bands are 95 %, pointwise and clustered by account, on the log-log scale; those of several
        replications add the variance between them. The median is that of the mean curve's first replication if there is
        one replication, else the mean of their medians, None if any does not reach it.
    """
    several = durations if isinstance(durations, Sequence) else [durations]
    parts = [part for part in (_overall(one, metric) for one in several) if part is not None]
    if not parts:
        return None
    minutes, event, cluster = parts[0]
    starts = np.flatnonzero(np.diff(cluster, prepend=-1))
    grid = _grid(minutes, event, points)
    first, errors = clustered_share_errors(minutes, event, starts, grid)
    rest = [kaplan_meier(part[0], part[1]) for part in parts[1:]]
    shares = np.array([[one.at(time) for time in grid.tolist()] for one in (first, *rest)])
    mean, between = shares.mean(axis=0), np.zeros(grid.size)
    if rest:
        between = shares.var(axis=0, ddof=1) / len(shares)
    critical = float(t_quantile(max(effective_accounts(np.diff(starts, append=minutes.size)) - 1, 2)))
    bands = [
        log_log_bounds(share, math.sqrt(error * error + extra), critical)
        for share, error, extra in zip(mean.tolist(), errors.tolist(), between.tolist(), strict=True)
    ]
    medians = [one.quantile(0.5) for one in (first, *rest)]
    reached = [value for value in medians if value is not None]
    ordered = np.sort(minutes)
    return Curve(
        arm=arm,
        metric=metric,
        minutes=tuple(grid.tolist()),
        waiting=tuple(mean.tolist()),
        low=tuple(low for low, _ in bands),
        high=tuple(high for _, high in bands),
        at_risk=tuple(int(minutes.size - place) for place in np.searchsorted(ordered, grid, side="left")),
        median=sum(reached) / len(reached) if len(reached) == len(medians) else None,
    )


def _overall(
    one: pl.DataFrame | LaidOut, metric: str
) -> tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.int64]] | None:
    """Minutes, events and account codes of all tickets of one clock, sorted by account; None without any."""
    if not isinstance(one, pl.DataFrame):
        return overall_clock(one, metric)
    mine = (pl.col("metric").cast(pl.String) == metric) & (pl.col("segment").cast(pl.String) == "{}")
    part = one.filter(mine).with_columns(pl.col("cluster").cast(pl.String)).sort("cluster", maintain_order=True)
    if not part.height:
        return None
    cluster = part["cluster"].rank("dense").to_numpy().astype(np.int64)
    return part["minutes"].to_numpy(), part["event"].to_numpy().astype(np.bool_), cluster


def _grid(minutes: Floats, event: npt.NDArray[np.bool_], points: int) -> Floats:
    """Times on a logarithmic axis, rounded to whole seconds so that the steps are those of the data."""
    last = float(minutes.max())
    happened = minutes[event]
    first = max(FIRST_MINUTE, float(happened.min()) if happened.size else FIRST_MINUTE)
    if last <= first:
        return np.array([last])
    times = np.geomspace(first, last, points)
    return np.unique(np.append(np.round(times[:-1] * 60) / 60, last))
