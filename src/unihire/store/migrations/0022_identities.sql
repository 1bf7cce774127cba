-- The indexes made beside become the primary keys: nothing is read or written for it.

ALTER TABLE stream_run DROP CONSTRAINT stream_run_run_fkey;
ALTER TABLE stream_run DROP CONSTRAINT stream_run_pkey;
ALTER TABLE stream_run ADD CONSTRAINT stream_run_pkey PRIMARY KEY USING INDEX stream_run_identity;
ALTER TABLE sync_run DROP CONSTRAINT sync_run_pkey;
ALTER TABLE sync_run ADD CONSTRAINT sync_run_pkey PRIMARY KEY USING INDEX sync_run_identity;
ALTER TABLE issue DROP CONSTRAINT issue_pkey;
ALTER TABLE issue ADD CONSTRAINT issue_pkey PRIMARY KEY USING INDEX issue_identity;
ALTER TABLE record DROP CONSTRAINT record_pkey;
ALTER TABLE record ADD CONSTRAINT record_pkey PRIMARY KEY USING INDEX record_identity;

-- What is there is looked at by the next version, which keeps nobody from writing.
ALTER TABLE stream_run ADD CONSTRAINT stream_run_run_fkey
    FOREIGN KEY (connector, run) REFERENCES sync_run (connector, id) ON DELETE CASCADE NOT VALID;
