-- Grain: one sentence per row about the export; order fixed by the first column.
WITH spans AS (
    SELECT id, min(origin) AS origin, bool_or(numerator IS NULL) AS unpriced FROM stripe_amounts GROUP BY id
),
items AS (
    SELECT id, bool_or(tiered) AS tiered, bool_and(metered) AS only_metered, bool_or(metered) AS metered
    FROM stripe_items GROUP BY id
),
lasts AS (
    SELECT * FROM stripe_states QUALIFY version = max(version) OVER (PARTITION BY id)
),
test AS (
    SELECT count(*) AS n
    FROM (
        SELECT livemode FROM src_customer UNION ALL SELECT livemode FROM src_subscription
        UNION ALL SELECT livemode FROM src_subscription_history UNION ALL SELECT livemode FROM src_invoice
        UNION ALL SELECT livemode FROM src_credit_note UNION ALL SELECT livemode FROM src_charge
        UNION ALL SELECT livemode FROM src_event WHERE starts_with(type, 'customer.subscription.')
    )
    WHERE livemode IS FALSE
),
disputes AS (
    SELECT d.id, d.evidence_due_by
    FROM src_dispute AS d
    WHERE d.status IN ('won', 'lost', 'warning_closed', 'charge_refunded', 'prevented')
        AND d.id NOT IN (
            SELECT json_extract_string(data, '$.object.id') FROM src_event
            WHERE type = 'charge.dispute.closed' AND json_valid(data) AND json_extract_string(data, '$.object.id') IS NOT NULL
        )
)
SELECT 1 AS place, 'MRR definition: unit price x quantity of all items, normalised to a month (year / 12, week x 52 / 12, '
    || 'day x 365 / 12), less recurring discounts in force, without tax, proration and metered items; counted while a '
    || 'subscription is active or past_due' AS notice
WHERE EXISTS (SELECT 1 FROM stripe_states)
UNION ALL
SELECT 2, CASE WHEN (SELECT known FROM stripe_live) THEN format('{:,} rows of test mode are left out', n)
    ELSE format('all {:,} rows that say so are of test mode; they are kept', n) END
FROM test WHERE n > 0
UNION ALL
SELECT 3, format('plan, price and status changes before the export are not known for {:,} of {:,} subscriptions: what the '
    || 'export says holds from their start on (look-ahead risk); load events or subscription_history with _fivetran_start',
    count(*) FILTER (WHERE origin >= 3), count(*))
FROM spans HAVING count(*) FILTER (WHERE origin >= 3) > 0
UNION ALL
SELECT 4, format('{:,} subscriptions changed before their first event; what changed earlier than that is not known (look-ahead '
    || 'risk)', count(*))
FROM stripe_states WHERE origin = 1 AND assumed HAVING count(*) > 0
UNION ALL
SELECT 5, format('{:,} subscriptions have dated states, but their items and prices are those of the export', count(DISTINCT id))
FROM stripe_states WHERE origin = 2 AND items IS NULL HAVING count(*) > 0
UNION ALL
SELECT 6, format('{:,} rows of subscription_history are over and do not say when they began; they are left out', count(*))
FROM src_subscription_history WHERE _fivetran_start IS NULL AND _fivetran_active IS FALSE HAVING count(*) > 0
UNION ALL
SELECT 7, format('{:,} of {:,} subscriptions have no MRR for some or all of their time: {:,} with tiered prices, {:,} with '
    || 'metered items only, {:,} without a usable price', count(*) FILTER (WHERE unpriced), count(*),
    count(*) FILTER (WHERE unpriced AND i.tiered), count(*) FILTER (WHERE unpriced AND i.only_metered AND NOT i.tiered),
    count(*) FILTER (WHERE unpriced AND NOT coalesce(i.tiered OR i.only_metered, FALSE)))
FROM spans AS s LEFT JOIN items AS i ON i.id = s.id HAVING count(*) FILTER (WHERE unpriced) > 0
UNION ALL
SELECT 8, format('metered items of {:,} subscriptions are not part of MRR', count(*))
FROM items WHERE metered AND NOT only_metered HAVING count(*) > 0
UNION ALL
SELECT 9, format('{:,} subscriptions have a discount whose coupon is not in the export; it is not subtracted',
    count(DISTINCT id))
FROM stripe_discounts WHERE known IS NOT TRUE HAVING count(*) > 0
UNION ALL
SELECT 10, format('approximate: {:,} subscriptions are unpaid or paused in the export, counted from the start of their '
    || 'current period', count(*))
FROM lasts WHERE changed_at IS NOT NULL HAVING count(*) > 0
UNION ALL
SELECT 11, format('{:,} invoices were never issued (drafts and deleted ones); they are left out', count(*))
FROM stripe_invoices WHERE unissued AND NOT test HAVING count(*) > 0
UNION ALL
SELECT 12, format('approximate: {:,} invoices do not say when they were issued, the end of their period is taken', count(*))
FROM stripe_invoices WHERE approximate AND issued_at IS NOT NULL AND NOT unissued AND NOT test HAVING count(*) > 0
UNION ALL
SELECT 13, format('{:,} paid invoices do not say when they were paid; they count as never owed', count(*))
FROM stripe_invoices WHERE status = 'paid' AND paid_at IS NULL AND NOT unissued AND NOT test HAVING count(*) > 0
UNION ALL
SELECT 14, format('{:,} voided credit notes are left out', count(*))
FROM src_credit_note WHERE status = 'void' OR voided_at IS NOT NULL HAVING count(*) > 0
UNION ALL
SELECT 15, format('{:,} refunds that failed or were canceled are left out', count(*))
FROM src_refund WHERE status IN ('failed', 'canceled') HAVING count(*) > 0
UNION ALL
SELECT 16, format('approximate: {:,} closed disputes do not say when they were closed; {:,} count until evidence was due, '
    || '{:,} as still open', count(*), count(evidence_due_by), count(*) - count(evidence_due_by))
FROM disputes HAVING count(*) > 0
UNION ALL
SELECT 17, format('{:,} amounts in {} are taken in Stripe''s own unit and stored in ISO 4217 minor units', count(*),
    string_agg(DISTINCT upper(currency), ', ' ORDER BY upper(currency)))
FROM (
    SELECT currency FROM src_invoice UNION ALL SELECT currency FROM src_refund UNION ALL SELECT currency FROM src_credit_note
    UNION ALL SELECT currency FROM stripe_items
)
WHERE upper(currency) IN ('ISK', 'UGX', 'MGA') HAVING count(*) > 0
UNION ALL
SELECT 18, 'amounts of the Dashboard''s lists are taken in major units; Amount of a subscription as the price of one unit'
WHERE EXISTS (SELECT 1 FROM src_subscription WHERE created_utc IS NOT NULL)
    OR EXISTS (SELECT 1 FROM src_invoice WHERE created_utc IS NOT NULL)
UNION ALL
SELECT 19, format('{:,} of {:,} invoice lines are prorations; MRR comes from prices, not from invoice lines',
    count(*) FILTER (WHERE proration), count(*))
FROM src_invoice_line_item HAVING count(*) FILTER (WHERE proration) > 0
UNION ALL
SELECT 20, format('{:,} customers are deleted; they are kept, because tickets from before may be theirs', count(*))
FROM src_customer WHERE is_deleted HAVING count(*) > 0
ORDER BY place
