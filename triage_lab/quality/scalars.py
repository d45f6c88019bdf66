"""Checks that give one number: coverage, staleness, volume, row count, freshness; each query gives value DOUBLE, n."""

# SQL is put together from typed gates, checked names and quoted literals; see sqltext.
# ruff: noqa: S608
from __future__ import annotations

from triage_lab.domain.gate import Gate
from triage_lab.quality.sqltext import name, text, timestamp

DEFAULT_DAYS = 7
MAD_TO_SIGMA = 1.4826  # the median absolute deviation of a normal distribution times this is its standard deviation


def scalar_sql(gate: Gate, cutoff: int) -> str:
    """Return the query of a built-in scalar check."""
    if gate.check == "row_count":
        return f"SELECT CAST(count(*) AS DOUBLE) AS value, count(*) AS n FROM {gate.table}"
    if gate.check == "enrichment_coverage":
        return _coverage(gate, cutoff)
    if gate.check == "staleness":
        return _staleness(gate, cutoff)
    if gate.check == "freshness":
        return _freshness(gate, cutoff)
    return _volume(gate, cutoff)


def _coverage(gate: Gate, cutoff: int) -> str:
    """Tickets with an answer over tickets looked up; the answers of all sources count unless one is named."""
    source = f" AND source = {text(str(gate.params['source']))}" if "source" in gate.params else ""
    return (
        "SELECT count(*) FILTER (answered) / nullif(count(*), 0) AS value, count(*) AS n FROM ("
        "SELECT ticket_id, bool_or(status IN ('hit', 'stale')) AS answered FROM enrichment_log "
        f"WHERE field = {text(str(gate.params['field']))}{source} AND looked_up_at < {timestamp(cutoff + 1)} "
        "GROUP BY ticket_id)"
    )


def _staleness(gate: Gate, cutoff: int) -> str:
    """Answers that were stale over all answers."""
    field = f" AND field = {text(str(gate.params['field']))}" if "field" in gate.params else ""
    old = "status = 'stale'"
    if "hours" in gate.params:
        hours = int(str(gate.params["hours"]))
        old += f" OR coalesce(looked_up_at - value_as_of > INTERVAL {hours} HOUR, FALSE)"
    return (
        f"SELECT count(*) FILTER ({old}) / nullif(count(*), 0) AS value, count(*) AS n FROM enrichment_log "
        f"WHERE status IN ('hit', 'stale') AND looked_up_at < {timestamp(cutoff + 1)}{field}"
    )


def _freshness(gate: Gate, cutoff: int) -> str:
    """Hours from the newest time to the cutoff; times after the cutoff are left out."""
    column = name(str(gate.params["column"]))
    end = timestamp(cutoff + 1)
    newest = f"max({column}) FILTER ({column} < {end})"
    return (
        f"SELECT epoch(date_trunc('second', {timestamp(cutoff)} - date_trunc('second', {newest}))) / 3600.0 AS value, "
        f"count({column}) FILTER ({column} < {end}) AS n FROM {gate.table}"
    )


def _volume(gate: Gate, cutoff: int) -> str:
    """Robust z of the most unusual tested day.

    Whole UTC days only: the first day of the data and the day of the cutoff are left out. The days tested are no part
    of their own baseline: the median of the same weekday before them, and the median absolute deviation of all days
    before them from their weekday's median (at least the Poisson deviation of the median, so that a steady log does
    not make every ticket remarkable). n = days in the baseline.
    """
    column, days = name(str(gate.params["column"])), int(str(gate.params.get("days", DEFAULT_DAYS)))
    end = f"CAST({timestamp(cutoff)} AS DATE)"
    return f"""
        WITH daily AS (
            SELECT CAST({column} AS DATE) AS day, count(*) AS tickets FROM {gate.table}
            WHERE {column} IS NOT NULL AND {column} < {end} GROUP BY ALL
        ),
        calendar AS (
            SELECT CAST(unnest(range(min(day) + INTERVAL 1 DAY, {end}, INTERVAL 1 DAY)) AS DATE) AS day FROM daily
        ),
        counted AS (
            SELECT c.day, isodow(c.day) AS weekday, coalesce(d.tickets, 0) AS tickets,
                c.day >= {end} - INTERVAL {days} DAY AS tested
            FROM calendar AS c LEFT JOIN daily AS d ON c.day = d.day
        ),
        usual AS (SELECT weekday, median(tickets) AS usual FROM counted WHERE NOT tested GROUP BY weekday),
        spread AS (
            SELECT {MAD_TO_SIGMA} * median(abs(c.tickets - u.usual)) AS sigma, count(*) AS n
            FROM counted AS c JOIN usual AS u ON c.weekday = u.weekday WHERE NOT c.tested
        ),
        scored AS (
            SELECT c.day, (c.tickets - u.usual) / greatest(s.sigma, sqrt(greatest(u.usual, 1))) AS z
            FROM counted AS c JOIN usual AS u ON c.weekday = u.weekday CROSS JOIN spread AS s WHERE c.tested
        )
        SELECT (SELECT CAST(z AS DOUBLE) FROM scored ORDER BY abs(z) DESC, day LIMIT 1) AS value, n FROM spread"""
