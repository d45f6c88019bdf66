-- Grain: one row per system and id by which it knows an account: the newest name, domain and external id that it tells, and
-- the tickets that it has of it. Ids that only tickets, subscriptions and the like mention are there, too.
WITH described AS (
    SELECT
        source_system AS source,
        source_account_id AS source_id,
        arg_max(name, coalesce(valid_from, TIMESTAMP '-infinity')) FILTER (name IS NOT NULL) AS name,
        arg_max(domain, coalesce(valid_from, TIMESTAMP '-infinity')) FILTER (domain IS NOT NULL) AS domain,
        arg_max(external_id, coalesce(valid_from, TIMESTAMP '-infinity')) FILTER (external_id IS NOT NULL)
            AS external_id
    FROM accounts_by_system
    GROUP BY source_system, source_account_id
),
filed AS (
    SELECT source_system AS source, source_account_id AS source_id, count(*) AS tickets
    FROM tickets_by_system
    WHERE source_account_id IS NOT NULL
    GROUP BY source_system, source_account_id
),
mentioned AS (
    SELECT source, source_id FROM described
    UNION
    SELECT source, source_id FROM filed
    UNION
    SELECT source_system, source_account_id FROM contracts_by_system
    UNION
    SELECT source_system, source_account_id FROM contract_clauses_by_system
    UNION
    SELECT source_system, source_account_id FROM subscriptions_by_system
    UNION
    SELECT source_system, source_account_id FROM invoices_by_system
    UNION
    SELECT source_system, source_account_id FROM refunds_by_system
    UNION
    SELECT source_system, source_account_id FROM credits_by_system
    UNION
    SELECT source_system, source_account_id FROM opportunities_by_system
)
SELECT m.source, m.source_id, d.name, d.domain, d.external_id, coalesce(f.tickets, 0) AS tickets
FROM mentioned AS m
LEFT JOIN described AS d ON m.source = d.source AND m.source_id = d.source_id
LEFT JOIN filed AS f ON m.source = f.source AND m.source_id = f.source_id
WHERE m.source_id IS NOT NULL
ORDER BY m.source, m.source_id
