-- Grain: one row. known: whether the export has any row of live mode, so that rows of test mode can be told apart.
SELECT coalesce(bool_or(livemode), FALSE) AS known
FROM (
    SELECT livemode FROM src_customer UNION ALL SELECT livemode FROM src_subscription
    UNION ALL SELECT livemode FROM src_subscription_history UNION ALL SELECT livemode FROM src_invoice
    UNION ALL SELECT livemode FROM src_charge UNION ALL SELECT livemode FROM src_event
)
