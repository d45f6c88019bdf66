-- Grain: one row per subscription and dated state, "from" <= t < "to". Times UTC. Events tell them, else rows of the history
-- that say when they began, else the export itself (assumed: the state of the export, taken back to the start).
WITH events AS (
    SELECT
        created, CAST(data AS JSON) AS data, json_extract(data, '$.object') AS doc,
        type <> 'customer.subscription.created' AS incomplete,
        -- of one second: created first, deleted last, else the order of the list, which the API gives newest first
        CASE type WHEN 'customer.subscription.created' THEN 0 WHEN 'customer.subscription.deleted' THEN 2 ELSE 1 END AS step,
        CASE WHEN (SELECT arg_min(created, row_no) > arg_max(created, row_no) FROM src_event) THEN -row_no ELSE row_no END
            AS place
    FROM src_event
    WHERE starts_with(type, 'customer.subscription.') AND json_valid(data)
        AND (livemode IS NOT FALSE OR NOT (SELECT known FROM stripe_live))
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY row_no) = 1
),
documents AS (
    SELECT created AS since, row_number() OVER (ORDER BY created, step, place) AS nth, doc, FALSE AS assumed FROM events
    UNION ALL
    -- before its first event the object had the values that the event replaced
    SELECT NULL, 0, json_merge_patch(doc, coalesce(json_extract(data, '$.previous_attributes'), '{}')), TRUE
    FROM (
        SELECT * FROM events
        QUALIFY row_number() OVER (PARTITION BY json_extract_string(doc, '$.id') ORDER BY created, step, place) = 1
    )
    WHERE incomplete
),
-- one look into each document for all that is wanted of it
fields AS (
    SELECT *, json_extract_string(doc, [
        '/id', '/customer', '/status', '/cancel_at_period_end', '/currency', '/quantity', '/items', '/plan', '/discount',
        '/discounts', '/pause_collection', '/created', '/start_date', '/ended_at', '/canceled_at', '/trial_start', '/trial_end',
        '/current_period_start', '/items/data/0/current_period_start'
    ]) AS field
    FROM documents
),
instants AS (
    SELECT *, list_transform(field[12:19], lambda x: TRY(make_timestamp(try_cast(x AS BIGINT) * 1000000))) AS times FROM fields
),
stated AS (
    SELECT
        field[1] AS id, 1 AS origin, assumed, since, CAST(NULL AS TIMESTAMP) AS until, nth, field[2] AS customer_id,
        field[3] AS status, times[1] AS created, coalesce(times[2], times[1]) AS started_at, times[3] AS ended_at,
        times[4] AS canceled_at, field[4] = 'true' AS at_period_end, times[5] AS trial_start, times[6] AS trial_end,
        coalesce(times[7], times[8]) AS period_start, CAST(NULL AS TIMESTAMP) AS period_end, field[11] IS NOT NULL AS paused,
        field[5] AS currency, try_cast(field[6] AS BIGINT) AS quantity, field[7] AS items, field[8] AS plan,
        field[9] AS discount, field[10] AS discounts, CAST(NULL AS DOUBLE) AS amount, CAST(NULL AS VARCHAR) AS "interval",
        CAST(NULL AS VARCHAR) AS product
    FROM instants
    UNION ALL
    SELECT
        id, CASE WHEN _fivetran_start IS NOT NULL THEN 2 ELSE origin END, _fivetran_start IS NULL, _fivetran_start,
        CASE WHEN _fivetran_end < TIMESTAMP '9000-01-01' AND _fivetran_active IS NOT TRUE THEN _fivetran_end END, row_no,
        customer_id, status, coalesce(created, created_utc), coalesce(start_date, created, created_utc), ended_at, canceled_at,
        cancel_at_period_end, trial_start, trial_end, coalesce(current_period_start, item_period_start),
        coalesce(current_period_end, item_period_end), pause_collection_behavior IS NOT NULL, currency, quantity, items,
        plan, discount, discounts, CASE WHEN created_utc IS NOT NULL THEN amount END, "interval", product
    FROM (
        SELECT *, 3 AS origin FROM src_subscription
        UNION ALL BY NAME
        SELECT *, 4 AS origin FROM src_subscription_history
    )
    -- a state of the history that is over, and does not say when it began, has no place in time
    WHERE (_fivetran_start IS NOT NULL OR _fivetran_active IS NOT FALSE)
        AND (livemode IS NOT FALSE OR NOT (SELECT known FROM stripe_live))
),
-- the best of them that knows a subscription tells all of it; of several states of one instant the last
ordered AS (
    SELECT * REPLACE (
        coalesce(json_extract_string(CASE WHEN starts_with(customer_id, '{') THEN customer_id END, '$.id'), customer_id)
            AS customer_id,
        lower(trim(status)) AS status,
        -- the first state known is taken back to the start of the subscription
        CASE WHEN row_number() OVER (PARTITION BY id ORDER BY since NULLS FIRST, nth) = 1 THEN least(since, started_at)
            ELSE since END AS since,
        -- a request to cancel at the end of the period is no end; only ended_at is, or what must stand for it
        coalesce(ended_at, CASE WHEN lower(trim(status)) = 'canceled'
            THEN CASE WHEN at_period_end THEN coalesce(period_end, canceled_at) ELSE canceled_at END END) AS ended_at
    )
    FROM (SELECT * FROM stated WHERE id IS NOT NULL QUALIFY origin = min(origin) OVER (PARTITION BY id))
    QUALIFY row_number() OVER (PARTITION BY id, since ORDER BY nth DESC) = 1
)
SELECT
    *, row_number() OVER by_id AS version, coalesce(since, TIMESTAMP '-infinity') AS "from",
    coalesce(lead(since) OVER by_id, until, TIMESTAMP 'infinity') AS "to",
    -- since when the export's state may have held, where nothing else says so
    CASE WHEN NOT assumed THEN NULL
        WHEN status = 'paused' THEN coalesce(trial_end, period_start)
        WHEN status = 'unpaid' OR paused THEN period_start END AS changed_at
FROM ordered
WHERE customer_id IS NOT NULL
WINDOW by_id AS (PARTITION BY id ORDER BY since NULLS FIRST, nth)
