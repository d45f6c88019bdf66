-- Grain: one row per ticket, in row order: the day of arrival in zone $1.
SELECT CAST((created_at AT TIME ZONE 'UTC') AT TIME ZONE $1 AS DATE) AS local_on
FROM triage_arrivals
ORDER BY row
