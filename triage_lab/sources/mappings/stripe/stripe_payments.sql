-- Grain: one row per pair of an invoice and a charge or payment that paid it, as any object tells it.
SELECT id AS charge_id, payment_intent_id, invoice_id FROM src_charge WHERE invoice_id IS NOT NULL
UNION
SELECT charge_id, payment_intent_id, id FROM stripe_invoices WHERE coalesce(charge_id, payment_intent_id) IS NOT NULL
UNION
-- the newer API names neither on the invoice
SELECT charge_id, payment_intent_id, invoice_id FROM src_invoice_payment
