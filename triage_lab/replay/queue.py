"""One queue without a lab: arrivals and handle times in, starts and waits out, through the same kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.desk import Calendar
from triage_lab.domain.enums import Priority
from triage_lab.domain.errors import ReplayError
from triage_lab.replay.arrays import DEADLINE, DONOR_TABLE, FAR, LANES, TICKET, Donors, Load, Order, record_array
from triage_lab.replay.calendars import Segments, compile_calendar
from triage_lab.replay.clocks import due_times, stamps
from triage_lab.replay.play import run_desk
from triage_lab.replay.roster import Roster, make_desk

EDGE = 2**61
EVERLASTING = Segments(
    "always",
    np.array([-EDGE], dtype=np.int64),
    np.array([EDGE], dtype=np.int64),
    np.array([0, 2 * EDGE], dtype=np.int64),
    -EDGE,
    EDGE,
)
LONGEST = 2**40


def run_queue(
    arrived_at: npt.ArrayLike,
    handle_seconds: npt.ArrayLike,
    *,
    agents: int = 1,
    priority: Sequence[int] | Sequence[str] | npt.NDArray[np.int64] | None = None,
    team: Sequence[object] | npt.NDArray[np.int64] | None = None,
    calendar: Calendar | None = None,
    row_order: npt.ArrayLike | None = None,
) -> pl.DataFrame:
    """Serve tickets by a queue (or several) until all are done.

    Parameters
    ----------
    arrived_at : array_like of int, shape (n,), UTC epoch seconds
        Any order. Without a calendar any other unit will do, if handle times are in it too.
    handle_seconds : array_like of int, shape (n,), seconds
        At least 1 each.
    agents : int
        Agents of each team.
    priority : sequence, shape (n,), optional
        0 (first) to 3, or the words urgent, high, normal, low. Without it: first come, first served.
    team : sequence, shape (n,), optional
        Teams by any sortable label; each has its own queue and ``agents`` agents.
    calendar : Calendar, optional
        When the agents work; None is round the clock. Work that is not done at closing goes on at opening.
    row_order : array_like of int, shape (n,), optional
        Order among tickets of one second (and priority); default is the order given.

    Returns
    -------
    polars.DataFrame
        In the order given: started_at, finished_at (Int64), wait_minutes (Float64).

    Raises
    ------
    ReplayError
        Lengths differ, a time is not whole, a handle time is below 1, no agents, or the calendar never opens.

    Notes
    -----
    Everything that happens in one second happens together: freed agents and all arrivals of the second are known
    before work is handed out. The result is checked by the trail auditor.

    Examples
    --------
    >>> run_queue([0, 10, 20], [60, 60, 60])["wait_minutes"].round(2).to_list()
    [0.0, 0.83, 1.67]
    """
    arrived, handle = stamps(arrived_at, "arrived_at"), stamps(handle_seconds, "handle_seconds")
    n = len(arrived)
    ties = np.arange(n) if row_order is None else stamps(row_order, "row_order")
    lanes = np.zeros(n, dtype=np.int64) if priority is None else _lanes(priority)
    labels, teams = np.unique(np.zeros(n, dtype=np.int64) if team is None else np.asarray(team), return_inverse=True)
    _check(n, handle, ties, lanes, teams, agents)
    if not n:
        return pl.DataFrame(schema={"started_at": pl.Int64, "finished_at": pl.Int64, "wait_minutes": pl.Float64})
    order = np.lexsort((ties, arrived))
    schedule = EVERLASTING if calendar is None else _long_schedule(calendar, arrived, handle)
    discipline = Order.FIRST_COME if priority is None else Order.PRIORITY
    roster = Roster(
        teams=tuple(str(label) for label in labels),
        desk=make_desk(
            [(number, 0) for number in range(len(labels)) for _ in range(agents)],
            [int(discipline)] * len(labels),
            [schedule],
        ),
        schedules=(schedule,),
        slot_agent=tuple(str(number) for _ in labels for number in range(agents)),
    )
    game, _, _ = run_desk(roster, _load(arrived[order], handle[order], lanes[order], teams[order]))
    started, finished = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    started[order], finished[order] = game.fates["started"], game.fates["resolved"]
    return pl.DataFrame({"started_at": started, "finished_at": finished, "wait_minutes": (started - arrived) / 60})


def _lanes(priority: Sequence[int] | Sequence[str] | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return lanes 0 to 3 from numbers or words."""
    words = {level.value: lane for lane, level in enumerate(Priority)}
    values = np.asarray(priority)
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    unknown = sorted({str(value) for value in values.tolist()} - set(words))
    if unknown:
        raise ReplayError(f"priorities {', '.join(unknown)}", f"one of {', '.join(words)}", "correct them")
    return np.array([words[value] for value in values.tolist()], dtype=np.int64)


def _check(
    n: int,
    handle: npt.NDArray[np.int64],
    ties: npt.NDArray[np.int64],
    lanes: npt.NDArray[np.int64],
    teams: npt.NDArray[np.int64],
    agents: int,
) -> None:
    """Refuse inputs that no queue can serve."""
    if not len(handle) == len(ties) == len(lanes) == len(teams) == n:
        raise ReplayError("columns of different lengths", "one value a ticket in each", "align them")
    if n and (int(handle.min()) < 1 or int(handle.max()) > LONGEST):
        raise ReplayError("a handle time below 1 or far too long", "whole seconds from 1 on", "round them first")
    if n and (int(lanes.min()) < 0 or int(lanes.max()) >= LANES):
        raise ReplayError("a priority outside 0 to 3", f"lanes 0 to {LANES - 1}", "merge classes")
    if agents < 1:
        raise ReplayError(f"{agents} agents", "at least 1", "a queue without agents never ends")


def _long_schedule(calendar: Calendar, arrived: npt.NDArray[np.int64], handle: npt.NDArray[np.int64]) -> Segments:
    """Compile a calendar long enough to finish all work even if one agent did it after the last arrival."""
    last = due_times(arrived.max(keepdims=True), int(handle.sum()), calendar)
    return compile_calendar(calendar, int(arrived.min()), int(last[0]))


def _load(
    arrived: npt.NDArray[np.int64],
    handle: npt.NDArray[np.int64],
    lanes: npt.NDArray[np.int64],
    teams: npt.NDArray[np.int64],
) -> Load:
    """Bundle tickets that are their own traces and belong where they arrive."""
    tickets = record_array(
        TICKET,
        len(arrived),
        owned=arrived,
        trace=handle,
        draw=-1.0,
        owner=teams,
        due_rank=0,
        resolver=-1,
        target=-1,
        truth=0,
        truth_stop=0,
        category=0,
        lane=lanes,
    )
    no_donors = Donors(np.zeros(0, dtype=np.int64), np.zeros((int(teams.max()) + 1, 1), dtype=DONOR_TABLE))
    return Load(
        tickets=tickets,
        truth=np.zeros(0, dtype=np.int32),
        donors=no_donors,
        deadlines=np.empty(0, dtype=DEADLINE),
        window_to=np.zeros(0, dtype=np.int32),
        cutoff=FAR,
        inspection=1,
    )
