-- Grain: one row per load up to $1, by target and then in load order; what the data digest covers.
SELECT target, content_hash, source, layout, mapping_version, timezone, epoch_us(snapshot_at)
FROM loads
WHERE load_id <= $1
ORDER BY target, load_id
