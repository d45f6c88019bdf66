-- Grain: one row per ticket, in row order: the account as it was at arrival. Of overlapping versions the one that began
-- last is true; of several accounts that are linked to one, of one instant, its own version, else that of the last id bytewise.
-- "known" is NULL-free: whether any version was true then. value_as_of: since when (UTC epoch seconds).
WITH versions AS (
    SELECT
        a AS version, account_id,
        {'own': source_account_id = account_id, 'id': source_account_id} AS place,
        coalesce(valid_from, TIMESTAMP '-infinity') AS since,
        coalesce(valid_to, TIMESTAMP 'infinity') AS until
    FROM triage_accounts AS a
),
points AS (
    SELECT DISTINCT p.account_id, greatest(p."at", s.first_at) AS "at"
    FROM (
        SELECT account_id, since AS "at" FROM versions
        UNION ALL
        SELECT account_id, until FROM versions WHERE until < TIMESTAMP 'infinity'
    ) AS p
    JOIN triage_spans AS s ON p.account_id = s.account_id AND p."at" <= s.last_at
),
timeline AS (
    SELECT p.account_id, p."at", arg_max(v.version, {'since': v.since, 'place': v.place}) AS version
    FROM points AS p
    LEFT JOIN versions AS v ON p.account_id = v.account_id AND v.since <= p."at" AND p."at" < v.until
    GROUP BY p.account_id, p."at"
)
SELECT
    coalesce(l.version IS NOT NULL, FALSE) AS known,
    l.version.name AS name,
    l.version.domain AS domain,
    l.version.parent_id AS parent_id,
    l.version.tier AS tier,
    l.version.region AS region,
    l.version.timezone AS timezone,
    l.version.owner_id AS owner_id,
    l.version.churn_risk AS churn_risk,
    epoch_us(date_trunc('second', l.version.valid_from)) // 1000000 AS value_as_of
FROM triage_arrivals AS t
ASOF LEFT JOIN timeline AS l ON t.account_id = l.account_id AND t.created_at >= l."at"
ORDER BY t.row
