-- Grain: one row per channel, inbox, weekday (0 = Monday) and hour of zone $1 in which something arrived from $2 to before
-- $3 (UTC epoch seconds; NULL = unbounded): arrivals = first deliveries; repeats = further deliveries of these; from_tickets
-- = arrivals that are known by the ticket alone, because no signal of it is stored. A signal without channel or inbox has
-- those of its ticket.
WITH arrived AS (
    SELECT
        coalesce(s.channel, t.channel) AS channel,
        coalesce(s.inbox, t.inbox) AS inbox,
        s.received_at AS "at",
        s.duplicate_of IS NOT NULL AS repeated,
        FALSE AS from_ticket
    FROM signals AS s
    LEFT JOIN tickets AS t ON s.ticket_id = t.ticket_id
    UNION ALL
    SELECT t.channel, t.inbox, t.created_at, FALSE, TRUE
    FROM tickets AS t
    ANTI JOIN signals AS s ON t.ticket_id = s.ticket_id
),
local AS (
    SELECT *, ("at" AT TIME ZONE 'UTC') AT TIME ZONE $1 AS local_at
    FROM arrived
    WHERE ($2::BIGINT IS NULL OR "at" >= make_timestamp($2::BIGINT * 1000000))
      AND ($3::BIGINT IS NULL OR "at" < make_timestamp($3::BIGINT * 1000000))
)
SELECT
    channel,
    inbox,
    isodow(local_at) - 1 AS weekday,
    hour(local_at) AS hour,
    count(*) FILTER (NOT repeated) AS arrivals,
    count(*) FILTER (repeated) AS repeats,
    count(*) FILTER (from_ticket) AS from_tickets
FROM local
GROUP BY ALL
ORDER BY channel NULLS LAST, inbox NULLS LAST, weekday, hour
