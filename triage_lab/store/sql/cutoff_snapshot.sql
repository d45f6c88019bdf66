-- Grain: one row at most: the snapshot (UTC epoch seconds, floored) of the newest load up to $1 that has one.
WITH of_tickets AS (
    SELECT load_id, max(snapshot_at) AS snapshot_at
    FROM tickets_rows
    WHERE load_id <= $1
    GROUP BY load_id
)
SELECT epoch_us(date_trunc('second', coalesce(l.snapshot_at, t.snapshot_at))) // 1000000
FROM loads AS l
LEFT JOIN of_tickets AS t USING (load_id)
WHERE l.load_id <= $1 AND coalesce(l.snapshot_at, t.snapshot_at) IS NOT NULL
ORDER BY l.load_id DESC
LIMIT 1
