-- Grain: one row per ticket, in row order: mrr at arrival in major units a month of the lab's currency $1. NULL if the
-- account never had a subscription by then, or an active one has no amount or no exchange rate; 0 if none is active.
-- Active = status active or past_due (or not said), started and not ended. Of overlapping versions of one subscription
-- the one that began last is true. Sums are exact decimals, rounded once to the nearest double (through text).
-- An amount of 10^14 minor units or more is taken for a typing error: unknown.
WITH versions AS (
    SELECT
        subscription_id, account_id, mrr_minor,
        coalesce(currency, $1) AS currency,
        coalesce(status, 'active') IN ('active', 'past_due') AS paying,
        coalesce(valid_from, TIMESTAMP '-infinity') AS since,
        coalesce(valid_to, TIMESTAMP 'infinity') AS until,
        coalesce(started_at, TIMESTAMP '-infinity') AS started_at,
        coalesce(ended_at, TIMESTAMP 'infinity') AS ended_at
    FROM triage_subscriptions
),
points AS (
    SELECT DISTINCT p.account_id, greatest(p."at", s.first_at) AS "at"
    FROM (
        SELECT account_id, since AS "at" FROM versions
        UNION ALL
        SELECT account_id, until FROM versions WHERE until < TIMESTAMP 'infinity'
        UNION ALL
        SELECT account_id, started_at FROM versions
        UNION ALL
        SELECT account_id, ended_at FROM versions WHERE ended_at < TIMESTAMP 'infinity'
        UNION ALL
        SELECT v.account_id, f.since FROM versions AS v JOIN triage_fx AS f ON v.currency = f.currency
    ) AS p
    JOIN triage_spans AS s ON p.account_id = s.account_id AND p."at" <= s.last_at
),
known AS (
    SELECT p.account_id, p."at", v.*
    FROM points AS p
    JOIN versions AS v ON p.account_id = v.account_id AND v.since <= p."at"
),
had AS (
    SELECT account_id, "at", bool_or(started_at <= "at") AS ever
    FROM known
    GROUP BY account_id, "at"
),
told AS (
    SELECT *
    FROM known
    WHERE "at" < until
    QUALIFY row_number() OVER (PARTITION BY account_id, "at", subscription_id ORDER BY since DESC) = 1
),
priced AS (
    SELECT
        o.account_id, o."at",
        bool_or(f.factor IS NULL OR try_cast(o.mrr_minor AS DECIMAL(14, 0)) IS NULL) AS unpriced,
        sum(try_cast(o.mrr_minor AS DECIMAL(14, 0)) * f.factor) AS amount
    FROM told AS o
    LEFT JOIN triage_fx AS f ON o.currency = f.currency AND f.since <= o."at" AND o."at" < f.until
    WHERE o.paying AND o.started_at <= o."at" AND o."at" < o.ended_at
    GROUP BY o.account_id, o."at"
),
timeline AS (
    SELECT
        p.account_id, p."at",
        CASE
            WHEN NOT coalesce(h.ever, FALSE) OR coalesce(m.unpriced, FALSE) THEN NULL
            ELSE CAST(CAST(coalesce(m.amount, 0) AS VARCHAR) AS DOUBLE)
        END AS mrr
    FROM points AS p
    LEFT JOIN had AS h ON p.account_id = h.account_id AND p."at" = h."at"
    LEFT JOIN priced AS m ON p.account_id = m.account_id AND p."at" = m."at"
)
SELECT l.mrr
FROM triage_arrivals AS t
ASOF LEFT JOIN timeline AS l ON t.account_id = l.account_id AND t.created_at >= l."at"
ORDER BY t.row
