-- Grain: the load, if any, that brought the same content in the same way.
SELECT load_id
FROM loads
WHERE content_hash = $1
  AND source IS NOT DISTINCT FROM $2::VARCHAR
  AND target = $3
  AND layout IS NOT DISTINCT FROM $4::VARCHAR
  AND mapping_version IS NOT DISTINCT FROM $5::VARCHAR
  AND timezone IS NOT DISTINCT FROM $6::VARCHAR
  AND snapshot_at IS NOT DISTINCT FROM $7::TIMESTAMP
LIMIT 1
