-- Statements that were imported, how lines are matched, and banks that take orders as files.

create table statement_imports (
  id text primary key,
  -- SHA-256 of the file: the same file again is the same import.
  digest bytea not null unique,
  file_name text not null,
  -- Such as `camt.053.001.08`, `mt940`, `norma43`, `csv`.
  format text not null,
  bytes bigint not null,
  -- Where the file is kept, sealed.
  storage_key text not null unique,
  -- `command`, `folder`, `console`, `bank`.
  source text not null,
  imported_by text not null,
  lines integer not null,
  -- Of these, how many nobody had told of before.
  added integer not null,
  created_at timestamptz not null
);
create index on statement_imports (created_at desc);

-- One statement of one account inside a file; what the bank says the account held.
create table statements (
  import_id text not null references statement_imports,
  position integer not null,
  iban text not null references bank_accounts,
  currency text not null,
  -- The bank's number of the statement, where it has one.
  statement_ref text,
  from_on date,
  to_on date,
  -- Null where the file tells none, as a list of movements does.
  opening_units numeric(78,0),
  closing_units numeric(78,0),
  lines integer not null,
  added integer not null,
  -- Lines that may be known ones told otherwise: see bank_doubts.
  doubts integer not null default 0,
  -- Whether it holds every line of its days; of those from `whole_from` to `whole_to` that is proven.
  complete boolean not null,
  whole_from date,
  whole_to date,
  -- What a person should know: a gap to the statement before it, known lines that it doesn't hold.
  findings jsonb not null default '[]',
  primary key (import_id, position)
);
create index on statements (iban, to_on desc);

-- Which line each line of a statement is: what several statements tell of is one line.
create table statement_lines (
  import_id text not null,
  position integer not null,
  -- From 1, in the order of the statement.
  number integer not null,
  iban text not null,
  transaction_id text not null,
  -- The bank's reference as this statement has it.
  ref text,
  -- A keyed digest of all that this statement says of the line.
  print bytea not null,
  -- The day under which this statement has the line, where that is not the line's own.
  told_on date,
  primary key (import_id, position, number),
  unique (iban, transaction_id, import_id, position),
  foreign key (import_id, position) references statements,
  foreign key (iban, transaction_id) references bank_transactions
);
create index on statement_lines (iban, ref) where ref is not null;
create index on statement_lines (iban, told_on) where told_on is not null;

-- Names under which the bank's port told of lines that a statement had told of before: each names them in its own way.
create table bank_line_refs (
  iban text not null,
  ref text not null,
  transaction_id text not null,
  primary key (iban, ref),
  foreign key (iban, transaction_id) references bank_transactions
);
create index on bank_line_refs (iban, transaction_id);

-- What a bank told of that may be a known line in other words, or another line: not in the books until that is known.
create table bank_doubts (
  iban text not null references bank_accounts,
  id text not null,
  -- `port`, or the kind of statement, such as `camt.053`.
  told_by text not null,
  -- Null of what the port told.
  import_id text,
  position integer,
  number integer,
  import_line integer,
  bank_ref text,
  booked_at timestamptz not null,
  booked_on date not null,
  value_date date not null,
  direction text not null check (direction in ('credit', 'debit')),
  units numeric(78,0) not null,
  currency text not null,
  counterparty_sealed bytea not null,
  payer_index bytea,
  concept text not null,
  end_to_end_id text,
  transfer_ref text,
  return_code text,
  return_text text,
  print bytea not null,
  -- `other_words`, `not_on_statement`, `same_sum`, `told_again`, `other_day`.
  reason text not null,
  state text not null default 'open' check (state in ('open', 'same', 'new', 'dismissed')),
  -- The line that it turned out to be.
  transaction_id text,
  created_at timestamptz not null,
  decided_at timestamptz,
  primary key (iban, id),
  unique (import_id, position, number),
  foreign key (import_id, position) references statements
);
create index on bank_doubts (iban, booked_on) where state = 'open';
create unique index on bank_doubts (iban, bank_ref) where told_by = 'port';

alter table bank_transactions add column import_id text references statement_imports;
-- Line of the file, from 1.
alter table bank_transactions add column import_line integer;
-- The day that the bank's books have it under.
alter table bank_transactions add column booked_on date;
update bank_transactions set booked_on = booked_at::date;
alter table bank_transactions alter column booked_on set not null;
-- A keyed digest of the counterparty's account: whoever paid before is known again without storing who.
alter table bank_transactions add column payer_index bytea;
-- 0 to 100; null while nothing was judged.
alter table bank_transactions add column match_score smallint;
create index on bank_transactions (iban, booked_on, direction, units);
create index on bank_transactions (import_id) where import_id is not null;

-- Payments that a line may be for, for a person to choose from; gone when it is matched.
create table bank_suggestions (
  iban text not null,
  transaction_id text not null,
  integration_id integer not null,
  payment_id text not null,
  score smallint not null,
  reasons jsonb not null,
  -- The payment's when it was suggested: when it has changed, the line is judged again.
  payment_state text,
  primary key (iban, transaction_id, integration_id, payment_id),
  foreign key (iban, transaction_id) references bank_transactions,
  foreign key (integration_id, payment_id) references payments
);
create index on bank_suggestions (payment_id);

-- A match that was undone and made again is another journal.
alter table bank_matches add column round integer not null default 1;
-- A match that was undone stays, with nothing matched.
alter table bank_matches add constraint bank_matches_units_check check (units >= 0);
-- What the payment had then above or below what was asked, and its state right after: what reconciling again answers.
alter table bank_matches add column difference_units numeric(78,0) not null default 0;
alter table bank_matches add column payment_state text not null default 'payment_received';
-- The state that the payment waited in before, and until when: where it goes back to when the match is undone.
alter table bank_matches add column state_before text;
alter table bank_matches add column deadline_before timestamptz;
-- A conversion that was undone and made again is another journal.
alter table payments add column conversion_round integer not null default 1;
-- The line's, so that the lines of a shared account that are one integration's are listed newest first.
alter table bank_matches add column booked_at timestamptz;
update bank_matches set booked_at = bank_transactions.booked_at
  from bank_transactions where bank_transactions.iban = bank_matches.iban and bank_transactions.id = transaction_id;
alter table bank_matches alter column booked_at set not null;
create index on bank_matches (integration_id, iban, booked_at desc, transaction_id desc) where units > 0;

-- However many match at once: never more than the line has.
alter table bank_transactions
  add constraint bank_transactions_matched_check check (matched_units between 0 and units);
-- For the filters of an account's list. Its time is written otherwise than in the index of the whole list, so that the
-- planner takes each index for its own question.
create index on bank_transactions (iban, direction, state, (booked_at at time zone 'UTC') desc, id desc);

-- Accounts that a customer paid from before, by the account's keyed digest.
create table known_payers (
  integration_id integer not null,
  payer_index bytea not null,
  customer_id text not null,
  payments integer not null default 1,
  last_paid_at timestamptz not null,
  primary key (integration_id, payer_index, customer_id)
);

-- What open payments are found by when a line has no number: keyed digests of each given name with each surname, of the whole name,
-- and of nothing, which stands for the amount alone.
create table payment_names (
  payment_id text not null,
  digest bytea not null,
  iban text not null,
  units numeric(78,0) not null,
  primary key (payment_id, digest)
);
create index on payment_names (iban, digest, units) include (payment_id);

-- Null: not in `payment_names` yet. True: it is. False: it never was, or is no more.
alter table payment_concepts add column named boolean;
update payment_concepts set named = false from payments
 where payments.id = payment_id and state not in ('started', 'pending_bank', 'in_review');
create index on payment_concepts (iban, created_at) where named is null;
create index on payment_concepts (created_at) where named;

-- `file`: this account's bank takes orders as pain.001 files, and says by files what became of them.
alter table bank_accounts add column orders_by text not null default 'api' check (orders_by in ('api', 'file'));

-- Files of orders that were made for such a bank.
create table order_files (
  id text primary key,
  iban text not null references bank_accounts,
  -- `pain.001.001.03` or `pain.001.001.09`.
  format text not null,
  -- The file's MsgId, which the bank's answer names.
  message_id text not null unique,
  storage_key text not null,
  orders integer not null,
  units numeric(78,0) not null,
  -- Null: whole file accepted or not answered yet; else what the bank said of it.
  answer text,
  made_by text not null,
  created_at timestamptz not null
);

-- One order to such a bank. It is known by the id that it carries (`EndToEndId`), which is the effect's key.
create table file_orders (
  idempotency_key text primary key,
  iban text not null references bank_accounts,
  destination_sealed bytea not null,
  units numeric(78,0) not null,
  currency text not null,
  state text not null default 'accepted' check (state in ('accepted', 'booked', 'rejected', 'returned')),
  file_id text references order_files,
  reason text,
  reason_text text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on file_orders (iban, created_at) where file_id is null and state = 'accepted';

-- The one line of a statement that took a whole file of orders, where the bank books files as one; null else.
alter table order_files add column batch_line text;
create index on file_orders (iban) where file_id is not null and state in ('accepted', 'rejected');
create index on file_orders (file_id) where file_id is not null;
create index on order_files (iban, created_at desc);

-- How far the chargebacks of a card provider were read, should its callbacks be lost.
create table chargeback_scans (
  provider text primary key,
  -- The provider's time of the last change that was read.
  read_to timestamptz not null,
  due_at timestamptz not null,
  lease_until timestamptz
);
alter table simulated.card_sessions add column dispute_won_at timestamptz;
alter table simulated.card_sessions add column dispute_due_at timestamptz;
create index on payments (created_at) where chargeback is not null;
-- The payer took the money back, and the dispute about it was decided for us.
alter table payment_sessions add column dispute_won_at timestamptz;
-- An account whose bank has no API: its orders come in files, and its lines are told by statements alone.
alter table simulated.bank_accounts add column files_only boolean not null default false;
