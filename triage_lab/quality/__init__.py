"""May these data be used? The gate language, both runners, parity, failing rows, exit codes."""

from triage_lab.quality.checks import CHECKS, OCCASIONS, Check, Param
from triage_lab.quality.failures import clean_view_sql, failures
from triage_lab.quality.gate_files import gates_for, read_gates
from triage_lab.quality.gx import run_gx
from triage_lab.quality.parity import Disagreement, parity
from triage_lab.quality.runner import run_sql
from triage_lab.quality.states import exit_code

__all__ = [
    "CHECKS",
    "OCCASIONS",
    "Check",
    "Disagreement",
    "Param",
    "clean_view_sql",
    "exit_code",
    "failures",
    "gates_for",
    "parity",
    "read_gates",
    "run_gx",
    "run_sql",
]
