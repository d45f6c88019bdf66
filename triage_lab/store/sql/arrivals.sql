-- Grain: one row per ticket, in the order of a run: by arrival (floored to the second), then ticket id bytewise; "row"
-- counts from 0. arrived_at is UTC epoch seconds, created_at keeps its full precision for the as-of joins.
CREATE OR REPLACE TEMP TABLE triage_arrivals AS
SELECT
    CAST(row_number() OVER (ORDER BY date_trunc('second', created_at), ticket_id) - 1 AS UINTEGER) AS row,
    ticket_id,
    ticket_key,
    created_at,
    epoch_us(date_trunc('second', created_at)) // 1000000 AS arrived_at,
    account_id,
    category,
    subcategory,
    product_module,
    channel,
    inbox,
    language,
    type,
    priority_at_creation
FROM tickets
ORDER BY row
