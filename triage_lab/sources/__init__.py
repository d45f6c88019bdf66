"""Sources: files that other systems export become staged canonical rows, and everything unusable says why."""

from __future__ import annotations

from triage_lab.sources.facts import FileFacts, probe
from triage_lab.sources.mapping import Mapping, list_sources, read_mapping
from triage_lab.sources.proposal import UNITS, UNSURE_BELOW, propose
from triage_lab.sources.refusals import first_rejects, reject_reasons
from triage_lab.sources.stage import Counts, Staged, discard, stage

__all__ = [
    "UNITS",
    "UNSURE_BELOW",
    "Counts",
    "FileFacts",
    "Mapping",
    "Staged",
    "discard",
    "first_rejects",
    "list_sources",
    "probe",
    "propose",
    "read_mapping",
    "reject_reasons",
    "stage",
]
