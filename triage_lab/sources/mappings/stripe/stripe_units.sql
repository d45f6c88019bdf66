-- Grain: one row per currency whose smallest unit is not the hundredth everywhere. iso: ISO 4217 minor units in a major unit;
-- major: units of the API's amounts in a major unit; api: ISO 4217 minor units in one of those.
-- The API writes ISK and UGX with two decimals and MGA with none; ISO 4217 has it the other way round.
SELECT currency, CAST(pow(10, iso) AS BIGINT) AS iso, CAST(pow(10, stripe) AS BIGINT) AS major,
    CAST(pow(10, iso) / pow(10, stripe) AS DECIMAL(9, 2)) AS api
FROM (VALUES
    ('BIF', 0, 0), ('CLP', 0, 0), ('DJF', 0, 0), ('GNF', 0, 0), ('ISK', 0, 2), ('JPY', 0, 0), ('KMF', 0, 0), ('KRW', 0, 0),
    ('MGA', 2, 0), ('PYG', 0, 0), ('RWF', 0, 0), ('UGX', 0, 2), ('VND', 0, 0), ('VUV', 0, 0), ('XAF', 0, 0), ('XOF', 0, 0),
    ('XPF', 0, 0), ('BHD', 3, 3), ('IQD', 3, 3), ('JOD', 3, 3), ('KWD', 3, 3), ('LYD', 3, 3), ('OMR', 3, 3), ('TND', 3, 3)
) AS known(currency, iso, stripe)
