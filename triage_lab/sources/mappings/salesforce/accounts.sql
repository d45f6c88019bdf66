-- Grain: one row per account and span of validity [valid_from, valid_to), UTC; NULL = since ever, still.
WITH used AS (
    -- which field is the tier and which the region is one choice for the whole export: the first that is filled at all
    SELECT
        arg_min(fact, list_position(['tier', 'account_tier', 'segment', 'type', 'rating'], fact))
            FILTER (fact IN ('tier', 'account_tier', 'segment', 'type', 'rating')) AS tier,
        arg_min(fact, list_position(['region', 'billing_country'], fact))
            FILTER (fact IN ('region', 'billing_country')) AS region,
        -- a percent field comes as 0..100
        CASE WHEN max(try_cast(value AS DOUBLE)) FILTER (fact = 'churn_risk') > 1 THEN 100 ELSE 1 END AS risk_scale
    FROM record_spans
    WHERE kind = 'account' AND value IS NOT NULL
),
identities AS (
    SELECT
        record_id,
        string_agg(DISTINCT trim(pair.value), '|' ORDER BY trim(pair.value)) FILTER (
            trim(pair.value) <> '' AND regexp_full_match(lower(pair.key),
                '(.*_)?(external|stripe|zendesk|chargebee|zuora|netsuite|hubspot|billing|customer|org|organi[sz]ation)'
                || '(_.*)?_id_?_c')
        ) AS external_id
    FROM (
        SELECT record_id, unnest(map_entries(CAST(CAST(extra AS JSON) AS MAP(VARCHAR, VARCHAR)))) AS pair
        FROM records
        WHERE kind = 'account' AND NOT is_gone AND extra IS NOT NULL
    )
    GROUP BY record_id
),
shown AS (
    SELECT
        p.record_id AS account_id,
        p.since,
        p.known,
        {
            'name': p.facts['name'],
            'domain': (
                SELECT string_agg(host, '|' ORDER BY host)
                FROM (
                    SELECT DISTINCT regexp_extract(
                        lower(trim(site)), '^(?:[a-z]+://)?(?:[^@/]*@)?(?:www\.)?([^/:?#\s]+\.[^/:?#\s]+)', 1) AS host
                    FROM (
                        SELECT unnest(regexp_split_to_array(
                            coalesce(p.facts['domain'], p.facts['website']), '[,;|\s]+')) AS site
                    )
                )
                WHERE host <> ''
            ),
            'parent_id': p.facts['parent'],
            'tier': p.facts[u.tier],
            'region': p.facts[u.region],
            'timezone': p.facts['timezone'],
            'owner_id': p.facts['owner'],
            'churn_risk': try_cast(p.facts['churn_risk'] AS DOUBLE) / u.risk_scale
        } AS facts
    FROM record_points AS p
    CROSS JOIN used AS u
    WHERE p.kind = 'account'
),
changed AS (
    SELECT *
    FROM shown
    WINDOW upto AS (PARTITION BY account_id ORDER BY since)
    QUALIFY row_number() OVER upto = 1 OR facts IS DISTINCT FROM lag(facts) OVER upto
        OR (known = 0) <> (lag(known) OVER upto = 0)
),
spans AS (
    SELECT
        *,
        lead(since) OVER later AS valid_to,
        count(*) FILTER (facts <> {
            'name': NULL, 'domain': NULL, 'parent_id': NULL, 'tier': NULL, 'region': NULL, 'timezone': NULL,
            'owner_id': NULL, 'churn_risk': NULL
        }) OVER later AS told
    FROM changed
    WINDOW later AS (PARTITION BY account_id ORDER BY since)
)
SELECT
    s.account_id,
    s.facts.name AS name,
    s.facts.domain AS domain,
    i.external_id,
    s.facts.parent_id AS parent_id,
    s.facts.tier AS tier,
    s.facts.region AS region,
    s.facts.timezone AS timezone,
    s.facts.owner_id AS owner_id,
    s.facts.churn_risk AS churn_risk,
    nullif(s.since, TIMESTAMP '-infinity') AS valid_from,
    s.valid_to
FROM spans AS s
LEFT JOIN identities AS i ON s.account_id = i.record_id
-- a time of which nothing is known yet is no row, unless it is all there is
WHERE s.known > 0 AND (s.told > 0 OR s.valid_to IS NULL)
ORDER BY s.account_id, s.since
