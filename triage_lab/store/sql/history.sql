-- Grain: one row per ticket, in row order: what happened to it by cutoff $1 (UTC epoch seconds). Times are UTC epoch
-- seconds, floored; what happened after the cutoff is NULL. A ticket without events of a kind falls back on its own
-- columns: its first_action_at then counts as human.
WITH happened AS (
    SELECT
        t.row, e.kind, e.team_id, e."at", e.seq, e.event_id,
        e.actor_type = 'agent' OR (e.actor_type IS NULL AND e.team_id IS NOT NULL) AS by_person,
        e.actor_type IN ('agent', 'automation') OR (e.actor_type IS NULL AND e.team_id IS NOT NULL) AS by_desk,
        coalesce(e.is_public, TRUE) AS is_public
    FROM ticket_events AS e
    JOIN triage_arrivals AS t ON e.ticket_id = t.ticket_id
    WHERE epoch_us(date_trunc('second', e."at")) // 1000000 <= $1
      AND e.kind IN ('assigned', 'reply', 'note', 'ack', 'handoff_note', 'escalated', 'reopened', 'resolved')
),
assigned AS (
    SELECT
        row, "at", team_id,
        lag(team_id) OVER (PARTITION BY row ORDER BY "at", coalesce(seq, 0), event_id) AS team_before,
        row_number() OVER (PARTITION BY row ORDER BY "at", coalesce(seq, 0), event_id) AS n
    FROM happened
    WHERE kind = 'assigned' AND team_id IS NOT NULL
),
ownership AS (
    SELECT
        row,
        min("at") AS owned_at,
        arg_min(team_id, n) AS first_team_id,
        arg_max(team_id, n) AS last_team_id,
        count(*) FILTER (team_before IS NOT NULL AND team_before <> team_id) AS handoffs
    FROM assigned
    GROUP BY row
),
milestones AS (
    SELECT
        row,
        min("at") FILTER (by_desk AND (kind = 'ack' OR (kind = 'reply' AND is_public))) AS first_action_at,
        min("at") FILTER (by_person AND kind IN ('reply', 'note', 'ack', 'handoff_note')) AS first_human_action_at,
        min("at") FILTER (kind = 'ack') AS acknowledged_at,
        max("at") FILTER (kind = 'resolved') AS resolved_at,
        max("at") FILTER (kind = 'reopened') AS reopened_at,
        arg_max(team_id, "at") FILTER (kind = 'resolved') AS resolver_team_id,
        count(*) FILTER (kind = 'escalated') AS escalations
    FROM happened
    GROUP BY row
),
outcomes AS (
    SELECT
        t.row, t.ticket_id, t.ticket_key, t.arrived_at, t.account_id, t.category, t.priority_at_creation,
        t.created_at,
        coalesce(k.first_team_id, o.first_team_id) AS first_team_id,
        o.owned_at AS assigned_at,
        o.last_team_id,
        o.handoffs AS event_handoffs,
        k.reassignment_count,
        k.resolver_team_id AS told_resolver,
        m.resolver_team_id AS event_resolver,
        k.handle_minutes,
        k.sla_met,
        k.due_at,
        coalesce(m.first_action_at, k.first_action_at) AS first_action_at,
        CASE WHEN m.first_human_action_at IS NULL AND m.first_action_at IS NULL THEN k.first_action_at
            ELSE m.first_human_action_at END AS first_human_action_at,
        m.acknowledged_at,
        m.escalations,
        coalesce(
            k.resolved_at,
            CASE WHEN m.reopened_at IS NULL OR m.reopened_at <= m.resolved_at THEN m.resolved_at END
        ) AS resolved_at
    FROM triage_arrivals AS t
    JOIN tickets AS k ON t.ticket_id = k.ticket_id
    LEFT JOIN ownership AS o ON t.row = o.row
    LEFT JOIN milestones AS m ON t.row = m.row
),
seconds AS (
    SELECT
        * EXCLUDE (first_action_at, first_human_action_at, acknowledged_at, resolved_at),
        epoch_us(date_trunc('second', first_action_at)) // 1000000 AS first_action_s,
        epoch_us(date_trunc('second', first_human_action_at)) // 1000000 AS first_human_action_s,
        epoch_us(date_trunc('second', acknowledged_at)) // 1000000 AS acknowledged_s,
        epoch_us(date_trunc('second', resolved_at)) // 1000000 AS resolved_s
    FROM outcomes
),
seen AS (
    SELECT
        * EXCLUDE (first_action_s, first_human_action_s, acknowledged_s, resolved_s),
        CASE WHEN first_action_s <= $1 THEN first_action_s END AS first_action_s,
        CASE WHEN first_human_action_s <= $1 THEN first_human_action_s END AS first_human_action_s,
        CASE WHEN acknowledged_s <= $1 THEN acknowledged_s END AS acknowledged_s,
        CASE WHEN resolved_s <= $1 THEN resolved_s END AS resolved_s,
        coalesce(resolved_s > $1, FALSE) AS resolved_later
    FROM seconds
)
SELECT
    ticket_id, ticket_key, arrived_at, account_id, category, first_team_id,
    CASE WHEN NOT resolved_later
        THEN coalesce(told_resolver, event_resolver, CASE WHEN resolved_s IS NOT NULL THEN last_team_id END)
    END AS resolver_team_id,
    CASE WHEN NOT resolved_later THEN handle_minutes END AS handle_minutes,
    priority_at_creation,
    epoch_us(date_trunc('second', due_at)) // 1000000 AS due_at,
    coalesce(
        epoch_us(date_trunc('second', assigned_at)) // 1000000, CASE WHEN first_team_id IS NOT NULL THEN arrived_at END
    ) AS owned_at,
    first_action_s AS first_action_at,
    first_human_action_s AS first_human_action_at,
    least(acknowledged_s, first_human_action_s) AS acknowledged_at,
    resolved_s AS resolved_at,
    coalesce(event_handoffs, reassignment_count) AS handoffs,
    -- a log that never tells of an escalation does not say that there was none
    CASE WHEN (SELECT count(*) > 0 FROM ticket_events WHERE kind = 'escalated') THEN coalesce(escalations, 0) END
        AS escalations,
    CASE WHEN NOT resolved_later THEN sla_met END AS sla_met
FROM seen
ORDER BY row
