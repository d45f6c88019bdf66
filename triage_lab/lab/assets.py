"""What ships with the package: policies, gates, the sample lab."""

from __future__ import annotations

from pathlib import Path

import triage_lab
from triage_lab.domain.errors import InternalError


def asset(*parts: str) -> Path:
    """Return the path of a shipped file or folder, from a wheel or from a checkout.

    Raises
    ------
    InternalError
        The installation is incomplete.
    """
    package = Path(triage_lab.__file__).resolve().parent
    for root in (package / "_data", package.parent / "data", package.parent):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise InternalError(f"{'/'.join(parts)} is missing from the installation", "", "reinstall triage-lab")
