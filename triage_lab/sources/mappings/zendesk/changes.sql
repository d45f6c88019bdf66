-- Grain: one row per recorded value of a ticket's field, in the order of time (ord, per ticket). Audits and field
-- history often tell the same change: the audit's is kept. is_initial = the value with which the field began, told so.
WITH told AS (
    SELECT
        ticket_id, "at", 1 AS origin, try_cast(audit_id AS HUGEINT) AS number, audit_id AS within, pos AS place,
        field AS key, new_value, old_value, TRUE AS tells_old,
        CASE WHEN NOT by_rule THEN author_id END AS actor_id, by_rule, via, rule_id,
        type = 'Create' AS is_create,
        'audit:' || audit_id || ':' || coalesce(event_id, CAST(pos AS VARCHAR)) AS event_key
    FROM audit_events
    WHERE type IN ('Create', 'Change') AND field IS NOT NULL
),
history AS (
    SELECT DISTINCT ON (ticket, key, "at", value, actor)
        regexp_replace(trim(ticket_id), '\.0+$', '') AS ticket, trim(field_name) AS key, updated AS "at", value,
        regexp_replace(trim(user_id), '\.0+$', '') AS actor, row_no
    FROM src_ticket_field_history
    ORDER BY row_no
),
both_told AS (
    SELECT * FROM told
    UNION ALL
    SELECT
        ticket, "at", 2, 0, '', row_no, key, value, NULL, FALSE, actor, FALSE, NULL, NULL, FALSE,
        'history:' || ticket || ':' || key || ':' || epoch_us("at") // 1000000 || CASE WHEN count(*) OVER same > 1
            THEN ':' || left(md5(coalesce(value, '')), 8) ELSE '' END
    FROM history
    WHERE NOT EXISTS (
        SELECT 1 FROM told
        WHERE told.ticket_id = history.ticket AND told.key = history.key
          AND date_trunc('second', told."at") = date_trunc('second', history."at")
          AND told.new_value IS NOT DISTINCT FROM history.value
    )
    WINDOW same AS (PARTITION BY ticket, key, date_trunc('second', "at"))
),
named AS (
    SELECT
        told.ticket_id, told."at", told.event_key, told.actor_id, told.by_rule, told.via, told.rule_id,
        coalesce(fields.name, told.key) AS field, fields.slot, coalesce(fields.is_custom, FALSE) AS is_custom,
        told.is_create, told.origin,
        CASE WHEN regexp_full_match(told.key, '[a-z_]+_id') THEN regexp_replace(told.new_value, '\.0+$', '')
            ELSE nullif(told.new_value, '') END AS new_value,
        CASE WHEN told.tells_old THEN told.old_value END AS told_old,
        told."at" <= held.known_until AS at_creation,
        row_number() OVER (
            PARTITION BY told.ticket_id ORDER BY told."at", told.origin, told.number, told.within, told.place
        ) AS ord
    FROM both_told AS told
    LEFT JOIN fields ON fields.key = told.key
    LEFT JOIN held ON held.ticket_id = told.ticket_id
),
linked AS (
    SELECT *,
        lag(new_value) OVER steps AS value_before,
        row_number() OVER steps AS nth
    FROM named
    WINDOW steps AS (PARTITION BY ticket_id, field ORDER BY ord)
)
SELECT
    ticket_id, "at", ord, field, slot, is_custom, new_value, coalesce(told_old, value_before) AS old_value, actor_id,
    by_rule, via, rule_id, event_key, nth,
    coalesce(at_creation, FALSE) OR is_create AS at_creation,
    is_create OR (nth = 1 AND told_old IS NULL AND origin = 2 AND coalesce(at_creation, FALSE)) AS is_initial
FROM linked
-- a value that is written again is no change
WHERE nth = 1 OR new_value IS DISTINCT FROM value_before
ORDER BY ticket_id, ord
