-- Grain: one row per person and span [valid_from, valid_to) of one role; NULL bounds are open. The account's audit log
-- tells since when a role is held ("Support role changed from X to Y"); a person of whom it says nothing is taken to
-- have had today's role always.
WITH people AS (
    SELECT regexp_replace(trim(id), '\.0+$', '') AS user_id, lower(trim(role)) AS role
    FROM src_user
    QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY updated_at DESC NULLS LAST, row_no DESC) = 1
),
changes AS (
    SELECT DISTINCT
        regexp_replace(trim(source_id), '\.0+$', '') AS user_id,
        created_at AS "at",
        regexp_extract(
            lower(replace(change_description, '\n', chr(10))),
            'support role changed from ([^\n]+?) to ([^\n]+)', ['role_before', 'role_after']
        ) AS told
    FROM src_audit_log
    WHERE lower(trim(source_type)) = 'user' AND source_id IS NOT NULL
      AND contains(lower(change_description), 'support role changed from')
),
ordered AS (
    SELECT
        user_id, "at", trim(told.role_before, ' ''"') AS role_before, trim(told.role_after, ' ''"') AS role_after,
        row_number() OVER changes_of AS nth,
        lead("at") OVER changes_of AS next_at
    FROM changes
    WHERE told.role_before <> told.role_after
    WINDOW changes_of AS (PARTITION BY user_id ORDER BY "at", told.role_before, told.role_after)
),
spans AS (
    SELECT user_id, CAST(NULL AS TIMESTAMP) AS valid_from, "at" AS valid_to, role_before AS role
    FROM ordered WHERE nth = 1
    UNION ALL
    SELECT user_id, "at", next_at, role_after FROM ordered
    UNION ALL
    SELECT user_id, NULL, NULL, role FROM people WHERE user_id NOT IN (SELECT user_id FROM ordered)
)
SELECT
    user_id, valid_from, valid_to, role,
    CASE WHEN role IS NOT NULL THEN NOT regexp_full_match(role, 'end[-_ ]?user|not set|') END AS is_agent
FROM spans
ORDER BY user_id, valid_from NULLS FIRST
