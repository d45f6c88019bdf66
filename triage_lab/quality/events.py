"""Checks over the course of time: events, owners, validity spans, look-ahead.

Each function returns (query for the number of rows looked at, query for the offenders, table it compares with or None).
"""

# SQL is put together from typed gates, checked names and quoted literals; see sqltext.
# ruff: noqa: S608
from __future__ import annotations

from triage_lab.domain.gate import Gate
from triage_lab.domain.tables import CANONICAL
from triage_lab.quality.sqltext import key_text, name

Queries = tuple[str, str, str | None]


def event_order(gate: Gate) -> Queries:
    """Events before their ticket, and events whose time runs backwards as seq rises.

    ``seq`` may only order the events of one instant; it is held against the clock only where it numbers all
    events of a ticket, that is where no event lacks it and no number occurs twice.
    """
    offenders = f"""
        WITH stepped AS (
            SELECT e.*, lag(e."at") OVER (PARTITION BY e.ticket_id ORDER BY e.seq, e.event_id) AS before
            FROM ticket_events AS e WHERE e.seq IS NOT NULL
        ),
        backwards AS (SELECT * FROM stepped WHERE "at" < before),
        numbered AS (
            SELECT e.ticket_id FROM ticket_events AS e
            SEMI JOIN backwards AS b ON e.ticket_id = b.ticket_id
            GROUP BY e.ticket_id HAVING count(DISTINCT e.seq) = count(*)
        ),
        early AS (
            SELECT e.* FROM ticket_events AS e JOIN tickets AS k ON e.ticket_id = k.ticket_id
            WHERE date_trunc('second', e."at") < date_trunc('second', k.created_at)
        )
        SELECT {key_text(gate.keys, "t")} AS key, 'at' AS "column", CAST(t."at" AS VARCHAR) AS value
        FROM ticket_events AS t
        SEMI JOIN (
            SELECT b.event_id FROM backwards AS b SEMI JOIN numbered AS m ON b.ticket_id = m.ticket_id
            UNION ALL SELECT event_id FROM early
        ) AS o ON t.event_id = o.event_id"""
    return "SELECT count(*) FROM ticket_events", offenders, None


def one_owner(gate: Gate) -> Queries:
    """Tickets with a moment of no owner or of two after their first assignment.

    An ``assigned`` event gives the ticket to its team (``team_id``, else ``new_value``). Offending are: an assignment
    to nobody that lasts; two teams at one instant that ``seq`` does not order; an assignment taken from another team
    than the one that the assignment before it named.
    """
    offenders = f"""
        WITH assigned AS (
            SELECT ticket_id, "at", coalesce(seq, 0) AS seq, event_id,
                nullif(coalesce(team_id, new_value), '') AS owner, old_value, new_value
            FROM ticket_events WHERE kind = 'assigned'
        ),
        chain AS (
            SELECT *,
                count(owner) OVER (course ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > 0 AS owned,
                lead("at") OVER course AS until_at,
                lag("at") OVER course AS before_at, lag(seq) OVER course AS before_seq,
                lag(owner) OVER course AS before_owner, lag(new_value) OVER course AS before_value
            FROM assigned WINDOW course AS (PARTITION BY ticket_id ORDER BY "at", seq, event_id)
        ),
        problems AS (
            SELECT ticket_id, "at", seq, event_id, CASE
                WHEN owner IS NULL AND owned AND until_at IS DISTINCT FROM "at" THEN 'no owner'
                WHEN "at" = before_at AND seq = before_seq AND owner <> before_owner
                    THEN 'two owners: ' || before_owner || ', ' || owner
                WHEN old_value <> '' AND before_value <> '' AND old_value <> before_value
                    THEN 'taken from ' || old_value || ', owned by ' || before_value
                END AS problem
            FROM chain
        ),
        first_problems AS (
            SELECT ticket_id, CAST("at" AS VARCHAR) || ' ' || problem AS value FROM problems WHERE problem IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY ticket_id ORDER BY "at", seq, event_id) = 1
        )
        SELECT {key_text(gate.keys, "t")} AS key, 'owner' AS "column", p.value
        FROM tickets AS t JOIN first_problems AS p ON t.ticket_id = p.ticket_id"""
    looked_at = (
        "SELECT count(*) FROM tickets AS t SEMI JOIN "
        "(SELECT ticket_id FROM ticket_events WHERE kind = 'assigned') AS e ON t.ticket_id = e.ticket_id"
    )
    return looked_at, offenders, "ticket_events"


def no_overlap(gate: Gate) -> Queries:
    """Rows of a dated table that begin before an earlier span of the same thing has ended.

    A span without an end is taken to end where the next begins, so it never overlaps what follows.
    """
    # of an account that several systems describe, each system has its own course of facts
    linked = CANONICAL[gate.table].column("account_id") is not None
    rows = f"{gate.table}_by_system" if linked else gate.table
    named = {"account_id": "source_account_id"} if linked else {}
    own = [named.get(key, key) for key in CANONICAL[gate.table].key if key != "valid_from"]
    thing = ", ".join(f"t.{name(key)}" for key in (*own, *(("source_system",) if linked else ())))
    offenders = f"""
        WITH spans AS (
            SELECT t.*, max(t.valid_to) OVER (
                PARTITION BY {thing} ORDER BY t.valid_from NULLS FIRST
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS ends_before
            FROM {rows} AS t
        )
        SELECT {key_text(gate.keys, "t")} AS key, 'valid_from' AS "column", CAST(t.valid_from AS VARCHAR) AS value
        FROM spans AS t WHERE t.valid_from < t.ends_before"""
    return f"SELECT count(*) FROM {gate.table}", offenders, None


def lookahead(gate: Gate) -> Queries:
    """Facts that come from after their use."""
    key = key_text(gate.keys, "t")
    if gate.table == "enrichment_log":
        offenders = (
            f"SELECT {key} AS key, 'value_as_of' AS \"column\", CAST(t.value_as_of AS VARCHAR) AS value "
            "FROM enrichment_log AS t WHERE t.value_as_of > t.looked_up_at"
        )
        return "SELECT count(value_as_of) FROM enrichment_log", offenders, None
    begins = (
        "SELECT account_id, min(valid_from) AS first_known FROM accounts GROUP BY account_id "
        "HAVING count(valid_from) = count(*)"
    )
    offenders = (
        f"SELECT {key} AS key, 'account_id' AS \"column\", CAST(a.first_known AS VARCHAR) AS value "
        f"FROM tickets AS t JOIN ({begins}) AS a ON t.account_id = a.account_id WHERE a.first_known > t.created_at"
    )
    looked_at = "SELECT count(*) FROM tickets AS t SEMI JOIN accounts AS a ON t.account_id = a.account_id"
    return looked_at, offenders, "accounts"
