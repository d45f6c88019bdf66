-- Grain: one row per ticket, in row order: what the enrichment log holds of field $1 looked up by arrival + $2 seconds.
-- looked_up: whether it was asked at all. value: of the latest hit or stale answer; at one instant a hit counts before a
-- stale one, then the source asked first (file order); NULL if there were only misses and errors.
WITH answers AS (
    SELECT
        t.row,
        e.status IN ('hit', 'stale') AS answered,
        e.value,
        (epoch_us(e.looked_up_at) * 2 + CASE WHEN e.status = 'hit' THEN 1 ELSE 0 END)::HUGEINT * 1152921504606846976
            - (e.load_id::HUGEINT * 1099511627776 + e.row_no) AS precedence
    FROM enrichment_log_rows AS e
    ANTI JOIN (
        SELECT load_id, row_no
        FROM enrichment_log_superseded
        WHERE superseded_by <= coalesce(getvariable('as_of_load'), 2147483647)
    ) AS s ON e.load_id = s.load_id AND e.row_no = s.row_no
    JOIN triage_arrivals AS t ON e.ticket_id = t.ticket_id
    WHERE e.load_id <= coalesce(getvariable('as_of_load'), 2147483647)
      AND e.field = $1
      AND e.looked_up_at <= t.created_at + to_seconds($2)
),
told AS (
    SELECT row, arg_max({'value': value}, precedence) FILTER (answered) AS newest
    FROM answers
    GROUP BY row
)
SELECT o.row IS NOT NULL AS looked_up, o.newest.value AS value
FROM triage_arrivals AS t
LEFT JOIN told AS o ON t.row = o.row
ORDER BY t.row
