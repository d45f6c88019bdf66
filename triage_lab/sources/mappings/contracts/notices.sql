-- Grain: one sentence per row about the export; order fixed by the first column.
WITH unsigned AS (
    SELECT count(*) AS n, string_agg(DISTINCT word, ', ' ORDER BY word) AS words
    FROM (SELECT coalesce(status, 'no status') AS word FROM clm_records WHERE NOT counted)
),
last_ones AS (
    SELECT * FROM clm_versions QUALIFY nth = max(nth) OVER (PARTITION BY contract_id)
),
readings AS (
    SELECT count(*) AS n, any_value(text ORDER BY text) AS example
    FROM (
        SELECT text FROM clm_clauses WHERE two_readings
        UNION ALL
        SELECT value_text FROM clm_records WHERE counted AND value_open
    )
)
SELECT 1 AS place, format('{:,} records are not signed ({}); they are left out', n, words) AS notice FROM unsigned WHERE n > 0
UNION ALL
SELECT 2, format('{:,} records amend another; their terms hold from their own date on', count(*))
FROM clm_versions WHERE depth > 0 HAVING count(*) > 0
UNION ALL
SELECT 3, format('{:,} amendments have no date, or amend each other; they are left out', count(*))
FROM clm_records WHERE counted AND id NOT IN (SELECT record_id FROM clm_versions) HAVING count(*) > 0
UNION ALL
SELECT 4, format('{:,} amendments name a contract that is not in the export, or not signed; they stand for themselves', count(*))
FROM clm_records AS r JOIN clm_versions AS v ON v.record_id = r.id AND v.depth = 0
WHERE r.amends_id IS NOT NULL HAVING count(*) > 0
UNION ALL
SELECT 5, format('{:,} contracts have neither a date of signature nor an effective date; they count as known since ever '
    || '(look-ahead risk)', count(*))
FROM clm_versions WHERE depth = 0 AND since = TIMESTAMP '-infinity' HAVING count(*) > 0
UNION ALL
SELECT 6, format('approximate: {:,} contracts have ended and do not say when; {:,} count until their last day, {:,} never',
    count(*), count(ends_on), count(*) - count(ends_on))
FROM last_ones WHERE ended AND terminated_at IS NULL HAVING count(*) > 0
UNION ALL
SELECT 7, format('{:,} contracts name neither an account nor a counterparty', count(DISTINCT contract_id))
FROM clm_versions WHERE account_id IS NULL HAVING count(*) > 0
UNION ALL
SELECT 8, format('{:,} numbers have two readings, such as {}; they stay text', n, example) FROM readings WHERE n > 0
UNION ALL
SELECT 9, format('{:,} notice periods are no number of days, weeks, months or years', count(*))
FROM clm_records WHERE counted AND notice_text IS NOT NULL AND notice_days IS NULL HAVING count(*) > 0
UNION ALL
SELECT 10, format('{:,} values of contracts are no amount', count(*))
FROM clm_records WHERE counted AND value_text IS NOT NULL AND value_num IS NULL AND NOT value_open HAVING count(*) > 0
UNION ALL
SELECT 11, format('{:,} properties were written after their contract was signed and have no earlier value; they hold from the '
    || 'contract''s start (look-ahead risk)', count(*))
FROM (
    SELECT p.record_id, p.key
    FROM clm_properties AS p JOIN clm_versions AS v ON v.record_id = p.record_id
    WHERE p.text IS NOT NULL AND p.from_at IS NULL
    GROUP BY p.record_id, p.key HAVING count(*) = 1 AND bool_and(p.updated_at > v.clause_since)
)
HAVING count(*) > 0
UNION ALL
SELECT 12, format('{:,} rows of properties belong to records that are not in the export', count(*))
FROM clm_properties WHERE record_id NOT IN (SELECT id FROM clm_records) HAVING count(*) > 0
ORDER BY place
