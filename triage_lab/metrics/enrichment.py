"""Looked-up facts: how often they are found, how often they are right, and false alarms of the legal flag."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from triage_lab.domain.canonical import canonical_json
from triage_lab.domain.desk import ColumnKind, ContextColumn
from triage_lab.domain.errors import UsageError
from triage_lab.domain.result import NotPossible
from triage_lab.metrics.catalogue import CATALOGUE

CHAIN = "*"
LEGAL_FLAG = "legal_flag"
TRUTH_TEAM = "truth_team"
_NUMBERS = frozenset({ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.NUMBER})
_TRUE, _FALSE = frozenset({"true", "t", "1", "yes", "y"}), frozenset({"false", "f", "0", "no", "n"})
_RATES = {"numerator": pl.Float64(), "denominator": pl.Float64()}


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """How often one field was asked of one source (``*`` = the chain), labelled, and found but out of date."""

    field: str
    source: str
    lookups: int
    labelled: int
    stale_share: float | None


@dataclass(frozen=True, slots=True)
class EnrichmentTallies:
    """Tallies of looked-up facts, alike for every arm; ``rates`` as in ``Tallies``, ``durations`` always empty.

    Segments: ``{}`` = all fields over the chain, else field and source (``*`` = the chain).
    """

    rates: pl.DataFrame
    durations: pl.DataFrame
    fields: tuple[FieldCounts, ...]
    absent: tuple[NotPossible, ...] = ()
    headline: str | None = field(default=None)


def same_value(kind: ColumnKind | None, found: str, truth: str) -> bool:
    """Whether a found value equals its label.

    Parameters
    ----------
    kind : ColumnKind or None
        Type of the field; None = numbers are compared as numbers, all else as text.
    found, truth : str
        Both as text.

    Notes
    -----
    Numbers are equal after rounding to 2 decimals, dates by day, booleans by meaning, text without regard to case and
    surrounding blanks. What does not parse is compared as text.

    Examples
    --------
    >>> same_value(None, "12.501", "12.5"), same_value(ColumnKind.BOOLEAN, "TRUE", "1"), same_value(None, "Pro", "pro ")
    (True, True, True)
    """
    left, right = found.strip().casefold(), truth.strip().casefold()
    if kind is None or kind in _NUMBERS:
        numbers = _number(left), _number(right)
        if numbers[0] is not None and numbers[1] is not None:
            return round(numbers[0], 2) == round(numbers[1], 2)
    if kind is ColumnKind.BOOLEAN and {left, right} <= _TRUE | _FALSE:
        return (left in _TRUE) == (right in _TRUE)
    if kind is ColumnKind.DATE:
        return left[:10] == right[:10]
    return left == right


def _number(text: str) -> float | None:
    """The finite number that a text writes, if it writes one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def tally_enrichment(
    enrichment: pl.DataFrame,
    labels: pl.DataFrame,
    facts: pl.DataFrame,
    scored: pl.Series,
    *,
    replayed: pl.DataFrame | None = None,
    context: pl.DataFrame | None = None,
    columns: Mapping[str, ContextColumn] | None = None,
) -> EnrichmentTallies:
    """Count lookups and their errors, per field, source and account, for scored tickets.

    Parameters
    ----------
    enrichment : polars.DataFrame
        row, field, source, value, status (hit | miss | error | stale), looked_up_at; one row per lookup.
    labels : polars.DataFrame
        row, field, value; the last label of a ticket and field counts.
    facts : polars.DataFrame
        Row-aligned, with ``cluster``.
    scored : polars.Series of Boolean
        Row-aligned.
    replayed : polars.DataFrame or None
        What the replay itself looked up, for fields that the log never asked of a ticket: columns of ``enrichment``,
        each ticket's field in one run of rows, systems in the order in which they were asked, the last one answering.
    context : polars.DataFrame or None
        Row-aligned context: gives the legal flag that the policy saw, and the values of labelled fields that were never
        looked up through the log.
    columns : mapping of name to ContextColumn or None
        Types of the fields.

    Returns
    -------
    EnrichmentTallies

    Raises
    ------
    UsageError
        ``scored`` and ``facts`` differ in length.

    Notes
    -----
    A repeated lookup of a ticket, field and source counts once, with its last answer. A chain has found a fact if any
    of its sources did; its value is the earliest hit. Stale answers are no hits.
    """
    if scored.len() != facts.height:
        raise UsageError(
            f"{scored.len()} marks for {facts.height} tickets", "row-aligned inputs", "build both from one run"
        )
    cluster = facts["cluster"].cast(pl.String)
    keys = pl.DataFrame({"row": pl.arange(facts.height, dtype=pl.UInt32, eager=True), "cluster": cluster}).filter(
        scored.fill_null(value=False)
    )
    lookups = _lookups(enrichment, keys)
    if replayed is not None and replayed.height:
        lookups = pl.concat([lookups, _replayed(replayed, keys)])
    truths = _truths(labels, keys)
    kinds = {name: column.kind for name, column in (columns or {}).items()}
    values = _values(lookups, truths, context)
    judged = _judged(values, truths, kinds)
    parts = [
        *_by_source("enrichment_coverage", lookups.with_columns(good=pl.col("status") == "hit")),
        *_by_source("enrichment_accuracy", judged),
        *_legal(values, truths, context, keys),
    ]
    counts = _counts(lookups, judged)
    rates = _rates(parts)
    return EnrichmentTallies(
        rates, _no_durations(rates["cluster"].dtype), counts, tuple(_absent(lookups, truths, judged, parts))
    )


def _lookups(enrichment: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Last answer per ticket, field and source, and the answer of the chain (source ``*``)."""
    columns = ["row", "field", "source", "value", "status", "looked_up_at"]
    known = (
        enrichment.select(pl.col("row").cast(pl.UInt32), *(pl.col(name) for name in columns[1:]))
        .with_columns(pl.col("field", "source", "value", "status").cast(pl.String))
        .join(keys, on="row", how="inner", maintain_order="left")
    )
    single = known.sort("row", "field", "source", "looked_up_at", "status", "value", nulls_last=True).unique(
        ["row", "field", "source"], keep="last", maintain_order=True
    )
    rank = pl.when(pl.col("status") == "hit").then(0).when(pl.col("status") == "stale").then(1).otherwise(2)
    chain = (
        single.with_columns(rank=rank)
        .sort("row", "field", "rank", "looked_up_at", "source", nulls_last=True)
        .unique(["row", "field"], keep="first", maintain_order=True)
        .with_columns(source=pl.lit(CHAIN))
        .select(single.columns)
    )
    return pl.concat([single, chain])


def _replayed(frame: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Replayed lookups of scored tickets, and for the chain the answer of the system that was asked last."""
    columns = ["row", "field", "source", "value", "status", "looked_up_at"]
    known = frame.select(
        pl.col("row").cast(pl.UInt32),
        pl.col("field", "source", "value", "status").cast(pl.String),
        pl.col("looked_up_at").cast(pl.Int64),
        last=((pl.col("row") != pl.col("row").shift(-1)) | (pl.col("field") != pl.col("field").shift(-1))).fill_null(
            value=True
        ),
    ).join(keys, on="row", how="inner", maintain_order="left")
    single = known.select(*columns, "cluster")
    return pl.concat([single, known.filter("last").with_columns(source=pl.lit(CHAIN)).select(single.columns)])


def _truths(labels: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """The last label of each scored ticket and field, the right team apart."""
    return (
        labels.select(
            pl.col("row").cast(pl.UInt32),
            pl.col("field").cast(pl.String),
            pl.col("value").cast(pl.String).alias("truth"),
        )
        .filter((pl.col("field") != TRUTH_TEAM) & pl.col("truth").is_not_null())
        .unique(["row", "field"], keep="last", maintain_order=True)
        .join(keys, on="row", how="inner", maintain_order="left")
    )


def _values(lookups: pl.DataFrame, truths: pl.DataFrame, context: pl.DataFrame | None) -> pl.DataFrame:
    """Values found: hits of the log, and context values of labelled fields that the log never asked for."""
    hits = lookups.filter((pl.col("status") == "hit") & pl.col("value").is_not_null())
    found = [hits.select("row", "field", "source", "value")]
    logged = set(lookups["field"].unique().to_list())
    for name in sorted(set(truths["field"].unique().to_list()) - logged):
        if context is not None and name in context.columns:
            rows = pl.arange(context.height, dtype=pl.UInt32, eager=True)
            column = pl.DataFrame({"row": rows, "value": context[name].cast(pl.String)}).drop_nulls("value")
            found.append(column.select("row", pl.lit(name).alias("field"), pl.lit(CHAIN).alias("source"), "value"))
    return pl.concat(found)


def _judged(values: pl.DataFrame, truths: pl.DataFrame, kinds: Mapping[str, ColumnKind]) -> pl.DataFrame:
    """Found values beside their labels: row, field, source, cluster, good."""
    both = truths.join(values, on=["row", "field"], how="inner", maintain_order="left_right")
    good = [
        same_value(kinds.get(name), found, truth)
        for name, found, truth in zip(both["field"], both["value"], both["truth"], strict=True)
    ]
    return both.select("row", "field", "source", "cluster").with_columns(pl.Series("good", good, dtype=pl.Boolean))


def _by_source(metric: str, rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Sums by field and source and account, and overall over the chain."""
    sums = (pl.col("good").sum().cast(pl.Float64).alias("numerator"), pl.len().cast(pl.Float64).alias("denominator"))
    single = rows.group_by("field", "source", "cluster").agg(*sums).sort("field", "source", "cluster")
    pairs = single.select("field", "source").unique(maintain_order=True)
    texts = [canonical_json({"field": name, "source": source}) for name, source in pairs.iter_rows()]
    named = single.join(
        pairs.with_columns(pl.Series("segment", texts, dtype=pl.String)),
        on=["field", "source"],
        how="left",
        maintain_order="left",
    )
    chain = rows.filter(pl.col("source") == CHAIN).group_by("cluster").agg(*sums).sort("cluster")
    return [
        _part(metric, chain, pl.lit("{}")),
        _part(metric, named, pl.col("segment")),
    ]


def _part(metric: str, sums: pl.DataFrame, segment: pl.Expr) -> pl.DataFrame:
    """Tally rows of one metric as text."""
    return sums.select(pl.lit(metric).alias("metric"), segment.alias("segment"), "cluster", "numerator", "denominator")


def _legal(
    values: pl.DataFrame, truths: pl.DataFrame, context: pl.DataFrame | None, keys: pl.DataFrame
) -> list[pl.DataFrame]:
    """False alarms and misses of the flag that the policy saw, against the labels; an unknown flag is neither."""
    truth = truths.filter(pl.col("field") == LEGAL_FLAG).select("row", "cluster", pl.col("truth").str.to_lowercase())
    if context is not None and LEGAL_FLAG in context.columns:
        seen = keys.select("row").with_columns(flag=context[LEGAL_FLAG].cast(pl.Boolean).gather(keys["row"]))
    else:
        chain = values.filter((pl.col("field") == LEGAL_FLAG) & (pl.col("source") == CHAIN))
        text = pl.col("value").str.strip_chars().str.to_lowercase()
        flag = (
            pl.when(text.is_in(list(_TRUE)))
            .then(pl.lit(value=True))
            .when(text.is_in(list(_FALSE)))
            .then(pl.lit(value=False))
        )
        seen = chain.select("row", flag.alias("flag"))
    both = truth.join(seen, on="row", how="inner", maintain_order="left").drop_nulls("flag")
    text = pl.col("truth").str.strip_chars()
    out = []
    for metric, actual, wrong in (
        ("legal_flag_false_positive_rate", _FALSE, pl.col("flag")),
        ("legal_flag_false_negative_rate", _TRUE, ~pl.col("flag")),
    ):
        sums = (
            both.filter(text.is_in(sorted(actual)))
            .group_by("cluster")
            .agg(wrong.sum().cast(pl.Float64).alias("numerator"), pl.len().cast(pl.Float64).alias("denominator"))
            .sort("cluster")
        )
        out.append(_part(metric, sums, pl.lit("{}")))
    return out


def _rates(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """All parts with closed vocabularies."""
    whole = pl.concat([part.cast({"segment": pl.String, "cluster": pl.String}) for part in parts])
    segments = pl.Enum(pl.concat([pl.Series(values=["{}"]), whole["segment"].unique()]).unique().sort())
    return whole.with_columns(
        pl.col("metric").cast(pl.Enum(list(CATALOGUE))),
        pl.col("segment").cast(segments),
        pl.col("cluster").cast(pl.Enum(whole["cluster"].unique().sort())),
    )


def _no_durations(clusters: pl.DataType) -> pl.DataFrame:
    """Lookups have no waiting times."""
    return pl.DataFrame(
        schema={
            "metric": pl.Enum(list(CATALOGUE)),
            "segment": pl.Enum(["{}"]),
            "cluster": clusters,
            "minutes": pl.Float64,
            "event": pl.Boolean,
        }
    )


def _counts(lookups: pl.DataFrame, judged: pl.DataFrame) -> tuple[FieldCounts, ...]:
    """Lookups, labelled values and stale share by field and source; the chain first."""
    asked = lookups.group_by("field", "source").agg(
        pl.len().alias("lookups"),
        (pl.col("status") == "stale").sum().alias("stale"),
        pl.col("status").is_in(["hit", "stale"]).sum().alias("answered"),
    )
    labelled = judged.group_by("field", "source").agg(pl.len().alias("labelled"))
    both = asked.join(labelled, on=["field", "source"], how="full", coalesce=True)
    rows = both.with_columns(chain=pl.col("source") != CHAIN).sort("field", "chain", "source").iter_rows(named=True)
    return tuple(
        FieldCounts(
            row["field"],
            row["source"],
            int(row["lookups"] or 0),
            int(row["labelled"] or 0),
            row["stale"] / row["answered"] if row["answered"] else None,
        )
        for row in rows
    )


def _absent(
    lookups: pl.DataFrame, truths: pl.DataFrame, judged: pl.DataFrame, parts: list[pl.DataFrame]
) -> list[NotPossible]:
    """What could not be counted, and why."""
    out = []
    if lookups.height == 0:
        out.append(NotPossible("enrichment_coverage", "no enrichment_log for these tickets"))
    if judged.height == 0:
        reason = "no labels of facts" if truths.height == 0 else "no labelled fact has a value"
        out.append(NotPossible("enrichment_accuracy", reason))
    present = {metric for part in parts if part.height for metric in part["metric"].unique().to_list()}
    legal = ("legal_flag_false_positive_rate", "legal_flag_false_negative_rate")
    out += [NotPossible(name, "no labels of legal_flag with a known flag") for name in legal if name not in present]
    return out
