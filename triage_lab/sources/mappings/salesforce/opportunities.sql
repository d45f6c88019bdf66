-- Grain: one row per opportunity and span of validity [valid_from, valid_to), UTC; amounts in minor units of the
-- currency.
WITH stages AS (
    -- whether a stage is won or closed is learnt from the opportunities that are in it
    SELECT stage, bool_or(is_won) AS is_won, bool_or(is_closed) AS is_closed
    FROM (
        SELECT stage_name AS stage, is_won, is_closed FROM src_opportunity
        UNION ALL
        SELECT stage_name, is_won, is_closed FROM src_opportunity_history
    )
    WHERE stage IS NOT NULL
    GROUP BY stage
),
identities AS (
    SELECT record_id, account_id, currency
    FROM records
    WHERE kind = 'opportunity' AND NOT is_gone AND account_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY start_at DESC NULLS FIRST, sure_at DESC, row_no DESC) = 1
),
types AS (
    -- what an opportunity is for hardly ever changes, so it needs no date: the newest value
    SELECT record_id, arg_max(lower(value), coalesce(since, TIMESTAMP '-infinity')) AS type
    FROM record_spans
    WHERE kind = 'opportunity' AND fact = 'type' AND value IS NOT NULL
    GROUP BY record_id
),
shown AS (
    SELECT
        p.record_id AS opportunity_id,
        p.since,
        map_contains(p.facts, 'stage') OR map_contains(p.facts, 'amount') OR map_contains(p.facts, 'close_date')
            OR map_contains(p.facts, 'is_closed') OR map_contains(p.facts, 'is_won') AS known,
        {
            'stage': p.facts['stage'],
            'amount': p.facts['amount'],
            'close_date': try_cast(left(p.facts['close_date'], 10) AS DATE),
            'is_won': coalesce(
                s.is_won, CAST(p.facts['is_won'] AS BOOLEAN),
                regexp_matches(lower(p.facts['stage']), '\bwon\b')
            ),
            'is_closed': coalesce(
                s.is_closed, CAST(p.facts['is_closed'] AS BOOLEAN),
                regexp_matches(lower(p.facts['stage']), '\b(closed|won|lost)\b')
            )
        } AS facts
    FROM record_points AS p
    LEFT JOIN stages AS s ON p.facts['stage'] = s.stage
    WHERE p.kind = 'opportunity'
),
changed AS (
    SELECT *
    FROM shown
    WINDOW upto AS (PARTITION BY opportunity_id ORDER BY since)
    QUALIFY row_number() OVER upto = 1 OR facts IS DISTINCT FROM lag(facts) OVER upto
        OR known <> lag(known) OVER upto
),
spans AS (
    SELECT *, lead(since) OVER (PARTITION BY opportunity_id ORDER BY since) AS valid_to FROM changed
)
SELECT
    s.opportunity_id,
    i.account_id,
    CASE
        WHEN regexp_matches(t.type, 'renew') THEN 'renewal'
        WHEN regexp_matches(t.type, 'existing|expan|upsell|up-sell|upgrade|cross|add[- ]?on|replacement')
            THEN 'expansion'
        WHEN regexp_matches(t.type, '\bnew\b') THEN 'new'
    END AS kind,
    s.facts.stage AS stage,
    CAST(round(
        coalesce(
            try_cast(s.facts.amount AS DECIMAL(24, 6)), try_cast(try_cast(s.facts.amount AS DOUBLE) AS DECIMAL(24, 6))
        ) * CASE
            WHEN i.currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI',
                'VND',
                'VUV', 'XAF', 'XOF', 'XPF') THEN 1
            WHEN i.currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 1000
            ELSE 100
        END, 0) AS BIGINT) AS amount_minor,
    i.currency,
    s.facts.close_date AS close_date,
    s.facts.is_won AS is_won,
    s.facts.is_closed AS is_closed,
    nullif(s.since, TIMESTAMP '-infinity') AS valid_from,
    s.valid_to
FROM spans AS s
JOIN identities AS i ON s.opportunity_id = i.record_id
LEFT JOIN types AS t ON s.opportunity_id = t.record_id
WHERE s.known
ORDER BY s.opportunity_id, s.since
