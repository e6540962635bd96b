-- What a statement tells is written with it in one transaction, and neither it nor a line of ours is ever deleted: that both
-- are there is looked at once for all that are written together, not by a question for each.
alter table statement_lines drop constraint statement_lines_iban_transaction_id_fkey;
alter table statement_lines drop constraint statement_lines_import_id_position_fkey;

create function statement_lines_exist() returns trigger language plpgsql as $$
declare bad record;
begin
  -- By subqueries, whatever the planner believed of the tables' sizes when it first saw this.
  select iban, transaction_id into bad from added
   where (select true from bank_transactions t where t.iban = added.iban and t.id = added.transaction_id) is null limit 1;
  if found then
    raise exception 'line % of % does not exist', bad.transaction_id, bad.iban using errcode = 'foreign_key_violation';
  end if;
  select import_id, position into bad from (select distinct import_id, position from added) told
   where (select true from statements s where s.import_id = told.import_id and s.position = told.position) is null limit 1;
  if found then
    raise exception 'statement %/% does not exist', bad.import_id, bad.position using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
create trigger statement_lines_written after insert on statement_lines
  referencing new table as added for each statement execute function statement_lines_exist();
create trigger statement_lines_changed after update on statement_lines
  referencing new table as added for each statement execute function statement_lines_exist();

create function is_never_deleted() returns trigger language plpgsql as $$
begin
  raise exception '% are never deleted', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger statements_kept before delete or truncate on statements
  for each statement execute function is_never_deleted();
create trigger bank_transactions_kept before delete or truncate on bank_transactions
  for each statement execute function is_never_deleted();
