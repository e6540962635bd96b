-- Wrong passwords of a company's form are counted for the network that they come from: nobody keeps the company out.

create table password_attempts (
  integration_id integer not null,
  verification_id text not null,
  -- A keyed hash of the caller's network, not the address.
  network bytea not null,
  failures integer not null,
  -- By the machine's time.
  wait_until timestamptz not null,
  primary key (integration_id, verification_id, network),
  foreign key (integration_id, verification_id) references verifications on delete cascade
);

alter table verifications
  drop column password_failures,
  drop column password_wait_until;
