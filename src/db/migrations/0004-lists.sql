-- Lists go newest first through an index whose first columns are what the list is filtered by. A filter that
-- nothing fits, or hardly anything, must not make the planner walk the index of another list and look for it row by
-- row. So of two lists' indices that one question could take, one is ordered by the time and the other by the same
-- time written as UTC: each question asks for the order that only its own index has.

-- All customers, or those of a status or a type: one run of the index for each pair of them, merged.
create index customers_by_status on customers (integration_id, kyc_status, type, created_at desc, id desc);
create index customers_by_country on customers
  (integration_id, country, kyc_status, type, (created_at at time zone 'UTC') desc, id desc) include (created_at);
drop index customers_integration_id_created_at_id_idx;

create index payments_newest on payments
  (integration_id, (created_at at time zone 'UTC') desc, id desc) include (created_at);
create index payments_by_state on payments (integration_id, state, payment_type, created_at desc, id desc);
create index payments_by_external_id on payments (integration_id, external_id, created_at desc, id desc);
-- The list of a customer's payments, and the sums that the customer's limits are judged by.
create index payments_by_customer on payments (integration_id, customer_id, created_at desc, id desc)
  include (payment_type, state, limit_units);
drop index payments_integration_id_created_at_id_idx;
drop index payments_integration_id_external_id_idx;
drop index payments_limits;

-- The log of one type: ordered by an expression for the same reason.
create index events_by_type on events (integration_id, type, (sequence + 0)) where sequence is not null;
drop index events_integration_id_type_sequence_idx;
