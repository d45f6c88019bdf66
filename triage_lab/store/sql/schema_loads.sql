-- Grain: loads = one row per accepted file; rejects = one row per refused cell (or row); ticket_ids = one row per
-- ticket id ever seen. Times are UTC.
CREATE TABLE loads (
    load_id INTEGER NOT NULL,
    content_hash VARCHAR NOT NULL,
    file VARCHAR NOT NULL,
    source VARCHAR,
    target VARCHAR NOT NULL,
    layout VARCHAR,
    mapping_version VARCHAR,
    timezone VARCHAR,
    snapshot_at TIMESTAMP,
    rows BIGINT,
    rejected BIGINT,
    collapsed BIGINT,
    differing BIGINT,
    loaded_at TIMESTAMP
);
CREATE TABLE rejects (
    load_id INTEGER NOT NULL,
    file VARCHAR,
    "row" BIGINT,
    "column" VARCHAR,
    value VARCHAR,
    reason VARCHAR
);
CREATE TABLE ticket_ids (ticket_key UBIGINT NOT NULL, ticket_id VARCHAR NOT NULL);
