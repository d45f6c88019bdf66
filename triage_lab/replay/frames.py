"""Reading the frames that come in: typed columns, ticket order, masks, team numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from triage_lab.domain.errors import ReplayError
from triage_lab.replay.arrays import NEVER

BoolArray = npt.NDArray[np.bool_]
OPTIONAL = {
    "account_id": pl.String(),
    "category": pl.String(),
    "first_team_id": pl.String(),
    "resolver_team_id": pl.String(),
    "truth_teams": pl.List(pl.String()),
    "handle_minutes": pl.Float64(),
    "priority_at_creation": pl.String(),
    "due_at": pl.Int64(),
    "owned_at": pl.Int64(),
    "first_action_at": pl.Int64(),
    "first_human_action_at": pl.Int64(),
    "acknowledged_at": pl.Int64(),
    "resolved_at": pl.Int64(),
    "handoffs": pl.Int64(),
    "escalations": pl.Int64(),
    "sla_met": pl.Boolean(),
}
REQUIRED = {"ticket_id": pl.String(), "ticket_key": pl.UInt64(), "arrived_at": pl.Int64()}


def in_ticket_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Sort a per-ticket frame by (arrived_at, ticket_id bytewise), the row order of every replay.

    Parameters
    ----------
    frame : polars.DataFrame
        With ``arrived_at`` (Int64, UTC seconds) and ``ticket_id``.

    Returns
    -------
    polars.DataFrame
        The same rows, sorted.
    """
    return frame.sort("arrived_at", pl.col("ticket_id").cast(pl.String()))


def read_history(history: pl.DataFrame, cutoff: int) -> pl.DataFrame:
    """Return the history's columns with their exact types; optional ones that are missing become all NULL.

    Raises
    ------
    ReplayError
        A required column is missing, NULL or of the wrong type, rows are not in ticket order, or a ticket arrives
        after the cutoff.
    """
    missing = [name for name in REQUIRED if name not in history.columns]
    if missing:
        raise ReplayError(
            f"the history has no column {', '.join(missing)}", f"the columns {', '.join(REQUIRED)}", "add them"
        )
    try:
        frame = history.select(
            *(pl.col(name).cast(kind) for name, kind in REQUIRED.items()),
            *(
                pl.col(name).cast(kind) if name in history.columns else pl.lit(None, dtype=kind).alias(name)
                for name, kind in OPTIONAL.items()
            ),
        )
    except (pl.exceptions.PolarsError, OverflowError) as error:
        raise ReplayError(
            f"a column of the history has the wrong type: {error}", "the types of the history frame", "cast it first"
        ) from error
    _check_rows(frame, cutoff)
    return frame


def _check_rows(frame: pl.DataFrame, cutoff: int) -> None:
    """Refuse NULL keys, rows out of order and arrivals after the cutoff."""
    unknown = sum(frame.select(pl.col(*REQUIRED).null_count()).row(0)) if frame.height else 0
    if unknown:
        raise ReplayError(f"{unknown} NULL values in {', '.join(REQUIRED)}", "no NULL", "leave these tickets out")
    behind = frame.select(
        (
            (pl.col("arrived_at") < pl.col("arrived_at").shift(1))
            | (
                (pl.col("arrived_at") == pl.col("arrived_at").shift(1))
                & (pl.col("ticket_id") <= pl.col("ticket_id").shift(1))
            )
        ).sum()
    ).item()
    if behind:
        raise ReplayError(
            f"{behind} tickets are out of order or stored twice",
            "one row per ticket by (arrived_at, ticket_id bytewise)",
            "sort every per-ticket frame with triage_lab.replay.in_ticket_order",
        )
    late = frame.filter(pl.col("arrived_at") > cutoff).height
    if late:
        raise ReplayError(
            f"{late} tickets arrive after the cutoff",
            "tickets that arrived by the cutoff",
            "leave them out, or move it",
        )


def stamps_of(series: pl.Series) -> npt.NDArray[np.int64]:
    """Return a nullable Int64 column as an array with NEVER for NULL."""
    return series.fill_null(NEVER).to_numpy().astype(np.int64)


def nullable(name: str, values: npt.NDArray[np.int64]) -> pl.Series:
    """Return an array of stamps as a column with NULL for NEVER."""
    return pl.Series(name, values).set(pl.Series(values == NEVER), None)


def minutes(name: str, seconds: npt.NDArray[np.int64], valid: npt.NDArray[np.bool_]) -> pl.Series:
    """Return seconds as a column of minutes, NULL where not valid.

    Notes
    -----
    NumPy divides: Polars multiplies integers by a rounded 1/60, which is off by one in the last place now and then.
    """
    return pl.Series(name, seconds / 60).set(pl.Series(~valid), None)


def numbered(series: pl.Series, names: Sequence[str]) -> npt.NDArray[np.int32]:
    """Return the position of each text in ``names``, -1 for NULL, -2 for a text that is not among them."""
    if isinstance(series.dtype, pl.Enum):
        codes = {name: code for code, name in enumerate(names)}
        code_of = np.array([*(codes.get(text, -2) for text in series.dtype.categories), -1], dtype=np.int32)
        return code_of.take(series.to_physical().cast(pl.UInt32).fill_null(len(code_of) - 1).to_numpy())
    text = series.cast(pl.String())
    if not names:
        return np.where(text.is_null().to_numpy(), -1, -2).astype(np.int32)
    known = text.replace_strict(list(names), list(range(len(names))), default=-2, return_dtype=pl.Int32)
    return np.where(text.is_null().to_numpy(), -1, known.to_numpy()).astype(np.int32)


def mask_of(masks: Mapping[str, npt.NDArray[np.bool_]], name: str, match: str | None, rows: int) -> BoolArray:
    """Return the rows that a target or window applies to; one without ``match`` applies to all.

    Raises
    ------
    ReplayError
        It has a ``match`` but no mask was given, or the mask has another length.
    """
    if name not in masks:
        if match is None:
            return np.ones(rows, dtype=bool)
        raise ReplayError(
            f"no mask for {name!r}, which matches {match!r}", "a mask per target and window", "compute the mask first"
        )
    mask = np.asarray(masks[name], dtype=bool)
    if mask.shape != (rows,):
        raise ReplayError(
            f"the mask of {name!r} has shape {mask.shape}", f"shape ({rows},)", "compute it on the same tickets"
        )
    return mask


def check_names(masks: Mapping[str, npt.NDArray[np.bool_]], names: Sequence[str], what: str) -> None:
    """Refuse masks for targets or windows that are not declared."""
    unknown = sorted(set(masks) - set(names))
    if unknown:
        raise ReplayError(
            f"masks for undeclared {what}: {', '.join(unknown)}",
            f"ids among {', '.join(names) or 'none'}",
            "use the ids of operations.yaml",
        )
