-- Grain: one row per contract and amendment of it that counts, since <= t (UTC; -infinity where nothing dates it). What an
-- amendment leaves open stays as it was. clause_since: from when its clauses hold.
WITH RECURSIVE chain AS (
    SELECT id, id AS root, 0 AS depth FROM clm_records WHERE counted
        AND (amends_id IS NULL OR amends_id NOT IN (SELECT id FROM clm_records WHERE counted))
    UNION ALL
    SELECT r.id, c.root, c.depth + 1
    FROM clm_records AS r
    JOIN chain AS c ON c.id = r.amends_id
    WHERE r.counted AND c.depth < 100
),
dated AS (
    SELECT
        c.root AS contract_id, c.depth, r.*,
        CASE WHEN c.depth = 0 THEN coalesce(r.signed_at, r.effective_at) ELSE greatest(r.signed_at, r.effective_at) END
            AS began_at
    FROM chain AS c
    JOIN clm_records AS r ON r.id = c.id
    -- an amendment without any date has no place in time
    WHERE c.depth = 0 OR r.signed_at IS NOT NULL OR r.effective_at IS NOT NULL
),
placed AS (
    SELECT *, greatest(
            coalesce(began_at, TIMESTAMP '-infinity'),
            coalesce(max(CASE WHEN depth = 0 THEN began_at END) OVER (PARTITION BY contract_id), TIMESTAMP '-infinity')
        ) AS since
    FROM dated
)
SELECT
    contract_id, id AS record_id, depth, since,
    greatest(since, coalesce(CASE WHEN depth = 0 THEN greatest(signed_at, effective_at) END, since)) AS clause_since,
    coalesce(last_value(account_id IGNORE NULLS) OVER upto, last_value(counterparty IGNORE NULLS) OVER upto) AS account_id,
    last_value(counterparty IGNORE NULLS) OVER upto AS counterparty, last_value(domain IGNORE NULLS) OVER upto AS domain,
    last_value(tier IGNORE NULLS) OVER upto AS tier,
    last_value(effective_on IGNORE NULLS) OVER start AS starts_on,
    last_value(expires_on IGNORE NULLS) OVER upto AS ends_on,
    last_value(auto_renew IGNORE NULLS) OVER upto AS auto_renew,
    last_value(notice_days IGNORE NULLS) OVER upto AS notice_days,
    last_value(CASE WHEN value_num IS NOT NULL THEN {'num': value_num, 'currency': value_currency} END
        IGNORE NULLS) OVER upto AS value,
    last_value(currency IGNORE NULLS) OVER upto AS currency,
    ended, terminated_at, expires_on,
    row_number() OVER (PARTITION BY contract_id ORDER BY since, depth, signed_at NULLS FIRST, id) AS nth
FROM placed
WINDOW
    upto AS (PARTITION BY contract_id ORDER BY since, depth, signed_at NULLS FIRST, id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
    -- a contract starts once: an amendment's effective date is not its start
    start AS (PARTITION BY contract_id ORDER BY depth DESC, since DESC, id DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
