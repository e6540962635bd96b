-- A sum that a bank booked for several transfers and these transfers, told apart from it, are one and the same money.

-- Of a line that a bank told as part of a sum: the line of that sum, which is `divided`.
alter table bank_transactions add column part_of text;
create index on bank_transactions (iban, part_of) where part_of is not null;
-- `divided`: a sum whose transfers are lines of their own. It is no money beside theirs and is never matched.
alter table bank_transactions drop constraint bank_transactions_state_check;
alter table bank_transactions add constraint bank_transactions_state_check
  check (state in ('unmatched', 'suggested', 'matched', 'returned', 'divided'));

-- What statements say of sums and their transfers, an entry each: `numbers` are the lines that it is.
create table statement_batches (
  import_id text not null,
  position integer not null,
  entry integer not null,
  iban text not null,
  booked_on date not null,
  direction text not null,
  units numeric(78,0) not null,
  -- Of how many transfers it is, where that was told.
  transfers integer,
  -- Names of the sum that mean the same in every message, such as `entry:…` and `batch:…`.
  refs text[] not null,
  numbers integer[] not null,
  primary key (import_id, position, entry),
  foreign key (import_id, position) references statements
);
create index on statement_batches (iban, booked_on, direction, units);

-- The doubt that this one is, told again: it is decided with it. Its reason may be `batch` as well.
alter table bank_doubts add column same_as text;
create index on bank_doubts (iban, same_as) where same_as is not null;
alter table bank_doubts drop constraint bank_doubts_state_check;
alter table bank_doubts add constraint bank_doubts_state_check
  check (state in ('open', 'same', 'new', 'dismissed', 'again'));
