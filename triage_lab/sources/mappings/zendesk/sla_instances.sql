-- Grain: one row per ticket, metric and cycle: the vendor's own clocks, else those of the policies it applied. Seconds.
SELECT * FROM vendor_clocks
UNION ALL BY NAME
SELECT * FROM policy_clocks
ORDER BY ticket_id, metric, cycle
