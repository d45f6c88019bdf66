-- Grain: one row per event of ticket $1, in order; "at" is UTC epoch seconds, floored.
SELECT
    epoch_us(date_trunc('second', e."at")) // 1000000 AS "at",
    e.* EXCLUDE ("at")
FROM ticket_events AS e
WHERE e.ticket_id = $1
ORDER BY e."at", coalesce(e.seq, 0), e.event_id
