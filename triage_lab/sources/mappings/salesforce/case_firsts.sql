-- Grain: one row per case and field that changed: its value at creation, which is the old value of the first change.
SELECT case_id, field, coalesce(old_text, old_id) AS value
FROM case_changes
WHERE field <> 'owner'
QUALIFY row_number() OVER (PARTITION BY case_id, field ORDER BY nth) = 1
