-- A line that is matched, and of which a later source told who paid: its payment is to hear of it.

create table payer_news (
  iban text not null,
  transaction_id text not null,
  integration_id integer not null,
  payment_id text not null,
  -- The payer's name was not known before: whether it is the customer has to be asked anew.
  learned_name boolean not null,
  -- The payer's account was not known before: the customer is known by it from now on.
  learned_account boolean not null,
  due_at timestamptz not null,
  lease_until timestamptz,
  primary key (iban, transaction_id, integration_id, payment_id),
  -- To refer to the payment would lock it after the line; all else locks it before.
  foreign key (iban, transaction_id, integration_id, payment_id) references bank_matches
);
create index on payer_news (due_at);
