-- Grain: one row per lookup, times in UTC: those that the systems logged, and those that the newest run that looked
-- anything up replayed (replayed = TRUE).
CREATE OR REPLACE VIEW enrichment_all AS
SELECT ticket_id, field, source, value, status, looked_up_at, value_as_of, FALSE AS replayed
FROM enrichment_log
UNION ALL
SELECT ticket_id, field, source, value, status, looked_up_at, value_as_of, TRUE
FROM lookups
WHERE run_id = (SELECT run_id FROM runs WHERE run_no = (SELECT max(run_no) FROM lookup_rows))
