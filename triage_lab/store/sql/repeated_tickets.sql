-- Grain: one row per ticket all of whose signals repeat earlier signals of one other ticket; by ticket id.
WITH copies AS (
    SELECT
        s.ticket_id,
        CASE
            WHEN o.ticket_id <> s.ticket_id AND (o.received_at, o.signal_id) < (s.received_at, s.signal_id)
                THEN o.ticket_id
        END AS repeats
    FROM signals AS s
    LEFT JOIN signals AS o ON s.duplicate_of = o.signal_id
    WHERE s.ticket_id IS NOT NULL
)
SELECT c.ticket_id, min(c.repeats) AS repeats
FROM copies AS c
SEMI JOIN tickets AS t ON c.ticket_id = t.ticket_id
GROUP BY c.ticket_id
HAVING count(c.repeats) = count(*) AND count(DISTINCT c.repeats) = 1
ORDER BY c.ticket_id
