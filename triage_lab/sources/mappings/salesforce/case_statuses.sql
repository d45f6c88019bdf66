-- Grain: one row per status in lower case, of today or of the history: whether a case in it is closed, whether the work
-- is done, and its class. Which statuses close a case is learnt from IsClosed; words decide only where no case tells.
WITH words AS (
    SELECT word, closed AS told FROM cases WHERE word IS NOT NULL
    UNION ALL
    SELECT lower(trim(v)), NULL FROM (SELECT unnest([old_text, new_text]) AS v FROM case_changes WHERE field = 'status')
    WHERE v IS NOT NULL
),
judged AS (
    SELECT
        word,
        coalesce(
            bool_or(told),
            regexp_matches(word, '^(auto[- ]?)?(closed|completed?|done|cancel+ed|duplicate|merged)\b')
        ) AS closes
    FROM words
    GROUP BY word
)
SELECT
    word,
    closes,
    closes OR regexp_matches(word, '^(resolved|solved)\b') AS done,
    CASE
        WHEN regexp_matches(word, '\bmerged\b') THEN 'merged'
        WHEN regexp_matches(word, '\bduplicate\b') THEN 'duplicate'
        WHEN regexp_matches(word, '\bspam\b') THEN 'spam'
        WHEN regexp_matches(word, '\bcancel+ed\b') THEN 'cancelled'
        WHEN regexp_matches(word, '^(resolved|solved)\b') THEN 'solved'
        WHEN closes THEN 'closed'
        WHEN regexp_matches(word, '\b(hold|parked|deferred)\b') THEN 'hold'
        WHEN regexp_matches(word, '\b(wait|waiting|await|awaiting|pending)\b') THEN 'pending'
        WHEN word = 'new' THEN 'new'
        ELSE 'open'
    END AS class
FROM judged
