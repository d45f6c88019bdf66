-- Grain: one row per user or queue that the export names: its name, what kind of actor it is, and a user's teams: the
-- queues that he is a member of (directly), and home = the only queue, else the role. As of the export, because members
-- have no dates.
WITH named AS (
    SELECT
        id, coalesce(name, nullif(concat_ws(' ', first_name, last_name), ''), username) AS name, FALSE AS is_queue,
        user_type, user_role_id, user_role_name AS role_name, CAST(NULL AS VARCHAR) AS member_id, row_no
    FROM src_user
    UNION ALL
    SELECT id, coalesce(name, developer_name, id), TRUE, NULL, NULL, NULL, NULL, row_no
    FROM src_group
    WHERE lower(coalesce(type, 'queue')) = 'queue'
    UNION ALL
    SELECT group_id, NULL, NULL, NULL, NULL, NULL, user_or_group_id, row_no
    FROM src_group_member
    WHERE NOT coalesce(fivetran_deleted, FALSE)
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, id, name, NULL, row_no
    FROM src_user_role
),
long_ids AS (
    SELECT
        COLUMNS(lambda name: NOT ends_with('_' || name, '_id')),
        long_id(COLUMNS('^(?:.*_)?id$')) AS '\0'
    FROM named
),
owners AS (
    SELECT *
    FROM long_ids
    WHERE is_queue IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY is_queue, row_no DESC) = 1
),
memberships AS (
    SELECT m.member_id, list(DISTINCT q.name ORDER BY q.name) AS queues
    FROM long_ids AS m
    JOIN owners AS q ON m.id = q.id AND q.is_queue
    WHERE m.member_id IS NOT NULL
    GROUP BY m.member_id
),
roles AS (
    SELECT user_role_id, min(role_name) AS role_name
    FROM long_ids
    WHERE is_queue IS NULL AND user_role_id IS NOT NULL
    GROUP BY user_role_id
)
SELECT
    o.id,
    o.name,
    o.is_queue,
    CASE
        WHEN o.is_queue THEN NULL
        WHEN lower(o.user_type) IN ('automatedprocess', 'cloudintegrationuser') THEN 'automation'
        WHEN lower(o.user_type) IN ('cspliteportal', 'powercustomersuccess', 'customersuccess', 'guest', 'selfservice')
            THEN 'customer'
        ELSE 'agent'
    END AS actor_type,
    coalesce(m.queues, []) AS queues,
    CASE WHEN len(m.queues) = 1 THEN m.queues[1] ELSE coalesce(r.role_name, o.role_name) END AS home
FROM owners AS o
LEFT JOIN memberships AS m ON o.id = m.member_id AND NOT o.is_queue
LEFT JOIN roles AS r ON o.user_role_id = r.user_role_id
