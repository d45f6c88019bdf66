-- Grain: one row per arrival: a case's creation and each later message from the customer; received_at in UTC. The
-- e-mail that became a case is that case's arrival and lends it its dedup_key.
WITH origins AS (
    SELECT
        c.id, c.created_date, c.row_no,
        lower(CASE WHEN f.case_id IS NOT NULL THEN f.value ELSE c.origin END) AS origin
    FROM cases AS c
    LEFT JOIN case_firsts AS f ON c.id = f.case_id AND f.field = 'origin'
),
openings AS (
    SELECT case_id, min(message_identifier) AS message_identifier, min(to_address) AS inbox
    FROM case_messages
    WHERE opening
    GROUP BY case_id
)
SELECT
    'salesforce:case:' || c.id AS signal_id,
    CASE
        WHEN regexp_matches(c.origin, 'e-?mail') THEN 'email'
        WHEN regexp_matches(c.origin, 'phone|call|voice') THEN 'phone'
        WHEN regexp_matches(c.origin, 'chat|messag|whatsapp|sms') THEN 'chat'
        WHEN regexp_matches(c.origin, '\b(api|integration|webhook)\b') THEN 'webhook'
        WHEN regexp_matches(c.origin, 'web|portal|community|self.?service|site') THEN 'portal'
        ELSE trim(c.origin)
    END AS channel,
    o.inbox,
    CASE channel WHEN 'phone' THEN 'call' WHEN 'webhook' THEN 'webhook' ELSE 'message' END AS kind,
    c.created_date AS received_at,
    o.message_identifier AS dedup_key,
    c.id AS ticket_id
FROM origins AS c
LEFT JOIN openings AS o ON c.id = o.case_id
UNION ALL
SELECT
    'salesforce:' || CASE via WHEN 'email' THEN 'email_message:' ELSE 'case_comment:' END || id,
    CASE via WHEN 'email' THEN 'email' ELSE 'portal' END,
    to_address, 'message', sent_at, message_identifier, case_id
FROM case_messages
WHERE actor_type = 'customer' AND NOT opening
ORDER BY received_at, signal_id
