-- The indexes of primary keys that begin with connector: docs/decisions/0024-keys-that-distribute.md.

CREATE UNIQUE INDEX CONCURRENTLY record_identity ON record (connector, id);
CREATE UNIQUE INDEX CONCURRENTLY sync_run_identity ON sync_run (connector, id);
CREATE UNIQUE INDEX CONCURRENTLY stream_run_identity ON stream_run (connector, run, stream);
CREATE UNIQUE INDEX CONCURRENTLY issue_identity ON issue (connector, id);

-- For programs of before, which find runs and their streams without the connector.
CREATE UNIQUE INDEX CONCURRENTLY stream_run_of_before ON stream_run (run, stream);
CREATE INDEX CONCURRENTLY sync_run_of_before ON sync_run (id);
