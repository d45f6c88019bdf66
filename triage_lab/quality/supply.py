"""Checks of what is supplied from outside: declared entrances, the pulse of look-ups, the vendor's own flag.

Each function returns (query for the number of things looked at, query for the offenders, table it needs or None).
"""

# SQL is put together from typed gates, checked names and quoted literals; see sqltext.
# ruff: noqa: S608
from __future__ import annotations

from collections.abc import Iterable, Sequence

from triage_lab.domain.gate import Gate
from triage_lab.quality.sqltext import key_text, number, text, timestamp

Queries = tuple[str, str, str | None]
_Z = 1.6448536269514722  # 95 % of a standard normal, one-sided
_Z2 = _Z * _Z
LEAST_LOOKUPS = 20  # an hour with fewer look-ups says nothing about its success


def channel_coverage(gate: Gate, cutoff: int) -> Queries:
    """Declared inboxes by which nothing came in; with ``days``, nothing in the last days before the cutoff.

    An inbox is used if a signal or a ticket names it: by its own name, by the part of an address before the ``@``, by
    a declared spelling (``spellings``: pairs of inbox and other name), or by its channel alone, where the arrival names
    no inbox and the channel has only this one (``channels``: pairs of inbox and channel).
    """
    names = _pairs((name, name) for name in _texts(gate, "inboxes"))
    declared = f"SELECT DISTINCT inbox FROM ({names})"
    also = " UNION ALL ".join(f"SELECT inbox, lower(word) AS word FROM ({pairs})" for pairs in (
        names, _pairs(_couples(gate, "spellings")),
    ))  # fmt: skip
    channels = _pairs(_couples(gate, "channels"))
    alive = "u.newest IS NOT NULL"
    if "days" in gate.params:
        alive += f" AND u.newest > {timestamp(cutoff)} - INTERVAL {int(str(gate.params['days']))} DAY"
    offenders = f"""
        WITH arrived AS (
            SELECT lower(inbox) AS inbox, lower(channel) AS channel, max("at") AS newest FROM (
                SELECT inbox, channel, received_at AS "at" FROM signals
                UNION ALL SELECT inbox, channel, created_at AS "at" FROM tickets
            ) WHERE "at" < {timestamp(cutoff + 1)} GROUP BY ALL
        ),
        used AS (
            SELECT n.inbox, a.newest FROM ({also}) AS n JOIN arrived AS a
                ON a.inbox = n.word OR split_part(a.inbox, '@', 1) = n.word
            UNION ALL
            SELECT c.inbox, a.newest FROM ({channels}) AS c JOIN arrived AS a
                ON a.inbox IS NULL AND a.channel = lower(c.word)
        )
        SELECT d.inbox AS key, 'inbox' AS "column", CAST(u.newest AS VARCHAR) AS value FROM ({declared}) AS d
        LEFT JOIN (SELECT inbox, max(newest) AS newest FROM used GROUP BY inbox) AS u ON d.inbox = u.inbox
        WHERE NOT coalesce({alive}, FALSE)"""
    return f"SELECT count(*) FROM ({declared})", offenders, None


def _texts(gate: Gate, name: str) -> list[str]:
    """A parameter that is a list of texts; empty if it is not given."""
    given = gate.params.get(name, ())
    return [str(item) for item in given] if isinstance(given, Sequence) and not isinstance(given, str) else []


def _couples(gate: Gate, name: str) -> list[tuple[str, str]]:
    """A parameter that is a list of pairs; empty if it is not given."""
    given = gate.params.get(name, ())
    return [(str(a), str(b)) for a, b in given] if isinstance(given, tuple) else []


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """A query of the pairs (inbox, word)."""
    rows = ", ".join(f"({text(inbox)}, {text(word)})" for inbox, word in pairs) or "(NULL, NULL)"
    return f"SELECT inbox, word FROM (VALUES {rows}) AS v(inbox, word) WHERE inbox IS NOT NULL"


def heartbeat(gate: Gate, cutoff: int) -> Queries:
    """Hours in alert: the alert begins when success is under ``low`` beyond chance, and ends when it is over ``high``.

    Success of an hour = tickets and fields for which any source gave a fresh value / tickets and fields looked up, of
    hours with at least ``least`` of them. Beyond chance: the upper 95 % bound of the hour's rate (Wilson, one-sided) is
    under ``low``, so that a quiet hour raises no alarm. In between an hour keeps the state of the hour before
    (hysteresis), so that a rate that trembles around one bound does not open an alert every other hour.
    """
    field = f" AND field = {text(str(gate.params['field']))}" if "field" in gate.params else ""
    least = int(str(gate.params.get("least", LEAST_LOOKUPS)))
    bounds = [bound for bound in (gate.low, gate.high) if bound is not None]
    low, high = min(bounds), max(bounds)
    hours = f"""
        SELECT hour, success, (success + {_Z2} / (2 * asked)
            + {_Z} * sqrt(success * (1 - success) / asked + {_Z2} / (4 * asked * asked))) / (1 + {_Z2} / asked) AS upper
        FROM (SELECT hour, count(*) AS asked, count(*) FILTER (answered) / count(*) AS success FROM (
            SELECT ticket_id, field, date_trunc('hour', min(looked_up_at)) AS hour, bool_or(status = 'hit') AS answered
            FROM enrichment_log WHERE looked_up_at < {timestamp(cutoff + 1)}{field} GROUP BY ticket_id, field
        ) GROUP BY hour HAVING count(*) >= {least})"""
    offenders = f"""
        SELECT CAST(hour AS VARCHAR) AS key, 'success' AS "column", CAST(round(success, 4) AS VARCHAR) AS value
        FROM (
            SELECT hour, success, last_value(turn IGNORE NULLS) OVER (ORDER BY hour) AS alert FROM (
                SELECT hour, success,
                    CASE WHEN upper < {number(low)} THEN 1 WHEN success > {number(high)} THEN 0 END AS turn
                FROM ({hours})
            )
        ) WHERE alert = 1"""
    return f"SELECT count(*) FROM ({hours})", offenders, None


def sla_flag(gate: Gate, _cutoff: int) -> Queries:
    """Tickets whose vendor flag contradicts their own dates: met though resolved late, or breached though in time."""
    both = "t.sla_met IS NOT NULL AND t.due_at IS NOT NULL AND coalesce(t.resolved_at, t.closed_at) IS NOT NULL"
    done = "date_trunc('second', coalesce(t.resolved_at, t.closed_at)) <= date_trunc('second', t.due_at)"
    offenders = (
        f"SELECT {key_text(gate.keys, 't')} AS key, 'sla_met' AS \"column\", CAST(t.sla_met AS VARCHAR) AS value "
        f"FROM tickets AS t WHERE {both} AND t.sla_met <> ({done})"
    )
    return f"SELECT count(*) FROM tickets AS t WHERE {both}", offenders, None
