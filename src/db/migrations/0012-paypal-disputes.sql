-- A buyer at the simulated PayPal takes the money back. What was refunded before is not taken back too.
alter table simulated.redirect_sessions
  add column dispute_due_at timestamptz,
  add column disputed_units numeric(78,0) not null default 0,
  add constraint redirect_sessions_taken_back check (refunded_units + disputed_units <= paid_units);
create index on simulated.redirect_sessions (dispute_due_at) where dispute_due_at is not null;
