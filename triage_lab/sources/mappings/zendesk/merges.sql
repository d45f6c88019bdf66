-- Grain: one row per ticket that was merged into another: into which, and when (NULL if nothing tells).
WITH told AS (
    SELECT unnest(merged_ids) AS ticket_id, ticket_id AS into_id, CAST(NULL AS TIMESTAMP) AS "at", 1 AS place FROM held
    UNION ALL
    SELECT from_ticket_id, ticket_id, "at", 2 FROM audit_events WHERE via_rel = 'merge' AND from_ticket_id IS NOT NULL
    UNION ALL
    -- the note on the ticket that went away, then the one on the ticket that took it in
    SELECT ticket_id, regexp_extract(body, '(?i)closed and merged into (request|ticket) #(\d+)', 2), "at", 3
    FROM comments WHERE is_merge
    UNION ALL
    SELECT
        unnest(regexp_extract_all(regexp_extract(
            body, '(?i)^\W*(requests?|tickets?) ((#\d+(,| |and)*)+)', 2
        ), '\d+')), ticket_id, "at", 4
    FROM comments WHERE is_merge AND regexp_matches(body, '(?i)closed and merged into this')
),
closed AS (
    SELECT ticket_id, max("at") AS closed_at FROM states WHERE state = 'closed' GROUP BY ticket_id
)
SELECT
    told.ticket_id,
    arg_min(into_id, (place, "at", into_id)) AS into_id,
    coalesce(min("at"), min(closed_at)) AS merged_at
FROM told
LEFT JOIN closed ON closed.ticket_id = told.ticket_id
WHERE told.ticket_id <> '' AND into_id <> '' AND told.ticket_id <> into_id
GROUP BY told.ticket_id
ORDER BY told.ticket_id
