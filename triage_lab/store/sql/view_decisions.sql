-- Grain: one row per run, arm, scenario and ticket; fired and unknown are lists of item ids in policy order.
CREATE OR REPLACE VIEW decisions AS
WITH items AS (
    SELECT run_id, arm, scenario, list(item_id ORDER BY idx) AS item_ids
    FROM run_items
    GROUP BY run_id, arm, scenario
)
SELECT
    r.run_id,
    t.ticket_id,
    a.arm,
    a.scenario,
    a.policy_digest,
    a.operations_digest,
    rule.term AS rule_id,
    overridden.term AS overridden_rule_id,
    d.outcome::VARCHAR AS outcome,
    owner.term AS owner_team,
    d.priority::VARCHAR AS priority,
    s.actions,
    list_filter(i.item_ids, lambda item, n: (d.fired[(n - 1) // 64 + 1] >> ((n - 1) % 64)::UBIGINT) & 1 = 1) AS fired,
    list_filter(i.item_ids, lambda item, n: (d.unknown[(n - 1) // 64 + 1] >> ((n - 1) % 64)::UBIGINT) & 1 = 1)
        AS unknown
FROM decision_rows AS d
JOIN runs AS r ON d.run_no = r.run_no
JOIN run_arms AS a ON d.run_no = a.run_no AND d.arm_no = a.arm_no
LEFT JOIN ticket_ids AS t ON d.ticket_key = t.ticket_key
LEFT JOIN run_terms AS rule ON d.run_no = rule.run_no AND d.rule_no = rule.term_no
LEFT JOIN run_terms AS overridden ON d.run_no = overridden.run_no AND d.overridden_no = overridden.term_no
LEFT JOIN run_terms AS owner ON d.run_no = owner.run_no AND d.owner_no = owner.term_no
LEFT JOIN action_sets AS s
    ON r.run_id = s.run_id AND a.arm = s.arm AND a.scenario = s.scenario AND d.action_set_id = s.action_set_id
LEFT JOIN items AS i ON r.run_id = i.run_id AND a.arm = i.arm AND a.scenario = i.scenario
