-- Grain: one row per account that has a contract; name and domain as its newest contract tells them.
SELECT
    account_id, arg_max(counterparty, (since, contract_id, nth)) AS name, arg_max(domain, (since, contract_id, nth)) AS domain
FROM clm_versions
WHERE account_id IS NOT NULL
GROUP BY account_id
ORDER BY account_id
