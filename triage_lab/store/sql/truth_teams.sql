-- Grain: one row per ticket, label and acceptable team, in the order in which they were named: by row, time of labelling,
-- labeller, place in the label.
WITH named AS (
    SELECT
        t.row, l.labelled_at, l.labelled_by,
        unnest(string_split(l.value, '|')) AS team,
        generate_subscripts(string_split(l.value, '|'), 1) AS place
    FROM labels AS l
    JOIN triage_arrivals AS t ON l.ticket_id = t.ticket_id
    WHERE l.field = 'truth_team'
)
SELECT row, trim(team) AS team
FROM named
WHERE trim(team) <> ''
ORDER BY row, labelled_at NULLS LAST, labelled_by NULLS LAST, place
