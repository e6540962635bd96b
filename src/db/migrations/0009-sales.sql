-- The sell flow: coins come in on an address of the sale's own, money goes out by the bank.

-- Where an effect's money is booked from when it has left: `customer:<id>:coin`, or the wallet it went to when it only
-- moved between our own. Null: the room that planned it books by itself (banks and cards).
alter table effects add column account text;
update effects set account = 'customer:' || split_part(reference, ':', 2) || ':coin' where kind = 'coin_transfer';
alter table effects add check ((kind = 'coin_transfer') = (account is not null));

-- Addresses for deposits are wallets of ours too: swept, and never a customer's.
alter table wallets drop constraint wallets_role_check;
alter table wallets add constraint wallets_role_check check (role in ('hot', 'faucet', 'deposit'));
create index wallets_by_address on wallets (lower(address), chain);
create index wallets_hot on wallets (chain) where role = 'hot';
-- The next index below the account key; one never comes twice, on whatever chain.
create sequence deposit_indexes start 1;

create table sales (
  integration_id integer not null references integrations,
  id text not null,
  customer_id bigint not null,
  external_id text,
  -- Equal to external_id while the sale is alive or ended with money; null frees the name.
  live_external_id text,
  request_hash bytea not null,
  state text not null check (state in ('started', 'crypto_received', 'processing', 'finished', 'expired', 'in_review',
                                       'refunded', 'failed')),
  chain text not null,
  symbol text not null,
  -- What was asked, in the coin's base units.
  asked_units numeric(78,0) not null,
  -- Final deposits of the sale's coin: each unit is converted, returned, or still held on the sale's account.
  received_units numeric(78,0) not null default 0,
  converted_units numeric(78,0) not null default 0,
  returned_units numeric(78,0) not null default 0,
  -- Written off: too little to move, or left to us by a person's decision.
  kept_units numeric(78,0) not null default 0,
  check (converted_units >= 0 and returned_units >= 0 and kept_units >= 0
         and converted_units + returned_units + kept_units <= received_units),
  -- The conversions that stand: [{number, round, units, fiatUnits, feeUnits}]; round is the payout that pays each.
  conversions jsonb not null default '[]',
  fiat text not null,
  -- What the customer gets: an estimate until coins are converted, then the sum of what they were converted to.
  fiat_units numeric(78,0) not null,
  fee_units numeric(78,0) not null,
  price text not null,
  price_fixed_at timestamptz,
  -- The quote's price holds for coins first seen before then; null without a quote.
  price_expires_at timestamptz,
  -- The fees agreed at creation, so that what arrives is priced by them whatever the settings are by then.
  terms jsonb not null,
  quote_id text,
  -- Where the coins are to come to: a wallet of the role `deposit`.
  address text not null,
  refund_wallet text,
  -- Whom the money goes to, under the customer's key: {iban, name} or {account, bank_name, name, country}.
  payee_sealed bytea not null,
  -- The transaction of the last deposit that counted.
  txid text,
  review_reason text,
  review_detail text,
  end_reason text,
  -- The latest round of each: {round, state, units, reason, createdAt}.
  payout jsonb,
  coin_return jsonb,
  -- The rounds before the latest, oldest first.
  earlier_payouts jsonb not null default '[]',
  earlier_returns jsonb not null default '[]',
  -- What its last step threw; null once a step of it went well.
  failure text,
  version integer not null default 1,
  expires_at timestamptz,
  -- The next deadline of this state; null in final states.
  due_at timestamptz,
  lease_until timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (integration_id, id),
  foreign key (integration_id, customer_id) references customers,
  foreign key (chain, address) references wallets
);
create unique index on sales (id);
create unique index on sales (chain, address);
create unique index on sales (integration_id, live_external_id) where live_external_id is not null;
create unique index on sales (integration_id, quote_id) where quote_id is not null;
create index sales_newest on sales (integration_id, (created_at at time zone 'UTC') desc, id desc) include (created_at);
create index sales_by_state on sales (integration_id, state, created_at desc, id desc);
create index sales_by_external_id on sales (integration_id, external_id, created_at desc, id desc);
create index sales_by_customer on sales (integration_id, customer_id, created_at desc, id desc) include (state);
create index sales_due on sales (due_at) where due_at is not null;
create index sales_open_coins on sales (chain, symbol) where due_at is not null;
-- Past their window, waiting for coins that were seen in time.
-- Addresses at which the chain's own coin may come late.
create index sales_expired_coins on sales (chain, symbol, updated_at) where state = 'expired';
create index sales_awaiting on sales (expires_at) where state = 'started' and due_at is null;
create index sales_unconverted on sales (updated_at) where state = 'crypto_received';
create index sales_review on sales (created_at) where state = 'in_review';
create index sales_failing on sales (created_at) where failure is not null;

-- Coins that arrived on a sale's address. A transaction that comes back in another block after a reorganisation is the
-- same deposit; one that doesn't has vanished. Only final ones count.
create table deposits (
  integration_id integer not null,
  id text not null,
  sale_id text not null,
  chain text not null,
  epoch integer not null,
  address text not null,
  asset text not null,
  units numeric(78,0) not null check (units > 0),
  -- Null: a contract sent the chain's own coin while it ran, of which only the balance of the address tells.
  from_address text,
  -- `balance:<block>:<address>` where no transaction is known: what was there after that block and nothing explained.
  tx_hash text not null,
  -- Which of the transaction's movements to addresses of ours, from 0.
  ordinal integer not null,
  block_height bigint not null,
  block_hash text not null,
  state text not null check (state in ('seen', 'vanished', 'final')),
  -- What a final one counted as; null until it was worked off.
  outcome text check (outcome in ('credited', 'wrong_asset', 'dust', 'blocked')),
  -- Of a wrong asset, or one from a blocked address: when it was returned, or kept by a person's decision.
  settled_at timestamptz,
  -- The round of the return that gives it back.
  return_round integer,
  lease_until timestamptz,
  first_seen_at timestamptz not null,
  final_at timestamptz,
  updated_at timestamptz not null,
  primary key (integration_id, id),
  foreign key (integration_id, sale_id) references sales,
  unique (chain, epoch, tx_hash, ordinal)
);
create index on deposits (integration_id, sale_id);
create index deposits_seen on deposits (chain, epoch, block_height) where state = 'seen';
create index deposits_final on deposits (chain, epoch, block_height) where state = 'final';
create index deposits_unworked on deposits (final_at) where state = 'final' and outcome is null;
-- Coins that must not be swept.
create index deposits_blocked on deposits (chain, address) where outcome = 'blocked' and settled_at is null;

-- How far each chain was read for deposits, and the hashes of the blocks read last, to find where a chain forked.
create table chain_scans (
  chain text primary key references chains,
  epoch integer not null,
  height bigint not null,
  hash text not null,
  -- Why it doesn't go on: a second node that disagrees, a reorganisation below what was final.
  held_reason text,
  -- What came to the chain before then, on the platform's clock, was read; null while that isn't known. It is written
  -- when a sale waits for it: none is closed before the chain was read up to its deadline.
  read_until timestamptz,
  updated_at timestamptz not null
);
create table chain_blocks (
  chain text not null,
  epoch integer not null,
  height bigint not null,
  hash text not null,
  primary key (chain, epoch, height)
);

-- Coins on their way from a deposit address to the hot wallet: first gas, where the address has too little, then they.
create table sweeps (
  id text primary key,
  integration_id integer not null,
  chain text not null,
  epoch integer not null,
  address text not null,
  asset text not null,
  state text not null check (state in ('gas', 'coins', 'done', 'failed')),
  units numeric(78,0) not null check (units > 0),
  reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  foreign key (chain, address) references wallets
);
-- One at a time for each address, as each needs its gas.
create unique index sweeps_open on sweeps (chain, address) where state in ('gas', 'coins');

-- What sales cost integrations that are here already, and what they do with coins that aren't what was asked.
update integrations set settings = settings || '{"sales": {
  "fees": {"EUR": {"percent": "0.80", "fixed": "0.20"}, "CLP": {"percent": "1.50", "fixed": "300"},
           "MXN": {"percent": "1.50", "fixed": "6.00"}, "COP": {"percent": "1.50", "fixed": "1300.00"},
           "PEN": {"percent": "1.50", "fixed": "1.20"}, "ARS": {"percent": "1.50", "fixed": "300.00"}},
  "minimum": {"EUR": "20.00", "CLP": "20000", "MXN": "400.00", "COP": "90000.00", "PEN": "80.00", "ARS": "30000.00"},
  "maximum": {"EUR": "10000.00", "CLP": "10000000", "MXN": "200000.00", "COP": "40000000.00", "PEN": "40000.00",
              "ARS": "14000000.00"},
  "tolerancePercent": "1.00", "dust": "0.10", "short": "convert",
  "excess": "convert", "late": "convert", "wrongAsset": "return"}}';
