-- Grain: one row per ticket, metric and cycle where an export has no metric events but the policies that were applied;
-- units are seconds. Starts, ends and pauses come from the ticket's history; where a target counts business hours only
-- what is certain without the vendor's calendar gets a state: done within the target even by the clock on the wall.
WITH horizon AS (
    SELECT coalesce((SELECT snapshot_at FROM src_call), max("at")) AS known_to
    FROM (
        SELECT "at" FROM changes
        UNION ALL SELECT "at" FROM comments
        UNION ALL SELECT created_at FROM held
    )
),
told AS (
    -- what the history itself says: {"minutes": 60, "in_business_hours": false}
    SELECT
        target.ticket_id, target.field AS metric, target."at",
        CAST(60 * try_cast(target.new_value ->> '$.minutes' AS DOUBLE) AS BIGINT) AS target_seconds,
        (target.new_value ->> '$.in_business_hours') = 'true' AS business_hours,
        named.new_value AS policy
    FROM (
        SELECT * FROM changes
        WHERE regexp_full_match(field, '((first|next)_reply|agent_work|requester_wait|(total_)?resolution)_time')
          AND json_valid(new_value)
    ) AS target
    ASOF LEFT JOIN (SELECT * FROM changes WHERE field = 'sla_policy') AS named
        ON named.ticket_id = target.ticket_id AND target."at" >= named."at"
),
priorities AS (
    -- the priority at the end of each second in which it changed
    SELECT ticket_id, date_trunc('second', "at") AS since, lower(trim(arg_max_null(new_value, ord))) AS priority
    FROM changes
    WHERE field = 'priority'
    GROUP BY ticket_id, since
),
attachments AS (
    SELECT DISTINCT
        regexp_replace(trim(ticket_id), '\.0+$', '') AS ticket_id,
        regexp_replace(trim(sla_policy_id), '\.0+$', '') AS policy_id,
        policy_applied_at AS "at"
    FROM src_ticket_sla_policy
),
attached AS (
    -- the priority then; of a ticket of which no priority is recorded, today's
    SELECT
        a.ticket_id, a.policy_id, a."at",
        CASE WHEN a.ticket_id IN (SELECT ticket_id FROM priorities) THEN then_told.priority
            ELSE lower(trim(held.priority)) END AS priority
    FROM attachments AS a
    JOIN held ON held.ticket_id = a.ticket_id
    ASOF LEFT JOIN priorities AS then_told ON then_told.ticket_id = a.ticket_id AND a."at" >= then_told.since
),
titles AS (
    SELECT regexp_replace(trim(id), '\.0+$', '') AS policy_id, title
    FROM src_sla_policy
    QUALIFY row_number() OVER (PARTITION BY policy_id ORDER BY updated_at DESC NULLS LAST, row_no DESC) = 1
),
metrics AS (
    SELECT
        regexp_replace(trim(sla_policy_id), '\.0+$', '') AS policy_id, lower(trim(metric)) AS metric,
        lower(trim(priority)) AS priority, CAST(60 * target AS BIGINT) AS target_seconds, business_hours,
        sla_policy_updated_at AS updated_at, row_no
    FROM src_sla_policy_metric_history
),
targets AS (
    SELECT
        attached.ticket_id, metrics.metric, attached."at", metrics.target_seconds, metrics.business_hours,
        coalesce(titles.title, attached.policy_id) AS policy
    FROM attached
    -- a ticket without a priority then has no target
    JOIN metrics ON metrics.policy_id = attached.policy_id AND metrics.priority = attached.priority
    LEFT JOIN titles ON titles.policy_id = attached.policy_id
    -- the policy as it stood when it was applied, else its oldest version
    QUALIFY row_number() OVER (
        PARTITION BY attached.ticket_id, attached."at", attached.policy_id, metrics.metric
        ORDER BY metrics.updated_at <= attached."at" DESC NULLS LAST,
            CASE WHEN metrics.updated_at <= attached."at" THEN metrics.updated_at END DESC NULLS LAST,
            metrics.updated_at, metrics.row_no
    ) = 1
),
applied AS (
    SELECT * FROM told
    WHERE target_seconds IS NOT NULL AND ticket_id NOT IN (SELECT ticket_id FROM vendor_clocks)
    UNION ALL
    SELECT * FROM targets
    WHERE ticket_id NOT IN (SELECT ticket_id FROM vendor_clocks) AND ticket_id NOT IN (SELECT ticket_id FROM told)
),
talk AS (
    SELECT
        ticket_id, "at", ord, actor_type, is_opening,
        lag(actor_type) OVER (PARTITION BY ticket_id ORDER BY ord) AS spoke_before,
        min("at") FILTER (actor_type = 'agent' AND NOT is_opening) OVER (
            PARTITION BY ticket_id ORDER BY ord ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS answered_at,
        bool_or(actor_type = 'agent' AND NOT is_opening) OVER (
            PARTITION BY ticket_id ORDER BY ord ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS had_answer
    FROM comments
    WHERE is_public AND NOT is_merge AND actor_type IN ('customer', 'agent')
),
solves AS (
    SELECT ticket_id, "at" FROM states WHERE is_done
),
still_solved AS (
    SELECT solves.ticket_id, max(solves."at") AS "at"
    FROM solves
    JOIN held ON held.ticket_id = solves.ticket_id AND held.status_word IN ('solved', 'closed')
    GROUP BY solves.ticket_id
),
openers AS (
    SELECT
        held.ticket_id, held.created_at,
        coalesce(roles.is_agent AND held.submitter_id <> held.requester_id, FALSE) AS is_for_somebody
    FROM held
    LEFT JOIN roles ON roles.user_id = held.submitter_id
        AND (roles.valid_from IS NULL OR roles.valid_from <= held.created_at)
        AND (roles.valid_to IS NULL OR roles.valid_to > held.created_at)
),
openings AS (
    -- a ticket that an agent opened for somebody starts to wait with that customer's first public words
    SELECT
        openers.ticket_id,
        CASE WHEN bool_or(is_for_somebody OR coalesce(talk.is_opening AND talk.actor_type = 'agent', FALSE))
            THEN min(talk."at") FILTER (talk.actor_type = 'customer')
            ELSE min(openers.created_at) END AS started_at
    FROM openers
    LEFT JOIN talk ON talk.ticket_id = openers.ticket_id
    GROUP BY openers.ticket_id
),
answers AS (
    SELECT ticket_id, "at" FROM talk WHERE actor_type = 'agent' AND NOT is_opening
    UNION ALL
    SELECT ticket_id, "at" FROM solves
),
spans AS (
    SELECT
        openings.ticket_id, 'first_reply_time' AS metric, 1 AS cycle, openings.started_at, min(answers."at") AS ended_at
    FROM openings
    LEFT JOIN answers ON answers.ticket_id = openings.ticket_id AND answers."at" >= openings.started_at
    WHERE openings.started_at IS NOT NULL
    GROUP BY openings.ticket_id, openings.started_at
    UNION ALL
    -- the oldest of the customer's words that nobody has answered
    SELECT
        talk.ticket_id, 'next_reply_time', row_number() OVER (PARTITION BY talk.ticket_id ORDER BY talk.ord), talk."at",
        least(talk.answered_at, (
            SELECT min(solves."at") FROM solves WHERE solves.ticket_id = talk.ticket_id AND solves."at" >= talk."at"
        ))
    FROM talk
    WHERE talk.actor_type = 'customer' AND talk.spoke_before = 'agent' AND talk.had_answer
    UNION ALL
    SELECT held.ticket_id, slow.metric, 1, held.created_at, still_solved."at"
    FROM held
    CROSS JOIN (
        VALUES ('requester_wait_time'), ('agent_work_time'), ('total_resolution_time'), ('resolution_time')
    ) AS slow (metric)
    LEFT JOIN still_solved ON still_solved.ticket_id = held.ticket_id
),
clocks AS (
    SELECT
        spans.*, applied.target_seconds, applied.business_hours, applied.policy, horizon.known_to,
        spans.metric IN ('requester_wait_time', 'agent_work_time') AS pauses
    FROM spans
    JOIN applied ON applied.ticket_id = spans.ticket_id AND applied.metric = spans.metric
    CROSS JOIN horizon
    -- the last policy counts, unless the clock had been met before it came
    QUALIFY row_number() OVER (
        PARTITION BY spans.ticket_id, spans.metric, spans.cycle
        ORDER BY applied."at" <= coalesce(spans.ended_at, horizon.known_to) DESC,
            CASE WHEN applied."at" <= coalesce(spans.ended_at, horizon.known_to) THEN applied."at" END DESC NULLS LAST,
            applied."at", applied.target_seconds, applied.policy
    ) = 1
),
counted AS (
    SELECT
        clocks.ticket_id, clocks.metric, clocks.target_seconds,
        greatest(states."at", clocks.started_at) AS since,
        epoch_us(least(coalesce(states.until, known_to), coalesce(ended_at, known_to))) // 1000000
            - epoch_us(greatest(states."at", started_at)) // 1000000 AS seconds
    FROM clocks
    JOIN states ON states.ticket_id = clocks.ticket_id
        AND (states.state IN ('new', 'open') OR (states.state = 'hold' AND clocks.metric = 'requester_wait_time'))
        AND coalesce(states.until, known_to) > clocks.started_at AND states."at" < coalesce(ended_at, known_to)
    WHERE clocks.pauses
),
running AS (
    SELECT *, coalesce(sum(seconds) OVER (
        PARTITION BY ticket_id, metric ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS seconds_before
    FROM counted
),
summed AS (
    SELECT
        ticket_id, metric, sum(seconds) AS elapsed_seconds,
        -- the second in which the sum reaches the target
        min(since + to_seconds(CAST(target_seconds - seconds_before AS BIGINT)))
            FILTER (seconds_before + seconds >= target_seconds) AS due_at
    FROM running
    GROUP BY ticket_id, metric
),
judged AS (
    SELECT
        clocks.*,
        epoch_us(coalesce(ended_at, known_to)) // 1000000 - epoch_us(started_at) // 1000000 AS wall_seconds,
        CASE WHEN pauses THEN summed.elapsed_seconds ELSE wall_seconds END AS spent,
        CASE
            WHEN business_hours THEN NULL
            WHEN pauses THEN summed.due_at
            ELSE started_at + to_seconds(clocks.target_seconds)
        END AS due
    FROM clocks
    LEFT JOIN summed ON summed.ticket_id = clocks.ticket_id AND summed.metric = clocks.metric
)
SELECT
    ticket_id,
    CASE metric
        WHEN 'first_reply_time' THEN 'first_action'
        WHEN 'next_reply_time' THEN 'next_reply'
        WHEN 'requester_wait_time' THEN 'requester_wait'
        WHEN 'agent_work_time' THEN 'agent_work'
        ELSE 'resolve'
    END AS metric,
    cycle, policy, business_hours, target_seconds, started_at, due AS due_at, ended_at AS fulfilled_at,
    -- done in the very second that is due is done in time
    CASE WHEN due < ended_at OR (ended_at IS NULL AND due <= known_to) THEN due END AS breached_at,
    CASE WHEN pauses THEN wall_seconds - spent ELSE 0 END AS paused_seconds,
    CASE WHEN business_hours IS NOT TRUE AND ended_at IS NOT NULL THEN spent END AS elapsed_seconds,
    CASE
        WHEN spent <= target_seconds AND ended_at IS NOT NULL THEN 'met'
        WHEN business_hours THEN CASE WHEN spent < target_seconds THEN 'open' END
        WHEN spent > target_seconds OR (ended_at IS NULL AND spent >= target_seconds) THEN 'breached'
        WHEN spent IS NOT NULL THEN 'open'
    END AS state
FROM judged
ORDER BY ticket_id, metric, cycle
