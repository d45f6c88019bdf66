-- Grain: one row per event of an incident: created, assigned, status, priority, ack, reopened, resolved, closed. Times UTC.
WITH ordered AS (
    SELECT *,
        row_number() OVER case_order AS nth,
        -- '-100' is the log's word for a state that is not known
        CASE WHEN incident_state <> '-100' THEN incident_state END AS state
    FROM source_rows
    WINDOW case_order AS (PARTITION BY number ORDER BY sys_mod_count NULLS LAST, sys_updated_at, row_no)
),
changes AS (
    SELECT *,
        last_value(state IGNORE NULLS) OVER before AS state_before,
        last_value(assignment_group IGNORE NULLS) OVER before AS team_before,
        last_value(priority IGNORE NULLS) OVER before AS priority_before,
        last_value(reopen_count IGNORE NULLS) OVER before AS reopened_before,
        row_number() OVER (PARTITION BY number ORDER BY nth DESC) = 1 AS is_last,
        count(*) FILTER (WHERE lower(trim(state)) <> 'new') OVER upto AS worked
    FROM ordered
    WINDOW
        before AS (PARTITION BY number ORDER BY nth ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        upto AS (PARTITION BY number ORDER BY nth ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
events AS (
    SELECT number, nth, row_no, 'created' AS kind, 0 AS place, opened_at AS "at", opened_by AS actor_id,
        CAST(NULL AS VARCHAR) AS actor_type, CAST(NULL AS VARCHAR) AS team_id,
        'incident_state' AS field, CAST(NULL AS VARCHAR) AS old_value, state AS new_value
    FROM changes WHERE nth = 1
    UNION ALL
    SELECT number, nth, row_no, 'assigned', 1, sys_updated_at, sys_updated_by,
        NULL, assignment_group, 'assignment_group', team_before, assignment_group
    FROM changes WHERE assignment_group IS NOT NULL AND assignment_group IS DISTINCT FROM team_before
    UNION ALL
    SELECT number, nth, row_no, 'priority', 2, sys_updated_at, sys_updated_by,
        NULL, assignment_group, 'priority', priority_before, priority
    FROM changes WHERE nth > 1 AND priority IS NOT NULL AND priority IS DISTINCT FROM priority_before
    UNION ALL
    SELECT number, nth, row_no, 'status', 3, sys_updated_at, sys_updated_by,
        NULL, assignment_group, 'incident_state', state_before, state
    FROM changes WHERE nth > 1 AND state IS NOT NULL AND state IS DISTINCT FROM state_before
    UNION ALL
    -- the first row at which somebody has taken the case up
    SELECT number, nth, row_no, 'ack', 4, sys_updated_at, sys_updated_by,
        'agent', assignment_group, 'incident_state', state_before, state
    FROM changes WHERE worked = 1 AND lower(trim(state)) <> 'new'
    UNION ALL
    -- the counter decides; where the log has none, a step back from resolved or closed
    SELECT number, nth, row_no, 'reopened', 5, sys_updated_at, sys_updated_by,
        NULL, assignment_group, 'incident_state', state_before, state
    FROM changes
    WHERE nth > 1 AND CASE
        WHEN reopen_count IS NOT NULL AND reopened_before IS NOT NULL THEN reopen_count > reopened_before
        ELSE lower(trim(state_before)) IN ('resolved', 'closed') AND lower(trim(state)) NOT IN ('resolved', 'closed')
    END
    UNION ALL
    SELECT number, nth, row_no, 'resolved', 6, resolved_at, resolved_by,
        NULL, assignment_group, 'resolved_at', NULL, NULL
    FROM changes WHERE is_last AND resolved_at IS NOT NULL
    UNION ALL
    SELECT number, nth, row_no, 'closed', 7, closed_at, NULL,
        NULL, assignment_group, 'closed_code', NULL, closed_code
    FROM changes WHERE is_last AND closed_at IS NOT NULL
)
SELECT
    -- an id that later, longer exports of the same case give again
    CASE WHEN kind IN ('created', 'resolved', 'closed') THEN number || ':' || kind
        ELSE number || ':' || nth || ':' || kind END AS event_id,
    number AS ticket_id,
    "at",
    row_number() OVER (PARTITION BY number ORDER BY "at", nth, place) AS seq,
    kind,
    actor_type,
    actor_id,
    team_id,
    field,
    old_value,
    new_value,
    row_no
FROM events
ORDER BY row_no, place
