-- Grain: one row per contract: the account that it is with, first of all as the system says that is being read (session
-- variable triage_system), else as any says; of several the last bytewise.
CREATE OR REPLACE TEMP VIEW triage_contract_owners AS
SELECT
    contract_id,
    coalesce(max(account_id) FILTER (source_system = getvariable('triage_system')), max(account_id)) AS account_id
FROM contracts_by_system
GROUP BY contract_id
