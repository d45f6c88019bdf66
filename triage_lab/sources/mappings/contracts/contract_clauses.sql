-- Grain: one row per contract, clause and span. Times UTC; value_num of money in major units. legal_flag is drawn from all
-- clauses that ask for a lawyer: true while any of them is true, else false while any is false.
WITH asking AS (
    SELECT * FROM clm_clauses
    WHERE flag IS NOT NULL AND key IN (
        'legal_flag', 'legal_review', 'legal_review_required', 'requires_legal_review', 'needs_legal_review',
        'legal_approval_required', 'requires_legal_approval', 'non_standard_terms', 'nonstandard_terms',
        'has_non_standard_terms', 'has_nonstandard_terms', 'contains_non_standard_terms', 'custom_terms', 'has_custom_terms',
        'special_terms', 'legal_hold'
    )
),
points AS (
    SELECT contract_id, since AS "at" FROM asking
    UNION
    SELECT contract_id, until FROM asking WHERE until < TIMESTAMP 'infinity'
),
told AS (
    SELECT p.contract_id, p."at", max(a.account_id) AS account_id, bool_or(a.flag) AS flag,
        -- who said so: of the clauses that decide it the first by name
        arg_min(a.extracted_by, (NOT a.flag, a.key)) AS extracted_by,
        min(a.confidence) FILTER (a.flag) AS confidence
    FROM points AS p
    LEFT JOIN asking AS a ON a.contract_id = p.contract_id AND a.since <= p."at" AND p."at" < a.until
    GROUP BY p.contract_id, p."at"
),
flags AS (
    SELECT *, lead("at", 1, TIMESTAMP 'infinity') OVER (PARTITION BY contract_id ORDER BY "at") AS until
    FROM (SELECT * FROM told QUALIFY flag IS DISTINCT FROM lag(flag) OVER (PARTITION BY contract_id ORDER BY "at"))
)
SELECT
    contract_id, account_id, key AS clause_key,
    CASE flag WHEN TRUE THEN 'true' WHEN FALSE THEN 'false' ELSE text END AS value,
    num AS value_num, unit, coalesce(extracted_by, 'import') AS extracted_by, confidence,
    nullif(since, TIMESTAMP '-infinity') AS valid_from, nullif(until, TIMESTAMP 'infinity') AS valid_to
FROM clm_clauses
-- its own values are part of what is drawn
WHERE key <> 'legal_flag' OR (flag IS NULL AND contract_id NOT IN (SELECT contract_id FROM flags))
UNION ALL
SELECT
    contract_id, account_id, 'legal_flag', CASE WHEN flag THEN 'true' ELSE 'false' END, NULL, NULL,
    coalesce(extracted_by, 'import'), confidence, nullif("at", TIMESTAMP '-infinity'), nullif(until, TIMESTAMP 'infinity')
FROM flags
WHERE flag IS NOT NULL
ORDER BY contract_id, clause_key, valid_from NULLS FIRST
