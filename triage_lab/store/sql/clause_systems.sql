-- Grain: one row per system that tells of clause $1.
SELECT DISTINCT source_system
FROM contract_clauses_by_system
WHERE clause_key = $1
ORDER BY source_system
