"""Sources: files that other systems export become staged canonical rows, and everything unusable says why."""

from __future__ import annotations

from triage_lab.sources.bundle import stage_source
from triage_lab.sources.facts import FileFacts, probe
from triage_lab.sources.identify import Identified, ObjectFile, expand, identify
from triage_lab.sources.linking import Doubt, Link, Linking, link_accounts
from triage_lab.sources.mapping import Mapping, SourceObject, list_sources, read_mapping
from triage_lab.sources.proposal import UNITS, UNSURE_BELOW, propose
from triage_lab.sources.recipes import UNITS as DURATIONS
from triage_lab.sources.recipes import Given, Recipe, day_and_time, read_recipe, time_worked
from triage_lab.sources.refusals import first_rejects, reject_reasons
from triage_lab.sources.stage import Counts, Part, Staged, discard, stage

__all__ = [
    "DURATIONS",
    "UNITS",
    "UNSURE_BELOW",
    "Counts",
    "Doubt",
    "FileFacts",
    "Given",
    "Identified",
    "Link",
    "Linking",
    "Mapping",
    "ObjectFile",
    "Part",
    "Recipe",
    "SourceObject",
    "Staged",
    "day_and_time",
    "discard",
    "expand",
    "first_rejects",
    "identify",
    "link_accounts",
    "list_sources",
    "probe",
    "propose",
    "read_mapping",
    "read_recipe",
    "reject_reasons",
    "stage",
    "stage_source",
    "time_worked",
]
