-- Grain: one row per distinct text of a value. num: the number in it, where there is one reading of it; money in major units.
-- two_readings: 1.234 and 1,234 may be thousands or decimals, and stay text. flag: the text is a yes or a no.
WITH texts AS (
    SELECT DISTINCT text, exact FROM clm_properties WHERE text IS NOT NULL
    UNION
    SELECT DISTINCT trim(translate(unnest([value, notice]), chr(160) || chr(8239), '  ')), FALSE FROM src_record
),
parted AS (
    SELECT text, exact, regexp_extract(text,
        '^([A-Z]{3}|[A-Z]{0,2}\$|[€£¥₹])? ?([+-]?[0-9][0-9., ''’]*?) ?([A-Z]{3}|[%€$£¥₹]|[A-Za-z]+(?: [A-Za-z]+)?)?$',
        ['lead', 'digits', 'tail']) AS part
    FROM texts
    WHERE text <> ''
),
written AS (
    SELECT text, exact, part.lead AS lead, part.tail AS tail, ltrim(part.digits, '+-') AS digits,
        CASE WHEN starts_with(part.digits, '-') THEN -1 ELSE 1 END AS sign
    FROM parted
),
-- thousands parted by blanks or apostrophes: then a point or a comma is the decimal mark
grouped AS (
    SELECT *, regexp_full_match(digits, '\d{1,3}([ ''’]\d{3})+([.,]\d+)?') AS spaced,
        regexp_replace(digits, '[ ''’]', '', 'g') AS joined
    FROM written
),
numbers AS (
    SELECT text, exact, lead, tail,
        NOT exact AND NOT spaced AND regexp_full_match(digits, '[1-9]\d{0,2}[.,]\d{3}') AS two_readings,
        sign * TRY(CAST(CASE
            WHEN digits = '' OR (joined <> digits AND NOT spaced) THEN NULL
            WHEN regexp_full_match(joined, '\d{1,30}') THEN joined
            WHEN exact AND regexp_full_match(joined, '\d+\.\d+') THEN joined
            WHEN NOT spaced AND regexp_full_match(joined, '[1-9]\d{0,2}[.,]\d{3}') THEN NULL
            WHEN regexp_full_match(joined, '\d+[.,]\d+') THEN replace(joined, ',', '.')
            WHEN regexp_full_match(joined, '\d{1,3}(,\d{3})+\.\d+') OR regexp_full_match(joined, '\d{1,3}(,\d{3}){2,}')
                THEN replace(joined, ',', '')
            WHEN regexp_full_match(joined, '\d{1,3}(\.\d{3})+,\d+') OR regexp_full_match(joined, '\d{1,3}(\.\d{3}){2,}')
                THEN replace(replace(joined, '.', ''), ',', '.')
        END AS DOUBLE)) AS num
    FROM grouped
),
named AS (
    SELECT *, CASE
        WHEN lead <> '' AND tail <> '' THEN NULL
        WHEN lead || tail = '' THEN ''
        WHEN lead || tail IN (SELECT code FROM clm_currencies) THEN lead || tail
        WHEN lead || tail = '€' THEN 'EUR'
        WHEN lead || tail = '£' THEN 'GBP'
        WHEN lead || tail = '₹' THEN 'INR'
        WHEN lead = 'US$' THEN 'USD'
        WHEN lead IN ('C$', 'CA$') THEN 'CAD'
        WHEN lead IN ('A$', 'AU$') THEN 'AUD'
        WHEN lead || tail IN ('$', '¥') THEN lead || tail
        WHEN lead <> '' THEN NULL
        WHEN lower(tail) IN ('%', 'percent', 'pct', 'per cent') THEN '%'
        WHEN lower(tail) IN ('d', 'day', 'days', 'calendar day', 'calendar days') THEN 'days'
        WHEN lower(tail) IN ('business day', 'business days', 'working day', 'working days') THEN 'business days'
        WHEN lower(tail) IN ('w', 'week', 'weeks') THEN 'weeks'
        WHEN lower(tail) IN ('mo', 'month', 'months') THEN 'months'
        WHEN lower(tail) IN ('y', 'yr', 'yrs', 'year', 'years') THEN 'years'
        WHEN lower(tail) IN ('h', 'hr', 'hrs', 'hour', 'hours') THEN 'hours'
        WHEN lower(tail) IN ('business hour', 'business hours', 'working hour', 'working hours') THEN 'business hours'
        WHEN lower(tail) IN ('min', 'mins', 'minute', 'minutes') THEN 'minutes'
        WHEN lower(tail) IN ('s', 'sec', 'secs', 'second', 'seconds') THEN 'seconds'
        WHEN lower(tail) IN ('seat', 'seats', 'user', 'users', 'license', 'licenses', 'agent', 'agents', 'ticket', 'tickets',
            'incident', 'incidents') THEN rtrim(lower(tail), 's') || 's'
    END AS unit
    FROM numbers
),
-- ISO 8601 durations of one unit
spans AS (
    SELECT text, regexp_extract(text, '^P(T?)(\d{1,6})([YMWDHS])$', ['t', 'n', 'u']) AS span FROM texts
    WHERE regexp_full_match(text, 'P(\d{1,6}[YMWD]|T\d{1,6}[HMS])')
)
SELECT
    n.text, n.exact,
    CASE
        WHEN s.span IS NOT NULL THEN CAST(s.span.n AS DOUBLE)
        -- a number without a known unit behind it is no amount of anything
        WHEN n.unit IS NOT NULL THEN n.num
    END AS num,
    CASE
        WHEN s.span IS NOT NULL THEN CASE s.span.t || s.span.u WHEN 'Y' THEN 'years' WHEN 'M' THEN 'months'
            WHEN 'W' THEN 'weeks' WHEN 'D' THEN 'days' WHEN 'TH' THEN 'hours' WHEN 'TM' THEN 'minutes'
            WHEN 'TS' THEN 'seconds' END
        WHEN n.num IS NOT NULL THEN nullif(n.unit, '')
    END AS unit,
    coalesce(n.two_readings AND n.unit IS NOT NULL, FALSE) AS two_readings,
    CASE WHEN lower(n.text) IN ('yes', 'true', 'y') THEN TRUE WHEN lower(n.text) IN ('no', 'false', 'n') THEN FALSE END AS flag
FROM named AS n
LEFT JOIN (SELECT DISTINCT * FROM spans) AS s ON s.text = n.text
