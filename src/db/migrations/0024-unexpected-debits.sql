-- Money that the bank took and that no order of ours explains, found without walking all lines.
create index bank_transactions_unexpected on bank_transactions (created_at)
  where direction = 'debit' and state = 'unmatched';
