-- Grain: one row per ticket and tag that it bears when the export is taken.
SELECT DISTINCT ticket_id, tag
FROM (
    SELECT ticket_id, unnest(tag_list) AS tag FROM held
    UNION ALL
    SELECT regexp_replace(trim(ticket_id), '\.0+$', ''), lower(trim(tag)) FROM src_ticket_tag
)
WHERE tag <> ''
ORDER BY ticket_id, tag
