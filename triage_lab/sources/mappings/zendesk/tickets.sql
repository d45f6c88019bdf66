-- Grain: one row per ticket. What describes it is as first recorded where the export has a history, else today's value;
-- what came of it is as of the export. Times UTC, handle_minutes in minutes.
WITH firsts AS (
    SELECT
        ticket_id,
        map_from_entries(list((field, value))) AS value_of,
        max(value) FILTER (slot = 'category') AS category,
        bool_or(slot = 'category') AS has_category,
        max(value) FILTER (slot = 'subcategory') AS subcategory,
        bool_or(slot = 'subcategory') AS has_subcategory,
        max(value) FILTER (slot = 'product_module') AS product_module,
        bool_or(slot = 'product_module') AS has_product_module
    FROM first_values
    GROUP BY ticket_id
),
lasts AS (
    SELECT
        ticket_id,
        max(value) FILTER (slot = 'category') AS category,
        max(value) FILTER (slot = 'subcategory') AS subcategory,
        max(value) FILTER (slot = 'product_module') AS product_module,
        try_cast(max(value) FILTER (slot = 'total_time') AS DOUBLE) AS total_seconds
    FROM last_values
    GROUP BY ticket_id
),
spent AS (
    SELECT ticket_id, try_cast(arg_max(new_value, ord) AS DOUBLE) AS total_seconds
    FROM changes
    WHERE slot = 'total_time'
    GROUP BY ticket_id
),
categories AS (
    SELECT
        EXISTS (SELECT 1 FROM first_values WHERE slot = 'category')
        OR EXISTS (SELECT 1 FROM last_values WHERE slot = 'category')
        OR EXISTS (SELECT 1 FROM held WHERE category IS NOT NULL) AS has_field
),
described AS (
    -- a field of which anything is recorded has the value that it had at creation, and no other
    SELECT
        held.*,
        CASE WHEN map_contains(value_of, 'organization_id') THEN value_of['organization_id'] ELSE organization_id END
            AS first_account_id,
        CASE WHEN map_contains(value_of, 'type') THEN value_of['type'] ELSE type END AS first_type,
        CASE WHEN map_contains(value_of, 'priority') THEN value_of['priority'] ELSE priority END AS first_priority,
        CASE WHEN map_contains(value_of, 'ticket_form_id') THEN value_of['ticket_form_id'] ELSE ticket_form_id END
            AS first_form_id,
        CASE WHEN has_category THEN firsts.category ELSE coalesce(held.category, lasts.category) END AS first_category,
        CASE WHEN has_subcategory THEN firsts.subcategory ELSE coalesce(held.subcategory, lasts.subcategory) END
            AS first_subcategory,
        CASE WHEN has_product_module THEN firsts.product_module
            ELSE coalesce(held.product_module, lasts.product_module) END AS first_product_module,
        coalesce(held.total_time_spent_sec, lasts.total_seconds, spent.total_seconds) AS total_seconds
    FROM held
    LEFT JOIN firsts ON firsts.ticket_id = held.ticket_id
    LEFT JOIN lasts ON lasts.ticket_id = held.ticket_id
    LEFT JOIN spent ON spent.ticket_id = held.ticket_id
)
SELECT
    held.ticket_id,
    held.created_at,
    held.first_account_id AS account_id,
    CASE WHEN categories.has_field THEN held.first_category ELSE forms.name END AS category,
    held.first_subcategory AS subcategory,
    held.first_product_module AS product_module,
    held.channel,
    held.inbox,
    lower(held.first_type) AS type,
    lower(held.first_priority) AS priority_at_creation,
    coalesce(first_team.team_id, outcomes.first_group_id) AS first_team_id,
    coalesce(resolver_team.team_id, outcomes.resolver_group_id) AS resolver_team_id,
    held.assignee_id AS agent_id,
    outcomes.first_action_at,
    outcomes.resolved_at,
    outcomes.closed_at,
    outcomes.sla_met,
    outcomes.reassignments AS reassignment_count,
    held.total_seconds / 60 AS handle_minutes,
    held.subject,
    held.description AS body,
    held.status,
    CASE
        WHEN held.status_word = 'deleted' THEN 'deleted'
        WHEN merges.ticket_id IS NOT NULL OR merged_tag.ticket_id IS NOT NULL THEN 'merged'
        WHEN held.status_word IN ('new', 'open', 'pending', 'hold', 'solved', 'closed', 'spam') THEN held.status_word
    END AS status_class,
    merges.into_id AS merged_into_id,
    custom.custom,
    held.row_no
FROM described AS held
CROSS JOIN categories
LEFT JOIN outcomes ON outcomes.ticket_id = held.ticket_id
LEFT JOIN merges ON merges.ticket_id = held.ticket_id
LEFT JOIN all_tags AS merged_tag ON merged_tag.ticket_id = held.ticket_id AND merged_tag.tag = 'closed_by_merge'
LEFT JOIN custom ON custom.ticket_id = held.ticket_id
LEFT JOIN names AS forms ON forms.field = 'ticket_form_id' AND forms.id = held.first_form_id
LEFT JOIN teams AS first_team ON first_team.group_id = outcomes.first_group_id
LEFT JOIN teams AS resolver_team ON resolver_team.group_id = outcomes.resolver_group_id
ORDER BY held.row_no
