-- Payouts: bank transfers that are returned, caps on bank accounts, and what the simulated bank does with them.

-- The day that a bank transfer was let out on and counted against its door's cap; null while it is planned.
alter table effects add column left_on date;
-- Looked up for every line that a bank says gives a transfer back.
create index on effects (provider_ref) where provider_ref is not null;

-- Of a transfer of ours that came back: the receiving bank's code (ISO 20022) and words.
alter table bank_transactions add column return_code text;
alter table bank_transactions add column return_text text;
create index on bank_transactions (iban, transfer_ref) where transfer_ref is not null;

alter table simulated.bank_transfers drop constraint bank_transfers_fate_check;
alter table simulated.bank_transfers
  add constraint bank_transfers_fate_check check (fate in ('book', 'reject', 'return', 'stay'));
-- With which code and words it ends, how long after its booking it comes back, and how much of it, when not all.
alter table simulated.bank_transfers add column fate_code text;
alter table simulated.bank_transfers add column fate_text text;
alter table simulated.bank_transfers add column return_after_ms bigint;
alter table simulated.bank_transfers add column return_units numeric(78,0) check (return_units > 0);

-- Who took over the accounts when the sandbox's reset detached an integration: what is under way is paid from them.
alter table integrations add column replaced_by integer references integrations (id);
create index on integrations (replaced_by) where replaced_by is not null;
