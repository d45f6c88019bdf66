-- Grain: one row per price or plan of the tables of their own. unit: in the API's smallest unit, for one unit an interval.
SELECT *
FROM (
    SELECT
        id, coalesce(unit_amount_decimal, unit_amount) AS unit, currency, recurring_interval AS "interval",
        recurring_interval_count AS interval_count, recurring_usage_type AS usage_type, billing_scheme,
        transform_quantity_divide_by AS divide_by, transform_quantity_round AS round_to, nickname, product_id, 1 AS place,
        row_no
    FROM src_price
    UNION ALL
    SELECT
        id, coalesce(amount_decimal, amount), currency, "interval", interval_count, usage_type, billing_scheme,
        transform_usage_divide_by, transform_usage_round, nickname, product_id, 2, row_no
    FROM src_plan
)
QUALIFY row_number() OVER (PARTITION BY id ORDER BY place, row_no DESC) = 1
