-- Grain: one row per service request, its words read: channel, status, team, what it asks for, and when it ended. Times UTC.
WITH facts AS (
    SELECT *,
        lower(trim(status)) AS said,
        lower(trim(channel)) AS way,
        lower(trim(priority)) AS urgency,
        coalesce(agency, agency_name) AS team,
        coalesce(request_type, "type") AS asked,
        coalesce(regexp_matches(
            lower(trim(status)), '^(closed?|completed?|archived|done|finali[sz]ed|finished|(re)?solved)\b'
        ), FALSE) AS ended,
        coalesce(lower(trim(duplicate)) IN ('true', 't', 'yes', 'y', '1'), FALSE)
            OR coalesce(regexp_matches(lower(resolution_description), '\bduplicate of\b'), FALSE) AS repeats,
        -- Open311 has no closing time: of a closed request the last change is one
        count(coalesce(closed_at, resolved_at)) OVER () = 0 AS without_ends
    FROM source_rows
)
SELECT
    request_id,
    opened_at,
    due_at,
    resolved_at,
    CASE WHEN without_ends AND ended THEN coalesce(status_at, updated_at) ELSE closed_at END AS closed_at,
    CASE WHEN sla_met IS NOT NULL THEN sla_met
        WHEN lower(trim(late)) IN ('no', 'n', 'false', 'f', '0') THEN TRUE
        WHEN lower(trim(late)) IN ('yes', 'y', 'true', 't', '1') THEN FALSE
    END AS sla_met,
    late,
    status,
    ended,
    without_ends,
    CASE
        WHEN repeats OR contains(said, 'duplicate') THEN 'duplicate'
        WHEN regexp_matches(said, 'transfer|referred') THEN 'transferred'
        WHEN contains(said, 'merge') THEN 'merged'
        WHEN regexp_matches(said, 'cancel|withdrawn|\bvoid|invalid') THEN 'cancelled'
        WHEN contains(said, 'delete') THEN 'deleted'
        WHEN contains(said, 'spam') THEN 'spam'
        WHEN regexp_matches(said, '^(re-?open|unresolved|not closed|not completed?)') THEN 'open'
        WHEN regexp_matches(said, '^(re)?solved\b') THEN 'solved'
        WHEN ended THEN 'closed'
        WHEN regexp_matches(said, '\bhold\b|suspended') THEN 'hold'
        WHEN regexp_matches(said, 'pending|wait') THEN 'pending'
        WHEN regexp_matches(said, '^(new|received|submitted|unassigned)\b') THEN 'new'
        WHEN regexp_matches(said, '^(open|in[ -]?progress|in process|assigned|started|active|acknowledged|dispatched|accepted|work|email sent)')
            THEN 'open'
        WHEN said IS NULL THEN CASE WHEN coalesce(closed_at, resolved_at) IS NOT NULL THEN 'closed' ELSE 'open' END
    END AS status_class,
    team,
    queue,
    coalesce(topic, asked, detail) AS category,
    CASE WHEN topic IS NOT NULL THEN coalesce(asked, detail) WHEN asked IS NOT NULL THEN detail END AS subcategory,
    CASE
        WHEN way = 'unknown' THEN NULL
        WHEN regexp_matches(way, 'e-?mail') THEN 'email'
        WHEN regexp_matches(way, 'worker|employee|internal|in.?house|staff|mass entry|other department') THEN 'internal'
        WHEN regexp_matches(way, 'open ?311|\bapi\b|integrat|interface|agency') THEN
            CASE WHEN contains(way, 'mobile') THEN 'app' ELSE 'api' END
        WHEN regexp_matches(way, '\bsms\b|\btext|chat') THEN 'chat'
        WHEN regexp_matches(way, '\bapp\b|mobile|iphone|android|device') THEN 'app'
        WHEN regexp_matches(way, 'twitter|facebook|social|instagram|nextdoor') THEN 'social'
        WHEN regexp_matches(way, 'phone|\bcall|voice') THEN 'phone'
        WHEN regexp_matches(way, '\bweb|online|internet|portal|self.?service') THEN 'portal'
        WHEN regexp_matches(way, 'walk|counter|in.?person|front desk') THEN 'in_person'
        WHEN regexp_matches(way, '\bmail|letter|\bfax\b') THEN 'mail'
        WHEN regexp_matches(way, 'system|automat|sensor') THEN 'system'
        WHEN way = 'other' THEN 'other'
        ELSE trim(channel)
    END AS channel,
    channel AS channel_as_written,
    CASE
        WHEN regexp_matches(urgency, 'emergency|urgent|critical') THEN 'urgent'
        WHEN regexp_matches(urgency, '\bhigh') THEN 'high'
        WHEN regexp_matches(urgency, 'standard|normal|medium|routine') THEN 'normal'
        WHEN regexp_matches(urgency, '\blow') THEN 'low'
        ELSE priority
    END AS priority,
    parent_id,
    reference,
    neighborhood,
    row_no
FROM facts
ORDER BY row_no
