-- Grain: one row per ticket and custom field that holds something when the export was taken.
WITH told AS (
    SELECT held.ticket_id, cell.key, cell.value ->> '$' AS value
    FROM held, json_each(held.extra) AS cell
    UNION ALL
    SELECT ticket_id, regexp_replace(field ->> '$.id', '\.0+$', ''), field ->> '$.value'
    FROM (
        SELECT
            ticket_id,
            unnest(json_extract(CASE WHEN json_valid(custom_fields) THEN custom_fields END, '$[*]')) AS field
        FROM held
    )
)
SELECT told.ticket_id, fields.name AS field, max(fields.slot) AS slot, min(told.value) AS value
FROM told
JOIN fields ON fields.key = told.key
WHERE told.value IS NOT NULL AND told.value <> ''
GROUP BY told.ticket_id, fields.name
ORDER BY told.ticket_id, fields.name
