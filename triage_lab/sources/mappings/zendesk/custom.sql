-- Grain: one row per ticket with anything to keep: a JSON object of facts as of creation under their names, and of
-- today's values of fields without a history under name__current.
WITH tags AS (
    SELECT ticket_id, list(DISTINCT tag ORDER BY tag) AS tag_list FROM all_tags GROUP BY ticket_id
),
standing AS (
    UNPIVOT (
        SELECT
            ticket_id, requester_id, submitter_id, brand_id, ticket_form_id, external_id, due_at
        FROM held
    ) ON COLUMNS(* EXCLUDE ticket_id) INTO NAME field VALUE value
),
stood AS (
    SELECT
        standing.ticket_id, standing.field,
        told.ticket_id IS NOT NULL OR standing.field = 'submitter_id' AS is_fact,
        CASE WHEN told.ticket_id IS NULL THEN standing.value ELSE told.value END AS value
    FROM standing
    LEFT JOIN first_values AS told ON told.ticket_id = standing.ticket_id AND told.field = standing.field
),
facts AS (
    SELECT ticket_id, field AS key, value
    FROM first_values
    WHERE is_custom AND slot IS NULL
    UNION ALL
    SELECT last_values.ticket_id, last_values.field || '__current', last_values.value
    FROM last_values
    ANTI JOIN first_values ON first_values.ticket_id = last_values.ticket_id AND first_values.field = last_values.field
    WHERE last_values.slot IS NULL
    UNION ALL
    SELECT ticket_id, 'tags', CAST(to_json(list_sort(list_transform(
        regexp_extract_all(value, '[^\[\]",\s]+'), lambda tag: lower(tag)
    ))) AS VARCHAR)
    FROM first_values
    WHERE field = 'tags'
    UNION ALL
    SELECT tags.ticket_id, 'tags__current', CAST(to_json(tags.tag_list) AS VARCHAR)
    FROM tags
    ANTI JOIN first_values AS told ON told.ticket_id = tags.ticket_id AND told.field = 'tags'
    UNION ALL
    SELECT
        stood.ticket_id,
        CASE stood.field
            WHEN 'brand_id' THEN 'brand' WHEN 'ticket_form_id' THEN 'ticket_form' WHEN 'due_at' THEN 'task_due_at'
            ELSE stood.field
        END || CASE WHEN stood.is_fact THEN '' ELSE '__current' END,
        coalesce(names.name, stood.value)
    FROM stood
    LEFT JOIN names ON names.field = stood.field AND names.id = stood.value
),
shown AS (
    SELECT
        ticket_id, key,
        min(CASE WHEN json_valid(value) AND json_type(value) = 'ARRAY' THEN value
            ELSE CAST(to_json(value) AS VARCHAR) END) AS text
    FROM facts
    WHERE value IS NOT NULL
    GROUP BY ticket_id, key
)
SELECT ticket_id, '{' || string_agg(to_json(key) || ':' || text, ',' ORDER BY key) || '}' AS custom
FROM shown
GROUP BY ticket_id
ORDER BY ticket_id
