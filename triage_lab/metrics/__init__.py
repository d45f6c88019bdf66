"""Metrics: pure functions from records to tallies; no interval, no grade."""

from triage_lab.metrics.catalogue import CATALOGUE, clock_name
from triage_lab.metrics.enrichment import EnrichmentTallies, FieldCounts, same_value, tally_enrichment
from triage_lab.metrics.layout import NO_VALUE, Layout, prepare
from triage_lab.metrics.routes import route_matrix
from triage_lab.metrics.states import rule_use, sla_counts, vendor_clocks
from triage_lab.metrics.tally import NO_DESK, Tallies, tally

__all__ = [
    "CATALOGUE",
    "NO_DESK",
    "NO_VALUE",
    "EnrichmentTallies",
    "FieldCounts",
    "Layout",
    "Tallies",
    "clock_name",
    "prepare",
    "route_matrix",
    "rule_use",
    "same_value",
    "sla_counts",
    "tally",
    "tally_enrichment",
    "vendor_clocks",
]
