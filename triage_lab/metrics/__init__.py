"""Metrics: pure functions from records to tallies; no interval, no grade."""

from triage_lab.metrics.catalogue import CATALOGUE, clock_name
from triage_lab.metrics.tally import NO_DESK, NO_VALUE, Tallies, tally

__all__ = ["CATALOGUE", "NO_DESK", "NO_VALUE", "Tallies", "clock_name", "tally"]
