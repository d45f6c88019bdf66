-- Grain: one row per subscription and span in which state, price and discounts were the same. Times UTC; mrr_minor in
-- ISO 4217 minor units a month, rounded half up once.
WITH spans AS (
    SELECT
        a.id AS subscription_id, a.customer_id AS account_id, a.plan_name AS plan,
        CASE
            WHEN a."at" >= a.ended_at THEN CASE WHEN a.status = 'incomplete_expired' THEN a.status ELSE 'canceled' END
            WHEN a.status IN ('incomplete', 'incomplete_expired') THEN a.status
            WHEN a."at" < a.trial_end AND coalesce(a."at" >= a.trial_start, TRUE) THEN 'trialing'
            WHEN a."at" < a.changed_at THEN 'active'
            WHEN a.paused THEN 'paused'
            -- what the export calls canceled was active until it ended, and what it calls a trial was none after its end
            WHEN a.status = 'canceled' AND a.ended_at IS NOT NULL OR a.status = 'trialing' AND a.assumed THEN 'active'
            ELSE a.status
        END AS status,
        a.units AS quantity,
        CASE WHEN CAST(a.numerator AS DOUBLE) * 1e11 < 1e38 THEN try_cast(
            (2 * greatest(a.numerator * a.rest - a.less, 0) * CAST(greatest(coalesce(u.api, 1), 1) AS HUGEINT)
                + a.denominator * CAST(greatest(1 / coalesce(u.api, 1), 1) AS HUGEINT))
            // (2 * a.denominator * CAST(greatest(1 / coalesce(u.api, 1), 1) AS HUGEINT)) AS BIGINT
        ) END AS mrr_minor,
        a.code AS currency, a.started_at, CASE WHEN a."at" >= a.ended_at THEN a.ended_at END AS ended_at, a."at",
        max(a."to") OVER (PARTITION BY a.id) AS last_to
    FROM stripe_amounts AS a
    LEFT JOIN stripe_units AS u ON u.currency = a.code
),
changes AS (
    SELECT *, struct_pack(account_id, plan, status, quantity, mrr_minor, currency, started_at, ended_at) AS state
    FROM spans
    QUALIFY state IS DISTINCT FROM lag(state) OVER (PARTITION BY subscription_id ORDER BY "at")
        OR row_number() OVER (PARTITION BY subscription_id ORDER BY "at") = 1
)
SELECT
    subscription_id, account_id, plan, status, quantity, mrr_minor, currency, started_at, ended_at,
    nullif("at", TIMESTAMP '-infinity') AS valid_from,
    nullif(coalesce(lead("at") OVER (PARTITION BY subscription_id ORDER BY "at"), last_to), TIMESTAMP 'infinity') AS valid_to
FROM changes
ORDER BY subscription_id, valid_from NULLS FIRST
