-- Grain: one row per arm and scenario of run $1 for ticket $2, in the order of the arms.
SELECT v.*
FROM records AS v
JOIN runs AS r ON v.run_id = r.run_id
JOIN run_arms AS a ON r.run_no = a.run_no AND v.arm = a.arm AND v.scenario = a.scenario
WHERE v.run_id = $1 AND v.ticket_id = $2
ORDER BY a.arm_no
