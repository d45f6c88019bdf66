-- Grain: one row per ticket id that load $1 brought for the first time.
INSERT INTO ticket_ids
SELECT DISTINCT r.ticket_key, r.ticket_id
FROM tickets_rows AS r
ANTI JOIN ticket_ids AS known ON r.ticket_key = known.ticket_key
WHERE r.load_id = $1
ORDER BY r.ticket_id
