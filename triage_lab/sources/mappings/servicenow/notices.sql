-- Grain: one sentence per row about the loaded log; order fixed by the first column.
WITH ordered AS (
    SELECT *, row_number() OVER (
        PARTITION BY number ORDER BY sys_mod_count NULLS LAST, sys_updated_at, row_no
    ) AS nth
    FROM source_rows
)
SELECT 1 AS place, format('{:,} rows have the state -100, which is taken as unknown', count(*)) AS notice
FROM ordered WHERE incident_state = '-100' HAVING count(*) > 0
UNION ALL
SELECT 2, format('{:,} of {:,} cases start in a state other than New; their first row is later than their creation',
    count(*) FILTER (WHERE lower(trim(incident_state)) <> 'new'), count(*))
FROM ordered WHERE nth = 1 HAVING count(*) FILTER (WHERE lower(trim(incident_state)) <> 'new') > 0
UNION ALL
SELECT 3, format('{:,} pairs of number and sys_mod_count occur more than once; the file''s order decides', count(*))
FROM (
    SELECT number FROM ordered WHERE sys_mod_count IS NOT NULL GROUP BY number, sys_mod_count HAVING count(*) > 1
)
HAVING count(*) > 0
UNION ALL
SELECT 4, 'first_action_at is approximate: when a case first left New' WHERE EXISTS (SELECT 1 FROM ordered)
ORDER BY place
