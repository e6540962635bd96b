-- Amounts are numeric(78,0) in the asset's base units. Times follow the platform's clock unless the column's
-- name begins with `real_` or is a lease. Hot tables' primary keys start with the integration.

-- Integrations and who may speak for them ---------------------------------------------------------------

create table integrations (
  id integer generated always as identity primary key,
  name text not null,
  settings jsonb not null,
  -- Bumped by every change, so that processes know when their copy is old.
  version integer not null default 1,
  -- The last sequence number given to an event; only the sequencer writes it.
  event_sequence bigint not null default 0,
  -- Set when the sandbox's reset gave the credentials to a fresh integration.
  detached_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table credentials (
  api_key text primary key,
  integration_id integer not null references integrations,
  secret_sealed bytea not null,
  -- A rotated pair goes on for 24 hours.
  expires_at timestamptz,
  created_at timestamptz not null
);
create index on credentials (integration_id);

create table auth_tokens (
  token_hash bytea primary key,
  integration_id integer not null references integrations,
  api_key text not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  created_at timestamptz not null
);
create index on auth_tokens (integration_id) where revoked_at is null;
create index on auth_tokens (expires_at);

create table idempotency_keys (
  integration_id integer not null,
  method text not null,
  path text not null,
  key_hash bytea not null,
  body_hash bytea not null,
  state text not null check (state in ('running', 'done')),
  -- What a creation recorded before its answer was stored: taken up again after a crash.
  resource_id text,
  status integer,
  answer_sealed bytea,
  real_started_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (integration_id, method, path, key_hash)
);
create index on idempotency_keys (expires_at);

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  who text not null,
  why text not null,
  action text not null,
  target text not null,
  before jsonb,
  after jsonb
);

-- Customers and verifications ---------------------------------------------------------------------------

create sequence customer_ids start 100001;

create table customers (
  integration_id integer not null references integrations,
  id bigint not null default nextval('customer_ids'),
  uuid uuid not null unique,
  type text not null check (type in ('individual', 'company')),
  -- A key of the customer's own, wrapped by the master key; null once the customer was forgotten.
  key_wrapped bytea,
  personal_sealed bytea not null,
  email_index bytea not null,
  external_id text,
  country text,
  -- Null when the integrator named none.
  language text,
  callback_url text,
  kyc_status text not null default 'unused' check (kyc_status in ('unused', 'processing', 'valid', 'fail')),
  kyc_level text not null default 'none' check (kyc_level in ('none', 'basic', 'reinforced')),
  kyc_reasons jsonb not null default '[]',
  kyc_updated_at timestamptz not null,
  banned_at timestamptz,
  banned_reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (integration_id, id),
  unique (integration_id, email_index),
  unique (integration_id, external_id)
);
create index on customers (integration_id, created_at desc, id desc);

create table verifications (
  integration_id integer not null,
  id text not null,
  customer_id bigint not null,
  kind text not null check (kind in ('kyc', 'kyb', 'reinforced', 'delegated')),
  token_hash bytea not null unique,
  token_sealed bytea not null,
  -- form: the customer fills in; submitted: waits to be handed to the provider; deciding: with the provider;
  -- review: a person decides; the rest are ends. A rejection that can be mended goes back to form, with reasons.
  phase text not null check (phase in ('form', 'submitted', 'deciding', 'review', 'valid', 'fail', 'expired')),
  data_sealed bytea,
  reasons jsonb not null default '[]',
  checks jsonb not null default '[]',
  provider_ref text,
  callback_url text,
  decided_by text,
  decided_at timestamptz,
  -- Long polls of the page wait for this to grow.
  version integer not null default 1,
  expires_at timestamptz not null,
  due_at timestamptz,
  lease_until timestamptz,
  attempts integer not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (integration_id, id),
  foreign key (integration_id, customer_id) references customers
);
create index on verifications (integration_id, customer_id, created_at desc);
create index on verifications (due_at) where due_at is not null;
create index on verifications (provider_ref) where provider_ref is not null;

create table documents (
  integration_id integer not null,
  id text not null,
  customer_id bigint not null,
  verification_id text,
  type text not null,
  mime text not null,
  bytes integer not null,
  width integer,
  height integer,
  -- What is poor about a picture, as our own look at it found.
  problems jsonb not null default '[]',
  sha256 bytea not null,
  storage_key text not null,
  created_at timestamptz not null,
  primary key (integration_id, id),
  foreign key (integration_id, customer_id) references customers
);
create index on documents (integration_id, customer_id);
create unique index on documents (integration_id, verification_id, type) where verification_id is not null;

-- Payments ----------------------------------------------------------------------------------------------

create table payments (
  integration_id integer not null references integrations,
  id text not null,
  customer_id bigint not null,
  external_id text,
  -- Equal to external_id while the payment is alive or ended with coins; null frees the name.
  live_external_id text,
  request_hash bytea not null,
  guided boolean not null,
  payment_type text not null,
  state text not null check (state in ('started', 'pending_bank', 'in_review', 'payment_received', 'coins_sent',
                                       'expired', 'cancelled', 'payment_rejected', 'refunded')),
  fiat text not null,
  fiat_units numeric(78,0) not null,
  received_units numeric(78,0) not null default 0,
  -- Each unit received is converted, returned, or still held on the payment's account: received = converted +
  -- refunded + held, and nothing is ever counted twice.
  converted_units numeric(78,0) not null default 0,
  refunded_units numeric(78,0) not null default 0,
  check (converted_units >= 0 and refunded_units >= 0 and converted_units + refunded_units <= received_units),
  -- The amount in euro cents at the day's rate, what limits count.
  limit_units numeric(78,0) not null,
  symbol text not null,
  chain text not null,
  coin_units numeric(78,0) not null,
  price text not null,
  fee_units numeric(78,0) not null,
  network_fee_units numeric(78,0) not null,
  -- The fees agreed at creation, so that what arrives is priced by them whatever the settings are by then.
  terms jsonb not null,
  price_fixed_at timestamptz,
  price_expires_at timestamptz,
  quote_id text,
  wallet text,
  wallet_fixed boolean not null default false,
  wallet_frozen boolean not null default false,
  callback_url text,
  -- The browser that owns the page: SHA-256 of its cookie.
  browser_hash bytea,
  handover_hash bytea,
  handover_expires_at timestamptz,
  declines integer not null default 0,
  last_decline text,
  holder_sealed bytea,
  review_reason text,
  review_detail text,
  -- Why it ended without coins.
  end_reason text,
  -- When the money was all there.
  received_at timestamptz,
  concept bigint,
  account_iban text,
  txid text,
  refund jsonb,
  chargeback jsonb,
  version integer not null default 1,
  expires_at timestamptz,
  -- The next deadline of this state; null in final states.
  due_at timestamptz,
  lease_until timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (integration_id, id),
  foreign key (integration_id, customer_id) references customers
);
create unique index on payments (id);
create unique index on payments (integration_id, live_external_id) where live_external_id is not null;
create unique index on payments (integration_id, quote_id) where quote_id is not null;
create index on payments (integration_id, created_at desc, id desc);
create index on payments (integration_id, external_id);
create index payments_limits on payments (integration_id, customer_id, created_at) include (payment_type, state, limit_units);
create index payments_due on payments (due_at) where due_at is not null;
create index payments_review on payments (created_at) where state = 'in_review';
create index payments_refund_failed on payments (created_at) where refund ->> 'state' = 'failed';

-- One attempt at a provider: a card session, an open-banking consent.
create table payment_sessions (
  id text primary key,
  integration_id integer not null,
  payment_id text not null,
  payment_type text not null,
  provider text not null,
  provider_ref text unique,
  url text,
  state text not null check (state in ('created', 'open', 'pending', 'paid', 'declined', 'cancelled', 'expired', 'failed')),
  units numeric(78,0) not null,
  currency text not null,
  declines integer not null default 0,
  decline_code text,
  -- The customer came back from the provider's page, and its word is still to come.
  returned_at timestamptz,
  -- The payer took the money back through the card network: nothing of it can be refunded.
  charged_back_at timestamptz,
  -- When the provider is asked, in case its notification doesn't come.
  due_at timestamptz,
  lease_until timestamptz,
  attempts integer not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  foreign key (integration_id, payment_id) references payments
);
create index on payment_sessions (payment_id);
create index payment_sessions_due on payment_sessions (due_at) where due_at is not null;

-- What providers tell us, stored as it came, worked off by a lane.
create table provider_callbacks (
  id bigint generated always as identity primary key,
  provider text not null,
  external_id text not null,
  payload_sealed bytea not null,
  attempts integer not null default 0,
  due_at timestamptz,
  lease_until timestamptz,
  parked_reason text,
  received_at timestamptz not null,
  processed_at timestamptz,
  unique (provider, external_id)
);
create index on provider_callbacks (due_at) where due_at is not null;

create table bank_accounts (
  iban text primary key,
  integration_id integer references integrations,
  bic text not null,
  bank_name text not null,
  holder_name text not null,
  currency text not null,
  status text not null default 'active',
  -- The bank's reference of the last line read from its list, and when the list is read again.
  statement_ref text,
  due_at timestamptz,
  lease_until timestamptz,
  created_at timestamptz not null
);
create index on bank_accounts (integration_id);

create table payment_concepts (
  iban text not null references bank_accounts,
  concept bigint not null,
  integration_id integer not null,
  payment_id text not null,
  created_at timestamptz not null,
  primary key (iban, concept)
);
create sequence concept_numbers start 1000;

create table bank_transactions (
  iban text not null references bank_accounts,
  id text not null,
  -- The bank's own reference: the same line twice is one line.
  bank_ref text not null,
  booked_at timestamptz not null,
  value_date date not null,
  direction text not null check (direction in ('credit', 'debit')),
  units numeric(78,0) not null,
  matched_units numeric(78,0) not null default 0,
  currency text not null,
  counterparty_sealed bytea not null,
  concept text not null,
  end_to_end_id text,
  -- The bank's name of the transfer of ours that this line books or gives back.
  transfer_ref text,
  state text not null default 'unmatched' check (state in ('unmatched', 'suggested', 'matched', 'returned')),
  match_reasons jsonb not null default '[]',
  due_at timestamptz,
  lease_until timestamptz,
  created_at timestamptz not null,
  primary key (iban, id),
  unique (iban, bank_ref)
);
create index on bank_transactions (iban, booked_at desc, id desc);
create index on bank_transactions (due_at) where due_at is not null;

create table bank_matches (
  iban text not null,
  transaction_id text not null,
  integration_id integer not null,
  payment_id text not null,
  units numeric(78,0) not null,
  matched_by text not null,
  created_at timestamptz not null,
  primary key (iban, transaction_id, integration_id, payment_id),
  foreign key (iban, transaction_id) references bank_transactions,
  foreign key (integration_id, payment_id) references payments
);
create index on bank_matches (payment_id);

-- Ledger ------------------------------------------------------------------------------------------------

create table journals (
  id bigint generated always as identity primary key,
  kind text not null,
  -- What this journal is for; the same purpose is never booked twice.
  purpose text not null unique,
  integration_id integer,
  reference text,
  at timestamptz not null
);

create table postings (
  journal_id bigint not null references journals,
  line smallint not null,
  account text not null,
  asset text not null,
  units numeric(78,0) not null check (units <> 0),
  primary key (journal_id, line)
);
create index on postings (account, asset) include (units);

-- All postings of a journal arrive in one statement, and each statement sums to zero per journal and asset.
create function postings_sum_to_zero() returns trigger language plpgsql as $$
declare bad record;
begin
  select journal_id, asset, sum(units) as total into bad
    from added group by journal_id, asset having sum(units) <> 0 limit 1;
  if found then
    raise exception 'journal % does not sum to zero in %: %', bad.journal_id, bad.asset, bad.total
      using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger postings_zero_sum after insert on postings
  referencing new table as added for each statement execute function postings_sum_to_zero();

create function ledger_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: % on % is refused', tg_op, tg_table_name using errcode = 'check_violation';
end $$;
create trigger postings_append_only before update or delete or truncate on postings
  for each statement execute function ledger_is_append_only();
create trigger journals_append_only before update or delete or truncate on journals
  for each statement execute function ledger_is_append_only();

-- The journals that were booked and not sealed yet.
create table unsealed_journals (journal_id bigint primary key);

-- The hash chain over journals, written by the sealing lane. Every hash is keyed, so only the program can write one.
create table journal_seals (
  position bigint primary key,
  journal_id bigint not null unique,
  -- Of the journal's row, and of each of its entries one after the other, 16 bytes each: they tell which was changed.
  header_hash bytea not null,
  line_hashes bytea not null,
  -- Of all that and of the seal before.
  chain_hash bytea not null
);

-- Sums of the accounts that many journals touch, over all sealed journals: a balance is this and the unsealed rest.
create table balance_checkpoints (
  account text not null,
  asset text not null,
  units numeric(78,0) not null,
  position bigint not null,
  primary key (account, asset)
);

-- Money out -----------------------------------------------------------------------------------------------

-- A door is a way out: one hot wallet, one bank account, one card provider.
create table doors (
  door text primary key,
  paused_at timestamptz,
  paused_by text,
  paused_reason text,
  halted_at timestamptz,
  halted_reason text
);

create table chains (
  chain text primary key,
  epoch integer not null default 1,
  genesis_hash text not null,
  checkpoint_height bigint not null default 0,
  checkpoint_hash text not null,
  updated_at timestamptz not null
);

create table wallets (
  chain text not null references chains,
  address text not null,
  key_ref text not null,
  role text not null check (role in ('hot', 'faucet')),
  epoch integer not null,
  next_nonce bigint not null default 0,
  primary key (chain, address)
);

create table chain_transactions (
  id bigint generated always as identity primary key,
  chain text not null,
  epoch integer not null,
  wallet text not null,
  nonce bigint not null,
  kind text not null check (kind in ('single', 'batch', 'approve')),
  -- confirmed: final as asked; failed: reverted, and final; abandoned: something else is final under its nonce.
  state text not null check (state in ('reserved', 'prepared', 'sent', 'confirmed', 'failed', 'abandoned')),
  -- {to, data, value, gas}: what every attempt under this nonce does alike, but for those that cancel it.
  request jsonb not null,
  -- Given up: further attempts only consume the nonce.
  cancelling boolean not null default false,
  -- More than `attempts`: another one, with a higher fee, is to be signed.
  wanted_attempts integer not null default 1,
  -- The most that gas can cost at the fee of the last attempt.
  max_gas_units numeric(78,0) not null,
  hash text,
  block_height bigint,
  block_hash text,
  gas_units numeric(78,0),
  reason text,
  attempts integer not null default 0,
  due_at timestamptz,
  lease_until timestamptz,
  real_sent_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (chain, epoch, wallet, nonce)
);
create index on chain_transactions (chain, state) where state in ('reserved', 'prepared', 'sent');

create table chain_attempts (
  transaction_id bigint not null references chain_transactions,
  attempt integer not null,
  hash text not null unique,
  raw text not null,
  max_fee_per_gas numeric(78,0) not null,
  max_priority_fee_per_gas numeric(78,0) not null,
  -- An empty transfer to ourselves, which only consumes the nonce.
  cancels boolean not null default false,
  real_created_at timestamptz not null,
  primary key (transaction_id, attempt)
);

create table effects (
  id text primary key,
  integration_id integer not null,
  kind text not null check (kind in ('coin_transfer', 'bank_transfer', 'card_refund')),
  -- What it is for, e.g. `payment:<id>:coins`; unique, so that nothing goes out twice for one purpose.
  purpose text not null unique,
  -- The payment or sale it belongs to.
  reference text not null,
  door text not null,
  asset text not null,
  units numeric(78,0) not null check (units > 0),
  -- {address} | {iban,name,concept} | {session}: sealed, as it may be personal.
  destination_sealed bytea not null,
  -- Of coins only the ends are written here: between `reserved` and them the chain transaction's state tells.
  state text not null check (state in ('planned', 'reserved', 'prepared', 'sent', 'confirmed', 'failed', 'unknown', 'cancelled')),
  -- What becomes of it once something else is final under its nonce.
  given_up text check (given_up in ('planned', 'cancelled')),
  transaction_id bigint references chain_transactions,
  idempotency_key text not null unique,
  provider_ref text,
  txid text,
  gas_units numeric(78,0),
  -- Goes out alone: its batch failed, or it was planned anew.
  single boolean not null default false,
  reason text,
  attempts integer not null default 0,
  due_at timestamptz,
  lease_until timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  confirmed_at timestamptz
);
create index on effects (reference);
create index effects_open on effects (door, created_at, id) where state in ('planned', 'reserved', 'prepared', 'sent', 'unknown');
create index on effects (transaction_id) where transaction_id is not null;
create index effects_parked on effects (created_at) where state in ('failed', 'unknown');

-- What was let out by a door on a day; the door's cap is checked against it.
create table outflows (
  door text not null,
  asset text not null,
  day date not null,
  units numeric(78,0) not null,
  primary key (door, asset, day)
);

-- Events and webhooks -----------------------------------------------------------------------------------

create table events (
  integration_id integer not null,
  id text not null,
  type text not null,
  -- What is kept in order: `payment:<id>`, `rampoff:<id>`, `customer:<id>`.
  stream text not null,
  -- The order of writing. Who changes a stream holds its row's lock, so within a stream it is the order of commits.
  position bigint generated always as identity,
  -- Null until the sequencer numbers it.
  sequence bigint,
  -- The `data` of the body as JSON text, sealed under the customer's key; frozen when written.
  data_sealed bytea not null,
  -- Null: sealed under the platform's key, or the customer was forgotten.
  key_wrapped bytea,
  created_at timestamptz not null,
  primary key (integration_id, id)
);
create unique index on events (integration_id, sequence) where sequence is not null;
create index on events (integration_id, type, sequence) where sequence is not null;
create index events_unnumbered on events (position) where sequence is null;

create table webhook_subscriptions (
  integration_id integer not null references integrations,
  type text not null,
  -- The name under which it was subscribed and is sent (an older name may stand for a type).
  sent_type text not null,
  url text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (integration_id, type)
);

-- One row for each URL that an integration's deliveries go to: who works it off, and how it is doing.
create table webhook_destinations (
  integration_id integer not null references integrations,
  url text not null,
  -- When to look for deliveries, at the latest; null: none waits.
  due_at timestamptz,
  -- The process that delivers here; the lease is on the database's time.
  owner uuid,
  lease_until timestamptz,
  -- Attempts that failed one after the other, and until when nothing is sent because of them.
  failures integer not null default 0,
  failing_since timestamptz,
  resume_at timestamptz,
  primary key (integration_id, url)
);
create index on webhook_destinations (due_at) where due_at is not null;

create table deliveries (
  integration_id integer not null,
  sequence bigint not null,
  event_id text not null,
  type text not null,
  -- The name in the body: the subscription's when the event was numbered.
  sent_type text not null,
  stream text not null,
  state text not null check (state in ('pending', 'delivered', 'failed', 'dropped')),
  -- All attempts; `tries` counts those since it was created or last redelivered, which the pauses grow by.
  attempts integer not null default 0,
  tries integer not null default 0,
  due_at timestamptz,
  -- An attempt that fails then or later is the last; set by the first that fails.
  retry_until timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (integration_id, sequence)
);
create index deliveries_due on deliveries (integration_id, type, due_at, sequence) where state = 'pending';
create index deliveries_stream on deliveries (integration_id, stream, sequence) where state = 'pending';

create table delivery_attempts (
  integration_id integer not null,
  sequence bigint not null,
  attempt integer not null,
  url text not null,
  -- Of the answer; null when there was none, and `error` says why.
  status integer,
  error text,
  duration_ms integer not null,
  at timestamptz not null,
  primary key (integration_id, sequence, attempt)
);

-- Running it ----------------------------------------------------------------------------------------------

create table platform (
  only_row boolean primary key default true check (only_row),
  mode text not null,
  clock_offset_ms bigint not null default 0
);

create table provider_faults (
  id bigint generated always as identity primary key,
  provider text not null,
  kind text not null,
  remaining integer not null,
  created_at timestamptz not null
);
