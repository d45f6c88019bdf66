-- Grain: one row per brand and ticket form: its newest name. field = the field of a ticket that names it by id.
WITH told AS (
    SELECT 'brand_id' AS field, id, name, CAST(NULL AS TIMESTAMP) AS updated_at, row_no FROM src_brand
    UNION ALL
    SELECT 'ticket_form_id', id, name, updated_at, row_no FROM src_ticket_form
)
SELECT field, regexp_replace(trim(id), '\.0+$', '') AS id, trim(name) AS name
FROM told
QUALIFY row_number() OVER (
    PARTITION BY field, regexp_replace(trim(told.id), '\.0+$', '') ORDER BY updated_at DESC NULLS LAST, row_no DESC
) = 1
ORDER BY ALL
