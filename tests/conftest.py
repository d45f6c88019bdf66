"""Settings of the whole test tree: property tests draw the same examples every time, unless asked otherwise."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# TRIAGE_LAB_TESTS=search draws new examples: run it when looking for bugs, not to decide whether a change may land.
settings.load_profile("search" if os.environ.get("TRIAGE_LAB_TESTS") == "search" else "steady")
