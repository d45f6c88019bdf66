-- Grain: one row per ticket field that the export names (by id, by name, or as a column): its name in lower case, and
-- the canonical column (slot) that it fills. Of several candidates for a slot the most telling name wins. A custom field
-- that is called like one of Zendesk's own is told apart by custom_.
WITH keys AS (
    SELECT regexp_replace(trim(id), '\.0+$', '') AS key, title AS name FROM src_ticket_field
    UNION ALL
    SELECT field_name, field_name FROM src_ticket_field_history
    UNION ALL
    SELECT field, field FROM audit_events WHERE field IS NOT NULL
    UNION ALL
    SELECT unnest(json_keys(extra)), unnest(json_keys(extra)) FROM held
    UNION ALL
    SELECT held_key, coalesce(held_title, held_key) FROM (
        SELECT
            unnest(json_extract_string(fields, '$[*].id')) AS held_key,
            unnest(json_extract_string(fields, '$[*].title')) AS held_title
        FROM (SELECT CASE WHEN json_valid(custom_fields) THEN custom_fields END AS fields FROM held)
    )
),
plains AS (
    SELECT DISTINCT
        key, regexp_full_match(key, '\d+') OR starts_with(key, 'custom_') AS is_custom,
        regexp_replace(
            trim(regexp_replace(lower(name), '[^\p{L}\p{N}]+', '_', 'g'), '_'),
            '^custom_|_(list|int|txt|flag|date|dec|multi)$', '', 'g'
        ) AS plain
    FROM keys
    WHERE key IS NOT NULL AND name IS NOT NULL
),
named AS (
    -- a title from the list of fields wins over the bare id
    SELECT
        key, is_custom,
        arg_min(CASE
            WHEN is_custom AND regexp_full_match(plain, 'status|priority|type|tags|subject|description|due_at|brand|'
                || 'ticket_form|task_due_at|satisfaction_score|schedule|assignee|merge|merged_into|sla_policy|'
                || '(group|assignee|requester|submitter|organization|brand|ticket_form|external|problem)_id|'
                || '((first|next)_reply|agent_work|requester_wait|(total_)?resolution)_time') THEN 'custom_' || plain
            ELSE plain
        END, (regexp_full_match(plain, '\d+'), plain)) AS name
    FROM plains
    WHERE plain <> ''
    GROUP BY key, is_custom
),
words (slot, place, pattern) AS (
    VALUES
        ('subcategory', 1, 'sub_?(category|topic|reason)|unterkategorie|sous_catégorie|sub_?categor[ií]a'),
        ('category', 1, '(ticket_|case_|issue_|support_|request_|main_)?category|kategorie|catégorie|categor[ií]a'),
        ('category', 2, '(ticket_|case_|issue_|support_|request_|main_)?topic|thema'),
        ('category', 3, '(ticket_|case_|issue_|support_|request_|main_|contact_)?reason'),
        ('category', 4, 'reason_for_(contact|contacting)|motivo|motif'),
        ('product_module', 1, 'product_(module|area|component|feature)|module'),
        ('product_module', 2, 'product|produkt|produit|producto|produto|component'),
        ('total_time', 1, 'total_time_spent(_sec(onds)?)?')
),
matched AS (
    SELECT named.key, named.name, words.slot, words.place,
        min(words.place) OVER (PARTITION BY words.slot) AS best,
        min(named.name) OVER (PARTITION BY words.slot, words.place) AS first_name
    FROM named JOIN words ON regexp_full_match(named.name, words.pattern)
)
SELECT named.key, named.name, named.is_custom, matched.slot
FROM named
LEFT JOIN matched ON matched.key = named.key AND matched.place = matched.best AND matched.name = matched.first_name
ORDER BY named.key
