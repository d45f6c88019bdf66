-- Grain: one row per ticket id like $1, the likest first, at most 3.
SELECT ticket_id
FROM tickets
ORDER BY jaro_winkler_similarity(ticket_id, $1) DESC, ticket_id
LIMIT 3
