-- Grain: lookup_rows = one row per run, ticket, field and system asked; narrow: integer keys, codes, times in UTC epoch
-- seconds. The view lookups decodes them.
CREATE TABLE lookup_rows (
    run_no INTEGER NOT NULL,
    ticket_key UBIGINT NOT NULL,
    field_no INTEGER NOT NULL,
    source_no INTEGER NOT NULL,
    status lookup_status_code NOT NULL,
    value VARCHAR,
    looked_up_at BIGINT,
    value_as_of BIGINT
)
