-- Grain: one row per case. Times UTC; status, owner and closing as of the export, the rest as first recorded.
WITH used AS (
    -- which field is the category is one choice for the whole export: the first that is filled at all
    SELECT CASE WHEN count(category_c) > 0 THEN 'category' WHEN count(topic_c) > 0 THEN 'topic'
        ELSE 'reason' END AS category
    FROM cases
),
firsts AS (
    SELECT case_id, map_from_entries(list({'key': field, 'value': value} ORDER BY field)) AS at_first
    FROM case_firsts
    GROUP BY case_id
),
recorded AS (
    -- the value at creation where the field has changed since (NULL if it was empty then), else the value of today
    SELECT
        c.*,
        coalesce(f.at_first, MAP {}) AS at_first,
        CASE u.category WHEN 'category' THEN c.category_c WHEN 'topic' THEN c.topic_c ELSE c.reason END AS category_now,
        list_filter(
            CASE u.category WHEN 'category' THEN ['category', 'case_category'] ELSE [u.category] END,
            lambda field: map_contains(at_first, field)
        ) AS category_fields
    FROM cases AS c
    CROSS JOIN used AS u
    LEFT JOIN firsts AS f ON c.id = f.case_id
),
teams AS (
    SELECT
        t.case_id,
        arg_min(t.team, t.move) FILTER (t.move = 0) AS first_team_id,
        arg_max(t.team, t.move) FILTER (t.since <= c.closed_date OR t.move = 0) AS team_at_close,
        arg_max(t.person, t.move) FILTER (t.since <= c.closed_date OR t.move = 0) AS person_at_close,
        max({'move': t.move, 'person': t.person}).person AS person_now,
        count(*) FILTER (t.team <> t.team_before) AS reassignments
    FROM case_teams AS t
    JOIN cases AS c ON t.case_id = c.id
    GROUP BY t.case_id
),
replies AS (
    SELECT case_id, min(sent_at) AS first_reply_at
    FROM case_messages
    WHERE is_public AND actor_type IN ('agent', 'automation')
    GROUP BY case_id
),
openings AS (
    SELECT case_id, min(to_address) AS inbox
    FROM case_messages
    WHERE opening
    GROUP BY case_id
),
promises AS (
    SELECT
        case_id,
        min(completion_date) FILTER (metric = 'first_action') AS first_action_at,
        min(target_date) FILTER (metric = 'resolve' AND cycle = 1) AS due_at,
        CASE
            WHEN bool_or(state = 'breached') FILTER (metric = 'resolve') THEN FALSE
            WHEN bool_and(state IN ('met', 'cancelled')) FILTER (metric = 'resolve')
                AND bool_or(state = 'met') FILTER (metric = 'resolve') THEN TRUE
        END AS sla_met
    FROM case_milestones
    GROUP BY case_id
),
customs AS (
    SELECT
        e.id AS case_id,
        map_from_entries(list({'key': e.field, 'value':
            CASE WHEN f.case_id IS NOT NULL THEN f.value ELSE e.value END} ORDER BY e.field)) AS fields
    FROM (
        SELECT id, any_value(pair.value ORDER BY pair.key) AS value,
            regexp_replace(lower(regexp_replace(regexp_replace(pair.key, '_?_[cC]$', ''), '([a-z0-9])([A-Z])', '\1_\2',
                'g')),
                '[^a-z0-9]+', '_', 'g') AS field
        FROM (SELECT id, unnest(map_entries(CAST(CAST(extra AS JSON) AS MAP(VARCHAR, VARCHAR)))) AS pair FROM cases)
        WHERE regexp_matches(pair.key, '_[cC]$')
        GROUP BY id, field
    ) AS e
    LEFT JOIN case_firsts AS f ON e.id = f.case_id AND e.field = f.field
    GROUP BY e.id
)
SELECT
    c.id AS ticket_id,
    c.created_date AS created_at,
    c.account_id,
    CASE WHEN len(c.category_fields) > 0 THEN c.at_first[c.category_fields[1]] ELSE c.category_now END AS category,
    CASE WHEN map_contains(c.at_first, 'subcategory') THEN c.at_first['subcategory']
        ELSE c.subcategory_c END AS subcategory,
    CASE WHEN map_contains(c.at_first, 'product') THEN c.at_first['product'] ELSE c.product_c END AS product_module,
    CASE
        WHEN lower(origin_then) LIKE '%email%' OR lower(origin_then) LIKE '%e-mail%' THEN 'email'
        WHEN regexp_matches(lower(origin_then), 'phone|call|voice') THEN 'phone'
        WHEN regexp_matches(lower(origin_then), 'chat|messag|whatsapp|sms') THEN 'chat'
        WHEN regexp_matches(lower(origin_then), '\b(api|integration|webhook)\b') THEN 'webhook'
        WHEN regexp_matches(lower(origin_then), 'web|portal|community|self.?service|site') THEN 'portal'
        ELSE lower(trim(origin_then))
    END AS channel,
    o.inbox,
    c.language,
    CASE WHEN map_contains(c.at_first, 'type') THEN c.at_first['type'] ELSE c.type END AS type,
    coalesce(
        CASE
            WHEN regexp_full_match(priority_then, '(p ?)?1|critical|urgent|emergency|very high|blocker|sev ?1')
                THEN 'urgent'
            WHEN regexp_full_match(priority_then, '(p ?)?2|high|sev ?2') THEN 'high'
            WHEN regexp_full_match(priority_then, '(p ?)?3|medium|normal|moderate|standard|sev ?3') THEN 'normal'
            WHEN regexp_full_match(priority_then, '(p ?)?[45]|low|minor|planning|sev ?[45]') THEN 'low'
        END, CASE WHEN map_contains(c.at_first, 'priority') THEN c.at_first['priority'] ELSE c.priority END
    ) AS priority_at_creation,
    t.first_team_id,
    CASE WHEN c.closed THEN t.team_at_close END AS resolver_team_id,
    CASE WHEN c.closed THEN t.person_at_close ELSE t.person_now END AS agent_id,
    coalesce(r.first_reply_at, p.first_action_at) AS first_action_at,
    CASE WHEN c.closed THEN c.closed_date END AS resolved_at,
    CASE WHEN c.closed THEN c.closed_date END AS closed_at,
    p.due_at,
    p.sla_met,
    CASE WHEN (SELECT count(*) > 0 FROM case_changes) THEN t.reassignments END AS reassignment_count,
    try_cast(c.handle_time_minutes_c AS DOUBLE) AS handle_minutes,
    CASE WHEN length(c.at_first['subject']) < 255 THEN c.at_first['subject'] ELSE c.subject END AS subject,
    c.description AS body,
    c.status,
    CASE
        WHEN c.master_record_id IS NOT NULL THEN 'merged'
        WHEN c.is_gone THEN 'deleted'
        WHEN s.class IN ('merged', 'duplicate', 'spam', 'cancelled') THEN s.class
        WHEN c.closed THEN CASE WHEN s.class = 'solved' THEN 'solved' ELSE 'closed' END
        ELSE coalesce(s.class, 'open')
    END AS status_class,
    CASE WHEN c.master_record_id IS NOT NULL THEN c.master_record_id
        WHEN s.class IN ('merged', 'duplicate') THEN c.parent_id END AS merged_into_id,
    nullif(CAST(json_merge_patch(
        coalesce(CAST(to_json(u.fields) AS VARCHAR), '{}'),
        json_object('case_number', c.case_number, 'contact_id', c.contact_id, 'business_hours_id', c.business_hours_id,
            'entitlement_id', c.entitlement_id, 'record_type_id', c.record_type_id, 'created_by_id', c.created_by_id,
            'parent_id', c.parent_id)
    ) AS VARCHAR), '{}') AS custom
FROM (
    SELECT
        *,
        CASE WHEN map_contains(at_first, 'origin') THEN at_first['origin'] ELSE origin END AS origin_then,
        lower(trim(CASE WHEN map_contains(at_first, 'priority') THEN at_first['priority']
            ELSE priority END)) AS priority_then
    FROM recorded
) AS c
LEFT JOIN teams AS t ON c.id = t.case_id
LEFT JOIN replies AS r ON c.id = r.case_id
LEFT JOIN openings AS o ON c.id = o.case_id
LEFT JOIN promises AS p ON c.id = p.case_id
LEFT JOIN customs AS u ON c.id = u.case_id
LEFT JOIN case_statuses AS s ON c.word = s.word
ORDER BY c.row_no
