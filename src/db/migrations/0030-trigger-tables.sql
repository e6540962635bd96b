-- What a trigger looks for is given to it by name: a backup is restored in this order.
drop trigger bank_matches_written on bank_matches;
create trigger bank_matches_written after insert on bank_matches
  referencing new table as added for each statement execute function bank_matches_exist('bank_transactions', 'payments');
drop trigger bank_transactions_written on bank_transactions;
create trigger bank_transactions_written after insert on bank_transactions
  referencing new table as added for each statement execute function bank_transactions_exist('bank_accounts', 'statement_imports');
drop trigger statement_lines_written on statement_lines;
create trigger statement_lines_written after insert on statement_lines
  referencing new table as added for each statement execute function statement_lines_exist('bank_transactions', 'statements');
drop trigger postings_zero_sum on postings;
create trigger postings_zero_sum after insert on postings
  referencing new table as added for each statement execute function postings_sum_to_zero('journals');
