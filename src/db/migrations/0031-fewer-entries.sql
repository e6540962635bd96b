-- Indexes that every line and every payment entered and left, for questions that other indexes answer.
drop index payments_received;
-- What waits for a person; what the lane is to look at is found by when it is due. The words are those of the question.
drop index bank_transactions_unowned;
create index bank_transactions_waiting on bank_transactions (created_at)
  where matched_units < units and (direction = 'credit' or transfer_ref is null) and due_at is null;

-- Of the accounts that are asked for one by one. The others, such as fees, have an entry of every journal, and are read from their
-- checkpoints.
drop index postings_account_asset_units_idx;
create index postings_of_account on postings (account, asset) where split_part(account, ':', 1) in ('customer', 'wallet', 'bank');
