-- Grain: one row: a load that has begun; its counts follow when it is finished.
INSERT INTO loads (load_id, content_hash, file, source, target, layout, mapping_version, timezone, snapshot_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
