-- Grain: one row per subscription, dated state and discount that recurs, start <= t < "end" (UTC). amount_off in the API's
-- smallest unit, per invoice. level: 1 of the subscription, 2 of its customer. known: whether it says how much it takes off.
WITH rebates AS (
    SELECT id, version, CAST(NULL AS VARCHAR) AS of_customer, unnest(json_extract(discounts, '$[*]')) AS rebate
    FROM stripe_states
    WHERE json_valid(discounts) AND json_type(discounts) = 'ARRAY'
    UNION ALL
    SELECT id, version, NULL, CAST(discount AS JSON)
    FROM stripe_states
    WHERE json_valid(discount) AND json_type(discount) = 'OBJECT'
        -- newer exports have both; a list of ids alone says nothing
        AND NOT coalesce(json_valid(discounts) AND json_type(discounts, '$[0]') = 'OBJECT', FALSE)
    UNION ALL
    SELECT NULL, NULL, id, CAST(discount AS JSON)
    FROM src_customer
    WHERE json_valid(discount) AND json_type(discount) = 'OBJECT'
),
tables AS (
    SELECT subscription_id, customer_id, start, "end", coupon_id, invoice_id, invoice_item_id, checkout_session_id
    FROM src_discount
    UNION
    SELECT subscription_id, customer_id, start, "end", coupon_id, invoice_id, invoice_item_id, NULL
    FROM src_subscription_discount
),
granted AS (
    SELECT
        id, version, of_customer,
        TRY(make_timestamp(try_cast(json_extract_string(rebate, '$.start') AS BIGINT) * 1000000)) AS start,
        TRY(make_timestamp(try_cast(json_extract_string(rebate, '$.end') AS BIGINT) * 1000000)) AS "end",
        coalesce(json_extract_string(rebate, '$.coupon.id'), json_extract_string(rebate, '$.source.coupon.id'),
            json_extract_string(rebate, '$.source.coupon'), json_extract_string(rebate, '$.coupon')) AS coupon_id,
        -- the newer API puts the coupon under source
        coalesce(json_extract(rebate, '$.source.coupon'), json_extract(rebate, '$.coupon')) AS coupon
    FROM rebates
    WHERE json_type(rebate) = 'OBJECT'
    UNION ALL
    -- a row that names an invoice is the use of a discount there, not the discount
    SELECT s.id, s.version, NULL, t.start, t."end", t.coupon_id, NULL
    FROM stripe_states AS s
    JOIN tables AS t ON t.subscription_id = s.id
    WHERE t.invoice_id IS NULL AND t.invoice_item_id IS NULL AND t.checkout_session_id IS NULL
        AND s.discount IS NULL AND s.discounts IS NULL
    UNION ALL
    SELECT NULL, NULL, customer_id, start, "end", coupon_id, NULL
    FROM tables
    WHERE subscription_id IS NULL AND invoice_id IS NULL AND invoice_item_id IS NULL AND checkout_session_id IS NULL
),
coupons AS (
    SELECT * FROM src_coupon QUALIFY row_number() OVER (PARTITION BY id ORDER BY row_no DESC) = 1
),
placed AS (
    SELECT id, version, 1 AS level, start, "end", coupon_id, coupon FROM granted WHERE of_customer IS NULL
    UNION ALL
    SELECT s.id, s.version, 2, g.start, g."end", g.coupon_id, g.coupon
    FROM granted AS g
    JOIN stripe_states AS s ON s.customer_id = g.of_customer
),
told AS (
    SELECT
        p.id, p.version, p.level, p.start, p."end", p.coupon_id,
        try_cast(coalesce(json_extract_string(p.coupon, '$.percent_off'), CAST(c.percent_off AS VARCHAR)) AS DECIMAL(9, 6))
            AS percent_off,
        try_cast(coalesce(json_extract_string(p.coupon, '$.amount_off'), CAST(c.amount_off AS VARCHAR)) AS BIGINT)
            AS amount_off,
        upper(coalesce(json_extract_string(p.coupon, '$.currency'), c.currency)) AS currency
    FROM placed AS p
    LEFT JOIN coupons AS c ON c.id = p.coupon_id
    -- a coupon for one invoice takes nothing off what recurs
    WHERE coalesce(json_extract_string(p.coupon, '$.duration'), c.duration, '') <> 'once'
)
SELECT *, percent_off BETWEEN 0 AND 100 OR amount_off BETWEEN 0 AND 10000000000000 AS known FROM told
