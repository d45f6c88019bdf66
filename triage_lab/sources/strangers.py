"""Exports of systems that no mapping knows: recognised, so that nobody looks for the mistake in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from triage_lab.sources.columns import plain

# names that a system's tables have and no other's
_SIGNS = {
    "Jira": re.compile(r"issue_(id|key|type)|(epic|sprint)_id|status_category(_changed)?"),
    "HubSpot": re.compile(r"(property_)?(hs_\w+|hubspot_\w+)|engagement_id"),
    "Freshdesk": re.compile(r"fr_due_by|fr_escalated|responder_id|email_config_id"),
    "Intercom": re.compile(r"conversation_parts|conversation_part_\w+|admin_assignee_id|team_assignee_id"),
}


def stranger(files: Sequence[Sequence[str]]) -> str:
    """Return a sentence on the system that files come from, if it is one without a mapping; else an empty text.

    Parameters
    ----------
    files : sequence of sequence of str
        The columns of each file.

    Examples
    --------
    >>> stranger([["Issue key", "Issue Type", "Summary", "Created"]])
    'this looks like Jira, which has no mapping: use --table tickets, first with --propose'
    """
    names = [{plain(name) for name in columns} for columns in files]
    times = {system: sum(any(map(sign.fullmatch, each)) for each in names) for system, sign in _SIGNS.items()}
    most = max(times, key=lambda system: times[system])
    if not times[most]:
        return ""
    return f"this looks like {most}, which has no mapping: use --table tickets, first with --propose"
