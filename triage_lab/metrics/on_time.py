"""On time, counted from dates alone, under each denominator that people use for it.

One share of "on time" is three different numbers, depending on who is in the denominator; so all are counted side by
side, and whoever is left out of one is counted by reason.
"""

from __future__ import annotations

import polars as pl

from triage_lab.domain.errors import UsageError

DENOMINATORS = ("matured", "closed", "closed_plain", "flagged", "flagged_with_target")
"""matured: has a due time that the cutoff has reached; what is open then is breached. closed: resolved or closed by the
cutoff, with a due time (open late work is missing, so it flatters). closed_plain: the same without what was not worked
to its end. flagged: the vendor's own flag. flagged_with_target: that flag where there is a due time."""
NOT_PLAIN = ("duplicate", "transferred", "merged", "cancelled", "deleted", "spam")
"""Values of ``status_class`` of tickets that nobody was meant to resolve here."""
_REASONS = ("no_due", "not_due_yet", "open", "no_flag", *NOT_PLAIN)
_KINDS: dict[str, pl.DataType] = {
    "due_at": pl.Int64(),
    "resolved_at": pl.Int64(),
    "closed_at": pl.Int64(),
    "sla_met": pl.Boolean(),
    "status_class": pl.String(),
}


def on_time_counts(tickets: pl.DataFrame, *, cutoff: int, by: str | None = None) -> pl.DataFrame:
    """Count tickets that were resolved on time, under each denominator.

    Parameters
    ----------
    tickets : polars.DataFrame
        One row per ticket: ``due_at``, ``resolved_at``, ``closed_at`` (UTC epoch seconds, or Datetime, which is
        floored), ``sla_met`` Boolean, ``status_class``. A missing column counts as NULL throughout.
    cutoff : int
        UTC epoch second after which nothing is known: a later end is not seen.
    by : str, optional
        Column to cut by, such as ``first_team_id``; its NULL is a group of its own.

    Returns
    -------
    polars.DataFrame
        One row per denominator (in the order of DENOMINATORS) and group (sorted, NULL last):
        denominator String, the column of ``by`` if given, tickets (all of the group), n, met, breached Int64,
        rate Float64 (met / n as a fraction, NULL where n is 0), and excluded_<reason> Int64 for no_due, not_due_yet,
        open, no_flag and each of NOT_PLAIN. Always tickets = n + all excluded, and n = met + breached.

    Raises
    ------
    UsageError
        No such column ``by``, or a column of a wrong type.

    Notes
    -----
    The end of a ticket is ``resolved_at``, else ``closed_at``. An end exactly at the due instant is met. A ticket is
    left out for the first reason that holds: no_due, not_due_yet, open, then its class; for flags no_due, no_flag.
    Source of the denominators: the design's matured cohort (due by the cutoff, open and past due is breached), and the
    counts that open-data portals print.

    Examples
    --------
    >>> day = pl.DataFrame({"due_at": [100, 100, 900], "resolved_at": [100, None, 50]})
    >>> on_time_counts(day, cutoff=500).select("denominator", "n", "met", "rate").head(2).rows()
    [('matured', 2, 1, 0.5), ('closed', 2, 2, 1.0)]
    """
    taken = ("denominator", "tickets", "n", "met", "breached", "rate", *(f"excluded_{reason}" for reason in _REASONS))
    if by is not None and (by not in tickets.columns or by in taken):
        fits = [name for name in tickets.columns if name not in taken]
        raise UsageError(
            f"no column '{by}' to cut by", f"one of {', '.join(fits)}", "correct or rename the column", column=by
        )
    facts = _facts(tickets, cutoff).with_columns(pl.lit(0).alias("_key") if by is None else tickets[by].alias("_key"))
    counted = pl.concat([_count(facts, name, place) for place, name in enumerate(DENOMINATORS)])
    if tickets.height == 0 and by is None:
        counted = _nothing(counted)
    shown = [*taken[:1], *([pl.col("_key").alias(by)] if by is not None else []), *taken[1:]]
    return counted.sort("_place", "_key", nulls_last=True).select(shown)


def _facts(tickets: pl.DataFrame, cutoff: int) -> pl.DataFrame:
    """For each denominator why a ticket is left out (NULL: it is in); and whether it was on time, by dates and flag."""
    # with_columns first: a selection of nothing but literals would have one row, whatever the frame's height
    known = tickets.with_columns(_column(tickets, name, kind) for name, kind in _KINDS.items()).select(*_KINDS)
    end = pl.coalesce("resolved_at", "closed_at")
    facts = known.with_columns(pl.when(end <= cutoff).then(end).alias("end"))
    no_due = pl.when(pl.col("due_at").is_null()).then(pl.lit("no_due"))
    still = no_due.when(pl.col("end").is_null()).then(pl.lit("open"))
    no_flag = pl.when(pl.col("sla_met").is_null()).then(pl.lit("no_flag"))
    odd = pl.col("status_class").is_in(NOT_PLAIN)
    by_dates = pl.col("end").is_not_null() & (pl.col("end") <= pl.col("due_at"))
    return facts.select(
        matured=no_due.when(pl.col("due_at") > cutoff).then(pl.lit("not_due_yet")),
        closed=still,
        closed_plain=still.when(odd).then(pl.col("status_class")),
        flagged=no_flag,
        flagged_with_target=no_due.when(pl.col("sla_met").is_null()).then(pl.lit("no_flag")),
        by_dates=by_dates.fill_null(value=False),
        by_flag=pl.col("sla_met").fill_null(value=False),
    )


def _column(tickets: pl.DataFrame, name: str, kind: pl.DataType) -> pl.Expr:
    """A column of the frame in its type; NULL if the frame lacks it."""
    if name not in tickets.columns:
        return pl.lit(None, dtype=kind).alias(name)
    found = tickets.schema[name]
    if found == pl.Null():
        return pl.col(name).cast(kind)
    if isinstance(kind, pl.Int64):
        if isinstance(found, pl.Datetime):
            return pl.col(name).dt.epoch("us").floordiv(1_000_000).cast(pl.Int64)
        fits = found.is_integer()
    elif isinstance(kind, pl.Boolean):
        fits = found == pl.Boolean()
    else:
        fits = found in (pl.String, pl.Categorical, pl.Enum)
    if not fits:
        raise UsageError(
            f"column '{name}' has the type {found}",
            {"Int64": "UTC epoch seconds", "Boolean": "true, false or NULL"}.get(str(kind), "text"),
            "read it from the store, or cast it",
            column=name,
        )
    return pl.col(name).cast(kind)


def _count(facts: pl.DataFrame, name: str, place: int) -> pl.DataFrame:
    """Counts of one denominator for each value of ``_key``."""
    inside = pl.col(name).is_null()
    verdict = pl.col("by_flag" if name.startswith("flagged") else "by_dates")
    counts = facts.group_by("_key").agg(
        pl.len().cast(pl.Int64).alias("tickets"),
        inside.sum().cast(pl.Int64).alias("n"),
        (inside & verdict).sum().cast(pl.Int64).alias("met"),
        (inside & ~verdict).sum().cast(pl.Int64).alias("breached"),
        *((pl.col(name) == reason).sum().cast(pl.Int64).alias(f"excluded_{reason}") for reason in _REASONS),
    )
    rate = pl.when(pl.col("n") > 0).then(pl.col("met") / pl.col("n"))
    return counts.with_columns(
        rate.alias("rate"), pl.lit(name).alias("denominator"), pl.lit(place, dtype=pl.Int64).alias("_place")
    )


def _nothing(counted: pl.DataFrame) -> pl.DataFrame:
    """The rows of an empty frame: every denominator with zero tickets and no rate."""
    names = pl.DataFrame(
        {"denominator": DENOMINATORS, "_place": range(len(DENOMINATORS))}, schema_overrides={"_place": pl.Int64()}
    )
    zeros = [pl.lit(0, dtype=pl.Int64).alias(name) for name in counted.columns if name not in {*names.columns, "rate"}]
    return names.with_columns(*zeros, pl.lit(None, dtype=pl.Float64()).alias("rate"))
