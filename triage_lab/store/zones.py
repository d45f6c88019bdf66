"""The lab's time zone."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from triage_lab.domain.errors import ContextError


def lab_zone(timezone: str) -> ZoneInfo:
    """Return a zone by its IANA name.

    Raises
    ------
    ContextError
        There is no such zone.
    """
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ContextError(
            f"unknown time zone {timezone!r}", "an IANA name such as Europe/Berlin", "correct `lab.timezone`"
        ) from error
