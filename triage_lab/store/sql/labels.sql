-- Grain: one row per label of a ticket that arrived by cutoff $1 (UTC epoch seconds); labels are made after the fact, so
-- their own time does not matter. "row" is the ticket's place in the order of a run.
SELECT t.row, l.field, l.value
FROM labels AS l
JOIN triage_arrivals AS t ON l.ticket_id = t.ticket_id
WHERE t.arrived_at <= $1
ORDER BY t.row, l.field, l.labelled_at NULLS LAST, l.labelled_by NULLS LAST, l.value
