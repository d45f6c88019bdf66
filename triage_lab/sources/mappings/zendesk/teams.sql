-- Grain: one row per group: the name by which its team is called. Two groups of one name are told apart by their ids.
WITH newest AS (
    SELECT regexp_replace(trim(id), '\.0+$', '') AS group_id, trim(name) AS name
    FROM src_group
    QUALIFY row_number() OVER (PARTITION BY group_id ORDER BY updated_at DESC NULLS LAST, row_no DESC) = 1
)
SELECT
    group_id,
    CASE WHEN count(*) OVER (PARTITION BY name) > 1 THEN name || ' (' || group_id || ')' ELSE name END AS team_id
FROM newest
ORDER BY group_id
