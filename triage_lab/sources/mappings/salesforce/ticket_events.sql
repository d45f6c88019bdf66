-- Grain: one row per event of a case; times UTC. A change of team is 'assigned', a change of person the field
-- 'assignee'.
WITH done AS (
    SELECT
        h.case_id, h.nth, h.changed_at, h.actor_id, h.change_id, h.old_text, h.new_text,
        coalesce(was.done, FALSE) AS was_done,
        coalesce(became.done, FALSE) AS is_done,
        coalesce(was.closes, FALSE) AS was_closed,
        coalesce(became.closes, FALSE) AS is_closed,
        row_number() OVER (PARTITION BY h.case_id ORDER BY h.nth DESC) = 1 AS is_last
    FROM case_changes AS h
    LEFT JOIN case_statuses AS was ON lower(trim(h.old_text)) = was.word
    LEFT JOIN case_statuses AS became ON lower(trim(h.new_text)) = became.word
    WHERE h.field = 'status'
),
ends AS (
    SELECT case_id, nth, changed_at, actor_id, change_id, was_done, is_done, was_closed, is_closed FROM done
    UNION ALL
    -- the export says that a case is closed, but its history does not say when it became so
    SELECT c.id, 1000000, c.closed_date, NULL, 'closed_date', coalesce(d.is_done, FALSE), TRUE, FALSE, TRUE
    FROM cases AS c
    LEFT JOIN done AS d ON c.id = d.case_id AND d.is_last
    WHERE c.closed AND c.closed_date IS NOT NULL AND NOT coalesce(d.is_closed, FALSE)
),
priorities AS (
    SELECT case_id, nth, changed_at, actor_id, change_id, list_transform([old_text, new_text],
        lambda told: coalesce(CASE
        WHEN regexp_full_match(lower(trim(told)), '(p ?)?1|critical|urgent|emergency|very high|blocker|sev ?1')
            THEN 'urgent'
        WHEN regexp_full_match(lower(trim(told)), '(p ?)?2|high|sev ?2') THEN 'high'
        WHEN regexp_full_match(lower(trim(told)), '(p ?)?3|medium|normal|moderate|standard|sev ?3') THEN 'normal'
        WHEN regexp_full_match(lower(trim(told)), '(p ?)?[45]|low|minor|planning|sev ?[45]') THEN 'low'
        END, told)) AS told
    FROM case_changes
    WHERE field = 'priority'
),
escalations AS (
    SELECT case_id, min(nth) AS nth, changed_at, min(actor_id) AS actor_id, min(change_id) AS change_id,
        bool_or(escalated) AS ruled
    FROM case_changes
    WHERE escalated OR (field = 'is_escalated' AND lower(new_text) IN ('true', '1'))
        OR (field = 'status' AND lower(trim(new_text)) = 'escalated')
    GROUP BY case_id, changed_at
),
events AS (
    SELECT id AS case_id, 0 AS phase, 0 AS nth, 'created' AS kind, created_date AS happened_at,
        created_by_id AS actor_id,
        CAST(NULL AS VARCHAR) AS actor_type, CAST(NULL AS VARCHAR) AS team_id, CAST(NULL AS VARCHAR) AS field,
        CAST(NULL AS VARCHAR) AS old_value, CAST(NULL AS VARCHAR) AS new_value, CAST(NULL AS BOOLEAN) AS is_public,
        CAST(NULL AS VARCHAR) AS via, 'created' AS change_id, 0 AS place
    FROM cases
    UNION ALL
    SELECT case_id, CASE WHEN move = 0 THEN 0 ELSE 1 END, nth, 'assigned', since, actor_id,
        CASE WHEN ruled THEN 'automation' END, team, 'owner', team_before, team, NULL,
        CASE WHEN ruled THEN 'automation' END, coalesce(change_id, 'first'), 1
    FROM case_teams
    WHERE team IS DISTINCT FROM team_before AND team IS NOT NULL
    UNION ALL
    SELECT case_id, CASE WHEN move = 0 THEN 0 ELSE 1 END, nth, 'field', since, actor_id,
        CASE WHEN ruled THEN 'automation' END, team, 'assignee', person_before, person, NULL,
        CASE WHEN ruled THEN 'automation' END, coalesce(change_id, 'first'), 2
    FROM case_teams
    WHERE person IS DISTINCT FROM person_before
    UNION ALL
    -- somebody took the case out of a queue
    SELECT h.case_id, 1, h.nth, 'ack', h.changed_at, coalesce(h.actor_id, h.new_id), 'agent', NULL, NULL, NULL, NULL,
        NULL,
        NULL, h.change_id, 3
    FROM case_changes AS h
    WHERE h.accepted
    QUALIFY row_number() OVER (PARTITION BY h.case_id, h.changed_at ORDER BY h.nth) = 1
    UNION ALL
    SELECT case_id, 1, nth, 'escalated', changed_at, actor_id, CASE WHEN ruled THEN 'automation' END, NULL, NULL, NULL,
        NULL,
        NULL, CASE WHEN ruled THEN 'automation' END, change_id, 4
    FROM escalations
    UNION ALL
    SELECT case_id, 2, nth, 'priority', changed_at, actor_id, NULL, NULL, 'priority', told[1], told[2], NULL, NULL,
        change_id, 5
    FROM priorities
    UNION ALL
    SELECT case_id, 2, nth, 'status', changed_at, actor_id, NULL, NULL, 'status', old_text, new_text, NULL, NULL,
        change_id, 6
    FROM done
    UNION ALL
    SELECT case_id, 2, nth, 'reopened', changed_at, actor_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, change_id, 7
    FROM ends
    WHERE was_done AND NOT is_done
    UNION ALL
    SELECT case_id, 2, nth, 'resolved', changed_at, actor_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, change_id, 8
    FROM ends
    WHERE is_done AND NOT was_done
    UNION ALL
    SELECT case_id, 2, nth, 'closed', changed_at, actor_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, change_id, 9
    FROM ends
    WHERE is_closed AND NOT was_closed
    UNION ALL
    SELECT case_id, 2, nth, 'field', changed_at, actor_id, NULL, NULL, field, coalesce(old_id, old_text),
        coalesce(new_id, new_text), NULL, NULL, change_id, 10
    FROM case_changes
    WHERE field NOT IN ('owner', 'status', 'priority', 'created', 'closed')
    UNION ALL
    SELECT case_id, 3, 0, CASE WHEN is_public THEN 'reply' ELSE 'note' END, sent_at, actor_id, actor_type, NULL, NULL,
        NULL,
        NULL, is_public, via, id, 11
    FROM case_messages
    WHERE NOT opening
    UNION ALL
    SELECT c.id, 4, 0, 'merged', coalesce(c.closed_date, c.last_modified_date, c.system_modstamp, c.created_date),
        NULL, NULL,
        NULL, 'merged_into_id', NULL, coalesce(c.master_record_id, c.parent_id), NULL, NULL, 'merged', 12
    FROM cases AS c
    LEFT JOIN case_statuses AS s ON c.word = s.word
    WHERE c.master_record_id IS NOT NULL OR (s.class IN ('merged', 'duplicate') AND c.parent_id IS NOT NULL)
    UNION ALL
    SELECT id, 4, 0, 'deleted', coalesce(system_modstamp, last_modified_date, closed_date, created_date), NULL, NULL,
        NULL,
        NULL, NULL, NULL, NULL, NULL, 'deleted', 13
    FROM cases
    WHERE is_gone
),
team_times AS (
    SELECT case_id, since, team FROM case_teams
    QUALIFY row_number() OVER (PARTITION BY case_id, since ORDER BY move DESC) = 1
)
SELECT
    e.case_id || ':' || e.change_id || ':' || CASE WHEN e.field = 'assignee' THEN 'assignee'
        ELSE e.kind END AS event_id,
    e.case_id AS ticket_id,
    e.happened_at AS "at",
    row_number() OVER (PARTITION BY e.case_id ORDER BY e.happened_at, e.phase, e.nth, e.place, e.change_id) AS seq,
    e.kind,
    coalesce(e.actor_type, o.actor_type) AS actor_type,
    e.actor_id,
    -- the customer has no team
    CASE WHEN coalesce(e.actor_type, o.actor_type, '') = 'customer' OR e.kind = 'created' THEN e.team_id
        ELSE coalesce(e.team_id, t.team) END AS team_id,
    e.field,
    e.old_value,
    e.new_value,
    e.is_public,
    e.via
FROM events AS e
LEFT JOIN case_owners AS o ON e.actor_id = o.id
ASOF LEFT JOIN team_times AS t ON e.case_id = t.case_id AND e.happened_at >= t.since
ORDER BY ticket_id, seq
