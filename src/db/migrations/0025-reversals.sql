-- What a bank takes back of what it had credited: the debit that does it, and the credit that it was.

-- Of a debit that a statement calls a reversal: the references by which it names the credit; null: it is none.
alter table bank_transactions add column reversal_refs jsonb;
-- The credit that it takes back.
alter table bank_transactions add column reverses text;
-- `waits`: the credit isn't known yet. `settled`: nobody has its money. `lost`: it had left, and nobody has looked. `seen`: somebody has.
alter table bank_transactions add column reversal text check (reversal in ('waits', 'settled', 'lost', 'seen'));
create index on bank_transactions (iban, reverses) where reverses is not null;
create index bank_transactions_reversals on bank_transactions (iban, created_at) where reversal in ('waits', 'lost');

alter table bank_doubts add column reversal_refs jsonb;
-- The credit that it takes back if it is a line of its own: until that is known it stays where it is.
alter table bank_doubts add column reverses text;
create index on bank_doubts (iban, reverses) where reverses is not null and state = 'open';
