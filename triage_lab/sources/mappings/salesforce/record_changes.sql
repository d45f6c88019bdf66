-- Grain: one row per second in which a fact of an account, opportunity or contract changed, UTC: its value before the
-- first and after the last change of that second. Of a lookup's two rows (name and id) the id counts.
WITH history AS (
    SELECT 'account' AS kind, id AS history_id, account_id AS record_id, field, old_value, new_value, data_type,
        created_date, is_deleted, fivetran_deleted, row_no
    FROM src_account_history
    WHERE field IS NOT NULL
    UNION ALL
    SELECT 'opportunity', id, opportunity_id, field, old_value, new_value, data_type, created_date, is_deleted,
        fivetran_deleted, row_no
    FROM src_opportunity_field_history
    UNION ALL
    SELECT 'contract', id, contract_id, field, old_value, new_value, data_type, created_date, is_deleted,
        fivetran_deleted,
        row_no
    FROM src_contract_history
    WHERE field IS NOT NULL
),
plain AS (
    SELECT
        *,
        regexp_replace(lower(regexp_replace(regexp_replace(trim(field), '__[cC]$', ''), '([a-z0-9])([A-Z])', '\1_\2',
            'g')),
            '[^a-z0-9]+', '_', 'g') AS word,
        CASE
            WHEN word IN ('stage_name', 'stage') THEN 'stage'
            WHEN word IN ('owner', 'owner_id') THEN 'owner'
            WHEN word IN ('parent', 'parent_id') THEN 'parent'
            WHEN kind = 'account' THEN CASE
                WHEN word IN ('customer_tier', 'support_tier') THEN 'account_tier'
                WHEN word = 'customer_segment' THEN 'segment'
                WHEN word = 'sales_region' THEN 'region'
                WHEN word IN ('churn_probability', 'churn_score') THEN 'churn_risk'
                WHEN word = 'email_domain' THEN 'domain'
                WHEN word = 'time_zone' THEN 'timezone'
                ELSE word END
            WHEN kind = 'contract' THEN CASE
                WHEN word IN ('start_date', 'end_date', 'contract_term', 'status') THEN word
                WHEN word IN ('tier', 'contract_tier', 'plan', 'support_tier', 'service_level') THEN 'tier'
                WHEN word IN ('auto_renew', 'auto_renewal', 'autorenew') THEN 'auto_renew'
                WHEN word IN ('notice_days', 'notice_period_days', 'termination_notice_days') THEN 'notice_days'
                WHEN word IN ('value', 'contract_value', 'total_contract_value', 'tcv', 'total_value', 'amount')
                    THEN 'value'
                WHEN regexp_matches(trim(field), '__[cC]$') THEN 'clause:' || word
                ELSE word END
            ELSE word
        END AS fact,
        fact IN ('owner', 'parent') AS is_lookup,
        CASE
            WHEN data_type IS NOT NULL THEN lower(data_type) = 'entityid'
            ELSE regexp_full_match(coalesce(new_value, old_value), '0[0-9A-Za-z]{14}([A-Z0-5]{3})?')
                OR coalesce(new_value, old_value) IN (SELECT id FROM case_owners)
                OR coalesce(new_value, old_value) IN (SELECT id FROM src_account)
        END IS TRUE AS of_ids
    FROM history
    WHERE created_date IS NOT NULL AND record_id IS NOT NULL AND NOT coalesce(is_deleted, FALSE)
        AND NOT coalesce(fivetran_deleted, FALSE)
),
parted AS (
    SELECT
        kind, history_id, record_id, fact, created_date AS changed_at, row_no, old_value, new_value,
        CASE WHEN is_lookup AND of_ids THEN old_value END AS old_id,
        CASE WHEN is_lookup AND of_ids THEN new_value END AS new_id
    FROM plain
    QUALIFY NOT is_lookup OR of_ids
        OR NOT bool_or(of_ids) OVER (PARTITION BY kind, record_id, fact, created_date)
),
long_ids AS (
    SELECT
        COLUMNS(lambda name: NOT ends_with('_' || name, '_id')),
        long_id(COLUMNS('^(?:.*_)?id$')) AS '\0'
    FROM parted
),
told AS (
    SELECT
        kind, record_id, fact, changed_at, history_id, row_no,
        CASE WHEN coalesce(old_id, new_id) IS NULL THEN old_value ELSE old_id END AS old_value,
        CASE WHEN coalesce(old_id, new_id) IS NULL THEN new_value ELSE new_id END AS new_value
    FROM long_ids
    QUALIFY row_number() OVER (PARTITION BY coalesce(history_id, kind || row_no) ORDER BY row_no) = 1
),
written AS (
    SELECT DISTINCT kind, record_id, fact, changed_at, new_value AS value FROM told
),
ordered AS (
    SELECT
        t.*,
        row_number() OVER (
            PARTITION BY t.kind, t.record_id, t.fact, t.changed_at ORDER BY w.value IS NOT NULL, t.history_id, t.row_no
        ) AS nth
    FROM told AS t
    LEFT JOIN written AS w ON t.kind = w.kind AND t.record_id = w.record_id AND t.fact = w.fact
        AND t.changed_at = w.changed_at AND t.old_value = w.value
)
SELECT
    kind, record_id, fact, changed_at,
    max(old_value) FILTER (nth = 1) AS old_value,
    -- arg_max leaves rows with a NULL value out, so a change to nothing would be lost
    max({'nth': nth, 'value': new_value}).value AS new_value,
    bool_or(length(old_value) >= 255 OR length(new_value) >= 255) AS cut
FROM ordered
GROUP BY kind, record_id, fact, changed_at
