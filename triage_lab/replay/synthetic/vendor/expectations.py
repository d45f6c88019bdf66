"""What vendor exports hold besides the desk's own facts: the numbers that a good tool must find there, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import polars as pl

from triage_lab.replay.synthetic.desk import Desk
from triage_lab.replay.synthetic.parameters import WINDOW_END
from triage_lab.replay.synthetic.vendor import zendesk
from triage_lab.replay.synthetic.vendor.identity import HABITS, RARE
from triage_lab.replay.synthetic.vendor.metric_events import METRICS


def vendor_parameters(planted: Mapping[str, object], shape: Sequence[str]) -> dict[str, object]:
    """Return what was planted in the desk, and on top of it in its vendor exports."""
    return {
        **planted,
        "shape": list(shape),
        "vendor": {
            "habits": {name: asdict(habits) for name, habits in HABITS.items()},
            "one_account_in": dict(RARE),
            "priority_raised": zendesk.RAISED,
            "category_corrected": zendesk.REFILED,
            "customer_wrote_again": zendesk.FOLLOWED,
            "breach_withdrawn": zendesk.WITHDRAWN,
            "clock_loaded_twice": zendesk.DOUBLED,
        },
    }


def table_counts(name: str, table: pl.DataFrame) -> dict[str, int]:
    """Return how many rows a table has, and how many of them are of the kinds that are easily misread.

    Parameters
    ----------
    name : str
        Name of the table, without its part.
    table : polars.DataFrame
        The table, or one part of it.
    """
    counts = {"rows": len(table)}
    if name == "ticket_metric_event":
        once = table.unique("id", maintain_order=True)
        breach = pl.col("type") == "breach"
        counts["doubled"] = len(table) - len(once)
        counts["deleted_breaches"] = once.filter(breach & pl.col("deleted")).height
        ahead = pl.col("time") >= pl.lit(WINDOW_END * 1_000_000).cast(pl.Datetime("us"))
        counts["breaches"] = once.filter(breach & ~pl.col("deleted") & ~ahead).height
        counts["breaches_ahead"] = once.filter(breach & ~pl.col("deleted") & ahead).height
    elif name == "ticket_field_history":
        moved = table.filter(pl.col("field_name") == "group_id")
        counts["tickets_with_a_group"] = moved["ticket_id"].n_unique()
        counts["group_changes"] = len(moved) - moved["ticket_id"].n_unique()
        for field in ("priority", "custom_category"):
            told = table.filter(pl.col("field_name") == field)
            counts[f"{field}_changes"] = len(told) - told["ticket_id"].n_unique()
    elif name == "ticket_comment":
        counts["private"] = table.filter(~pl.col("public")).height
    elif name.endswith("History"):
        counts["created"] = table.filter(pl.col("Field") == "created").height
        counts["of_look_up_fields"] = table.filter(pl.col("Field").is_in(["Owner", "Parent"])).height
        counts["cut_at_255"] = table.filter(pl.col("NewValue").str.len_chars() == 255).height
    return counts


def vendor_findings(desk: Desk, counts: Mapping[str, Mapping[str, int]], links: pl.DataFrame) -> dict[str, object]:
    """Return what a good tool must find: the desk's own numbers, and those of its exports.

    Parameters
    ----------
    desk : Desk
    counts : mapping of str to mapping
        ``table_counts`` of every table, as ``system/name``.
    links : polars.DataFrame
        Table ``account_links`` of the truth.
    """
    return {
        **desk.expected,
        "tables": {name: dict(found) for name, found in sorted(counts.items())},
        "clocks": _clocks(desk.tables["sla_instances"]),
        "identities": _identities(links),
    }


def _clocks(instances: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Clocks of each promise that the help desk keeps, by state; overdue and unfulfilled ones are breached."""
    kept = instances.filter(pl.col("metric").is_in(list(METRICS))).group_by("metric", "state").len()
    out: dict[str, dict[str, int]] = {}
    for metric, state, count in kept.sort("metric", "state").iter_rows():
        out.setdefault(metric, {})["open" if state == "active" else state] = count
    return out


def _identities(links: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Identities of each system, by what they can be found by."""
    out: dict[str, dict[str, int]] = {}
    for source, how, count in links.group_by("source", "how_findable").len().sort("source", "how_findable").iter_rows():
        out.setdefault(source, {})[how] = count
    return out
