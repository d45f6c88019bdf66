-- Grain: one row per contract, clause and span, since <= t < until (UTC; infinite where open), before legal_flag is drawn from
-- them. flag: the value as yes or no, NULL for anything else.
WITH entries AS (
    SELECT
        v.contract_id, v.account_id, p.key, v.nth AS version, p.nth, p.text, p.exact, p.unit, p.extracted_by, p.confidence,
        p.to_at, v.currency,
        CASE
            WHEN p.from_at IS NOT NULL THEN p.from_at
            -- the first value of a property holds as long as its record, further ones from when they were written
            WHEN p.updated_at IS NOT NULL
                AND row_number() OVER (PARTITION BY p.record_id, p.key ORDER BY p.updated_at, p.nth) > 1
                THEN greatest(p.updated_at, v.clause_since)
            ELSE v.clause_since
        END AS since
    FROM clm_versions AS v
    JOIN clm_properties AS p ON p.record_id = v.record_id
    WHERE p.key <> '' AND (p.text IS NOT NULL OR p.updated_at IS NOT NULL)
),
-- of one instant the last told: that of the later amendment, then the later row
placed AS (
    SELECT *, lead(since, 1, TIMESTAMP 'infinity') OVER (PARTITION BY contract_id, key ORDER BY since) AS next
    FROM (
        SELECT * FROM entries
        QUALIFY row_number() OVER (PARTITION BY contract_id, key, since ORDER BY version DESC, nth DESC) = 1
    )
)
SELECT
    p.contract_id, p.account_id, p.key, p.text, p.extracted_by, p.since,
    least(coalesce(p.to_at, TIMESTAMP 'infinity'), p.next) AS until,
    -- scores of 0 to 100 are percentages
    CASE WHEN p.confidence BETWEEN 0 AND 1 THEN p.confidence WHEN p.confidence BETWEEN 1 AND 100 THEN p.confidence / 100 END
        AS confidence,
    v.flag, CASE WHEN v.flag IS NULL THEN v.num END AS num, coalesce(v.two_readings, FALSE) AS two_readings,
    CASE WHEN v.flag IS NULL AND v.num IS NOT NULL THEN CASE
        WHEN p.unit IS NOT NULL THEN p.unit
        -- a dollar is that of the contract, if that names one
        WHEN v.unit = '$' AND p.currency IN ('USD', 'CAD', 'AUD', 'NZD', 'SGD', 'HKD', 'MXN', 'TWD') THEN p.currency
        WHEN v.unit = '¥' AND p.currency IN ('JPY', 'CNY') THEN p.currency
        ELSE v.unit END END AS unit
FROM placed AS p
LEFT JOIN clm_values AS v ON v.text = p.text AND v.exact = p.exact
WHERE p.text IS NOT NULL AND p.since < least(coalesce(p.to_at, TIMESTAMP 'infinity'), p.next)
