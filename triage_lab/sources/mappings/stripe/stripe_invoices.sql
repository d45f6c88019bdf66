-- Grain: one row per invoice of the export, with what the tables take from it. Times UTC; total_minor in ISO 4217 minor
-- units. test: of test mode beside live rows.
SELECT
    i.id, coalesce(json_extract_string(CASE WHEN starts_with(i.customer_id, '{') THEN i.customer_id END, '$.id'), i.customer_id)
        AS customer_id,
    i.charge_id, i.payment_intent_id, i.paid_at,
    i.livemode IS FALSE AND (SELECT known FROM stripe_live) AS test,
    i.is_deleted IS TRUE OR lower(trim(coalesce(i.status, ''))) IN ('draft', 'deleted') AS unissued,
    coalesce(i.finalized_at, i.created, i.created_utc, i.period_end) AS issued_at,
    coalesce(i.finalized_at, i.created, i.created_utc) IS NULL AS approximate,
    coalesce(i.due_date, CASE WHEN i.collection_method = 'charge_automatically'
        THEN coalesce(i.finalized_at, i.created, i.created_utc, i.period_end) END) AS due_at,
    coalesce(lower(trim(i.status)), CASE WHEN i.paid OR i.paid_at IS NOT NULL THEN 'paid' ELSE 'open' END) AS status,
    upper(i.currency) AS currency,
    -- the Dashboard writes major units
    try_cast(round(try_cast(CAST(i.total AS VARCHAR) AS DECIMAL(24, 6))
        * CASE WHEN i.created_utc IS NOT NULL THEN coalesce(u.iso, 100) ELSE coalesce(u.api, 1) END) AS BIGINT) AS total_minor
FROM src_invoice AS i
LEFT JOIN stripe_units AS u ON u.currency = upper(i.currency)
QUALIFY row_number() OVER (PARTITION BY i.id ORDER BY i.row_no DESC) = 1
