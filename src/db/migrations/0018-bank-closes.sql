-- A day's end: what was found of each account, remembered; and what finds money that is stuck without walking whole tables.

-- Each time that a day of an account was closed, by whom, and what was different then. Never changed.
create table bank_closes (
  iban text not null references bank_accounts,
  day date not null,
  -- From 1: a day may be closed again.
  run integer not null,
  -- `statement`, `bank`, or `none` when neither told what the account held.
  told_by text not null check (told_by in ('statement', 'bank', 'none')),
  -- Null when nobody told.
  bank_units numeric(78,0),
  ledger_units numeric(78,0) not null,
  -- Nothing was different.
  agreed boolean not null,
  differences jsonb not null,
  closed_by text not null,
  closed_at timestamptz not null,
  primary key (iban, day, run)
);
-- Lines that were booked after a day was closed.
create index on bank_transactions (iban, created_at);

-- Money without an owner. The words are those of the question, so that the planner knows it.
create index bank_transactions_unowned on bank_transactions (created_at)
  where matched_units < units and (direction = 'credit' or transfer_ref is null);
create index payments_received on payments (received_at) where state = 'payment_received';
create index provider_callbacks_parked on provider_callbacks (received_at) where parked_reason is not null;
create index payment_sessions_paid on payment_sessions (payment_type, provider, updated_at) include (currency, units)
  where state = 'paid';

-- Whether the line was read that took a confirmed bank transfer from the account; a lane finds out.
alter table effects add column line_read boolean not null default false;
update effects e set line_read = true
 where kind = 'bank_transfer' and state = 'confirmed'
   and exists (select from bank_transactions t
                where t.iban = split_part(e.door, ':', 2) and t.direction = 'debit' and t.transfer_ref = e.provider_ref);
create index effects_line_unread on effects (confirmed_at) where kind = 'bank_transfer' and state = 'confirmed' and not line_read;
