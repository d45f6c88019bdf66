-- Grain: one row per change of a field of a case, in order (nth within the case); times UTC. A lookup's two rows (name
-- and id) are one change: *_text and *_id. field is in plain words without __c; the four names of an owner's change are
-- 'owner', told apart by the flags. Of changes in one second the one whose old value no other has written comes first,
-- then by id.
WITH versions AS (
    SELECT id AS case_id, owner_id, status, priority, origin, type, reason, fivetran_start
    FROM src_case
    WHERE fivetran_start IS NOT NULL
    UNION
    SELECT id, owner_id, status, priority, origin, type, reason, fivetran_start
    FROM src_case_history
    WHERE fivetran_start IS NOT NULL AND field IS NULL
),
compared AS (
    SELECT
        case_id, fivetran_start, fact.field, fact.value,
        lag(fact.value) OVER earlier AS old_value,
        row_number() OVER earlier AS version
    FROM (
        SELECT
            case_id, fivetran_start,
            unnest([
                {'field': 'Owner', 'value': owner_id}, {'field': 'Status', 'value': status},
                {'field': 'Priority', 'value': priority}, {'field': 'Origin', 'value': origin},
                {'field': 'Type', 'value': type}, {'field': 'Reason', 'value': reason}
            ]) AS fact
        FROM versions
    )
    WINDOW earlier AS (PARTITION BY case_id, fact.field ORDER BY fivetran_start)
),
history AS (
    SELECT id AS history_id, case_id, field, old_value, new_value, data_type, created_date, created_by_id, row_no
    FROM src_case_history
    WHERE field IS NOT NULL AND created_date IS NOT NULL AND NOT coalesce(is_deleted, FALSE)
        AND NOT coalesce(fivetran_deleted, FALSE)
    QUALIFY row_number() OVER (PARTITION BY coalesce(id, 'row ' || row_no) ORDER BY row_no) = 1
    UNION ALL
    SELECT
        NULL, case_id, field, old_value, value, CASE WHEN field = 'Owner' THEN 'EntityId' ELSE 'Text' END,
        fivetran_start, NULL, 0
    FROM compared
    WHERE version > 1 AND old_value IS DISTINCT FROM value
),
plain AS (
    SELECT
        *,
        regexp_replace(lower(regexp_replace(regexp_replace(trim(field), '__[cC]$', ''), '([a-z0-9])([A-Z])', '\1_\2',
            'g')),
            '[^a-z0-9]+', '_', 'g') AS word,
        word IN ('owner', 'owner_id', 'case_owner', 'owner_assignment', 'owner_accepted',
            'owner_escalated') AS is_owner,
        coalesce(new_value, old_value) AS shown,
        CASE
            WHEN data_type IS NOT NULL THEN lower(data_type) = 'entityid'
            WHEN is_owner THEN regexp_full_match(shown, '00[5G][0-9A-Za-z]{12}([0-9A-Za-z]{3})?')
                OR shown IN (SELECT id FROM case_owners)
            ELSE regexp_full_match(shown, '[0-9a][0-9A-Za-z]{14}([A-Z0-5]{3})?') AND regexp_matches(shown, '[0-9]')
        END IS TRUE AS of_ids
    FROM history
),
parted AS (
    SELECT
        history_id, case_id, created_by_id AS actor_id, created_date AS changed_at, is_owner, of_ids, word, row_no,
        CASE WHEN of_ids THEN old_value END AS old_id,
        CASE WHEN of_ids THEN new_value END AS new_id,
        CASE WHEN NOT of_ids THEN old_value END AS old_text,
        CASE WHEN NOT of_ids THEN new_value END AS new_text
    FROM plain
),
long_ids AS (
    SELECT
        COLUMNS(lambda name: NOT ends_with('_' || name, '_id')),
        long_id(COLUMNS('^(?:.*_)?id$')) AS '\0'
    FROM parted
),
written AS (
    SELECT DISTINCT case_id, word, changed_at, coalesce(new_id, new_text) AS value FROM long_ids
),
ordered AS (
    SELECT l.*, w.value IS NOT NULL AS follows
    FROM long_ids AS l
    SEMI JOIN cases AS c ON l.case_id = c.id
    LEFT JOIN written AS w ON l.case_id = w.case_id AND l.word = w.word AND l.changed_at = w.changed_at
        AND coalesce(l.old_id, l.old_text) = w.value
),
lookups AS (
    -- fields that hold the id of another record; only their rows come in pairs
    SELECT DISTINCT word FROM ordered WHERE of_ids OR is_owner
),
paired AS (
    SELECT
        case_id, word, is_owner, changed_at, actor_id,
        max(old_id) AS old_id, max(new_id) AS new_id, max(old_text) AS old_text, max(new_text) AS new_text,
        min(history_id) AS history_id, min(row_no) AS row_no, bool_or(follows) AS follows
    FROM (
        SELECT
            o.*,
            row_number() OVER (
                PARTITION BY case_id, o.word, changed_at, actor_id, of_ids ORDER BY follows, history_id, row_no
            ) AS pair
        FROM ordered AS o
        SEMI JOIN lookups AS k ON o.word = k.word
    )
    GROUP BY case_id, word, is_owner, changed_at, actor_id, pair
),
repeated AS (
    SELECT
        * REPLACE (CASE WHEN is_owner THEN 'owner' ELSE word END AS word),
        word AS told_as,
        row_number() OVER (
            PARTITION BY case_id, word, changed_at, old_id, new_id, old_text, new_text ORDER BY history_id, row_no
        ) AS repeat
    FROM paired
),
changes AS (
    -- one change of owner may be told under two of its names
    SELECT
        case_id, word AS field, changed_at, old_id, new_id, old_text, new_text,
        bool_or(told_as = 'owner_accepted') AS accepted,
        bool_or(told_as = 'owner_escalated') AS escalated,
        bool_or(told_as IN ('owner_assignment', 'owner_escalated')) AS ruled,
        min(actor_id) AS actor_id, min(history_id) AS history_id, min(row_no) AS row_no, bool_or(follows) AS follows
    FROM repeated
    GROUP BY case_id, word, changed_at, old_id, new_id, old_text, new_text, repeat
    UNION ALL
    SELECT
        case_id, word, changed_at, NULL, NULL, old_text, new_text, FALSE, FALSE, FALSE, actor_id, history_id, row_no,
            follows
    FROM ordered AS o
    ANTI JOIN lookups AS k ON o.word = k.word
)
SELECT
    *,
    row_number() OVER (PARTITION BY case_id ORDER BY changed_at, follows, history_id, row_no, field) AS nth,
    -- a history without ids of its own is told apart by what it says
    coalesce(history_id, concat_ws(':', field, epoch_ms(changed_at), left(md5(concat_ws(chr(31),
        coalesce(old_id, old_text, ''), coalesce(new_id, new_text, ''))), 8))) AS change_id
FROM changes
