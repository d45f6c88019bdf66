-- Grain: one row per ticket: the newest row of the export, which may hold a ticket once for each time it was loaded.
-- Ids are text without the '.0' that tables of numbers leave behind; times UTC.
WITH rows AS (
    SELECT
        regexp_replace(trim(COLUMNS('^(id|[a-z_]+_id)$')), '\.0+$', ''),
        * EXCLUDE (id, requester_id, submitter_id, assignee_id, group_id, organization_id, brand_id, ticket_form_id,
            problem_id)
    FROM src_ticket
),
newest AS (
    SELECT *, CASE WHEN json_valid(via) THEN via END AS via_json
    FROM rows
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY updated_at DESC NULLS LAST, row_no DESC) = 1
),
worded AS (
    SELECT *,
        lower(trim(coalesce(
            via_channel, json_extract_string(via_json, '$.channel'), CASE WHEN via_json IS NULL THEN via END
        ))) AS via_word,
        lower(replace(trim(status), '-', '')) AS status_word,
        coalesce(list_transform(
            regexp_extract_all(coalesce(tags, ''), '[^\[\]",\s]+'), lambda tag: lower(tag)
        ), []) AS tag_list
    FROM newest
)
SELECT
    id AS ticket_id,
    created_at,
    -- what is recorded up to here was known when the ticket arrived
    created_at + INTERVAL 1 SECOND AS known_until,
    status,
    CASE WHEN status_word = 'hold' OR status_word = 'onhold' THEN 'hold' WHEN status_word = 'suspended' THEN 'spam'
        ELSE status_word END AS status_word,
    CASE
        WHEN regexp_full_match(via_word, 'web|web[ _](form|widget)|help_?center') THEN 'portal'
        WHEN regexp_full_match(via_word, 'api|web service( \(api\))?') THEN 'webhook'
        WHEN via_word IN ('email', 'mail') THEN 'email'
        WHEN regexp_full_match(via_word, 'chat.*|live chat|((native|web)_)?messaging') THEN 'chat'
        WHEN regexp_full_match(via_word, '(voice|phone).*') THEN 'phone'
        ELSE via_word
    END AS channel,
    via_word AS via,
    nullif(lower(trim(coalesce(recipient, via_source_to_address))), '') AS inbox,
    type, priority, subject, description, requester_id, submitter_id, assignee_id, group_id, organization_id, brand_id,
    ticket_form_id, problem_id, external_id, due_at, is_public, category, subcategory,
    product_module, total_time_spent_sec, solved_at, group_stations, reply_minutes, custom_fields, extra, tag_list,
    list_transform(regexp_extract_all(coalesce(merged_ticket_ids, ''), '\d+'), lambda merged: merged) AS merged_ids,
    row_no
FROM worded
ORDER BY row_no
