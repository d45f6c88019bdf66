-- Grain: one row per version of an account, opportunity or contract; start_at is NULL for the row as of the export,
-- which is known to be true only from sure_at on, its last change. Times UTC. facts: what may change, as text, by field
-- in plain words. is_snapshot: a row of OpportunityHistory, which tells stage, amount and close date only.
WITH found AS (
    SELECT
        'account' AS kind, id, CAST(NULL AS VARCHAR) AS account_id, currency_iso_code, created_date, last_modified_date,
        system_modstamp, is_deleted, fivetran_synced, fivetran_start, fivetran_end, fivetran_deleted, extra, row_no,
        owner_id, parent_id, FALSE AS is_snapshot,
        [
            {'fact': 'name', 'value': name}, {'fact': 'website', 'value': website},
            {'fact': 'domain', 'value': domain_c}, {'fact': 'type', 'value': type}, {'fact': 'rating', 'value': rating},
            {'fact': 'tier', 'value': tier_c}, {'fact': 'account_tier', 'value': account_tier_c},
            {'fact': 'segment', 'value': segment_c}, {'fact': 'region', 'value': region_c},
            {'fact': 'billing_country', 'value': billing_country}, {'fact': 'churn_risk', 'value': churn_risk_c},
            {'fact': 'timezone', 'value': timezone_c}
        ] AS facts
    FROM (
        SELECT * FROM src_account
        UNION ALL BY NAME
        SELECT * FROM src_account_history WHERE fivetran_start IS NOT NULL AND field IS NULL
    )
    UNION ALL
    SELECT
        'opportunity', coalesce(opportunity_id, id), account_id, currency_iso_code, created_date, last_modified_date,
        system_modstamp, is_deleted, fivetran_synced, coalesce(fivetran_start, CASE WHEN opportunity_id IS NOT NULL
            THEN created_date END), fivetran_end, fivetran_deleted, NULL, row_no, NULL, NULL,
        opportunity_id IS NOT NULL AND fivetran_start IS NULL,
        [
            {'fact': 'stage', 'value': stage_name}, {'fact': 'amount', 'value': amount},
            {'fact': 'close_date', 'value': CAST(close_date AS VARCHAR)},
            {'fact': 'type', 'value': type}, {'fact': 'is_won', 'value': CAST(is_won AS VARCHAR)},
            {'fact': 'is_closed', 'value': CAST(is_closed AS VARCHAR)}
        ]
    FROM (
        SELECT * FROM src_opportunity
        UNION ALL BY NAME
        SELECT * FROM src_opportunity_history WHERE fivetran_start IS NOT NULL OR opportunity_id IS NOT NULL
    )
    UNION ALL
    SELECT
        'contract', id, account_id, currency_iso_code, created_date, last_modified_date, system_modstamp, is_deleted,
        fivetran_synced, fivetran_start, fivetran_end, fivetran_deleted, extra, row_no, NULL, NULL, FALSE,
        [
            {'fact': 'start_date', 'value': CAST(start_date AS VARCHAR)},
            {'fact': 'end_date', 'value': CAST(end_date AS VARCHAR)}, {'fact': 'contract_term', 'value': contract_term},
            {'fact': 'status', 'value': coalesce(status_code, status)}, {'fact': 'tier', 'value': tier_c},
            {'fact': 'auto_renew', 'value': auto_renew_c}, {'fact': 'notice_days', 'value': notice_days_c},
            {'fact': 'value', 'value': value_c}
        ]
    FROM (
        SELECT * FROM src_contract
        UNION ALL BY NAME
        SELECT * FROM src_contract_history WHERE fivetran_start IS NOT NULL AND field IS NULL
    )
),
long_ids AS (
    SELECT
        COLUMNS(lambda name: NOT ends_with('_' || name, '_id')),
        long_id(COLUMNS('^(?:.*_)?id$')) AS '\0'
    FROM found
),
custom AS (
    SELECT
        *,
        -- custom fields of a contract that have no place of their own are its clauses
        list_transform(
            list_filter(
                map_entries(coalesce(CAST(CAST(extra AS JSON) AS MAP(VARCHAR, VARCHAR)), MAP {})),
                lambda pair: kind = 'contract' AND regexp_matches(pair.key, '_[cC]$') AND pair.value IS NOT NULL
            ),
            lambda pair: {
                'fact': 'clause:' || regexp_replace(lower(regexp_replace(regexp_replace(pair.key, '_?_[cC]$', ''),
                    '([a-z0-9])([A-Z])', '\1_\2', 'g')), '[^a-z0-9]+', '_', 'g'),
                'value': pair.value
            }
        ) AS clauses
    FROM long_ids
)
SELECT
    kind,
    id AS record_id,
    account_id,
    upper(trim(currency_iso_code)) AS currency,
    created_date AS created_at,
    greatest(
        created_date,
        coalesce(greatest(system_modstamp, last_modified_date), fivetran_synced, (SELECT as_of FROM export_time))
    ) AS sure_at,
    fivetran_start AS start_at,
    is_snapshot,
    CASE WHEN fivetran_end < TIMESTAMP '9999-01-01' THEN fivetran_end END AS end_at,
    coalesce(is_deleted, FALSE) OR coalesce(fivetran_deleted, FALSE) AS is_gone,
    CASE WHEN kind = 'account'
        THEN list_concat(facts, [{'fact': 'owner', 'value': owner_id}, {'fact': 'parent', 'value': parent_id}])
        ELSE list_concat(facts, clauses)
    END AS facts,
    extra,
    row_no
FROM custom
