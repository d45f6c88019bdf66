-- Grain: one row per case, the newest row that the export has of it; ids in their form of 18 characters; times UTC.
-- closed: as of the export. is_gone: in the recycle bin or deleted.
WITH long_ids AS (
    SELECT
        COLUMNS(lambda name: NOT ends_with('_' || name, '_id')),
        long_id(COLUMNS('^(?:.*_)?id$')) AS '\0'
    FROM src_case
)
SELECT
    *,
    lower(trim(status)) AS word,
    coalesce(is_closed, closed_date IS NOT NULL) AS closed,
    coalesce(is_deleted, FALSE) OR coalesce(fivetran_deleted, FALSE) AS is_gone
FROM long_ids
QUALIFY row_number() OVER (
    PARTITION BY id
    ORDER BY fivetran_start DESC NULLS LAST, coalesce(system_modstamp, last_modified_date, fivetran_synced) DESC
        NULLS LAST, row_no DESC
) = 1
