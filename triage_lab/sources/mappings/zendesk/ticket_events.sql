-- Grain: one row per event of a ticket: created, assigned, status, priority, field, reply, note, resolved, reopened,
-- closed, merged, deleted, restored, csat. Times UTC. In one second a comment stands before the changes made with it.
WITH acting AS (
    SELECT
        changes.* EXCLUDE (new_value, old_value),
        CASE WHEN field = 'group_id' THEN coalesce(new_team.team_id, changes.new_value) ELSE changes.new_value END
            AS new_value,
        CASE WHEN field = 'group_id' THEN coalesce(old_team.team_id, changes.old_value) ELSE changes.old_value END
            AS old_value,
        CASE
            WHEN field = 'group_id' THEN changes.new_value
            WHEN owner.ticket_id IS NULL THEN held.group_id
            ELSE owner.group_id
        END AS group_id,
        CASE
            WHEN changes.by_rule THEN 'automation'
            WHEN changes.actor_id = '-1' THEN 'system'
            WHEN roles.is_agent THEN 'agent'
            WHEN roles.is_agent IS NOT NULL THEN 'customer'
            WHEN changes.via = 'api' THEN 'api'
        END AS actor_type
    FROM changes
    LEFT JOIN held ON held.ticket_id = changes.ticket_id
    ASOF LEFT JOIN groups_then AS owner
        ON owner.ticket_id = changes.ticket_id AND date_trunc('second', changes."at") >= owner.since
    LEFT JOIN roles ON roles.user_id = changes.actor_id
        AND (roles.valid_from IS NULL OR roles.valid_from <= changes."at")
        AND (roles.valid_to IS NULL OR roles.valid_to > changes."at")
    LEFT JOIN teams AS new_team ON new_team.group_id = changes.new_value
    LEFT JOIN teams AS old_team ON old_team.group_id = changes.old_value
    WHERE changes.new_value IS NOT NULL OR changes.old_value IS NOT NULL
),
opened AS (
    SELECT
        held.ticket_id, held.created_at, held.submitter_id, held.is_public, held.via, began.value AS status,
        CASE
            WHEN held.submitter_id = '-1' THEN 'system'
            WHEN held.submitter_id = held.requester_id THEN 'customer'
            WHEN roles.is_agent THEN 'agent'
            WHEN roles.is_agent IS NOT NULL THEN 'customer'
        END AS actor_type
    FROM held
    LEFT JOIN first_values AS began ON began.ticket_id = held.ticket_id AND began.field = 'status'
    LEFT JOIN roles ON roles.user_id = held.submitter_id
        AND (roles.valid_from IS NULL OR roles.valid_from <= held.created_at)
        AND (roles.valid_to IS NULL OR roles.valid_to > held.created_at)
),
turns AS (
    -- what a change of status means
    SELECT
        acting.*,
        unnest(list_filter([
            CASE WHEN states.is_done THEN 'resolved' END,
            CASE WHEN states.state_before IN ('solved', 'closed')
                AND states.state IN ('new', 'open', 'pending', 'hold') THEN 'reopened' END,
            CASE WHEN states.state = 'closed' THEN 'closed' END,
            CASE WHEN states.state = 'deleted' THEN 'deleted' END,
            CASE WHEN states.state_before = 'deleted' THEN 'restored' END
        ], lambda turn: turn IS NOT NULL)) AS kind
    FROM acting
    JOIN states ON states.ticket_id = acting.ticket_id AND states.ord = acting.ord
),
events AS (
    SELECT
        'ticket:' || ticket_id || ':created' AS event_id, ticket_id, created_at AS "at", 0 AS place, 0 AS ord,
        'created' AS kind, actor_type, submitter_id AS actor_id, CAST(NULL AS VARCHAR) AS team_id,
        CAST(NULL AS VARCHAR) AS group_id, 'status' AS field, CAST(NULL AS VARCHAR) AS old_value, status AS new_value,
        is_public, via, CAST(NULL AS VARCHAR) AS rule_id
    FROM opened
    UNION ALL
    SELECT
        'comment:' || comment_id, ticket_id, "at", 1, ord,
        CASE WHEN is_public AND NOT is_merge THEN 'reply' ELSE 'note' END, actor_type, author_id, team_id, NULL,
        CASE WHEN is_merge THEN 'merge' END, NULL, NULL, is_public, via, rule_id
    FROM comments
    WHERE NOT is_opening
    UNION ALL
    SELECT
        event_key, ticket_id, "at", 2, 10 * ord,
        CASE
            WHEN field = 'group_id' THEN 'assigned'
            WHEN field IN ('status', 'priority') THEN field
            WHEN field = 'satisfaction_score' AND regexp_matches(lower(new_value), '^(good|bad)') THEN 'csat'
            ELSE 'field'
        END,
        actor_type, actor_id, NULL, group_id, CASE WHEN field = 'assignee_id' THEN 'assignee' ELSE field END,
        old_value, new_value, NULL, via, rule_id
    FROM acting
    -- the values with which a ticket begins are no changes; its first team and person are
    WHERE NOT is_initial OR field IN ('group_id', 'assignee_id')
    UNION ALL
    SELECT
        event_key || ':' || kind, ticket_id, "at", 2, 10 * ord + CASE kind WHEN 'closed' THEN 2 ELSE 1 END, kind,
        actor_type, actor_id, NULL, group_id, field, old_value, new_value, NULL, via, rule_id
    FROM turns
    UNION ALL
    SELECT
        'ticket:' || ticket_id || ':merged', ticket_id, merged_at, 3, 0, 'merged', NULL, NULL, NULL, NULL,
        'merged_into', NULL, into_id, NULL, NULL, NULL
    FROM merges
    WHERE merged_at IS NOT NULL
    UNION ALL
    SELECT
        'schedule:' || ticket_id || ':' || epoch_us("at") // 1000000 || ':' || schedule_id, ticket_id, "at", 4, 0,
        'field', 'system', NULL, NULL, NULL, 'schedule', NULL, coalesce(name, schedule_id), NULL, NULL, NULL
    FROM schedules
    UNION ALL
    SELECT
        'rating:' || rating_id, ticket_id, "at", 5, 0, 'csat', 'customer', requester_id, NULL, NULL,
        'satisfaction_score', NULL, score, NULL, NULL, NULL
    FROM ratings
)
SELECT
    events.event_id, events.ticket_id, events."at",
    row_number() OVER (
        PARTITION BY events.ticket_id ORDER BY events."at", events.place, events.ord, events.event_id
    ) AS seq,
    events.kind, events.actor_type, events.actor_id,
    coalesce(events.team_id, teams.team_id, events.group_id) AS team_id,
    events.field, events.old_value, events.new_value, events.is_public, events.via, events.rule_id
FROM events
LEFT JOIN teams ON teams.group_id = events.group_id
ORDER BY events.ticket_id, seq
