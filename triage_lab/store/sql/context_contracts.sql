-- Grain: one row per ticket, in row order: the account's contract in force at arrival, else its most recent one. Local days
-- are days of zone $1. In force = status active (or not said) and not past its last day; drafts and contracts that have
-- not started do not count. Among several the one that started last, then ends last, then contract_id bytewise. Of
-- overlapping versions of one contract the one that began last is true. Besides the local midnights at which a contract
-- starts or has ended, the hour before is looked at: where clocks go back over midnight, a day begins twice. value_as_of: since when the version was true (UTC epoch seconds).
WITH versions AS (
    SELECT
        c.contract_id, c.account_id, c.tier, c.starts_on, c.ends_on, c.auto_renew,
        coalesce(c.status, 'active') AS status,
        c.valid_from,
        coalesce(c.valid_from, TIMESTAMP '-infinity') AS since,
        coalesce(c.valid_to, TIMESTAMP 'infinity') AS until,
        (CAST(c.starts_on AS TIMESTAMP) AT TIME ZONE $1) AT TIME ZONE 'UTC' AS starts_at,
        (CAST(c.ends_on + 1 AS TIMESTAMP) AT TIME ZONE $1) AT TIME ZONE 'UTC' AS ended_at
    FROM triage_contracts AS c
    SEMI JOIN triage_spans AS s ON c.account_id = s.account_id
),
points AS (
    SELECT DISTINCT p.account_id, greatest(p."at", s.first_at) AS "at"
    FROM (
        SELECT account_id, since AS "at" FROM versions
        UNION ALL
        SELECT account_id, until FROM versions
        UNION ALL
        SELECT account_id, starts_at FROM versions
        UNION ALL
        SELECT account_id, starts_at - INTERVAL 1 HOUR FROM versions
        UNION ALL
        SELECT account_id, ended_at FROM versions
        UNION ALL
        SELECT account_id, ended_at - INTERVAL 1 HOUR FROM versions
    ) AS p
    JOIN triage_spans AS s ON p.account_id = s.account_id AND p."at" <= s.last_at
),
days AS (
    SELECT account_id, "at", CAST(("at" AT TIME ZONE 'UTC') AT TIME ZONE $1 AS DATE) AS local_on
    FROM points
),
told AS (
    SELECT d."at", d.local_on, v.*
    FROM days AS d
    JOIN versions AS v ON d.account_id = v.account_id AND v.since <= d."at" AND d."at" < v.until
    QUALIFY row_number() OVER (PARTITION BY v.account_id, d."at", v.contract_id ORDER BY v.since DESC) = 1
),
chosen AS (
    SELECT account_id, "at", tier, ends_on, auto_renew, valid_from
    FROM told
    WHERE status <> 'draft' AND (starts_on IS NULL OR starts_on <= local_on)
    QUALIFY row_number() OVER (
        PARTITION BY account_id, "at"
        ORDER BY
            status = 'active' AND (ends_on IS NULL OR ends_on >= local_on) DESC,
            starts_on DESC NULLS LAST, ends_on DESC NULLS FIRST, contract_id DESC
    ) = 1
),
timeline AS (
    SELECT p.account_id, p."at", c.tier, c.ends_on, c.auto_renew, c.valid_from
    FROM points AS p
    LEFT JOIN chosen AS c ON p.account_id = c.account_id AND p."at" = c."at"
)
SELECT
    l.tier AS contract_tier,
    l.ends_on AS contract_end,
    l.auto_renew,
    epoch_us(date_trunc('second', l.valid_from)) // 1000000 AS value_as_of
FROM triage_arrivals AS t
ASOF LEFT JOIN timeline AS l ON t.account_id = l.account_id AND t.created_at >= l."at"
ORDER BY t.row
