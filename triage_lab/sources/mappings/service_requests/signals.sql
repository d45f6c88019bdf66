-- Grain: one row per service request, as the arrival that it was. Times UTC.
SELECT
    'service_requests:request:' || request_id AS signal_id,
    'service_requests' AS source,
    channel,
    CASE WHEN channel = 'phone' THEN 'call' WHEN channel IN ('api', 'system') THEN 'webhook' ELSE 'message' END AS kind,
    opened_at AS received_at,
    request_id AS ticket_id,
    row_no
FROM requests
ORDER BY row_no
