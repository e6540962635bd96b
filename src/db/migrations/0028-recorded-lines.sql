-- Lines are recorded by the statement, all of one account and one file: that both are there is looked at once for all that are
-- written together, not by a question for each. Neither is ever deleted.
alter table bank_transactions drop constraint bank_transactions_iban_fkey;
alter table bank_transactions drop constraint bank_transactions_import_id_fkey;

create function bank_transactions_exist() returns trigger language plpgsql as $$
declare bad record;
begin
  -- As a foreign key does: who retires an account waits for its lines.
  perform from bank_accounts where iban in (select iban from added) order by iban for key share;
  select iban into bad from (select distinct iban from added) told
   where not exists (select from bank_accounts a where a.iban = told.iban) limit 1;
  if found then
    raise exception 'account % does not exist', bad.iban using errcode = 'foreign_key_violation';
  end if;
  select import_id into bad from (select distinct import_id from added where import_id is not null) told
   where not exists (select from statement_imports i where i.id = told.import_id) limit 1;
  if found then
    raise exception 'import % does not exist', bad.import_id using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
create trigger bank_transactions_written after insert on bank_transactions
  referencing new table as added for each statement execute function bank_transactions_exist();

create trigger bank_accounts_kept before delete or truncate on bank_accounts
  for each statement execute function is_never_deleted();
create trigger statement_imports_kept before delete or truncate on statement_imports
  for each statement execute function is_never_deleted();
