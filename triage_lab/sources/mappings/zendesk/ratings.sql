-- Grain: one row per rating that a customer gave, good or bad, unless the history of the ticket tells it.
WITH newest AS (
    SELECT
        regexp_replace(trim(id), '\.0+$', '') AS rating_id, regexp_replace(trim(ticket_id), '\.0+$', '') AS ticket_id,
        regexp_replace(trim(requester_id), '\.0+$', '') AS requester_id, lower(trim(score)) AS score,
        coalesce(updated_at, created_at) AS "at", row_no
    FROM src_satisfaction_rating
    QUALIFY row_number() OVER (PARTITION BY rating_id ORDER BY updated_at DESC NULLS LAST, row_no DESC) = 1
)
SELECT rating_id, ticket_id, requester_id, score, "at"
FROM newest
ANTI JOIN (
    SELECT ticket_id FROM changes WHERE field = 'satisfaction_score' AND regexp_matches(lower(new_value), '^(good|bad)')
) AS told ON told.ticket_id = newest.ticket_id
WHERE regexp_matches(score, '^(good|bad)') AND "at" IS NOT NULL
ORDER BY ticket_id, "at", rating_id
