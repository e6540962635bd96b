-- The customer's way into a payment that the integrator's own page begins: /gateway/<method>?token=…

-- Whoever has the token becomes the payment's owner. It is looked for by its hash, and sealed so that the same request
-- gets the same address again.
create table payment_gateways (
  integration_id integer not null,
  payment_id text not null,
  token_hash bytea not null unique,
  token_sealed bytea not null,
  created_at timestamptz not null,
  primary key (integration_id, payment_id),
  foreign key (integration_id, payment_id) references payments
);

-- PayPal and the local methods of Latin America, simulated: approval on the provider's page, or a code that is paid
-- with elsewhere.
create table simulated.redirect_sessions (
  id text primary key,
  kind text not null check (kind in ('paypal', 'local')),
  method text not null,
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
  -- What the customer pays with at a bank or a shop; null where the page is all there is.
  code text,
  payer_name text,
  decline_code text,
  -- All that came: more than was asked when somebody paid twice.
  paid_units numeric(78,0) not null default 0,
  refunded_units numeric(78,0) not null default 0 check (refunded_units <= paid_units),
  -- Somebody pays with the code then, whatever has become of the session.
  pay_due_at timestamptz,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on simulated.redirect_sessions (expires_at) where state = 'open';
create index on simulated.redirect_sessions (pay_due_at) where pay_due_at is not null;

create table simulated.redirect_refunds (
  id text primary key,
  idempotency_key text not null unique,
  session_id text not null references simulated.redirect_sessions,
  units numeric(78,0) not null check (units > 0),
  state text not null default 'pending' check (state in ('pending', 'done', 'failed')),
  reason text,
  due_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on simulated.redirect_refunds (due_at) where state = 'pending';

alter table simulated.callbacks drop constraint callbacks_provider_check;
alter table simulated.callbacks
  add constraint callbacks_provider_check
  check (provider in ('card', 'open_banking', 'bank', 'kyc', 'paypal', 'local'));
