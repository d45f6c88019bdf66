-- Grain: one row per run, oldest first.
SELECT run_id, kind, started_at, wall_seconds, manifest
FROM runs
ORDER BY run_no
