-- Grain: one row per custom field of a contract and span of validity [valid_from, valid_to), UTC; no row while it is
-- empty.
WITH spans AS (
    SELECT
        record_id AS contract_id,
        substr(fact, 8) AS clause_key,
        CASE WHEN lower(trim(value)) IN ('true', 'false') THEN lower(trim(value)) ELSE value END AS value,
        coalesce(since, TIMESTAMP '-infinity') AS since,
        coalesce(until, TIMESTAMP 'infinity') AS until
    FROM record_spans
    WHERE kind = 'contract' AND starts_with(fact, 'clause:') AND value IS NOT NULL
),
marked AS (
    SELECT
        *,
        value IS DISTINCT FROM lag(value) OVER upto OR since IS DISTINCT FROM lag(until) OVER upto AS is_new
    FROM spans
    WINDOW upto AS (PARTITION BY contract_id, clause_key ORDER BY since)
),
numbered AS (
    SELECT *, count(*) FILTER (is_new) OVER (PARTITION BY contract_id, clause_key ORDER BY since) AS nth
    FROM marked
),
owners AS (
    SELECT record_id, account_id
    FROM records
    WHERE kind = 'contract' AND NOT is_gone AND account_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY start_at DESC NULLS FIRST, sure_at DESC, row_no DESC) = 1
)
SELECT
    n.contract_id,
    min(o.account_id) AS account_id,
    n.clause_key,
    min(n.value) AS value,
    try_cast(min(n.value) AS DOUBLE) AS value_num,
    'import' AS extracted_by,
    nullif(min(n.since), TIMESTAMP '-infinity') AS valid_from,
    nullif(max(n.until), TIMESTAMP 'infinity') AS valid_to
FROM numbered AS n
JOIN owners AS o ON n.contract_id = o.record_id
GROUP BY n.contract_id, n.clause_key, n.nth
ORDER BY n.contract_id, n.clause_key, min(n.since)
