-- Writes through the unified API: what was asked for, how far it came, and how it ended.

-- `key` is the caller's idempotency key, and `input_hash` what it was used for. `asked_by` is the API key, `actor` the
-- vendor's id of the user who acts, `target` the record that is changed, `record` the one that was written. `steps`
-- holds, by name, when a step was first sent and the row it made; `answer` is what the caller was answered. `body` is
-- what was sent: while it waits to be done, and after that where the operator wants it. `refusal` is what the vendor
-- said. `claimed_until` is how long the process that works on it may take.
CREATE TABLE unified_write (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    id uuid NOT NULL,
    key text,
    model smallint NOT NULL,
    verb text NOT NULL,
    target uuid,
    asked_by uuid,
    actor text,
    input_hash bytea NOT NULL,
    status text NOT NULL,
    steps bytea NOT NULL DEFAULT '{}',
    answer bytea,
    record uuid,
    message text,
    refusal bytea,
    body bytea,
    asked_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    claimed_until timestamptz,
    PRIMARY KEY (connector, id)
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX unified_write_key ON unified_write (connector, key) WHERE key IS NOT NULL;

-- What waits to be done, by when it is due; while a process is at it, when others may take it up.
CREATE TABLE write_queue (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    id uuid NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    tries integer NOT NULL DEFAULT 0,
    PRIMARY KEY (connector, id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

CREATE INDEX write_queue_due ON write_queue (due_at);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE unified_write ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE write_queue ALTER COLUMN connector SET STATISTICS 0;
