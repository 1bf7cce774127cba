CREATE UNIQUE INDEX CONCURRENTLY record_key_identity ON record_key (connector, key, seq);
