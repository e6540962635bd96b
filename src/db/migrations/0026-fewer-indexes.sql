-- What a payment and a bank line cost to write: each index is written again whenever a row changes its state.

-- Nobody asks for the payments without an external id.
drop index payments_by_external_id;
create index payments_by_external_id on payments (integration_id, external_id, created_at desc, id desc)
  where external_id is not null;

-- Lines that an import brought are found by statement_lines.
drop index bank_transactions_import_id_idx;
-- Lines are written in the order of this time: ranges of pages are enough to find those after a day was closed.
drop index bank_transactions_iban_created_at_idx;
create index bank_transactions_by_creation on bank_transactions using brin (created_at) with (autosummarize = on);
-- The whole list is the runs of its filters, merged.
drop index bank_transactions_iban_booked_at_id_idx;
drop index bank_transactions_iban_direction_state_timezone_id_idx;
create index bank_transactions_newest on bank_transactions (iban, direction, state, booked_at desc, id desc);

-- The sums of a statement's entries, and then their journals: each journal is looked for once, by its key.
create or replace function postings_sum_to_zero() returns trigger language plpgsql as $$
declare bad record;
begin
  select journal_id, asset, sum(units) as total into bad
    from added group by journal_id, asset having sum(units) <> 0 limit 1;
  if found then
    raise exception 'journal % does not sum to zero in %: %', bad.journal_id, bad.asset, bad.total
      using errcode = 'check_violation';
  end if;
  -- By a subquery, whatever the planner believed of the tables' sizes when it first saw this.
  select journal_id into bad from (select distinct journal_id from added) booked
   where (select true from journals where id = booked.journal_id) is null limit 1;
  if found then
    raise exception 'journal % of an entry does not exist', bad.journal_id using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
