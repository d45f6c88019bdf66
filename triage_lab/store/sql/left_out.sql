-- Grain: one row per ticket that by the snapshot was merged, a duplicate, deleted or spam, in row order.
SELECT t.row, k.status_class AS reason
FROM triage_arrivals AS t
JOIN tickets AS k ON t.ticket_id = k.ticket_id
WHERE k.status_class IN ('merged', 'duplicate', 'deleted', 'spam')
ORDER BY t.row
