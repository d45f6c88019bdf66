-- Grain: one row per arm and scenario of run $1.
SELECT a.arm, a.scenario, a.policy_digest, a.operations_digest
FROM run_arms AS a
JOIN runs AS r ON a.run_no = r.run_no
WHERE r.run_id = $1
ORDER BY a.arm_no
