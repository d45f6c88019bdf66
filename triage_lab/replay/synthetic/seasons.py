"""When tickets arrive: weekly and daily seasons in the customers' own zones, and busy month starts for billing."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from triage_lab.replay.synthetic.parameters import DAY, HOUR, WINDOW_DAYS, WINDOW_END, WINDOW_START
from triage_lab.replay.synthetic.streams import Floats, Ints

HOURS = WINDOW_DAYS * 24
# One customer zone stands for each region's rhythm.
RHYTHM_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Singapore")
WEEKDAY = (1.16, 1.08, 1.02, 0.98, 0.86, 0.22, 0.18)
# Weight of each local hour of the day.
OFFICE = (
    0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.5, 1.5, 4.0, 6.5, 7.5, 7.0, 5.0, 6.0, 7.0, 6.8, 6.0, 4.5, 2.0, 1.0, 0.6, 0.4,
    0.2, 0.1,
)  # fmt: skip
WRITTEN = (
    0.6, 0.4, 0.3, 0.3, 0.4, 0.7, 1.4, 3.0, 5.5, 6.8, 7.2, 6.6, 5.2, 5.8, 6.2, 6.0, 5.4, 4.4, 3.2, 2.6, 2.2, 1.8,
    1.2, 0.8,
)  # fmt: skip
MACHINE = (1.0,) * 24
RHYTHMS = (OFFICE, WRITTEN, MACHINE)
CHANNEL_RHYTHM = {"email": 1, "chat": 0, "phone": 0, "portal": 1, "webhook": 2}
MONTH_START_DAYS = 3
MONTH_START_FACTOR = 2.1


def zone_offsets(zone: str, start: int = WINDOW_START, hours: int = HOURS) -> Ints:
    """Return the zone's offset from UTC in seconds for each hour from ``start`` on, shape (hours,)."""
    info = ZoneInfo(zone)
    stamps = (datetime.fromtimestamp(start + hour * HOUR, UTC).astimezone(info) for hour in range(hours))
    offsets = (stamp.utcoffset() for stamp in stamps)
    return np.array([int(offset.total_seconds()) for offset in offsets if offset is not None], dtype=np.int64)


def local_days(instants: Ints, zone: str) -> Ints:
    """Return the local calendar day of each instant in the window, as days since 1970-01-01.

    Offsets change on whole UTC hours in every zone that we use, so a table by hour is exact.
    """
    offsets = zone_offsets(zone)
    return (instants + offsets[(instants - WINDOW_START) // HOUR]) // DAY


def intensity(region: int, rhythm: int, *, month_start: bool) -> Floats:
    """Return the relative arrival rate of each UTC hour of the window, shape (2160,), mean 1.

    Parameters
    ----------
    region, rhythm : int
        Position in REGIONS and in RHYTHMS (office hours, written, machines).
    month_start : bool
        Whether the first days of a month are busier (billing).
    """
    local = WINDOW_START + np.arange(HOURS, dtype=np.int64) * HOUR + zone_offsets(RHYTHM_ZONES[region])
    day = local // DAY
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    weights = np.asarray(RHYTHMS[rhythm])[(local // HOUR) % 24]
    factors = np.asarray(WEEKDAY) if rhythm < 2 else np.ones(7)
    rate: Floats = weights * factors[weekday]
    if month_start:
        of_month = (day.astype("datetime64[D]") - day.astype("datetime64[D]").astype("datetime64[M]")).astype(np.int64)
        rate = np.where(of_month < MONTH_START_DAYS, rate * MONTH_START_FACTOR, rate)
    relative: Floats = rate / rate.mean()
    return relative


def draw_arrivals(rng: np.random.Generator, region: Ints, rhythm: Ints, month_start: Ints) -> Ints:
    """Draw one arrival second per ticket by inverting the cumulated intensity of its group.

    The hour grid is in UTC, so the hour that a clock change repeats or skips is simply an hour.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream to draw from.
    region, rhythm, month_start : int64 arrays, shape (n,)
        Group of each ticket; ``month_start`` is 0 or 1.

    Returns
    -------
    int64 array, shape (n,)
        UTC epoch seconds inside the window, unsorted.
    """
    draws = rng.random(len(region))
    within = rng.integers(0, HOUR, len(region), dtype=np.int64)
    hour = np.zeros(len(region), dtype=np.int64)
    group = (region * len(RHYTHMS) + rhythm) * 2 + month_start
    for code in np.unique(group):
        rest, busy = divmod(int(code), 2)
        rate = intensity(rest // len(RHYTHMS), rest % len(RHYTHMS), month_start=bool(busy))
        edges = np.cumsum(rate)
        inside = group == code
        hour[inside] = np.searchsorted(edges / edges[-1], draws[inside], side="right").clip(max=HOURS - 1)
    arrived: Ints = np.minimum(WINDOW_START + hour * HOUR + within, WINDOW_END - 1)
    return arrived
