-- Grain: one sentence per row about what is approximate or left out in the loaded export; order fixed by the first
-- column.
WITH have AS (
    SELECT
        (SELECT count(*) FROM cases) AS cases,
        (SELECT count(*) FROM case_changes) AS changes,
        (SELECT count(*) FROM case_messages) AS messages,
        (SELECT count(*) FROM case_owners WHERE is_queue) AS queues
),
used AS (
    SELECT CASE WHEN count(category_c) > 0 THEN 'category' WHEN count(topic_c) > 0 THEN 'topic'
        ELSE 'reason' END AS category
    FROM cases
),
never AS (
    -- fields of which no case has ever changed, so far as the history says
    SELECT string_agg(named, ', ' ORDER BY place) AS fields
    FROM (
        SELECT 1 AS place, 'owner' AS field, 'Owner' AS named
        UNION ALL
        SELECT 2, 'status', 'Status'
        UNION ALL
        SELECT 3, 'priority', 'Priority'
        UNION ALL
        SELECT 4, category, upper(left(category, 1)) || substr(category, 2) FROM used
    )
    WHERE field NOT IN (SELECT field FROM case_changes)
),
kinds(kind, named, history, object) AS (
    VALUES ('account', 'accounts', 'AccountHistory', 1), ('opportunity', 'opportunities', 'OpportunityFieldHistory', 2),
        ('contract', 'contracts', 'ContractHistory', 3)
),
alive AS (
    SELECT
        kind, record_id, bool_and(is_gone) AS is_gone, bool_or(start_at IS NOT NULL AND NOT is_gone) AS has_versions,
        bool_and(account_id IS NULL) AS no_account, bool_and(currency IS NULL) AS no_currency
    FROM records
    GROUP BY kind, record_id
),
today AS (
    SELECT kind, record_id, bool_or(how = 'today' AND value IS NOT NULL
        AND NOT (kind = 'account' AND fact IN ('name', 'website', 'domain'))) AS of_today
    FROM record_spans
    GROUP BY kind, record_id
),
tiers AS (
    SELECT
        arg_min(fact, list_position(['tier', 'account_tier', 'segment', 'type', 'rating'], fact)) AS fact
    FROM record_spans
    WHERE kind = 'account' AND value IS NOT NULL AND fact IN ('tier', 'account_tier', 'segment', 'type', 'rating')
),
lost AS (
    SELECT 'CaseHistory' AS object, (
        SELECT count(*) FROM src_case_history
        WHERE field IS NOT NULL AND left(case_id, 15) NOT IN (SELECT left(id, 15) FROM cases)
    ) AS rows
    UNION ALL
    SELECT 'CaseMilestone', (
        SELECT count(*) FROM src_case_milestone WHERE left(case_id, 15) NOT IN (SELECT left(id, 15) FROM cases)
    )
    UNION ALL
    SELECT 'EmailMessage', (
        SELECT count(*) FROM src_email_message
        WHERE coalesce(left(coalesce(parent_id, related_to_id), 15) NOT IN (SELECT left(id, 15) FROM cases), TRUE)
    )
    UNION ALL
    SELECT 'CaseComment', (
        SELECT count(*) FROM src_case_comment WHERE left(parent_id, 15) NOT IN (SELECT left(id, 15) FROM cases)
    )
),
told(place, rows, notice) AS (
    SELECT 1, changes = 0,
        'no CaseHistory: category, type, priority_at_creation and first_team_id are those of today, and '
        || 'hand-offs, reopenings and earlier closings are not known'
    FROM have WHERE cases > 0
    UNION ALL
    SELECT 2, changes > 0 AND fields IS NOT NULL, fields
        || ': no change in CaseHistory; if the field is not tracked, its '
        || 'value at creation is only that of today'
    FROM have, never WHERE cases > 0
    UNION ALL
    SELECT 3, messages = 0,
        'no EmailMessage and no CaseComment: first_action_at is the completion of the first-response '
        || 'milestone where there is one, and replies are not known'
    FROM have WHERE cases > 0
    UNION ALL
    SELECT 4, queues = 0, 'no Group: queues are known by their ids only' FROM have WHERE cases > 0
    UNION ALL
    SELECT 5, count(*) > 0, format('{:,} {} of unassigned users: the export tells no team of the first owner', count(*),
        CASE count(*) WHEN 1 THEN 'case begins as one' ELSE 'cases begin as some' END)
    FROM case_teams WHERE move = 0 AND team = 'unassigned users'
    UNION ALL
    SELECT 6, count(*) > 0, 'teams of users are as of the export: queue members and roles have no dates'
    FROM case_teams AS t JOIN case_owners AS o ON t.person = o.id WHERE o.home IS NOT NULL
    UNION ALL
    SELECT 7, count(*) > 0, format('{:,} {} deleted or in the recycle bin and kept as deleted', count(*),
        CASE count(*) WHEN 1 THEN 'case is' ELSE 'cases are' END)
    FROM cases WHERE is_gone
    UNION ALL
    SELECT 8, count(*) > 0, format('{:,} {} of CaseHistory {} cut at 255 characters', count(*),
        CASE count(*) WHEN 1 THEN 'value' ELSE 'values' END, CASE count(*) WHEN 1 THEN 'is' ELSE 'are' END)
    FROM (
        SELECT 1 FROM case_changes WHERE length(old_text) >= 255
        UNION ALL
        SELECT 1 FROM case_changes WHERE length(new_text) >= 255
    )
    UNION ALL
    SELECT 9, sum(rows) > 0, format('{} of cases that are not in the export, or of none, left out',
        string_agg(format('{:,} {} of {}', rows, CASE rows WHEN 1 THEN 'row' ELSE 'rows' END, object), ', '
            ORDER BY object))
    FROM lost WHERE rows > 0
    UNION ALL
    SELECT 10, count(*) > 0,
        format('{:,} cases are closed of which the history does not tell the closing: it is taken from '
        || 'ClosedDate', count(*))
    FROM cases AS c
    LEFT JOIN (
        SELECT case_id, max({'nth': nth, 'word': lower(trim(new_text))}).word AS word
        FROM case_changes WHERE field = 'status' GROUP BY case_id
    ) AS h ON c.id = h.case_id
    LEFT JOIN case_statuses AS s ON h.word = s.word
    WHERE c.closed AND c.closed_date IS NOT NULL AND NOT coalesce(s.closes, FALSE) AND (SELECT changes > 0 FROM have)
    UNION ALL
    SELECT 11, count(*) > 0, format('{:,} cases are closed but have no ClosedDate: when is not known', count(*))
    FROM cases WHERE closed AND closed_date IS NULL AND NOT is_gone
    UNION ALL
    SELECT 12, count(*) > 0, format('IsEscalated is set on {:,} cases of which the history tells no escalation',
        count(*))
    FROM cases AS c
    ANTI JOIN (
        SELECT case_id FROM case_changes
        WHERE escalated OR field = 'is_escalated' OR (field = 'status' AND lower(trim(new_text)) = 'escalated')
    ) AS h ON c.id = h.case_id
    WHERE c.is_escalated
    UNION ALL
    SELECT 13, count(*) FILTER (is_violated IS NOT NULL AND is_violated <> (state = 'breached')) > 0,
        format('IsViolated of {:,} milestones disagrees with their dates as of {}; the dates count',
            count(*) FILTER (is_violated IS NOT NULL AND is_violated <> (state = 'breached')),
            strftime(any_value(as_of), '%Y-%m-%d %H:%M:%S'))
    FROM case_milestones
    UNION ALL
    SELECT 14, count(*) > 0 AND (SELECT count(snapshot_at) = 0 FROM src_call),
        format('{:,} milestones are open or breached as of {}, the newest time in the export; pass --snapshot-at',
            count(*),
            strftime(any_value(as_of), '%Y-%m-%d %H:%M:%S'))
    FROM case_milestones WHERE completion_date IS NULL AND state IN ('open', 'breached')
    UNION ALL
    SELECT 15, count(*) > 0, format('{:,} milestones are cancelled: the entitlement process ended before their target',
        count(*))
    FROM case_milestones WHERE state = 'cancelled'
    UNION ALL
    SELECT 20 + k.object, count(*) > 0, format('{:,} {} deleted or in the recycle bin, left out', count(*),
        CASE count(*) WHEN 1 THEN replace(replace(k.named, 'ies', 'y'), 'ts', 't') || ' is' ELSE k.named || ' are' END)
    FROM kinds AS k JOIN alive AS a ON k.kind = a.kind WHERE a.is_gone GROUP BY k.object, k.named
    UNION ALL
    SELECT 30 + k.object, count(*) FILTER (t.of_today) > 0,
        format('{:,} of {:,} {} have facts without a history (no row of {} for the field): they are of the export and '
            || 'count only from the row''s last change on{}', count(*) FILTER (t.of_today), count(*), k.named, k.history,
            CASE WHEN k.kind = 'account' THEN '; name and domain count from the start' ELSE '' END)
    FROM kinds AS k
    JOIN alive AS a ON k.kind = a.kind AND NOT a.is_gone AND NOT a.has_versions
    JOIN today AS t ON a.kind = t.kind AND a.record_id = t.record_id
    GROUP BY k.object, k.kind, k.named, k.history
    UNION ALL
    SELECT 40, fact IS NOT NULL, format('accounts.tier is read from {}', CASE fact WHEN 'tier' THEN 'Tier__c'
        WHEN 'account_tier' THEN 'Account_Tier__c' WHEN 'segment' THEN 'Segment__c' WHEN 'type' THEN 'Type'
            ELSE 'Rating' END)
    FROM tiers
    UNION ALL
    SELECT 41, count(*) > 0, format('{:,} {} without an account, left out', count(*), k.named)
    FROM kinds AS k JOIN alive AS a ON k.kind = a.kind AND NOT a.is_gone AND a.no_account AND k.kind <> 'account'
    GROUP BY k.object, k.named
    UNION ALL
    SELECT 42, count(*) > 0,
        format('{:,} {} without CurrencyIsoCode: amounts count in the lab''s currency, with two decimals',
        count(*), k.named)
    FROM kinds AS k
    JOIN alive AS a ON k.kind = a.kind AND NOT a.is_gone AND a.no_currency
    SEMI JOIN (
        SELECT kind, record_id FROM record_spans WHERE fact IN ('amount', 'value') AND value IS NOT NULL
    ) AS m ON a.kind = m.kind AND a.record_id = m.record_id
    GROUP BY k.object, k.named
    UNION ALL
    SELECT 43, count(*) > 0, format('{:,} amounts are no number and left out', count(*))
    FROM record_spans
    WHERE fact IN ('amount', 'value') AND value IS NOT NULL AND try_cast(value AS DOUBLE) IS NULL
    UNION ALL
    SELECT 44, count(*) > 0,
        format('{:,} values of AccountHistory, OpportunityFieldHistory or ContractHistory are cut at 255 '
        || 'characters', count(*))
    FROM record_changes WHERE cut
    UNION ALL
    SELECT 45, sum(rows) > 0, format('{:,} rows of history are neither changes (Field, CreatedDate) nor versions '
        || '(_fivetran_start), left out', CAST(sum(rows) AS BIGINT))
    FROM (
        SELECT count(*) AS rows FROM src_case_history WHERE (field IS NULL OR created_date IS NULL)
            AND fivetran_start IS NULL
        UNION ALL
        SELECT count(*) FROM src_account_history WHERE (field IS NULL OR created_date IS NULL)
            AND fivetran_start IS NULL
        UNION ALL
        SELECT count(*) FROM src_contract_history WHERE (field IS NULL OR created_date IS NULL)
            AND fivetran_start IS NULL
        UNION ALL
        SELECT count(*) FROM src_opportunity_history WHERE opportunity_id IS NULL AND fivetran_start IS NULL
    )
)
SELECT place, notice FROM told WHERE rows ORDER BY place, notice
