-- Grain: one row per account with tickets: its first and last arrival. Facts are worked out only within this span.
CREATE OR REPLACE TEMP TABLE triage_spans AS
SELECT account_id, min(created_at) AS first_at, max(created_at) AS last_at
FROM triage_arrivals
WHERE account_id IS NOT NULL
GROUP BY account_id
