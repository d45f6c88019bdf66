-- Grain: runs = one row per run; run_arms = one per run, arm and scenario; run_terms = one per word (team, item,
-- target) of a run; *_rows = one per ticket (and SLA clock) and arm, narrow: integer keys, codes, times in UTC epoch
-- seconds, masks with bit i of word w = item 64 * w + i. The views decisions, records and sla_states decode them.
CREATE TABLE runs (
    run_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    started_at TIMESTAMP,
    wall_seconds DOUBLE,
    manifest JSON,
    run_no INTEGER NOT NULL,
    content_digest VARCHAR NOT NULL
);
CREATE TABLE run_arms (
    run_no INTEGER NOT NULL,
    arm_no SMALLINT NOT NULL,
    arm VARCHAR NOT NULL,
    scenario VARCHAR NOT NULL,
    policy_digest VARCHAR,
    operations_digest VARCHAR
);
CREATE TABLE run_terms (run_no INTEGER NOT NULL, term_no INTEGER NOT NULL, term VARCHAR NOT NULL);
CREATE TABLE run_items (
    run_id VARCHAR NOT NULL,
    arm VARCHAR NOT NULL,
    scenario VARCHAR NOT NULL,
    idx INTEGER NOT NULL,
    item_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL
);
CREATE TABLE action_sets (
    run_id VARCHAR NOT NULL,
    arm VARCHAR NOT NULL,
    scenario VARCHAR NOT NULL,
    action_set_id UINTEGER NOT NULL,
    actions JSON NOT NULL
);
CREATE TABLE decision_rows (
    run_no INTEGER NOT NULL,
    arm_no SMALLINT NOT NULL,
    ticket_key UBIGINT NOT NULL,
    rule_no INTEGER,
    overridden_no INTEGER,
    outcome outcome_code,
    owner_no INTEGER,
    priority priority_code,
    action_set_id UINTEGER,
    fired UBIGINT[],
    unknown UBIGINT[]
);
CREATE TABLE record_rows (
    run_no INTEGER NOT NULL,
    arm_no SMALLINT NOT NULL,
    ticket_key UBIGINT NOT NULL,
    owner_no INTEGER,
    resolver_no INTEGER,
    arrived_at BIGINT,
    owned_at BIGINT,
    started_at BIGINT,
    first_action_at BIGINT,
    first_human_action_at BIGINT,
    acknowledged_at BIGINT,
    resolved_at BIGINT,
    wait_minutes DOUBLE,
    handle_minutes DOUBLE,
    handoffs INTEGER,
    escalations INTEGER,
    misrouted_resolver BOOLEAN,
    misrouted_labelled BOOLEAN,
    censored_at BIGINT,
    scored BOOLEAN
);
CREATE TABLE sla_state_rows (
    run_no INTEGER NOT NULL,
    arm_no SMALLINT NOT NULL,
    ticket_key UBIGINT NOT NULL,
    sla_metric sla_metric_code NOT NULL,
    target_no INTEGER,
    cycle INTEGER,
    state sla_state_code,
    due_at BIGINT,
    elapsed_minutes DOUBLE
);
CREATE TABLE measures (
    run_id VARCHAR NOT NULL,
    arm VARCHAR NOT NULL,
    scenario VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    segment JSON NOT NULL,
    value DOUBLE,
    low DOUBLE,
    high DOUBLE,
    n BIGINT,
    accounts BIGINT,
    unit VARCHAR,
    grade VARCHAR,
    flags VARCHAR[],
    effective_accounts DOUBLE,
    simulation_error DOUBLE
);
CREATE TABLE gate_results (
    run_id VARCHAR NOT NULL,
    gate VARCHAR NOT NULL,
    "table" VARCHAR,
    title VARCHAR,
    severity VARCHAR,
    owner VARCHAR,
    state VARCHAR,
    n BIGINT,
    failed BIGINT,
    value DOUBLE,
    "limit" VARCHAR,
    engine VARCHAR,
    reason VARCHAR,
    sample VARCHAR[],
    place VARCHAR
);
CREATE TABLE gate_failures (
    run_id VARCHAR NOT NULL,
    gate VARCHAR NOT NULL,
    "key" VARCHAR,
    "column" VARCHAR,
    value VARCHAR
);
