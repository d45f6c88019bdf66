-- Grain: one row per ticket, in row order: what the ticket itself said at creation.
SELECT
    ticket_id, ticket_key, arrived_at, account_id, category, subcategory, product_module, channel, inbox, language,
    type, priority_at_creation
FROM triage_arrivals
ORDER BY row
