-- Grain: one row per event of an audit. An audit that was loaded twice counts once, as last read. Times UTC; pos is the
-- event's place in its audit, from 1.
WITH audits AS (
    SELECT
        coalesce(
            regexp_replace(trim(id), '\.0+$', ''),
            left(md5(concat_ws('|', ticket_id, created_at, author_id, events)), 16)
        ) AS audit_id,
        regexp_replace(trim(ticket_id), '\.0+$', '') AS ticket_id,
        created_at AS "at",
        regexp_replace(trim(author_id), '\.0+$', '') AS author_id,
        via_channel, via_source_rel, via_source_from_id, message_id,
        CASE WHEN json_valid(events) THEN json_extract(events, '$[*]') END AS list
    FROM src_ticket_audit
    QUALIFY row_number() OVER (PARTITION BY audit_id ORDER BY row_no DESC) = 1
),
told AS (
    SELECT * EXCLUDE (list), unnest(list) AS event, generate_subscripts(list, 1) AS pos
    FROM audits
),
parsed AS (
    SELECT * EXCLUDE (event), json_extract_string(event, [
        '$.id', '$.type', '$.field_name', '$.value', '$.previous_value', '$.public', '$.body', '$.author_id',
        '$.via.channel', '$.via.source.rel', '$.via.source.from.id', '$.via.source.from.ticket_id', '$.macro_id'
    ]) AS cell
    FROM told
),
cells AS (
    SELECT
        audit_id, ticket_id, "at", pos,
        cell[1] AS event_id, cell[2] AS type, trim(cell[3]) AS field, cell[4] AS new_value, cell[5] AS old_value,
        lower(cell[6]) = 'true' AS is_public, cell[7] AS body,
        coalesce(cell[8], author_id) AS author_id,
        lower(coalesce(cell[9], via_channel)) AS via_channel,
        lower(coalesce(cell[10], via_source_rel)) AS via_rel,
        coalesce(cell[11], via_source_from_id) AS from_id,
        cell[12] AS from_ticket_id,
        message_id,
        coalesce(cell[13], CASE WHEN cell[2] = 'AgentMacroReference' THEN cell[4] END) AS macro_id
    FROM parsed
),
sourced AS (
    SELECT *,
        coalesce(via_channel IN ('rule', 'trigger', 'automation'), FALSE) AS by_rule,
        min(macro_id) OVER (PARTITION BY audit_id) AS audit_macro
    FROM cells
)
SELECT
    audit_id, ticket_id, "at", pos, event_id, type, field, new_value, old_value, is_public, body, author_id,
    message_id, from_ticket_id, by_rule, via_rel,
    CASE
        WHEN by_rule AND 'automation' IN (via_rel, via_channel) THEN 'automation'
        WHEN by_rule THEN 'trigger'
        WHEN audit_macro IS NOT NULL THEN 'macro'
        ELSE via_channel
    END AS via,
    CASE WHEN by_rule THEN from_id ELSE audit_macro END AS rule_id,
    bool_or(type = 'Create') OVER (PARTITION BY audit_id) AS is_opening
FROM sourced
ORDER BY ticket_id, "at", audit_id, pos
