-- Grain: one row per arrival: each ticket, and each later public message of a customer. Times UTC. Two deliveries of
-- one mail share its message id, two calls of one program the id that it gives to its record.
WITH opening AS (
    SELECT ticket_id, min(message_id) AS message_id FROM audit_events WHERE is_opening GROUP BY ticket_id
),
arrivals AS (
    SELECT
        'zendesk:ticket:' || held.ticket_id AS signal_id, held.ticket_id, created_at AS received_at, channel, inbox,
        coalesce(opening.message_id, CASE WHEN channel = 'webhook' THEN external_id END) AS dedup_key
    FROM held
    LEFT JOIN opening ON opening.ticket_id = held.ticket_id
    UNION ALL
    SELECT
        'zendesk:comment:' || c.comment_id, c.ticket_id, c."at",
        CASE
            WHEN c.via = 'web' THEN 'portal'
            WHEN c.via = 'api' THEN 'webhook'
            WHEN c.via IN ('chat', 'messaging', 'native_messaging') THEN 'chat'
            WHEN c.via = 'voice' THEN 'phone'
            ELSE coalesce(c.via, held.channel)
        END,
        held.inbox, c.message_id
    FROM comments AS c
    LEFT JOIN held ON held.ticket_id = c.ticket_id
    WHERE c.is_public AND NOT c.is_opening AND NOT c.is_merge AND c.actor_type = 'customer'
)
SELECT
    signal_id, channel, inbox,
    CASE channel WHEN 'phone' THEN 'call' WHEN 'webhook' THEN 'webhook' ELSE 'message' END AS kind,
    received_at, dedup_key, ticket_id
FROM arrivals
ORDER BY received_at, signal_id
