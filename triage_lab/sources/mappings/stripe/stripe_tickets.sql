-- Grain: one row per refund or credit note whose metadata names a ticket; of several the first in the order of the texts.
SELECT id, min(trim(value)) AS ticket_id
FROM (
    SELECT id, key, json_extract_string(metadata, '/' || replace(replace(key, '~', '~0'), '/', '~1')) AS value
    FROM (
        SELECT id, metadata, unnest(json_keys(metadata)) AS key
        FROM (SELECT id, metadata FROM src_refund UNION ALL SELECT id, metadata FROM src_credit_note)
        WHERE json_valid(metadata) AND json_type(metadata) = 'OBJECT'
    )
)
WHERE trim(value) <> '' AND regexp_replace(lower(key), '[^a-z]+', '_', 'g') IN (
    'ticket_id', 'ticket', 'zendesk_ticket_id', 'case_id', 'salesforce_case_id', 'support_ticket_id'
)
GROUP BY id
