-- Grain: one row per ticket and second in which its group changed: the group at the end of that second.
SELECT ticket_id, date_trunc('second', "at") AS since, arg_max_null(group_id, ord) AS group_id
FROM moves
GROUP BY ticket_id, since
ORDER BY ticket_id, since
