"""The trail of a replay: what happened, in order, in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.replay.arrays import Code
from triage_lab.replay.roster import Roster


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """Events of a replay in the order in which they happened.

    Parameters
    ----------
    time : int64 array, shape (k,), UTC seconds
    ticket : int32 array, shape (k,)
        Row of the ticket.
    code : int32 array, shape (k,)
        A `Code`.
    arg : int32 array, shape (k,)
        Team (JOIN), slot (INSPECT, HANDOFF, START, RESOLVE) or escalation window (ESCALATE), as a number.
    """

    time: npt.NDArray[np.int64]
    ticket: npt.NDArray[np.int32]
    code: npt.NDArray[np.int32]
    arg: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.time)

    def of_ticket(self, row: int) -> Trail:
        """Return the events of one ticket."""
        own = self.ticket == row
        return Trail(self.time[own], self.ticket[own], self.code[own], self.arg[own])


def decode_trail(trail: Trail, roster: Roster, windows: tuple[str, ...]) -> pl.DataFrame:
    """Write a trail with names instead of numbers.

    Parameters
    ----------
    trail : Trail
    roster : Roster
    windows : tuple of str
        Escalation window ids in file order.

    Returns
    -------
    polars.DataFrame
        One row per event: row UInt32, time Int64 (UTC seconds), event (join, inspect, handoff, start, resolve,
        escalate), team (whose queue or whose agent; NULL for an escalation), agent, window.
    """
    events = pl.Series("event", ["", *(code.name.lower() for code in Code)]).gather(trail.code.astype(np.uint32))
    joins, escalates = trail.code == int(Code.JOIN), trail.code == int(Code.ESCALATE)
    slots = ~joins & ~escalates
    at_slot = np.where(slots, trail.arg, 0)
    team = np.where(slots, roster.desk.slots["team"][at_slot], np.where(joins, trail.arg, 0))
    return pl.DataFrame(
        {
            "row": trail.ticket.astype(np.uint32),
            "time": trail.time,
            "event": events,
            "team": _named(roster.teams, team, ~escalates),
            "agent": _named(roster.slot_agent, at_slot, slots),
            "window": _named(windows, np.where(escalates, trail.arg, 0), escalates),
        }
    )


def _named(names: tuple[str, ...], index: npt.NDArray[np.int32], valid: npt.NDArray[np.bool_]) -> pl.Series:
    """Look names up, NULL where not valid."""
    if not names:
        return pl.Series([None] * len(index), dtype=pl.String())
    return pl.Series(names, dtype=pl.String()).gather(index.astype(np.uint32)).set(pl.Series(~valid), None)
