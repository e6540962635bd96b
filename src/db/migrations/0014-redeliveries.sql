-- How often a delivery was asked for again. What comes of an attempt that was made before moves the delivery no more.
alter table deliveries add column redeliveries integer not null default 0;
