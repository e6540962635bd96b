-- The simulated outside world of the sandbox: another company's databases, kept apart in a schema of their own.
-- Nothing in here is read by the platform but through the providers' ports.

create schema simulated;

-- What the simulated providers still have to tell us; a row goes when our answer was 2xx.
create table simulated.callbacks (
  id bigint generated always as identity primary key,
  provider text not null check (provider in ('card', 'open_banking', 'bank')),
  notification jsonb not null,
  attempts integer not null default 0,
  due_at timestamptz not null,
  lease_until timestamptz
);
create index on simulated.callbacks (due_at, id);

-- Cards ---------------------------------------------------------------------------------------------------

-- No card number is ever stored: the last four digits, and what the test card will do.
create table simulated.card_sessions (
  id text primary key,
  idempotency_key text not null unique,
  reference text not null,
  units numeric(78,0) not null check (units > 0),
  currency text not null,
  description text not null,
  merchant_name text not null,
  return_url text not null,
  language text,
  customer_name text,
  state text not null default 'open' check (state in ('open', 'paid', 'declined', 'cancelled', 'expired')),
  three_d_secure text not null default 'none' check (three_d_secure in ('none', 'required', 'passed', 'failed')),
  wrong_codes smallint not null default 0,
  declines smallint not null default 0,
  decline_code text,
  card_last4 text,
  card_brand text,
  holder_name text,
  refunded_units numeric(78,0) not null default 0,
  chargeback_due_at timestamptz,
  charged_back_at timestamptz,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on simulated.card_sessions (expires_at) where state = 'open';
create index on simulated.card_sessions (chargeback_due_at) where chargeback_due_at is not null;

create table simulated.card_refunds (
  id text primary key,
  idempotency_key text not null unique,
  session_id text not null references simulated.card_sessions,
  units numeric(78,0) not null check (units > 0),
  state text not null default 'pending' check (state in ('pending', 'done', 'failed')),
  reason text,
  due_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on simulated.card_refunds (due_at) where state = 'pending';

-- Open banking --------------------------------------------------------------------------------------------

create table simulated.open_banking_sessions (
  id text primary key,
  idempotency_key text not null unique,
  reference text not null,
  units numeric(78,0) not null check (units > 0),
  currency text not null,
  description text not null,
  merchant_name text not null,
  return_url text not null,
  language text,
  creditor_iban text not null,
  creditor_name text not null,
  concept text not null,
  customer_name text,
  state text not null default 'open' check (state in ('open', 'initiated', 'refused', 'cancelled', 'expired')),
  bank_id text,
  logged_in boolean not null default false,
  debtor_name text,
  debtor_iban text,
  refusal text,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on simulated.open_banking_sessions (expires_at) where state = 'open';

-- The bank ------------------------------------------------------------------------------------------------

create sequence simulated.account_numbers start 1000017;

create table simulated.bank_accounts (
  iban text primary key,
  bic text not null,
  bank_name text not null,
  holder_name text not null,
  currency text not null,
  balance_units numeric(78,0) not null default 0,
  -- Ordered to go out and not yet booked.
  held_units numeric(78,0) not null default 0,
  next_line bigint not null default 1,
  opened_at timestamptz not null
);

-- Money on its way: in, from somebody's bank; out, ordered by us.
create table simulated.bank_transfers (
  id text primary key,
  iban text not null references simulated.bank_accounts,
  direction text not null check (direction in ('in', 'out')),
  idempotency_key text unique,
  units numeric(78,0) not null check (units > 0),
  currency text not null,
  counterparty_name text not null,
  counterparty_iban text,
  concept text not null,
  end_to_end_id text,
  state text not null default 'accepted' check (state in ('accepted', 'booked', 'rejected', 'returned')),
  -- How it will end: `return` is booked first and comes back later.
  fate text not null default 'book' check (fate in ('book', 'reject', 'return')),
  reason text,
  due_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on simulated.bank_transfers (due_at) where due_at is not null;

-- Statement lines, never changed.
create table simulated.bank_lines (
  iban text not null references simulated.bank_accounts,
  line bigint not null,
  transfer_id text not null references simulated.bank_transfers,
  booked_at timestamptz not null,
  direction text not null check (direction in ('credit', 'debit')),
  units numeric(78,0) not null check (units > 0),
  balance_units numeric(78,0) not null,
  primary key (iban, line)
);
create index on simulated.bank_lines (transfer_id);

-- What the sandbox makes providers do wrong ----------------------------------------------------------------

create index provider_faults_left on provider_faults (provider, id) where remaining > 0;
