-- Whether a stored file belongs to a document is asked of thousands of files at a time.
create index on documents (integration_id, storage_key);
