-- Grain: one row per milestone of a case; times UTC. State as of as_of (the snapshot, else the newest time in the
-- export), from the dates: the flag IsViolated is kept beside it, because it flips without the row being touched.
WITH kinds AS (
    SELECT id, NULL AS case_id, name AS milestone_name, recurrence_type, CAST(NULL AS TIMESTAMP) AS start_date,
        CAST(NULL AS TIMESTAMP) AS target_date, CAST(NULL AS TIMESTAMP) AS completion_date,
        CAST(NULL AS BOOLEAN) AS is_violated, NULL AS milestone_type_id, NULL AS business_hours_id,
        CAST(NULL AS DOUBLE) AS target_minutes, CAST(NULL AS DOUBLE) AS counted_minutes,
        CAST(NULL AS DOUBLE) AS stopped_minutes, row_no
    FROM src_milestone_type
    UNION ALL
    SELECT id, case_id, milestone_name, NULL, start_date, target_date, completion_date, is_violated, milestone_type_id,
        business_hours_id, target_response_in_mins,
        coalesce(actual_elapsed_time_in_mins, elapsed_time_in_mins - coalesce(stopped_time_in_mins, 0)),
        coalesce(stopped_time_in_mins, elapsed_time_in_mins - actual_elapsed_time_in_mins), row_no
    FROM src_case_milestone
    WHERE NOT coalesce(is_deleted, FALSE) AND NOT coalesce(fivetran_deleted, FALSE)
),
long_ids AS (
    SELECT
        COLUMNS(lambda name: NOT ends_with('_' || name, '_id')),
        long_id(COLUMNS('^(?:.*_)?id$')) AS '\0'
    FROM kinds
),
named AS (
    SELECT
        m.* EXCLUDE (milestone_name, recurrence_type),
        coalesce(m.milestone_name, k.milestone_name, m.milestone_type_id, 'milestone') AS name,
        lower(name) AS word,
        coalesce(lower(k.recurrence_type), 'none') <> 'none' AS recurs,
        a.as_of,
        CASE WHEN c.is_stopped THEN coalesce(c.stop_start_date, TIMESTAMP '-infinity') END AS stopped_at,
        c.sla_exit_date
    FROM long_ids AS m
    JOIN cases AS c ON m.case_id = c.id
    LEFT JOIN long_ids AS k ON m.milestone_type_id = k.id AND k.case_id IS NULL
    CROSS JOIN export_time AS a
    QUALIFY row_number() OVER (PARTITION BY coalesce(m.id, 'row ' || m.row_no) ORDER BY m.row_no DESC) = 1
),
judged AS (
    SELECT
        *,
        CASE
            WHEN regexp_matches(word, '(next|subsequent|follow).*(resp|repl)') THEN 'next_reply'
            WHEN regexp_matches(word, 'update') THEN 'periodic_update'
            WHEN regexp_matches(word, '(first|initial).*(resp|repl|action|contact|touch)') THEN 'first_action'
            WHEN regexp_matches(word, 'acknowledg') THEN 'acknowledge'
            WHEN regexp_matches(word, 'resol|solution|\bfix|clos') THEN 'resolve'
            WHEN regexp_matches(word, 'resp|repl') THEN CASE WHEN recurs THEN 'next_reply' ELSE 'first_action' END
            ELSE name
        END AS metric,
        CASE
            WHEN completion_date > target_date THEN 'breached'
            WHEN completion_date IS NOT NULL THEN 'met'
            WHEN sla_exit_date <= least(target_date, as_of) THEN 'cancelled'
            WHEN target_date < coalesce(stopped_at, as_of) THEN 'breached'
            WHEN stopped_at IS NOT NULL THEN 'paused'
            ELSE 'open'
        END AS state
    FROM named
)
SELECT
    *,
    row_number() OVER (PARTITION BY case_id, metric ORDER BY start_date, target_date, id, row_no) AS cycle
FROM judged
