"""Metrics: pure functions from records to tallies; no interval, no grade."""

from triage_lab.metrics.catalogue import CATALOGUE, clock_name
from triage_lab.metrics.clock_differences import AGREE, Reason, clock_differences
from triage_lab.metrics.enrichment import EnrichmentTallies, FieldCounts, same_value, tally_enrichment
from triage_lab.metrics.layout import NO_VALUE, Layout, prepare
from triage_lab.metrics.on_time import DENOMINATORS, on_time_counts
from triage_lab.metrics.routes import route_matrix
from triage_lab.metrics.states import rule_use, sla_counts, vendor_flags
from triage_lab.metrics.tally import NO_DESK, Tallies, tally

__all__ = [
    "AGREE",
    "CATALOGUE",
    "DENOMINATORS",
    "NO_DESK",
    "NO_VALUE",
    "EnrichmentTallies",
    "FieldCounts",
    "Layout",
    "Reason",
    "Tallies",
    "clock_differences",
    "clock_name",
    "on_time_counts",
    "prepare",
    "route_matrix",
    "rule_use",
    "same_value",
    "sla_counts",
    "tally",
    "tally_enrichment",
    "vendor_flags",
]
