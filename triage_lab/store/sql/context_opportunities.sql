-- Grain: one row per ticket, in row order: open opportunities at arrival, count and amount in major units of the lab's
-- currency $1. Open = neither closed nor won. Of overlapping versions of one opportunity the one that began last is true.
-- has_history: the account had an opportunity by then.
-- An amount of 10^14 minor units or more is taken for a typing error: unknown.
WITH versions AS (
    SELECT
        opportunity_id, account_id, amount_minor,
        coalesce(currency, $1) AS currency,
        NOT coalesce(is_closed, FALSE) AND NOT coalesce(is_won, FALSE) AS is_open,
        coalesce(valid_from, TIMESTAMP '-infinity') AS since,
        coalesce(valid_to, TIMESTAMP 'infinity') AS until
    FROM triage_opportunities
),
points AS (
    SELECT DISTINCT p.account_id, greatest(p."at", s.first_at) AS "at"
    FROM (
        SELECT account_id, since AS "at" FROM versions
        UNION ALL
        SELECT account_id, until FROM versions WHERE until < TIMESTAMP 'infinity'
        UNION ALL
        SELECT v.account_id, f.since FROM versions AS v JOIN triage_fx AS f ON v.currency = f.currency
    ) AS p
    JOIN triage_spans AS s ON p.account_id = s.account_id AND p."at" <= s.last_at
),
known AS (
    SELECT p."at", v.*
    FROM points AS p
    JOIN versions AS v ON p.account_id = v.account_id AND v.since <= p."at"
),
told AS (
    SELECT *
    FROM known
    WHERE "at" < until
    QUALIFY row_number() OVER (PARTITION BY account_id, "at", opportunity_id ORDER BY since DESC) = 1
),
priced AS (
    SELECT
        o.account_id, o."at",
        count(*) AS open_count,
        bool_or(f.factor IS NULL OR try_cast(o.amount_minor AS DECIMAL(14, 0)) IS NULL) AS unpriced,
        sum(try_cast(o.amount_minor AS DECIMAL(14, 0)) * f.factor) AS amount
    FROM told AS o
    LEFT JOIN triage_fx AS f ON o.currency = f.currency AND f.since <= o."at" AND o."at" < f.until
    WHERE o.is_open
    GROUP BY o.account_id, o."at"
),
timeline AS (
    SELECT
        p.account_id, p."at",
        k."at" IS NOT NULL AS has_history,
        m.open_count, m.unpriced, m.amount
    FROM points AS p
    LEFT JOIN (SELECT DISTINCT account_id, "at" FROM known) AS k ON p.account_id = k.account_id AND p."at" = k."at"
    LEFT JOIN priced AS m ON p.account_id = m.account_id AND p."at" = m."at"
)
SELECT
    coalesce(l.has_history, FALSE) AS has_history,
    coalesce(l.unpriced, FALSE) AS unpriced,
    l.open_count AS open_opportunity_count,
    CAST(CAST(l.amount AS VARCHAR) AS DOUBLE) AS open_opportunity_amount
FROM triage_arrivals AS t
ASOF LEFT JOIN timeline AS l ON t.account_id = l.account_id AND t.created_at >= l."at"
ORDER BY t.row
