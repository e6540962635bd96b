-- The simulated verification provider of the sandbox. It keeps what it decided and when it tells, and nothing personal.

create table simulated.kyc_applications (
  id text primary key,
  idempotency_key text not null unique,
  outcome text not null check (outcome in ('valid', 'mend', 'fail', 'review')),
  reasons jsonb not null,
  checks jsonb not null,
  -- The decision is told from then on; until then it is pending.
  decided_at timestamptz not null,
  created_at timestamptz not null
);

alter table simulated.callbacks drop constraint callbacks_provider_check;
alter table simulated.callbacks
  add constraint callbacks_provider_check check (provider in ('card', 'open_banking', 'bank', 'kyc'));
