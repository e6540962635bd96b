-- Payments that are not in `payment_names` yet, if they have to be at all. As a mark of `payment_concepts` it had each of these rows
-- written anew, with its index entries, once it was looked at.
create table unnamed_payments (
  iban text not null,
  payment_id text not null,
  primary key (iban, payment_id)
);
insert into unnamed_payments select iban, payment_id from payment_concepts where named is null;

-- When it was named: by the row that stands for the amount alone it is found when it is to be forgotten.
alter table payment_names add column created_at timestamptz;
update payment_names set created_at = concepts.created_at from payment_concepts concepts
 where concepts.iban = payment_names.iban and concepts.payment_id = payment_names.payment_id;
update payment_names set created_at = now() where created_at is null;
alter table payment_names alter column created_at set not null;
create index on payment_names (created_at) where digest = '';

drop index payment_concepts_iban_created_at_idx;
drop index payment_concepts_created_at_idx;
alter table payment_concepts drop column named;
