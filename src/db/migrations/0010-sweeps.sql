-- What sweeping takes beside the sweeps themselves.

-- When it was looked at whether its address is worth emptying; null: not yet. One that leaves too little is looked at
-- once, and again with what comes to its address later.
alter table deposits add column sweep_seen_at timestamptz;
create index deposits_unswept on deposits (chain, epoch, final_at)
  where state = 'final' and outcome is not null and (outcome <> 'blocked' or settled_at is not null) and sweep_seen_at is null;
create index deposits_by_address on deposits (chain, address) where state <> 'vanished';

-- Which of its effects a sweep is at: `sweep:<id>:gas:<round>` or `sweep:<id>:coins:<round>`.
alter table sweeps add column round integer not null default 0;
-- How often its coins could not be moved since a person last looked.
alter table sweeps add column attempts integer not null default 0;
-- When it is looked at next; null while it waits for an effect, and when it is over.
alter table sweeps add column due_at timestamptz;
-- lost: its local chain was.
alter table sweeps drop constraint sweeps_state_check;
alter table sweeps add constraint sweeps_state_check check (state in ('gas', 'coins', 'done', 'failed', 'lost'));
create index sweeps_due on sweeps (chain, due_at) where due_at is not null;
create index sweeps_by_address on sweeps (chain, address);
create index sweeps_parked on sweeps (created_at) where state = 'failed';

-- Coins that are to leave, whichever wallet they leave.
create index effects_planned on effects (split_part(asset, ':', 1), due_at) include (door)
  where state = 'planned' and kind = 'coin_transfer';
