-- Grain: one row per ticket, in row order: whether the same account filed the same category in the 7 days (168 h) before;
-- NULL where account or category is unknown. Of tickets of one instant the earlier row came before.
WITH pairs AS (
    SELECT
        row, account_id, category, created_at,
        lag(created_at) OVER (PARTITION BY account_id, category ORDER BY row) AS before_at
    FROM triage_arrivals
)
SELECT
    CASE WHEN account_id IS NOT NULL AND category IS NOT NULL
        THEN coalesce(before_at >= created_at - INTERVAL 168 HOUR, FALSE) END AS is_repeat_7d
FROM pairs
ORDER BY row
