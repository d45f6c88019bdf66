-- Grain: one row per ticket: what came of it by the time of the export. Times UTC. Where nothing of its history tells,
-- the vendor's own counts do.
WITH courses AS (
    SELECT
        ticket_id,
        arg_max(state, ord) AS last_state,
        max("at") FILTER (is_done) AS solved_at,
        max("at") FILTER (state = 'closed') AS closed_at
    FROM states
    GROUP BY ticket_id
),
metrics AS (
    SELECT regexp_replace(trim(ticket_id), '\.0+$', '') AS ticket_id, solved_at, group_stations, reply_minutes
    FROM src_ticket_metric
    QUALIFY row_number() OVER (PARTITION BY 1 ORDER BY updated_at DESC NULLS LAST, row_no DESC) = 1
),
stations AS (
    SELECT ticket_id, ord, group_id, lag(group_id) OVER (PARTITION BY ticket_id ORDER BY ord) AS group_before
    FROM moves
    WHERE group_id IS NOT NULL
),
routes AS (
    SELECT
        ticket_id, arg_min(group_id, ord) AS first_group_id,
        count(*) FILTER (group_before IS NOT NULL AND group_before <> group_id) AS reassignments
    FROM stations
    GROUP BY ticket_id
),
answers AS (
    SELECT ticket_id, min("at") AS answered_at
    FROM comments
    WHERE is_public AND NOT is_opening AND actor_type = 'agent'
    GROUP BY ticket_id
),
promises AS (
    SELECT
        ticket_id,
        CASE WHEN bool_or(state = 'breached') THEN FALSE WHEN bool_and(state = 'met') THEN TRUE END AS sla_met
    FROM vendor_clocks
    WHERE state <> 'cancelled'
    GROUP BY ticket_id
),
ends AS (
    SELECT
        held.ticket_id,
        coalesce(routes.first_group_id, held.group_id) AS first_group_id,
        coalesce(routes.reassignments, nullif(coalesce(metrics.group_stations, held.group_stations), 0) - 1) AS reassignments,
        coalesce(
            answers.answered_at,
            CASE WHEN NOT EXISTS (SELECT 1 FROM comments)
                THEN held.created_at + to_seconds(CAST(60 * coalesce(metrics.reply_minutes, held.reply_minutes) AS BIGINT)) END
        ) AS first_action_at,
        CASE WHEN held.status_word IN ('solved', 'closed') THEN coalesce(
            CASE WHEN courses.last_state IN ('solved', 'closed') THEN courses.solved_at END, metrics.solved_at,
            held.solved_at
        ) END AS resolved_at,
        CASE WHEN held.status_word = 'closed' THEN courses.closed_at END AS closed_at,
        promises.sla_met,
        held.group_id
    FROM held
    LEFT JOIN routes ON routes.ticket_id = held.ticket_id
    LEFT JOIN metrics ON metrics.ticket_id = held.ticket_id
    LEFT JOIN answers ON answers.ticket_id = held.ticket_id
    LEFT JOIN courses ON courses.ticket_id = held.ticket_id
    LEFT JOIN promises ON promises.ticket_id = held.ticket_id
)
SELECT
    ends.* EXCLUDE (group_id),
    CASE WHEN ends.resolved_at IS NOT NULL THEN coalesce(owner.group_id, ends.group_id) END AS resolver_group_id
FROM ends
ASOF LEFT JOIN groups_then AS owner
    ON owner.ticket_id = ends.ticket_id AND date_trunc('second', ends.resolved_at) >= owner.since
ORDER BY ends.ticket_id
