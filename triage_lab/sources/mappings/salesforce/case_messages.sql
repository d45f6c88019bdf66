-- Grain: one row per e-mail or comment of a case that was sent or received; sent_at in UTC. opening: the incoming
-- e-mail that became the case, that is the first one, not later than a minute after the case was created.
WITH found AS (
    SELECT
        id, coalesce(parent_id, related_to_id) AS case_id, 'email' AS via, coalesce(message_date,
            created_date) AS sent_at,
        incoming, TRUE AS is_public, created_by_id, lower(from_address) AS from_address,
        lower(trim(split_part(replace(to_address, ',', ';'), ';', 1))) AS to_address, message_identifier
    FROM src_email_message
    WHERE NOT coalesce(is_deleted, FALSE) AND NOT coalesce(fivetran_deleted, FALSE)
        AND NOT (NOT incoming AND lower(coalesce(status, '')) IN ('5', 'draft'))
        AND coalesce(message_date, created_date) IS NOT NULL
    UNION ALL
    SELECT
        id, parent_id, 'web', created_date, FALSE, coalesce(is_published, FALSE), created_by_id, NULL, NULL, NULL
    FROM src_case_comment
    WHERE NOT coalesce(is_deleted, FALSE) AND NOT coalesce(fivetran_deleted, FALSE)
),
long_ids AS (
    SELECT
        COLUMNS(lambda name: NOT ends_with('_' || name, '_id')),
        long_id(COLUMNS('^(?:.*_)?id$')) AS '\0'
    FROM found
),
placed AS (
    SELECT
        m.*,
        c.created_date,
        CASE WHEN m.incoming THEN 'customer' ELSE coalesce(o.actor_type, 'agent') END AS actor_type,
        row_number() OVER (PARTITION BY m.case_id, m.incoming ORDER BY m.sent_at, m.id) AS nth
    FROM long_ids AS m
    JOIN cases AS c ON m.case_id = c.id
    LEFT JOIN case_owners AS o ON m.created_by_id = o.id
    QUALIFY row_number() OVER (PARTITION BY m.id ORDER BY m.sent_at) = 1
)
SELECT
    id, case_id, via, sent_at, is_public, actor_type, message_identifier, to_address,
    CASE WHEN incoming THEN from_address ELSE created_by_id END AS actor_id,
    incoming AND nth = 1 AND sent_at <= created_date + INTERVAL 1 MINUTE AS opening
FROM placed
