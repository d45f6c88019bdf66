"""Versions of what silently changes old SLAs: the time zone database and the holiday calendars."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from zoneinfo import TZPATH


def calendar_versions() -> tuple[str, str]:
    """Return (tzdata version, holidays version), as a run's manifest names them.

    Notes
    -----
    zoneinfo prefers the system's database over the tzdata package; the system's ``tzdata.zi`` or ``+VERSION`` names it.
    """
    return _tzdata(), version("holidays")


def _tzdata() -> str:
    """Version of the zone database that zoneinfo reads."""
    for folder in TZPATH:
        root = Path(folder)
        plain = root / "+VERSION"
        if plain.is_file():
            return plain.read_text("ascii").strip()
        compact = root / "tzdata.zi"
        if compact.is_file():
            with compact.open(encoding="ascii") as stream:
                return stream.readline().removeprefix("# version").strip()
    return version("tzdata")
