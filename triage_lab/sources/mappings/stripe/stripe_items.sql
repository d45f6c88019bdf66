-- Grain: one row per subscription, dated state and item. unit: price of one unit an interval, in the API's smallest unit.
-- added_at (UTC): when an item joined later than the subscription's start, where the state itself cannot tell.
WITH lists AS (
    SELECT id, version, created, assumed, CASE
        WHEN json_valid(items) AND json_type(items) = 'ARRAY' THEN items
        WHEN json_valid(items) AND json_type(items, '$.data') = 'ARRAY' THEN CAST(json_extract(items, '$.data') AS VARCHAR)
        -- the API of old: one plan and a quantity
        WHEN json_valid(plan) AND json_type(plan) = 'OBJECT'
            THEN CAST(json_array(json_object('id', id, 'plan', CAST(plan AS JSON), 'quantity', quantity)) AS VARCHAR)
    END AS items
    FROM stripe_states
),
nested AS (
    SELECT id, version, item, CASE
            WHEN json_type(item, '$.price') = 'OBJECT' THEN json_extract(item, '$.price') ELSE json_extract(item, '$.plan')
        END AS price,
        coalesce(json_extract_string(item, '$.price.id'), json_extract_string(item, '$.price'),
            json_extract_string(item, '$.plan.id'), json_extract_string(item, '$.plan')) AS price_id,
        CASE WHEN assumed THEN TRY(make_timestamp(try_cast(json_extract_string(item, '$.created') AS BIGINT) * 1000000)) END
            AS item_created,
        created
    FROM (SELECT * EXCLUDE (items), unnest(json_extract(items, '$[*]')) AS item FROM lists WHERE items IS NOT NULL)
),
told AS (
    SELECT
        n.id, n.version, json_extract_string(n.item, '$.id') AS item_id,
        CASE WHEN n.item_created > n.created THEN n.item_created END AS added_at,
        try_cast(json_extract_string(n.item, '$.quantity') AS BIGINT) AS quantity,
        coalesce(
            json_extract_string(n.price, '$.unit_amount_decimal'), json_extract_string(n.price, '$.unit_amount'),
            json_extract_string(n.price, '$.amount_decimal'), json_extract_string(n.price, '$.amount'), CAST(p.unit AS VARCHAR)
        ) AS unit,
        coalesce(json_extract_string(n.price, '$.currency'), p.currency) AS currency,
        coalesce(json_extract_string(n.price, '$.recurring.interval'), json_extract_string(n.price, '$.interval'),
            p."interval") AS "interval",
        coalesce(try_cast(json_extract_string(n.price, '$.recurring.interval_count') AS BIGINT),
            try_cast(json_extract_string(n.price, '$.interval_count') AS BIGINT), p.interval_count) AS interval_count,
        coalesce(json_extract_string(n.price, '$.recurring.usage_type'), json_extract_string(n.price, '$.usage_type'),
            p.usage_type) AS usage_type,
        coalesce(json_extract_string(n.price, '$.billing_scheme'), p.billing_scheme) AS billing_scheme,
        coalesce(try_cast(json_extract_string(n.price, '$.transform_quantity.divide_by') AS BIGINT),
            try_cast(json_extract_string(n.price, '$.transform_usage.divide_by') AS BIGINT), p.divide_by) AS divide_by,
        coalesce(json_extract_string(n.price, '$.transform_quantity.round'),
            json_extract_string(n.price, '$.transform_usage.round'), p.round_to) AS round_to,
        coalesce(json_extract_string(n.price, '$.nickname'), p.nickname) AS nickname,
        coalesce(json_extract_string(n.price, '$.product.id'), json_extract_string(n.price, '$.product'), p.product_id)
            AS product_id,
        n.price_id
    FROM nested AS n
    LEFT JOIN stripe_prices AS p ON p.id = n.price_id
    UNION ALL
    -- tables of their own: items as of the export; of a single item the quantity of each dated state is known
    SELECT
        s.id, s.version, i.id, CASE WHEN i.created > s.created THEN i.created END,
        coalesce(CASE WHEN s.origin = 2 AND i.items = 1 THEN s.quantity END, i.quantity),
        CAST(p.unit AS VARCHAR), p.currency, p."interval", p.interval_count, p.usage_type, p.billing_scheme, p.divide_by,
        p.round_to, p.nickname, p.product_id, coalesce(i.price_id, i.plan_id)
    FROM stripe_states AS s
    JOIN lists AS l ON l.id = s.id AND l.version = s.version AND l.items IS NULL
    JOIN (
        SELECT *, count(*) OVER (PARTITION BY subscription_id) AS items
        FROM (
            SELECT * FROM src_subscription_item WHERE is_deleted IS NOT TRUE
            QUALIFY row_number() OVER (PARTITION BY id ORDER BY row_no DESC) = 1
        )
    ) AS i ON i.subscription_id = s.id
    LEFT JOIN stripe_prices AS p ON p.id = coalesce(i.price_id, i.plan_id)
    UNION ALL
    -- the Dashboard's list: the price of one unit in major units, and the interval in words
    SELECT
        s.id, s.version, s.id, NULL, s.quantity,
        CAST(try_cast(CAST(s.amount AS VARCHAR) AS DECIMAL(18, 6)) * coalesce(u.major, 100) AS VARCHAR), s.currency,
        regexp_extract(lower(s."interval"), 'day|week|month|year'), try_cast(regexp_extract(s."interval", '\d+') AS BIGINT),
        NULL, NULL, NULL, NULL, coalesce(s.product, s.plan), NULL, s.plan
    FROM stripe_states AS s
    LEFT JOIN stripe_units AS u ON u.currency = upper(s.currency)
    WHERE s.amount IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM src_subscription_item AS i WHERE i.subscription_id = s.id)
        AND (s.items IS NULL OR NOT json_valid(s.items))
)
SELECT
    t.id, t.version, t.item_id, t.added_at, coalesce(t.quantity, 1) AS quantity, upper(t.currency) AS currency,
    coalesce(t.usage_type, 'licensed') = 'metered' AS metered,
    coalesce(t.billing_scheme, 'per_unit') = 'tiered' AS tiered,
    -- months in one interval, as twelfths of its inverse: a price times this / (12 x interval_count) is a month's
    CASE t."interval" WHEN 'month' THEN 12 WHEN 'year' THEN 1 WHEN 'week' THEN 52 WHEN 'day' THEN 365 END AS twelfths,
    coalesce(t.interval_count, 1) AS interval_count,
    CASE
        WHEN t.divide_by > 0 AND t.round_to = 'up'
            THEN coalesce(t.quantity, 1) // t.divide_by + CASE WHEN coalesce(t.quantity, 1) % t.divide_by > 0 THEN 1 ELSE 0 END
        WHEN t.divide_by > 0 THEN coalesce(t.quantity, 1) // t.divide_by
        ELSE coalesce(t.quantity, 1)
    END AS packs,
    try_cast(t.unit AS DECIMAL(38, 12)) AS unit,
    coalesce(t.nickname, r.name, t.price_id) AS name
FROM told AS t
LEFT JOIN (SELECT id, arg_max(name, row_no) AS name FROM src_product GROUP BY id) AS r ON r.id = t.product_id
