-- Grain: one row per ticket, in row order: what the account owed at arrival, in major units of the lab's currency $2; the
-- oldest due day in zone $1; whether a dispute was open. An invoice is owed from issued_at until paid_at. Void invoices
-- and paid ones without a date of payment were never owed as far as the data tell. has_history: an invoice existed by then.
-- An amount of 10^14 minor units or more is taken for a typing error: unknown.
WITH bills AS (
    SELECT
        i.account_id, i.total_minor, i.due_at, i.issued_at, i.disputed_at,
        coalesce(i.currency, $2) AS currency,
        coalesce(i.paid_at, TIMESTAMP 'infinity') AS paid_at,
        coalesce(i.status, '') <> 'void' AND NOT (coalesce(i.status, '') = 'paid' AND i.paid_at IS NULL) AS owed,
        coalesce(i.dispute_closed_at, TIMESTAMP 'infinity') AS dispute_closed_at
    FROM triage_invoices AS i
    JOIN triage_spans AS s ON i.account_id = s.account_id
    WHERE coalesce(i.paid_at > s.first_at, TRUE)
       OR (i.disputed_at IS NOT NULL AND coalesce(i.dispute_closed_at > s.first_at, TRUE))
),
begun AS (
    SELECT account_id, min(issued_at) AS issued_at
    FROM triage_invoices
    GROUP BY account_id
),
points AS (
    SELECT DISTINCT p.account_id, greatest(p."at", s.first_at) AS "at"
    FROM (
        SELECT account_id, issued_at AS "at" FROM bills
        UNION ALL
        SELECT account_id, paid_at FROM bills WHERE paid_at < TIMESTAMP 'infinity'
        UNION ALL
        SELECT account_id, disputed_at FROM bills WHERE disputed_at IS NOT NULL
        UNION ALL
        SELECT account_id, dispute_closed_at FROM bills WHERE dispute_closed_at < TIMESTAMP 'infinity'
        UNION ALL
        SELECT b.account_id, f.since FROM bills AS b JOIN triage_fx AS f ON b.currency = f.currency
    ) AS p
    JOIN triage_spans AS s ON p.account_id = s.account_id AND p."at" <= s.last_at
),
timeline AS (
    SELECT
        p.account_id, p."at",
        bool_or(f.factor IS NULL OR try_cast(b.total_minor AS DECIMAL(14, 0)) IS NULL)
            FILTER (b.owed AND b.issued_at <= p."at" AND p."at" < b.paid_at) AS unpriced,
        sum(try_cast(b.total_minor AS DECIMAL(14, 0)) * f.factor)
            FILTER (b.owed AND b.issued_at <= p."at" AND p."at" < b.paid_at) AS amount,
        min(b.due_at) FILTER (b.owed AND b.issued_at <= p."at" AND p."at" < b.paid_at) AS oldest_due_at,
        bool_or(b.disputed_at <= p."at" AND p."at" < b.dispute_closed_at) AS disputed
    FROM points AS p
    JOIN bills AS b ON p.account_id = b.account_id
    LEFT JOIN triage_fx AS f ON b.currency = f.currency AND f.since <= p."at" AND p."at" < f.until
    GROUP BY p.account_id, p."at"
)
SELECT
    coalesce(g.issued_at <= t.created_at, FALSE) AS has_history,
    coalesce(l.unpriced, FALSE) AS unpriced,
    CAST(CAST(l.amount AS VARCHAR) AS DOUBLE) AS balance_due,
    CAST((l.oldest_due_at AT TIME ZONE 'UTC') AT TIME ZONE $1 AS DATE) AS oldest_due_on,
    coalesce(l.disputed, FALSE) AS open_dispute
FROM triage_arrivals AS t
ASOF LEFT JOIN timeline AS l ON t.account_id = l.account_id AND t.created_at >= l."at"
LEFT JOIN begun AS g ON t.account_id = g.account_id
ORDER BY t.row
