-- Grain: one row per customer. Times UTC; name, domain and country as of the export, known from the customer's creation on.
WITH customers AS (
    SELECT *, lower(trim(split_part(email, '@', -1))) AS host,
        CASE WHEN json_valid(metadata) AND json_type(metadata) = 'OBJECT' THEN metadata END AS notes
    FROM src_customer
    WHERE livemode IS NOT FALSE OR NOT (SELECT known FROM stripe_live)
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY row_no DESC) = 1
),
others AS (
    SELECT id, string_agg(DISTINCT trim(value), '|' ORDER BY trim(value)) AS external_id
    FROM (
        SELECT id, key, json_extract_string(notes, '/' || replace(replace(key, '~', '~0'), '/', '~1')) AS value
        FROM (SELECT id, notes, unnest(json_keys(notes)) AS key FROM customers)
    )
    WHERE trim(value) <> '' AND regexp_replace(lower(key), '[^a-z]+', '_', 'g') IN (
        'external_id', 'account_id', 'crm_id', 'salesforce_id', 'salesforce_account_id', 'sfdc_id', 'sfdc_account_id',
        'hubspot_id', 'hubspot_company_id', 'zendesk_id', 'zendesk_organization_id', 'organization_id', 'company_id'
    )
    GROUP BY id
)
SELECT
    c.id AS account_id,
    coalesce(nullif(trim(c.name), ''), nullif(trim(c.description), '')) AS name,
    -- hosts where anybody has an address say nothing about a company
    CASE WHEN contains(c.email, '@') AND contains(c.host, '.') AND c.host NOT IN (
        'aol.com', 'fastmail.com', 'gmail.com', 'gmx.at', 'gmx.ch', 'gmx.de', 'gmx.net', 'googlemail.com', 'hotmail.com',
        'icloud.com', 'live.com', 'mail.com', 'mail.ru', 'me.com', 'msn.com', 'outlook.com', 'proton.me', 'protonmail.com',
        'qq.com', 't-online.de', 'web.de', 'yahoo.com', 'yandex.ru', 'ymail.com', 'zoho.com', 'example.com', 'email.com'
    ) THEN c.host END AS domain,
    o.external_id,
    c.address_country AS region,
    coalesce(c.created, c.created_utc) AS valid_from
FROM customers AS c
LEFT JOIN others AS o ON o.id = c.id
ORDER BY account_id
