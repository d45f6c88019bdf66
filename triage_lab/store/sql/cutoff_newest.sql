-- Grain: one row: the newest stored time (UTC epoch seconds, floored), at most 30 days past the newest arrival.
WITH newest AS (
    SELECT (SELECT max(created_at) FROM tickets) AS arrival, (SELECT max("at") FROM ticket_events) AS event
)
SELECT epoch_us(date_trunc('second', least(greatest(arrival, coalesce(event, arrival)), arrival + INTERVAL 30 DAY)))
    // 1000000
FROM newest
