-- Grain: trials = one row per tried variant; reviews = one per exception review; approvals and attestations = one per
-- act; decision_log = one per chain entry, its payload apart so that it can be erased; shadow_log = one per shadow
-- decision. Times are UTC.
CREATE TABLE trials (
    trial_id VARCHAR NOT NULL,
    run_id VARCHAR,
    kind VARCHAR,
    policy_digest VARCHAR,
    operations_digest VARCHAR,
    parameters JSON,
    result JSON
);
CREATE TABLE reviews (
    review_id VARCHAR NOT NULL,
    run_id VARCHAR,
    gate VARCHAR,
    severity VARCHAR,
    owner VARCHAR,
    opened_at TIMESTAMP,
    reason VARCHAR,
    closed_by VARCHAR,
    closed_at TIMESTAMP,
    note VARCHAR
);
CREATE TABLE approvals (
    policy_digest VARCHAR NOT NULL,
    operations_digest VARCHAR NOT NULL,
    approver VARCHAR NOT NULL,
    approved_at TIMESTAMP,
    note VARCHAR
);
CREATE TABLE attestations (
    item VARCHAR NOT NULL,
    policy_digest VARCHAR NOT NULL,
    operations_digest VARCHAR NOT NULL,
    attested_by VARCHAR NOT NULL,
    attested_at TIMESTAMP,
    evidence VARCHAR,
    note VARCHAR
);
CREATE TABLE decision_log (
    seq BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    "at" TIMESTAMP,
    header JSON,
    payload_hash VARCHAR NOT NULL,
    prev_hash VARCHAR NOT NULL,
    entry_hash VARCHAR NOT NULL
);
CREATE TABLE decision_payloads (seq BIGINT NOT NULL, salt VARCHAR NOT NULL, payload JSON);
CREATE TABLE shadow_log (
    plan_id VARCHAR NOT NULL,
    ticket_id VARCHAR NOT NULL,
    account_id VARCHAR,
    arm VARCHAR NOT NULL,
    assigned_at TIMESTAMP,
    decided_at TIMESTAMP,
    policy_digest VARCHAR,
    operations_digest VARCHAR,
    decision JSON,
    log_seq BIGINT
);
