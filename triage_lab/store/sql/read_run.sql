-- Grain: one row: run $1.
SELECT run_id, kind, started_at, wall_seconds, manifest
FROM runs
WHERE run_id = $1
