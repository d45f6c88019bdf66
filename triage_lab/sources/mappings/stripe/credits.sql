-- Grain: one row per credit note that was not voided. Times UTC; amount_minor in ISO 4217 minor units.
WITH notes AS (
    SELECT *, coalesce(json_extract_string(CASE WHEN starts_with(customer_id, '{') THEN customer_id END, '$.id'), customer_id)
        AS payer
    FROM src_credit_note
    WHERE coalesce(status, '') <> 'void' AND voided_at IS NULL
        AND (livemode IS NOT FALSE OR NOT (SELECT known FROM stripe_live))
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY row_no DESC) = 1
)
SELECT
    n.id AS credit_id, coalesce(n.payer, i.customer_id) AS account_id, t.ticket_id, n.invoice_id,
    try_cast(round(try_cast(CAST(coalesce(n.total, n.amount) AS VARCHAR) AS DECIMAL(24, 6)) * coalesce(u.api, 1)) AS BIGINT)
        AS amount_minor,
    upper(n.currency) AS currency, n.created AS issued_at
FROM notes AS n
LEFT JOIN stripe_invoices AS i ON i.id = n.invoice_id
LEFT JOIN stripe_tickets AS t ON t.id = n.id
LEFT JOIN stripe_units AS u ON u.currency = upper(n.currency)
ORDER BY credit_id
