"""The desk, from decisions to records: calendars, clocks, handle times, the event kernel and its proof.

Importing this room is cheap: Numba, SciPy and the holidays library load when they are first needed.
"""

from triage_lab.replay.audit import AuditFacts, AuditReport, audit_trail
from triage_lab.replay.calendars import Segments, compile_calendar
from triage_lab.replay.clock_hours import Schedules
from triage_lab.replay.clocks import business_seconds, due_times
from triage_lab.replay.draws import uniforms
from triage_lab.replay.frames import in_ticket_order
from triage_lab.replay.inference import InferredDesk, infer_desk
from triage_lab.replay.load import queue_load
from triage_lab.replay.observed import observe
from triage_lab.replay.play import Played, all_traced, play
from triage_lab.replay.presets import PRESETS, ClockMetric, ClockRules, Preset
from triage_lab.replay.queue import run_queue
from triage_lab.replay.records import history_decisions, route_only, unowned
from triage_lab.replay.theory import cobham, erlang_c, kingman, pollaczek_khinchine
from triage_lab.replay.trail import Trail, decode_trail
from triage_lab.replay.vendor_clocks import vendor_clocks
from triage_lab.replay.versions import calendar_versions
from triage_lab.replay.world import World, build_world

__all__ = [
    "PRESETS",
    "AuditFacts",
    "AuditReport",
    "ClockMetric",
    "ClockRules",
    "InferredDesk",
    "Played",
    "Preset",
    "Schedules",
    "Segments",
    "Trail",
    "World",
    "all_traced",
    "audit_trail",
    "build_world",
    "business_seconds",
    "calendar_versions",
    "cobham",
    "compile_calendar",
    "decode_trail",
    "due_times",
    "erlang_c",
    "history_decisions",
    "in_ticket_order",
    "infer_desk",
    "kingman",
    "observe",
    "play",
    "pollaczek_khinchine",
    "queue_load",
    "route_only",
    "run_queue",
    "uniforms",
    "unowned",
    "vendor_clocks",
]
