-- How a customer's enhanced verification stands, beside the basic one, which it can't take away. Null until one was
-- begun.

alter table customers
  add column reinforced_status text check (reinforced_status in ('unused', 'processing', 'valid', 'fail')),
  add column reinforced_reasons jsonb not null default '[]';
