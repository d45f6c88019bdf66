"""Faults on demand: each kind spoils a share of the clean export and lists exactly what it spoiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from triage_lab.domain.errors import UsageError
from triage_lab.replay.synthetic.parameters import DAY, HOUR
from triage_lab.replay.synthetic.streams import Ints, between

LIST_SCHEMA = pl.Schema(
    {"fault": pl.String, "table": pl.String, "key": pl.String, "column": pl.String, "value": pl.String}
)
Tables = dict[str, pl.DataFrame]
Spoiler = Callable[[np.random.Generator, Tables, pl.Series], pl.DataFrame]


def plant_faults(
    rng: np.random.Generator, tables: Mapping[str, pl.DataFrame], faults: float
) -> tuple[Tables, pl.DataFrame]:
    """Return the spoiled tables and the list of spoiled rows.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream to draw from.
    tables : mapping of str to polars.DataFrame
        Clean canonical tables.
    faults : float
        0 (clean) to 1; every kind spoils ``faults`` times its share of FAULT_SHARE of the tickets, each ticket
        by at most one kind.

    Returns
    -------
    tables : dict of str to polars.DataFrame
        Unchanged objects where nothing was spoiled.
    listed : polars.DataFrame
        fault, table, key (primary key, parts joined by ``|``), column, value (as it now stands).

    Raises
    ------
    UsageError
        ``faults`` is outside 0 to 1.
    """
    if not 0.0 <= faults <= 1.0:
        raise UsageError(f"faults {faults}", "a number from 0 to 1", "choose another rate", faults=faults)
    spoiled = dict(tables)
    if faults == 0.0:
        return spoiled, pl.DataFrame(schema=LIST_SCHEMA)
    chosen = _choose_tickets(rng, tables, faults)
    lists = [SPOILERS[name](rng, spoiled, ids) for name, ids in chosen.items()]
    return spoiled, pl.concat(lists).select(pl.col(name).cast(kind) for name, kind in LIST_SCHEMA.items())


FAULT_SHARE = {  # of all tickets, at faults = 1
    "duplicate_id": 0.02,
    "resolved_before_created": 0.02,
    "orphan_account": 0.02,
    "unknown_category": 0.02,
    "lookahead": 0.03,
    "missing_enrichment": 0.10,
    "event_order": 0.03,
}


def _choose_tickets(
    rng: np.random.Generator, tables: Mapping[str, pl.DataFrame], faults: float
) -> dict[str, pl.Series]:
    """Disjoint sets of tickets, each with what its fault needs: a resolution, an account, or answered look-ups."""
    tickets = tables["tickets"]
    answered = tables["enrichment_log"].filter(pl.col("value_as_of").is_not_null())["ticket_id"].unique()
    usable = {
        "resolved_before_created": tickets["resolved_at"].is_not_null(),
        "orphan_account": tickets["account_id"].is_not_null(),
        "lookahead": tickets["ticket_id"].is_in(answered.implode()),
        "missing_enrichment": tickets["ticket_id"].is_in(answered.implode()),
        "event_order": tickets["resolved_at"].is_not_null(),
    }
    shuffled = rng.permutation(len(tickets))
    free = np.ones(len(tickets), dtype=np.bool_)
    chosen: dict[str, pl.Series] = {}
    for name, share in FAULT_SHARE.items():
        able = usable[name].to_numpy() if name in usable else np.ones(len(tickets), dtype=np.bool_)
        candidates = shuffled[free[shuffled] & able[shuffled]]
        rows = np.sort(candidates[: round(faults * share * len(tickets))])
        free[rows] = False
        chosen[name] = tickets["ticket_id"].gather(pl.Series(rows.astype(np.uint32)))
    return chosen


def _is_chosen(ids: pl.Series) -> pl.Expr:
    """Whether the row belongs to one of the tickets."""
    return pl.col("ticket_id").is_in(ids.implode())


def _listed(fault: str, table: str, rows: pl.DataFrame, key: pl.Expr, column: str) -> pl.DataFrame:
    """The list entries of spoiled rows."""
    return rows.select(
        pl.lit(fault).alias("fault"),
        pl.lit(table).alias("table"),
        key.alias("key"),
        pl.lit(column).alias("column"),
        pl.col(column).cast(pl.String).alias("value"),
    )


def _duplicate_ids(rng: np.random.Generator, tables: Tables, ids: pl.Series) -> pl.DataFrame:
    """A second, differing row with the same ticket id."""
    copies = (
        tables["tickets"]
        .filter(_is_chosen(ids))
        .with_columns(
            subject=pl.col("subject") + " (copy)",
            reassignment_count=pl.col("reassignment_count") + pl.Series(between(rng, 1, 4, len(ids))),
        )
    )
    tables["tickets"] = pl.concat([tables["tickets"], copies])
    return _listed("duplicate_id", "tickets", copies, pl.col("ticket_id"), "ticket_id")


def _change(tables: Tables, table: str, where: pl.Expr, column: str, value: pl.Expr) -> pl.DataFrame:
    """Set a column where a condition holds and return the changed rows."""
    before = tables[table]
    tables[table] = before.with_columns(pl.when(where).then(value).otherwise(pl.col(column)).alias(column))
    return tables[table].filter(before.select(where).to_series())


def _by_ticket(ids: pl.Series, values: Ints) -> pl.Expr:
    """A number for each chosen ticket."""
    return pl.col("ticket_id").replace_strict(ids, pl.Series(values), default=None, return_dtype=pl.Int64)


def _resolved_before_created(rng: np.random.Generator, tables: Tables, ids: pl.Series) -> pl.DataFrame:
    """A resolution hours or days before the ticket was filed."""
    earlier = _by_ticket(ids, between(rng, HOUR, 5 * DAY, len(ids)))
    value = pl.col("created_at") - pl.duration(seconds=earlier)
    rows = _change(tables, "tickets", _is_chosen(ids), "resolved_at", value)
    return _listed("resolved_before_created", "tickets", rows, pl.col("ticket_id"), "resolved_at")


def _orphan_accounts(rng: np.random.Generator, tables: Tables, ids: pl.Series) -> pl.DataFrame:
    """An account that no system knows."""
    name = pl.lit("A-X") + _by_ticket(ids, between(rng, 100_000, 1_000_000, len(ids))).cast(pl.String)
    rows = _change(tables, "tickets", _is_chosen(ids), "account_id", name)
    return _listed("orphan_account", "tickets", rows, pl.col("ticket_id"), "account_id")


def _unknown_categories(rng: np.random.Generator, tables: Tables, ids: pl.Series) -> pl.DataFrame:
    """A category that is not in the vocabulary."""
    name = pl.lit("misc-") + _by_ticket(ids, between(rng, 1, 4, len(ids))).cast(pl.String)
    rows = _change(tables, "tickets", _is_chosen(ids), "category", name)
    return _listed("unknown_category", "tickets", rows, pl.col("ticket_id"), "category")


_LOOKUP_KEY = pl.concat_str("ticket_id", "field", "source", pl.col("looked_up_at").cast(pl.String), separator="|")


def _lookahead(rng: np.random.Generator, tables: Tables, ids: pl.Series) -> pl.DataFrame:
    """Values that became true days after they were looked up."""
    later = _by_ticket(ids, between(rng, DAY, 10 * DAY, len(ids)))
    value = pl.col("looked_up_at") + pl.duration(seconds=later)
    where = _is_chosen(ids) & pl.col("value_as_of").is_not_null()
    rows = _change(tables, "enrichment_log", where, "value_as_of", value)
    return _listed("lookahead", "enrichment_log", rows, _LOOKUP_KEY, "value_as_of")


def _missing_enrichment(_rng: np.random.Generator, tables: Tables, ids: pl.Series) -> pl.DataFrame:
    """An outage: every look-up of the ticket ends in an error."""
    where = _is_chosen(ids) & pl.col("status").is_in(["hit", "stale"])
    before = tables["enrichment_log"]
    hit = before.select(where).to_series()
    nothing = pl.lit(None)
    tables["enrichment_log"] = before.with_columns(
        status=pl.when(where).then(pl.lit("error")).otherwise(pl.col("status")),
        value=pl.when(where).then(nothing).otherwise(pl.col("value")),
        value_as_of=pl.when(where).then(nothing).otherwise(pl.col("value_as_of")),
    )
    rows = tables["enrichment_log"].filter(hit)
    return _listed("missing_enrichment", "enrichment_log", rows, _LOOKUP_KEY, "status")


def _event_order(_rng: np.random.Generator, tables: Tables, ids: pl.Series) -> pl.DataFrame:
    """The last event of a ticket is stamped with the time of the first, so that time runs backwards there."""
    last = pl.col("seq") == pl.col("seq").max().over("ticket_id")
    rows = _change(tables, "ticket_events", _is_chosen(ids) & last, "at", pl.col("at").min().over("ticket_id"))
    return _listed("event_order", "ticket_events", rows, pl.col("event_id"), "at")


SPOILERS: dict[str, Spoiler] = {
    "duplicate_id": _duplicate_ids,
    "resolved_before_created": _resolved_before_created,
    "orphan_account": _orphan_accounts,
    "unknown_category": _unknown_categories,
    "lookahead": _lookahead,
    "missing_enrichment": _missing_enrichment,
    "event_order": _event_order,
}
