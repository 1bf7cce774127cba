-- Fast runs: between the scheduled ones, of the lists that some models are made of.

-- `fast_models` null: as the settings say; empty: none. `next_fast_at` is when the next one is due.
ALTER TABLE connector
    ADD COLUMN fast_models text[],
    ADD COLUMN fast_every interval,
    ADD COLUMN next_fast_at timestamptz NOT NULL DEFAULT now();

CREATE INDEX connector_fast_due ON connector (next_fast_at)
    WHERE fast_models <> '{}' AND NOT is_paused AND status = 'COMPLETE';

CREATE INDEX connector_fast_due_by_setting ON connector (next_fast_at)
    WHERE fast_models IS NULL AND NOT is_paused AND status = 'COMPLETE';

-- A fast run that ended is deleted when the next one is asked for.
ALTER TABLE sync_run ADD COLUMN is_fast boolean NOT NULL DEFAULT false;

CREATE INDEX sync_run_fast ON sync_run (connector) WHERE is_fast;
