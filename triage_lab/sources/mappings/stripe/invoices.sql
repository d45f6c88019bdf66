-- Grain: one row per invoice that was issued; drafts, deleted and test invoices are left out. Times UTC; total_minor in
-- ISO 4217 minor units.
WITH closings AS (
    SELECT json_extract_string(data, '$.object.id') AS id, min(created) AS closed_at
    FROM src_event
    WHERE type = 'charge.dispute.closed' AND json_valid(data)
    GROUP BY ALL
),
disputes AS (
    SELECT
        d.charge_id, d.payment_intent_id, d.created AS disputed_at,
        -- Stripe keeps no closing time: the event has it; else nobody decided before evidence was due
        coalesce(c.closed_at, CASE WHEN d.status IN ('won', 'lost', 'warning_closed', 'charge_refunded', 'prevented')
            AND d.evidence_due_by IS NOT NULL THEN greatest(d.evidence_due_by, d.created) END) AS closed_at
    FROM (SELECT * FROM src_dispute QUALIFY row_number() OVER (PARTITION BY id ORDER BY row_no DESC) = 1) AS d
    LEFT JOIN closings AS c ON c.id = d.id
),
disputed AS (
    SELECT invoice_id, min(disputed_at) AS disputed_at,
        CASE WHEN bool_and(closed_at IS NOT NULL) THEN max(closed_at) END AS closed_at
    FROM (
        SELECT p.invoice_id, d.* FROM disputes AS d JOIN stripe_payments AS p ON p.charge_id = d.charge_id
        UNION ALL
        SELECT p.invoice_id, d.* FROM disputes AS d JOIN stripe_payments AS p ON p.payment_intent_id = d.payment_intent_id
    )
    GROUP BY invoice_id
)
SELECT
    i.id AS invoice_id, i.customer_id AS account_id, i.issued_at, i.due_at, i.total_minor, i.currency, i.paid_at, i.status,
    d.disputed_at, d.closed_at AS dispute_closed_at
FROM stripe_invoices AS i
LEFT JOIN disputed AS d ON d.invoice_id = i.id
WHERE NOT i.test AND NOT i.unissued
ORDER BY invoice_id
