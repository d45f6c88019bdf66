-- Grain: one row per link that people loaded (not one that the lab found), as of the load in view.
SELECT r.source, r.source_id, r.account_id
FROM account_links_rows AS r
ANTI JOIN (
    SELECT load_id, row_no
    FROM account_links_superseded
    WHERE superseded_by <= coalesce(getvariable('as_of_load'), 2147483647)
) AS s ON r.load_id = s.load_id AND r.row_no = s.row_no
JOIN loads AS l ON r.load_id = l.load_id
WHERE r.load_id <= coalesce(getvariable('as_of_load'), 2147483647) AND l.source <> 'links'
ORDER BY r.source, r.source_id
