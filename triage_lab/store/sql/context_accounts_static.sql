-- Grain: one row per ticket, in row order: the newest version of the account whatever the time, for columns that the lab
-- assumes to be static.
WITH newest AS (
    SELECT account_id, arg_max(a, {
        'since': coalesce(valid_from, TIMESTAMP '-infinity'), 'own': source_account_id = account_id, 'id': source_account_id
    }) AS version
    FROM triage_accounts AS a
    GROUP BY account_id
)
SELECT
    l.version.name AS name,
    l.version.domain AS domain,
    l.version.parent_id AS parent_id,
    l.version.tier AS tier,
    l.version.region AS region,
    l.version.timezone AS timezone,
    l.version.owner_id AS owner_id,
    l.version.churn_risk AS churn_risk
FROM triage_arrivals AS t
LEFT JOIN newest AS l ON t.account_id = l.account_id
ORDER BY t.row
