"""How long work tells where it is; the command line draws it, the API stays silent by default."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with what is being done now and the share done so far, 0 to 1."""


def silent(step: str, share: float) -> None:
    """Tell nobody."""
    del step, share
