"""Records in, tallies out: sums per metric, segment and account; no interval and no grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from triage_lab.domain.canonical import canonical_json
from triage_lab.domain.errors import UsageError
from triage_lab.domain.result import NotPossible
from triage_lab.metrics.catalogue import CATALOGUE
from triage_lab.metrics.rows import (
    CLOCKS,
    DEN,
    DESK_METRICS,
    NUM,
    SLA_METRICS,
    desk_rows,
    has_values,
    headline_of,
    routing_rows,
    sla_rows,
    ticket_states,
)

NO_VALUE = "(none)"
NO_DESK = "no operations.yaml"
_FACTS = ("cluster", "account_known", "mrr", "mrr_tier")


@dataclass(frozen=True, slots=True)
class Tallies:
    """What one arm of one replication was counted as.

    Parameters
    ----------
    rates : polars.DataFrame
        metric Enum, segment Enum (canonical JSON, ``{}`` overall), cluster Enum, numerator Float64, denominator
        Float64; one row per metric, segment and account with a denominator above 0, in that order. Totals
        (money, backlog) carry tickets as denominator: their value is the sum of the numerators.
    durations : polars.DataFrame
        metric Enum, segment Enum, cluster Enum, minutes Float64, event Boolean (False = still waiting); one row per
        ticket, overall and for segmentations by one column.
    absent : tuple of NotPossible
        Metrics that these records cannot give, and why.
    headline : str or None
        The SLA metric that ``{}`` of sla_compliance means.
    """

    rates: pl.DataFrame
    durations: pl.DataFrame
    absent: tuple[NotPossible, ...] = ()
    headline: str | None = None


@dataclass(frozen=True, slots=True)
class _Segmentation:
    """One way to cut: a code per ticket and the segment that each code stands for."""

    columns: tuple[str, ...]
    codes: np.ndarray
    segments: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one metric and one way to cut: ``code`` points into ``texts``, ``cluster`` is a physical code."""

    metric: str
    texts: tuple[str, ...]
    rows: pl.DataFrame


def tally(  # noqa: PLR0913 (records, targets, facts, and how to count them)
    records: pl.DataFrame,
    sla_states: pl.DataFrame | None,
    facts: pl.DataFrame,
    *,
    segmentations: Sequence[tuple[str, ...]] = (),
    cutoff: int,
    headline: str | None = None,
    outcome: pl.Series | None = None,
    vendor_met: pl.Series | None = None,
    desk: bool = True,
    high_tier: str = "high",
) -> Tallies:
    """Count one arm's records per metric, segment and account.

    Parameters
    ----------
    records : polars.DataFrame
        Row-aligned records with ``scored``; only scored tickets count.
    sla_states : polars.DataFrame or None
        Long: row, sla_metric, state, due_at; None without SLA targets.
    facts : polars.DataFrame
        Row-aligned: ``cluster`` (account, or ``ticket:<id>`` where unknown), ``account_known``, ``mrr`` (major units),
        ``mrr_tier`` and every column named in ``segmentations``; NULL shows as ``(none)``.
    segmentations : sequence of tuple of str
        Column combinations to cut by; the overall ``()`` is always counted.
    cutoff : int
        UTC epoch second after which nothing is known.
    headline : str or None
        SLA metric that stands for SLA compliance; default the first of first_action, acknowledge, resolve with targets.
    outcome : polars.Series or None
        Outcome of each decision, for the share left to manual triage.
    vendor_met : polars.Series or None
        The vendor's own SLA flag (observed arm only).
    desk : bool
        False for an arm whose desk was not played: what needs a desk is then absent, never zero.
    high_tier : str
        Name of the MRR tier that misroute_high_mrr is about.

    Raises
    ------
    UsageError
        Frames of different length, or a column that is missing.

    Notes
    -----
    All sums are of whole numbers (tickets, seconds, cents): they are exact, whatever the order or number of threads.
    Source of the rules: research/statistics.md section 1 (matured cohort; acting exactly at due is met).
    """
    _check(records, facts, segmentations)
    frame = _population(records, facts, outcome, vendor_met)
    kept = frame["scored"].fill_null(value=False)
    frame, places = frame.filter(kept), kept.arg_true()
    clusters = pl.Enum(facts["cluster"].cast(pl.String).unique().sort())
    cluster = frame["cluster"].cast(pl.String).cast(clusters)
    expressions, absent = routing_rows(frame, high_tier)
    if desk:
        more, missing = desk_rows(frame, cutoff)
        expressions, absent = expressions + more, absent + missing
    else:
        absent += [NotPossible(name, NO_DESK) for name in (*DESK_METRICS, *CLOCKS)]
    wide = frame.select(expressions) if expressions else pl.DataFrame()
    chosen, sla = _sla_columns(sla_states, places, cutoff, headline, frame.height)
    absent += [] if chosen else [NotPossible(name, "no SLA targets" if desk else NO_DESK) for name in SLA_METRICS]
    wide = pl.concat([wide, sla], how="horizontal") if sla.width else wide
    cuts = _cuts(frame, segmentations)
    mrr, no_mrr = _account_mrr(frame, cluster)
    absent += [NotPossible("mrr_late", "no account has a known MRR")] if chosen and no_mrr else []
    span = _horizon(frame)
    rates = [part for cut in cuts for part in _rates(cut, wide, cluster, mrr, chosen, span)]
    durations, missing = _durations(frame, cuts, cluster, cutoff) if desk else ([], [])
    texts = _vocabulary(cuts, wide, chosen)
    return _assemble(rates, durations, clusters, texts, [*absent, *missing], chosen)


def _check(records: pl.DataFrame, facts: pl.DataFrame, segmentations: Sequence[tuple[str, ...]]) -> None:
    """Refuse frames that cannot belong together."""
    if records.height != facts.height:
        raise UsageError(
            f"{records.height} records and {facts.height} rows of facts",
            "row-aligned frames",
            "build both from one history",
        )
    wanted = {*_FACTS, *(column for cut in segmentations for column in cut)}
    missing = sorted(wanted - set(facts.columns)) + sorted({"scored", "arrived_at"} - set(records.columns))
    if missing:
        raise UsageError(
            f"no column {', '.join(missing)}", "the columns of the frame contract", "add them to the frame"
        )


def _population(
    records: pl.DataFrame, facts: pl.DataFrame, outcome: pl.Series | None, vendor_met: pl.Series | None
) -> pl.DataFrame:
    """Records and facts side by side; where a name stands in both, the facts win."""
    extra = [facts.get_column(name) for name in facts.columns]
    extra += [outcome.cast(pl.String).alias("outcome")] if outcome is not None else []
    extra += [vendor_met.alias("vendor_met")] if vendor_met is not None else []
    taken = {series.name for series in extra}
    return records.select([name for name in records.columns if name not in taken]).with_columns(extra)


def _sla_columns(
    sla_states: pl.DataFrame | None, places: pl.Series, cutoff: int, headline: str | None, rows: int
) -> tuple[str | None, pl.DataFrame]:
    """Headline SLA metric and the row-aligned SLA counts of the scored tickets."""
    if sla_states is None or sla_states.height == 0:
        return None, pl.DataFrame()
    position = pl.DataFrame({"row": places.cast(pl.UInt32), "at": pl.arange(rows, dtype=pl.UInt32, eager=True)})
    states = ticket_states(sla_states.with_columns(pl.col("row").cast(pl.UInt32)), cutoff)
    states = states.join(position, on="row", how="inner", maintain_order="left").with_columns(row=pl.col("at"))
    chosen = headline_of(states, headline)
    metrics = sorted(states["sla_metric"].unique().to_list(), key=lambda name: (name != chosen, name))
    return chosen, sla_rows(states, rows, metrics) if chosen else pl.DataFrame()


def _cuts(frame: pl.DataFrame, segmentations: Sequence[tuple[str, ...]]) -> list[_Segmentation]:
    """Segment codes for every way to cut; the overall first, a repeated one once."""
    cuts = [_Segmentation((), np.zeros(frame.height, dtype=np.int64), ({},))]
    values: dict[str, tuple[np.ndarray, list[str]]] = {}
    for columns in dict.fromkeys(tuple(cut) for cut in segmentations if cut):
        for name in columns:
            if name not in values:
                text = frame[name].cast(pl.String).fill_null(NO_VALUE)
                names = text.unique().sort()
                values[name] = (text.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64), names.to_list())
        joint = np.zeros(frame.height, dtype=np.int64)
        for name in columns:
            joint = joint * max(len(values[name][1]), 1) + values[name][0]
        present, first, codes = np.unique(joint, return_index=True, return_inverse=True)
        segments = tuple({name: values[name][1][values[name][0][at]] for name in columns} for at in first.tolist())
        if len(present):
            cuts.append(_Segmentation(columns, codes.astype(np.int64), segments))
    return cuts


def _account_mrr(frame: pl.DataFrame, cluster: pl.Series) -> tuple[pl.DataFrame, bool]:
    """Each account's last known MRR in cents, the same in every arm and segment; and whether none is known."""
    cents = (frame["mrr"].cast(pl.Float64) * 100).round().cast(pl.Int64)
    known = pl.DataFrame({"cluster": cluster.to_physical(), "cents": cents}).drop_nulls("cents")
    last = known.group_by("cluster", maintain_order=True).agg(pl.col("cents").last())
    return last, known.height == 0


def _horizon(frame: pl.DataFrame) -> int:
    """Seconds from the first to the last scored arrival, at least 1."""
    if frame.height == 0:
        return 1
    first, last = frame["arrived_at"].min(), frame["arrived_at"].max()
    return max(int(last) - int(first), 1)  # type: ignore[arg-type]


def _rates(
    cut: _Segmentation, wide: pl.DataFrame, cluster: pl.Series, mrr: pl.DataFrame, headline: str | None, span: int
) -> list[_Part]:
    """Sum the per-ticket counts of one segmentation by segment and account."""
    if wide.width == 0 or wide.height == 0:
        return []
    keyed = wide.with_columns(pl.Series("code", cut.codes), cluster.to_physical().alias("cluster"))
    sums = keyed.group_by("code", "cluster").agg(pl.all().sum()).sort("code", "cluster")
    parts = []
    names = [name.removeprefix(DEN) for name in wide.columns if name.startswith(DEN)]
    scale = {"wait_minutes": 60.0, "backlog": float(span)}
    for name in names:
        metric, _, sla_metric = name.partition("|")
        texts = _segment_texts(cut, sla_metric if sla_metric != headline else "")
        part = sums.filter(pl.col(DEN + name) > 0).select(
            "code", "cluster", pl.col(NUM + name).alias("numerator"), pl.col(DEN + name).alias("denominator")
        )
        parts.append(_Part(metric, texts, _scaled(part, scale.get(metric, 1.0))))
        if metric == "sla_compliance":
            late = part.join(mrr, on="cluster", how="inner", maintain_order="left")
            money = pl.when(pl.col("denominator") > pl.col("numerator")).then(pl.col("cents")).otherwise(0)
            parts.append(_Part("mrr_late", texts, _scaled(late.with_columns(numerator=money).drop("cents"), 100.0)))
    return parts


def _scaled(part: pl.DataFrame, scale: float) -> pl.DataFrame:
    """Whole-number sums in the metric's unit."""
    return part.with_columns(
        numerator=_quotient(part["numerator"], scale), denominator=part["denominator"].cast(pl.Float64)
    )


def _quotient(numbers: pl.Series, divisor: float) -> pl.Series:
    """Correctly rounded quotient (Polars multiplies by the reciprocal, which is off in the last digit)."""
    return pl.Series(values=numbers.to_numpy() / divisor)


def _segment_texts(cut: _Segmentation, sla_metric: str) -> tuple[str, ...]:
    """Canonical JSON of each segment; further SLA metrics are segments of their own."""
    extra = {"sla_metric": sla_metric} if sla_metric else {}
    return tuple(canonical_json({**segment, **extra}) for segment in cut.segments)


def _durations(
    frame: pl.DataFrame, cuts: Sequence[_Segmentation], cluster: pl.Series, cutoff: int
) -> tuple[list[_Part], list[NotPossible]]:
    """Minutes from arrival to each clock's event, or to where the ticket was last seen without it."""
    parts: list[_Part] = []
    absent: list[NotPossible] = []
    physical = cluster.to_physical()
    single = [cut for cut in cuts if len(cut.columns) <= 1]
    orders = [pl.Series(values=np.lexsort((physical.to_numpy(), cut.codes))) for cut in single]
    for metric, column in CLOCKS.items():
        if not has_values(frame, column):
            absent.append(NotPossible(metric, f"no ticket has a {column.replace('_', ' ').removesuffix(' at')} time"))
            continue
        times = _minutes(frame, column, cutoff).with_columns(physical.alias("cluster"))
        left_out = int((times["minutes"] < 0).sum())
        if left_out:
            absent.append(NotPossible(metric, f"{left_out:,} tickets left out: the time lies before their arrival"))
        for cut, order in zip(single, orders, strict=True):
            rows = times.with_columns(pl.Series("code", cut.codes))[order]
            parts.append(
                _Part(metric, _segment_texts(cut, ""), rows.filter(pl.col("minutes") >= 0) if left_out else rows)
            )
    return parts, absent


def _minutes(frame: pl.DataFrame, column: str, cutoff: int) -> pl.DataFrame:
    """Minutes since arrival and whether the event has happened by the cutoff, row by row."""
    reached = pl.col(column).is_not_null() & (pl.col(column) <= cutoff)
    seen = [pl.col(name) for name in ("resolved_at", "censored_at") if name in frame.columns]
    last_seen = pl.min_horizontal(pl.coalesce(*seen, pl.lit(cutoff)), pl.lit(cutoff))
    end = pl.when(reached).then(pl.col(column)).otherwise(last_seen)
    times = frame.select((end - pl.col("arrived_at")).alias("seconds"), reached.alias("event"))
    return times.select(_quotient(times["seconds"], 60.0).alias("minutes"), "event")


def _vocabulary(cuts: Sequence[_Segmentation], wide: pl.DataFrame, headline: str | None) -> pl.Enum:
    """Every segment that a tally of these tickets may have, in the order in which its rows stand."""
    named = {name.partition("|")[2] for name in wide.columns}
    variants = ["", *sorted(named - {"", headline})]
    return pl.Enum(list(dict.fromkeys(text for cut in cuts for name in variants for text in _segment_texts(cut, name))))


def _assemble(
    rates: Sequence[_Part],
    durations: Sequence[_Part],
    clusters: pl.Enum,
    texts: pl.Enum,
    absent: Sequence[NotPossible],
    headline: str | None,
) -> Tallies:
    """Give both long frames their closed vocabularies; rows stand by metric, segment and account."""
    amounts = {"numerator": pl.Float64(), "denominator": pl.Float64()}
    times = {"minutes": pl.Float64(), "event": pl.Boolean()}
    return Tallies(
        _typed(rates, texts, clusters, amounts),
        _typed(durations, texts, clusters, times),
        tuple(dict.fromkeys(absent)),
        headline,
    )


def _typed(
    parts: Sequence[_Part],
    texts: pl.Enum,
    clusters: pl.Enum,
    values: Mapping[str, pl.DataType],
) -> pl.DataFrame:
    """Concatenate the parts, with codes turned into metric, segment and cluster."""
    metrics = pl.Enum(list(CATALOGUE))
    place = {text: at for at, text in enumerate(texts.categories.to_list())}
    rank = {name: at for at, name in enumerate(CATALOGUE)}
    typed = []
    for part in sorted(parts, key=lambda one: (rank[one.metric], place[one.texts[0]])):
        codes = pl.Series(values=[place[text] for text in part.texts], dtype=pl.UInt32)
        typed.append(
            part.rows.select(
                pl.lit(part.metric, dtype=metrics).alias("metric"),
                codes.gather(part.rows["code"]).cat.to(texts).alias("segment"),
                pl.col("cluster").cat.to(clusters),
                *(pl.col(name).cast(dtype) for name, dtype in values.items()),
            )
        )
    schema = {"metric": metrics, "segment": texts, "cluster": clusters, **values}
    return pl.concat(typed) if typed else pl.DataFrame(schema=schema)
