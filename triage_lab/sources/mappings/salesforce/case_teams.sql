-- Grain: one row per owner that a case has had, in order (move 0 = the first owner); since in UTC. A queue is its own
-- team. A user who takes a case out of his queue works for that queue; else his team is his home, see case_owners; a
-- user whose team cannot be told keeps the case's team, as first owner he is one of the 'unassigned users'.
WITH moves AS (
    SELECT
        case_id, changed_at, old_id, old_text, new_id, new_text, actor_id, change_id, nth, accepted, escalated, ruled,
        row_number() OVER (PARTITION BY case_id ORDER BY nth) AS move
    FROM case_changes
    WHERE field = 'owner' AND coalesce(new_id, new_text, old_id, old_text) IS NOT NULL
),
states AS (
    SELECT
        case_id, move, changed_at AS since, new_id AS owner_id, new_text AS owner_name,
            CAST(NULL AS VARCHAR) AS owner_type,
        actor_id, change_id, nth, accepted, escalated, ruled
    FROM moves
    UNION ALL
    SELECT m.case_id, 0, c.created_date, m.old_id, m.old_text, NULL, NULL, NULL, 0, FALSE, FALSE, FALSE
    FROM moves AS m
    JOIN cases AS c ON m.case_id = c.id
    WHERE m.move = 1
    UNION ALL
    SELECT c.id, 0, c.created_date, c.owner_id, c.owner_name, c.owner_type, NULL, NULL, 0, FALSE, FALSE, FALSE
    FROM cases AS c
    ANTI JOIN moves AS m ON c.id = m.case_id
),
unique_names AS (
    SELECT name, min(id) AS id FROM case_owners WHERE name IS NOT NULL GROUP BY name HAVING count(*) = 1
),
known AS (
    SELECT
        s.*,
        coalesce(o.id, s.owner_id, s.owner_name) AS owner,
        coalesce(o.is_queue, lower(s.owner_type) = 'queue', starts_with(s.owner_id, '00G'), FALSE) AS is_queue,
        coalesce(o.name, s.owner_name, s.owner_id) AS owner_label,
        coalesce(o.queues, []) AS queues,
        o.home
    FROM states AS s
    LEFT JOIN unique_names AS u ON s.owner_id IS NULL AND s.owner_name = u.name
    LEFT JOIN case_owners AS o ON coalesce(s.owner_id, u.id) = o.id
),
told AS (
    SELECT
        *,
        CASE
            WHEN owner IS NULL THEN NULL
            WHEN is_queue THEN owner_label
            WHEN move = 0 THEN coalesce(home, 'unassigned users')
            WHEN lag(is_queue) OVER upto AND (queues = [] OR list_contains(queues, lag(owner_label) OVER upto))
                THEN lag(owner_label) OVER upto
            WHEN lag(is_queue) OVER upto THEN coalesce(home, 'unassigned users')
            WHEN len(queues) <= 1 THEN home
        END AS team_told
    FROM known
    WINDOW upto AS (PARTITION BY case_id ORDER BY move)
),
kept AS (
    SELECT
        * EXCLUDE (team_told),
        CASE WHEN NOT is_queue THEN owner END AS person,
        last_value(team_told IGNORE NULLS) OVER (
            PARTITION BY case_id ORDER BY move ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS team
    FROM told
)
SELECT
    case_id, move, since, nth, change_id, actor_id, accepted, escalated, ruled, owner, is_queue, person, team,
    lag(person) OVER (PARTITION BY case_id ORDER BY move) AS person_before,
    lag(team) OVER (PARTITION BY case_id ORDER BY move) AS team_before
FROM kept
