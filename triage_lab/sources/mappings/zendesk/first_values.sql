-- Grain: one row per ticket and field of which anything is recorded: its value when the ticket arrived. A field that
-- was first filled later (is_later) had none then, unless that change tells what stood there before.
WITH told AS (
    SELECT
        ticket_id, field, max(slot) AS slot, bool_or(is_custom) AS is_custom,
        CASE WHEN bool_or(at_creation) THEN arg_min(new_value, ord) FILTER (at_creation AND new_value IS NOT NULL)
            ELSE arg_min(old_value, ord) FILTER (nth = 1) END AS value,
        count(new_value) > 0 AS is_ever
    FROM changes
    GROUP BY ticket_id, field
)
SELECT ticket_id, field, slot, is_custom, value, value IS NULL AND is_ever AS is_later
FROM told
ORDER BY ticket_id, field
