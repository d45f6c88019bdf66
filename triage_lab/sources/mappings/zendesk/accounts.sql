-- Grain: one row per organisation, true since it was made: the export holds its newest state only.
WITH newest AS (
    SELECT regexp_replace(trim(id), '\.0+$', '') AS account_id, name, external_id, domain_names, created_at, row_no
    FROM src_organization
    QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY updated_at DESC NULLS LAST, row_no DESC) = 1
),
domains AS (
    SELECT account_id, string_agg(DISTINCT domain, '|' ORDER BY domain) AS domain
    FROM (
        SELECT account_id, unnest(regexp_extract_all(lower(domain_names), '[^\[\]",;|\s]+')) AS domain FROM newest
        UNION ALL
        SELECT regexp_replace(trim(organization_id), '\.0+$', ''), lower(trim(domain_name)) FROM src_domain_name
    )
    WHERE domain <> ''
    GROUP BY account_id
)
SELECT newest.account_id, newest.name, domains.domain, newest.external_id, newest.created_at AS valid_from
FROM newest
LEFT JOIN domains ON domains.account_id = newest.account_id
ORDER BY newest.row_no
