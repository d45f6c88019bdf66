-- Grain: one row per refund that did not fail. Times UTC; amount_minor in ISO 4217 minor units.
WITH charges AS (
    SELECT *, coalesce(json_extract_string(CASE WHEN starts_with(customer_id, '{') THEN customer_id END, '$.id'), customer_id)
        AS payer
    FROM src_charge
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY row_no DESC) = 1
),
refunds AS (
    SELECT r.*, c.invoice_id, c.payer, coalesce(r.payment_intent_id, c.payment_intent_id) AS intent_id,
        c.livemode IS FALSE AND (SELECT known FROM stripe_live) AS test
    FROM (SELECT * FROM src_refund QUALIFY row_number() OVER (PARTITION BY id ORDER BY row_no DESC) = 1) AS r
    LEFT JOIN charges AS c ON c.id = r.charge_id
    WHERE coalesce(r.status, '') NOT IN ('failed', 'canceled')
),
billed AS (
    SELECT b.id, min(i.id) AS invoice_id, arg_min(i.customer_id, i.id) AS payer
    FROM (
        SELECT id, invoice_id FROM refunds
        UNION ALL
        SELECT r.id, p.invoice_id FROM refunds AS r JOIN stripe_payments AS p ON p.charge_id = r.charge_id
        UNION ALL
        SELECT r.id, p.invoice_id FROM refunds AS r JOIN stripe_payments AS p ON p.payment_intent_id = r.intent_id
    ) AS b
    JOIN stripe_invoices AS i ON i.id = b.invoice_id
    GROUP BY b.id
)
SELECT
    r.id AS refund_id, coalesce(r.payer, b.payer) AS account_id, t.ticket_id,
    coalesce(r.invoice_id, b.invoice_id) AS invoice_id,
    try_cast(round(try_cast(CAST(r.amount AS VARCHAR) AS DECIMAL(24, 6)) * coalesce(u.api, 1)) AS BIGINT) AS amount_minor,
    upper(r.currency) AS currency, r.created AS issued_at
FROM refunds AS r
LEFT JOIN billed AS b ON b.id = r.id
LEFT JOIN stripe_tickets AS t ON t.id = r.id
LEFT JOIN stripe_units AS u ON u.currency = upper(r.currency)
WHERE NOT r.test
ORDER BY refund_id
