-- Grain: one row per schedule that a ticket was put on, and since when. Times UTC.
WITH names AS (
    SELECT regexp_replace(trim(id), '\.0+$', '') AS schedule_id, min(trim(name)) AS name FROM src_schedule GROUP BY ALL
)
SELECT DISTINCT
    regexp_replace(trim(put.ticket_id), '\.0+$', '') AS ticket_id, put.created_at AS "at",
    regexp_replace(trim(put.schedule_id), '\.0+$', '') AS schedule_id, names.name
FROM src_ticket_schedule AS put
LEFT JOIN names ON names.schedule_id = regexp_replace(trim(put.schedule_id), '\.0+$', '')
ORDER BY ALL
