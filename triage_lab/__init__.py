"""triage_lab: the backtesting laboratory for support-ticket triage.

``open_lab``, ``init``, ``demo`` and ``generate`` are the doors; a ``Lab`` has a method for every command. The pure
rooms (``triage_lab.policy``, ``triage_lab.replay``, ``triage_lab.evidence``) need no lab. Names are loaded when first
used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from triage_lab import evidence, metrics, policy, replay
    from triage_lab.lab.demonstration import demo
    from triage_lab.lab.founding import init
    from triage_lab.lab.generation import generate
    from triage_lab.lab.recorded import Run
    from triage_lab.lab.workbench import Lab, open_lab

_LAB = ("Lab", "Run", "demo", "generate", "init", "open_lab")
_ROOMS = ("evidence", "metrics", "policy", "replay")
__all__ = [
    "Lab",
    "Run",
    "__version__",
    "demo",
    "evidence",
    "generate",
    "init",
    "metrics",
    "open_lab",
    "policy",
    "replay",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name in _LAB:
        return getattr(import_module("triage_lab.lab"), name)
    if name in _ROOMS:
        return import_module(f"triage_lab.{name}")
    raise AttributeError(f"module 'triage_lab' has no attribute '{name}'")
