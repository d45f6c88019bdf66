"""Checks of what is supplied from outside: declared entrances, the pulse of look-ups, the vendor's own flag.

Each function returns (query for the number of things looked at, query for the offenders, table it needs or None).
"""

# SQL is put together from typed gates, checked names and quoted literals; see sqltext.
# ruff: noqa: S608
from __future__ import annotations

from collections.abc import Sequence

from triage_lab.domain.gate import Gate
from triage_lab.quality.sqltext import key_text, number, text, timestamp

Queries = tuple[str, str, str | None]
LEAST_LOOKUPS = 20  # an hour with fewer look-ups says nothing about its success


def channel_coverage(gate: Gate, cutoff: int) -> Queries:
    """Declared inboxes by which nothing came in; with ``days``, nothing in the last days before the cutoff.

    An inbox is used if a signal or a ticket names it.
    """
    given = gate.params.get("inboxes", ())
    names = [str(item) for item in given] if isinstance(given, Sequence) and not isinstance(given, str) else []
    listed = ", ".join(f"({text(item)})" for item in names) or "(NULL)"
    declared = f"SELECT DISTINCT inbox FROM (VALUES {listed}) AS v(inbox) WHERE inbox IS NOT NULL"
    alive = "u.newest IS NOT NULL"
    if "days" in gate.params:
        alive += f" AND u.newest > {timestamp(cutoff)} - INTERVAL {int(str(gate.params['days']))} DAY"
    used = (
        'SELECT inbox, max("at") AS newest FROM (SELECT inbox, received_at AS "at" FROM signals '
        'UNION ALL SELECT inbox, created_at AS "at" FROM tickets) '
        f'WHERE inbox IS NOT NULL AND "at" < {timestamp(cutoff + 1)} GROUP BY inbox'
    )
    offenders = (
        f"SELECT d.inbox AS key, 'inbox' AS \"column\", CAST(u.newest AS VARCHAR) AS value FROM ({declared}) AS d "
        f"LEFT JOIN ({used}) AS u ON d.inbox = u.inbox WHERE NOT coalesce({alive}, FALSE)"
    )
    return f"SELECT count(*) FROM ({declared})", offenders, None


def heartbeat(gate: Gate, cutoff: int) -> Queries:
    """Hours in alert: the alert begins when success falls under ``low`` and ends when it rises over ``high``.

    Success of an hour = tickets and fields that any source answered / tickets and fields looked up, of hours with at
    least ``least`` of them. Between the two bounds an hour keeps the state of the hour before (hysteresis), so that a
    rate that trembles around one bound does not open an alert every other hour.
    """
    field = f" AND field = {text(str(gate.params['field']))}" if "field" in gate.params else ""
    least = int(str(gate.params.get("least", LEAST_LOOKUPS)))
    bounds = [bound for bound in (gate.low, gate.high) if bound is not None]
    low, high = min(bounds), max(bounds)
    hours = f"""
        SELECT hour, count(*) AS asked, count(*) FILTER (answered) / count(*) AS success FROM (
            SELECT ticket_id, field, date_trunc('hour', min(looked_up_at)) AS hour, bool_or(status = 'hit') AS answered
            FROM enrichment_log WHERE looked_up_at < {timestamp(cutoff + 1)}{field} GROUP BY ticket_id, field
        ) GROUP BY hour HAVING count(*) >= {least}"""
    offenders = f"""
        SELECT CAST(hour AS VARCHAR) AS key, 'success' AS "column", CAST(round(success, 4) AS VARCHAR) AS value
        FROM (
            SELECT hour, success, last_value(turn IGNORE NULLS) OVER (ORDER BY hour) AS alert FROM (
                SELECT hour, success,
                    CASE WHEN success < {number(low)} THEN 1 WHEN success > {number(high)} THEN 0 END AS turn
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
