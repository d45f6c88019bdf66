-- Grain: one row per lookup of run $1 (of ticket $2 alone unless it is NULL), in the order of tickets, fields and systems
-- asked; times are UTC.
SELECT
    r.run_id,
    t.ticket_id,
    field.term AS field,
    asked.term AS source,
    d.value,
    d.status::VARCHAR AS status,
    make_timestamp(d.looked_up_at * 1000000) AS looked_up_at,
    make_timestamp(d.value_as_of * 1000000) AS value_as_of
FROM lookup_rows AS d
JOIN runs AS r ON d.run_no = r.run_no
LEFT JOIN ticket_ids AS t ON d.ticket_key = t.ticket_key
LEFT JOIN run_terms AS field ON d.run_no = field.run_no AND d.field_no = field.term_no
LEFT JOIN run_terms AS asked ON d.run_no = asked.run_no AND d.source_no = asked.term_no
WHERE r.run_id = $1
  AND ($2::VARCHAR IS NULL OR t.ticket_id = $2::VARCHAR)
ORDER BY d.rowid
