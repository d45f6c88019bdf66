-- Grain: one row per subscription and instant ("at", UTC) from which state, items and discounts are the same. The exact MRR
-- in ISO 4217 minor units is a fraction of whole numbers, so that it can be rounded half up once:
-- (numerator x rest - less) x iso / (denominator x api); rest in hundred-millionths.
WITH points AS (
    SELECT id, version, "from" AS "at" FROM stripe_states WHERE "from" < "to"
    UNION
    SELECT s.id, s.version, p."at"
    FROM stripe_states AS s
    JOIN (
        SELECT id, version, unnest([trial_start, trial_end, ended_at, changed_at]) AS "at" FROM stripe_states
        UNION ALL
        SELECT id, version, added_at FROM stripe_items
        UNION ALL
        SELECT id, version, unnest([start, "end"]) FROM stripe_discounts
    ) AS p ON p.id = s.id AND p.version = s.version AND s."from" < p."at" AND p."at" < s."to"
        -- nothing is told about the time after its end
        AND coalesce(p."at" <= s.ended_at, TRUE)
),
parts AS (
    SELECT
        p.id, p.version, p."at", i.item_id, i.quantity, i.currency, i.name, i.metered, i.twelfths, i.interval_count, i.packs,
        -- beyond these bounds an amount is taken for a typing error, and whole numbers of 128 bits hold all that follows
        CASE WHEN NOT i.tiered AND i.interval_count BETWEEN 1 AND 1095 AND i.packs BETWEEN 0 AND 1000000000
            AND i.unit BETWEEN 0 AND 10000000000000 AND CAST(i.unit AS DOUBLE) * i.packs <= 1e13
            THEN i.unit END AS unit
    FROM points AS p
    JOIN stripe_items AS i ON i.id = p.id AND i.version = p.version AND coalesce(i.added_at <= p."at", TRUE)
),
scales AS (
    SELECT
        id, version, "at", string_agg(name, ' + ' ORDER BY item_id) AS plan, any_value(currency) AS currency,
        try_cast(sum(quantity) FILTER (NOT metered) AS BIGINT) AS quantity,
        coalesce(bool_and(unit IS NOT NULL AND twelfths IS NOT NULL) FILTER (NOT metered), FALSE) AS priced,
        max(length(rtrim(split_part(CAST(unit AS VARCHAR), '.', 2), '0'))) FILTER (NOT metered) AS digits,
        -- least common multiple of the interval counts
        list_reduce(list(DISTINCT CAST(interval_count AS HUGEINT)) FILTER (NOT metered AND interval_count BETWEEN 1 AND 1095),
            lambda a, b: CASE WHEN a > 100000 THEN a ELSE lcm(a, b) END) AS multiple
    FROM parts
    GROUP BY id, version, "at"
),
sums AS (
    SELECT
        p.id, p.version, p."at",
        sum(CAST(replace(CAST(p.unit AS VARCHAR), '.', '') AS HUGEINT) // CAST(pow(10, 12 - s.digits) AS HUGEINT)
            * p.packs * p.twelfths * (s.multiple // p.interval_count)) AS numerator,
        -- an amount off is taken from each invoice, so it is normalised like the price of the first item
        arg_min(p.twelfths * (s.multiple // p.interval_count), p.item_id) AS share
    FROM parts AS p
    JOIN scales AS s ON s.id = p.id AND s.version = p.version AND s."at" = p."at"
    WHERE NOT p.metered AND s.priced AND s.multiple <= 100000
    GROUP BY p.id, p.version, p."at"
),
in_force AS (
    SELECT p.id, p.version, p."at", d.percent_off, d.amount_off, d.currency
    FROM points AS p
    JOIN stripe_discounts AS d ON d.id = p.id AND d.version = p.version AND d.known
        AND coalesce(d.start <= p."at", TRUE) AND coalesce(p."at" < d."end", TRUE)
    -- a customer's own discount counts where the subscription has none
    QUALIFY d.level = min(d.level) OVER (PARTITION BY p.id, p.version, p."at")
),
off AS (
    SELECT
        f.id, f.version, f."at",
        list_reduce(list(CAST(1 - f.percent_off / 100 AS DECIMAL(9, 8)) ORDER BY f.percent_off)
            FILTER (f.percent_off BETWEEN 0 AND 100), lambda a, b: CAST(a * b AS DECIMAL(9, 8))) AS rest,
        sum(f.amount_off) FILTER (coalesce(f.currency = coalesce(upper(v.currency), s.currency), TRUE)) AS amount_off
    FROM in_force AS f
    JOIN stripe_states AS v ON v.id = f.id AND v.version = f.version
    LEFT JOIN scales AS s ON s.id = f.id AND s.version = f.version AND s."at" = f."at"
    GROUP BY f.id, f.version, f."at"
)
SELECT
    v.*, p."at", s.plan AS plan_name, coalesce(s.quantity, v.quantity) AS units,
    coalesce(upper(v.currency), s.currency) AS code, n.numerator,
    CAST(coalesce(o.rest, 1) * 100000000 AS HUGEINT) AS rest,
    coalesce(o.amount_off, 0) * n.share * CAST(pow(10, s.digits) AS HUGEINT) * 100000000 AS less,
    12 * s.multiple * CAST(pow(10, s.digits) AS HUGEINT) * 100000000 AS denominator
FROM points AS p
JOIN (SELECT * EXCLUDE (items, plan, discount, discounts) FROM stripe_states) AS v ON v.id = p.id AND v.version = p.version
LEFT JOIN scales AS s ON s.id = p.id AND s.version = p.version AND s."at" = p."at"
LEFT JOIN sums AS n ON n.id = p.id AND n.version = p.version AND n."at" = p."at"
LEFT JOIN off AS o ON o.id = p.id AND o.version = p.version AND o."at" = p."at"
