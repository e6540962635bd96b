-- A document may be sent for any customer's id, and what is said differs when the customer is another integration's.
create index on customers (id);
