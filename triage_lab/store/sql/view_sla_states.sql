-- Grain: one row per run, arm, scenario, ticket, SLA metric and cycle; times are UTC.
CREATE OR REPLACE VIEW sla_states AS
SELECT
    r.run_id,
    t.ticket_id,
    a.arm,
    a.scenario,
    target.term AS target_id,
    d.cycle,
    d.state::VARCHAR AS state,
    make_timestamp(d.due_at * 1000000) AS due_at,
    d.elapsed_minutes,
    d.sla_metric::VARCHAR AS sla_metric
FROM sla_state_rows AS d
JOIN runs AS r ON d.run_no = r.run_no
JOIN run_arms AS a ON d.run_no = a.run_no AND d.arm_no = a.arm_no
LEFT JOIN ticket_ids AS t ON d.ticket_key = t.ticket_key
LEFT JOIN run_terms AS target ON d.run_no = target.run_no AND d.target_no = target.term_no
