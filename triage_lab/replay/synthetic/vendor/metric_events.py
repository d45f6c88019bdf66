"""The help desk's own SLA clocks as a log of metric events, with the traps that this log is known for."""

from __future__ import annotations

import polars as pl

from triage_lab.replay.synthetic.vendor.ids import numeric_ids

METRICS = {"first_action": "reply_time", "resolve": "resolution_time"}
"""Names of the desk's promises there; a promise to acknowledge is none that this vendor knows."""
_PLACES = ("activate", "apply_strict", "breach_withdrawn", "apply_sla", "breach", "fulfill")


def metric_events(clocks: pl.DataFrame) -> pl.DataFrame:
    """Return the events of every clock.

    Parameters
    ----------
    clocks : polars.DataFrame
        Canonical ``sla_instances`` with the draws of the ticket: ``withdrawn`` (of a clock that was met: a stricter
        target came first, was breached, and was then taken back) and ``doubled`` (its events were loaded twice).

    Returns
    -------
    polars.DataFrame
        id, ticket_id, metric, instance_id, type, time, sla (JSON), status (JSON), deleted; in the order of ids,
        repeated rows at the end.
    """
    known = clocks.filter(pl.col("metric").is_in(list(METRICS))).with_columns(
        withdrawn=pl.col("withdrawn") & (pl.col("state") == "met") & (pl.col("fulfilled_at") > pl.col("started_at"))
    )
    span = pl.col("fulfilled_at") - pl.col("started_at")
    halfway = (pl.col("started_at") + span / 2).dt.truncate("1s")
    first = pl.when("withdrawn").then(halfway).otherwise("started_at")
    strict = (halfway - pl.col("started_at")).dt.total_seconds()
    pieces = [
        known.with_columns(type=pl.lit("activate"), time="started_at", place=0),
        known.filter("withdrawn").with_columns(
            type=pl.lit("apply_sla"), time="started_at", place=1, target_seconds=strict
        ),
        known.filter("withdrawn").with_columns(type=pl.lit("breach"), time=halfway, place=2, deleted=True),
        known.with_columns(type=pl.lit("apply_sla"), time=first, place=3),
        # a breach is written as soon as its time is known, also where that lies ahead
        known.filter(pl.col("state") != "met").with_columns(type=pl.lit("breach"), time="due_at", place=4),
        known.filter(pl.col("fulfilled_at").is_not_null()).with_columns(
            type=pl.lit("fulfill"), time="fulfilled_at", place=5
        ),
    ]
    rows = pl.concat([_row(piece) for piece in pieces]).sort("ticket_id", "place_of_clock", "place")
    again = rows.filter("doubled")
    return pl.concat([rows, again]).drop("place", "place_of_clock", "doubled")


def _row(piece: pl.DataFrame) -> pl.DataFrame:
    """One kind of event with the columns of the log."""
    ticket = pl.col("ticket_id").str.replace("T-", "1", literal=True).cast(pl.Int64)
    order = pl.col("metric").replace_strict(list(METRICS), list(range(len(METRICS))), return_dtype=pl.Int64)
    applied = pl.col("type") == "apply_sla"
    flat = piece.with_columns(
        deleted=pl.col("deleted").fill_null(value=False) if "deleted" in piece.columns else pl.lit(False)
    )
    return (
        flat.select(
            ticket_id=ticket,
            metric=pl.col("metric").replace_strict(METRICS),
            instance_id="cycle",
            type="type",
            time="time",
            sla=pl.when(applied).then(_sla()),
            deleted="deleted",
            place=pl.col("place").cast(pl.Int64),
            place_of_clock=order,
            doubled="doubled",
        )
        .with_columns(
            pl.struct("ticket_id", "place_of_clock", "place").map_batches(_event_ids, return_dtype=pl.Int64).alias("id")
        )
        .select("id", pl.exclude("id"))
    )


def _event_ids(keys: pl.Series) -> pl.Series:
    """Ids of events by ticket, clock and place."""
    parts = keys.struct.unnest()
    number = (parts["ticket_id"] - 10_000_000) * (len(METRICS) * len(_PLACES))
    number = number + parts["place_of_clock"] * len(_PLACES) + parts["place"]
    return pl.Series(numeric_ids(400, number.to_numpy()))


def _sla() -> pl.Expr:
    """What ``apply_sla`` says: the target in minutes and seconds, whether business hours count, the policy."""
    seconds = pl.col("target_seconds")
    return pl.concat_str(
        pl.lit('{"target":'), (seconds // 60).cast(pl.String),
        pl.lit(',"target_in_seconds":'), seconds.cast(pl.String),
        pl.lit(',"business_hours":'), pl.col("business_hours").cast(pl.String),
        pl.lit(',"policy":{"title":"'), "policy", pl.lit('"}}'),
    )  # fmt: skip
