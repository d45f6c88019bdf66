-- Grain: one row per fact of an account, opportunity or contract and span [since, until) in which it had this value;
-- NULL = since ever, still. Times UTC. From versions or snapshots where the export has them, else from the history of
-- the field; a field of which the whole export has no history is known from the row's last change on, and what tells
-- who an account is (name, website, domain) from its creation.
WITH versions AS (
    SELECT
        *,
        lead(start_at) OVER (PARTITION BY kind, record_id ORDER BY start_at) AS next_at
    FROM (
        SELECT *
        FROM records
        WHERE start_at IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY kind, record_id, start_at ORDER BY end_at DESC NULLS FIRST,
            row_no DESC) = 1
    )
),
today AS (
    SELECT *
    FROM records
    WHERE start_at IS NULL
    QUALIFY row_number() OVER (PARTITION BY kind, record_id ORDER BY sure_at DESC NULLS LAST, row_no DESC) = 1
),
told AS (
    SELECT
        kind, record_id, start_at AS since,
        unnest(CASE WHEN is_snapshot
            THEN list_filter(facts, lambda each: each.fact IN ('stage', 'amount', 'close_date'))
            ELSE facts END) AS told,
        -- the vendor ends a version just before the next one starts
        CASE WHEN end_at IS NULL OR next_at <= end_at + INTERVAL 1 SECOND THEN next_at ELSE end_at END AS until
    FROM versions
    WHERE NOT is_gone
),
facts AS (
    SELECT t.kind, t.record_id, t.created_at, t.sure_at, told.fact AS fact, told.value AS value
    FROM (SELECT *, unnest(facts) AS told FROM today WHERE NOT is_gone) AS t
    UNION ALL
    -- a custom field that is empty today, of which the history knows more
    SELECT DISTINCT t.kind, t.record_id, t.created_at, t.sure_at, c.fact, CAST(NULL AS VARCHAR)
    FROM today AS t
    JOIN record_changes AS c ON t.kind = c.kind AND t.record_id = c.record_id
    WHERE NOT t.is_gone AND starts_with(c.fact, 'clause:')
        AND NOT list_contains(list_transform(t.facts, lambda told: told.fact), c.fact)
),
open_facts AS (
    SELECT f.*, greatest(f.created_at, h.kept_from) AS old_from
    FROM facts AS f
    ANTI JOIN (SELECT DISTINCT kind, record_id, told.fact AS fact FROM told) AS v
        ON f.kind = v.kind AND f.record_id = v.record_id AND f.fact = v.fact
    LEFT JOIN (
        -- the vendor keeps history for 18 months: what was before the oldest row, nobody knows
        SELECT kind, least(min(changed_at), (SELECT as_of FROM export_time) - INTERVAL 18 MONTH) AS kept_from
        FROM record_changes
        GROUP BY kind
    ) AS h ON f.kind = h.kind
),
changes AS (
    SELECT
        f.kind, f.record_id, f.fact, f.old_from, f.value, c.changed_at, c.old_value, c.new_value,
        row_number() OVER later AS nth,
        lead(c.changed_at) OVER later AS next_at
    FROM open_facts AS f
    JOIN record_changes AS c ON f.kind = c.kind AND f.record_id = c.record_id AND f.fact = c.fact
    WINDOW later AS (PARTITION BY f.kind, f.record_id, f.fact ORDER BY c.changed_at)
)
SELECT kind, record_id, told.fact AS fact, told.value AS value, since, until, 'version' AS how
FROM told
UNION ALL
-- before the first version only who the account is, is known
SELECT kind, record_id, named.fact, named.value, created_at, start_at, 'today'
FROM (
    SELECT *, unnest(facts) AS named
    FROM versions
    QUALIFY row_number() OVER (PARTITION BY kind, record_id ORDER BY start_at) = 1
)
WHERE kind = 'account' AND named.fact IN ('name', 'website', 'domain') AND named.value IS NOT NULL AND NOT is_gone
    AND (created_at IS NULL OR created_at < start_at)
UNION ALL
SELECT kind, record_id, fact, old_value, old_from, changed_at, 'history'
FROM changes
WHERE nth = 1 AND (old_from IS NULL OR old_from < changed_at)
UNION ALL
SELECT kind, record_id, fact, CASE WHEN next_at IS NULL THEN coalesce(value, new_value) ELSE new_value END, changed_at,
    next_at,
    'history'
FROM changes
UNION ALL
SELECT
    f.kind, f.record_id, f.fact, f.value,
    CASE WHEN k.fact IS NOT NULL THEN f.old_from
        WHEN f.kind = 'account' AND f.fact IN ('name', 'website', 'domain') THEN f.created_at
        ELSE f.sure_at END,
    NULL,
    CASE WHEN k.fact IS NOT NULL THEN 'tracked' ELSE 'today' END
FROM open_facts AS f
ANTI JOIN changes AS c ON f.kind = c.kind AND f.record_id = c.record_id AND f.fact = c.fact
LEFT JOIN (SELECT DISTINCT kind, fact FROM record_changes) AS k ON f.kind = k.kind AND f.fact = k.fact
WHERE k.fact IS NOT NULL OR f.sure_at IS NOT NULL OR (f.kind = 'account' AND f.fact IN ('name', 'website', 'domain'))
