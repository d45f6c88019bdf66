-- Grain: one row per status that a ticket took, from "at" until the next (NULL: still), in the vendor's five words and
-- deleted. is_done = it was solved or closed then and had not been before.
WITH told AS (
    SELECT
        ticket_id, ord, "at",
        regexp_replace(replace(lower(trim(new_value)), '-', ''), '^onhold$', 'hold') AS state,
        regexp_replace(replace(lower(trim(old_value)), '-', ''), '^onhold$', 'hold') AS state_before
    FROM changes
    WHERE field = 'status'
)
SELECT
    *,
    lead("at") OVER (PARTITION BY ticket_id ORDER BY ord) AS until,
    state IN ('solved', 'closed') AND coalesce(state_before, '') NOT IN ('solved', 'closed') AS is_done
FROM told
ORDER BY ticket_id, ord
