-- Grain: one row per milestone of a case; times UTC, durations in seconds; state from the dates, as of the export.
SELECT
    case_id AS ticket_id,
    metric,
    cycle,
    name AS policy,
    CASE WHEN business_hours_id IS NOT NULL THEN TRUE END AS business_hours,
    CAST(round(60 * target_minutes) AS BIGINT) AS target_seconds,
    start_date AS started_at,
    target_date AS due_at,
    completion_date AS fulfilled_at,
    CASE WHEN state = 'breached' THEN target_date END AS breached_at,
    CAST(round(60 * stopped_minutes) AS BIGINT) AS paused_seconds,
    CAST(round(60 * counted_minutes) AS BIGINT) AS elapsed_seconds,
    state
FROM case_milestones
ORDER BY case_id, metric, cycle
