-- Grain: one row per ticket, in row order: when the account's subscriptions had last changed by arrival (UTC epoch
-- seconds): a version began or ceased to be true, or a subscription started or ended by one that was true then.
WITH versions AS (
    SELECT
        account_id,
        coalesce(valid_from, TIMESTAMP '-infinity') AS since,
        coalesce(valid_to, TIMESTAMP 'infinity') AS until,
        started_at,
        ended_at
    FROM triage_subscriptions
),
changes AS (
    SELECT account_id, since AS "at" FROM versions
    UNION ALL
    SELECT account_id, until FROM versions WHERE since < until
    UNION ALL
    SELECT account_id, greatest(started_at, since) FROM versions WHERE started_at < until AND since < until
    UNION ALL
    SELECT account_id, greatest(ended_at, since) FROM versions WHERE ended_at < until AND since < until
),
finite AS (
    SELECT DISTINCT account_id, "at"
    FROM changes
    WHERE isfinite("at")
)
SELECT epoch_us(date_trunc('second', c."at")) // 1000000 AS value_as_of
FROM triage_arrivals AS t
ASOF LEFT JOIN finite AS c ON t.account_id = c.account_id AND t.created_at >= c."at"
ORDER BY t.row
