-- Grain: one row per service request. Times UTC; everything as of the export.
SELECT
    request_id AS ticket_id,
    opened_at AS created_at,
    category,
    subcategory,
    channel,
    priority AS priority_at_creation,
    team AS first_team_id,
    -- who transferred a request away did not resolve it
    CASE WHEN (ended OR coalesce(closed_at, resolved_at) IS NOT NULL) AND status_class IS DISTINCT FROM 'transferred' THEN team
        END AS resolver_team_id,
    coalesce(resolved_at, closed_at) AS resolved_at,
    closed_at,
    due_at,
    sla_met,
    status,
    status_class,
    CASE WHEN status_class = 'duplicate' THEN nullif(parent_id, request_id) END AS merged_into_id,
    nullif(CAST(json_merge_patch('{}', json_object(
        'channel_as_written', channel_as_written, 'neighborhood', nullif(trim(neighborhood), ''),
        'reference', nullif(reference, request_id)
    )) AS VARCHAR), '{}') AS custom,
    row_no
FROM requests
ORDER BY row_no
