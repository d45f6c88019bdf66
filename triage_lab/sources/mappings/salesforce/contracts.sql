-- Grain: one row per contract and span of validity [valid_from, valid_to), UTC; value in minor units of the currency;
-- both dates are days on which the contract holds.
WITH identities AS (
    SELECT record_id, account_id, currency
    FROM records
    WHERE kind = 'contract' AND NOT is_gone AND account_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY start_at DESC NULLS FIRST, sure_at DESC, row_no DESC) = 1
),
shown AS (
    SELECT
        record_id AS contract_id,
        since,
        len(list_filter(map_keys(facts), lambda fact: NOT starts_with(fact, 'clause:'))) > 0 AS known,
        {
            'tier': facts['tier'],
            'start_date': facts['start_date'],
            'end_date': facts['end_date'],
            'contract_term': facts['contract_term'],
            'auto_renew': facts['auto_renew'],
            'notice_days': facts['notice_days'],
            'value': facts['value'],
            'status': lower(trim(facts['status']))
        } AS facts
    FROM record_points
    WHERE kind = 'contract'
),
changed AS (
    SELECT *
    FROM shown
    WINDOW upto AS (PARTITION BY contract_id ORDER BY since)
    QUALIFY row_number() OVER upto = 1 OR facts IS DISTINCT FROM lag(facts) OVER upto
        OR known <> lag(known) OVER upto
),
spans AS (
    SELECT
        *,
        try_cast(left(facts.start_date, 10) AS DATE) AS starts_on,
        lead(since) OVER (PARTITION BY contract_id ORDER BY since) AS valid_to
    FROM changed
)
SELECT
    s.contract_id,
    i.account_id,
    s.facts.tier AS tier,
    s.starts_on,
    coalesce(
        try_cast(left(s.facts.end_date, 10) AS DATE),
        CAST(s.starts_on + to_months(try_cast(try_cast(s.facts.contract_term AS DOUBLE) AS INTEGER)) AS DATE) - 1
    ) AS ends_on,
    CASE
        WHEN lower(trim(s.facts.auto_renew)) IN ('true', 't', 'yes', 'y', '1', 'auto', 'automatic', 'evergreen')
            THEN TRUE
        WHEN lower(trim(s.facts.auto_renew)) IN ('false', 'f', 'no', 'n', '0', 'manual', 'none') THEN FALSE
    END AS auto_renew,
    try_cast(try_cast(s.facts.notice_days AS DOUBLE) AS BIGINT) AS notice_days,
    CAST(round(
        coalesce(
            try_cast(s.facts.value AS DECIMAL(24, 6)), try_cast(try_cast(s.facts.value AS DOUBLE) AS DECIMAL(24, 6))
        ) * CASE
            WHEN i.currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI',
                'VND',
                'VUV', 'XAF', 'XOF', 'XPF') THEN 1
            WHEN i.currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 1000
            ELSE 100
        END, 0) AS BIGINT) AS value_minor,
    i.currency,
    CASE
        WHEN regexp_matches(s.facts.status, '^(activated|active|signed|executed)') THEN 'active'
        WHEN regexp_matches(s.facts.status, '^(draft|in ?approval|pending|negotiat|proposed)') THEN 'draft'
        WHEN regexp_matches(s.facts.status, '^(expired|terminated|cancel|ended|inactive|superseded|closed)')
            THEN 'ended'
        ELSE s.facts.status
    END AS status,
    nullif(s.since, TIMESTAMP '-infinity') AS valid_from,
    s.valid_to
FROM spans AS s
JOIN identities AS i ON s.contract_id = i.record_id
WHERE s.known
ORDER BY s.contract_id, s.since
