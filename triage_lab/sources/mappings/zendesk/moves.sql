-- Grain: one row per group that a ticket was given, in the order of time (ord), NULL where it was taken from all. Where
-- the first change tells an earlier group, that one is there since ever.
SELECT ticket_id, TIMESTAMP '1000-01-01' AS "at", CAST(0 AS BIGINT) AS ord, old_value AS group_id
FROM changes WHERE field = 'group_id' AND nth = 1 AND old_value IS NOT NULL
UNION ALL
SELECT ticket_id, "at", ord, new_value FROM changes WHERE field = 'group_id'
ORDER BY ticket_id, ord
