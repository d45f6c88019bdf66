-- Grain: one row: a run; $3 is UTC epoch seconds, $4 seconds.
INSERT INTO runs (run_id, kind, started_at, wall_seconds, manifest, run_no, content_digest)
VALUES ($1, $2, make_timestamp($3::BIGINT * 1000000), $4, $5::JSON, $6, $7)
