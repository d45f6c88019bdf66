-- Grain: one row per account, opportunity or contract and instant "since" (UTC; -infinity = since ever) from which its
-- facts are as told: facts is a MAP of all that are known then, empty where the record was not there.
WITH points AS (
    SELECT DISTINCT kind, record_id, since
    FROM (
        SELECT kind, record_id, coalesce(since, TIMESTAMP '-infinity') AS since FROM record_spans
        UNION ALL
        SELECT kind, record_id, until FROM record_spans WHERE until IS NOT NULL
    )
)
SELECT
    p.kind, p.record_id, p.since,
    coalesce(
        map_from_entries(
            list({'key': s.fact, 'value': s.value} ORDER BY s.fact) FILTER (s.value IS NOT NULL)
        ), MAP {}
    ) AS facts,
    count(s.fact) AS known
FROM points AS p
LEFT JOIN record_spans AS s ON p.kind = s.kind AND p.record_id = s.record_id
    AND coalesce(s.since, TIMESTAMP '-infinity') <= p.since AND (s.until IS NULL OR p.since < s.until)
GROUP BY p.kind, p.record_id, p.since
