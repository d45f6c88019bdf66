-- Grain: one row per ticket, in row order: clause $1 of the account's contracts at arrival. any_true, any_false: over all
-- contracts; value and value_num: of the version that began last, then contract_id bytewise. Of overlapping versions of one
-- contract's clause the one that began last is true. A clause without account_id takes that of its contract.
-- value_as_of: since when the newest of them has been true (UTC epoch seconds).
WITH versions AS (
    SELECT
        c.contract_id, coalesce(c.account_id, o.account_id) AS account_id, c.value, c.value_num, c.valid_from,
        lower(trim(c.value)) IN ('true', 't', 'yes', 'y', '1') AS is_true,
        lower(trim(c.value)) IN ('false', 'f', 'no', 'n', '0') AS is_false,
        coalesce(c.valid_from, TIMESTAMP '-infinity') AS since,
        coalesce(c.valid_to, TIMESTAMP 'infinity') AS until
    FROM triage_contract_clauses AS c
    LEFT JOIN triage_contract_owners AS o ON c.contract_id = o.contract_id
    WHERE c.clause_key = $1
),
points AS (
    SELECT DISTINCT p.account_id, greatest(p."at", s.first_at) AS "at"
    FROM (
        SELECT account_id, since AS "at" FROM versions
        UNION ALL
        SELECT account_id, until FROM versions WHERE until < TIMESTAMP 'infinity'
    ) AS p
    JOIN triage_spans AS s ON p.account_id = s.account_id AND p."at" <= s.last_at
),
told AS (
    SELECT p."at", v.*
    FROM points AS p
    JOIN versions AS v ON p.account_id = v.account_id AND v.since <= p."at" AND p."at" < v.until
    QUALIFY row_number() OVER (PARTITION BY v.account_id, p."at", v.contract_id ORDER BY v.since DESC) = 1
),
timeline AS (
    SELECT
        p.account_id, p."at",
        bool_or(o.is_true) AS any_true,
        bool_or(o.is_false) AS any_false,
        last({'value': o.value, 'value_num': o.value_num} ORDER BY o.since, o.contract_id) AS newest,
        max(o.valid_from) AS valid_from
    FROM points AS p
    LEFT JOIN told AS o ON p.account_id = o.account_id AND p."at" = o."at"
    GROUP BY p.account_id, p."at"
)
SELECT
    coalesce(l.any_true, FALSE) AS any_true,
    coalesce(l.any_false, FALSE) AS any_false,
    l.newest.value AS value,
    l.newest.value_num AS value_num,
    epoch_us(date_trunc('second', l.valid_from)) // 1000000 AS value_as_of
FROM triage_arrivals AS t
ASOF LEFT JOIN timeline AS l ON t.account_id = l.account_id AND t.created_at >= l."at"
ORDER BY t.row
