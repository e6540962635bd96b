-- Whoever matches a line holds it and its payment, and neither is ever deleted: that both are there is looked at once for all that
-- are matched together, not by a question for each.
alter table bank_matches drop constraint bank_matches_iban_transaction_id_fkey;
alter table bank_matches drop constraint bank_matches_integration_id_payment_id_fkey;

create function bank_matches_exist() returns trigger language plpgsql as $$
declare bad record;
begin
  -- By subqueries, whatever the planner believed of the tables' sizes when it first saw this.
  select iban, transaction_id into bad from added
   where (select true from bank_transactions t where t.iban = added.iban and t.id = added.transaction_id) is null limit 1;
  if found then
    raise exception 'line % of % does not exist', bad.transaction_id, bad.iban using errcode = 'foreign_key_violation';
  end if;
  select integration_id, payment_id into bad from added
   where (select true from payments p where p.integration_id = added.integration_id and p.id = added.payment_id) is null limit 1;
  if found then
    raise exception 'payment % of integration % does not exist', bad.payment_id, bad.integration_id
      using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
create trigger bank_matches_written after insert on bank_matches
  referencing new table as added for each statement execute function bank_matches_exist();

create function is_never_renamed() returns trigger language plpgsql as $$
begin
  raise exception '% are never given to others', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger bank_matches_of before update of iban, transaction_id, integration_id, payment_id on bank_matches
  for each statement execute function is_never_renamed();
create trigger payments_kept before delete or truncate on payments
  for each statement execute function is_never_deleted();
