-- Grain: one row per ticket, in row order: the account's contract in force at arrival, else its most recent one. Local days
-- are days of zone $1. In force = status active (or not said) and not past its last day; drafts and contracts that have
-- not started do not count. Among several the one that started last, then ends last, then contract_id bytewise.
WITH arrivals AS (
    SELECT row, account_id, created_at, CAST((created_at AT TIME ZONE 'UTC') AT TIME ZONE $1 AS DATE) AS local_on
    FROM triage_arrivals
    WHERE account_id IS NOT NULL
),
versions AS (
    SELECT
        contract_id, account_id, tier, starts_on, ends_on, auto_renew,
        coalesce(status, 'active') AS status,
        coalesce(valid_from, TIMESTAMP '-infinity') AS since,
        coalesce(valid_to, TIMESTAMP 'infinity') AS until,
        row_number() OVER (
            ORDER BY
                coalesce(starts_on, DATE '-infinity'), coalesce(ends_on, DATE 'infinity'), contract_id,
                coalesce(valid_from, TIMESTAMP '-infinity'), account_id
        ) AS precedence,
        row_number() OVER (
            PARTITION BY account_id, contract_id ORDER BY coalesce(valid_from, TIMESTAMP '-infinity')
        ) AS version_no
    FROM contracts
),
told AS (
    SELECT t.row, v.contract_id, t.local_on, arg_max(v.precedence, v.version_no) AS precedence
    FROM arrivals AS t
    JOIN versions AS v ON t.account_id = v.account_id AND v.since <= t.created_at AND t.created_at < v.until
    GROUP BY t.row, v.contract_id, t.local_on
),
chosen AS (
    SELECT
        o.row,
        arg_max(
            o.precedence,
            o.precedence
            + CASE WHEN v.status = 'active' AND (v.ends_on IS NULL OR v.ends_on >= o.local_on) THEN 1000000000000 ELSE 0 END
        ) AS precedence
    FROM told AS o
    JOIN versions AS v ON o.precedence = v.precedence
    WHERE v.status <> 'draft' AND (v.starts_on IS NULL OR v.starts_on <= o.local_on)
    GROUP BY o.row
)
SELECT v.tier AS contract_tier, v.ends_on AS contract_end, v.auto_renew
FROM triage_arrivals AS t
LEFT JOIN chosen AS c ON t.row = c.row
LEFT JOIN versions AS v ON c.precedence = v.precedence
ORDER BY t.row
