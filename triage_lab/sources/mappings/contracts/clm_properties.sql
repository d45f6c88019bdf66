-- Grain: one row per record, property and place where it is told. key: the property's name in snake case. exact: the value
-- was a number in JSON, so that its point is a decimal point. Times UTC; to_at is exclusive.
WITH told AS (
    SELECT
        id AS record_id, name, json_extract(properties, '/' || replace(replace(name, '~', '~0'), '/', '~1')) AS value,
        CAST(NULL AS VARCHAR) AS unit, CAST(NULL AS VARCHAR) AS extracted_by, CAST(NULL AS DOUBLE) AS confidence,
        CAST(NULL AS TIMESTAMP) AS from_at, CAST(NULL AS TIMESTAMP) AS to_at, CAST(NULL AS TIMESTAMP) AS updated_at,
        1 AS place, row_no
    FROM (
        SELECT id, properties, row_no, unnest(json_keys(properties)) AS name
        FROM src_record
        WHERE json_valid(properties) AND json_type(properties) = 'OBJECT'
    )
    UNION ALL
    SELECT id, name, json_extract(extra, '/' || replace(replace(name, '~', '~0'), '/', '~1')), NULL, NULL, NULL, NULL, NULL,
        NULL, 2, row_no
    FROM (SELECT id, extra, row_no, unnest(json_keys(extra)) AS name FROM src_record WHERE extra IS NOT NULL)
    UNION ALL
    SELECT
        record_id, name,
        CASE WHEN json_valid(value) AND json_type(value) = 'OBJECT' THEN CAST(value AS JSON) ELSE to_json(value) END,
        unit, extracted_by, confidence, effective_from,
        -- a day is meant with its end
        CASE WHEN date_trunc('day', l.local_to) = l.local_to THEN effective_to + INTERVAL 1 DAY ELSE effective_to END,
        updated_at, 3, row_no
    FROM (
        SELECT *, (effective_to AT TIME ZONE 'UTC') AT TIME ZONE (SELECT coalesce(timezone, 'UTC') FROM src_call) AS local_to
        FROM src_property
    ) AS l
),
-- the API wraps a value with its type
bare AS (
    SELECT * REPLACE (
        CASE WHEN json_type(value) = 'OBJECT' AND json_exists(value, '$.value') THEN json_extract(value, '$.value')
            ELSE value END AS value
    )
    FROM told
),
spelled AS (
    SELECT *, json_type(value) AS json_kind, CASE json_type(value)
        WHEN 'OBJECT' THEN CASE
            WHEN json_exists(value, '$.amount')
                THEN concat_ws(' ', json_extract_string(value, '$.currency'), json_extract_string(value, '$.amount'))
            -- a duration of one unit
            WHEN json_exists(value, '$.days') OR json_exists(value, '$.months') OR json_exists(value, '$.years')
                OR json_exists(value, '$.weeks') THEN coalesce(nullif(concat_ws(' ',
                    nullif(nullif(json_extract_string(value, '$.years'), '0') || ' years', ''),
                    nullif(json_extract_string(value, '$.months'), '0') || ' months',
                    nullif(json_extract_string(value, '$.weeks'), '0') || ' weeks',
                    nullif(json_extract_string(value, '$.days'), '0') || ' days'), ''), '0 days')
            ELSE CAST(value AS VARCHAR) END
        WHEN 'ARRAY' THEN array_to_string(json_extract_string(value, '$[*]'), ', ')
        ELSE json_extract_string(value, '$') END AS text
    FROM bare
)
SELECT
    record_id,
    trim(regexp_replace(lower(strip_accents(regexp_replace(regexp_replace(name, '([a-z0-9])([A-Z])', '\1_\2', 'g'),
        '([A-Z])([A-Z][a-z])', '\1_\2', 'g'))), '[^a-z0-9]+', '_', 'g'), '_') AS key,
    -- what the mapping takes for no value in a cell is none in JSON, either
    CASE WHEN trim(text) NOT IN ('', '?', 'NULL', 'null', 'None', 'none', 'N/A', 'n/a', 'NA', 'NaN', 'nan', '\N', '-', '--',
        '(empty)', 'TBD', 'tbd', '1900-01-01') THEN trim(translate(text, chr(160) || chr(8239), '  ')) END AS text,
    coalesce(json_kind IN ('OBJECT', 'DOUBLE', 'BIGINT', 'UBIGINT', 'HUGEINT'), FALSE) AS exact,
    unit, extracted_by, confidence, from_at, to_at, updated_at, row_number() OVER (ORDER BY place, row_no, name) AS nth
FROM spelled
