-- Grain: one row per incident (number). Times UTC; first_* from the first row of a case, outcomes from its last row.
WITH ordered AS (
    SELECT *,
        row_number() OVER (
            PARTITION BY number ORDER BY sys_mod_count NULLS LAST, sys_updated_at, row_no
        ) AS nth,
        -- '-100' is the log's word for a state that is not known
        CASE WHEN incident_state <> '-100' THEN lower(trim(incident_state)) END AS state
    FROM source_rows
),
cases AS (
    SELECT
        number,
        max(nth) AS last_nth,
        arg_min(assignment_group, nth) FILTER (WHERE assignment_group IS NOT NULL) AS first_team_id,
        arg_min(sys_updated_at, nth) FILTER (WHERE state <> 'new') AS first_action_at
    FROM ordered
    GROUP BY number
)
SELECT
    first_row.number AS ticket_id,
    first_row.opened_at AS created_at,
    first_row.category,
    first_row.subcategory,
    first_row.contact_type AS channel,
    first_row.priority AS priority_at_creation,
    cases.first_team_id,
    last_row.assignment_group AS resolver_team_id,
    cases.first_action_at,
    last_row.resolved_at,
    last_row.closed_at,
    last_row.made_sla AS sla_met,
    last_row.reassignment_count,
    last_row.assigned_to AS agent_id,
    CASE WHEN last_row.state IS NOT NULL THEN last_row.incident_state END AS status,
    CASE
        WHEN last_row.state = 'new' THEN 'new'
        WHEN last_row.state IN ('active', 'in progress', 'work in progress') THEN 'open'
        WHEN last_row.state = 'on hold' THEN 'hold'
        WHEN starts_with(last_row.state, 'awaiting') THEN 'pending'
        WHEN last_row.state = 'resolved' THEN 'solved'
        WHEN last_row.state = 'closed' THEN 'closed'
        WHEN last_row.state IN ('canceled', 'cancelled') THEN 'cancelled'
    END AS status_class,
    nullif(CAST(json_merge_patch('{}', json_object(
        'caller_id', first_row.caller_id, 'cmdb_ci', first_row.cmdb_ci, 'impact', first_row.impact,
        'location', first_row.location, 'notify', first_row.notify, 'opened_by', first_row.opened_by,
        'u_symptom', first_row.u_symptom, 'urgency', first_row.urgency
    )) AS VARCHAR), '{}') AS custom,
    first_row.row_no
FROM cases
JOIN ordered AS first_row ON first_row.number = cases.number AND first_row.nth = 1
JOIN ordered AS last_row ON last_row.number = cases.number AND last_row.nth = cases.last_nth
ORDER BY first_row.row_no
