-- Grain: one row per record of the export. Days are local days of the call's zone; times UTC. counted: signed, so that it is a
-- contract; ended: what the export says it is by now. What the record does not say itself is looked for in its properties.
WITH zone AS (
    SELECT coalesce(timezone, 'UTC') AS name FROM src_call
),
-- properties that say what a column of the record may say, the likeliest name first
names AS (
    SELECT field, unnest(keys) AS key, generate_subscripts(keys, 1) AS place
    FROM (VALUES
        ('account_id', ['account_id', 'salesforce_account_id', 'crm_account_id', 'sfdc_account_id', 'crm_id', 'customer_id',
            'counterparty_id']),
        ('counterparty', ['counterparty_name', 'counterparty', 'customer_name', 'account_name', 'company_name', 'client_name']),
        ('domain', ['counterparty_domain', 'customer_domain', 'account_domain', 'website']),
        ('status', ['status', 'record_status', 'contract_status']),
        ('signed', ['agreement_date', 'signed_date', 'signature_date', 'execution_date', 'executed_date']),
        ('effective', ['effective_date', 'start_date', 'contract_start_date', 'term_start_date']),
        ('expires', ['expiration_date', 'expiry_date', 'end_date', 'contract_end_date', 'term_end_date']),
        ('terminated', ['termination_date', 'terminated_on', 'cancellation_date']),
        ('auto_renew', ['auto_renew', 'auto_renewal', 'auto_renews', 'automatic_renewal', 'renewal_type']),
        ('notice', ['notice_days', 'notice_period', 'notice_period_days', 'termination_notice', 'termination_notice_days',
            'termination_notice_period', 'renewal_notice', 'renewal_notice_period']),
        ('value', ['contract_value', 'total_contract_value', 'tcv', 'total_value']),
        ('currency', ['currency', 'currency_code', 'contract_currency']),
        ('tier', ['contract_tier', 'tier', 'service_tier', 'support_tier', 'service_level'])
    ) AS known(field, keys)
),
told AS (
    SELECT p.record_id, n.field, first({'text': p.text, 'exact': p.exact, 'unit': p.unit} ORDER BY n.place, p.nth) AS value
    FROM clm_properties AS p
    JOIN names AS n ON n.key = p.key
    WHERE p.text IS NOT NULL
    GROUP BY p.record_id, n.field
),
found AS (
    SELECT
        record_id,
        max(value.text) FILTER (field = 'account_id') AS account_id,
        max(value.text) FILTER (field = 'counterparty') AS counterparty,
        max(value.text) FILTER (field = 'domain') AS domain,
        max(value.text) FILTER (field = 'status') AS status,
        max(value.text) FILTER (field = 'signed') AS signed,
        max(value.text) FILTER (field = 'effective') AS effective,
        max(value.text) FILTER (field = 'expires') AS expires,
        max(value.text) FILTER (field = 'terminated') AS terminated,
        max(value.text) FILTER (field = 'auto_renew') AS auto_renew,
        max(value) FILTER (field = 'notice') AS notice,
        max({'text': value.text, 'exact': value.exact}) FILTER (field = 'value') AS value,
        max(value.text) FILTER (field = 'currency') AS currency,
        max(value.text) FILTER (field = 'tier') AS tier
    FROM told
    GROUP BY record_id
),
records AS (
    SELECT
        r.id, r.name, r.type, r.row_no,
        coalesce(CASE WHEN json_valid(r.counterparty) AND starts_with(r.counterparty, '{')
            THEN json_extract_string(r.counterparty, '$.name') ELSE r.counterparty END, f.counterparty) AS counterparty,
        coalesce(r.account_id, CASE WHEN json_valid(r.counterparty) AND starts_with(r.counterparty, '{')
            THEN json_extract_string(r.counterparty, '$.id') END, f.account_id) AS account_id,
        lower(coalesce(r.domain, f.domain)) AS domain,
        trim(regexp_replace(lower(coalesce(r.status, f.status)), '[^a-z]+', ' ', 'g')) AS status,
        -- an instant has a day in the zone; a date in a property is the day as written
        {'signed': coalesce(CAST((r.signed_at AT TIME ZONE 'UTC') AT TIME ZONE z.name AS DATE),
                try_cast(regexp_extract(f.signed, '^[12]\d{3}-\d\d-\d\d') AS DATE)),
            'effective': coalesce(CAST((r.effective_at AT TIME ZONE 'UTC') AT TIME ZONE z.name AS DATE),
                try_cast(regexp_extract(f.effective, '^[12]\d{3}-\d\d-\d\d') AS DATE)),
            'expires': coalesce(CAST((r.expires_at AT TIME ZONE 'UTC') AT TIME ZONE z.name AS DATE),
                try_cast(regexp_extract(f.expires, '^[12]\d{3}-\d\d-\d\d') AS DATE)),
            'terminated': coalesce(CAST((r.terminated_at AT TIME ZONE 'UTC') AT TIME ZONE z.name AS DATE),
                try_cast(regexp_extract(f.terminated, '^[12]\d{3}-\d\d-\d\d') AS DATE))} AS days,
        r.signed_at, lower(trim(coalesce(r.auto_renew, f.auto_renew))) AS renewal,
        CASE WHEN r.notice IS NOT NULL
            THEN {'text': trim(translate(r.notice, chr(160) || chr(8239), '  ')), 'exact': FALSE, 'unit': NULL}
            ELSE f.notice END AS notice,
        CASE WHEN r.value IS NOT NULL THEN {'text': trim(translate(r.value, chr(160) || chr(8239), '  ')), 'exact': FALSE}
            ELSE f.value END AS value,
        upper(trim(coalesce(r.currency, f.currency))) AS currency, coalesce(r.tier, f.tier) AS tier,
        CASE WHEN json_valid(r.amends_id) AND starts_with(r.amends_id, '{')
            THEN coalesce(json_extract_string(r.amends_id, '$.recordId'), json_extract_string(r.amends_id, '$.id'))
            ELSE r.amends_id END AS amends_id,
        CASE WHEN json_valid(r.parent_id) AND starts_with(r.parent_id, '{')
            THEN coalesce(json_extract_string(r.parent_id, '$.recordId'), json_extract_string(r.parent_id, '$.id'))
            ELSE r.parent_id END AS parent_id,
        z.name AS zone
    FROM src_record AS r
    CROSS JOIN zone AS z
    LEFT JOIN found AS f ON f.record_id = r.id
    QUALIFY row_number() OVER (PARTITION BY r.id ORDER BY r.row_no DESC) = 1
),
dated AS (
    SELECT * REPLACE (nullif(status, '') AS status),
        nullif(days.signed, DATE '1900-01-01') AS signed_on, nullif(days.effective, DATE '1900-01-01') AS effective_on,
        nullif(days.expires, DATE '1900-01-01') AS expires_on, nullif(days.terminated, DATE '1900-01-01') AS terminated_on
    FROM records
)
SELECT
    d.* EXCLUDE (days, signed_at, notice, value, renewal, amends_id, parent_id),
    CASE WHEN d.signed_on IS NOT NULL
        THEN coalesce(d.signed_at, (CAST(d.signed_on AS TIMESTAMP) AT TIME ZONE d.zone) AT TIME ZONE 'UTC') END AS signed_at,
    (CAST(d.effective_on AS TIMESTAMP) AT TIME ZONE d.zone) AT TIME ZONE 'UTC' AS effective_at,
    (CAST(d.terminated_on AS TIMESTAMP) AT TIME ZONE d.zone) AT TIME ZONE 'UTC' AS terminated_at,
    nullif(coalesce(d.amends_id, CASE WHEN regexp_matches(lower(concat_ws(' ', d.type, d.name)),
        '\b(amend|addend|renewal|extension|restate|variation)') THEN d.parent_id END), d.id) AS amends_id,
    d.parent_id,
    coalesce(d.status IN ('expired', 'terminated', 'ended', 'inactive', 'closed', 'superseded', 'replaced', 'archived',
        'cancelled', 'canceled'), FALSE) AS ended,
    CASE
        WHEN d.status IS NULL THEN d.signed_on IS NOT NULL
            OR NOT EXISTS (SELECT 1 FROM dated AS o WHERE o.signed_on IS NOT NULL OR o.status IS NOT NULL)
        -- something can be cancelled before it is signed
        WHEN d.status IN ('cancelled', 'canceled', 'archived', 'closed', 'inactive') THEN d.signed_on IS NOT NULL
        ELSE d.status IN ('signed', 'fully signed', 'countersigned', 'executed', 'fully executed', 'active', 'in effect',
            'effective', 'in force', 'current', 'live', 'complete', 'completed', 'amended', 'renewed', 'expired', 'terminated',
            'ended', 'superseded', 'replaced')
    END AS counted,
    CASE WHEN d.renewal IN ('yes', 'true', 'y', 't', '1', 'auto', 'automatic', 'auto renew', 'auto-renew', 'auto renewal',
            'auto-renewal', 'automatic renewal', 'evergreen') THEN TRUE
        WHEN d.renewal IN ('no', 'false', 'n', 'f', '0', 'manual', 'optional', 'optional extension', 'fixed', 'fixed term',
            'no auto-renewal', 'no auto renewal') THEN FALSE END AS auto_renew,
    d.notice.text AS notice_text,
    n.num * CASE coalesce(n.unit, d.notice.unit, 'days') WHEN 'days' THEN 1 WHEN 'weeks' THEN 7 WHEN 'months' THEN 30
        WHEN 'years' THEN 365 END AS notice_days,
    d.value.text AS value_text,
    -- a yen or a yuan differ in their minor units
    CASE WHEN v.unit IS NULL OR v.unit = '$' OR v.unit IN (SELECT code FROM clm_currencies)
        OR (v.unit = '¥' AND d.currency IN ('JPY', 'CNY')) THEN v.num END AS value_num,
    coalesce(v.two_readings, FALSE) AS value_open,
    coalesce(CASE WHEN v.unit IN (SELECT code FROM clm_currencies) THEN v.unit END, d.currency) AS value_currency
FROM dated AS d
LEFT JOIN clm_values AS n ON n.text = d.notice.text AND n.exact = d.notice.exact
LEFT JOIN clm_values AS v ON v.text = d.value.text AND v.exact = d.value.exact
