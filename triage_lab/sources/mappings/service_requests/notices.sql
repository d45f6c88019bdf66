-- Grain: one sentence per row about the loaded file; order fixed by the first column.
SELECT 1 AS place, 'agency, topic, type and priority are approximate: the current value, not the first' AS notice
WHERE EXISTS (SELECT 1 FROM requests)
UNION ALL
SELECT 2, format('the file has no closing times: for {:,} closed requests the time of the last change stands for them', count(*))
FROM requests WHERE without_ends AND closed_at IS NOT NULL HAVING count(*) > 0
UNION ALL
SELECT 3, format('{:,} requests are closed without a closing time', count(*))
FROM requests WHERE ended AND coalesce(resolved_at, closed_at) IS NULL HAVING count(*) > 0
UNION ALL
SELECT 4, format('{:,} requests are open with a closing time', count(*))
FROM requests WHERE closed_at IS NOT NULL AND status_class IN ('new', 'open', 'pending', 'hold') HAVING count(*) > 0
UNION ALL
SELECT 5, format('{:,} values of late such as {} are neither yes nor no', count(*), min(late))
FROM requests WHERE late IS NOT NULL AND sla_met IS NULL HAVING count(*) > 0
UNION ALL
SELECT 6, format('{:,} requests have a status that is not known, such as {}', count(*), min(trim(status)))
FROM requests WHERE status IS NOT NULL AND status_class IS NULL HAVING count(*) > 0
ORDER BY place
