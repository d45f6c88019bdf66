-- Grain: one row per comment or chat message, once however often it was loaded; audits and comments tell the same ones
-- under one id. ord = order of time within the ticket. is_opening = the text that opened the ticket, no answer to it
-- whoever wrote it; is_merge = the note that a merge leaves. actor_type is NULL for people whom nothing tells.
WITH raw AS (
    SELECT
        ticket_id, coalesce(event_id, audit_id || ':' || pos) AS comment_id, "at", author_id,
        coalesce(is_public, TRUE) AS is_public, body, via, rule_id, by_rule,
        coalesce(via_rel = 'merge', FALSE) AS via_merge, is_opening, message_id, FALSE AS told_agent, 1 AS origin,
        pos AS place
    FROM audit_events
    WHERE type IN ('Comment', 'VoiceComment', 'FacebookComment', 'TweetComment', 'SmsComment')
    UNION ALL
    SELECT
        regexp_replace(trim(ticket_id), '\.0+$', ''), regexp_replace(trim(id), '\.0+$', ''), created,
        regexp_replace(trim(user_id), '\.0+$', ''), public, body, lower(via_channel), NULL, FALSE,
        coalesce(lower(via_source_rel) = 'merge', FALSE), FALSE, NULL, FALSE, 2, row_no
    FROM src_ticket_comment
    UNION ALL
    SELECT
        regexp_replace(trim(chat.ticket_id), '\.0+$', ''),
        coalesce(
            said.message_id, said.chat_id || ':' || epoch_us(said.created_at) || ':' || coalesce(said.actor_id, '')
        ),
        said.created_at, regexp_extract(said.actor_id, '(-?\d+)$', 1), TRUE, said.message, 'chat', NULL, FALSE, FALSE,
        FALSE, NULL, starts_with(said.actor_id, 'agent:'), 3, said.row_no
    FROM src_ticket_chat_event AS said
    JOIN (SELECT DISTINCT ON (chat_id) chat_id, ticket_id FROM src_ticket_chat ORDER BY row_no) AS chat
        ON chat.chat_id = said.chat_id
    WHERE said.type = 'ChatMessage' AND said.message IS NOT NULL
),
once AS (
    SELECT * REPLACE (coalesce(
        comment_id,
        ticket_id || ':' || epoch_us("at") // 1000000 || ':' || left(md5(concat_ws('|', author_id, body)), 8)
    ) AS comment_id)
    FROM raw
    QUALIFY row_number() OVER (PARTITION BY ticket_id, comment_id ORDER BY origin, place DESC) = 1
),
placed AS (
    SELECT
        once.* EXCLUDE (is_opening),
        held.requester_id,
        via_merge OR coalesce(regexp_matches(
            body, '(?i)(was|were) closed and merged into (this request|this ticket|(request|ticket) #\d+)'
        ), FALSE) AS is_merge,
        CASE WHEN "at" <= held.known_until THEN CASE
            WHEN once.is_opening THEN 1
            WHEN body = held.description THEN 2
            WHEN author_id IN (held.submitter_id, held.requester_id) THEN 3
        END END AS opens
    FROM once
    LEFT JOIN held ON held.ticket_id = once.ticket_id
),
judged AS (
    SELECT *,
        row_number() OVER (
            PARTITION BY ticket_id ORDER BY "at", try_cast(comment_id AS HUGEINT), comment_id
        ) AS ord,
        opens IS NOT NULL AND row_number() OVER (
            PARTITION BY ticket_id ORDER BY opens NULLS LAST, "at", try_cast(comment_id AS HUGEINT), comment_id
        ) = 1 AS is_opening
    FROM placed
),
first_groups AS (
    SELECT ticket_id, min(since) AS since, arg_min_null(group_id, since) AS group_id FROM groups_then GROUP BY ticket_id
),
assignees AS (
    SELECT new_value AS user_id FROM changes WHERE field = 'assignee_id' AND new_value IS NOT NULL
    UNION
    SELECT assignee_id FROM held WHERE assignee_id IS NOT NULL
),
known AS (
    SELECT DISTINCT user_id FROM roles WHERE is_agent IS NOT NULL
),
acted AS (
    SELECT
        judged.*,
        -- a person who answers and hands on at once has answered as the team before
        CASE
            WHEN owner.ticket_id IS NOT NULL THEN owner.group_id
            WHEN first_groups.since <= judged."at" THEN first_groups.group_id
            WHEN first_groups.ticket_id IS NULL THEN held.group_id
        END AS group_id,
        CASE
            WHEN judged.by_rule THEN 'automation'
            WHEN judged.author_id = '-1' THEN 'system'
            WHEN judged.author_id = judged.requester_id THEN 'customer'
            WHEN roles.is_agent THEN 'agent'
            WHEN roles.is_agent IS NOT NULL THEN 'customer'
            WHEN known.user_id IS NULL AND (judged.told_agent OR assignees.user_id IS NOT NULL) THEN 'agent'
        END AS actor_type
    FROM judged
    LEFT JOIN held ON held.ticket_id = judged.ticket_id
    ASOF LEFT JOIN groups_then AS owner
        ON owner.ticket_id = judged.ticket_id AND date_trunc('second', judged."at") > owner.since
    LEFT JOIN first_groups ON first_groups.ticket_id = judged.ticket_id
    LEFT JOIN roles ON roles.user_id = judged.author_id
        AND (roles.valid_from IS NULL OR roles.valid_from <= judged."at")
        AND (roles.valid_to IS NULL OR roles.valid_to > judged."at")
    LEFT JOIN known ON known.user_id = judged.author_id
    LEFT JOIN assignees ON assignees.user_id = judged.author_id
)
SELECT
    acted.ticket_id, acted.comment_id, acted."at", acted.ord, acted.author_id, acted.is_public, acted.body, acted.via,
    acted.rule_id, acted.message_id, acted.is_opening, acted.is_merge,
    CASE WHEN acted.is_merge THEN 'system' ELSE acted.actor_type END AS actor_type,
    CASE WHEN acted.actor_type = 'agent' AND NOT acted.is_merge THEN coalesce(teams.team_id, acted.group_id) END
        AS team_id
FROM acted
LEFT JOIN teams ON teams.group_id = acted.group_id
ORDER BY acted.ticket_id, acted.ord
