-- Grain: one row per ticket, in row order: when the account's opportunities had last changed by arrival (a version began
-- or ceased to be true); UTC epoch seconds.
WITH changes AS (
    SELECT account_id, valid_from AS "at" FROM triage_opportunities WHERE valid_from IS NOT NULL
    UNION
    SELECT account_id, valid_to FROM triage_opportunities
    WHERE coalesce(valid_from < valid_to, valid_to IS NOT NULL)
)
SELECT epoch_us(date_trunc('second', c."at")) // 1000000 AS value_as_of
FROM triage_arrivals AS t
ASOF LEFT JOIN changes AS c ON t.account_id = c.account_id AND t.created_at >= c."at"
ORDER BY t.row
