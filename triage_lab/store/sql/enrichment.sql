-- Grain: one row per lookup made by cutoff $1 (UTC epoch seconds); "row" is the ticket's place in the order of a run.
SELECT
    t.row, e.field, e.source, e.value, e.status,
    epoch_us(date_trunc('second', e.looked_up_at)) // 1000000 AS looked_up_at,
    epoch_us(date_trunc('second', e.value_as_of)) // 1000000 AS value_as_of
FROM enrichment_log AS e
JOIN triage_arrivals AS t ON e.ticket_id = t.ticket_id
WHERE epoch_us(date_trunc('second', e.looked_up_at)) // 1000000 <= $1
ORDER BY t.row, e.field, e.looked_up_at, e.source
