-- The first pending delivery of a stream is looked up in the words of this index's condition, and only it serves them.
-- `deliveries_due` looks as cheap to the planner while few wait, and reads all that wait before it when many do.
update deliveries set due_at = null where state <> 'pending' and due_at is not null;
alter table deliveries add check ((state = 'pending') = (due_at is not null));
drop index deliveries_stream;
create index deliveries_stream on deliveries (integration_id, stream, sequence) where due_at is not null;
