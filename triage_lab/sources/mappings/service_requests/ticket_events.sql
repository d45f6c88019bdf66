-- Grain: one row per event of a service request: created, resolved, closed. Times UTC.
WITH events AS (
    SELECT request_id, row_no, 'created' AS kind, 1 AS seq, opened_at AS "at",
        CAST(NULL AS VARCHAR) AS team_id, CAST(NULL AS VARCHAR) AS field, CAST(NULL AS VARCHAR) AS new_value
    FROM requests
    UNION ALL
    SELECT request_id, row_no, 'resolved', 2, coalesce(resolved_at, closed_at), team, 'status', status
    FROM requests WHERE coalesce(resolved_at, closed_at) IS NOT NULL
    UNION ALL
    SELECT request_id, row_no, 'closed', 3, closed_at, team, 'queue', queue
    FROM requests WHERE closed_at IS NOT NULL
)
SELECT request_id || ':' || kind AS event_id, request_id AS ticket_id, "at", seq, kind, team_id, field, new_value, row_no
FROM events
ORDER BY row_no, seq
