-- Grain: one row per ticket, in row order: when what the account owed had last changed by arrival (an invoice issued or
-- paid), and when its disputes had (opened or closed); UTC epoch seconds.
WITH owed AS (
    SELECT account_id, issued_at AS "at" FROM triage_invoices
    UNION
    SELECT account_id, paid_at FROM triage_invoices WHERE paid_at >= issued_at
),
disputes AS (
    SELECT account_id, disputed_at AS "at" FROM triage_invoices WHERE disputed_at IS NOT NULL
    UNION
    SELECT account_id, dispute_closed_at FROM triage_invoices WHERE dispute_closed_at >= disputed_at
)
SELECT
    epoch_us(date_trunc('second', o."at")) // 1000000 AS value_as_of,
    epoch_us(date_trunc('second', d."at")) // 1000000 AS dispute_as_of
FROM triage_arrivals AS t
ASOF LEFT JOIN owed AS o ON t.account_id = o.account_id AND t.created_at >= o."at"
ASOF LEFT JOIN disputes AS d ON t.account_id = d.account_id AND t.created_at >= d."at"
ORDER BY t.row
