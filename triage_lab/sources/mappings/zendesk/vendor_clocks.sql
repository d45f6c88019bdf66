-- Grain: one row per ticket, metric and instance of the vendor's metric events that had a target; units are seconds.
-- Metric events are loaded by appending: of one id the last row counts. A clock without a target promises nothing.
WITH events AS (
    SELECT
        regexp_replace(trim(ticket_id), '\.0+$', '') AS ticket_id, lower(trim(metric)) AS metric,
        coalesce(instance_id, 1) AS instance_id,
        lower(trim(type)) AS type, "time" AS "at", coalesce(deleted, FALSE) AS deleted,
        coalesce(sla_target_in_seconds, 60 * sla_target) AS target_seconds, sla_business_hours AS business_hours,
        coalesce(sla_policy_title, sla_policy_id) AS policy, status_calendar, status_business,
        try_cast(id AS HUGEINT) AS number, row_no
    FROM src_ticket_metric_event
    QUALIFY row_number() OVER (
        PARTITION BY coalesce(id, concat_ws('|', ticket_id, metric, instance_id, type, "time", target_seconds))
        ORDER BY row_no DESC
    ) = 1
),
horizon AS (
    -- breaches are written ahead; what lies after the export has not happened
    SELECT coalesce(
        (SELECT snapshot_at FROM src_call),
        (SELECT max("at") FROM events WHERE type <> 'breach'),
        (SELECT max("at") FROM events)
    ) AS known_to
),
placed AS (
    SELECT *,
        CASE type WHEN 'activate' THEN 1 WHEN 'apply_sla' THEN 2 WHEN 'apply_group_sla' THEN 2 WHEN 'pause' THEN 3
            WHEN 'fulfill' THEN 4 WHEN 'breach' THEN 5 ELSE 6 END AS place
    FROM events
),
stepped AS (
    SELECT *,
        row_number() OVER steps AS step,
        lead("at") OVER runs AS next_at,
        lead(type) OVER runs AS next_type
    FROM placed
    WINDOW
        steps AS (PARTITION BY ticket_id, metric, instance_id ORDER BY "at", place, number, row_no),
        runs AS (
            PARTITION BY ticket_id, metric, instance_id, type IN ('activate', 'pause', 'fulfill')
            ORDER BY "at", number, place, row_no
        )
),
spans AS (
    SELECT
        ticket_id, metric, instance_id,
        min("at") FILTER (type = 'activate') AS started_at,
        max("at") FILTER (type = 'fulfill' AND next_type IS NULL) AS fulfilled_at,
        bool_or(type = 'pause' AND next_type IS NULL) AS is_paused,
        -- a pause that a fulfilment ends belongs to the clock like any other
        coalesce(sum(CASE WHEN type = 'pause' AND next_type IS NOT NULL
            THEN epoch_us(next_at) // 1000000 - epoch_us("at") // 1000000 END), 0) AS paused_seconds,
        arg_max(status_calendar, step) FILTER (type = 'update_status') AS calendar_minutes,
        arg_max(status_business, step) FILTER (type = 'update_status') AS business_minutes
    FROM stepped
    GROUP BY ticket_id, metric, instance_id
),
applied AS (
    -- the target in force when the clock was fulfilled, else the newest; a later one does not touch a clock already met
    SELECT
        s.ticket_id, s.metric, s.instance_id,
        coalesce(
            arg_max(s.step, s.step) FILTER (spans.fulfilled_at IS NULL OR s."at" <= spans.fulfilled_at), min(s.step)
        ) AS step,
        count(DISTINCT (s.target_seconds, s.policy)) AS targets
    FROM stepped AS s
    JOIN spans USING (ticket_id, metric, instance_id)
    WHERE s.type IN ('apply_sla', 'apply_group_sla')
    GROUP BY ALL
),
breaches AS (
    SELECT
        b.ticket_id, b.metric, b.instance_id,
        min(b."at") FILTER (NOT b.deleted AND b."at" <= coalesce(spans.fulfilled_at, horizon.known_to)) AS breached_at,
        max(b."at") FILTER (NOT b.deleted) AS expected_at,
        -- a breach that was announced and never came, because the clock was met before, is none to withdraw
        list(DISTINCT b."at") FILTER (
            b.deleted AND b."at" <= horizon.known_to AND (spans.fulfilled_at IS NULL OR b."at" < spans.fulfilled_at)
        ) AS withdrawn
    FROM placed AS b
    JOIN spans USING (ticket_id, metric, instance_id)
    CROSS JOIN horizon
    WHERE b.type = 'breach'
    GROUP BY ALL
),
clocks AS (
    SELECT
        spans.*, a.target_seconds, a.business_hours, a.policy, applied.targets, breaches.breached_at,
        coalesce(breaches.withdrawn, []) AS withdrawn,
        coalesce(
            breaches.breached_at, breaches.expected_at,
            -- business hours need the vendor's calendar, and a clock that stands has no due time
            CASE WHEN a.business_hours IS NOT TRUE AND (NOT spans.is_paused OR spans.fulfilled_at IS NOT NULL)
                THEN spans.started_at + to_seconds(CAST(a.target_seconds + spans.paused_seconds AS BIGINT)) END
        ) AS due_at
    FROM applied
    JOIN spans USING (ticket_id, metric, instance_id)
    JOIN stepped AS a USING (ticket_id, metric, instance_id, step)
    LEFT JOIN breaches USING (ticket_id, metric, instance_id)
    -- a target taken away leaves a row only where there had been one
    WHERE a.target_seconds IS NOT NULL OR applied.targets > 1
)
SELECT
    ticket_id,
    CASE metric
        WHEN 'reply_time' THEN CASE WHEN instance_id <= 1 THEN 'first_action' ELSE 'next_reply' END
        WHEN 'first_reply_time' THEN 'first_action' WHEN 'next_reply_time' THEN 'next_reply'
        WHEN 'requester_wait_time' THEN 'requester_wait' WHEN 'agent_work_time' THEN 'agent_work'
        WHEN 'periodic_update_time' THEN 'periodic_update'
        WHEN 'resolution_time' THEN 'resolve' WHEN 'total_resolution_time' THEN 'resolve'
        ELSE metric
    END AS metric,
    -- the first next reply is the vendor's second instance of a reply
    CASE WHEN metric = 'reply_time' AND instance_id > 1 THEN instance_id - 1 ELSE instance_id END AS cycle,
    policy, business_hours, target_seconds, started_at, due_at, fulfilled_at, breached_at, paused_seconds,
    60 * CASE WHEN business_hours THEN business_minutes ELSE calendar_minutes END AS elapsed_seconds,
    CASE
        WHEN breached_at IS NOT NULL THEN 'breached'
        -- superseded targets may each have left a withdrawn breach; one more, or one at the due time, is this one's own
        WHEN len(withdrawn) >= targets OR (business_hours IS NOT TRUE AND list_contains(withdrawn,
            started_at + to_seconds(CAST(target_seconds + paused_seconds AS BIGINT)))) THEN 'cancelled'
        WHEN fulfilled_at IS NOT NULL THEN 'met'
        WHEN target_seconds IS NULL THEN 'cancelled'
        WHEN is_paused THEN 'paused'
        ELSE 'open'
    END AS state
FROM clocks
ORDER BY ticket_id, metric, cycle
