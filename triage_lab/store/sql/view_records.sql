-- Grain: one row per run, arm, scenario and ticket; times are UTC, minutes are whole seconds / 60.
CREATE OR REPLACE VIEW records AS
SELECT
    r.run_id,
    t.ticket_id,
    a.arm,
    a.scenario,
    owner.term AS owner_team,
    resolver.term AS resolver_team,
    make_timestamp(d.arrived_at * 1000000) AS arrived_at,
    make_timestamp(d.owned_at * 1000000) AS owned_at,
    make_timestamp(d.started_at * 1000000) AS started_at,
    make_timestamp(d.first_action_at * 1000000) AS first_action_at,
    make_timestamp(d.first_human_action_at * 1000000) AS first_human_action_at,
    make_timestamp(d.acknowledged_at * 1000000) AS acknowledged_at,
    make_timestamp(d.resolved_at * 1000000) AS resolved_at,
    d.wait_minutes,
    d.handle_minutes,
    d.handoffs,
    d.escalations,
    d.misrouted_resolver,
    d.misrouted_labelled,
    make_timestamp(d.censored_at * 1000000) AS censored_at,
    d.scored
FROM record_rows AS d
JOIN runs AS r ON d.run_no = r.run_no
JOIN run_arms AS a ON d.run_no = a.run_no AND d.arm_no = a.arm_no
LEFT JOIN ticket_ids AS t ON d.ticket_key = t.ticket_key
LEFT JOIN run_terms AS owner ON d.run_no = owner.run_no AND d.owner_no = owner.term_no
LEFT JOIN run_terms AS resolver ON d.run_no = resolver.run_no AND d.resolver_no = resolver.term_no
