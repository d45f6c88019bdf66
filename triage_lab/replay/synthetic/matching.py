"""Which tickets an SLA target or an escalation window of the demo desk speaks of.

The general predicate language belongs to the policy room; the desk that is played here needs only equality of
text columns, joined by AND. Anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import polars as pl

from triage_lab.domain.errors import ConfigError
from triage_lab.replay.synthetic.streams import Bools

_EQUALITY = re.compile(r"^\s*([a-z_][a-z_0-9]*)\s*=\s*'([^']*)'\s*$")
_AND = re.compile(r"\s+AND\s+", re.IGNORECASE)


def match_tickets(match: str | None, columns: Mapping[str, pl.Series], tickets: int, subject: str) -> Bools:
    """Return which tickets match; a NULL never does.

    Parameters
    ----------
    match : str or None
        ``column = 'text'``, several joined by AND; None matches every ticket.
    columns : mapping of str to Series of text
        Context columns by name.
    tickets : int
        Number of tickets.
    subject : str
        What the predicate belongs to, for the error.

    Raises
    ------
    ConfigError
        The predicate is of another form or reads another column.

    Examples
    --------
    >>> match_tickets("tier = 'pro'", {"tier": pl.Series(["pro", None, "basic"])}, 3, "x").tolist()
    [True, False, False]
    """
    chosen = np.ones(tickets, dtype=np.bool_)
    if match is None:
        return chosen
    for part in _AND.split(match):
        found = _EQUALITY.match(part)
        if found is None or found[1] not in columns:
            raise ConfigError(
                f"the match of {subject}, {match!r}, cannot be played while history is generated",
                "column = 'text', joined by AND, over " + ", ".join(sorted(columns)),
                "generate with the demo desk's operations.yaml, and change the file afterwards",
                match=match,
            )
        chosen &= (columns[found[1]] == found[2]).fill_null(value=False).to_numpy()
    return chosen
