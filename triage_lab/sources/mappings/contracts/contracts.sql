-- Grain: one row per contract and span in which its terms were the same. Times UTC, days local; value_minor in ISO 4217 minor
-- units.
WITH last_ones AS (
    SELECT * FROM clm_versions QUALIFY nth = max(nth) OVER (PARTITION BY contract_id)
),
-- a contract that was ended early is so from then on
spans AS (
    SELECT contract_id, nth, since, FALSE AS over FROM clm_versions
    UNION ALL
    SELECT contract_id, nth, greatest(terminated_at, since), TRUE
    FROM last_ones
    WHERE terminated_at IS NOT NULL
    UNION ALL
    -- ended, and nothing says when: neither a date nor a last day
    SELECT contract_id, nth, since, TRUE
    FROM last_ones
    WHERE ended AND terminated_at IS NULL AND ends_on IS NULL
),
ordered AS (
    SELECT * FROM spans
    QUALIFY row_number() OVER (PARTITION BY contract_id, since ORDER BY over DESC, nth DESC) = 1
)
SELECT
    s.contract_id, v.account_id, v.tier, v.starts_on, v.ends_on, v.auto_renew,
    CASE WHEN v.notice_days BETWEEN 0 AND 100000 THEN CAST(round(v.notice_days) AS BIGINT) END AS notice_days,
    CASE WHEN abs(v.value.num) < 1e14 THEN try_cast(round(try_cast(CAST(v.value.num AS VARCHAR) AS DECIMAL(24, 6))
        * CAST(pow(10, coalesce(c.digits, 2)) AS BIGINT)) AS BIGINT) END AS value_minor,
    coalesce(v.value.currency, v.currency) AS currency,
    CASE WHEN s.over THEN 'ended' ELSE 'active' END AS status,
    nullif(s.since, TIMESTAMP '-infinity') AS valid_from,
    lead(s.since) OVER (PARTITION BY s.contract_id ORDER BY s.since) AS valid_to
FROM ordered AS s
JOIN clm_versions AS v ON v.contract_id = s.contract_id AND v.nth = s.nth
LEFT JOIN clm_currencies AS c ON c.code = coalesce(v.value.currency, v.currency)
ORDER BY s.contract_id, valid_from NULLS FIRST
