-- What a vendor gave at the end of a list, and takes to say what changed since; of a run's part, what it was given.
ALTER TABLE stream_state ADD COLUMN sync_token text;
ALTER TABLE stream_run ADD COLUMN sync_token text;
