-- Grain: one sentence per thing that is approximate, inferred or left out in this export; the first column orders them.
WITH told AS (
    SELECT
        count(*) AS tickets,
        count(*) FILTER (held.ticket_id NOT IN (SELECT ticket_id FROM first_values)) AS silent
    FROM held
),
served AS (
    SELECT slot, string_agg(DISTINCT name, ', ' ORDER BY name) AS names
    FROM fields
    WHERE slot <> 'total_time'
    GROUP BY slot
),
doubled AS (
    SELECT 'audits' AS what, count(id) - count(DISTINCT id) AS rows FROM src_ticket_audit
    UNION ALL SELECT 'metric events', count(id) - count(DISTINCT id) FROM src_ticket_metric_event
    UNION ALL SELECT 'comments', count(id) - count(DISTINCT id) FROM src_ticket_comment
    UNION ALL SELECT 'tickets', count(id) - count(DISTINCT id) FROM src_ticket
),
orphans AS (
    SELECT 'changes' AS what, count(*) AS rows FROM changes ANTI JOIN held USING (ticket_id)
    UNION ALL SELECT 'comments', count(*) FROM comments ANTI JOIN held USING (ticket_id)
),
unended AS (
    SELECT count(*) AS tickets
    FROM held
    JOIN outcomes ON outcomes.ticket_id = held.ticket_id
    WHERE held.status_word IN ('solved', 'closed') AND outcomes.resolved_at IS NULL
),
nameless AS (
    SELECT count(DISTINCT group_id) AS groups
    FROM (SELECT group_id FROM held UNION ALL SELECT group_id FROM moves)
    WHERE group_id NOT IN (SELECT group_id FROM teams)
),
clocks AS (
    SELECT
        (SELECT count(DISTINCT (ticket_id, metric, instance_id)) FROM src_ticket_metric_event) AS told,
        (SELECT count(*) FROM vendor_clocks) AS kept,
        (SELECT count(*) FROM vendor_clocks WHERE state = 'cancelled') AS cancelled,
        (SELECT count(*) FROM policy_clocks) AS derived,
        (SELECT count(*) FROM policy_clocks WHERE state IS NULL) AS unjudged
),
said AS (
    SELECT 1 AS place, 'approximate: no history of fields (ticket_audits or ticket_field_history), so category, type, '
        || 'priority, account and first team are the current values' AS notice
    FROM told WHERE tickets = silent
    UNION ALL
    SELECT 2, format('approximate: {:,} of {:,} tickets have no history of their fields; their category, type, '
        || 'priority, account and first team are the current values', silent, tickets)
    FROM told WHERE silent > 0 AND silent < tickets
    UNION ALL
    SELECT 3, format('{} is the ticket field {}', slot, names) FROM served
    UNION ALL
    SELECT 4, 'no ticket field is named like category, topic or reason: category is '
        || CASE WHEN EXISTS (SELECT 1 FROM src_ticket_form) THEN 'the name of the ticket form' ELSE 'unknown' END
    WHERE NOT EXISTS (SELECT 1 FROM held WHERE category IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM served WHERE slot = 'category')
    UNION ALL
    SELECT 5, format('{} of {:,} tickets was first recorded after their arrival, and is unknown at creation',
        coalesce(first_values.slot, field), count(*))
    FROM first_values
    JOIN held USING (ticket_id)
    WHERE is_later
      AND (first_values.slot IN ('category', 'subcategory', 'product_module') OR field IN ('priority', 'type'))
    GROUP BY coalesce(first_values.slot, field)
    UNION ALL
    SELECT 6, format('{:,} custom fields have no history; their current value is kept in tickets.custom as '
        || 'NAME__current, which no rule may read', count(DISTINCT field))
    FROM last_values
    ANTI JOIN first_values USING (ticket_id, field)
    WHERE slot IS NULL
    HAVING count(*) > 0
    UNION ALL
    SELECT 7, format('{:,} audits have events that are not JSON and are not read', count(*))
    FROM src_ticket_audit WHERE NOT json_valid(events) HAVING count(*) > 0
    UNION ALL
    SELECT 8, format('{:,} rows of {} were loaded more than once; the last one counts', rows, what)
    FROM doubled WHERE rows > 0
    UNION ALL
    SELECT 9, format('{:,} {} belong to tickets that are not in the export', rows, what) FROM orphans WHERE rows > 0
    UNION ALL
    SELECT 10, 'no comments: first_action_at is ' || CASE
        WHEN EXISTS (SELECT 1 FROM src_ticket_metric WHERE reply_minutes IS NOT NULL)
            OR EXISTS (SELECT 1 FROM src_ticket WHERE reply_minutes IS NOT NULL)
        THEN 'created_at and the reply time that the vendor counts, to the minute' ELSE 'unknown' END
    WHERE NOT EXISTS (SELECT 1 FROM comments)
    UNION ALL
    SELECT 11, 'no users: who is an agent follows from whom tickets were assigned to'
    WHERE EXISTS (SELECT 1 FROM comments) AND NOT EXISTS (SELECT 1 FROM roles)
    UNION ALL
    SELECT 12, format('{:,} comments are by people whom users do not tell and to whom no ticket was assigned: they '
        || 'count as nobody''s', count(*))
    FROM comments WHERE actor_type IS NULL AND NOT is_opening HAVING count(*) > 0
    UNION ALL
    SELECT 13, CASE WHEN count(valid_from) = 0
        THEN 'no audit log of roles: everybody is taken to have had the role of today always'
        ELSE format('{:,} people changed their role; it counts as it was at the time',
            count(DISTINCT CASE WHEN valid_from IS NOT NULL THEN user_id END)) END
    FROM roles HAVING count(*) > 0
    UNION ALL
    SELECT 14, format('{:,} tickets are solved or closed and nothing tells since when: resolved_at is unknown', tickets)
    FROM unended WHERE tickets > 0
    UNION ALL
    SELECT 15, format('{:,} groups have no name in the export; their teams are called by id', groups)
    FROM nameless WHERE groups > 0
    UNION ALL
    SELECT 16, format('{:,} tickets have no organisation', count(*))
    FROM held WHERE organization_id IS NULL HAVING count(*) > 0
    UNION ALL
    SELECT 17, format('{:,} of {:,} clocks of the vendor have no target and are left out', told - kept, told)
    FROM clocks WHERE told > kept
    UNION ALL
    SELECT 18, format('{:,} clocks have a withdrawn breach and count as cancelled', cancelled)
    FROM clocks WHERE cancelled > 0
    UNION ALL
    SELECT 19, format('approximate: {:,} clocks have no metric events; they follow from the policies applied, with '
        || 'starts, ends and pauses from the history', derived)
    FROM clocks WHERE derived > 0
    UNION ALL
    SELECT 20, format('{:,} of them have no state: they count business hours, or the statuses of their ticket are not '
        || 'recorded', unjudged)
    FROM clocks WHERE unjudged > 0
    UNION ALL
    SELECT 21, format('schedules in the export: {}; declare them as calendars in operations.yaml',
        string_agg(DISTINCT name || ' (' || time_zone || ')', ', ' ORDER BY name || ' (' || time_zone || ')'))
    FROM src_schedule HAVING count(*) > 0
)
SELECT place, notice FROM said ORDER BY place, notice
